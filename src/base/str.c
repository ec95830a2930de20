#include "base/str.h"

#include <errno.h>

/* The up to seven bytes at p, as one number that is the same for the same bytes. */
static inline uint64_t load_tail(const char *p, size_t n)
{
	uint32_t low = 0, high = 0;
	if (n >= 4) {
		memcpy(&low, p, 4);
		memcpy(&high, p + n - 4, 4);
		return (uint64_t)high << 32 | low;
	}
	if (n == 0)
		return 0;
	/* One to three bytes: the first, the middle one, the last. */
	return (uint64_t)(uint8_t)p[0] << 16 | (uint64_t)(uint8_t)p[n / 2] << 8 | (uint8_t)p[n - 1];
}

bool str_same_folded(const char *a, const char *b, size_t len)
{
	for (; len >= 8; a += 8, b += 8, len -= 8) {
		uint64_t x, y;
		memcpy(&x, a, 8);
		memcpy(&y, b, 8);
		if (x != y && str_fold8(x) != str_fold8(y))
			return false;
	}
	return str_fold8(load_tail(a, len)) == str_fold8(load_tail(b, len));
}

bool str_starts(struct str s, struct str prefix)
{
	return s.len >= prefix.len && str_eq(str_n(s.p, prefix.len), prefix);
}

bool str_istarts(struct str s, struct str prefix)
{
	return s.len >= prefix.len && str_ieq(str_n(s.p, prefix.len), prefix);
}

bool str_ends(struct str s, struct str suffix)
{
	return s.len >= suffix.len && str_eq(str_sub(s, s.len - suffix.len, suffix.len), suffix);
}

int str_cmp(struct str a, struct str b)
{
	size_t n = MIN(a.len, b.len);
	int r = n > 0 ? memcmp(a.p, b.p, n) : 0;
	if (r != 0)
		return r;
	return a.len < b.len ? -1 : a.len > b.len;
}

ssize_t str_chr(struct str s, char c)
{
	const char *at = s.len > 0 ? memchr(s.p, c, s.len) : NULL;
	return at ? at - s.p : -1;
}

ssize_t str_rchr(struct str s, char c)
{
	const char *at = s.len > 0 ? memrchr(s.p, c, s.len) : NULL;
	return at ? at - s.p : -1;
}

ssize_t str_find(struct str s, struct str needle)
{
	if (needle.len == 0)
		return 0;
	const char *at = s.len > 0 ? memmem(s.p, s.len, needle.p, needle.len) : NULL;
	return at ? at - s.p : -1;
}

bool str_cut(struct str s, char c, struct str *head, struct str *tail)
{
	ssize_t at = str_chr(s, c);
	if (at < 0) {
		*head = s;
		*tail = str_sub(s, s.len, 0);
		return false;
	}
	*head = str_sub(s, 0, (size_t)at);
	*tail = str_sub(s, (size_t)at + 1, s.len);
	return true;
}

int str_to_u64(struct str s, uint64_t max, uint64_t *ret)
{
	uint64_t v = 0;
	bool over = false;
	if (s.len == 0)
		return -EINVAL;
	for (size_t i = 0; i < s.len; i++) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return -EINVAL;
		unsigned digit = (unsigned)(s.p[i] - '0');
		if (__builtin_mul_overflow(v, 10U, &v) || __builtin_add_overflow(v, digit, &v))
			over = true;
	}
	if (over || v > max)
		return -ERANGE;
	*ret = v;
	return 0;
}

int str_to_u32(struct str s, uint32_t max, uint32_t *ret)
{
	uint64_t v;
	int r = str_to_u64(s, max, &v);
	if (r == 0)
		*ret = (uint32_t)v;
	return r;
}

char *str_dup(struct str s)
{
	return xstrndup(s.p, s.len);
}

/* How many bytes of a folded line end stand at p: the line end alone, 0 if it is not one. */
static size_t fold_len(const char *p, const char *end)
{
	size_t n = p < end && *p == '\r' ? 1 : 0;
	if (end - p < (ptrdiff_t)n + 2 || p[n] != '\n')
		return 0;
	return p[n + 1] == ' ' || p[n + 1] == '\t' ? n + 1 : 0;
}

void scan_blanks_slowly(struct scan *sc)
{
	while (sc->p < sc->end) {
		size_t n = *sc->p == ' ' || *sc->p == '\t' ? 1 : fold_len(sc->p, sc->end);
		if (n == 0)
			return;
		sc->p += n;
	}
}

struct str scan_until(struct scan *sc, const char *stop)
{
	size_t n_stop = strlen(stop);
	const char *start = sc->p;
	while (sc->p < sc->end && !memchr(stop, *sc->p, n_stop))
		sc->p++;
	return (struct str){ start, (size_t)(sc->p - start) };
}
