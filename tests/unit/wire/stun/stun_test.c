#include "wire/stun/stun.h"

#include <errno.h>
#include <stdlib.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "base/code.h"
#include "tap.h"
#include "wire/stun/binding.h"

/* A message from hex digits, and what reading it said. */
struct sample {
	uint8_t bytes[256];
	size_t len;
	struct stun_msg m;
	int result;
};

static struct str text_of(const struct sample *s)
{
	return str_n((const char *)s->bytes, s->len);
}

static void read_hex(struct sample *s, const char *hex)
{
	s->len = strlen(hex) / 2;
	OK(s->len <= sizeof(s->bytes) && hex_get(str_of(hex), s->bytes, s->len) == 0);
	s->result = stun_parse(&s->m, text_of(s));
}

/* Parts of the messages below. */
#define COOKIE "2112a442"
#define ID "0102030405060708090a0b0c"
#define START COOKIE ID
static const uint8_t id[STUN_ID_LEN] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12 };

static int result_of(const char *hex)
{
	struct sample s;
	read_hex(&s, hex);
	return s.result;
}

static bool has_text(const struct stun_msg *m, uint16_t type, const char *want)
{
	struct str s;
	return stun_attr(m, type, &s) && str_eq(s, str_of(want));
}

static bool has_addr(const struct stun_msg *m, const char *want)
{
	struct addr a, b;
	return stun_attr_addr(m, STUN_XOR_MAPPED_ADDRESS, &a) &&
	       addr_parse_port(&b, str_of(want)) == 0 && addr_eq(&a, &b);
}

static bool has_u32(const struct stun_msg *m, uint16_t type, uint32_t want)
{
	uint32_t v;
	return stun_attr_u32(m, type, &v) && v == want;
}

static bool has_u64(const struct stun_msg *m, uint16_t type, uint64_t want)
{
	uint64_t v;
	return stun_attr_u64(m, type, &v) && v == want;
}

/* --- RFC 5769 ------------------------------------------------------------------------ */

#define RFC_ID "b7e7a701bc34d686fa87dfae"
static const char rfc_request[] =
        "00010058" COOKIE RFC_ID "802200105354554e207465737420636c69656e74"
        "002400046e0001ff80290008932ff9b151263b36000600096576746a3a68367659202020"
        "000800149aeaa70cbfd8cb56781ef2b5b2d3f249c1b571a280280004e57a3bcf";
static const char rfc_response[] = "0101003c" COOKIE RFC_ID "8022000b7465737420766563746f7220"
                                   "002000080001a147e112a643"
                                   "000800142b91f599fd9e90c38c7489f92af9ba53f06be7d7"
                                   "80280004c07d4c96";
static const char rfc_response6[] = "01010048" COOKIE RFC_ID "8022000b7465737420766563746f7220"
                                    "002000140002a1470113a9faa5d3f179bc25f4b5bed2b9d9"
                                    "00080014a382954e4be67bf11784c97c8292c275bfe3ed41"
                                    "80280004c8fb0b4c";
static const char rfc_long_term[] =
        "00010060" COOKIE "78ad3433c6ad72c029da412e"
        "00060012e3839ee38388e383aae38383e382afe382b90000"
        "0015001c662f2f3439396b39353464364f4c33346f4c394653547679363473410014000b"
        "6578616d706c652e6f726700"
        "00080014f67024656dd64a3e02b8e0712e85c9a28ca89666";
static const struct str rfc_key = STR_INIT("VOkJxbRl1RmTxUk/WvJxBt");

static void request_of_rfc_5769_is_read(void)
{
	struct sample s;
	read_hex(&s, rfc_request);
	EQ(s.result, 0);
	EQ(s.m.type, 1);
	EQ(s.m.class, STUN_REQUEST);
	EQ(s.m.method, STUN_BINDING);
	EQ(s.m.n_attrs, 6);
	OK(s.m.id == s.bytes + 8);
	OK(has_text(&s.m, STUN_SOFTWARE, "STUN test client"));
	OK(has_text(&s.m, STUN_USERNAME, "evtj:h6vY"));
	OK(has_u32(&s.m, STUN_PRIORITY, 0x6e0001ff));
	OK(has_u64(&s.m, STUN_ICE_CONTROLLED, 0x932ff9b151263b36));
	OK(stun_is_signed(&s.m, STUN_STANDARD, rfc_key));
	OK(!stun_is_signed(&s.m, STUN_LYNC, rfc_key));
	OK(stun_has_fingerprint(&s.m));
}

