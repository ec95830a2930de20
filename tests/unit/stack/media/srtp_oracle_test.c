/* Our SRTP beside libsrtp2: the same packets in both directions over a network that loses, repeats
 * and reorders. */
#include <errno.h>

#include "base/rand.h"
#include "libsrtp.h"
#include "stack/media/srtp.h"
#include "tap.h"

enum { PACKETS = 20000, FLIGHT = 30, PACKET_LEN = 400 };

struct packet {
	uint8_t p[PACKET_LEN + 32];
	size_t len;
	bool is_rtcp;
};

/* Both implementations in both parts, and what is on the way. */
struct pair {
	struct srtp *send, *receive;
	struct libsrtp *their_send, *their_receive;
	struct packet flight[FLIGHT];
	uint16_t seq;
	unsigned n_good, n_again;
};

/* Our first index is 0 (RFC 3711 section 3.4), theirs 1: one report of ours is never sent. */
static void skip_index_0(struct srtp *s, uint32_t ssrc)
{
	uint8_t report[8 + SRTP_ROOM] = { 0x80, 201, 0, 1 };
	size_t len = 8;
	memcpy(report + 4, &ssrc, sizeof(ssrc));
	EQ(srtp_protect_rtcp(s, report, &len), 0);
}

static void pair_begin(struct pair *a, enum srtp_suite suite)
{
	uint8_t key[SRTP_KEY_LEN];
	bool short_tag = suite == SRTP_AES_CM_128_HMAC_SHA1_32;
	rand_bytes(key, sizeof(key));
	*a = (struct pair){ .seq = (uint16_t)rand_below(32768) };
	a->send = srtp_new(suite, key);
	a->receive = srtp_new(suite, key);
	a->their_send = libsrtp_new(key, short_tag, true);
	a->their_receive = libsrtp_new(key, short_tag, false);
	for (uint32_t ssrc = 0; ssrc < 3; ssrc++)
		skip_index_0(a->send, ssrc);
}

static void pair_end(struct pair *a)
{
	srtp_free(&a->send);
	srtp_free(&a->receive);
	libsrtp_free(&a->their_send);
	libsrtp_free(&a->their_receive);
}

static void fill_rtp(struct pair *a, struct packet *k)
{
	bool has_extension = rand_below(2);
	unsigned n_csrc = rand_below(16), n_words = rand_below(8);
	k->p[0] = (uint8_t)(0x80 | has_extension << 4 | n_csrc);
	a->seq = (uint16_t)(a->seq + 1 +
	                    (rand_below(1000) == 0 ? rand_below(20000) : rand_below(2)));
	k->p[2] = (uint8_t)(a->seq >> 8);
	k->p[3] = (uint8_t)a->seq;
	memset(k->p + 8, 0, 4);
	k->len = 12 + 4 * n_csrc;
	if (has_extension) {
		memcpy(k->p + k->len, (uint8_t[]){ 0xab, 0xcd, 0, (uint8_t)n_words }, 4);
		k->len += 4 + 4 * n_words;
	}
	k->len += 1 + rand_below(200);
}

static void fill_rtcp(struct packet *k)
{
	uint32_t ssrc = rand_below(3);
	k->len = 8 + 4 * (size_t)rand_below(60);
	k->p[0] = 0x81;
	k->p[1] = 200;
	memcpy(k->p + 4, &ssrc, sizeof(ssrc));
}

/* A packet that both send, and that is the same from either. */
static struct packet make(struct pair *a)
{
	struct packet k, theirs;
	rand_bytes(k.p, sizeof(k.p));
	k.is_rtcp = rand_below(5) == 0;
	if (k.is_rtcp)
		fill_rtcp(&k);
	else
		fill_rtp(a, &k);
	theirs = k;
	int r = (k.is_rtcp ? srtp_protect_rtcp : srtp_protect)(a->send, k.p, &k.len);
	int expected = libsrtp_do(a->their_send, k.is_rtcp ? LIBSRTP_PROTECT_RTCP : LIBSRTP_PROTECT,
	                          theirs.p, &theirs.len);
	OK(r == 0 && expected == 0);
	OK(k.len == theirs.len && memcmp(k.p, theirs.p, k.len) == 0);
	return k;
}

/* Both receive it, and find the same.  Of a damaged packet they look at other things first, but
 * neither takes it. */
static void arrive(struct pair *a, struct packet k)
{
	struct packet theirs;
	bool is_damaged = rand_below(20) == 0;
	if (is_damaged)
		k.p[rand_below((uint32_t)k.len)] ^= (uint8_t)(1 << rand_below(8));
	theirs = k;
	int r = (k.is_rtcp ? srtp_unprotect_rtcp : srtp_unprotect)(a->receive, k.p, &k.len);
	int expected =
	        libsrtp_do(a->their_receive, k.is_rtcp ? LIBSRTP_UNPROTECT_RTCP : LIBSRTP_UNPROTECT,
	                   theirs.p, &theirs.len);
	OK(is_damaged ? r < 0 && expected < 0 : r == expected);
	OK(r < 0 || (k.len == theirs.len && memcmp(k.p, theirs.p, k.len) == 0));
	a->n_good += r == 0;
	a->n_again += r == -EALREADY;
}

/* Each packet waits at a place drawn by lot until the next that draws it; some are lost, some come
 * again. */
static void run(enum srtp_suite suite)
{
	struct pair a;
	pair_begin(&a, suite);
	for (unsigned i = 0; i < PACKETS; i++) {
		struct packet *place = &a.flight[rand_below(FLIGHT)];
		if (place->len > 0 && rand_below(10) > 0)
			arrive(&a, *place);
		if (place->len > 0 && rand_below(10) == 0)
			arrive(&a, *place);
		*place = make(&a);
	}
	OK(a.n_good > PACKETS / 2 && a.n_again > PACKETS / 100);
	pair_end(&a);
}

static void packets_are_those_of_libsrtp(void)
{
	run(SRTP_AES_CM_128_HMAC_SHA1_80);
}

static void packets_with_a_short_tag_are_those_of_libsrtp(void)
{
	run(SRTP_AES_CM_128_HMAC_SHA1_32);
}

int main(void)
{
	if (!libsrtp_open()) {
		SKIP(packets_are_those_of_libsrtp, "libsrtp2.so.1 cannot be opened");
		return tap_done();
	}
	RUN(packets_are_those_of_libsrtp);
	RUN(packets_with_a_short_tag_are_those_of_libsrtp);
	return tap_done();
}
