#include "wire/sdp/attr.h"

#include <errno.h>

#include "sample.h"
#include "tap.h"

static void rtpmap_and_fmtp_belong_to_their_format(void)
{
	auto_(buf_free) struct buf b;
	RAW_MEMORY struct sdp s;
	struct sdp_rtpmap map;
	struct str params, v;
	EQ(sdp_parse(&s, sample(&b, "sdp/lync-audio")), 0);
	EQ(sdp_rtpmap_of(&s, &s.media[0], STR("97"), &map), 0);
	EQ_STR(map.encoding, "SIREN");
	EQ(map.rate, 16000);
	EQ(map.type, 97);
	EQ_STR(map.params, "");
	EQ(sdp_rtpmap_of(&s, &s.media[0], STR("9"), &map), 0);
	EQ_STR(map.encoding, "G722");
	EQ(sdp_rtpmap_of(&s, &s.media[0], STR("1"), &map), -ENOENT);
	OK(sdp_fmtp_of(&s, &s.media[0], STR("99"), &params));
	OK(sdp_fmtp_param(params, STR("CRC"), &v));
	EQ_STR(v, "0");
	OK(sdp_fmtp_param(params, STR("interleaving"), &v));
	OK(!sdp_fmtp_param(params, STR("mode"), &v));
	OK(!sdp_fmtp_of(&s, &s.media[0], STR("0"), &params));
}

static void fmtp_with_semicolons_is_read(void)
{
	struct str v;
	OK(sdp_fmtp_param(STR("minptime=10; useinbandfec=1"), STR("useinbandfec"), &v));
	EQ_STR(v, "1");
	OK(!sdp_fmtp_param(STR("0-16"), STR("0-16"), &v));
	OK(!sdp_fmtp_param(STR(""), STR("x"), &v));
}

static void rtpmap_with_channels_is_read_and_a_broken_one_refused(void)
{
	static const char *const bad[] = { "",     "0",    "128 X/1", "x X/1",  "0 X",
		                           "0 /8", "0 X/", "0 X/y",   "0 X/8 z" };
	struct sdp_rtpmap m = { .rate = 7 };
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		EQ(sdp_rtpmap_parse(&m, str_of(bad[i])), -EBADMSG);
	EQ(m.rate, 7);
	EQ(sdp_rtpmap_parse(&m, STR("111 opus/48000/2")), 0);
	EQ_STR(m.params, "2");
}

static void crypto_of_lync_gives_its_key(void)
{
	auto_(buf_free) struct buf b;
	RAW_MEMORY struct sdp s;
	struct sdp_crypto c;
	struct sdp_key k;
	struct str v;
	uint8_t key[SDP_SRTP_KEY_MAX] = { 0 };
	EQ(sdp_parse(&s, sample(&b, "sdp/lync-audio")), 0);
	OK(sdp_attr(&s, &s.media[0].part, STR("crypto"), &v));
	EQ(sdp_crypto_parse(&c, v), 0);
	EQ(c.tag, 1);
	EQ_STR(c.suite, "AES_CM_128_HMAC_SHA1_80");
	EQ(sdp_key_next(&c.keys, &k), 1);
	EQ_STR(k.key, "03ca0ZPm2WvE0qrsJKueSRGj6p5GIGaMIZDFSVC5");
	EQ(k.lifetime_log2, 31);
	OK(k.lifetime == 1ULL << 31);
	EQ(k.mki_len, 0);
	EQ(sdp_key_next(&c.keys, &k), 0);
	EQ(sdp_key_bytes(c.suite, &k, key), 0);
	EQ(key[0], 0xd3);
	EQ(key[29], 0xb9);
}

static void keys_with_lifetime_and_identifier_are_read(void)
{
	static const struct {
		const char *text;
		uint64_t lifetime;
		int mki_len;
	} t[] = {
		{ "inline:AAAA", 0, 0 },
		{ "inline:AAAA|1048576", 1048576, 0 },
		{ "inline:AAAA|2^20|1:4", 1 << 20, 4 },
		{ "inline:AAAA|17:2", 0, 2 },
	};
	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		struct str keys = str_of(t[i].text);
		struct sdp_key k = { 0 };
		EQ(sdp_key_next(&keys, &k), 1);
		OK(k.lifetime == t[i].lifetime);
		EQ(k.mki_len, t[i].mki_len);
	}
	struct str two = STR("inline:AAAA|2^20|1:4;inline:BBBB|2^20|2:4");
	struct sdp_key k;
	EQ(sdp_key_next(&two, &k), 1);
	EQ(sdp_key_next(&two, &k), 1);
	EQ_STR(k.key, "BBBB");
	EQ_STR(k.mki, "2");
	EQ(sdp_key_next(&two, &k), 0);
}