static void responses_of_rfc_5769_are_read(void)
{
	struct sample s;
	read_hex(&s, rfc_response);
	EQ(s.result, 0);
	EQ(s.m.class, STUN_SUCCESS);
	OK(has_text(&s.m, STUN_SOFTWARE, "test vector"));
	OK(has_addr(&s.m, "192.0.2.1:32853"));
	OK(stun_is_signed(&s.m, STUN_STANDARD, rfc_key) && stun_has_fingerprint(&s.m));
	read_hex(&s, rfc_response6);
	EQ(s.result, 0);
	OK(has_addr(&s.m, "[2001:db8:1234:5678:11:2233:4455:6677]:32853"));
	OK(stun_is_signed(&s.m, STUN_STANDARD, rfc_key) && stun_has_fingerprint(&s.m));
}

static void long_term_request_of_rfc_5769_is_read(void)
{
	uint8_t key[STUN_KEY_LEN];
	struct sample s;
	struct str user = STR("");
	read_hex(&s, rfc_long_term);
	EQ(s.result, 0);
	OK(stun_attr_text(&s.m, STUN_USERNAME, &user));
	stun_long_term_key(key, user, STR("example.org"), STR("TheMatrIX"));
	OK(has_text(&s.m, STUN_REALM, "example.org"));
	OK(has_text(&s.m, STUN_NONCE, "f//499k954d6OL34oL9FSTvy64sA"));
	OK(stun_is_signed(&s.m, STUN_STANDARD, str_n((const char *)key, sizeof(key))));
	OK(!stun_has_fingerprint(&s.m));
}

/* --- libnice ------------------------------------------------------------------------- */

/* Messages of two agents of libnice 0.1.21 on one host, in its mode OC2007R2: the one that calls
 * has the fragment Lq3x and the port 40100, the other aNs7w and 40101. */
static const struct str nice_key = STR_INIT("Vb2kTr8ZpQ1mXw5JdY7sHc");
static const struct str nice_peer_key = STR_INIT("n4GfRk9LzE6uWq2CtB8yMo1a");
#define NICE_REQUEST                                                                       \
	"000100582112a4429b1d2d1cb44a8c561449eeba00250000002400046ef003ff802a0008"         \
	"5cf423606cbd52320006000c614e7337773a4c713378000080540004310000008070000400000002" \
	"00080014571a3f795541057dc4f50d173bfdab899cb22970"
static const char nice_request[] = NICE_REQUEST "802800042fd2659e";
/* The same for clients of 2007, whose table of CRC-32 had a wrong digit. */
static const char nice_legacy[] = NICE_REQUEST "80280004abb69d87";
static const char nice_response[] =
        "010100442112a4429b1d2d1cb44a8c561449eeba002000080001bdb65e12a443"
        "0006000c614e7337773a4c71337800008070000400000002"
        "00080014a4cbaa0f96b87a67ce29f3c3b9299fd93fcaebcb8028000454972570";
/* Both wanted to control. */
static const char nice_conflict[] =
        "011100352112a442b72af03e59e2d7a145c7ddb0"
        "0009001100000457526f6c6520636f6e666c696374"
        "000800148753e6d2ae4ddd4b69e704d63d0cf472273dbbc380280004070a72f2";
static const char nice_unauthorized[] = "0111001c2112a4420b6bb7fee611ac3a125e9078"
                                        "0009001000000401556e617574686f72697a656480280004657ac5c0";
static const char nice_keepalive[] = "001100082112a442e859235fb04f834d3574565880280004a4ada08d";

static void check_of_libnice_is_read(void)
{
	struct sample s;
	struct str v;
	read_hex(&s, nice_request);
	EQ(s.result, 0);
	EQ(s.m.n_attrs, 8);
	OK(stun_attr(&s.m, STUN_USE_CANDIDATE, &v) && v.len == 0);
	OK(has_u32(&s.m, STUN_PRIORITY, 0x6ef003ff));
	OK(has_u64(&s.m, STUN_ICE_CONTROLLING, 0x5cf423606cbd5232));
	OK(has_u32(&s.m, STUN_MS_IMPLEMENTATION_VERSION, 2));
	OK(stun_attr(&s.m, STUN_USERNAME, &v) && v.len == 12);
	OK(stun_attr_text(&s.m, STUN_USERNAME, &v) && str_eq(v, STR("aNs7w:Lq3x")));
	OK(stun_attr_text(&s.m, STUN_MS_CANDIDATE_IDENTIFIER, &v) && str_eq(v, STR("1")));
	OK(stun_is_signed(&s.m, STUN_LYNC, nice_peer_key));
	OK(!stun_is_signed(&s.m, STUN_LYNC, nice_key));
	OK(!stun_is_signed(&s.m, STUN_STANDARD, nice_peer_key));
	OK(stun_has_fingerprint(&s.m));
}

