#include "wire/turn/turn.h"

#include <assert.h>
#include <errno.h>

enum { LEN_AT = 2, COOKIE_AT = 4, ATTR_HEADER_LEN = 4, LEN_MAX = 0xffff };
enum { INDICATION = 0x0010 /* the class, in the type of a message */ };
enum { TLS_HANDSHAKE = 22, TLS_MAJOR = 3 };
/* Of turn_ms_hello: where a TLS ClientHello has its random. */
enum { RANDOM_AT = 11, RANDOM_END = RANDOM_AT + 32 };
/* Of turn_ms_hello_answer: where a ServerHello has its session. */
enum { SESSION_AT = 44, SESSION_END = SESSION_AT + 32 };

static const uint8_t cookie[4] = { 0x21, 0x12, 0xa4, 0x42 };
/* Type, length and value of MAGIC-COOKIE, behind the header. */
static const uint8_t ms_cookie[8] = { 0x00, 0x0f, 0x00, 0x04, 0x72, 0xc6, 0x4b, 0xc6 };

/* clang-format off */
const uint8_t turn_ms_hello[TURN_MS_HELLO_LEN] = {
	0x16, 0x03, 0x01, 0x00, 0x2d, /* handshake, TLS 1.0 */
	0x01, 0x00, 0x00, 0x29, 0x03, 0x01, /* ClientHello */
	0xc1, 0xfc, 0xd5, 0xa3, 0x6d, 0x93, 0xdd, 0x7e, 0x0b, 0x45, 0x67, 0x3f, 0xec, 0x79, 0x85, 0xfb,
	0xbc, 0x3f, 0xd6, 0x60, 0xc2, 0xce, 0x84, 0x85, 0x08, 0x1b, 0x81, 0x21, 0xbc, 0xaa, 0x10, 0xfb,
	0x00, 0x00, 0x02, 0x00, 0x18, 0x01, 0x00, /* no session, one cipher, no compression */
};

const uint8_t turn_ms_hello_answer[TURN_MS_HELLO_ANSWER_LEN] = {
	[0] = 0x16, 0x03, 0x01, 0x00, 0x4e, /* handshake, TLS 1.0 */
	0x02, 0x00, 0x00, 0x46, 0x03, 0x01, /* ServerHello; random of zeros */
	[43] = 0x20, /* the length of the session; it is of zeros */
	[76] = 0x00, 0x18, 0x00, /* the cipher, no compression */
	0x0e, 0x00, 0x00, 0x00, /* ServerHelloDone */
};
/* clang-format on */

static bool is_channel(uint8_t first)
{
	return first >= TURN_CHANNEL_MIN >> 8 && first <= TURN_CHANNEL_MAX >> 8;
}

/* --- a first look -------------------------------------------------------------------- */

enum turn_kind turn_look(struct bytes d)
{
	if (d.len < TURN_CHANNEL_HEAD_LEN)
		return TURN_OTHER;
	if (is_channel(d.p[0]))
		return TURN_CHANNEL_DATA;
	if (d.len >= STUN_HEADER_LEN + sizeof(ms_cookie) && d.p[0] < 4 &&
	    memcmp(d.p + STUN_HEADER_LEN, ms_cookie, sizeof(ms_cookie)) == 0)
		return TURN_MS_CONTROL;
	return stun_looks_like(str_from_bytes(d)) ? TURN_STUN : TURN_OTHER;
}

int turn_channel_get(struct turn_channel *ret, struct bytes in, enum turn_carrier c)
{
	if (in.len < TURN_CHANNEL_HEAD_LEN || !is_channel(in.p[0]))
		return -EBADMSG;
	size_t len = stun_get_u16(in.p + LEN_AT), rest = in.len - TURN_CHANNEL_HEAD_LEN;
	size_t most = len + stun_padding(len), least = c == TURN_STREAM ? most : len;
	if (rest < least || rest > most)
		return -EBADMSG;
	ret->number = (uint16_t)stun_get_u16(in.p);
	ret->data = (struct bytes){ in.p + TURN_CHANNEL_HEAD_LEN, len };
	return 0;
}

/* --- streams ------------------------------------------------------------------------- */

/* Is what there is of the cookie right? */
static bool may_be_stun(struct bytes stream)
{
	size_t n = MIN(stream.len, COOKIE_AT + sizeof(cookie)) - COOKIE_AT;
	return stream.p[0] < 4 && memcmp(stream.p + COOKIE_AT, cookie, n) == 0;
}

/* The length of a frame whose first 4 bytes are there, or -EBADMSG. */
static ssize_t frame_len(struct bytes stream, enum turn_framing f)
{
	uint8_t first = stream.p[0];
	size_t len = stun_get_u16(stream.p + LEN_AT);
	if (f == TURN_MS) {
		bool known = first == TURN_MS_FRAME_CONTROL || first == TURN_MS_FRAME_DATA;
		return known && stream.p[1] == 0 ? (ssize_t)(TURN_MS_FRAME_HEAD_LEN + len)
		                                 : -EBADMSG;
	}
	if (is_channel(first))
		return (ssize_t)(TURN_CHANNEL_HEAD_LEN + len + stun_padding(len));
	if (!may_be_stun(stream) || stun_padding(len) > 0)
		return -EBADMSG;
	return (ssize_t)(STUN_HEADER_LEN + len);
}

ssize_t turn_frame(struct bytes stream, enum turn_framing f, size_t max)
{
	if (stream.len < COOKIE_AT)
		return 0;
	ssize_t len = frame_len(stream, f);
	if (len < 0)
		return len;
	if ((size_t)len > max)
		return -E2BIG;
	return (size_t)len <= stream.len ? len : 0;
}

