#include "base/isotime.h"

#include <errno.h>
#include <time.h>

enum { FRACTION_DIGITS = 6, OFFSET_MAX_H = 14 /* xsd:dateTime */ };

/* Takes n digits; their value, or -1. */
static int digits(struct scan *sc, int n)
{
	int v = 0;
	for (; n > 0; n--, sc->p++) {
		if (sc->p == sc->end || *sc->p < '0' || *sc->p > '9')
			return -1;
		v = v * 10 + (*sc->p - '0');
	}
	return v;
}

/* Digits, then a byte that must follow; false if they do not stand there. */
static bool field(struct scan *sc, int n, char behind, int *ret)
{
	*ret = digits(sc, n);
	return *ret >= 0 && (behind == '\0' || scan_char(sc, behind));
}

static bool read_clock(struct scan *sc, struct tm *tm)
{
	if (!field(sc, 2, ':', &tm->tm_hour) || !field(sc, 2, ':', &tm->tm_min) ||
	    !field(sc, 2, '\0', &tm->tm_sec))
		return false;
	if (tm->tm_sec == 60)
		tm->tm_sec = 59;
	return tm->tm_hour < 24 && tm->tm_min < 60 && tm->tm_sec < 60;
}

static bool read_date(struct scan *sc, struct tm *tm)
{
	if (!field(sc, 4, '-', &tm->tm_year) || !field(sc, 2, '-', &tm->tm_mon) ||
	    !field(sc, 2, '\0', &tm->tm_mday))
		return false;
	tm->tm_year -= 1900;
	tm->tm_mon--;
	return scan_char(sc, 'T') || scan_char(sc, 't');
}

/* Microseconds; -1 without a digit behind the dot. */
static int read_fraction(struct scan *sc)
{
	int v = 0, n = 0, d;
	if (!scan_char(sc, '.'))
		return 0;
	for (; sc->p < sc->end && *sc->p >= '0' && *sc->p <= '9'; sc->p++, n++) {
		d = *sc->p - '0';
		v = n < FRACTION_DIGITS ? v * 10 + d : v;
	}
	for (int i = n; i < FRACTION_DIGITS; i++)
		v *= 10;
	return n > 0 ? v : -1;
}

/* Seconds that the local time is before UTC. */
static bool read_offset(struct scan *sc, int *ret)
{
	int h, m;
	*ret = 0;
	if (sc->p == sc->end || scan_char(sc, 'Z') || scan_char(sc, 'z'))
		return true;
	bool east = scan_char(sc, '+');
	if ((!east && !scan_char(sc, '-')) || !field(sc, 2, ':', &h) || !field(sc, 2, '\0', &m))
		return false;
	*ret = (east ? -60 : 60) * (h * 60 + m);
	return m < 60 && h * 60 + m <= OFFSET_MAX_H * 60;
}

int isotime_parse(usec_t *ret, struct str s)
{
	struct scan sc = scan_of(s);
	struct tm tm = { 0 };
	int us, offset;
	if (!read_date(&sc, &tm) || !read_clock(&sc, &tm))
		return -EINVAL;
	us = read_fraction(&sc);
	if (us < 0 || !read_offset(&sc, &offset) || sc.p != sc.end)
		return -EINVAL;
	struct tm same = tm;
	int64_t t = timegm(&same);
	if (same.tm_mday != tm.tm_mday || same.tm_mon != tm.tm_mon)
		return -EINVAL; /* no such day: it was carried over */
	t += offset;
	if (t < 0 || t > ISOTIME_MAX_S)
		return -ERANGE;
	*ret = (usec_t)t * USEC_PER_SEC + (usec_t)us;
	return 0;
}

static void put_digits(struct buf *b, unsigned v, unsigned n)
{
	char digits[8];
	for (unsigned i = n; i > 0; i--, v /= 10)
		digits[i - 1] = (char)('0' + v % 10);
	buf_put(b, digits, n);
}

/* Without printf: it stands in every notification. */
void isotime_put(struct buf *b, usec_t t)
{
	t = MIN(t, (usec_t)ISOTIME_MAX_S * USEC_PER_SEC);
	time_t s = (time_t)(t / USEC_PER_SEC);
	unsigned us = (unsigned)(t % USEC_PER_SEC);
	struct tm tm;
	(void)gmtime_r(&s, &tm);
	put_digits(b, (unsigned)tm.tm_year + 1900, 4);
	buf_char(b, '-');
	put_digits(b, (unsigned)tm.tm_mon + 1, 2);
	buf_char(b, '-');
	put_digits(b, (unsigned)tm.tm_mday, 2);
	buf_char(b, 'T');
	put_digits(b, (unsigned)tm.tm_hour, 2);
	buf_char(b, ':');
	put_digits(b, (unsigned)tm.tm_min, 2);
	buf_char(b, ':');
	put_digits(b, (unsigned)tm.tm_sec, 2);
	if (us > 0) {
		buf_char(b, '.');
		put_digits(b, us, 6);
	}
	buf_char(b, 'Z');
}
