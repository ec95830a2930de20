#include "stack/media/srtp_keys.h"

#include <stdlib.h>

#include "hex.h"
#include "tap.h"

/* RFC 3711 appendix B.3. */
static const char master_digits[] = "E1F97A0D3E018BE0D64FA32C06DE4139 0EC675AD498AFEEBB6960B3AABE6";

static void session_keys_are_those_of_appendix_b3(void)
{
	uint8_t master[30], out[94];
	(void)hex_read(master, master_digits);
	EVP_CIPHER_CTX *c = srtp_cipher_new(master);
	srtp_keys_derive(c, master + 16, SRTP_LABEL_CIPHER, out, 16);
	OK(hex_same(out, "C61E7A93744F39EE10734AFE3FF7A087"));
	srtp_keys_derive(c, master + 16, SRTP_LABEL_SALT, out, 14);
	OK(hex_same(out, "30CBBC08863D8C85D49DB34A9AE1"));
	srtp_keys_derive(c, master + 16, SRTP_LABEL_AUTH, out, 94);
	OK(hex_same(out, "CEBE321F6FF7716B6FD4AB49AF256A15 6D38BAA48F0A0ACF3C34E2359E6CDBCE"
	                 "E049646C43D9327AD175578EF7227098 6371C10C9A369AC2F94A8C5FBCDDDC25"
	                 "6D6E919A48B610EF17C2041E47403576 6B68642C59BBFC2F34DB60DBDFB2"));
	EVP_CIPHER_CTX_free(c);
}

static void keys_hold_what_was_derived(void)
{
	uint8_t master[30], tag[20];
	struct srtp_keys k;
	struct hmac_sha1_ctx want;
	uint8_t auth[20], want_tag[20];
	(void)hex_read(master, master_digits);
	EQ(srtp_keys_init(&k, master, 0), 0);
	OK(hex_same(k.salt, "30CBBC08863D8C85D49DB34A9AE1"));
	(void)hex_read(auth, "CEBE321F6FF7716B6FD4AB49AF256A156D38BAA4");
	hmac_sha1_set_key(&want, sizeof(auth), auth);
	hmac_sha1_update(&want, 6, (const uint8_t *)"packet");
	hmac_sha1_digest(&want, 20, want_tag);
	for (unsigned i = 0; i < 2; i++) {
		srtp_keys_sign(&k, bytes_of(STR("pack")), bytes_of(STR("et")), tag, 20);
		OK(memcmp(tag, want_tag, 20) == 0);
	}
	srtp_keys_done(&k);
}

static void rtcp_has_keys_of_its_own(void)
{
	uint8_t master[30];
	struct srtp_keys rtp, rtcp;
	(void)hex_read(master, master_digits);
	EQ(srtp_keys_init(&rtp, master, 0), 0);
	EQ(srtp_keys_init(&rtcp, master, SRTCP_LABELS), 0);
	OK(memcmp(rtp.salt, rtcp.salt, SRTP_SALT_LEN) != 0);
	srtp_keys_done(&rtp);
	srtp_keys_done(&rtcp);
}

/* RFC 3711 appendix B.2: the counter runs into its second byte, and the last blocks are there. */
static void key_stream_is_that_of_appendix_b2(void)
{
	enum { N = 0xff02 * 16 };
	uint8_t key[16], *p = xcalloc(N, 1);
	struct srtp_keys k = { .cipher = NULL };
	(void)hex_read(key, "2B7E151628AED2A6ABF7158809CF4F3C");
	(void)hex_read(k.salt, "F0F1F2F3F4F5F6F7F8F9FAFBFCFD");
	k.cipher = srtp_cipher_new(key);
	srtp_keys_crypt(&k, 0, 0, p, N);
	OK(hex_same(p, "E03EAD0935C95E80E166B16DD92B4EB4 D23513162B02D0F72A43A2FE4A5F97AB"
	               "41E95B3BB0A2E8DD477901E4FCA894C0"));
	OK(hex_same(p + 0xfeff * 16, "EC8CDF7398607CB0F2D21675EA9EA1E4"
	                             "362B7C3C6773516318A077D7FC5073AE"
	                             "6A2CC3787889374FBEB4C81B17BA6C44"));
	srtp_keys_done(&k);
	free(p);
}

int main(void)
{
	RUN(session_keys_are_those_of_appendix_b3);
	RUN(keys_hold_what_was_derived);
	RUN(rtcp_has_keys_of_its_own);
	RUN(key_stream_is_that_of_appendix_b2);
	return tap_done();
}
