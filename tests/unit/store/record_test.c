#include "store/record.h"

#include <errno.h>
#include <stdlib.h>

#include "tap.h"

static const struct hash_key key = { 0x0123456789abcdef, 42 };

static void put(struct buf *b, int64_t number, struct str text)
{
	struct store_val v[] = { STORE_I(number), STORE_S(text), STORE_NONE,
		                 STORE_B(bytes_of(STR("\0\xff"))) };
	size_t before = b->len;
	record_put(b, &key, v, ARRAY_SIZE(v));
	EQ(b->len - before, record_len(v, ARRAY_SIZE(v)));
}

/* A file with the records 1, 2, 3. */
static struct buf three(void)
{
	struct buf b = buf_of(4096);
	record_put_head(&b, &key);
	EQ(b.len, RECORD_HEAD_LEN);
	put(&b, 1, STR("one"));
	put(&b, 2, STR(""));
	put(&b, 3, STR("three"));
	return b;
}

/* How many records are read; each must be the one that was written. */
static int count(struct bytes file)
{
	struct rd r = rd_of(file);
	struct hash_key k;
	struct bytes record;
	int n = 0;
	if (record_get_head(&k, &r) < 0)
		return 0;
	while (record_next(&r, &k, &record))
		EQ(record_number(record), ++n);
	return n;
}

static void values_come_back(void)
{
	struct buf b = three();
	struct rd r = rd_of(bytes_of(buf_view(&b)));
	struct store_val v[STORE_PARAMS_MAX];
	struct hash_key k;
	struct bytes record;
	EQ(record_get_head(&k, &r), 0);
	OK(k.k0 == key.k0 && k.k1 == key.k1);
	OK(record_next(&r, &k, &record));
	EQ(record_number(record), 1);
	EQ(record_get(v, record), 4);
	OK(v[0].type == STORE_INT && v[0].i == 1);
	OK(v[1].type == STORE_TEXT);
	EQ_STR(v[1].s, "one");
	EQ(v[2].type, STORE_NULL);
	OK(v[3].type == STORE_BLOB && v[3].s.len == 2 && memcmp(v[3].s.p, "\0\xff", 2) == 0);
	EQ(count(bytes_of(buf_view(&b))), 3);
	buf_free(&b);
}

/* Wherever the file is cut off, the whole records before are read, and nothing else. */
static void a_torn_end_is_no_record(void)
{
	struct buf b = three();
	struct bytes all = bytes_of(buf_view(&b));
	int before = 0;
	for (size_t len = 0; len <= all.len; len++) {
		int n = count((struct bytes){ all.p, len });
		OK(n == before || n == before + 1);
		before = n;
	}
	EQ(before, 3);
	buf_free(&b);
}

static void a_changed_bit_ends_the_log(void)
{
	struct buf b = three();
	for (size_t i = 0; i < b.len * 8; i++) {
		b.p[i / 8] ^= (char)(1 << i % 8);
		OK(count(bytes_of(buf_view(&b))) < 3);
		b.p[i / 8] ^= (char)(1 << i % 8);
	}
	EQ(count(bytes_of(buf_view(&b))), 3);
	buf_free(&b);
}

/* The file is overwritten from its beginning: what is left of the last time has another key. */
static void records_of_before_are_not_read(void)
{
	static const struct hash_key new_key = { 7, 8 };
	struct buf b = three(), now = buf_of(4096);
	struct store_val v[] = { STORE_I(1), STORE_S(STR("one")), STORE_NONE,
		                 STORE_B(bytes_of(STR("\0\xff"))) };
	record_put_head(&now, &new_key);
	record_put(&now, &new_key, v, ARRAY_SIZE(v));
	memcpy(b.p, now.p, now.len); /* ends where the second of before begins */
	EQ(count(bytes_of(buf_view(&b))), 1);
	buf_free(&now);
	buf_free(&b);
}

static void a_record_of_nonsense_has_no_values(void)
{
	static const struct {
		const char *body;
		size_t len;
	} bad[] = {
		{ "", 0 },                     /* no number of values */
		{ "\x21", 1 },                 /* too many */
		{ "\1", 1 },                   /* fewer than it says */
		{ "\1\7", 2 },                 /* no such type */
		{ "\1\2\0\0\0\5abcd", 10 },    /* a text beyond the end */
		{ "\1\0x", 3 },                /* more than its values */
		{ "\1\1\0\0\0\0\0\0\0", 9 },   /* a number cut off */
		{ "\1\2\xff\xff\xff\xff", 6 }, /* a length of 4 GB */
	};
	struct store_val v[STORE_PARAMS_MAX];
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		char text[64] = { 0 };
		memcpy(text + 12, bad[i].body, bad[i].len);
		struct bytes record = { (uint8_t *)text, 12 + bad[i].len };
		EQ(record_get(v, record), -EBADMSG);
		EQ(record_number(record), 0);
	}
}

int main(void)
{
	RUN(values_come_back);
	RUN(a_torn_end_is_no_record);
	RUN(a_changed_bit_ends_the_log);
	RUN(records_of_before_are_not_read);
	RUN(a_record_of_nonsense_has_no_values);
	return tap_done();
}
