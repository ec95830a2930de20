#include "base/code.h"
#include "svc/file/file.h"

/* Names that people gave their files, and what the content says of itself. */

/* Marks that turn the direction of the text around them, or cannot be seen: "exe.fdp" that is shown
 * as "pdf.exe". */
static bool is_mark(struct str seq)
{
	uint32_t c = 0;
	if (seq.len != 3)
		return false;
	c = ((uint32_t)(uint8_t)seq.p[0] & 0x0f) << 12 | ((uint32_t)(uint8_t)seq.p[1] & 0x3f) << 6 |
	    ((uint32_t)(uint8_t)seq.p[2] & 0x3f);
	return (c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
	       (c >= 0x2066 && c <= 0x2069) || c == 0xfeff;
}

static bool is_control(struct str seq)
{
	uint8_t c = (uint8_t)seq.p[0];
	return c < ' ' || c == 0x7f || (seq.len == 2 && c == 0xc2 && (uint8_t)seq.p[1] < 0xa0);
}

void file_put_name(struct buf *b, struct str name)
{
	size_t begin = b->len;
	ssize_t slash = str_rchr(name, '/'), back = str_rchr(name, '\\');
	name = str_sub(name, (size_t)(MAX(slash, back) + 1), name.len);
	name = str_trim(name);
	while (name.len > 0) {
		size_t n = utf8_seq_len(name);
		struct str seq = str_sub(name, 0, MAX(n, (size_t)1));
		name = str_sub(name, seq.len, name.len);
		if (b->len - begin + seq.len > FILE_NAME_MAX)
			break;
		if (n > 0 && !is_control(seq) && !is_mark(seq))
			buf_str(b, seq);
	}
	struct str put = str_trim(str_n(b->p + begin, b->len - begin));
	if (put.len == 0 || str_eq(put, STR(".")) || str_eq(put, STR(".."))) {
		b->len = begin;
		buf_lit(b, "file");
	}
}

static bool is_webp(struct str b)
{
	return str_starts(b, STR("RIFF")) && str_eq(str_sub(b, 8, 4), STR("WEBP"));
}

struct str file_type_of(struct str begin)
{
	if (str_starts(begin, STR("\x89PNG\r\n\x1a\n")))
		return STR("image/png");
	if (str_starts(begin, STR("\xff\xd8\xff")))
		return STR("image/jpeg");
	if (str_starts(begin, STR("GIF87a")) || str_starts(begin, STR("GIF89a")))
		return STR("image/gif");
	if (is_webp(begin))
		return STR("image/webp");
	return STR("application/octet-stream");
}

bool file_is_picture(struct str type)
{
	return str_starts(type, STR("image/"));
}
