/* Slices: pointer and length into memory that somebody else owns.  Never NUL-dependent. */
#pragma once

#include <string.h>

#include "base/base.h"

/* Text. */
struct str {
	const char *p;
	size_t len;
};

/* Binary. */
struct bytes {
	const uint8_t *p;
	size_t len;
};

#define STR(literal) ((struct str){ (literal), sizeof(literal) - 1 })
#define STR_INIT(literal)                      \
	{                                      \
		(literal), sizeof(literal) - 1 \
	}
/* For printf: "%" STR_FMT, STR_ARG(s). */
#define STR_FMT ".*s"
#define STR_ARG(s) (int)(s).len, (s).p

static inline struct str str_of(const char *cstr)
{
	return (struct str){ cstr, cstr ? strlen(cstr) : 0 };
}

static inline struct str str_n(const char *p, size_t len)
{
	return (struct str){ p, len };
}

static inline struct bytes bytes_of(struct str s)
{
	return (struct bytes){ (const uint8_t *)s.p, s.len };
}

static inline struct str str_from_bytes(struct bytes b)
{
	return (struct str){ (const char *)b.p, b.len };
}

static inline bool str_eq(struct str a, struct str b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.p, b.p, a.len) == 0);
}

/* Eight bytes with their ASCII capitals made small. */
static inline uint64_t str_fold8(uint64_t w)
{
	const uint64_t ones = 0x0101010101010101;
	uint64_t low7 = w & 0x7f * ones;
	uint64_t from_a = low7 + (0x80 - 'A') * ones;
	uint64_t past_z = low7 + (0x80 - 'Z' - 1) * ones;
	uint64_t capital = from_a & ~past_z & ~w & 0x80 * ones;
	return w | capital >> 2;
}

/* str_ieq() of texts of the same length. */
bool str_same_folded(const char *a, const char *b, size_t len);

/* Without regard to the case of ASCII letters. */
static inline bool str_ieq(struct str a, struct str b)
{
	return a.len == b.len && str_same_folded(a.p, b.p, a.len);
}
bool str_starts(struct str s, struct str prefix);
bool str_istarts(struct str s, struct str prefix);
bool str_ends(struct str s, struct str suffix);
int str_cmp(struct str a, struct str b);
/* The part from `from` on, at most len bytes; both are cut to what is there. */
static inline struct str str_sub(struct str s, size_t from, size_t len)
{
	from = MIN(from, s.len);
	return (struct str){ from > 0 ? s.p + from : s.p, MIN(len, s.len - from) };
}

/* Blank, tab, CR or LF. */
static inline bool str_is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Without blanks, tabs, CR and LF at both ends. */
static inline struct str str_trim(struct str s)
{
	while (s.len > 0 && str_is_space(s.p[s.len - 1]))
		s.len--;
	while (s.len > 0 && str_is_space(*s.p)) {
		s.p++;
		s.len--;
	}
	return s;
}

/* The index of the first c, or -1. */
ssize_t str_chr(struct str s, char c);
ssize_t str_rchr(struct str s, char c);
/* The index of the first occurrence of needle, or -1. */
ssize_t str_find(struct str s, struct str needle);
/* Cuts s at the first c: *head is what stands before it, *tail what follows.  False (head = s,
 * tail empty) if there is no c.  Outputs may be the input. */
bool str_cut(struct str s, char c, struct str *head, struct str *tail);
/* Whole-string decimal numbers without sign or blanks; -EINVAL, or -ERANGE above max. */
int str_to_u32(struct str s, uint32_t max, uint32_t *ret) MUST_CHECK;
int str_to_u64(struct str s, uint64_t max, uint64_t *ret) MUST_CHECK;
/* A NUL-terminated copy; the caller owns it. */
char *str_dup(struct str s) MUST_CHECK;

/* A set of ASCII characters, a bit each: `low` holds those below '@', `high` the others. */
struct charset {
	uint64_t low, high;
};
#define CHARSET_ONE(c) ((uint64_t)1 << ((c)&63))
#define CHARSET_SPAN(from, to) ((((uint64_t)2 << ((to) - (from))) - 1) << ((from)&63))
#define CHARSET_DIGITS CHARSET_SPAN('0', '9')                             /* low */
#define CHARSET_LETTERS (CHARSET_SPAN('A', 'Z') | CHARSET_SPAN('a', 'z')) /* high */

static inline bool str_in(char c, const struct charset *set)
{
	unsigned char u = (unsigned char)c;
	return u < 128 && ((u < 64 ? set->low : set->high) >> (u & 63) & 1);
}

/* A cursor over text.  Each function moves it past what it returns. */
struct scan {
	const char *p, *end;
};

static inline struct scan scan_of(struct str s)
{
	return (struct scan){ s.p, s.len > 0 ? s.p + s.len : s.p };
}

static inline struct str scan_left(const struct scan *sc)
{
	return (struct str){ sc->p, (size_t)(sc->end - sc->p) };
}

void scan_blanks_slowly(struct scan *sc);
/* Skips blanks and tabs (and folded line ends). */
static inline void scan_blanks(struct scan *sc)
{
	if (sc->p < sc->end && *sc->p <= ' ')
		scan_blanks_slowly(sc);
}
/* True and past it if the next byte is c. */
static inline bool scan_char(struct scan *sc, char c)
{
	if (sc->p == sc->end || *sc->p != c)
		return false;
	sc->p++;
	return true;
}
/* What stands before the first of the bytes in `stop` (or the end); stop byte not consumed. */
struct str scan_until(struct scan *sc, const char *stop);
