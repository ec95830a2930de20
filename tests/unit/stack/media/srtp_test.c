#include "stack/media/srtp.h"

#include <errno.h>
#include <stdlib.h>

#include "hex.h"
#include "stack/media/srtp_inside.h"
#include "tap.h"

enum { SSRC = 0xcafebabe, PAYLOAD = 20, HEAD = 12, PLAIN = HEAD + PAYLOAD, REPORT = 28 };

struct packet {
	uint8_t p[256];
	size_t len;
};

static uint8_t key[SRTP_KEY_LEN];
static struct srtp *us, *them;

static void begin(enum srtp_suite suite)
{
	(void)hex_read(key, "E1F97A0D3E018BE0D64FA32C06DE4139 0EC675AD498AFEEBB6960B3AABE6");
	us = srtp_new(suite, key);
	them = srtp_new(suite, key);
	OK(us && them);
}

static void end(void)
{
	srtp_free(&us);
	srtp_free(&them);
	OK(!us && !them);
}

static void put32(uint8_t *p, uint32_t v)
{
	for (unsigned i = 0; i < 4; i++)
		p[i] = (uint8_t)(v >> (24 - 8 * i));
}

/* An RTP packet whose payload tells its number. */
static struct packet rtp(uint32_t ssrc, unsigned seq)
{
	struct packet k = { .p = { 0x80, 0x0f, (uint8_t)(seq >> 8), (uint8_t)seq }, .len = PLAIN };
	put32(k.p + 4, 160 * seq);
	put32(k.p + 8, ssrc);
	memset(k.p + HEAD, (int)(seq % 251), PAYLOAD);
	return k;
}

static struct packet rtcp(uint32_t ssrc, unsigned n)
{
	struct packet k = { .p = { 0x80, 200, 0, 6 }, .len = REPORT };
	put32(k.p + 4, ssrc);
	put32(k.p + 20, n);
	return k;
}

static struct packet sealed(uint32_t ssrc, unsigned seq)
{
	struct packet k = rtp(ssrc, seq);
	EQ(srtp_protect(us, k.p, &k.len), 0);
	return k;
}

static struct packet sealed_rtcp(uint32_t ssrc, unsigned n)
{
	struct packet k = rtcp(ssrc, n);
	EQ(srtp_protect_rtcp(us, k.p, &k.len), 0);
	return k;
}

static bool same(const struct packet *a, const struct packet *b)
{
	return a->len == b->len && memcmp(a->p, b->p, a->len) == 0;
}

/* What becomes of a packet that `them` get; a good one must be what was sent. */
static int arrive(struct packet k, struct packet plain)
{
	struct packet before = k;
	int r = srtp_unprotect(them, k.p, &k.len);
	OK(same(&k, r == 0 ? &plain : &before));
	return r;
}

static int arrive_rtcp(struct packet k, struct packet plain)
{
	struct packet before = k;
	int r = srtp_unprotect_rtcp(them, k.p, &k.len);
	OK(same(&k, r == 0 ? &plain : &before));
	return r;
}

/* srtp_driver.c of libsrtp, srtp_validate(): the packet that many implementations are held to. */
static void packet_is_that_of_libsrtp(void)
{
	struct packet k = { .len = 0 };
	begin(SRTP_AES_CM_128_HMAC_SHA1_80);
	k.len = hex_read(k.p, "800f1234decafbadcafebabe abababababababababababababababab");
	EQ(srtp_protect(us, k.p, &k.len), 0);
	EQ(k.len, 38);
	OK(hex_same(k.p, "800f1234decafbadcafebabe 4e55dc4ce79978d88ca4d215949d2402"
	                 "b78d6acc99ea179b8dbb"));
	EQ(srtp_unprotect(them, k.p, &k.len), 0);
	EQ(k.len, 28);
	OK(hex_same(k.p, "800f1234decafbadcafebabe abababababababababababababababab"));
	end();
}

/* Its SRTCP packet has index 1. */
static void rtcp_packet_is_that_of_libsrtp(void)
{
	static const char plain[] = "81c8000bcafebabe abababababababababababababababab";
	struct packet k = { .len = 0 };
	begin(SRTP_AES_CM_128_HMAC_SHA1_80);
	(void)sealed_rtcp(SSRC, 0);
	k.len = hex_read(k.p, plain);
	EQ(srtp_protect_rtcp(us, k.p, &k.len), 0);
	EQ(k.len, 38);
	OK(hex_same(k.p, "81c8000bcafebabe 7128035be487b9bdbef89041f977a5a8 80000001"
	                 "993e08cd54d6c1230798"));
	EQ(srtp_unprotect_rtcp(them, k.p, &k.len), 0);
	EQ(k.len, 24);
	OK(hex_same(k.p, plain));
	end();
}

