#include "wire/turn/msturn.h"

#include <errno.h>
#include <stdlib.h>

#include "base/code.h"
#include "tap.h"
#include "wire/turn/turn.h"

/* A message from hex digits, and what reading it said. */
struct sample {
	uint8_t bytes[512];
	size_t len;
	struct msturn_msg m;
	int result;
};

static void read_hex(struct sample *s, const char *hex)
{
	s->len = strlen(hex) / 2;
	OK(s->len <= sizeof(s->bytes) && hex_get(str_of(hex), s->bytes, s->len) == 0);
	s->result = msturn_parse(&s->m, str_n((const char *)s->bytes, s->len));
}

static int result_of(const char *hex)
{
	struct sample s;
	read_hex(&s, hex);
	return s.result;
}

/* Parts of messages. */
#define ID "0102030405060708090a0b0c0d0e0f10"
#define COOKIE "000f000472c64bc6"
static const uint8_t id[MSTURN_ID_LEN] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16 };

/* --- libnice ------------------------------------------------------------------------- */

/* Between an agent of libnice 0.1.21, in its mode OC2007R2, and a relay made of this codec on one
 * host: the agent got its allocation, was connected through it and set its active destination. */
/* clang-format off */
static const char nice_first[] =
        "0003001010a9ebfbadbb39b9ef5219df09f4aed4000f000472c64bc68008000400000001";
static const char nice_challenge[] =
        "0113004110a9ebfbadbb39b9ef5219df09f4aed4000f000472c64bc60009001000000401556e"
        "617574686f72697a6564001500087274636d65646961001400156e6f6e63652d312d6f662d74"
        "6869732d72656c6179";
static const char nice_second[] =
        "00030061398c2a889d0c53b108773f8a0361a032000f000472c64bc680080004000000010015"
        "00087274636d65646961001400156e6f6e63652d312d6f662d746869732d72656c6179000600"
        "10808182838485868788898a8b8c8d8e8f0008001410fb536b7bfb2b16d52b9afb28fcc5e86a"
        "a80427";
static const char nice_allocated[] =
        "01030091398c2a889d0c53b108773f8a0361a032000f000472c64bc6000100080001b7997f00"
        "0001802000080001d51f468c2a89000d0004000002580010000400000bb88008000400000001"
        "80500018636f6e6e656374696f6e2d69642d32306279746500000000001500087274636d6564"
        "6961001400156e6f6e63652d312d6f662d746869732d72656c6179000800149875446d6444eb"
        "90017f4c285424ff32769f9dee";
static const char nice_sent[] =
        "000400a364f09810bf5ec82eff46279f9564dfbe000f000472c64bc600060010808182838485"
        "868788898a8b8c8d8e8f001100080001ecfe7f000001800800040000000180500018636f6e6e"
        "656374696f6e2d69642d32306279746500000004001500087274636d656469610013002f0111"
        "001b2112a442c65532ea64f1b603f8e619fc0009000f00000400426164207265717565737480"
        "28000490b83c8c0008001482a0289f58d51aacedd6e169458bef174bd14aeb";
static const char nice_set_active[] =
        "00060068cf1b614e79f1604404bedfd46755fd1b000f000472c64bc600060010808182838485"
        "868788898a8b8c8d8e8f80500018636f6e6e656374696f6e2d69642d32306279746500000007"
        "001500087274636d65646961001100080001ecfe7f00000100080014fa3e4da196827d9dcbd0"
        "0eb97ba2ef2362d142fb";
static const char nice_activated[] =
        "0106003ccf1b614e79f1604404bedfd46755fd1b000f000472c64bc680500018636f6e6e6563"
        "74696f6e2d69642d32306279746500000000000800140db388fd3cff5db52495e9cba169b218"
        "b6e3a457";
/* clang-format on */

/* The credential as the agent decoded it from base64. */
static void nice_key(uint8_t ret[STUN_KEY_LEN])
{
	char user[16], password[20];
	for (size_t i = 0; i < sizeof(user); i++)
		user[i] = (char)(0x80 + i);
	for (size_t i = 0; i < sizeof(password); i++)
		password[i] = (char)(0x31 + i);
	stun_long_term_key(ret, str_n(user, sizeof(user)), STR("rtcmedia"),
	                   str_n(password, sizeof(password)));
}

