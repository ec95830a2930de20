/* parse: what it costs to read one SIP message.
 *
 * usage: parse FILE N
 *
 * Parses the message N times, as the stack does with each that comes: index, then check.  Prints a
 * line of JSON with nanoseconds of CPU time for each. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/buf.h"
#include "wire/sip/msg.h"

static int read_file(struct buf *b, const char *path)
{
	char chunk[4096];
	size_t n;
	FILE *f = fopen(path, "rb");
	if (!f)
		return -errno;
	while ((n = fread(chunk, 1, sizeof(chunk), f)) > 0)
		buf_put(b, chunk, n);
	(void)fclose(f);
	return b->full || b->len == 0 ? -EFBIG : 0;
}

static uint64_t cpu_ns(void)
{
	struct timespec ts;
	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

/* Nanoseconds of one of n turns; negative if the message is not fine. */
static double measure(struct str text, uint32_t n, bool check)
{
	RAW_MEMORY struct sip_msg m;
	uint64_t bad = 0, start = cpu_ns();
	for (uint32_t i = 0; i < n; i++) {
		bad += sip_parse(&m, text) < 0;
		if (check)
			bad += sip_check(&m).code != 0;
	}
	return bad ? -1 : (double)(cpu_ns() - start) / n;
}

int main(int argc, char **argv)
{
	uint32_t n;
	auto_(buf_free) struct buf b = buf_of(128 * 1024);
	if (argc != 3 || str_to_u32(str_of(argv[2]), UINT32_MAX, &n) < 0 || n == 0) {
		(void)fprintf(stderr, "usage: parse FILE N\n");
		return 2;
	}
	if (read_file(&b, argv[1]) < 0) {
		(void)fprintf(stderr, "parse: cannot read %s\n", argv[1]);
		return 1;
	}
	(void)measure(buf_view(&b), n / 10 + 1, true); /* warm */
	double parsed = measure(buf_view(&b), n, false), checked = measure(buf_view(&b), n, true);
	if (parsed < 0 || checked < 0) {
		(void)fprintf(stderr, "parse: %s is no message that is fine\n", argv[1]);
		return 1;
	}
	printf("{\"bytes\": %zu, \"n\": %u, \"parsed_ns\": %.1f, \"checked_ns\": %.1f}\n", b.len, n,
	       parsed, checked);
	return 0;
}
