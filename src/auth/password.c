#include "auth/password.h"

#include <crypt.h>
#include <errno.h>
#include <stdlib.h>

#include <nettle/md4.h>

#include "base/code.h"
#include "base/rand.h"
#include "wire/ntlm/ntlm.h"

enum { SALT_LEN = 16, MIN_USER_LEN = 3 };

/* --- quality ------------------------------------------------------------------------- */

static unsigned count_kinds(struct str s)
{
	bool seen[256] = { false };
	unsigned n = 0;
	for (size_t i = 0; i < s.len; i++) {
		n += !seen[(uint8_t)s.p[i]];
		seen[(uint8_t)s.p[i]] = true;
	}
	return n;
}

/* "12345678", "abcdefgh" and the like, also backwards. */
static bool is_sequence(struct str s)
{
	int step = s.len > 1 ? s.p[1] - s.p[0] : 0;
	for (size_t i = 2; i < s.len; i++)
		if (s.p[i] - s.p[i - 1] != step)
			return false;
	return step == 1 || step == -1;
}

static bool is_common(struct str s)
{
	/* clang-format off */
	static const struct str first[] = { /* what they begin with, and at most four more bytes */
		STR_INIT("password"), STR_INIT("passw0rd"), STR_INIT("passwort"), STR_INIT("qwerty"),
		STR_INIT("qwertz"), STR_INIT("iloveyou"), STR_INIT("letmein"), STR_INIT("welcome"),
		STR_INIT("changeme"), STR_INIT("dialtone"), STR_INIT("trustno1"), STR_INIT("12345678"),
		STR_INIT("sunshine"), STR_INIT("football"), STR_INIT("princess"), STR_INIT("abc123"),
	};
	/* clang-format on */
	for (size_t i = 0; i < ARRAY_SIZE(first); i++)
		if (str_istarts(s, first[i]) && s.len <= first[i].len + 4)
			return true;
	return false;
}

static bool contains(struct str s, struct str part)
{
	for (size_t i = 0; i + part.len <= s.len; i++)
		if (str_ieq(str_sub(s, i, part.len), part))
			return true;
	return false;
}

/* Characters, or 0 if it is no clean UTF-8. */
static size_t count_chars(struct str s)
{
	size_t n = 0;
	for (size_t len; s.len > 0; n++, s = str_sub(s, len, s.len)) {
		len = utf8_seq_len(s);
		if (len == 0 || (uint8_t)s.p[0] < ' ' || s.p[0] == 0x7f)
			return 0;
	}
	return n;
}

int password_check(struct str password, struct str user, const char **why)
{
	size_t n = count_chars(password);
	const char *bad = NULL;
	if (password.len > PASSWORD_MAX)
		bad = "The password is longer than 255 bytes; choose a shorter one.";
	else if (password.len >= PASSWORD_MIN && n == 0)
		bad = "The password holds control characters or is not UTF-8; use plain letters, "
		      "digits and signs.";
	else if (n < PASSWORD_MIN)
		bad = "The password has less than 8 characters; choose a longer one.";
	else if (count_kinds(password) < PASSWORD_KINDS_MIN)
		bad = "The password has less than 5 different characters; mix more of them.";
	else if (is_sequence(password) || is_common(password))
		bad = "The password is among the first that anybody would try; choose another one.";
	else if (user.len >= MIN_USER_LEN && contains(password, user))
		bad = "The password contains the user's name; choose another one.";
	if (bad)
		*why = bad;
	return bad ? -EINVAL : 0;
}

void password_make(char ret[PASSWORD_DEVICE_LEN + 1])
{
	static const char letters[] = "abcdefghijkmnpqrstuvwxyz23456789";
	for (unsigned i = 0; i < PASSWORD_DEVICE_LEN; i++)
		ret[i] = letters[rand_below(sizeof(letters) - 1)];
	ret[PASSWORD_DEVICE_LEN] = 0;
}

/* --- hashes -------------------------------------------------------------------------- */

/* libcrypt wants a NUL-terminated text and 32 kB of work space. */
static int hash(char *ret, struct str password, const char *setting)
{
	struct crypt_data *data = xnew(struct crypt_data);
	char text[PASSWORD_MAX + 1];
	if (password.len > PASSWORD_MAX) {
		free(data);
		return -EINVAL;
	}
	memcpy(text, password.p, password.len);
	text[password.len] = 0;
	const char *h = crypt_rn(text, setting, data, sizeof(*data));
	int r = h && strlen(h) < PASSWORD_HASH_MAX ? 0 : -EIO;
	if (r == 0)
		memcpy(ret, h, strlen(h) + 1);
	wipe(text, sizeof(text));
	wipe(data, sizeof(*data));
	free(data);
	return r;
}

static int make_setting(char ret[CRYPT_GENSALT_OUTPUT_SIZE])
{
	char random[SALT_LEN];
	rand_bytes(random, sizeof(random));
	return crypt_gensalt_rn("$y$", 0, random, sizeof(random), ret, CRYPT_GENSALT_OUTPUT_SIZE)
	               ? 0
	               : -EIO;
}

int password_hash(char ret[PASSWORD_HASH_MAX], struct str password)
{
	char setting[CRYPT_GENSALT_OUTPUT_SIZE];
	int r = make_setting(setting);
	return r < 0 ? r : hash(ret, password, setting);
}

/* A hash begins with its setting; one that is nothing else has the length of none. */
int password_decoy(char ret[PASSWORD_HASH_MAX])
{
	char setting[CRYPT_GENSALT_OUTPUT_SIZE];
	int r = make_setting(setting);
	if (r == 0 && strlen(setting) >= PASSWORD_HASH_MAX)
		r = -EIO;
	if (r == 0)
		memcpy(ret, setting, strlen(setting) + 1);
	return r;
}

bool password_is(struct str password, const char *want)
{
	char got[PASSWORD_HASH_MAX];
	if (hash(got, password, want) < 0 || strlen(got) != strlen(want))
		return false;
	return same_secret(got, want, strlen(want));
}

int password_nt_hash(uint8_t ret[16], struct str password)
{
	char space[2 * PASSWORD_MAX + 1];
	struct buf text = BUF_ON(space);
	struct md4_ctx ctx;
	if (password.len > PASSWORD_MAX || ntlm_put_utf16(&text, password) < 0)
		return -EINVAL;
	md4_init(&ctx);
	md4_update(&ctx, text.len, (const uint8_t *)text.p);
	md4_digest(&ctx, 16, ret);
	wipe(space, sizeof(space));
	wipe(&ctx, sizeof(ctx));
	return 0;
}
