#include <assert.h>

#include "wire/push/push_sub.h"

/* What was read is written as it is read again, and a message for it can be made. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t secret[PUSH_SECRET_LEN] = { 1 }, salt[PUSH_SALT_LEN] = { 2 };
	struct push_sub s, again;
	auto_(buf_free) struct buf text = buf_of(PUSH_SUB_MAX), b = buf_of(PUSH_RECORD_LEN);
	if (push_sub_read(&s, str_n((const char *)data, size)) < 0)
		return 0;
	push_sub_put(&text, s.url, &s.to);
	assert(!text.full && push_sub_read(&again, buf_view(&text)) == 0);
	assert(str_eq(again.host, s.host) && str_eq(again.target, s.target));
	assert(again.port == s.port && memcmp(&again.to, &s.to, sizeof(s.to)) == 0);
	assert(s.host.len <= PUSH_HOST_MAX && str_find(s.target, STR("\n")) < 0);
	struct push_key *k = push_key_new(secret);
	int r = push_encrypt(&b, &s.to, k, salt, STR("x"));
	assert(r == 0 && !b.full);
	(void)r;
	push_key_free(&k);
	return 0;
}
