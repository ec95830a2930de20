/* srtp: what it costs to seal and to open one packet of sound.
 *
 * usage: srtp N
 *
 * N packets of 160 bytes, AES_CM_128_HMAC_SHA1_80, go from one session to another.  Prints a line
 * of JSON with nanoseconds of CPU time for each direction. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "stack/media/srtp.h"

enum { HEAD = 12, PAYLOAD = 160, BATCH = 200 };

struct packet {
	uint8_t p[HEAD + PAYLOAD + SRTP_ROOM];
	size_t len;
};

static uint64_t cpu_ns(void)
{
	struct timespec ts;
	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

/* The next packets of a source; what they carry is what was in them. */
static void fill(struct packet *batch, uint32_t first)
{
	for (uint32_t i = 0; i < BATCH; i++) {
		batch[i].len = HEAD + PAYLOAD;
		memset(batch[i].p, 0, HEAD);
		batch[i].p[0] = 0x80;
		batch[i].p[2] = (uint8_t)((first + i) >> 8);
		batch[i].p[3] = (uint8_t)(first + i);
	}
}

typedef int transform_fn(struct srtp *s, uint8_t *packet, size_t *len);

/* Adds the time of a batch to *ns; the number that failed. */
static uint32_t turn(transform_fn *fn, struct srtp *s, struct packet *batch, uint64_t *ns)
{
	uint32_t bad = 0;
	uint64_t start = cpu_ns();
	for (uint32_t i = 0; i < BATCH; i++)
		bad += fn(s, batch[i].p, &batch[i].len) < 0;
	*ns += cpu_ns() - start;
	return bad;
}

int main(int argc, char **argv)
{
	static const uint8_t key[SRTP_KEY_LEN] = { 1 };
	static struct packet batch[BATCH];
	uint32_t n, bad = 0;
	uint64_t sealed_ns = 0, opened_ns = 0;
	if (argc != 2 || str_to_u32(str_of(argv[1]), 1 << 30, &n) < 0 || n < BATCH) {
		(void)fprintf(stderr, "usage: srtp N      at least %d\n", BATCH);
		return 2;
	}
	n -= n % BATCH;
	auto_(srtp_free) struct srtp *from = srtp_new(SRTP_AES_CM_128_HMAC_SHA1_80, key);
	auto_(srtp_free) struct srtp *to = srtp_new(SRTP_AES_CM_128_HMAC_SHA1_80, key);
	if (!from || !to)
		return 1;
	for (uint32_t i = 0; i < n; i += BATCH) {
		fill(batch, i);
		bad += turn(srtp_protect, from, batch, &sealed_ns);
		bad += turn(srtp_unprotect, to, batch, &opened_ns);
	}
	if (bad > 0) {
		(void)fprintf(stderr, "srtp: %u packets were refused\n", bad);
		return 1;
	}
	printf("{\"bytes\": %d, \"n\": %u, \"sealed_ns\": %.1f, \"opened_ns\": %.1f}\n", PAYLOAD, n,
	       (double)sealed_ns / n, (double)opened_ns / n);
	return 0;
}
