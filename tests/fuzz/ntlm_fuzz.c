/* An AUTHENTICATE of a client: what is read lies in the message and below the limits, names go to
 * UTF-8 and back, and the proof of it stays in bounds. */
#include <stdlib.h>

#include "auth/ntlm.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void check(bool ok)
{
	if (!ok)
		abort();
}

static void inside(struct bytes in, struct bytes b, size_t max)
{
	check(b.len == 0 || (b.p >= in.p && b.p + b.len <= in.p + in.len && b.len <= max));
}

static void both_ways(struct bytes name)
{
	struct buf utf8 = buf_of(4 * NTLM_NAME_MAX), back = buf_of(4 * NTLM_NAME_MAX);
	if (ntlm_put_utf8(&utf8, name) == 0) {
		check(!utf8.full && ntlm_put_utf16(&back, buf_view(&utf8)) == 0);
		check(str_eq(buf_view(&back), str_from_bytes(name)));
	}
	buf_free(&utf8);
	buf_free(&back);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static const uint8_t challenge[NTLM_CHALLENGE_LEN] = { 1 }, hash[16] = { 2 };
	struct bytes in = { p, n };
	struct ntlm_auth a;
	uint8_t key[NTLM_KEY_LEN];
	if (ntlm_get_auth(&a, in) < 0)
		return 0;
	inside(in, a.lm, NTLM_RESPONSE_MAX);
	inside(in, a.nt, NTLM_RESPONSE_MAX);
	inside(in, a.domain, NTLM_NAME_MAX);
	inside(in, a.user, NTLM_NAME_MAX);
	inside(in, a.workstation, NTLM_NAME_MAX);
	inside(in, a.session_key, NTLM_KEY_LEN);
	both_ways(a.user);
	both_ways(a.domain);
	check(!ntlm_proves(key, &a, challenge, hash));
	return 0;
}
