/* The first bytes of a connection, read without being taken: to see who is to have it. */
#pragma once

#include "base/buf.h"
#include "loop/loop.h"

struct peek; /* opaque */

enum { PEEK_MAX = 16 * 1024 /* bytes that are looked at */ };

/* err 0: so many bytes have come; when that is enough to decide, call peek_take(), or peek_free()
 * to end the connection; else it is called again with more.  Other: the connection has ended or
 * time has passed (-ETIMEDOUT), and is freed behind the call. */
typedef void peek_fn(void *arg, struct peek *p, struct bytes first, int err);

/* Takes a connected, non-blocking TCP socket. */
struct peek *peek_new(struct loop *l, int fd, usec_t max, peek_fn *fn, void *arg);
/* From within the function: it is called again once there are `n` bytes in all, or when the
 * connection ends; otherwise with each byte more. */
void peek_want(struct peek *p, size_t n);
/* Hands the descriptor over; all its bytes are still to be read. */
int peek_take(struct peek **pp) MUST_CHECK;
/* Closes the descriptor. */
void peek_free(struct peek **pp);