static const struct msturn_challenge nice_asked = { STR_INIT("rtcmedia"),
	                                            STR_INIT("nonce-1-of-this-relay") };
static const struct msturn_sequence nice_sequence = { .connection = "connection-id-20byte" };

static bool has_text(const struct msturn_msg *m, uint16_t type, struct str want)
{
	struct str s;
	return msturn_attr(m, type, &s) && str_eq(s, want);
}

static bool has_u32(const struct msturn_msg *m, uint16_t type, uint32_t want)
{
	uint32_t v;
	return msturn_attr_u32(m, type, &v) && v == want;
}

static bool is_addr(const struct addr *a, const char *want)
{
	struct addr b;
	return addr_parse_port(&b, str_of(want)) == 0 && addr_eq(a, &b);
}

static bool is_signed(const struct msturn_msg *m)
{
	uint8_t key[STUN_KEY_LEN];
	nice_key(key);
	return msturn_is_signed(m, key);
}

static void allocate_requests_of_libnice_are_read(void)
{
	struct sample s;
	struct str user = STR("");
	read_hex(&s, nice_first);
	EQ(s.result, 0);
	EQ(s.m.type, MSTURN_ALLOCATE);
	EQ(s.m.n_attrs, 2);
	OK(s.m.id == s.bytes + 4 && has_u32(&s.m, MSTURN_VERSION, MSTURN_ICE));
	OK(!is_signed(&s.m));
	read_hex(&s, nice_second);
	EQ(s.result, 0);
	OK(has_text(&s.m, MSTURN_REALM, nice_asked.realm));
	OK(has_text(&s.m, MSTURN_NONCE, nice_asked.nonce));
	OK(msturn_attr(&s.m, MSTURN_USERNAME, &user) && user.len == 16 && user.p[0] == '\x80');
	OK(is_signed(&s.m));
}

static void send_and_set_active_of_libnice_are_read(void)
{
	struct sample s;
	struct str data = STR("");
	struct addr a;
	struct msturn_sequence q = { .number = 0 };
	read_hex(&s, nice_sent);
	EQ(s.result, 0);
	EQ(s.m.type, MSTURN_SEND);
	OK(msturn_attr_addr(&s.m, MSTURN_DESTINATION_ADDRESS, &a) &&
	   is_addr(&a, "127.0.0.1:60670"));
	OK(msturn_attr(&s.m, MSTURN_DATA, &data) && data.len == 47); /* without padding */
	OK(stun_looks_like(data));
	OK(msturn_attr_sequence(&s.m, &q) && q.number == 4);
	EQ(memcmp(q.connection, nice_sequence.connection, MSTURN_CONNECTION_LEN), 0);
	OK(is_signed(&s.m));
	read_hex(&s, nice_set_active);
	EQ(s.result, 0);
	EQ(s.m.type, MSTURN_SET_ACTIVE);
	OK(msturn_attr_addr(&s.m, MSTURN_DESTINATION_ADDRESS, &a) &&
	   is_addr(&a, "127.0.0.1:60670"));
	OK(msturn_attr_sequence(&s.m, &q) && q.number == 7);
	OK(is_signed(&s.m));
}

static void is_written_as(const struct msturn_out *o, const char *want)
{
	auto_(buf_free) struct buf hex = buf_of((size_t)2 * MSTURN_BYTES_MAX);
	OK(!o->full);
	hex_put(&hex, o->bytes, o->len);
	EQ_STR(buf_view(&hex), want);
}

