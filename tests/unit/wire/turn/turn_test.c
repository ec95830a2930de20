#include "wire/turn/turn.h"

#include <errno.h>

#include "base/code.h"
#include "tap.h"

struct sample {
	uint8_t bytes[256];
	size_t len;
};

static struct bytes of_hex(struct sample *s, const char *hex)
{
	s->len = strlen(hex) / 2;
	OK(s->len <= sizeof(s->bytes) && hex_get(str_of(hex), s->bytes, s->len) == 0);
	return (struct bytes){ s->bytes, s->len };
}

#define COOKIE "2112a442"
#define ID "0102030405060708090a0b0c"
#define START COOKIE ID
#define MS_ID "0102030405060708090a0b0c0d0e0f10"
#define MS_COOKIE "000f000472c64bc6"
static const uint8_t id[STUN_ID_LEN] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12 };

/* --- a first look -------------------------------------------------------------------- */

static enum turn_kind look(const char *hex)
{
	struct sample s;
	return turn_look(of_hex(&s, hex));
}

static void kinds_are_told_apart(void)
{
	EQ(look("00010000" START), TURN_STUN);
	EQ(look("00160008" START "0013000461626364"), TURN_STUN);
	EQ(look("40000004"), TURN_CHANNEL_DATA);
	EQ(look("4fff0000"), TURN_CHANNEL_DATA);
	EQ(look("00030008" MS_ID MS_COOKIE), TURN_MS_CONTROL);
	EQ(look("01150008" MS_ID MS_COOKIE), TURN_MS_CONTROL);
	/* An id may begin like RFC 8489's cookie. */
	EQ(look("00030008" START MS_COOKIE), TURN_MS_CONTROL);
}

static void what_is_of_no_kind_is_told(void)
{
	EQ(look(""), TURN_OTHER);
	EQ(look("400000"), TURN_OTHER);
	EQ(look("80000000"), TURN_OTHER);
	EQ(look("3fff0000"), TURN_OTHER);
	EQ(look("80000000000000000000000000000000000000000000000000000000"), TURN_OTHER); /* RTP */
	EQ(look("16fefd00000000000000000000000000000000000000000000000000"), TURN_OTHER); /* DTLS */
	EQ(look("00010004" START), TURN_OTHER);
	EQ(look("00030008" MS_ID "000f000472c64bc7"), TURN_OTHER);
	EQ(look("00030007" MS_ID "000f000472c64b"), TURN_OTHER);
	EQ(look("00030010" MS_ID "8008000400000001" MS_COOKIE), TURN_OTHER);
}

/* --- ChannelData --------------------------------------------------------------------- */

/* The length of the data, or the error. */
static int channel(const char *hex, enum turn_carrier c)
{
	struct sample s;
	struct turn_channel ch = { .number = 7 };
	int r = turn_channel_get(&ch, of_hex(&s, hex), c);
	if (r < 0) {
		EQ(ch.number, 7);
		return r;
	}
	OK(ch.data.p == s.bytes + 4 && ch.number == stun_get_u16(s.bytes));
	return (int)ch.data.len;
}

static void channel_data_is_read_from_datagrams(void)
{
	EQ(channel("40000000", TURN_DATAGRAM), 0);
	EQ(channel("4fff0003616263", TURN_DATAGRAM), 3);
	EQ(channel("4fff000361626300", TURN_DATAGRAM), 3);
	EQ(channel("400000016100", TURN_DATAGRAM), 1);
	EQ(channel("4000000161000000", TURN_DATAGRAM), 1);
	EQ(channel("400000016100000000", TURN_DATAGRAM), -EBADMSG);
	EQ(channel("400000046162636400", TURN_DATAGRAM), -EBADMSG);
	EQ(channel("400000046162", TURN_DATAGRAM), -EBADMSG);
	EQ(channel("4000ffff61", TURN_DATAGRAM), -EBADMSG);
	EQ(channel("400000", TURN_DATAGRAM), -EBADMSG);
	EQ(channel("80000000", TURN_DATAGRAM), -EBADMSG);
	EQ(channel("3fff0000", TURN_DATAGRAM), -EBADMSG);
}

static void channel_data_of_streams_is_padded(void)
{
	EQ(channel("40000000", TURN_STREAM), 0);
	EQ(channel("4000000461626364", TURN_STREAM), 4);
	EQ(channel("4000000361626300", TURN_STREAM), 3);
	EQ(channel("40000003616263", TURN_STREAM), -EBADMSG);
	EQ(channel("400000016100", TURN_STREAM), -EBADMSG);
	EQ(channel("4000000161000000", TURN_STREAM), 1);
	EQ(channel("400000016100000000", TURN_STREAM), -EBADMSG);
}

