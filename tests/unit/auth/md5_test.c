#include "auth/md5.h"

#include <openssl/evp.h>

#include "base/rand.h"
#include "tap.h"

static bool is(const char *text, const char *want)
{
	uint8_t h[MD5_LEN];
	char hex[2 * MD5_LEN + 1];
	md5(h, text, strlen(text));
	for (size_t i = 0; i < MD5_LEN; i++)
		(void)snprintf(hex + 2 * i, 3, "%02x", h[i]);
	return strcmp(hex, want) == 0;
}

static void suite_of_rfc_1321(void)
{
	OK(is("", "d41d8cd98f00b204e9800998ecf8427e"));
	OK(is("a", "0cc175b9c0f1b6a831c399e269772661"));
	OK(is("abc", "900150983cd24fb0d6963f7d28e17f72"));
	OK(is("message digest", "f96b697d7cb7938d525a2f31aaf161d0"));
	OK(is("abcdefghijklmnopqrstuvwxyz", "c3fcd3d76192e4007dfb496cca67e13b"));
	OK(is("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
	      "d174ab98d277d9f5a5611c2c9f419d9f"));
	OK(is("12345678901234567890123456789012345678901234567890123456789012345678901234567890",
	      "57edf4a22be3c955ac49da2e2107b67a"));
}

static void every_length_agrees_with_openssl(void)
{
	uint8_t in[300], ours[MD5_LEN], theirs[MD5_LEN];
	unsigned bad = 0;
	rand_bytes(in, sizeof(in));
	for (size_t n = 0; n <= sizeof(in); n++) {
		md5(ours, in, n);
		OK(EVP_Digest(in, n, theirs, NULL, EVP_md5(), NULL) == 1);
		bad += memcmp(ours, theirs, MD5_LEN) != 0;
	}
	EQ(bad, 0);
}

int main(void)
{
	RUN(suite_of_rfc_1321);
	RUN(every_length_agrees_with_openssl);
	return tap_done();
}