static void suites_have_their_names(void)
{
	enum srtp_suite s = SRTP_N_SUITES;
	EQ_STR(srtp_suite_name(SRTP_AES_CM_128_HMAC_SHA1_80), "AES_CM_128_HMAC_SHA1_80");
	EQ(srtp_suite_of(STR("AES_CM_128_HMAC_SHA1_32"), &s), 0);
	EQ(s, SRTP_AES_CM_128_HMAC_SHA1_32);
	EQ(srtp_suite_of(STR("F8_128_HMAC_SHA1_80"), &s), -ENOENT);
	EQ(srtp_suite_of(STR(""), &s), -ENOENT);
	EQ(s, SRTP_AES_CM_128_HMAC_SHA1_32);
}

static void short_tag_is_of_rtp_alone(void)
{
	begin(SRTP_AES_CM_128_HMAC_SHA1_32);
	struct packet k = sealed(SSRC, 7), c = sealed_rtcp(SSRC, 7);
	EQ(k.len, PLAIN + 4);
	EQ(c.len, REPORT + SRTP_ROOM);
	EQ(arrive(k, rtp(SSRC, 7)), 0);
	EQ(arrive_rtcp(c, rtcp(SSRC, 7)), 0);
	end();
}

static void order_does_not_matter_within_the_window(void)
{
	struct packet k[SRTP_WINDOW];
	begin(SRTP_AES_CM_128_HMAC_SHA1_80);
	for (unsigned i = 0; i < SRTP_WINDOW; i++)
		k[i] = sealed(SSRC, i);
	for (unsigned i = SRTP_WINDOW; i-- > 0;)
		EQ(arrive(k[i], rtp(SSRC, i)), 0);
	for (unsigned i = 0; i < SRTP_WINDOW; i++)
		EQ(arrive(k[i], rtp(SSRC, i)), -EALREADY);
	end();
}

static void packet_behind_the_window_is_refused(void)
{
	begin(SRTP_AES_CM_128_HMAC_SHA1_80);
	struct packet old = sealed(SSRC, 1), edge = sealed(SSRC, 2);
	EQ(arrive(sealed(SSRC, 1 + SRTP_WINDOW), rtp(SSRC, 1 + SRTP_WINDOW)), 0);
	EQ(arrive(old, rtp(SSRC, 1)), -EALREADY);
	EQ(arrive(edge, rtp(SSRC, 2)), 0);
	end();
}

/* The packets on both sides of the seam are lost, and those that arrive come in a wrong order. */
static void loss_across_the_roll_over_is_survived(void)
{
	begin(SRTP_AES_CM_128_HMAC_SHA1_80);
	for (unsigned round = 0; round < 3; round++) {
		for (unsigned seq = 0; seq < 65536; seq += 13000)
			EQ(arrive(sealed(SSRC, seq), rtp(SSRC, seq)), 0);
		struct packet a = sealed(SSRC, 65500), lost = sealed(SSRC, 65535);
		struct packet b = sealed(SSRC, 3), c = sealed(SSRC, 2);
		EQ(arrive(b, rtp(SSRC, 3)), 0);
		EQ(arrive(a, rtp(SSRC, 65500)), 0);
		EQ(arrive(c, rtp(SSRC, 2)), 0);
		EQ(arrive(lost, rtp(SSRC, 65535)), 0);
		EQ(arrive(lost, rtp(SSRC, 65535)), -EALREADY);
		EQ(arrive(a, rtp(SSRC, 65500)), -EALREADY);
		EQ(us->sources[0].rtp.top, them->sources[0].rtp.top);
		EQ(us->sources[0].rtp.top >> 16, round + 1);
	}
	end();
}