enum turn_match turn_ms_hello_answer_match(struct bytes stream)
{
	size_t n = MIN(stream.len, TURN_MS_HELLO_ANSWER_LEN);
	for (size_t i = 0; i < n; i++) {
		bool any =
		        (i >= RANDOM_AT && i < RANDOM_END) || (i >= SESSION_AT && i < SESSION_END);
		if (stream.p[i] != turn_ms_hello_answer[i] && !any)
			return TURN_NO;
	}
	return n < TURN_MS_HELLO_ANSWER_LEN ? TURN_MORE : TURN_YES;
}

enum turn_match turn_ms_hello_match(struct bytes stream)
{
	size_t n = MIN(stream.len, TURN_MS_HELLO_LEN);
	for (size_t i = 0; i < n; i++)
		if (stream.p[i] != turn_ms_hello[i] && (i < RANDOM_AT || i >= RANDOM_END))
			return TURN_NO;
	return n < TURN_MS_HELLO_LEN ? TURN_MORE : TURN_YES;
}

static enum turn_opening tls_opening(struct bytes first)
{
	switch (turn_ms_hello_match(first)) {
	case TURN_YES:
		return TURN_OPENS_MS_HELLO;
	case TURN_MORE:
		return TURN_OPENS_MORE;
	case TURN_NO:
		break;
	}
	return first.p[1] == TLS_MAJOR ? TURN_OPENS_TLS : TURN_OPENS_OTHER;
}

/* A method of STUN from 0x80 on begins as a frame of [MS-TURN] does, but where the one has the
 * cookie the other has the type of a message, whose first byte is below 4. */
enum turn_opening turn_opening(struct bytes first)
{
	if (first.len == 0)
		return TURN_OPENS_MORE;
	if (first.p[0] == TLS_HANDSHAKE)
		return tls_opening(first);
	if (first.p[0] >= 4)
		return TURN_OPENS_OTHER;
	if (first.len < COOKIE_AT + sizeof(cookie))
		return TURN_OPENS_MORE;
	if (frame_len(first, TURN_STANDARD) > 0)
		return TURN_OPENS_STANDARD;
	bool control = first.p[0] == TURN_MS_FRAME_CONTROL && first.p[COOKIE_AT] < 4;
	return control && frame_len(first, TURN_MS) > 0 ? TURN_OPENS_MS : TURN_OPENS_OTHER;
}

/* --- around a payload ---------------------------------------------------------------- */

/* An indication: header, XOR-PEER-ADDRESS, the head of DATA. */
static struct bytes put_indication(uint8_t *payload, size_t len, const struct addr *peer,
                                   const uint8_t id[STUN_ID_LEN], unsigned method)
{
	uint8_t mask[STUN_MASK_LEN], value[STUN_ADDR_MAX];
	memcpy(mask, cookie, sizeof(cookie));
	memcpy(mask + sizeof(cookie), id, STUN_ID_LEN);
	size_t n = stun_addr_set(value, peer, mask);
	size_t head = STUN_HEADER_LEN + ATTR_HEADER_LEN + n + ATTR_HEADER_LEN;
	if (len > STUN_READ_MAX || head + len + stun_padding(len) > STUN_READ_MAX)
		return (struct bytes){ NULL, 0 };
	uint8_t *p = payload - head, *attr = p + STUN_HEADER_LEN;
	stun_set_u16(p, INDICATION | method);
	stun_set_u16(p + LEN_AT, head + len + stun_padding(len) - STUN_HEADER_LEN);
	memcpy(p + COOKIE_AT, mask, sizeof(mask));
	stun_set_u16(attr, STUN_XOR_PEER_ADDRESS);
	stun_set_u16(attr + 2, n);
	memcpy(attr + ATTR_HEADER_LEN, value, n);
	stun_set_u16(payload - ATTR_HEADER_LEN, STUN_DATA);
	stun_set_u16(payload - 2, len);
	memset(payload + len, 0, stun_padding(len));
	return (struct bytes){ p, head + len + stun_padding(len) };
}

struct bytes turn_put_data(uint8_t *payload, size_t len, const struct addr *peer,
                           const uint8_t id[STUN_ID_LEN])
{
	return put_indication(payload, len, peer, id, STUN_DATA_METHOD);
}

struct bytes turn_put_send(uint8_t *payload, size_t len, const struct addr *peer,
                           const uint8_t id[STUN_ID_LEN])
{
	return put_indication(payload, len, peer, id, STUN_SEND);
}

struct bytes turn_put_channel(uint8_t *payload, size_t len, uint16_t number, enum turn_carrier c)
{
	size_t pad = c == TURN_STREAM ? stun_padding(len) : 0;
	assert(number >= TURN_CHANNEL_MIN && number <= TURN_CHANNEL_MAX);
	if (len > LEN_MAX)
		return (struct bytes){ NULL, 0 };
	uint8_t *p = payload - TURN_CHANNEL_HEAD_LEN;
	stun_set_u16(p, number);
	stun_set_u16(p + LEN_AT, len);
	memset(payload + len, 0, pad);
	return (struct bytes){ p, TURN_CHANNEL_HEAD_LEN + len + pad };
}

struct bytes turn_put_ms_frame(uint8_t *content, size_t len, enum turn_ms_frame type)
{
	if (len > LEN_MAX)
		return (struct bytes){ NULL, 0 };
	uint8_t *p = content - TURN_MS_FRAME_HEAD_LEN;
	p[0] = (uint8_t)type;
	p[1] = 0;
	stun_set_u16(p + LEN_AT, len);
	return (struct bytes){ p, TURN_MS_FRAME_HEAD_LEN + len };
}