/* --- frames -------------------------------------------------------------------------- */

/* What the frame is said to be with every number of its first bytes; the last bytes follow it. */
static void frames_as(const char *hex, enum turn_framing f, size_t want)
{
	struct sample s;
	struct bytes all = of_hex(&s, hex);
	for (size_t n = 0; n <= all.len; n++) {
		ssize_t len = turn_frame((struct bytes){ all.p, n }, f, 1000);
		EQ(len, n < want ? 0 : (ssize_t)want);
	}
}

static ssize_t frame(const char *hex, enum turn_framing f, size_t max)
{
	struct sample s;
	return turn_frame(of_hex(&s, hex), f, max);
}

static void frames_are_cut_from_a_stream(void)
{
	frames_as("00010000" START "4000", TURN_STANDARD, 20);
	frames_as("00160008" START "0013000461626364"
	          "00010000",
	          TURN_STANDARD, 28);
	frames_as("4000000361626300"
	          "4000",
	          TURN_STANDARD, 8);
	frames_as("4000000061", TURN_STANDARD, 4);
	frames_as("02000003616263"
	          "0300",
	          TURN_MS, 7);
	frames_as("0300000003", TURN_MS, 4);
}

static void what_is_no_frame_ends_the_stream(void)
{
	EQ(frame("80000000", TURN_STANDARD, 1000), -EBADMSG);
	EQ(frame("16030100", TURN_STANDARD, 1000), -EBADMSG);
	EQ(frame("0001000121", TURN_STANDARD, 1000), -EBADMSG);
	EQ(frame("0001000022", TURN_STANDARD, 1000), -EBADMSG);
	EQ(frame("000100002112a443", TURN_STANDARD, 1000), -EBADMSG);
	EQ(frame("000100002112a4", TURN_STANDARD, 1000), 0);
	EQ(frame("04000000", TURN_MS, 1000), -EBADMSG);
	EQ(frame("01000000", TURN_MS, 1000), -EBADMSG);
	EQ(frame("02010000", TURN_MS, 1000), -EBADMSG);
}

static void frames_that_are_too_long_are_told_from_their_head(void)
{
	EQ(frame("400003e4", TURN_STANDARD, 1000), 0);
	EQ(frame("400003e5", TURN_STANDARD, 1000), -E2BIG);
	EQ(frame("000103d4", TURN_STANDARD, 1000), 0);
	EQ(frame("000103d8", TURN_STANDARD, 1000), -E2BIG);
	EQ(frame("030003e4", TURN_MS, 1000), 0);
	EQ(frame("030003e5", TURN_MS, 1000), -E2BIG);
	EQ(frame("4000ffff", TURN_STANDARD, 4 + 65536), 0);
	EQ(frame("0300ffff", TURN_MS, 4 + 65535), 0);
}

/* --- how a connection begins ----------------------------------------------------------- */

/* As libnice sends it, and as it wants the answer but for the two times 32 bytes of random. */
static const char hello[] =
        "160301002d010000290301c1fcd5a36d93dd7e0b45673fec7985fbbc3fd660c2ce8485081b8121bcaa10fb"
        "00000200180100";
#define ZEROS "0000000000000000000000000000000000000000000000000000000000000000"
static const char hello_answer[] = "160301004e020000460301" ZEROS "20" ZEROS "0018000e000000";

static void hello_is_matched_byte_for_byte(void)
{
	struct sample s;
	struct bytes b = of_hex(&s, hello);
	EQ(b.len, TURN_MS_HELLO_LEN);
	EQ(memcmp(b.p, turn_ms_hello, b.len), 0);
	for (size_t n = 0; n < b.len; n++)
		EQ(turn_ms_hello_match((struct bytes){ b.p, n }), TURN_MORE);
	EQ(turn_ms_hello_match(b), TURN_YES);
	memset(s.bytes + b.len, 1, 9);
	EQ(turn_ms_hello_match((struct bytes){ s.bytes, b.len + 9 }), TURN_YES);
	for (size_t i = 0; i < b.len; i++) {
		bool random = i >= 11 && i < 43;
		s.bytes[i] ^= 0x10;
		EQ(turn_ms_hello_match(b), random ? TURN_YES : TURN_NO);
		enum turn_match so_far = i + 1 == b.len ? TURN_YES : TURN_MORE;
		EQ(turn_ms_hello_match((struct bytes){ b.p, i + 1 }), random ? so_far : TURN_NO);
		s.bytes[i] ^= 0x10;
	}
}