/* What is relayed may leave in a wrong order: 65535 goes out after 1. */
static void sending_across_the_roll_over_in_any_order(void)
{
	static const unsigned order[] = { 65530, 1, 65535, 0, 65533, 70, 65534 };
	struct packet k[ARRAY_SIZE(order)];
	begin(SRTP_AES_CM_128_HMAC_SHA1_80);
	for (size_t i = 0; i < ARRAY_SIZE(order); i++)
		k[i] = sealed(SSRC, order[i]);
	for (size_t i = 0; i < ARRAY_SIZE(order); i++)
		EQ(arrive(k[i], rtp(SSRC, order[i])), 0);
	EQ(them->sources[0].rtp.top, 65536 + 70);
	end();
}

static void number_is_not_used_twice(void)
{
	begin(SRTP_AES_CM_128_HMAC_SHA1_80);
	struct packet k = sealed(SSRC, 5), again = rtp(SSRC, 5), before = again;
	EQ(srtp_protect(us, again.p, &again.len), -EALREADY);
	OK(same(&again, &before));
	(void)sealed(SSRC, 5 + SRTP_WINDOW);
	EQ(srtp_protect(us, again.p, &again.len), -EALREADY);
	EQ(arrive(k, rtp(SSRC, 5)), 0);
	end();
}

static void any_byte_that_was_touched_is_noticed(void)
{
	begin(SRTP_AES_CM_128_HMAC_SHA1_80);
	EQ(arrive(sealed(SSRC, 65535), rtp(SSRC, 65535)), 0);
	struct packet k = sealed(SSRC, 0), c = sealed_rtcp(SSRC, 0);
	struct srtp_source was = them->sources[0];
	for (size_t i = 0; i < k.len; i++) {
		struct packet bad = k;
		bad.p[i] ^= 0x04;
		OK(arrive(bad, bad) < 0);
	}
	for (size_t i = 0; i < c.len; i++) {
		struct packet bad = c;
		bad.p[i] ^= 0x80;
		OK(arrive_rtcp(bad, bad) < 0);
	}
	OK(memcmp(&was, &them->sources[0], sizeof(was)) == 0);
	EQ(them->n_sources, 1);
	EQ(arrive(k, rtp(SSRC, 0)), 0);
	EQ(arrive_rtcp(c, rtcp(SSRC, 0)), 0);
	end();
}

static void forger_gets_no_source(void)
{
	begin(SRTP_AES_CM_128_HMAC_SHA1_80);
	for (uint32_t i = 0; i < 100; i++) {
		struct packet k = rtp(i, 1), c = rtcp(i, 1);
		EQ(srtp_unprotect(them, k.p, &k.len), -EBADMSG);
		EQ(srtp_unprotect_rtcp(them, c.p, &c.len), -EBADMSG);
	}
	EQ(them->n_sources, 0);
	EQ(arrive(sealed(SSRC, 1), rtp(SSRC, 1)), 0);
	EQ(them->n_sources, 1);
	end();
}

static void rtcp_replay_and_order(void)
{
	struct packet c[200];
	begin(SRTP_AES_CM_128_HMAC_SHA1_80);
	for (unsigned i = 0; i < 200; i++)
		c[i] = sealed_rtcp(SSRC, i);
	EQ(arrive_rtcp(c[150], rtcp(SSRC, 150)), 0);
	EQ(arrive_rtcp(c[150], rtcp(SSRC, 150)), -EALREADY);
	EQ(arrive_rtcp(c[23], rtcp(SSRC, 23)), 0);
	EQ(arrive_rtcp(c[22], rtcp(SSRC, 22)), -EALREADY);
	EQ(arrive_rtcp(c[199], rtcp(SSRC, 199)), 0);
	end();
}

/* The flag of encryption is under the tag: whoever has the key may clear it, and is refused. */
static void rtcp_in_clear_is_refused(void)
{
	begin(SRTP_AES_CM_128_HMAC_SHA1_80);
	struct packet c = rtcp(SSRC, 0), plain = c;
	memset(c.p + c.len, 0, 4);
	srtp_keys_sign(&us->rtcp, (struct bytes){ c.p, c.len + 4 }, (struct bytes){ NULL, 0 },
	               c.p + c.len + 4, 10);
	c.len += SRTP_ROOM;
	EQ(arrive_rtcp(c, plain), -EBADMSG);
	EQ(them->n_sources, 0);
	end();
}