static void copy_for_clients_of_2007_has_no_right_fingerprint(void)
{
	struct sample s;
	read_hex(&s, nice_legacy);
	EQ(s.result, 0);
	OK(stun_is_signed(&s.m, STUN_LYNC, nice_peer_key) && !stun_has_fingerprint(&s.m));
}

static void response_and_keepalive_of_libnice_are_read(void)
{
	struct sample s;
	read_hex(&s, nice_response);
	EQ(s.result, 0);
	EQ(s.m.class, STUN_SUCCESS);
	OK(has_addr(&s.m, "127.0.0.1:40100"));
	OK(stun_is_signed(&s.m, STUN_LYNC, nice_peer_key) && stun_has_fingerprint(&s.m));
	read_hex(&s, nice_keepalive);
	EQ(s.result, 0);
	EQ(s.m.class, STUN_INDICATION);
	EQ(s.m.n_attrs, 1);
	OK(!stun_is_signed(&s.m, STUN_LYNC, nice_key) && stun_has_fingerprint(&s.m));
}

static void errors_of_libnice_are_read_without_padding(void)
{
	struct sample s;
	unsigned code;
	struct str reason;
	read_hex(&s, nice_conflict);
	EQ(s.result, 0);
	EQ(s.m.class, STUN_ERROR);
	OK(stun_attr_error(&s.m, &code, &reason) && code == 487);
	EQ_STR(reason, "Role conflict");
	OK(stun_is_signed(&s.m, STUN_LYNC, nice_peer_key) && stun_has_fingerprint(&s.m));
	read_hex(&s, nice_unauthorized);
	EQ(s.result, 0);
	OK(stun_attr_error(&s.m, &code, &reason) && code == 401);
	EQ_STR(reason, "Unauthorized");
	OK(!stun_is_signed(&s.m, STUN_LYNC, nice_key) && stun_has_fingerprint(&s.m));
}

static void is_written_as(const struct stun_out *o, const char *want)
{
	auto_(buf_free) struct buf hex = buf_of((size_t)2 * STUN_BYTES_MAX);
	OK(!o->full);
	hex_put(&hex, o->bytes, o->len);
	EQ_STR(buf_view(&hex), want);
}

static void what_libnice_writes_we_write(void)
{
	struct sample s;
	struct stun_out o;
	struct addr peer;
	read_hex(&s, nice_request);
	stun_begin(&o, STUN_REQUEST, STUN_BINDING, s.m.id);
	stun_put(&o, STUN_USE_CANDIDATE, STR(""));
	stun_put_u32(&o, STUN_PRIORITY, 0x6ef003ff);
	stun_put_u64(&o, STUN_ICE_CONTROLLING, 0x5cf423606cbd5232);
	stun_put(&o, STUN_USERNAME, STR("aNs7w:Lq3x"));
	stun_put(&o, STUN_MS_CANDIDATE_IDENTIFIER, STR("1"));
	stun_put_u32(&o, STUN_MS_IMPLEMENTATION_VERSION, 2);
	stun_end(&o, STUN_LYNC, nice_peer_key);
	is_written_as(&o, nice_request);
	OK(addr_parse(&peer, STR("127.0.0.1"), 40100) == 0);
	stun_begin(&o, STUN_SUCCESS, STUN_BINDING, s.m.id);
	stun_put_xor_addr(&o, STUN_XOR_MAPPED_ADDRESS, &peer);
	stun_put(&o, STUN_USERNAME, STR("aNs7w:Lq3x"));
	stun_put_u32(&o, STUN_MS_IMPLEMENTATION_VERSION, 2);
	stun_end(&o, STUN_LYNC, nice_peer_key);
	is_written_as(&o, nice_response);
}

/* --- what is refused ----------------------------------------------------------------- */

static void what_is_no_stun_is_refused(void)
{
	EQ(result_of("00010000" START), 0);
	EQ(result_of(""), -EBADMSG);
	EQ(result_of("00010000" COOKIE "0102030405060708090a0b"), -EBADMSG);
	EQ(result_of("40010000" START), -EBADMSG);
	EQ(result_of("80010000" START), -EBADMSG);
	EQ(result_of("040100002112a4420102030405060708090a0b0c"), -EBADMSG);
	EQ(result_of("00010000"
	             "2112a443" ID),
	   -EBADMSG);
	EQ(result_of("00010004" START), -EBADMSG);
	EQ(result_of("00010000" START "00060000"), -EBADMSG);
}

