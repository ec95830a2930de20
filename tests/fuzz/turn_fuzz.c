/* What a relay makes of the bytes of a stranger: the first look, ChannelData, the frames and the
 * opening of a stream, messages of [MS-TURN], which are written again and read the same; and the
 * input as a payload that is wrapped in place. */
#include <errno.h>
#include <stdlib.h>

#include "wire/turn/msturn.h"
#include "wire/turn/turn.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t key[STUN_KEY_LEN] = "a key of 16 byte";
enum { STREAM_MAX = 4096, PAYLOAD_MAX = 4096 };

static void check(bool ok)
{
	if (!ok)
		abort();
}

static void inside(struct bytes all, struct bytes part)
{
	check(part.len == 0 || (part.p >= all.p && part.p + part.len <= all.p + all.len));
}

/* --- packets and streams --------------------------------------------------------------- */

static void look(struct bytes in)
{
	struct turn_channel c;
	struct stun_msg m;
	enum turn_kind kind = turn_look(in);
	bool is_stun = stun_parse(&m, str_from_bytes(in)) == 0;
	check(!is_stun || kind == TURN_STUN || kind == TURN_MS_CONTROL);
	for (int i = TURN_DATAGRAM; i <= TURN_STREAM; i++) {
		if (turn_channel_get(&c, in, (enum turn_carrier)i) < 0)
			continue;
		check(kind == TURN_CHANNEL_DATA);
		check(c.number >= TURN_CHANNEL_MIN && c.number <= TURN_CHANNEL_MAX);
		inside(in, c.data);
		check(c.data.len + 4 <= in.len && in.len <= c.data.len + 4 + 3);
	}
}

/* A frame of less is none, and one of more the same. */
static size_t one_frame(struct bytes in, enum turn_framing f)
{
	struct turn_channel c;
	ssize_t n = turn_frame(in, f, STREAM_MAX);
	if (n < 0)
		check(n == -EBADMSG || n == -E2BIG);
	if (n <= 0)
		return 0;
	struct bytes frame = { in.p, (size_t)n };
	check(frame.len <= in.len && frame.len >= 4 && frame.len <= STREAM_MAX);
	check(turn_frame((struct bytes){ in.p, frame.len - 1 }, f, STREAM_MAX) == 0);
	check(turn_frame(frame, f, frame.len) == n &&
	      turn_frame(frame, f, frame.len - 1) == -E2BIG);
	if (f == TURN_STANDARD && turn_look(frame) == TURN_CHANNEL_DATA)
		check(turn_channel_get(&c, frame, TURN_STREAM) == 0);
	else if (f == TURN_STANDARD)
		check(turn_look(frame) == TURN_STUN || turn_look(frame) == TURN_MS_CONTROL);
	return frame.len;
}

static void cut(struct bytes in, enum turn_framing f)
{
	for (size_t n; (n = one_frame(in, f)) > 0;)
		in = (struct bytes){ in.p + n, in.len - n };
}

/* More bytes do not change what is decided. */
static void open_with(struct bytes in)
{
	enum turn_opening last = TURN_OPENS_MORE;
	enum turn_match match = TURN_MORE, answer = TURN_MORE;
	for (size_t n = 0; n <= MIN(in.len, TURN_MS_HELLO_ANSWER_LEN); n++) {
		struct bytes part = { in.p, n };
		enum turn_opening o = turn_opening(part);
		enum turn_match m = turn_ms_hello_match(part);
		enum turn_match a = turn_ms_hello_answer_match(part);
		check(last == TURN_OPENS_MORE || o == last);
		check(match == TURN_MORE || m == match);
		check(answer == TURN_MORE || a == answer);
		check((o == TURN_OPENS_MS_HELLO) == (m == TURN_YES));
		last = o;
		match = m;
		answer = a;
	}
}

/* --- [MS-TURN] ------------------------------------------------------------------------- */

static void get_all(const struct msturn_msg *m)
{
	struct str s;
	uint32_t v;
	struct addr a;
	for (unsigned i = 0; i < m->n_attrs; i++) {
		uint16_t type = m->attrs[i].type;
		check(msturn_attr(m, type, &s));
		inside(bytes_of(m->raw), bytes_of(s));
		check(msturn_attr_u32(m, type, &v) == (s.len == 4));
		check(msturn_attr_addr(m, type, &a) == msturn_attr_xor_addr(m, type, &a));
		check(!msturn_attr_addr(m, type, &a) || s.len == 8 || s.len == 20);
	}
}

static void get_others(const struct msturn_msg *m)
{
	unsigned code;
	struct str reason;
	int family;
	struct msturn_sequence q;
	struct msturn_service service;
	uint16_t unknown[4];
	if (msturn_attr_error(m, &code, &reason)) {
		check(code >= 300 && code <= 699);
		inside(bytes_of(m->raw), bytes_of(reason));
	}
	if (msturn_attr_family(m, &family))
		check(family == AF_INET || family == AF_INET6);
	if (msturn_attr_service(m, &service))
		check(service.stream >= MSTURN_AUDIO && service.stream <= MSTURN_DATA_STREAM);
	(void)msturn_attr_sequence(m, &q);
	check(msturn_unknown(m, unknown, ARRAY_SIZE(unknown)) <= ARRAY_SIZE(unknown));
	(void)msturn_is_signed(m, key);
}

