#include "auth/totp.h"

#include <errno.h>

#include "tap.h"

/* RFC 6238, appendix B: the secret of its SHA-1 vectors. */
static const uint8_t secret[TOTP_SECRET_LEN + 1] = "12345678901234567890";

static int64_t check(const char *code, int64_t now_s, int64_t last)
{
	return totp_check(secret, str_of(code), now_s, last);
}

/* The vectors have eight digits, of which ours are the last six. */
static void codes_are_those_of_the_rfc(void)
{
	static const struct {
		int64_t now;
		const char *code;
	} rows[] = {
		{ 59, "287082" },         { 1111111109, "081804" }, { 1111111111, "050471" },
		{ 1234567890, "005924" }, { 2000000000, "279037" }, { 20000000000, "353130" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char code[TOTP_DIGITS + 1];
		totp_code(code, secret, rows[i].now / TOTP_STEP_S);
		OK(strcmp(code, rows[i].code) == 0);
		EQ(check(rows[i].code, rows[i].now, 0), rows[i].now / TOTP_STEP_S);
	}
}

static void a_clock_may_be_one_step_off(void)
{
	const int64_t now = 1111111111, step = now / TOTP_STEP_S;
	for (int64_t off = -3; off <= 3; off++) {
		char code[TOTP_DIGITS + 1];
		totp_code(code, secret, step + off);
		EQ(check(code, now, 0), off >= -1 && off <= 1 ? step + off : -EACCES);
	}
	EQ(check("755224", 0, -1), 0); /* RFC 4226, appendix D: the first */
}

static void a_step_is_good_once_and_no_earlier_one_after_it(void)
{
	const int64_t now = 1111111111, step = now / TOTP_STEP_S;
	char before[TOTP_DIGITS + 1], code[TOTP_DIGITS + 1], after[TOTP_DIGITS + 1];
	totp_code(before, secret, step - 1);
	totp_code(code, secret, step);
	totp_code(after, secret, step + 1);
	EQ(check(code, now, step), -EACCES);
	EQ(check(before, now, step), -EACCES);
	EQ(check(after, now, step), step + 1);
	EQ(check(code, now, step - 1), step);
}

static void what_is_no_code_is_refused(void)
{
	static const char *const rows[] = { "",       "28708",  "2870820", "28708a",
		                            "-87082", "287 08", "94287082" };
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		EQ(check(rows[i], 59, 0), -EACCES);
	EQ(check(" 287 082 ", 59, 0), 1);
	EQ(totp_check(secret, STR("287082\0"), 59, 0), -EACCES);
}

static void telephones_are_told_all_they_need(void)
{
	char space[512];
	struct buf b = BUF_ON(space);
	totp_put_secret(&b, secret);
	EQ_STR(buf_view(&b), "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
	EQ(b.len, TOTP_SECRET_TEXT_LEN);
	b.len = 0;
	totp_put_uri(&b, secret, STR("A & B"), STR("alice@example.test"));
	EQ_STR(buf_view(&b), "otpauth://totp/A%20%26%20B:alice%40example.test"
	                     "?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=A%20%26%20B");
}

static void secrets_differ(void)
{
	uint8_t a[TOTP_SECRET_LEN], b[TOTP_SECRET_LEN];
	totp_make_secret(a);
	totp_make_secret(b);
	OK(memcmp(a, b, sizeof(a)) != 0);
}

static void recovery_codes_are_read_as_people_type_them(void)
{
	uint8_t a[RECOVERY_HASH_LEN], b[RECOVERY_HASH_LEN];
	char space[64], other[64];
	struct buf one = BUF_ON(space), two = BUF_ON(other);
	recovery_make(&one);
	recovery_make(&two);
	EQ(one.len, RECOVERY_TEXT);
	OK(!str_eq(buf_view(&one), buf_view(&two)));
	EQ(recovery_hash(a, 7, buf_view(&one)), 0);
	EQ(recovery_hash(b, 7, buf_view(&two)), 0);
	OK(memcmp(a, b, sizeof(a)) != 0);
	EQ(recovery_hash(b, 8, buf_view(&one)), 0);
	OK(memcmp(a, b, sizeof(a)) != 0); /* another account's */
	for (size_t i = 0; i < one.len; i++)
		space[i] = one.p[i] == '-'   ? ' '
		           : one.p[i] >= 'a' ? (char)(one.p[i] - 32)
		                             : one.p[i];
	EQ(recovery_hash(b, 7, buf_view(&one)), 0);
	OK(memcmp(a, b, sizeof(a)) == 0);
	EQ(recovery_hash(b, 7, STR("abcd-efgh-jkmn-pqr")), -EINVAL);
	EQ(recovery_hash(b, 7, STR("abcd-efgh-jkmn-pqrst")), -EINVAL);
	EQ(recovery_hash(b, 7, STR("abcd-efgh-jkmn-pqr1")), -EINVAL);
	EQ(recovery_hash(b, 7, STR("abcd-efgh-jkmn-pqr\0")), -EINVAL);
}

int main(void)
{
	EQ(totp_init(), 0);
	RUN(codes_are_those_of_the_rfc);
	RUN(a_clock_may_be_one_step_off);
	RUN(a_step_is_good_once_and_no_earlier_one_after_it);
	RUN(what_is_no_code_is_refused);
	RUN(telephones_are_told_all_they_need);
	RUN(secrets_differ);
	RUN(recovery_codes_are_read_as_people_type_them);
	return tap_done();
}