static void sources_are_limited(void)
{
	begin(SRTP_AES_CM_128_HMAC_SHA1_80);
	for (uint32_t i = 0; i < SRTP_SOURCES_MAX; i++) {
		EQ(arrive(sealed(i, 9), rtp(i, 9)), 0);
		EQ(arrive_rtcp(sealed_rtcp(i, 9), rtcp(i, 9)), 0);
	}
	struct packet k = rtp(99, 1), c = rtcp(99, 1);
	EQ(srtp_protect(us, k.p, &k.len), -ENOSPC);
	EQ(srtp_protect_rtcp(us, c.p, &c.len), -ENOSPC);
	k.len = c.len = 60;
	EQ(srtp_unprotect(them, k.p, &k.len), -ENOSPC);
	EQ(srtp_unprotect_rtcp(them, c.p, &c.len), -ENOSPC);
	EQ(arrive(sealed(0, 10), rtp(0, 10)), 0);
	end();
}

static void sources_do_not_disturb_each_other(void)
{
	begin(SRTP_AES_CM_128_HMAC_SHA1_80);
	for (unsigned seq = 0; seq < 70000; seq += 700)
		EQ(arrive(sealed(1, seq & 0xffff), rtp(1, seq & 0xffff)), 0);
	EQ(arrive(sealed(2, 65535), rtp(2, 65535)), 0);
	EQ(arrive(sealed(1, 69901 & 0xffff), rtp(1, 69901 & 0xffff)), 0);
	EQ(arrive(sealed(2, 0), rtp(2, 0)), 0);
	EQ(them->sources[0].rtp.top, 69901);
	EQ(them->sources[1].rtp.top, 65536);
	end();
}

/* Contributing sources and an extension stay in clear, and what is behind them does not. */
static void header_in_all_its_length_stays_in_clear(void)
{
	begin(SRTP_AES_CM_128_HMAC_SHA1_80);
	struct packet k = rtp(SSRC, 1), plain;
	k.p[0] = 0x80 | 0x10 | 15;
	size_t head = 12 + 60 + 4 + 8;
	memset(k.p + HEAD, 0x5a, 100);
	k.p[12 + 60 + 2] = 0;
	k.p[12 + 60 + 3] = 2;
	k.len = head + 10;
	plain = k;
	EQ(srtp_protect(us, k.p, &k.len), 0);
	OK(memcmp(k.p, plain.p, head) == 0);
	OK(memcmp(k.p + head, plain.p + head, 10) != 0);
	EQ(arrive(k, plain), 0);
	end();
}

static void header_may_be_all_there_is(void)
{
	begin(SRTP_AES_CM_128_HMAC_SHA1_80);
	struct packet k = rtp(SSRC, 1), plain, c = rtcp(SSRC, 1), report;
	k.len = 12;
	c.len = 8;
	plain = k;
	report = c;
	EQ(srtp_protect(us, k.p, &k.len), 0);
	EQ(srtp_protect_rtcp(us, c.p, &c.len), 0);
	EQ(arrive(k, plain), 0);
	EQ(arrive_rtcp(c, report), 0);
	end();
}

/* What is wrong with a packet of a first byte, a length and a length of the extension. */
static int odd(uint8_t first, size_t len, uint8_t extension)
{
	struct packet k = { .p = { first }, .len = len }, before;
	k.p[12 + 3] = extension;
	before = k;
	int r = srtp_protect(us, k.p, &k.len);
	OK(r == 0 || same(&k, &before));
	k = before;
	k.len += 10;
	OK(srtp_unprotect(them, k.p, &k.len) == -EBADMSG && k.len == len + 10);
	return r;
}

static void odd_headers_are_refused(void)
{
	begin(SRTP_AES_CM_128_HMAC_SHA1_80);
	EQ(odd(0x80, 0, 0), -EBADMSG);
	EQ(odd(0x80, 11, 0), -EBADMSG);
	EQ(odd(0x40, 40, 0), -EBADMSG);
	EQ(odd(0xc0, 40, 0), -EBADMSG);
	EQ(odd(0x8f, 12 + 59, 0), -EBADMSG);
	EQ(odd(0x90, 15, 0), -EBADMSG);
	EQ(odd(0x90, 19, 1), -EBADMSG);
	EQ(odd(0x90, 200, 255), -EBADMSG);
	EQ(odd(0x90, 20, 1), 0);
	EQ(us->n_sources, 1);
	end();
}