static void answers_that_libnice_took_are_written(void)
{
	uint8_t key[STUN_KEY_LEN];
	struct sample s;
	struct msturn_out o;
	struct msturn_refusal r = { .type = MSTURN_ALLOCATE_ERROR,
		                    .code = 401,
		                    .challenge = nice_asked };
	struct msturn_allocation a = { .lifetime_s = 600,
		                       .bandwidth_kbps = 3000,
		                       .version = MSTURN_ICE,
		                       .sequence = nice_sequence,
		                       .challenge = nice_asked };
	nice_key(key);
	read_hex(&s, nice_first);
	msturn_refused(&o, s.m.id, &r, NULL);
	is_written_as(&o, nice_challenge);
	read_hex(&s, nice_second);
	OK(addr_parse(&a.relayed, STR("127.0.0.1"), 47001) == 0);
	OK(addr_parse(&a.mapped, STR("127.0.0.1"), 60563) == 0);
	msturn_allocated(&o, s.m.id, &a, key);
	is_written_as(&o, nice_allocated);
	read_hex(&s, nice_set_active);
	msturn_activated(&o, s.m.id, &nice_sequence, key);
	is_written_as(&o, nice_activated);
}

static void answers_are_read_as_they_were_written(void)
{
	struct sample s;
	struct addr a;
	unsigned code = 0;
	struct str reason = STR("");
	read_hex(&s, nice_challenge);
	EQ(s.result, 0);
	OK(msturn_attr_error(&s.m, &code, &reason) && code == 401);
	EQ_STR(reason, "Unauthorized");
	OK(!is_signed(&s.m));
	read_hex(&s, nice_allocated);
	EQ(s.result, 0);
	OK(msturn_attr_addr(&s.m, MSTURN_MAPPED_ADDRESS, &a) && is_addr(&a, "127.0.0.1:47001"));
	OK(msturn_attr_xor_addr(&s.m, MSTURN_XOR_MAPPED_ADDRESS, &a));
	EQ(addr_port(&a), 60563);
	OK(has_u32(&s.m, MSTURN_LIFETIME, 600) && has_u32(&s.m, MSTURN_BANDWIDTH, 3000));
	OK(is_signed(&s.m));
	read_hex(&s, nice_activated);
	OK(s.result == 0 && is_signed(&s.m));
}

/* --- what is refused ----------------------------------------------------------------- */

static void what_is_no_message_is_refused(void)
{
	EQ(result_of("00030008" ID COOKIE), 0);
	EQ(result_of(""), -EBADMSG);
	EQ(result_of("00030000" ID), -EBADMSG);
	EQ(result_of("00030008" ID "000f000472c64bc7"), -EBADMSG);
	EQ(result_of("00030009" ID "000f000572c64bc600"), -EBADMSG);
	EQ(result_of("00030010" ID "8008000400000001" COOKIE), -EBADMSG);
	EQ(result_of("00030009" ID COOKIE), -EBADMSG);
	EQ(result_of("00030007" ID COOKIE), -EBADMSG);
	EQ(result_of("40030008" ID COOKIE), -EBADMSG);
	EQ(result_of("0003000b" ID COOKIE "000600"), -EBADMSG);
	EQ(result_of("0003000c" ID COOKIE "00060001"), -EBADMSG);
	EQ(result_of("0003000d" ID COOKIE "0006000161"), 0);
	EQ(result_of("0003000e" ID COOKIE "000600016100"), -EBADMSG); /* padding */
}

static void failed_parse_leaves_its_output_alone(void)
{
	struct sample s = { .m.n_attrs = 77 };
	read_hex(&s, "0003000c" ID COOKIE "00060001");
	EQ(s.result, -EBADMSG);
	EQ(s.m.n_attrs, 77);
}

static void limits_of_reading_are_kept(void)
{
	static char big[MSTURN_READ_MAX + 1];
	struct msturn_out o;
	struct msturn_msg m;
	msturn_begin(&o, MSTURN_ALLOCATE, id);
	for (size_t i = 1; i < MSTURN_ATTRS_MAX; i++)
		msturn_put(&o, MSTURN_ALTERNATE_HOST_NAME, STR(""));
	EQ(msturn_parse(&m, msturn_text(&o)), 0);
	EQ(m.n_attrs, MSTURN_ATTRS_MAX);
	msturn_put(&o, MSTURN_ALTERNATE_HOST_NAME, STR(""));
	EQ(msturn_parse(&m, msturn_text(&o)), -E2BIG);
	msturn_begin(&o, MSTURN_SEND, id);
	msturn_put(&o, MSTURN_DATA, STR(""));
	for (size_t len = MSTURN_READ_MAX; len <= sizeof(big); len++) {
		memcpy(big, o.bytes, o.len);
		stun_set_u16((uint8_t *)big + 2, len - MSTURN_HEADER_LEN);
		stun_set_u16((uint8_t *)big + o.len - 2, len - o.len);
		EQ(msturn_parse(&m, str_n(big, len)), len > MSTURN_READ_MAX ? -E2BIG : 0);
	}
}

