#include "svc/user/secrets.h"

#include <errno.h>

#include "tap.h"

static void both_forms_of_the_name_have_their_keys(void)
{
	struct secrets s;
	uint8_t want[DIGEST_HA1_MAX];
	secrets_derive(&s, STR("alice@example.test"), STR("realm"), STR("secret"));
	digest_ha1(want, DIGEST_MD5, STR("alice"), STR("realm"), STR("secret"));
	OK(memcmp(secrets_ha1(&s, DIGEST_MD5, SECRETS_LOCAL), want, 16) == 0);
	digest_ha1(want, DIGEST_SHA256, STR("alice@example.test"), STR("realm"), STR("secret"));
	OK(memcmp(secrets_ha1(&s, DIGEST_SHA256, SECRETS_FULL), want, 32) == 0);
	OK(!s.has_nt && !s.slow_hash[0]);
}

static void user_names_are_matched_exactly(void)
{
	enum secrets_name n;
	EQ(secrets_name_of(&n, STR("alice"), STR("alice@example.test")), 0);
	EQ(n, SECRETS_LOCAL);
	EQ(secrets_name_of(&n, STR("alice@example.test"), STR("alice@example.test")), 0);
	EQ(n, SECRETS_FULL);
	EQ(secrets_name_of(&n, STR("Alice"), STR("alice@example.test")), -ENOENT);
	EQ(secrets_name_of(&n, STR(""), STR("alice@example.test")), -ENOENT);
}

static void coding_brings_back_the_same(void)
{
	struct secrets s, back;
	auto_(buf_free) struct buf b = buf_of(SECRETS_MAX);
	secrets_derive(&s, STR("alice@example.test"), STR("realm"), STR("secret"));
	EQ(password_nt_hash(s.nt, STR("secret")), 0);
	s.has_nt = true;
	(void)snprintf(s.slow_hash, sizeof(s.slow_hash), "$y$...");
	secrets_put(&b, &s);
	OK(!b.full);
	EQ(secrets_get(&back, bytes_of(buf_view(&b))), 0);
	OK(memcmp(s.md5, back.md5, sizeof(s.md5)) == 0);
	OK(memcmp(s.sha256, back.sha256, sizeof(s.sha256)) == 0);
	OK(memcmp(s.nt, back.nt, sizeof(s.nt)) == 0);
	OK(back.has_nt && strcmp(back.slow_hash, "$y$...") == 0);
	for (size_t n = 0; n < b.len; n++)
		EQ(secrets_get(&back, bytes_of(str_n(b.p, n))), -EBADMSG);
	buf_char(&b, 0);
	EQ(secrets_get(&back, bytes_of(buf_view(&b))), -EBADMSG);
	b.len--;
	b.p[0]++;
	EQ(secrets_get(&back, bytes_of(buf_view(&b))), -EBADMSG);
}

int main(void)
{
	RUN(both_forms_of_the_name_have_their_keys);
	RUN(user_names_are_matched_exactly);
	RUN(coding_brings_back_the_same);
	return tap_done();
}
