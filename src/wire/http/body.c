#include "wire/http/body.h"

#include <errno.h>

struct http_body http_body_of(const struct http_msg *m)
{
	static const uint8_t states[] = {
		[HTTP_BODY_NONE] = HTTP_BODY_DONE,
		[HTTP_BODY_LENGTH] = HTTP_BODY_PLAIN,
		[HTTP_BODY_CHUNKED] = HTTP_BODY_SIZE,
		[HTTP_BODY_CLOSE] = HTTP_BODY_ALL,
	};
	return (struct http_body){ .state = states[m->framing], .left = m->body_len };
}

/* One whole line without its CRLF: 1; 0 if it has not come yet; -EBADMSG; -E2BIG. */
static int take_line(struct str in, size_t max, size_t *ret_used, struct str *ret)
{
	ssize_t lf = str_chr(str_sub(in, 0, max), '\n');
	if (lf < 0)
		return in.len >= max ? -E2BIG : 0;
	if (lf == 0 || in.p[lf - 1] != '\r')
		return -EBADMSG;
	*ret_used = (size_t)lf + 1;
	*ret = str_sub(in, 0, (size_t)lf - 1);
	return 1;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* At most 15 digits, so that no sum of sizes can overflow. */
static int read_size(struct str digits, uint64_t *ret)
{
	uint64_t n = 0;
	if (digits.len == 0 || digits.len > 15)
		return -EBADMSG;
	for (size_t i = 0; i < digits.len; i++) {
		int d = hex_digit(digits.p[i]);
		if (d < 0)
			return -EBADMSG;
		n = n << 4 | (unsigned)d;
	}
	*ret = n;
	return 0;
}

static bool has_controls(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if (((unsigned char)s.p[i] < ' ' && s.p[i] != '\t') || s.p[i] == 0x7f)
			return true;
	return false;
}

/* Extensions are skipped; a blank behind the size is refused. */
static int take_size(struct http_body *b, struct str in, size_t *ret_used)
{
	struct str line, size, ext;
	uint64_t n;
	int r = take_line(in, HTTP_CHUNK_LINE_MAX, ret_used, &line);
	if (r <= 0)
		return r;
	bool extended = str_cut(line, ';', &size, &ext);
	if (read_size(size, &n) < 0 || has_controls(ext))
		return -EBADMSG;
	b->spent += extended ? (uint32_t)ext.len + 1 : 0;
	if (b->spent > HTTP_CHUNK_SPENT_MAX + b->total)
		return -E2BIG;
	b->left = n;
	b->state = n > 0 ? HTTP_BODY_CHUNK : HTTP_BODY_TRAILER;
	if (n == 0)
		b->spent = 0;
	return 1;
}

static int take_chunk_line(struct http_body *b, struct str in, size_t *ret_used)
{
	if (in.p[0] != '\r' || (in.len > 1 && in.p[1] != '\n'))
		return -EBADMSG;
	if (in.len < 2)
		return 0;
	*ret_used = 2;
	b->state = HTTP_BODY_SIZE;
	return 1;
}

/* Trailer fields are checked and dropped (RFC 9110 section 6.5.1: nobody has to merge them). */
static int take_trailer(struct http_body *b, struct str in, size_t *ret_used)
{
	struct str line, name, value;
	int r = take_line(in, HTTP_TRAILER_MAX, ret_used, &line);
	if (r <= 0)
		return r;
	if (line.len == 0) {
		b->state = HTTP_BODY_DONE;
		return 1;
	}
	b->spent += (uint32_t)*ret_used;
	if (b->spent > HTTP_TRAILER_MAX || ++b->n_fields > HTTP_TRAILER_FIELDS_MAX)
		return -E2BIG;
	if (!str_cut(line, ':', &name, &value) || !http_is_token(name) || has_controls(value))
		return -EBADMSG;
	return 1;
}

static struct str take_content(struct http_body *b, struct str in, size_t *ret_used)
{
	bool all = b->state == HTTP_BODY_ALL;
	struct str piece = str_sub(in, 0, all ? in.len : (size_t)MIN(b->left, in.len));
	*ret_used = piece.len;
	b->total += piece.len;
	if (!all && (b->left -= piece.len) == 0)
		b->state = b->state == HTTP_BODY_CHUNK ? HTTP_BODY_CHUNK_LINE : HTTP_BODY_DONE;
	return piece;
}

/* One step: 1 if there was one, with *ret_piece empty unless it was content. */
static int step(struct http_body *b, struct str in, size_t *ret_used, struct str *ret_piece)
{
	switch ((enum http_body_state)b->state) {
	case HTTP_BODY_SIZE:
		return take_size(b, in, ret_used);
	case HTTP_BODY_CHUNK_LINE:
		return take_chunk_line(b, in, ret_used);
	case HTTP_BODY_TRAILER:
		return take_trailer(b, in, ret_used);
	case HTTP_BODY_PLAIN:
	case HTTP_BODY_ALL:
	case HTTP_BODY_CHUNK:
		*ret_piece = take_content(b, in, ret_used);
		return 1;
	case HTTP_BODY_DONE:
		break;
	}
	return 0;
}

int http_body_next(struct http_body *b, struct str in, size_t *ret_used, struct str *ret_piece)
{
	size_t used = 0;
	int r = 1;
	*ret_piece = STR("");
	while (r > 0 && ret_piece->len == 0 && used < in.len) {
		size_t n = 0;
		r = step(b, str_sub(in, used, in.len), &n, ret_piece);
		used += n;
	}
	if (r < 0)
		return r;
	*ret_used = used;
	return ret_piece->len > 0;
}

int http_body_eof(struct http_body *b)
{
	if (b->state == HTTP_BODY_ALL)
		b->state = HTTP_BODY_DONE;
	return b->state == HTTP_BODY_DONE ? 0 : -EPIPE;
}