static void answer_to_the_hello_is_that_of_the_specification(void)
{
	struct sample s;
	struct bytes b = of_hex(&s, hello_answer);
	EQ(b.len, TURN_MS_HELLO_ANSWER_LEN);
	EQ(memcmp(b.p, turn_ms_hello_answer, b.len), 0);
}

static void answer_of_any_relay_is_matched(void)
{
	struct sample s;
	struct bytes b = of_hex(&s, hello_answer);
	for (size_t n = 0; n < b.len; n++)
		EQ(turn_ms_hello_answer_match((struct bytes){ b.p, n }), TURN_MORE);
	EQ(turn_ms_hello_answer_match(b), TURN_YES);
	for (size_t i = 0; i < b.len; i++) {
		bool its_own = (i >= 11 && i < 43) || (i >= 44 && i < 76);
		s.bytes[i] ^= 0x10;
		EQ(turn_ms_hello_answer_match(b), its_own ? TURN_YES : TURN_NO);
		s.bytes[i] ^= 0x10;
	}
}

/* The opening is told by `enough` bytes and not before. */
static void opens_as(const char *hex, enum turn_opening want, size_t enough)
{
	struct sample s;
	struct bytes all = of_hex(&s, hex);
	for (size_t n = 0; n <= all.len; n++)
		EQ(turn_opening((struct bytes){ all.p, n }), n < enough ? TURN_OPENS_MORE : want);
}

static void openings_are_told_apart(void)
{
	opens_as("00010000" START, TURN_OPENS_STANDARD, 8);
	opens_as("02000000" START, TURN_OPENS_STANDARD, 8); /* method 0x80 */
	opens_as("0200001c"
	         "00030008" MS_ID MS_COOKIE,
	         TURN_OPENS_MS, 8);
	opens_as(hello, TURN_OPENS_MS_HELLO, 50);
	/* TLS 1.3's record: another length. */
	opens_as("1603010200010001fc0303", TURN_OPENS_TLS, 4);
	opens_as("160301002d0100002903", TURN_OPENS_MORE, 11);
	opens_as("1604", TURN_OPENS_OTHER, 2);
	opens_as("474554202f20", TURN_OPENS_OTHER, 1);
	opens_as("40000000", TURN_OPENS_OTHER, 1);
	opens_as("0300001c00030008", TURN_OPENS_OTHER, 8);
	opens_as("0200001c16030008", TURN_OPENS_OTHER, 8);
	opens_as("00010000"
	         "2112a443",
	         TURN_OPENS_OTHER, 8);
}

/* --- around a payload ---------------------------------------------------------------- */

enum { PAYLOAD_MAX = 2000 };
/* A payload in the middle of bytes that must not change. */
static uint8_t block[TURN_HEADROOM + PAYLOAD_MAX + TURN_TAILROOM];
static uint8_t *const payload = block + TURN_HEADROOM;

static void untouched_but(struct bytes out)
{
	for (size_t i = 0; i < sizeof(block); i++)
		if (block + i < out.p || block + i >= out.p + out.len)
			OK(block[i] == 0xee);
}

static struct bytes prepare(size_t n)
{
	memset(block, 0xee, sizeof(block));
	memset(payload, 'x', n);
	return (struct bytes){ payload, n };
}

static bool is_payload(struct bytes b, size_t n)
{
	for (size_t i = 0; i < b.len; i++)
		if (b.p[i] != 'x')
			return false;
	return b.p == payload && b.len == n;
}

static void indicate(const char *peer, size_t n)
{
	struct addr a, b;
	struct stun_msg m;
	struct str data = STR("");
	(void)prepare(n);
	OK(addr_parse_port(&a, str_of(peer)) == 0);
	size_t head = a.sa.sa_family == AF_INET ? 36 : 48;
	struct bytes out = turn_put_data(payload, n, &a, id);
	OK(out.p == payload - head && out.len == head + (n + 3) / 4 * 4);
	untouched_but((struct bytes){ out.p, out.len });
	EQ(turn_look(out), TURN_STUN);
	OK(stun_parse(&m, str_from_bytes(out)) == 0 && m.n_attrs == 2);
	OK(m.class == STUN_INDICATION && m.method == STUN_DATA_METHOD);
	EQ(memcmp(m.id, id, sizeof(id)), 0);
	OK(stun_attr_addr(&m, STUN_XOR_PEER_ADDRESS, &b) && addr_eq(&a, &b));
	OK(stun_attr(&m, STUN_DATA, &data) && is_payload(bytes_of(data), n));
	EQ(turn_frame(out, TURN_STANDARD, out.len), out.len);
}

