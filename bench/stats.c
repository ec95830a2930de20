#include "stats.h"

#include <inttypes.h>
#include <stdio.h>
#include <sys/resource.h>

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

void stats_done(struct stats *s, usec_t began, usec_t now)
{
	s->done++;
	s->ended = now;
	latency_add(&s->latency, now - began);
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

static void print_failures(const struct stats *s)
{
	printf("\"failures\": {");
	for (size_t i = 0; i < s->n_failures; i++)
		printf("%s\"%s\": %" PRIu64, i ? ", " : "", s->failure[i].word, s->failure[i].n);
	printf("}");
}

void stats_print(struct stats *s, const struct options *o, const struct step *st, struct str more)
{
	static const char *const transports[] = { [UDP] = "udp", [TCP] = "tcp", [TLS] = "tls" };
	double wall = (double)(s->ended - s->began) / 1e6;
	printf("{\"op\": \"%s\", \"transport\": \"%s\", \"ops\": %" PRIu64 ", \"errors\": %" PRIu64
	       ", ",
	       st->name, transports[o->net.transport], s->done, s->errors);
	printf("\"retransmits\": %" PRIu64 ", \"challenges\": %" PRIu64 ", \"retries\": %" PRIu64
	       ", \"stray\": %" PRIu64 ", ",
	       s->retransmits, s->challenges, s->retries, s->stray);
	printf("\"unexpected\": %" PRIu64 ", \"misrouted\": %" PRIu64 ", \"malformed\": %" PRIu64
	       ", \"forged\": %" PRIu64 ", ",
	       s->unexpected, s->misrouted, s->malformed, s->forged);
	print_failures(s);
	printf(", \"wall_s\": %.6f, \"rate\": %.1f, \"load_cpu_s\": %.6f, \"p50_us\": %" PRIu64
	       ", \"p95_us\": %" PRIu64 ", \"max_us\": %" PRIu64 "%.*s}\n",
	       wall, wall > 0 ? (double)s->done / wall : 0.0, own_cpu_s() - s->load_cpu_s,
	       latency_percentile(&s->latency, 50), latency_percentile(&s->latency, 95),
	       s->latency.max, (int)more.n, more.p);
	(void)fflush(stdout);
}
