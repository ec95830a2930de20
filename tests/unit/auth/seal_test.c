#include "auth/seal.h"

#include <errno.h>

#include "tap.h"

static const uint8_t key[SEAL_KEY_LEN] = { 1, 2, 3 }, other_key[SEAL_KEY_LEN] = { 1, 2, 4 };

static void opens_for_its_row_and_key_alone(void)
{
	struct seal *s = seal_new(key), *other = seal_new(other_key);
	auto_(buf_free) struct buf b = buf_of(1000);
	uint8_t out[100];
	struct bytes row = bytes_of(STR("row 1")), plain = bytes_of(STR("the secret"));
	seal_put(s, &b, row, plain);
	EQ(b.len, plain.len + SEAL_OVERHEAD);
	OK(str_find(buf_view(&b), STR("secret")) < 0);
	EQ(seal_get(s, out, row, bytes_of(buf_view(&b))), 0);
	EQ_STR(str_n((char *)out, plain.len), "the secret");
	EQ(seal_get(s, out, bytes_of(STR("row 2")), bytes_of(buf_view(&b))), -EBADMSG);
	EQ(seal_get(other, out, row, bytes_of(buf_view(&b))), -EBADMSG);
	OK(seal_key_id(s) != seal_key_id(other));
	seal_free(&s);
	seal_free(&other);
}

static void every_changed_byte_is_seen(void)
{
	struct seal *s = seal_new(key);
	auto_(buf_free) struct buf b = buf_of(1000);
	uint8_t out[100];
	struct bytes row = bytes_of(STR("row 1"));
	seal_put(s, &b, row, bytes_of(STR("the secret")));
	for (size_t i = 0; i < b.len; i++) {
		b.p[i] ^= 1;
		EQ(seal_get(s, out, row, bytes_of(buf_view(&b))), -EBADMSG);
		b.p[i] ^= 1;
		EQ(seal_get(s, out, row, bytes_of(str_n(b.p, i))), -EBADMSG);
	}
	seal_free(&s);
}

static void same_text_is_sealed_differently_each_time(void)
{
	struct seal *s = seal_new(key);
	auto_(buf_free) struct buf a = buf_of(1000), b = buf_of(1000);
	seal_put(s, &a, bytes_of(STR("r")), bytes_of(STR("x")));
	seal_put(s, &b, bytes_of(STR("r")), bytes_of(STR("x")));
	OK(!str_eq(buf_view(&a), buf_view(&b)));
	seal_free(&s);
}

static void empty_text_can_be_sealed(void)
{
	struct seal *s = seal_new(key);
	auto_(buf_free) struct buf b = buf_of(SEAL_OVERHEAD);
	uint8_t out[1];
	seal_put(s, &b, bytes_of(STR("r")), bytes_of(STR("")));
	EQ(seal_get(s, out, bytes_of(STR("r")), bytes_of(buf_view(&b))), 0);
	seal_put(s, &b, bytes_of(STR("r")), bytes_of(STR("")));
	OK(b.full);
	seal_free(&s);
}

int main(void)
{
	RUN(opens_for_its_row_and_key_alone);
	RUN(every_changed_byte_is_seen);
	RUN(same_text_is_sealed_differently_each_time);
	RUN(empty_text_can_be_sealed);
	return tap_done();
}