static void attributes_that_do_not_fit_are_refused(void)
{
	EQ(result_of("00010004" START "00060000"), 0);
	EQ(result_of("00010008" START "0006000461626364"), 0);
	EQ(result_of("00010008" START "0006000161626364"), 0);
	EQ(result_of("00010008" START "0006000561626364"), -EBADMSG);
	EQ(result_of("00010008" START "0006ffff61626364"), -EBADMSG);
	EQ(result_of("00010008" START "0006fffc61626364"), -EBADMSG);
	EQ(result_of("00010008" START "0006000000060001"), -EBADMSG);
	/* Without padding. */
	EQ(result_of("00010007" START "00060003616263"), 0);
	EQ(result_of("00010007" START "00060004616263"), -EBADMSG);
	EQ(result_of("00010007" START "00060000616263"), -EBADMSG);
}

static void failed_parse_leaves_its_output_alone(void)
{
	struct sample s = { .m.n_attrs = 77 };
	read_hex(&s, "00010008" START "0006000561626364");
	EQ(s.result, -EBADMSG);
	EQ(s.m.n_attrs, 77);
}

/* A request with that many empty attributes. */
static int result_of_many(size_t n)
{
	struct stun_out o;
	struct stun_msg m;
	stun_begin(&o, STUN_REQUEST, STUN_BINDING, id);
	for (size_t i = 0; i < n; i++)
		stun_put(&o, STUN_SOFTWARE, STR(""));
	OK(!o.full);
	return stun_parse(&m, stun_text(&o));
}

/* A message of that many bytes: its header and one attribute. */
static struct str big_message(char *p, size_t len)
{
	size_t body = len - STUN_HEADER_LEN, value = body - 4;
	const uint8_t head[] = {
		0, 1, (uint8_t)(body >> 8), (uint8_t)body, 0x21, 0x12, 0xa4, 0x42
	};
	const uint8_t attr[] = { 0x80, 0x22, (uint8_t)(value >> 8), (uint8_t)value };
	memcpy(p, head, sizeof(head));
	memcpy(p + STUN_HEADER_LEN, attr, sizeof(attr));
	return str_n(p, len);
}

static void limits_of_reading_are_kept(void)
{
	static char big[STUN_READ_MAX + 4];
	struct stun_msg m;
	struct str v = STR("");
	const uint8_t *got;
	EQ(result_of_many(STUN_ATTRS_MAX), 0);
	EQ(result_of_many(STUN_ATTRS_MAX + 1), -E2BIG);
	EQ(stun_parse(&m, big_message(big, STUN_READ_MAX - 3)), 0);
	OK(stun_attr(&m, STUN_SOFTWARE, &v) && v.len == STUN_READ_MAX - 3 - STUN_HEADER_LEN - 4);
	EQ(stun_parse(&m, big_message(big, STUN_READ_MAX)), 0); /* without padding */
	EQ(stun_parse(&m, big_message(big, STUN_READ_MAX + 1)), -E2BIG);
	EQ(stun_binding_parse(bytes_of(big_message(big, STUN_BYTES_MAX)), &got), 0);
	EQ(stun_binding_parse(bytes_of(big_message(big, STUN_BYTES_MAX + 4)), &got), -EBADMSG);
}

static void what_stands_behind_the_integrity_does_not_count(void)
{
	struct sample s;
	struct str v;
	uint16_t unknown[2];
	read_hex(&s, "0001002c" START "00080014"
	             "000102030405060708090a0b0c0d0e0f10111213"
	             "0025000080280004000000000006000161000000");
	EQ(s.result, 0);
	EQ(s.m.n_attrs, 2);
	OK(!stun_attr(&s.m, STUN_USE_CANDIDATE, &v) && !stun_attr(&s.m, STUN_USERNAME, &v));
	OK(stun_attr(&s.m, STUN_FINGERPRINT, &v) && !stun_has_fingerprint(&s.m));
	EQ(stun_unknown(&s.m, NULL, 0, unknown, 2), 1);
	EQ(unknown[0], STUN_MESSAGE_INTEGRITY);
}

static void fingerprint_that_is_not_last_is_none(void)
{
	struct sample s;
	struct stun_out o;
	stun_begin(&o, STUN_REQUEST, STUN_BINDING, id);
	stun_end(&o, STUN_STANDARD, (struct str){ NULL, 0 });
	stun_put(&o, STUN_USERNAME, STR("a"));
	EQ(stun_parse(&s.m, stun_text(&o)), 0);
	EQ(s.m.n_attrs, 1);
	OK(!stun_has_fingerprint(&s.m));
}

