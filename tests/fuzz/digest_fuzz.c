/* A client's Authorization field: whatever it holds, reading and checking it stay in bounds, what
 * was read survives the accounts link, and no made-up nonce is taken for ours. */
#include <stdlib.h>

#include "auth/digest.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void check(bool ok)
{
	if (!ok)
		abort();
}

static void through_the_link(const struct digest_creds *c, const char *ha2, const uint8_t *ha1)
{
	struct digest_creds back;
	struct buf b = buf_of(DIGEST_BLOB_MAX);
	const char *ret_ha2;
	digest_put_blob(&b, c, ha2);
	check(!b.full && digest_get_blob(&back, &ret_ha2, bytes_of(buf_view(&b))) == 0);
	check(digest_proves_ha2(&back, ret_ha2, ha1) == digest_proves_ha2(c, ha2, ha1));
	buf_free(&b);
}

static void as_field(struct str in)
{
	static const uint8_t key[32] = { 1 }, ha1[DIGEST_HA1_MAX] = { 2 };
	struct digest_creds c;
	char ha2[DIGEST_HEX_MAX], hex[DIGEST_HEX_MAX];
	size_t len;
	if (digest_parse(&c, in) < 0)
		return;
	struct digest *d = digest_new(STR("example.test"), key);
	check(digest_check_nonce(d, &c, 0) != DIGEST_FRESH && !digest_use_nonce(d, &c));
	digest_free(&d);
	digest_ha2(ha2, &c, STR("REGISTER"), in);
	through_the_link(&c, ha2, ha1);
	digest_response(hex, &len, &c, STR("REGISTER"), ha1, in);
	c.response = str_n(hex, len);
	check(digest_proves(&c, STR("REGISTER"), in, ha1));
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct digest_creds c;
	const char *ha2;
	as_field(str_from_bytes((struct bytes){ p, n }));
	if (digest_get_blob(&c, &ha2, (struct bytes){ p, n }) == 0)
		check(c.response.len == 2 * digest_ha1_len(c.alg));
	return 0;
}
