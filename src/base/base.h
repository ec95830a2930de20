/* The few definitions that every file of the project uses: time unit, attributes, allocation that
 * cannot fail, scoped clean-up. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Microseconds, of a clock or a span.  Pure code receives `now`; only loop/ reads the clock. */
typedef uint64_t usec_t;
#define USEC_INFINITY UINT64_MAX
#define USEC_PER_SEC ((usec_t)1000000)
#define USEC_PER_MSEC ((usec_t)1000)

#define UNUSED __attribute__((unused))
/* A big local variable on a hot path that is written before it is read: the compiler's zeroing
 * (-ftrivial-auto-var-init) is left out. */
#if __has_attribute(uninitialized)
#define RAW_MEMORY __attribute__((uninitialized))
#else
#define RAW_MEMORY
#endif
#define MUST_CHECK __attribute__((warn_unused_result))
#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#undef MIN /* <sys/param.h> has its own */
#undef MAX
#define MIN(a, b) ((a) < (b) ? (a) : (b))
#define MAX(a, b) ((a) > (b) ? (a) : (b))
#define CLAMP(v, lo, hi) ((v) < (lo) ? (lo) : (v) > (hi) ? (hi) : (v))
#define container_of(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

/* `auto_(x_free) struct x *x = ...;` frees at the end of the scope; x_free takes struct x **. */
#define auto_(free_fn) __attribute__((cleanup(free_fn)))
/* Hands a pointer over: its value, while the variable becomes NULL. */
#define take(pp)                            \
	({                                  \
		__auto_type taken_ = *(pp); \
		*(pp) = NULL;               \
		taken_;                     \
	})

/* Zeroed memory for one object of a fixed, small size; aborts when there is none (the supervisor
 * starts the role again).  Sizes that come from a peer are capped before they get here. */
#define xnew(type) ((type *)xcalloc(1, sizeof(type)))
void *xcalloc(size_t n, size_t size) MUST_CHECK;
/* Not zeroed. */
void *xmalloc(size_t size) MUST_CHECK;
void *xrealloc(void *p, size_t size) MUST_CHECK;
/* A NUL-terminated copy of n bytes; the caller owns it. */
char *xstrndup(const char *s, size_t n) MUST_CHECK;
/* free() for auto_(): frees *p and clears it. */
void xfreep(void *pp);
/* Overwrites memory that held a secret; never optimised away. */
void wipe(void *p, size_t n);
/* Equal, in a time that depends on n alone.  For secrets and tokens. */
bool same_secret(const void *a, const void *b, size_t n) MUST_CHECK;