static void broken_crypto_is_refused(void)
{
	static const char *const bad[] = { "", "1", "1 AES", "x AES inline:A",
		                           "9999999999 A inline:A" };
	static const char *const bad_keys[] = {
		"A",
		"inline:",
		"uri:x",
		"inline:A|2^49",
		"inline:A|",
		"inline:A|0",
		"inline:A|1:0",
		"inline:A|1:129",
		"inline:A|:1",
		"inline:A|x:1",
		"inline:A|1:4|2^20",
		"inline:A|2^20|2^20",
		"inline:A|2^20|1:4|5",
	};
	struct sdp_crypto c = { .tag = 5 };
	struct sdp_key k;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		EQ(sdp_crypto_parse(&c, str_of(bad[i])), -EBADMSG);
	EQ(c.tag, 5);
	for (size_t i = 0; i < ARRAY_SIZE(bad_keys); i++) {
		struct str keys = str_of(bad_keys[i]);
		if (!EQ(sdp_key_next(&keys, &k), -EBADMSG))
			printf("# %s\n", bad_keys[i]);
		OK(str_eq(keys, str_of(bad_keys[i])));
	}
}

static void key_must_fit_its_suite(void)
{
	uint8_t out[SDP_SRTP_KEY_MAX];
	struct sdp_key k = { .key = STR("03ca0ZPm2WvE0qrsJKueSRGj6p5GIGaMIZDFSVC5") };
	EQ(sdp_key_bytes(STR("aes_cm_128_hmac_sha1_32"), &k, out), 0);
	EQ(sdp_key_bytes(STR("AES_256_CM_HMAC_SHA1_80"), &k, out), -EBADMSG);
	EQ(sdp_key_bytes(STR("NULL_HMAC_SHA1_80"), &k, out), -EBADMSG);
	k.key = STR("03ca0ZPm2WvE0qrsJKueSRGj6p5GIGaMIZDFSVC");
	EQ(sdp_key_bytes(STR("AES_CM_128_HMAC_SHA1_80"), &k, out), -EBADMSG);
	k.key = STR("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLQ==");
	EQ(sdp_key_bytes(STR("AES_256_CM_HMAC_SHA1_80"), &k, out), 0);
	EQ(out[45], 45);
	k.key = STR("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1");
	EQ(sdp_key_bytes(STR("AES_256_CM_HMAC_SHA1_80"), &k, out), -EBADMSG);
}

static void candidates_of_lync_are_read(void)
{
	struct sdp_candidate c;
	EQ(sdp_candidate_parse(&c, STR("2 1 TCP-ACT 1013580031 192.0.2.2 41123 typ host ")), 0);
	EQ(c.transport, SDP_TCP_ACT);
	EQ(c.type, SDP_HOST);
	EQ(c.component, 1);
	EQ(c.priority, 1013580031);
	EQ(c.port, 41123);
	EQ_STR(c.foundation, "2");
	EQ_STR(c.raddr, "");
	OK(!c.draft6);
	EQ(sdp_candidate_parse(&c, STR("4 1 TCP-PASS 1684798975 203.0.113.5 61234 typ relay raddr "
	                               "192.0.2.9 rport 41123")),
	   0);
	EQ(c.transport, SDP_TCP_PASS);
	EQ(c.type, SDP_RELAY);
	EQ_STR(c.raddr, "192.0.2.9");
	EQ(c.rport, 41123);
}

static void candidate_of_draft_6_is_read(void)
{
	struct sdp_candidate c;
	EQ(sdp_candidate_parse(&c, STR("fFkHgJ 2 NHMNC0 UDP 0.830 192.0.2.2 34624")), 0);
	OK(c.draft6);
	EQ_STR(c.foundation, "fFkHgJ");
	EQ_STR(c.password, "NHMNC0");
	EQ_STR(c.preference, "0.830");
	EQ(c.component, 2);
	EQ(c.transport, SDP_UDP);
	EQ(c.port, 34624);
}

static void candidate_of_a_browser_is_read(void)
{
	struct sdp_candidate c;
	EQ(sdp_candidate_parse(&c,
	                       STR("842163049 1 tcp 1677729535 x.local 9 typ srflx raddr 0.0.0.0 "
	                           "rport 0 tcptype active generation 0 network-cost 999")),
	   0);
	EQ(c.transport, SDP_TCP);
	EQ(c.type, SDP_SRFLX);
	EQ_STR(c.tcp_type, "active");
	EQ_STR(c.address, "x.local");
}

static void broken_candidates_are_refused(void)
{
	static const char *const bad[] = {
		"",
		"1 1 UDP 5 192.0.2.2 1",
		"1 0 UDP 5 192.0.2.2 1 typ host",
		"1 257 UDP 5 192.0.2.2 1 typ host",
		"1 1 UDP x 192.0.2.2 1 typ host",
		"1 1 UDP 4294967296 192.0.2.2 1 typ host",
		"1 1 UDP 5 192.0.2.2 65536 typ host",
		"1 1 UDP 5 192.0.2.2 1 typ",
		"1 1 UDP 5 192.0.2.2 1 typ host raddr",
		"1 1 UDP 5 192.0.2.2 1 typ host rport x",
		"u 1 p UDP 0.8 192.0.2.2 1 more",
		"u 1 p UDP 0.8 192.0.2.2 x",
	};
	struct sdp_candidate c = { .port = 5 };
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		if (!EQ(sdp_candidate_parse(&c, str_of(bad[i])), -EBADMSG))
			printf("# %s\n", bad[i]);
	EQ(c.port, 5);
}

