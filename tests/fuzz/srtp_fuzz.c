/* Packets of a stranger and of a peer: the input is a row of packets, each behind a byte that says
 * what to do with it and a byte of length.  What is refused is as it was, what we sealed is taken
 * once, and nothing beyond the packet is touched. */
#include <stdlib.h>

#include "stack/media/srtp.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

enum { CANARY = 0xa5, RTCP = 1, SEAL = 2 };

typedef int transform_fn(struct srtp *s, uint8_t *packet, size_t *len);

static void check(bool ok)
{
	if (!ok)
		abort();
}

/* Runs a transform on a packet with no more room than the contract says; 0, or what it said. */
static int run(transform_fn *fn, struct srtp *s, uint8_t *packet, size_t *len, size_t room)
{
	size_t before = *len;
	uint8_t *block = xmalloc(before + room + 1);
	if (before > 0)
		memcpy(block, packet, before);
	block[before + room] = CANARY;
	int r = fn(s, block, len);
	check(block[before + room] == CANARY && *len <= before + room);
	check(r == 0 || (*len == before && (before == 0 || memcmp(block, packet, before) == 0)));
	if (*len > 0)
		memcpy(packet, block, *len);
	free(block);
	return r;
}

static void from_stranger(struct srtp *s, struct bytes in, bool is_rtcp)
{
	uint8_t packet[256];
	size_t len = in.len;
	memcpy(packet, in.p, in.len);
	check(run(is_rtcp ? srtp_unprotect_rtcp : srtp_unprotect, s, packet, &len, 0) < 0);
}

/* `to` has seen all that was sealed before it, so it takes what is next. */
static void from_peer(struct srtp *from, struct srtp *to, struct bytes in, bool is_rtcp)
{
	uint8_t packet[256 + SRTP_ROOM], again[sizeof(packet)];
	size_t len = in.len, again_len;
	transform_fn *seal = is_rtcp ? srtp_protect_rtcp : srtp_protect;
	transform_fn *open = is_rtcp ? srtp_unprotect_rtcp : srtp_unprotect;
	memcpy(packet, in.p, in.len);
	if (run(seal, from, packet, &len, SRTP_ROOM) < 0)
		return;
	memcpy(again, packet, len);
	again_len = len;
	check(run(open, to, packet, &len, 0) == 0);
	check(len == in.len && memcmp(packet, in.p, len) == 0);
	check(run(open, to, again, &again_len, 0) < 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static const uint8_t key[SRTP_KEY_LEN] = { 1, 2, 3 };
	enum srtp_suite suite = n % 2 ? SRTP_AES_CM_128_HMAC_SHA1_32 : SRTP_AES_CM_128_HMAC_SHA1_80;
	struct srtp *from = srtp_new(suite, key), *to = srtp_new(suite, key);
	check(from && to);
	while (n >= 2) {
		uint8_t job = p[0];
		struct bytes in = { p + 2, MIN(p[1], n - 2) };
		if (job & SEAL)
			from_peer(from, to, in, job & RTCP);
		else
			from_stranger(to, in, job & RTCP);
		p += 2 + in.len;
		n -= 2 + in.len;
	}
	srtp_free(&from);
	srtp_free(&to);
	return 0;
}
