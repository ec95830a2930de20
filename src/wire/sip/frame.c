#include <errno.h>

#include "wire/sip/msg.h"

/* The Content-Length field of a complete head; -ENOENT without one.  Only lines that begin like one
 * of its two names are looked at. */
static int content_length(struct str head, uint32_t *ret)
{
	static const struct charset first = { 0, CHARSET_ONE('C') | CHARSET_ONE('c') |
		                                         CHARSET_ONE('L') | CHARSET_ONE('l') };
	struct str name, value;
	const char *end = head.p + head.len, *line_end;
	for (const char *p = head.p; (line_end = memchr(p, '\n', (size_t)(end - p))) != NULL;
	     p = line_end + 1) {
		if (!str_in(*p, &first) ||
		    !str_cut(str_n(p, (size_t)(line_end - p)), ':', &name, &value))
			continue;
		if (sip_hdr_id_of(str_trim(name)) == SIP_H_CONTENT_LENGTH)
			return str_to_u32(str_trim(value), UINT32_MAX / 2, ret) < 0 ? -EBADMSG : 0;
	}
	return -ENOENT;
}

/* The offset behind the empty line that ends the head, 0 if it has not come.  Looks only at bytes
 * that it has not seen. */
static uint32_t head_end(struct sip_framer *f, struct str in)
{
	size_t from = f->scanned > 3 ? f->scanned - 3 : 0;
	const char *p = in.p + from, *end = in.p + in.len;
	while (p < end && (p = memchr(p, '\n', (size_t)(end - p))) != NULL) {
		if (p + 1 < end && p[1] == '\n')
			return (uint32_t)(p + 2 - in.p);
		if (p + 2 < end && p[1] == '\r' && p[2] == '\n')
			return (uint32_t)(p + 3 - in.p);
		p++;
	}
	f->scanned = (uint32_t)in.len;
	return 0;
}

/* Line ends before a message: a ping, a pong, or a stray one. */
static int line_ends(struct str in, uint32_t *ret_len)
{
	if (in.len >= 4 && memcmp(in.p, "\r\n\r\n", 4) == 0) {
		*ret_len = 4;
		return SIP_FRAME_PING;
	}
	if (in.p[0] == '\n') {
		*ret_len = 1;
		return SIP_FRAME_PONG;
	}
	/* "\r", "\r\n", "\r\n\r": more may make it a ping. */
	if (in.len < 3 || (in.len == 3 && in.p[2] == '\r'))
		return in.len >= 2 && in.p[1] != '\n' ? -EBADMSG : SIP_FRAME_MORE;
	if (in.p[1] != '\n')
		return -EBADMSG;
	*ret_len = 2;
	return SIP_FRAME_PONG;
}

static int know_length(struct sip_framer *f, struct str in, uint32_t max, uint32_t *ret_len)
{
	uint32_t body, head = head_end(f, in);
	/* A server's message has grown on its way: it is answered, not the end of the link. */
	uint32_t head_max = max >= SIP_SERVER_MAX ? SIP_SERVER_HEAD_MAX : SIP_HEAD_MAX;
	if (head == 0)
		return in.len > head_max ? -E2BIG : SIP_FRAME_MORE;
	if (head > head_max)
		return -E2BIG;
	int r = content_length(str_n(in.p, head), &body);
	if (r == -ENOENT)
		return -EBADMSG; /* RFC 3261 section 18.3: mandatory on streams */
	if (r < 0)
		return r;
	if (body > max || head + body > max) {
		*ret_len = head;
		return -E2BIG;
	}
	f->msg_len = head + body;
	return SIP_FRAME_MSG;
}

int sip_frame(struct sip_framer *f, struct str in, uint32_t max, uint32_t *ret_len)
{
	*ret_len = 0;
	if (in.len == 0)
		return SIP_FRAME_MORE;
	if (f->msg_len == 0) {
		if (f->scanned == 0 && (in.p[0] == '\r' || in.p[0] == '\n'))
			return line_ends(in, ret_len);
		int r = know_length(f, in, max, ret_len);
		if (r != SIP_FRAME_MSG)
			return r;
	}
	if (in.len < f->msg_len)
		return SIP_FRAME_MORE;
	*ret_len = f->msg_len;
	*f = (struct sip_framer){ 0 };
	return SIP_FRAME_MSG;
}
