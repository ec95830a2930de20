/* How long things took: a histogram that is at most one eighth too high. */
#pragma once

#include "text.h"

enum { LATENCY_BUCKETS = 320 };

struct latency {
	uint64_t n;
	uint32_t bucket[LATENCY_BUCKETS];
	usec_t max;
};

void latency_add(struct latency *l, usec_t took);
/* The figure that so many per cent do not exceed; 0 if there is none. */
usec_t latency_percentile(const struct latency *l, unsigned percent);
