#include "auth/password.h"

#include <crypt.h>
#include <stdlib.h>

#include <errno.h>

#include "base/code.h"
#include "tap.h"

static bool fit(const char *password, const char *user)
{
	const char *why = NULL;
	int r = password_check(str_of(password), str_of(user), &why);
	OK((r < 0) == (why != NULL));
	return r == 0;
}

static void weak_passwords_are_refused_with_a_reason(void)
{
	OK(!fit("", "alice"));
	OK(!fit("short7!", "alice"));
	OK(!fit("aaaabbbb", "alice"));
	OK(!fit("abcdefgh", "alice"));
	OK(!fit("987654321", "alice"));
	OK(!fit("Password1!", "alice"));
	OK(!fit("qwertz123", "alice"));
	OK(!fit("xxALICE99yz", "alice"));
	OK(!fit("tab\tinside it", "alice"));
	OK(!fit("\xff\xfe not utf8", "alice"));
	char big[PASSWORD_MAX + 2];
	for (int i = 0; i <= PASSWORD_MAX; i++)
		big[i] = (char)('a' + i * 7 % 26);
	big[PASSWORD_MAX + 1] = 0;
	OK(!fit(big, "alice"));
	big[PASSWORD_MAX] = 0;
	OK(fit(big, "alice"));
}

static void good_passwords_are_taken(void)
{
	OK(fit("correct horse", "alice"));
	OK(fit("Gr\xc3\xbc\xc3\x9f"
	       "e aus K",
	       "alice"));
	OK(fit("x7-al-Qm2", "al"));
}

static void made_passwords_are_good_and_differ(void)
{
	char a[PASSWORD_DEVICE_LEN + 1], b[PASSWORD_DEVICE_LEN + 1];
	password_make(a);
	password_make(b);
	EQ(strlen(a), PASSWORD_DEVICE_LEN);
	OK(strcmp(a, b) != 0);
	OK(fit(a, "alice"));
}

static void slow_hash_knows_its_password_alone(void)
{
	char hash[PASSWORD_HASH_MAX], again[PASSWORD_HASH_MAX];
	EQ(password_hash(hash, STR("correct horse")), 0);
	OK(strncmp(hash, "$y$", 3) == 0);
	OK(password_is(STR("correct horse"), hash));
	OK(!password_is(STR("correct horsf"), hash));
	OK(!password_is(STR("correct horse"), "$y$broken"));
	EQ(password_hash(again, STR("correct horse")), 0);
	OK(strcmp(hash, again) != 0);
}

static bool nt_is(const char *password, const char *want)
{
	uint8_t h[16];
	auto_(buf_free) struct buf b = buf_of(64);
	EQ(password_nt_hash(h, str_of(password)), 0);
	hex_put(&b, h, sizeof(h));
	return str_eq(buf_view(&b), str_of(want));
}

/* [MS-NLMP] section 4.2.2.1.2: "Password". */
/* It is hashed against in full: what comes out begins with it, and is longer. */
static void decoy_is_nobodys_hash(void)
{
	char decoy[PASSWORD_HASH_MAX], other[PASSWORD_HASH_MAX];
	struct crypt_data *data = xnew(struct crypt_data);
	EQ(password_decoy(decoy), 0);
	EQ(password_decoy(other), 0);
	OK(strcmp(decoy, other) != 0);
	const char *hash = crypt_rn("correct horse", decoy, data, sizeof(*data));
	OK(hash && strncmp(hash, decoy, strlen(decoy)) == 0 && strlen(hash) > strlen(decoy) + 40);
	OK(!password_is(STR("correct horse"), decoy));
	OK(!password_is(STR(""), decoy));
	free(data);
}

static void nt_hash_is_that_of_the_specification(void)
{
	OK(nt_is("Password", "a4f49c406510bdcab6824ee7c30fd852"));
	OK(nt_is("", "31d6cfe0d16ae931b73c59d7e0c089c0"));
	uint8_t h[16];
	EQ(password_nt_hash(h, STR("\xff")), -EINVAL);
	EQ(password_nt_hash(h, STR("\xf0\x9f\x98\x80")), 0);
}

int main(void)
{
	RUN(weak_passwords_are_refused_with_a_reason);
	RUN(good_passwords_are_taken);
	RUN(made_passwords_are_good_and_differ);
	RUN(slow_hash_knows_its_password_alone);
	RUN(decoy_is_nobodys_hash);
	RUN(nt_hash_is_that_of_the_specification);
	return tap_done();
}