static void values_of_a_wrong_size_are_not_taken(void)
{
	struct sample s;
	uint32_t v32 = 7;
	uint64_t v64 = 7;
	read_hex(&s, "00010014" START "002400080102030405060708"
	             "8029000401020304");
	EQ(s.result, 0);
	OK(!stun_attr_u32(&s.m, STUN_PRIORITY, &v32) && v32 == 7);
	OK(!stun_attr_u64(&s.m, STUN_ICE_CONTROLLED, &v64) && v64 == 7);
	OK(!stun_attr_u32(&s.m, STUN_FINGERPRINT, &v32) && !stun_has_fingerprint(&s.m));
	read_hex(&s, "00010018" START "00080010"
	             "000102030405060708090a0b0c0d0e0f"
	             "00060000");
	EQ(s.result, 0);
	OK(!stun_is_signed(&s.m, STUN_STANDARD, STR("key")));
}

static bool takes_addr(const char *hex)
{
	struct sample s;
	struct addr a;
	read_hex(&s, hex);
	EQ(s.result, 0);
	return stun_attr_addr(&s.m, STUN_XOR_MAPPED_ADDRESS, &a);
}

static void addresses_that_are_malformed_are_not_taken(void)
{
	OK(takes_addr("0101000c" START "002000080001a147e112a643"));
	OK(!takes_addr("01010000" START));
	OK(!takes_addr("01010004" START "00200000"));
	OK(!takes_addr("01010008" START "002000040001a147"));
	OK(!takes_addr("0101000c" START "002000070001a147e112a643"));
	OK(!takes_addr("0101000c" START "002000080000a147e112a643"));
	OK(!takes_addr("0101000c" START "002000080002a147e112a643"));
	OK(!takes_addr("01010018" START "002000140001a1470113a9faa5d3f179bc25f4b5bed2b9d9"));
	OK(!takes_addr("01010018" START "002000140003a1470113a9faa5d3f179bc25f4b5bed2b9d9"));
}

static bool takes_error(const char *hex)
{
	struct sample s;
	unsigned code;
	struct str reason;
	read_hex(&s, hex);
	EQ(s.result, 0);
	return stun_attr_error(&s.m, &code, &reason) && code >= 300 && code <= 699;
}

static void errors_that_are_malformed_are_not_taken(void)
{
	OK(takes_error("01110008" START "0009000400000300"));
	OK(takes_error("01110008" START "0009000400000663"));
	OK(!takes_error("01110000" START));
	OK(!takes_error("01110008" START "0009000300000400"));
	OK(!takes_error("01110008" START "0009000400000263"));
	OK(!takes_error("01110008" START "0009000400000700"));
	OK(!takes_error("01110008" START "0009000400000464"));
}

static void attributes_that_must_be_known_are_found(void)
{
	static const uint16_t known[] = { STUN_PRIORITY };
	struct sample s;
	uint16_t ret[3];
	read_hex(&s, "00010014" START "00240000"
	             "7fff0000"
	             "80000000"
	             "00250000"
	             "00060000");
	EQ(stun_unknown(&s.m, known, 1, ret, 3), 3);
	OK(ret[0] == 0x7fff && ret[1] == STUN_USE_CANDIDATE && ret[2] == STUN_USERNAME);
	EQ(stun_unknown(&s.m, known, 1, ret, 2), 2);
	EQ(stun_unknown(&s.m, known, 1, ret, 0), 0);
}

/* --- round trips --------------------------------------------------------------------- */

static void classes_and_methods_come_back(void)
{
	struct stun_out o;
	struct stun_msg m;
	for (uint16_t method = 0; method < 256; method++) {
		for (unsigned class = STUN_REQUEST; class <= STUN_ERROR; class ++) {
			stun_begin(&o, class, method, id);
			if (stun_parse(&m, stun_text(&o)) < 0 || m.method != method ||
			    m.class != class || memcmp(m.id, id, sizeof(id)) != 0) {
				EQ(method, -1);
				return;
			}
		}
	}
	EQ(m.type, 0x3ff);
}

static void both_dialects_come_back_at_any_length(void)
{
	static const char user[70] = "user";
	for (size_t n = 0; n <= sizeof(user); n++) {
		for (unsigned d = STUN_STANDARD; d <= STUN_LYNC; d++) {
			struct stun_out o;
			struct stun_msg m;
			struct str v;
			stun_begin(&o, STUN_REQUEST, STUN_BINDING, id);
			stun_put(&o, STUN_USERNAME, str_n(user, n));
			stun_end(&o, d, STR("secret"));
			OK(!o.full && stun_parse(&m, stun_text(&o)) == 0 && m.n_attrs == 3);
			OK(stun_attr(&m, STUN_USERNAME, &v));
			EQ(v.len, d == STUN_LYNC ? (n + 3) / 4 * 4 : n);
			OK(stun_is_signed(&m, d, STR("secret")) && stun_has_fingerprint(&m));
			OK(!stun_is_signed(&m, !d, STR("secret")));
			OK(!stun_is_signed(&m, d, STR("secre")) &&
			   !stun_is_signed(&m, d, (struct str){ NULL, 0 }));
		}
	}
}

