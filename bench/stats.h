/* What one step of the generator counts, and its line of JSON. */
#pragma once

#include "latency.h"
#include "options.h"
#include "text.h"

enum { FAILURES_MAX = 24 };

struct failure {
	char word[24]; /* "timeout", "reset", "503" */
	uint64_t n;
};

struct stats {
	uint64_t done, errors;
	uint64_t challenges;  /* 401 and 407 that were answered */
	uint64_t retransmits; /* requests and 2xx that were sent again */
	uint64_t retries;     /* sign-ins begun anew */
	uint64_t stray;       /* late or repeated messages */
	uint64_t unexpected;  /* requests that belong to no operation */
	uint64_t misrouted;   /* at the wrong client, or changed on the way */
	uint64_t forged;      /* messages without the right signature of the server */
	uint64_t malformed;   /* messages that could not be read */
	struct failure failure[FAILURES_MAX];
	size_t n_failures;
	struct latency latency;
	usec_t began, ended;
	double load_cpu_s; /* of the generator when the step began, then during it */
};

void stats_begin(struct stats *s);
/* An operation ended well. */
void stats_done(struct stats *s, usec_t began, usec_t now);
/* Something failed; whether it counts as an error is the caller's. */
void stats_failure(struct stats *s, const char *word);
/* Prints the line; `more` stands at its end (", \"name\": value" or nothing). */
void stats_print(struct stats *s, const struct options *o, const struct step *st, struct str more);