static void payload_becomes_a_data_indication_in_place(void)
{
	static uint8_t big[TURN_HEADROOM + STUN_READ_MAX + TURN_TAILROOM];
	struct addr a;
	for (size_t n = 0; n < 9; n++) {
		indicate("192.0.2.1:50000", n);
		indicate("[2001:db8::1]:50000", n);
	}
	indicate("192.0.2.1:50000", PAYLOAD_MAX - 3);
	OK(addr_parse_port(&a, STR("192.0.2.1:1")) == 0);
	EQ(turn_put_data(big + TURN_HEADROOM, 65496, &a, id).len, 65532);
	EQ(turn_put_data(big + TURN_HEADROOM, 65497, &a, id).len, 0);
	EQ(turn_put_data(big + TURN_HEADROOM, SIZE_MAX, &a, id).len, 0);
}

/* The same as struct stun_out writes them. */
static void indications_are_as_another_writer_has_them(void)
{
	struct stun_out data, sent;
	struct addr a;
	OK(addr_parse_port(&a, STR("192.0.2.1:32853")) == 0);
	stun_begin(&data, STUN_INDICATION, STUN_DATA_METHOD, id);
	stun_begin(&sent, STUN_INDICATION, STUN_SEND, id);
	stun_put_xor_addr(&data, STUN_XOR_PEER_ADDRESS, &a);
	stun_put_xor_addr(&sent, STUN_XOR_PEER_ADDRESS, &a);
	stun_put(&data, STUN_DATA, STR("xxxxx"));
	stun_put(&sent, STUN_DATA, STR("xxxxx"));
	(void)prepare(5);
	OK(str_eq(stun_text(&data), str_from_bytes(turn_put_data(payload, 5, &a, id))));
	(void)prepare(5);
	OK(str_eq(stun_text(&sent), str_from_bytes(turn_put_send(payload, 5, &a, id))));
}

static void payload_becomes_channel_data_in_place(void)
{
	struct turn_channel ch;
	for (size_t n = 0; n < 9; n++) {
		(void)prepare(n);
		struct bytes out = turn_put_channel(payload, n, 0x4321, TURN_DATAGRAM);
		OK(out.p == payload - 4 && out.len == 4 + n);
		untouched_but(out);
		OK(turn_channel_get(&ch, out, TURN_DATAGRAM) == 0 && ch.number == 0x4321);
		OK(is_payload(ch.data, n));
		(void)prepare(n);
		out = turn_put_channel(payload, n, TURN_CHANNEL_MAX, TURN_STREAM);
		OK(out.p == payload - 4 && out.len == 4 + (n + 3) / 4 * 4);
		untouched_but(out);
		OK(turn_channel_get(&ch, out, TURN_STREAM) == 0 && ch.number == TURN_CHANNEL_MAX);
		OK(is_payload(ch.data, n));
		EQ(turn_frame(out, TURN_STANDARD, out.len), out.len);
	}
	EQ(turn_put_channel(payload, 65536, TURN_CHANNEL_MIN, TURN_DATAGRAM).len, 0);
}

static void payload_becomes_a_frame_in_place(void)
{
	(void)prepare(5);
	struct bytes out = turn_put_ms_frame(payload, 5, TURN_MS_FRAME_DATA);
	OK(out.p == payload - 4 && out.len == 9 && memcmp(out.p, "\3\0\0\5xxxxx", 9) == 0);
	untouched_but(out);
	EQ(turn_frame(out, TURN_MS, 9), 9);
	EQ(turn_put_ms_frame(payload, 65536, TURN_MS_FRAME_DATA).len, 0);
}

int main(void)
{
	RUN(kinds_are_told_apart);
	RUN(what_is_of_no_kind_is_told);
	RUN(channel_data_is_read_from_datagrams);
	RUN(channel_data_of_streams_is_padded);
	RUN(frames_are_cut_from_a_stream);
	RUN(what_is_no_frame_ends_the_stream);
	RUN(frames_that_are_too_long_are_told_from_their_head);
	RUN(hello_is_matched_byte_for_byte);
	RUN(answer_to_the_hello_is_that_of_the_specification);
	RUN(answer_of_any_relay_is_matched);
	RUN(openings_are_told_apart);
	RUN(payload_becomes_a_data_indication_in_place);
	RUN(indications_are_as_another_writer_has_them);
	RUN(payload_becomes_channel_data_in_place);
	RUN(payload_becomes_a_frame_in_place);
	return tap_done();
}