static void a_changed_byte_is_noticed(void)
{
	struct sample s;
	read_hex(&s, nice_request);
	for (size_t i = 0; i < s.len; i++) {
		struct stun_msg m;
		s.bytes[i] ^= 1;
		if (stun_parse(&m, text_of(&s)) == 0) {
			OK(!stun_has_fingerprint(&m));
			/* FINGERPRINT is not signed. */
			OK(stun_is_signed(&m, STUN_LYNC, nice_peer_key) == (i >= s.len - 8));
		}
		s.bytes[i] ^= 1;
	}
}

static void errors_and_addresses_come_back(void)
{
	struct stun_out o;
	struct stun_msg m;
	struct addr a;
	unsigned code;
	struct str reason;
	stun_begin(&o, STUN_ERROR, STUN_BINDING, id);
	stun_put_error(&o, 487, STR("Role Conflict"));
	OK(addr_parse(&a, STR("2001:db8::1"), 65535) == 0);
	stun_put_xor_addr(&o, STUN_XOR_MAPPED_ADDRESS, &a);
	stun_end(&o, STUN_LYNC, (struct str){ NULL, 0 });
	OK(!o.full && stun_parse(&m, stun_text(&o)) == 0 && m.n_attrs == 3);
	OK(stun_attr_error(&m, &code, &reason) && code == 487);
	EQ_STR(reason, "Role Conflict");
	OK(has_addr(&m, "[2001:db8::1]:65535"));
	stun_begin(&o, STUN_SUCCESS, STUN_BINDING, id);
	OK(addr_parse(&a, STR("::ffff:192.0.2.7"), 1) == 0);
	stun_put_xor_addr(&o, STUN_XOR_MAPPED_ADDRESS, &a);
	OK(stun_parse(&m, stun_text(&o)) == 0 && has_addr(&m, "192.0.2.7:1"));
}

static void what_does_not_fit_is_told(void)
{
	static const char big[STUN_BYTES_MAX];
	struct stun_out o;
	struct stun_msg m;
	/* A value, MESSAGE-INTEGRITY and FINGERPRINT. */
	size_t most = STUN_BYTES_MAX - STUN_HEADER_LEN - 4 - 24 - 8;
	for (size_t n = most - 5; n <= sizeof(big); n++) {
		stun_begin(&o, STUN_REQUEST, STUN_BINDING, id);
		stun_put(&o, STUN_SOFTWARE, str_n(big, n));
		stun_end(&o, STUN_LYNC, STR("key"));
		EQ(o.full, n > most);
		OK(stun_parse(&m, stun_text(&o)) == 0);
		OK(stun_is_signed(&m, STUN_LYNC, STR("key")) || n > most);
	}
	stun_begin(&o, STUN_REQUEST, STUN_BINDING, id);
	stun_put(&o, STUN_SOFTWARE, str_n(big, SIZE_MAX - 3));
	OK(o.full && o.len == STUN_HEADER_LEN);
	stun_put_u32(&o, STUN_PRIORITY, 1); /* full stays full */
	OK(o.full && o.len == STUN_HEADER_LEN);
}

/* --- every message, cut ---------------------------------------------------------------- */

static void walk(const struct stun_msg *m)
{
	for (unsigned i = 0; i < m->n_attrs; i++) {
		size_t end = (size_t)m->attrs[i].at + m->attrs[i].len;
		OK(m->attrs[i].at >= STUN_HEADER_LEN + 4 && end <= m->raw.len);
	}
	OK(!stun_is_signed(m, STUN_STANDARD, rfc_key) && !stun_is_signed(m, STUN_LYNC, nice_key));
}

/* In a block of its own, so that a sanitizer sees a read past the end. */
static void cut_to(const struct sample *s, size_t n)
{
	struct stun_msg m;
	char *copy = malloc(MAX(n, 1));
	if (!OK(copy != NULL))
		return;
	memcpy(copy, s->bytes, n);
	EQ(stun_parse(&m, str_n(copy, n)), -EBADMSG);
	if (n >= STUN_HEADER_LEN) {
		copy[2] = 0;
		copy[3] = (char)(n - STUN_HEADER_LEN);
		int r = stun_parse(&m, str_n(copy, n));
		OK(r == 0 || r == -EBADMSG);
		if (r == 0)
			walk(&m);
	}
	free(copy);
}

