#include "base/code.h"

#include <errno.h>

#include "base/rand.h"
#include "tap.h"

static void hex_goes_both_ways(void)
{
	auto_(buf_free) struct buf b = buf_of(100);
	uint8_t out[4];
	hex_put(&b, "\x00\x9f\xA5\xff", 4);
	EQ_STR(buf_view(&b), "009fa5ff");
	EQ(hex_get(STR("009FA5ff"), out, 4), 0);
	OK(memcmp(out, "\x00\x9f\xa5\xff", 4) == 0);
	EQ(hex_get(STR(""), out, 0), 0);
}

static void bad_hex_leaves_the_output_alone(void)
{
	static const char *const bad[] = { "",     "0",    "000",  "00000",
		                           "00g0", "0x00", " 000", "00\xe9g" };
	uint8_t out[2] = { 7, 7 };
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		EQ(hex_get(str_of(bad[i]), out, 2), -EINVAL);
	EQ(out[0], 7);
	EQ(out[1], 7);
}

/* RFC 4648, section 10. */
static void base64_matches_the_rfc(void)
{
	static const char *const vector[][3] = {
		{ "", "", "" },
		{ "f", "Zg==", "Zg" },
		{ "fo", "Zm8=", "Zm8" },
		{ "foo", "Zm9v", "Zm9v" },
		{ "foob", "Zm9vYg==", "Zm9vYg" },
		{ "fooba", "Zm9vYmE=", "Zm9vYmE" },
		{ "foobar", "Zm9vYmFy", "Zm9vYmFy" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(vector); i++) {
		auto_(buf_free) struct buf b = buf_of(100), u = buf_of(100), back = buf_of(100);
		base64_put(&b, vector[i][0], strlen(vector[i][0]));
		base64url_put(&u, vector[i][0], strlen(vector[i][0]));
		EQ_STR(buf_view(&b), vector[i][1]);
		EQ_STR(buf_view(&u), vector[i][2]);
		EQ(base64_get(buf_view(&b), &back), 0);
		EQ_STR(buf_view(&back), vector[i][0]);
		buf_free(&back);
		EQ(base64url_get(buf_view(&u), &back), 0);
		EQ(base64url_get(buf_view(&b), &back), 0); /* padding is optional */
		EQ(back.len, 2 * strlen(vector[i][0]));
	}
}

static void alphabets_differ_in_two_digits(void)
{
	auto_(buf_free) struct buf b = buf_of(100), u = buf_of(100), back = buf_of(100);
	base64_put(&b, "\xfb\xff\xfe", 3);
	base64url_put(&u, "\xfb\xff\xfe", 3);
	EQ_STR(buf_view(&b), "+//+");
	EQ_STR(buf_view(&u), "-__-");
	EQ(base64_get(buf_view(&u), &back), -EINVAL);
	EQ(base64url_get(buf_view(&b), &back), -EINVAL);
	EQ(back.len, 0);
}

static void unclean_base64_is_refused(void)
{
	static const char *const bad[] = {
		"A",    "AAAAA", "Zg",    "Zg=",   "Zg===",  "=",        "====",  "Z===",
		"Zh==", "Zm9=",  "Zm 9v", "Zm9v ", "Zm9v\n", "Zg==Zg==", "Zm9v=", "Z=g=",
	};
	auto_(buf_free) struct buf back = buf_of(100);
	buf_lit(&back, "kept");
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		EQ(base64_get(str_of(bad[i]), &back), -EINVAL);
		EQ_STR(buf_view(&back), "kept");
	}
	EQ(base64url_get(STR("Zh"), &back), -EINVAL);
	EQ(base64url_get(STR("A"), &back), -EINVAL);
	EQ(base64url_get(STR("Zg="), &back), -EINVAL);
	EQ_STR(buf_view(&back), "kept");
}

static void random_bytes_survive_base64(void)
{
	for (size_t n = 0; n < 100; n++) {
		uint8_t in[100];
		auto_(buf_free) struct buf b = buf_of(200), back = buf_of(200);
		rand_bytes(in, n);
		base64_put(&b, in, n);
		EQ(base64_get(buf_view(&b), &back), 0);
		OK(str_eq(buf_view(&back), str_n((const char *)in, n)));
	}
}

static void json_strings_are_escaped(void)
{
	auto_(buf_free) struct buf b = buf_of(200);
	json_put_str(&b, STR("a\"b\\c\n\r\t\b\f\x01\x7f/\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80"));
	EQ_STR(buf_view(&b), "\"a\\\"b\\\\c\\n\\r\\t\\b\\f\\u0001\\u007f/"
	                     "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\"");
}

static void a_member_follows_another(void)
{
	auto_(buf_free) struct buf b = buf_of(200);
	buf_lit(&b, "{\"a\":1");
	json_put_member(&b, "name", STR("\"x\""));
	buf_char(&b, '}');
	EQ_STR(buf_view(&b), "{\"a\":1,\"name\":\"\\\"x\\\"\"}");
}

static void nul_and_bad_utf8_stay_valid_json(void)
{
	auto_(buf_free) struct buf b = buf_of(200);
	json_put_str(&b, STR("\0\xff\xc3(\xe2\x82"));
	EQ_STR(buf_view(&b), "\"\\u0000\xef\xbf\xbd\xef\xbf\xbd(\xef\xbf\xbd\xef\xbf\xbd\"");
}

static void utf8_sequences_have_their_shortest_form(void)
{
	static const struct {
		const char *s;
		size_t want;
	} seq[] = {
		{ "", 0 },
		{ "a", 1 },
		{ "\x7f", 1 },
		{ "\x80", 0 },
		{ "\xc0\x80", 0 },
		{ "\xc1\xbf", 0 },
		{ "\xc2\x80", 2 },
		{ "\xdf\xbf", 2 },
		{ "\xe0\x9f\xbf", 0 },
		{ "\xe0\xa0\x80", 3 },
		{ "\xed\x9f\xbf", 3 },
		{ "\xed\xa0\x80", 0 },
		{ "\xee\x80\x80", 3 },
		{ "\xf0\x8f\xbf\xbf", 0 },
		{ "\xf0\x90\x80\x80", 4 },
		{ "\xf4\x8f\xbf\xbf", 4 },
		{ "\xf4\x90\x80\x80", 0 },
		{ "\xf5\x80\x80\x80", 0 },
		{ "\xe2\x82", 0 },
		{ "\xf0\x90\x80", 0 },
		{ "\xe2\x82(", 0 },
	};
	for (size_t i = 0; i < ARRAY_SIZE(seq); i++)
		EQ(utf8_seq_len(str_of(seq[i].s)), seq[i].want);
}

int main(void)
{
	RUN(hex_goes_both_ways);
	RUN(bad_hex_leaves_the_output_alone);
	RUN(base64_matches_the_rfc);
	RUN(alphabets_differ_in_two_digits);
	RUN(unclean_base64_is_refused);
	RUN(random_bytes_survive_base64);
	RUN(json_strings_are_escaped);
	RUN(a_member_follows_another);
	RUN(nul_and_bad_utf8_stay_valid_json);
	RUN(utf8_sequences_have_their_shortest_form);
	return tap_done();
}
