/* Slices of text and a bounded writer: what the generator reads and makes SIP with. */
#pragma once

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#define UNUSED __attribute__((unused))

struct str {
	const char *p;
	size_t n;
};
#define STR(lit) ((struct str){ (lit), sizeof(lit) - 1 })

static inline struct str str_of(const char *z)
{
	return (struct str){ z, strlen(z) };
}

bool str_eq(struct str a, struct str b);
/* ASCII letters alike in either case. */
bool str_ieq(struct str a, struct str b);
bool str_starts(struct str s, struct str with);
struct str str_trim(struct str s);
/* What stands before the first c; *s keeps what follows it.  Without a c: all, and *s is empty. */
struct str str_cut(struct str *s, char c);
/* Decimal or hexadecimal digits and nothing else; false if not or if it does not fit. */
bool str_u32(struct str s, unsigned base, uint32_t *ret);
/* A copy that the caller frees; aborts without memory. */
char *str_dup(struct str s);

/* Appends to memory of fixed size; what does not fit is left out and `full` says so. */
struct out {
	char *p;
	size_t n, cap;
	bool full;
};

void out_str(struct out *o, struct str s);
#define out_lit(o, lit) out_str((o), STR(lit))
void out_u32(struct out *o, uint32_t v);
void out_hex(struct out *o, uint32_t v);
static inline struct str out_view(const struct out *o)
{
	return (struct str){ o->p, o->n };
}

typedef uint64_t usec_t;
#define USEC_PER_SEC 1000000ull
#define USEC_PER_MSEC 1000ull

/* The monotonic clock. */
usec_t now_usec(void);

/* Memory or the end of the program; zeroed. */
void *xalloc(size_t n, size_t size);
/* Prints the sentence on standard error and exits with status 2. */
void die(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));
