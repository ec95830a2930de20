/* A log's file as a crash, or somebody else, has left it: what is read lies inside it, stands in
 * its order, and is what is written again.  The input is the records' bodies, each behind a byte of
 * length, which get the hashes that the reader wants to see; and the same as a file by itself. */
#include <stdlib.h>

#include "store/record.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

enum { FRAME_LEN = 12 };

static void check(bool ok)
{
	if (!ok)
		abort();
}

/* What was read is written as the same bytes, but for those that mean the same. */
static void write_again(const struct hash_key *key, struct bytes record)
{
	struct store_val v[STORE_PARAMS_MAX], again[STORE_PARAMS_MAX];
	int n = record_get(v, record);
	if (n < 0)
		return;
	check(record_number(record) == (n > 0 && v[0].type == STORE_INT ? v[0].i : 0));
	auto_(buf_free) struct buf b = buf_of(record.len);
	record_put(&b, key, v, (size_t)n);
	check(!b.full && b.len == record.len && b.len == record_len(v, (size_t)n));
	struct rd r = rd_of(bytes_of(buf_view(&b)));
	struct bytes next;
	check(record_next(&r, key, &next) && rd_left(&r) == 0 && next.len == record.len);
	check(record_get(again, next) == n);
	for (int i = 0; i < n; i++)
		check(again[i].type == v[i].type && again[i].i == v[i].i &&
		      str_eq(again[i].s, v[i].s));
}

static size_t read_file(struct bytes file)
{
	struct rd r = rd_of(file);
	struct hash_key key;
	struct bytes record;
	size_t n = 0, left = file.len;
	if (record_get_head(&key, &r) < 0)
		return 0;
	while (record_next(&r, &key, &record)) {
		check(record.p >= file.p && record.p + record.len <= file.p + file.len);
		check(rd_left(&r) < left);
		left = rd_left(&r);
		write_again(&key, record);
		n++;
	}
	return n;
}

static void put_body(struct buf *b, const struct hash_key *key, const uint8_t *p, size_t len)
{
	buf_u32(b, (uint32_t)len);
	buf_u64(b, hash_bytes(key, p, len));
	buf_put(b, p, len);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static const struct hash_key key = { 1, 2 };
	auto_(buf_free) struct buf b = buf_of(RECORD_HEAD_LEN + n * (1 + FRAME_LEN));
	size_t records = 0;
	(void)read_file((struct bytes){ p, n });
	record_put_head(&b, &key);
	while (n >= 1) {
		size_t len = MIN(p[0], n - 1);
		put_body(&b, &key, p + 1, len);
		records++;
		p += 1 + len;
		n -= 1 + len;
	}
	check(!b.full && read_file(bytes_of(buf_view(&b))) == records);
	return 0;
}
