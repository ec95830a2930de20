/* What a relay makes of the bytes of a stranger: the first look, ChannelData, the frames and the
 * opening of a stream; and the input as a payload that is wrapped in place. */
#include <errno.h>
#include <stdlib.h>

#include "wire/turn/turn.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

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
	enum turn_match match = TURN_MORE;
	for (size_t n = 0; n <= MIN(in.len, 64); n++) {
		struct bytes part = { in.p, n };
		enum turn_opening o = turn_opening(part);
		enum turn_match m = turn_ms_hello_match(part);
		check(last == TURN_OPENS_MORE || o == last);
		check(match == TURN_MORE || m == match);
		check((o == TURN_OPENS_MS_HELLO) == (m == TURN_YES));
		last = o;
		match = m;
	}
}

/* --- a payload ------------------------------------------------------------------------- */

static void same_payload(struct bytes got, struct bytes want)
{
	check(str_eq(str_from_bytes(got), str_from_bytes(want)));
}

static void indicate(uint8_t *p, struct bytes in, const struct addr *peer)
{
	static const uint8_t id[STUN_ID_LEN] = { 1, 2, 3 };
	struct stun_msg m;
	struct str data;
	struct addr a;
	struct bytes out = turn_put_data(p, in.len, peer, id);
	check(turn_look(out) == TURN_STUN && stun_parse(&m, str_from_bytes(out)) == 0);
	check(stun_attr_addr(&m, STUN_XOR_PEER_ADDRESS, &a) && addr_eq(&a, peer));
	check(stun_attr(&m, STUN_DATA, &data));
	same_payload(bytes_of(data), in);
	out = turn_put_ms_frame((uint8_t *)(uintptr_t)out.p, out.len, TURN_MS_FRAME_CONTROL);
	check(turn_frame(out, TURN_MS, out.len) == (ssize_t)out.len);
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
	struct bytes in = { data, size };
	look(in);
	cut(in, TURN_STANDARD);
	cut(in, TURN_MS);
	open_with(in);
	if (size > 0 && size <= PAYLOAD_MAX)
		wrap(in);
	return 0;
}