/* In a block of its own, so that a sanitizer sees a read past the end. */
static void cut_to(const struct sample *s, size_t n)
{
	struct msturn_msg m;
	uint8_t *copy = malloc(MAX(n, 1));
	if (!OK(copy != NULL))
		return;
	memcpy(copy, s->bytes, n);
	struct str text = str_n((const char *)copy, n);
	EQ(msturn_parse(&m, text), -EBADMSG);
	if (n >= MSTURN_HEADER_LEN) {
		stun_set_u16(copy + 2, n - MSTURN_HEADER_LEN);
		int r = msturn_parse(&m, text);
		OK(r == -EBADMSG || (r == 0 && !is_signed(&m)));
	}
	free(copy);
}

static void messages_that_are_cut_are_refused(void)
{
	static const char *const all[] = { nice_first,     nice_challenge, nice_second,
		                           nice_allocated, nice_sent,      nice_set_active,
		                           nice_activated };
	struct sample s;
	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		read_hex(&s, all[i]);
		EQ(s.result, 0);
		for (size_t n = 0; n < s.len; n++)
			cut_to(&s, n);
	}
}

static void a_changed_byte_is_noticed(void)
{
	struct sample s;
	read_hex(&s, nice_second);
	for (size_t i = 0; i < s.len; i++) {
		struct msturn_msg m;
		s.bytes[i] ^= 1;
		if (msturn_parse(&m, str_n((const char *)s.bytes, s.len)) == 0)
			OK(!is_signed(&m));
		s.bytes[i] ^= 1;
	}
}

static void what_stands_behind_the_integrity_does_not_count(void)
{
	struct sample s;
	struct str v;
	read_hex(&s, "00030025" ID COOKIE "00080014"
	             "000102030405060708090a0b0c0d0e0f10111213"
	             "0006000161");
	EQ(s.result, 0);
	EQ(s.m.n_attrs, 2);
	OK(!msturn_attr(&s.m, MSTURN_USERNAME, &v));
}

static void values_that_are_malformed_are_not_taken(void)
{
	struct sample s;
	struct addr a;
	uint32_t v = 7;
	int family;
	struct msturn_sequence q;
	struct msturn_service service;
	read_hex(&s, "0003003e" ID COOKIE "000d00050000000000"
	             "001100080003a147e112a643"
	             "0017000403000000"
	             "8050000401020304"
	             "8055000400050000"
	             "802000050001a147e1");
	EQ(s.result, 0);
	OK(!msturn_attr_u32(&s.m, MSTURN_LIFETIME, &v) && v == 7);
	OK(!msturn_attr_addr(&s.m, MSTURN_DESTINATION_ADDRESS, &a));
	OK(!msturn_attr_family(&s.m, &family) && !msturn_attr_sequence(&s.m, &q));
	OK(!msturn_attr_service(&s.m, &service));
	OK(!msturn_attr_xor_addr(&s.m, MSTURN_XOR_MAPPED_ADDRESS, &a));
	read_hex(&s, "00030010" ID COOKIE "8055000400010002");
	OK(s.result == 0 && !msturn_attr_service(&s.m, &service));
	read_hex(&s, "00030010" ID COOKIE "0008000400010002");
	OK(s.result == 0 && !is_signed(&s.m));
}

static void family_and_service_are_read(void)
{
	struct sample s;
	int family = 0;
	struct msturn_service service = { .quality = MSTURN_BEST_EFFORT };
	read_hex(&s, "00030018" ID COOKIE "0017000402000000"
	             "8055000400040001");
	EQ(s.result, 0);
	OK(msturn_attr_family(&s.m, &family) && family == AF_INET6);
	OK(msturn_attr_service(&s.m, &service));
	EQ(service.stream, MSTURN_DATA_STREAM);
	EQ(service.quality, MSTURN_RELIABLE);
	read_hex(&s, "00030010" ID COOKIE "0017000401000000");
	OK(msturn_attr_family(&s.m, &family) && family == AF_INET);
	OK(!msturn_attr_service(&s.m, &service));
}