static void short_packets_are_refused(void)
{
	begin(SRTP_AES_CM_128_HMAC_SHA1_80);
	for (size_t n = 0; n < 22; n++) {
		struct packet k = rtp(SSRC, 1), c = rtcp(SSRC, 1);
		k.len = c.len = n;
		EQ(srtp_unprotect(them, k.p, &k.len), -EBADMSG);
		EQ(srtp_unprotect_rtcp(them, c.p, &c.len), -EBADMSG);
		c.len = n;
		EQ(srtp_protect_rtcp(us, c.p, &c.len), n < 8 ? -EBADMSG : 0);
	}
	struct packet c = { .p = { 0x40 }, .len = 40 };
	EQ(srtp_protect_rtcp(us, c.p, &c.len), -EBADMSG);
	EQ(srtp_unprotect_rtcp(them, c.p, &c.len), -EBADMSG);
	end();
}

static void longer_than_a_datagram_is_refused(void)
{
	enum { LONG = 65536 };
	uint8_t *p = xcalloc(LONG + SRTP_ROOM, 1);
	size_t len = LONG;
	begin(SRTP_AES_CM_128_HMAC_SHA1_80);
	p[0] = 0x80;
	EQ(srtp_protect(us, p, &len), -EBADMSG);
	EQ(srtp_protect_rtcp(us, p, &len), -EBADMSG);
	len = LONG - 1;
	EQ(srtp_protect(us, p, &len), 0);
	EQ(srtp_unprotect(them, p, &len), 0);
	EQ(len, LONG - 1);
	end();
	free(p);
}

static void key_does_not_outlive_its_packets(void)
{
	begin(SRTP_AES_CM_128_HMAC_SHA1_80);
	struct packet k = rtp(SSRC, 1), c = rtcp(SSRC, 1), before = k, report = c;
	us->n_rtp = SRTP_LIFE_RTP - 1;
	us->n_rtcp = SRTP_LIFE_RTCP - 1;
	(void)sealed(SSRC, 0);
	(void)sealed_rtcp(SSRC, 0);
	EQ(srtp_protect(us, k.p, &k.len), -EOVERFLOW);
	EQ(srtp_protect_rtcp(us, c.p, &c.len), -EOVERFLOW);
	OK(same(&k, &before) && same(&c, &report));
	end();
}

static void last_index_is_not_followed_by_0(void)
{
	begin(SRTP_AES_CM_128_HMAC_SHA1_80);
	EQ(arrive(sealed(SSRC, 65534), rtp(SSRC, 65534)), 0);
	us->sources[0].rtp.top = them->sources[0].rtp.top = SRTP_LIFE_RTP - 2;
	EQ(arrive(sealed(SSRC, 65535), rtp(SSRC, 65535)), 0);
	struct packet k = rtp(SSRC, 0);
	EQ(srtp_protect(us, k.p, &k.len), -EOVERFLOW);
	struct packet beyond = k; /* as if the counter went round: signed with 0 */
	srtp_keys_sign(&us->rtp, (struct bytes){ k.p, k.len }, (struct bytes){ k.p + 4, 4 },
	               beyond.p + k.len, 10);
	beyond.len += 10;
	EQ(arrive(beyond, k), -EBADMSG);
	end();
}

int main(void)
{
	RUN(packet_is_that_of_libsrtp);
	RUN(rtcp_packet_is_that_of_libsrtp);
	RUN(suites_have_their_names);
	RUN(short_tag_is_of_rtp_alone);
	RUN(order_does_not_matter_within_the_window);
	RUN(packet_behind_the_window_is_refused);
	RUN(loss_across_the_roll_over_is_survived);
	RUN(sending_across_the_roll_over_in_any_order);
	RUN(number_is_not_used_twice);
	RUN(any_byte_that_was_touched_is_noticed);
	RUN(forger_gets_no_source);
	RUN(rtcp_replay_and_order);
	RUN(rtcp_in_clear_is_refused);
	RUN(sources_are_limited);
	RUN(sources_do_not_disturb_each_other);
	RUN(header_in_all_its_length_stays_in_clear);
	RUN(header_may_be_all_there_is);
	RUN(odd_headers_are_refused);
	RUN(short_packets_are_refused);
	RUN(longer_than_a_datagram_is_refused);
	RUN(key_does_not_outlive_its_packets);
	RUN(last_index_is_not_followed_by_0);
	return tap_done();
}
