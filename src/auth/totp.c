#include "auth/totp.h"

#include <errno.h>

#include <liboath/oath.h>
#include <nettle/sha2.h>

#include "base/rand.h"

/* Small letters and digits without those that look alike: 32, 5 bits each. */
static const char letters[] = "abcdefghijkmnpqrstuvwxyz23456789";

int totp_init(void)
{
	return oath_init() == OATH_OK ? 0 : -EIO;
}

void totp_make_secret(uint8_t ret[TOTP_SECRET_LEN])
{
	rand_bytes(ret, TOTP_SECRET_LEN);
}

/* --- codes --------------------------------------------------------------------------- */

void totp_code(char ret[TOTP_DIGITS + 1], const uint8_t secret[TOTP_SECRET_LEN], int64_t step)
{
	/* Fails for sizes that no caller has; then no code is right. */
	if (oath_totp_generate2((const char *)secret, TOTP_SECRET_LEN, (time_t)(step * TOTP_STEP_S),
	                        TOTP_STEP_S, 0, TOTP_DIGITS, 0, ret) != OATH_OK)
		memset(ret, 0, TOTP_DIGITS + 1);
}

/* "123 456" as "123456"; false: these are not six digits. */
static bool read_code(char ret[TOTP_DIGITS], struct str code)
{
	size_t n = 0;
	for (size_t i = 0; i < code.len; i++) {
		if (code.p[i] == ' ')
			continue;
		if (code.p[i] < '0' || code.p[i] > '9' || n == TOTP_DIGITS)
			return false;
		ret[n++] = code.p[i];
	}
	return n == TOTP_DIGITS;
}

int64_t totp_check(const uint8_t secret[TOTP_SECRET_LEN], struct str code, int64_t now_s,
                   int64_t last)
{
	char typed[TOTP_DIGITS], right[TOTP_DIGITS + 1];
	int64_t now = now_s / TOTP_STEP_S, found = -EACCES;
	if (!read_code(typed, code))
		return -EACCES;
	for (int64_t step = MAX(now - TOTP_WINDOW, 0); step <= now + TOTP_WINDOW; step++) {
		totp_code(right, secret, step);
		if (same_secret(right, typed, TOTP_DIGITS) && step > last && found < 0)
			found = step;
	}
	wipe(right, sizeof(right));
	return found;
}

/* --- for the telephone --------------------------------------------------------------- */

void totp_put_secret(struct buf *b, const uint8_t secret[TOTP_SECRET_LEN])
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"; /* RFC 4648, section 6 */
	unsigned bits = 0, n = 0;
	for (size_t i = 0; i < TOTP_SECRET_LEN; i++) {
		bits = bits << 8 | secret[i];
		for (n += 8; n >= 5; n -= 5)
			buf_char(b, digits[bits >> (n - 5) & 31]);
	}
}

static void put_escaped(struct buf *b, struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		uint8_t c = (uint8_t)s.p[i];
		bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		             (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';
		if (plain)
			buf_char(b, (char)c);
		else
			buf_printf(b, "%%%02X", c);
	}
}

void totp_put_uri(struct buf *b, const uint8_t secret[TOTP_SECRET_LEN], struct str issuer,
                  struct str user)
{
	buf_lit(b, "otpauth://totp/");
	put_escaped(b, issuer);
	buf_char(b, ':');
	put_escaped(b, user);
	buf_lit(b, "?secret=");
	totp_put_secret(b, secret);
	buf_lit(b, "&issuer=");
	put_escaped(b, issuer);
}

/* --- recovery codes ------------------------------------------------------------------ */

void recovery_make(struct buf *b)
{
	for (unsigned i = 0; i < RECOVERY_LEN; i++) {
		if (i > 0 && i % 4 == 0)
			buf_char(b, '-');
		buf_char(b, letters[rand_below(sizeof(letters) - 1)]);
	}
}

static bool read_recovery(char ret[RECOVERY_LEN], struct str code)
{
	size_t n = 0;
	for (size_t i = 0; i < code.len; i++) {
		char c = code.p[i];
		if (c >= 'A' && c <= 'Z')
			c = (char)(c + 'a' - 'A');
		if (c == ' ' || c == '-')
			continue;
		if (c == '\0' || !strchr(letters, c) || n == RECOVERY_LEN)
			return false;
		ret[n++] = c;
	}
	return n == RECOVERY_LEN;
}

int recovery_hash(uint8_t ret[RECOVERY_HASH_LEN], uint64_t account, struct str code)
{
	char plain[RECOVERY_LEN], space[64];
	struct buf b = BUF_ON(space);
	struct sha256_ctx ctx;
	if (!read_recovery(plain, code))
		return -EINVAL;
	buf_lit(&b, "recovery ");
	buf_u64(&b, account);
	buf_put(&b, plain, sizeof(plain));
	sha256_init(&ctx);
	sha256_update(&ctx, b.len, (const uint8_t *)b.p);
	sha256_digest(&ctx, RECOVERY_HASH_LEN, ret);
	wipe(&ctx, sizeof(ctx));
	wipe(plain, sizeof(plain));
	wipe(space, sizeof(space));
	return 0;
}