static void attributes_that_must_be_known_are_found(void)
{
	struct sample s;
	uint16_t ret[3];
	/* XOR-RELAYED-ADDRESS and REQUESTED-TRANSPORT of RFC 8656 are not known here. */
	read_hex(&s, "00030018" ID COOKIE "00160000"
	             "80220000"
	             "00190000"
	             "00060000");
	EQ(s.result, 0);
	EQ(msturn_unknown(&s.m, ret, 3), 2);
	OK(ret[0] == 0x0016 && ret[1] == 0x0019);
	EQ(msturn_unknown(&s.m, ret, 1), 1);
}

/* --- what is written ----------------------------------------------------------------- */

/* Made by hand from [MS-TURN]: no client asked for it. */
static void refusal_names_what_is_unknown(void)
{
	static const uint16_t unknown[] = { 0x0016, 0x0019 };
	struct msturn_out o;
	struct msturn_refusal r = { .type = MSTURN_SET_ACTIVE_ERROR,
		                    .code = 420,
		                    .unknown = unknown,
		                    .n_unknown = ARRAY_SIZE(unknown) };
	msturn_refused(&o, id, &r, NULL);
	is_written_as(&o, "01160029" ID COOKIE "0009001500000414"
	                  "556e6b6e6f776e20417474726962757465"
	                  "000a000400160019");
	r.reason = STR("Not this");
	msturn_refused(&o, id, &r, NULL);
	OK(str_find(msturn_text(&o), r.reason) > 0);
	EQ_STR(msturn_reason(401), "Unauthorized");
	EQ_STR(msturn_reason(431), "Integrity Check Failure");
	EQ_STR(msturn_reason(438), "Stale Nonce");
	EQ_STR(msturn_reason(486), "Allocation Quota Reached");
}

static void addresses_of_both_families_come_back(void)
{
	struct msturn_out o;
	struct msturn_msg m;
	struct addr a, b, second;
	struct msturn_allocation al = { .alternate = &second, .sequence.number = 0xfffefdfc };
	struct msturn_sequence q = { .number = 0 };
	struct str v;
	OK(addr_parse_port(&al.relayed, STR("192.0.2.1:50000")) == 0);
	OK(addr_parse_port(&al.mapped, STR("[2001:db8::7]:9")) == 0);
	OK(addr_parse_port(&second, STR("[2001:db8::1]:50001")) == 0);
	msturn_allocated(&o, id, &al, NULL);
	OK(!o.full && msturn_parse(&m, msturn_text(&o)) == 0);
	OK(msturn_attr_addr(&m, MSTURN_MAPPED_ADDRESS, &a) && addr_eq(&a, &al.relayed));
	OK(msturn_attr_xor_addr(&m, MSTURN_XOR_MAPPED_ADDRESS, &b) && addr_eq(&b, &al.mapped));
	OK(msturn_attr_addr(&m, MSTURN_ALTERNATE_MAPPED_ADDRESS, &b) && addr_eq(&b, &second));
	OK(msturn_attr_sequence(&m, &q) && q.number == 0xfffefdfc);
	OK(!msturn_attr(&m, MSTURN_BANDWIDTH, &v) && !msturn_attr(&m, MSTURN_NONCE, &v));
	OK(!msturn_attr(&m, MSTURN_MESSAGE_INTEGRITY, &v));
}