static void messages_that_are_cut_are_refused(void)
{
	static const char *const all[] = {
		rfc_request, rfc_response,  rfc_response6, rfc_long_term,     nice_request,
		nice_legacy, nice_response, nice_conflict, nice_unauthorized, nice_keepalive,
	};
	struct sample s;
	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		read_hex(&s, all[i]);
		EQ(s.result, 0);
		/* Behind FINGERPRINT nothing is missing that is signed. */
		for (size_t n = 0; n + 8 < s.len; n++)
			cut_to(&s, n);
	}
}

/* --- what TURN needs ------------------------------------------------------------------- */

static void repeated_addresses_are_read_in_turn(void)
{
	static const char *const want[] = { "192.0.2.1:32853", "[2001:db8::2]:1", "192.0.2.3:0" };
	struct stun_out o;
	struct stun_msg m;
	struct addr a, b;
	unsigned at = 0;
	stun_begin(&o, STUN_REQUEST, STUN_CREATE_PERMISSION, id);
	for (size_t i = 0; i < ARRAY_SIZE(want); i++) {
		OK(addr_parse_port(&a, str_of(want[i])) == 0);
		stun_put_xor_addr(&o, STUN_XOR_PEER_ADDRESS, &a);
		stun_put(&o, STUN_SOFTWARE, STR("between"));
	}
	OK(!o.full && stun_parse(&m, stun_text(&o)) == 0);
	EQ(m.method, STUN_CREATE_PERMISSION);
	for (size_t i = 0; i < ARRAY_SIZE(want); i++) {
		EQ(stun_next_addr(&m, STUN_XOR_PEER_ADDRESS, &at, &a), 1);
		OK(addr_parse_port(&b, str_of(want[i])) == 0 && addr_eq(&a, &b));
	}
	EQ(stun_next_addr(&m, STUN_XOR_PEER_ADDRESS, &at, &a), 0);
	EQ(stun_next_addr(&m, STUN_XOR_PEER_ADDRESS, &at, &a), 0);
}

static void a_malformed_one_of_several_addresses_is_told(void)
{
	struct sample s;
	struct addr a;
	unsigned at = 0;
	read_hex(&s, "00080024" START "001200080001a147e112a643"
	             "001200080003a147e112a643"
	             "001200080001a147e112a643");
	EQ(s.result, 0);
	EQ(stun_next_addr(&s.m, STUN_XOR_PEER_ADDRESS, &at, &a), 1);
	EQ(stun_next_addr(&s.m, STUN_XOR_PEER_ADDRESS, &at, &a), -EBADMSG);
	EQ(stun_next_addr(&s.m, STUN_XOR_PEER_ADDRESS, &at, &a), 1);
	EQ(stun_next_addr(&s.m, STUN_XOR_PEER_ADDRESS, &at, &a), 0);
}

static void plain_addresses_and_unknown_types_are_written(void)
{
	static const uint16_t unknown[] = { STUN_USERHASH, STUN_PASSWORD_ALGORITHM, 0x7fff };
	struct stun_out o;
	struct stun_msg m;
	struct addr a, b;
	OK(addr_parse_port(&a, STR("192.0.2.1:32853")) == 0);
	stun_begin(&o, STUN_ERROR, STUN_ALLOCATE, id);
	stun_put_error(&o, 420, stun_reason(420));
	stun_put_unknown(&o, unknown, ARRAY_SIZE(unknown));
	stun_put_plain_addr(&o, STUN_ALTERNATE_SERVER, &a);
	is_written_as(&o, "01130034" START "0009001500000414"
	                  "556e6b6e6f776e20417474726962757465000000"
	                  "000a0006001e001d7fff0000"
	                  "8023000800018055c0000201");
	OK(stun_parse(&m, stun_text(&o)) == 0);
	OK(stun_attr_plain_addr(&m, STUN_ALTERNATE_SERVER, &b) && addr_eq(&a, &b));
	OK(!stun_attr_addr(&m, STUN_ALTERNATE_SERVER, &b) || !addr_eq(&a, &b));
	OK(!stun_attr_plain_addr(&m, STUN_MAPPED_ADDRESS, &b));
	stun_begin(&o, STUN_ERROR, STUN_ALLOCATE, id);
	stun_put_unknown(&o, unknown, 0);
	OK(stun_parse(&m, stun_text(&o)) == 0 && m.n_attrs == 1);
}

