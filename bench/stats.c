#include "stats.h"

#include <inttypes.h>
#include <stdio.h>
#include <sys/resource.h>

/* Buckets: SUB for each doubling, so a figure is at most one eighth too high. */
enum { SUB = 8, SUB_BITS = 3 };

static double own_cpu_s(void)
{
	struct rusage u;
	(void)getrusage(RUSAGE_SELF, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
	       (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

void stats_begin(struct stats *s)
{
	*s = (struct stats){ .began = now_usec(), .load_cpu_s = own_cpu_s() };
	s->ended = s->began;
}

static unsigned bucket_of(usec_t us)
{
	if (us < SUB)
		return (unsigned)us;
	unsigned top = 63 - (unsigned)__builtin_clzll(us), shift = top - SUB_BITS;
	unsigned b = (shift + 1) * SUB + ((unsigned)(us >> shift) - SUB);
	return b < LATENCY_BUCKETS ? b : LATENCY_BUCKETS - 1;
}

/* The greatest value of a bucket. */
static usec_t bucket_top(unsigned b)
{
	if (b < SUB)
		return b;
	unsigned shift = b / SUB - 1;
	return ((usec_t)(b % SUB + SUB + 1) << shift) - 1;
}

void stats_done(struct stats *s, usec_t began, usec_t now)
{
	usec_t took = now - began;
	s->done++;
	s->ended = now;
	s->latency[bucket_of(took)]++;
	if (took > s->latency_max)
		s->latency_max = took;
}

void stats_failure(struct stats *s, const char *word)
{
	size_t i = 0;
	while (i < s->n_failures && strcmp(s->failure[i].word, word) != 0)
		i++;
	if (i == s->n_failures) {
		if (i == FAILURES_MAX)
			return;
		(void)snprintf(s->failure[i].word, sizeof(s->failure[i].word), "%s", word);
		s->n_failures++;
	}
	s->failure[i].n++;
}

static usec_t percentile(const struct stats *s, unsigned percent)
{
	uint64_t seen = 0, wanted = (s->done * percent + 99) / 100;
	for (unsigned b = 0; b < LATENCY_BUCKETS && s->done > 0; b++) {
		seen += s->latency[b];
		if (seen >= wanted)
			return bucket_top(b) < s->latency_max ? bucket_top(b) : s->latency_max;
	}
	return 0;
}

static void print_failures(const struct stats *s)
{
	printf("\"failures\": {");
	for (size_t i = 0; i < s->n_failures; i++)
		printf("%s\"%s\": %" PRIu64, i ? ", " : "", s->failure[i].word, s->failure[i].n);
	printf("}");
}

void stats_print(struct stats *s, const struct options *o, const struct step *st)
{
	static const char *const transports[] = { [UDP] = "udp", [TCP] = "tcp", [TLS] = "tls" };
	double wall = (double)(s->ended - s->began) / 1e6;
	printf("{\"op\": \"%s\", \"transport\": \"%s\", \"ops\": %" PRIu64 ", \"errors\": %" PRIu64
	       ", ",
	       op_names[st->kind], transports[o->net.transport], s->done, s->errors);
	printf("\"retransmits\": %" PRIu64 ", \"challenges\": %" PRIu64 ", \"retries\": %" PRIu64
	       ", \"stray\": %" PRIu64 ", ",
	       s->retransmits, s->challenges, s->retries, s->stray);
	printf("\"unexpected\": %" PRIu64 ", \"misrouted\": %" PRIu64 ", \"malformed\": %" PRIu64
	       ", \"forged\": %" PRIu64 ", ",
	       s->unexpected, s->misrouted, s->malformed, s->forged);
	print_failures(s);
	printf(", \"wall_s\": %.6f, \"rate\": %.1f, \"load_cpu_s\": %.6f, \"p50_us\": %" PRIu64
	       ", \"p95_us\": %" PRIu64 ", \"max_us\": %" PRIu64 "}\n",
	       wall, wall > 0 ? (double)s->done / wall : 0.0, own_cpu_s() - s->load_cpu_s,
	       percentile(s, 50), percentile(s, 95), s->latency_max);
	(void)fflush(stdout);
}
