/* Which packets of one source were there: their full index from the number that they carry, and the
 * replay window (RFC 3711 sections 3.3.1 and 3.3.2, appendix A).  Pure; all zero is a new one. */
#pragma once

#include "base/base.h"

struct srtp_window {
	uint64_t top;     /* the highest index; 0 if there was none */
	uint64_t seen[2]; /* bit n: top - n was there; the lowest is set once there was a packet */
};

/* The index of a packet that carries the low 16 bits of it: the one nearest to the highest so far.
 * May be beyond 2^48, which no packet has. */
uint64_t srtp_window_index(const struct srtp_window *w, uint16_t seq);
/* Not there yet and not too old to tell. */
bool srtp_window_is_fresh(const struct srtp_window *w, uint64_t index);
/* For an index that is fresh, once its packet is known to be authentic. */
void srtp_window_mark(struct srtp_window *w, uint64_t index);
/* One above the highest; 0 if there was none. */
uint64_t srtp_window_next(const struct srtp_window *w);