/* What OpenSSL says of the text with the length in place and zeros up to whole blocks. */
static bool mac_is_right(const char *text, size_t len, bool padded)
{
	static uint8_t copy[STUN_READ_MAX + 64];
	uint8_t want[STUN_MAC_LEN], got[STUN_MAC_LEN];
	size_t n = padded ? (len + 63) / 64 * 64 : len;
	memset(copy, 0, sizeof(copy));
	memcpy(copy, text, len);
	copy[2] = 0x12;
	copy[3] = 0x34;
	stun_mac(got, str_n(text, len), 0x1234, padded, STR("some key"));
	return HMAC(EVP_sha1(), "some key", 8, copy, n, want, NULL) &&
	       memcmp(got, want, sizeof(want)) == 0;
}

static void hash_of_any_length_is_that_of_another_library(void)
{
	static char text[STUN_READ_MAX];
	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = (char)(i * 31 >> 3);
	for (size_t n = STUN_HEADER_LEN; n < 300; n++)
		OK(mac_is_right(text, n, false) && mac_is_right(text, n, true));
	OK(mac_is_right(text, sizeof(text), false) && mac_is_right(text, sizeof(text), true));
}

static void reasons_are_those_of_the_specifications(void)
{
	EQ_STR(stun_reason(300), "Try Alternate");
	EQ_STR(stun_reason(437), "Allocation Mismatch");
	EQ_STR(stun_reason(508), "Insufficient Capacity");
	EQ_STR(stun_reason(499), "Error");
}

/* --- Binding as SIP uses it ---------------------------------------------------------- */

static int binding(const char *hex)
{
	struct sample s;
	const uint8_t *got = NULL;
	read_hex(&s, hex);
	int r = stun_binding_parse(bytes_of(text_of(&s)), &got);
	OK(r < 0 || got == s.bytes + 8);
	return r;
}

static void keepalive_of_sip_is_a_request_without_what_we_do_not_know(void)
{
	EQ(binding("00010000" START), 0);
	EQ(binding("00010008" START "8022000361626300"), 0);
	EQ(binding("00010008" START "0006000361626300"), -EBADMSG);
	EQ(binding("00110000" START), -EBADMSG);
	EQ(binding("01010000" START), -EBADMSG);
	EQ(binding("00030000" START), -EBADMSG);
	EQ(binding("00010004" START), -EBADMSG);
}

static void keepalive_of_sip_is_answered_with_the_address(void)
{
	char space[64];
	struct buf b = BUF_ON(space);
	struct stun_msg m;
	struct addr peer;
	OK(addr_parse(&peer, STR("192.0.2.1"), 32853) == 0);
	stun_binding_answer(&b, id, &peer);
	OK(!b.full && stun_parse(&m, buf_view(&b)) == 0);
	EQ(m.class, STUN_SUCCESS);
	EQ(m.n_attrs, 1);
	OK(has_addr(&m, "192.0.2.1:32853") && memcmp(m.id, id, sizeof(id)) == 0);
}

int main(void)
{
	RUN(request_of_rfc_5769_is_read);
	RUN(responses_of_rfc_5769_are_read);
	RUN(long_term_request_of_rfc_5769_is_read);
	RUN(check_of_libnice_is_read);
	RUN(copy_for_clients_of_2007_has_no_right_fingerprint);
	RUN(response_and_keepalive_of_libnice_are_read);
	RUN(errors_of_libnice_are_read_without_padding);
	RUN(what_libnice_writes_we_write);
	RUN(what_is_no_stun_is_refused);
	RUN(attributes_that_do_not_fit_are_refused);
	RUN(failed_parse_leaves_its_output_alone);
	RUN(limits_of_reading_are_kept);
	RUN(what_stands_behind_the_integrity_does_not_count);
	RUN(fingerprint_that_is_not_last_is_none);
	RUN(values_of_a_wrong_size_are_not_taken);
	RUN(addresses_that_are_malformed_are_not_taken);
	RUN(errors_that_are_malformed_are_not_taken);
	RUN(attributes_that_must_be_known_are_found);
	RUN(classes_and_methods_come_back);
	RUN(both_dialects_come_back_at_any_length);
	RUN(a_changed_byte_is_noticed);
	RUN(errors_and_addresses_come_back);
	RUN(what_does_not_fit_is_told);
	RUN(messages_that_are_cut_are_refused);
	RUN(repeated_addresses_are_read_in_turn);
	RUN(a_malformed_one_of_several_addresses_is_told);
	RUN(plain_addresses_and_unknown_types_are_written);
	RUN(hash_of_any_length_is_that_of_another_library);
	RUN(reasons_are_those_of_the_specifications);
	RUN(keepalive_of_sip_is_a_request_without_what_we_do_not_know);
	RUN(keepalive_of_sip_is_answered_with_the_address);
	return tap_done();
}