static void what_does_not_fit_is_told(void)
{
	static const char big[MSTURN_BYTES_MAX];
	static const uint8_t key[STUN_KEY_LEN];
	struct msturn_out o;
	struct msturn_msg m;
	size_t most = MSTURN_BYTES_MAX - MSTURN_HEADER_LEN - 8 - 4 - 24;
	for (size_t n = most - 3; n <= sizeof(big); n++) {
		msturn_begin(&o, MSTURN_SEND, id);
		msturn_put(&o, MSTURN_DATA, str_n(big, n));
		msturn_sign(&o, key);
		EQ(o.full, n > most);
		OK(msturn_parse(&m, msturn_text(&o)) == 0);
		OK(msturn_is_signed(&m, key) == (n <= most));
	}
	msturn_begin(&o, MSTURN_ALLOCATE_ERROR, id);
	msturn_put(&o, MSTURN_DATA, str_n(big, SIZE_MAX - 3));
	OK(o.full && o.len == MSTURN_HEADER_LEN + 8);
	msturn_begin(&o, MSTURN_ALLOCATE_ERROR, id);
	msturn_put_error(&o, 500, str_n(big, SIZE_MAX));
	OK(o.full && o.len == MSTURN_HEADER_LEN + 8);
	struct msturn_refusal r = { .type = MSTURN_ALLOCATE_ERROR,
		                    .code = 401,
		                    .challenge.realm = str_n(big, MSTURN_TEXT_MAX + 1) };
	msturn_refused(&o, id, &r, NULL);
	OK(o.full);
}

/* A payload of n bytes in the middle of a block, all of which but the head stays as it is. */
static void wrap(const char *peer, size_t n)
{
	static uint8_t block[TURN_HEADROOM + 2000 + TURN_TAILROOM];
	struct addr a, b;
	struct msturn_msg m;
	struct str data = STR("");
	OK(addr_parse_port(&a, str_of(peer)) == 0);
	size_t head = a.sa.sa_family == AF_INET ? 44 : 56;
	memset(block, 0xee, sizeof(block));
	struct bytes out = msturn_put_data(block + TURN_HEADROOM, n, &a, id);
	OK(out.p == block + TURN_HEADROOM - head && out.len == head + n);
	EQ(turn_look(out), TURN_MS_CONTROL);
	OK(msturn_parse(&m, str_from_bytes(out)) == 0 && m.type == MSTURN_DATA_INDICATION);
	EQ(memcmp(m.id, id, sizeof(id)), 0);
	OK(msturn_attr_addr(&m, MSTURN_REMOTE_ADDRESS, &b) && addr_eq(&a, &b));
	OK(msturn_attr(&m, MSTURN_DATA, &data) && data.len == n);
	OK(data.p == (const char *)block + TURN_HEADROOM);
	for (size_t i = 0; i < sizeof(block); i++)
		if (i < TURN_HEADROOM - head || i >= TURN_HEADROOM)
			OK(block[i] == 0xee);
}

static void payload_becomes_a_data_indication_in_place(void)
{
	static uint8_t big[TURN_HEADROOM + MSTURN_READ_MAX];
	struct addr a;
	for (size_t n = 0; n < 9; n++) {
		wrap("192.0.2.1:50000", n);
		wrap("[2001:db8::1]:50000", n);
	}
	wrap("192.0.2.1:50000", 1472);
	OK(addr_parse_port(&a, STR("192.0.2.1:1")) == 0);
	EQ(msturn_put_data(big + TURN_HEADROOM, MSTURN_READ_MAX - 44, &a, id).len, MSTURN_READ_MAX);
	EQ(msturn_put_data(big + TURN_HEADROOM, MSTURN_READ_MAX - 43, &a, id).len, 0);
	EQ(msturn_put_data(big + TURN_HEADROOM, SIZE_MAX, &a, id).len, 0);
}

int main(void)
{
	RUN(allocate_requests_of_libnice_are_read);
	RUN(send_and_set_active_of_libnice_are_read);
	RUN(answers_that_libnice_took_are_written);
	RUN(answers_are_read_as_they_were_written);
	RUN(what_is_no_message_is_refused);
	RUN(failed_parse_leaves_its_output_alone);
	RUN(limits_of_reading_are_kept);
	RUN(messages_that_are_cut_are_refused);
	RUN(a_changed_byte_is_noticed);
	RUN(what_stands_behind_the_integrity_does_not_count);
	RUN(values_that_are_malformed_are_not_taken);
	RUN(family_and_service_are_read);
	RUN(attributes_that_must_be_known_are_found);
	RUN(refusal_names_what_is_unknown);
	RUN(addresses_of_both_families_come_back);
	RUN(what_does_not_fit_is_told);
	RUN(payload_becomes_a_data_indication_in_place);
	return tap_done();
}