static void rtcp_port_is_read_with_and_without_address(void)
{
	struct sdp_rtcp r;
	EQ(sdp_rtcp_parse(&r, STR("41724")), 0);
	EQ(r.port, 41724);
	EQ_STR(r.address, "");
	EQ(sdp_rtcp_parse(&r, STR("9 IN IP4 0.0.0.0")), 0);
	EQ_STR(r.address, "0.0.0.0");
	EQ_STR(r.addr_type, "IP4");
	EQ(sdp_rtcp_parse(&r, STR("9 IN IP4")), -EBADMSG);
	EQ(sdp_rtcp_parse(&r, STR("65536")), -EBADMSG);
	EQ(sdp_rtcp_parse(&r, STR("")), -EBADMSG);
}

static void direction_falls_back_to_the_session_and_to_sendrecv(void)
{
	RAW_MEMORY struct sdp s;
	auto_(buf_free) struct buf b;
	EQ(sdp_parse(&s, STR("v=0\na=recvonly\nm=audio 1 RTP/AVP 0\na=sendonly\nm=audio 1 RTP/AVP "
	                     "0\n")),
	   0);
	EQ(sdp_direction(&s, &s.media[0]), SDP_SENDONLY);
	EQ(sdp_direction(&s, &s.media[1]), SDP_RECVONLY);
	EQ(sdp_parse(&s, sample(&b, "sdp/lync-hold")), 0);
	EQ(sdp_direction(&s, &s.media[0]), SDP_INACTIVE);
	EQ(sdp_parse(&s, STR("v=0\nm=audio 1 RTP/AVP 0\n")), 0);
	EQ(sdp_direction(&s, &s.media[0]), SDP_SENDRECV);
}

static void what_ice_and_dtls_need_is_found(void)
{
	auto_(buf_free) struct buf b;
	RAW_MEMORY struct sdp s;
	struct str ufrag, pwd, v;
	struct sdp_fingerprint f;
	EQ(sdp_parse(&s, sample(&b, "sdp/chromium-offer")), 0);
	OK(sdp_ice(&s, &s.media[0], &ufrag, &pwd));
	EQ_STR(ufrag, "LYdY");
	EQ_STR(pwd, "IMU7KiuZoc2tcyOW5p5o/Es+");
	EQ(sdp_setup(&s, &s.media[0]), SDP_ACTPASS);
	OK(sdp_attr(&s, &s.media[0].part, STR("fingerprint"), &v));
	EQ(sdp_fingerprint_parse(&f, v), 0);
	EQ_STR(f.hash, "sha-256");
	EQ(f.len, 32);
	EQ(f.bytes[0], 0x18);
	EQ(f.bytes[31], 0xf1);
	EQ(sdp_parse(&s, STR("v=0\na=ice-ufrag:x\na=setup:odd\nm=audio 1 RTP/AVP 0\n")), 0);
	OK(!sdp_ice(&s, &s.media[0], &ufrag, &pwd));
	EQ(sdp_setup(&s, &s.media[0]), SDP_SETUP_NONE);
}

static void broken_fingerprints_are_refused(void)
{
	static const char *const bad[] = { "",           "sha-1",    "sha-1 1",     "sha-1 11:",
		                           "sha-1 11:2", "sha-1 xx", "sha-1 11 22", "sha-1 112" };
	struct sdp_fingerprint f = { .len = 3 };
	char longest[8 + 3 * (SDP_FINGERPRINT_MAX + 1)];
	struct buf b = BUF_ON(longest);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		EQ(sdp_fingerprint_parse(&f, str_of(bad[i])), -EBADMSG);
	EQ(f.len, 3);
	buf_lit(&b, "x 00");
	for (int i = 1; i < SDP_FINGERPRINT_MAX; i++)
		buf_lit(&b, ":00");
	EQ(sdp_fingerprint_parse(&f, buf_view(&b)), 0);
	EQ(f.len, SDP_FINGERPRINT_MAX);
	buf_lit(&b, ":00");
	EQ(sdp_fingerprint_parse(&f, buf_view(&b)), -EBADMSG);
}

int main(void)
{
	RUN(rtpmap_and_fmtp_belong_to_their_format);
	RUN(fmtp_with_semicolons_is_read);
	RUN(rtpmap_with_channels_is_read_and_a_broken_one_refused);
	RUN(crypto_of_lync_gives_its_key);
	RUN(keys_with_lifetime_and_identifier_are_read);
	RUN(broken_crypto_is_refused);
	RUN(key_must_fit_its_suite);
	RUN(candidates_of_lync_are_read);
	RUN(candidate_of_draft_6_is_read);
	RUN(candidate_of_a_browser_is_read);
	RUN(broken_candidates_are_refused);
	RUN(rtcp_port_is_read_with_and_without_address);
	RUN(direction_falls_back_to_the_session_and_to_sendrecv);
	RUN(what_ice_and_dtls_need_is_found);
	RUN(broken_fingerprints_are_refused);
	return tap_done();
}
