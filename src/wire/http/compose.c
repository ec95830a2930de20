#include "wire/http/compose.h"

#include <errno.h>
#include <stdio.h>
#include <time.h>

static const char days[] = "SunMonTueWedThuFriSat";
static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

static bool is_clean(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.p[i] == '\r' || s.p[i] == '\n' || s.p[i] == '\0')
			return false;
	return true;
}

static void put_clean(struct buf *b, struct str s)
{
	if (is_clean(s)) {
		buf_str(b, s);
		return;
	}
	for (size_t i = 0; i < s.len; i++)
		if (s.p[i] != '\r' && s.p[i] != '\n' && s.p[i] != '\0')
			buf_char(b, s.p[i]);
}

void http_put_status(struct buf *b, unsigned status)
{
	buf_lit(b, "HTTP/1.1 ");
	buf_dec(b, status);
	buf_char(b, ' ');
	buf_str(b, http_reason(status));
	buf_lit(b, "\r\n");
}

void http_put_request(struct buf *b, struct str method, struct str target)
{
	put_clean(b, method);
	buf_char(b, ' ');
	put_clean(b, target);
	buf_lit(b, " HTTP/1.1\r\n");
}

void http_put_field(struct buf *b, struct str name, struct str value)
{
	put_clean(b, name);
	buf_lit(b, ": ");
	put_clean(b, value);
	buf_lit(b, "\r\n");
}

void http_put_number(struct buf *b, struct str name, uint64_t value)
{
	put_clean(b, name);
	buf_lit(b, ": ");
	buf_dec(b, value);
	buf_lit(b, "\r\n");
}

void http_put_content_range(struct buf *b, uint64_t from, uint64_t n, uint64_t len)
{
	char text[80];
	struct buf v = BUF_ON(text);
	if (n > 0)
		buf_printf(&v, "bytes %llu-%llu/%llu", (unsigned long long)from,
		           (unsigned long long)(from + n - 1), (unsigned long long)len);
	else
		buf_printf(&v, "bytes */%llu", (unsigned long long)len);
	http_put_field(b, STR("Content-Range"), buf_view(&v));
}

void http_put_end(struct buf *b)
{
	buf_lit(b, "\r\n");
}

void http_put_chunk(struct buf *b, size_t len)
{
	buf_printf(b, "%zx\r\n", len);
}

void http_put_last_chunk(struct buf *b)
{
	buf_lit(b, "0\r\n\r\n");
}

void http_put_date(struct buf *b, uint64_t unix_s)
{
	struct tm tm;
	time_t t = (time_t)unix_s;
	(void)gmtime_r(&t, &tm);
	buf_printf(b, "%.3s, %02d %.3s %04d %02d:%02d:%02d GMT", days + 3 * tm.tm_wday, tm.tm_mday,
	           months + 3 * tm.tm_mon, tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

static int number(struct str s, size_t at, size_t len)
{
	uint32_t n;
	return str_to_u32(str_sub(s, at, len), 9999, &n) < 0 ? -1 : (int)n;
}

static int month_of(struct str s)
{
	for (int m = 0; m < 12; m++)
		if (memcmp(s.p + 8, months + m * 3L, 3) == 0)
			return m;
	return -1;
}

int http_date_parse(struct str s, uint64_t *ret_unix_s)
{
	char again[HTTP_DATE_LEN + 16];
	struct buf b = BUF_ON(again);
	if (s.len != HTTP_DATE_LEN)
		return -EBADMSG;
	struct tm tm = { .tm_mday = number(s, 5, 2),
		         .tm_mon = month_of(s),
		         .tm_year = number(s, 12, 4) - 1900,
		         .tm_hour = number(s, 17, 2),
		         .tm_min = number(s, 20, 2),
		         .tm_sec = number(s, 23, 2) };
	time_t t = timegm(&tm);
	if (t < 0)
		return -EBADMSG;
	/* Whatever was not as it should be is written otherwise. */
	http_put_date(&b, (uint64_t)t);
	if (!str_eq(buf_view(&b), s))
		return -EBADMSG;
	*ret_unix_s = (uint64_t)t;
	return 0;
}
