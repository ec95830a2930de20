#include "base/code.h"

#include <errno.h>

static const char plain64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char url64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

void hex_put(struct buf *b, const void *p, size_t n)
{
	static const char digit[] = "0123456789abcdef";
	const uint8_t *in = p;
	for (size_t i = 0; i < n; i++) {
		buf_char(b, digit[in[i] >> 4]);
		buf_char(b, digit[in[i] & 15]);
	}
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int hex_get(struct str s, void *ret, size_t n)
{
	uint8_t *to = ret;
	if (s.len / 2 != n || s.len % 2)
		return -EINVAL;
	for (size_t i = 0; i < s.len; i++)
		if (hex_digit(s.p[i]) < 0)
			return -EINVAL;
	for (size_t i = 0; i < n; i++)
		to[i] = (uint8_t)(hex_digit(s.p[2 * i]) * 16 + hex_digit(s.p[2 * i + 1]));
	return 0;
}

static void put64(struct buf *b, const uint8_t *in, size_t n, const char *alphabet, bool pad)
{
	size_t len = pad ? (n + 2) / 3 * 4 : (n * 4 + 2) / 3;
	char *to = buf_room(b, len);
	if (!to)
		return;
	const char *end = to + len;
	for (size_t i = 0; i < n; i += 3) {
		size_t have = MIN(n - i, (size_t)3);
		uint32_t w = (uint32_t)in[i] << 16;
		if (have > 1)
			w |= (uint32_t)in[i + 1] << 8;
		if (have > 2)
			w |= in[i + 2];
		for (size_t k = 0; k < 4 && to < end; k++)
			*to++ = k <= have ? alphabet[w >> (18 - 6 * k) & 63] : '=';
	}
	b->len += len;
}

void base64_put(struct buf *b, const void *p, size_t n)
{
	put64(b, p, n, plain64, true);
}

void base64url_put(struct buf *b, const void *p, size_t n)
{
	put64(b, p, n, url64, false);
}

/* Without the padding, which must be right where there is some; -EINVAL. */
static int strip_pad(struct str *s, bool pad_needed)
{
	size_t pad = 0;
	while (pad < 2 && pad < s->len && s->p[s->len - 1 - pad] == '=')
		pad++;
	if ((pad > 0 || pad_needed) && s->len % 4 != 0)
		return -EINVAL;
	s->len -= pad;
	return s->len % 4 == 1 ? -EINVAL : 0;
}

/* The value of a digit in either alphabet's terms: its last two digits are c62 and c63. */
static int digit64(char c, char c62, char c63)
{
	/* clang-format off */
	static const int8_t values[] = { /* from '0' on */
		52, 53, 54, 55, 56, 57, 58, 59, 60, 61, -1, -1, -1, -1, -1, -1,
		-1, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14,
		15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, -1, -1, -1, -1, -1,
		-1, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40,
		41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, -1, -1, -1, -1, -1,
	};
	/* clang-format on */
	unsigned at = (unsigned)(unsigned char)c - '0';
	if (at < ARRAY_SIZE(values) && values[at] >= 0)
		return values[at];
	return c == c62 ? 62 : c == c63 ? 63 : -1;
}

static int get64(struct str s, struct buf *ret, const char *alphabet, bool pad_needed)
{
	uint32_t w = 0;
	unsigned bits = 0;
	int r = strip_pad(&s, pad_needed);
	if (r < 0)
		return r;
	size_t len = s.len / 4 * 3 + s.len % 4 * 6 / 8;
	uint8_t space[3], *to = (uint8_t *)buf_room(ret, len);
	for (size_t i = 0, at = 0; i < s.len; i++) {
		int v = digit64(s.p[i], alphabet[62], alphabet[63]);
		if (v < 0)
			return -EINVAL;
		w = w << 6 | (uint32_t)v;
		bits += 6;
		if (bits < 8)
			continue;
		bits -= 8;
		*(to ? &to[at++] : space) = (uint8_t)(w >> bits);
		w &= (1U << bits) - 1;
	}
	if (w != 0) /* bits after the last byte must be zero: one text per value */
		return -EINVAL;
	ret->len += to ? len : 0;
	return 0;
}

int base64_get(struct str s, struct buf *ret)
{
	return get64(s, ret, plain64, true);
}

int base64url_get(struct str s, struct buf *ret)
{
	return get64(s, ret, url64, false);
}

/* RFC 3629, section 4: the second byte's range depends on the first; the rest is 80..BF. */
static bool second_ok(uint8_t first, uint8_t second)
{
	switch (first) {
	case 0xe0:
		return second >= 0xa0 && second <= 0xbf;
	case 0xed:
		return second >= 0x80 && second <= 0x9f;
	case 0xf0:
		return second >= 0x90 && second <= 0xbf;
	case 0xf4:
		return second >= 0x80 && second <= 0x8f;
	default:
		return second >= 0x80 && second <= 0xbf;
	}
}

size_t utf8_seq_len(struct str s)
{
	const uint8_t *p = bytes_of(s).p;
	if (s.len == 0)
		return 0;
	if (p[0] < 0x80)
		return 1;
	if (p[0] < 0xc2 || p[0] > 0xf4)
		return 0;
	size_t n = p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
	if (s.len < n || !second_ok(p[0], p[1]))
		return 0;
	for (size_t i = 2; i < n; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	return n;
}

static void json_put_ascii(struct buf *b, char c)
{
	static const char short_form[128] = {
		['"'] = '"',  ['\\'] = '\\', ['\n'] = 'n', ['\r'] = 'r',
		['\t'] = 't', ['\b'] = 'b',  ['\f'] = 'f',
	};
	char esc = short_form[(uint8_t)c];
	if (esc) {
		buf_char(b, '\\');
		buf_char(b, esc);
	} else if ((uint8_t)c < ' ' || c == 0x7f) {
		buf_printf(b, "\\u%04x", (unsigned)c);
	} else {
		buf_char(b, c);
	}
}

void json_put_str(struct buf *b, struct str s)
{
	buf_char(b, '"');
	while (s.len > 0) {
		size_t n = utf8_seq_len(s);
		if (n == 0)
			buf_lit(b, "\xef\xbf\xbd");
		else if (n == 1)
			json_put_ascii(b, *s.p);
		else
			buf_put(b, s.p, n);
		s = str_sub(s, MAX(n, (size_t)1), s.len);
	}
	buf_char(b, '"');
}

void json_put_member(struct buf *b, const char *name, struct str value)
{
	buf_lit(b, ",\"");
	buf_str(b, str_of(name));
	buf_lit(b, "\":");
	json_put_str(b, value);
}