static bool is_ours_to_put(uint16_t type)
{
	return type == MSTURN_MAGIC_COOKIE || type == MSTURN_MESSAGE_INTEGRITY;
}

static void put_again(struct msturn_out *o, const struct msturn_msg *m)
{
	msturn_begin(o, (enum msturn_type)m->type, m->id);
	for (unsigned i = 0; i < m->n_attrs; i++)
		if (!is_ours_to_put(m->attrs[i].type))
			msturn_put(o, m->attrs[i].type,
			           str_sub(m->raw, m->attrs[i].at, m->attrs[i].len));
	msturn_sign(o, key);
}

static void compose(const struct msturn_msg *m)
{
	struct msturn_out o;
	struct msturn_msg back;
	struct str a, b;
	put_again(&o, m);
	int r = msturn_parse(&back, msturn_text(&o));
	if (o.full || r < 0) {
		check(o.full || (r == -E2BIG && m->n_attrs == MSTURN_ATTRS_MAX));
		return;
	}
	check(back.type == m->type && memcmp(back.id, m->id, MSTURN_ID_LEN) == 0);
	check(msturn_is_signed(&back, key));
	for (unsigned i = 0; i < m->n_attrs; i++) {
		uint16_t type = m->attrs[i].type;
		if (!is_ours_to_put(type))
			check(msturn_attr(m, type, &a) && msturn_attr(&back, type, &b) &&
			      str_eq(a, b));
	}
}

/* --- a payload ------------------------------------------------------------------------- */

static void same_payload(struct bytes got, struct bytes want)
{
	check(str_eq(str_from_bytes(got), str_from_bytes(want)));
}

static void indicate(uint8_t *p, struct bytes in, const struct addr *peer)
{
	static const uint8_t id[MSTURN_ID_LEN] = { 1, 2, 3 };
	struct stun_msg m;
	struct msturn_msg ms;
	struct str data;
	struct addr a;
	struct bytes out = turn_put_data(p, in.len, peer, id);
	check(turn_look(out) == TURN_STUN && stun_parse(&m, str_from_bytes(out)) == 0);
	check(stun_attr_addr(&m, STUN_XOR_PEER_ADDRESS, &a) && addr_eq(&a, peer));
	check(stun_attr(&m, STUN_DATA, &data));
	same_payload(bytes_of(data), in);
	out = turn_put_send(p, in.len, peer, id);
	check(stun_parse(&m, str_from_bytes(out)) == 0 && m.method == STUN_SEND);
	out = msturn_put_data(p, in.len, peer, id);
	check(turn_look(out) == TURN_MS_CONTROL && msturn_parse(&ms, str_from_bytes(out)) == 0);
	check(msturn_attr_addr(&ms, MSTURN_REMOTE_ADDRESS, &a) && addr_eq(&a, peer));
	check(msturn_attr(&ms, MSTURN_DATA, &data));
	same_payload(bytes_of(data), in);
	out = turn_put_ms_frame((uint8_t *)(uintptr_t)out.p, out.len, TURN_MS_FRAME_CONTROL);
	check(turn_frame(out, TURN_MS, out.len) == (ssize_t)out.len);
	check(turn_opening(out) == TURN_OPENS_MS);
}

static void wrap(struct bytes in)
{
	struct turn_channel c;
	struct addr peer;
	uint8_t *block = malloc(TURN_HEADROOM + in.len + TURN_TAILROOM), *p = block + TURN_HEADROOM;
	if (!block)
		return;
	memcpy(p, in.p, in.len);
	check(addr_parse_port(&peer, STR("192.0.2.1:50000")) == 0);
	indicate(p, in, &peer);
	check(addr_parse_port(&peer, STR("[2001:db8::1]:50000")) == 0);
	indicate(p, in, &peer);
	struct bytes out = turn_put_channel(p, in.len, TURN_CHANNEL_MAX, TURN_STREAM);
	check(turn_channel_get(&c, out, TURN_STREAM) == 0);
	same_payload(c.data, in);
	free(block);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct msturn_msg m;
	struct bytes in = { data, size };
	look(in);
	cut(in, TURN_STANDARD);
	cut(in, TURN_MS);
	open_with(in);
	if (size > 0 && size <= PAYLOAD_MAX)
		wrap(in);
	if (msturn_parse(&m, str_from_bytes(in)) < 0)
		return 0;
	check(turn_look(in) == TURN_MS_CONTROL || m.type >> 8 > 3);
	check(m.n_attrs > 0 && m.n_attrs <= MSTURN_ATTRS_MAX);
	get_all(&m);
	get_others(&m);
	compose(&m);
	return 0;
}
