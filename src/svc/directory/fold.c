#include "svc/directory/fold.h"

#include "base/code.h"

enum { TABLE_FIRST = 0xc0, TABLE_LAST = 0x17f };

/* clang-format off */
static const char table[TABLE_LAST - TABLE_FIRST + 1][3] = {
	"a", "a", "a", "a", "a", "a", "ae", "c", "e", "e", "e", "e", "i", "i", "i", "i", /* U+00C0 */
	"d", "n", "o", "o", "o", "o", "o", " ", "o", "u", "u", "u", "u", "y", "th", "ss", /* U+00D0 */
	"a", "a", "a", "a", "a", "a", "ae", "c", "e", "e", "e", "e", "i", "i", "i", "i", /* U+00E0 */
	"d", "n", "o", "o", "o", "o", "o", " ", "o", "u", "u", "u", "u", "y", "th", "y", /* U+00F0 */
	"a", "a", "a", "a", "a", "a", "c", "c", "c", "c", "c", "c", "c", "c", "d", "d", /* U+0100 */
	"d", "d", "e", "e", "e", "e", "e", "e", "e", "e", "e", "e", "g", "g", "g", "g", /* U+0110 */
	"g", "g", "g", "g", "h", "h", "h", "h", "i", "i", "i", "i", "i", "i", "i", "i", /* U+0120 */
	"i", "i", "ij", "ij", "j", "j", "k", "k", "k", "l", "l", "l", "l", "l", "l", "l", /* U+0130 */
	"l", "l", "l", "n", "n", "n", "n", "n", "n", "n", "ng", "ng", "o", "o", "o", "o", /* U+0140 */
	"o", "o", "oe", "oe", "r", "r", "r", "r", "r", "r", "s", "s", "s", "s", "s", "s", /* U+0150 */
	"s", "s", "t", "t", "t", "t", "t", "t", "u", "u", "u", "u", "u", "u", "u", "u", /* U+0160 */
	"u", "u", "u", "u", "w", "w", "y", "y", "y", "z", "z", "z", "z", "z", "z", "s", /* U+0170 */
};
/* clang-format on */

/* The code points of two bytes: U+0080 to U+07FF. */
static void put_two(struct buf *b, uint32_t c)
{
	if (c < TABLE_FIRST) {
		buf_char(b, ' ');
		return;
	}
	if (c <= TABLE_LAST) {
		buf_str(b, str_of(table[c - TABLE_FIRST]));
		return;
	}
	if (c >= 0x300 && c <= 0x36f)
		return;
	if ((c >= 0x391 && c <= 0x3a9) || (c >= 0x410 && c <= 0x42f))
		c += 0x20;
	else if (c >= 0x400 && c <= 0x40f)
		c += 0x50;
	buf_u8(b, (uint8_t)(0xc0 | c >> 6));
	buf_u8(b, (uint8_t)(0x80 | (c & 0x3f)));
}

/* Dashes and quotation marks: U+2010 to U+2027. */
static bool is_mark(const uint8_t *p)
{
	return p[0] == 0xe2 && p[1] == 0x80 && p[2] >= 0x90 && p[2] <= 0xa7;
}

static void put_seq(struct buf *b, struct str seq)
{
	const uint8_t *p = (const uint8_t *)seq.p;
	if (seq.len == 1)
		buf_char(b, (char)(p[0] >= 'A' && p[0] <= 'Z' ? p[0] + 'a' - 'A' : p[0]));
	else if (seq.len == 2)
		put_two(b, (uint32_t)(p[0] & 0x1f) << 6 | (p[1] & 0x3f));
	else if (seq.len == 0 || is_mark(p))
		buf_char(b, ' ');
	else
		buf_str(b, seq);
}

void fold_put(struct buf *b, struct str s)
{
	while (s.len > 0) {
		size_t n = utf8_seq_len(s);
		put_seq(b, str_sub(s, 0, n));
		s = str_sub(s, n ? n : 1, s.len);
	}
}

static bool in_word(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (uint8_t)c >= 0x80;
}

bool fold_word(struct str *rest, struct str *ret)
{
	size_t from = 0, to;
	while (from < rest->len && !in_word(rest->p[from]))
		from++;
	for (to = from; to < rest->len && in_word(rest->p[to]);)
		to++;
	*ret = str_sub(*rest, from, to - from);
	*rest = str_sub(*rest, to, rest->len);
	return ret->len > 0;
}
