#include "latency.h"

/* Buckets: SUB for each doubling. */
enum { SUB = 8, SUB_BITS = 3 };

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

void latency_add(struct latency *l, usec_t took)
{
	l->n++;
	l->bucket[bucket_of(took)]++;
	if (took > l->max)
		l->max = took;
}

usec_t latency_percentile(const struct latency *l, unsigned percent)
{
	uint64_t seen = 0, wanted = (l->n * percent + 99) / 100;
	for (unsigned b = 0; b < LATENCY_BUCKETS && l->n > 0; b++) {
		seen += l->bucket[b];
		if (seen >= wanted)
			return bucket_top(b) < l->max ? bucket_top(b) : l->max;
	}
	return 0;
}
