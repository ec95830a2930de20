#include "stack/media/srtp_keys.h"

#include <assert.h>
#include <endian.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>

enum { IV_LEN = 16 };

EVP_CIPHER_CTX *srtp_cipher_new(const uint8_t key[SRTP_CIPHER_KEY_LEN])
{
	EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
	if (c && EVP_EncryptInit_ex2(c, EVP_aes_128_ctr(), key, NULL, NULL) == 1)
		return c;
	EVP_CIPHER_CTX_free(c);
	return NULL;
}

/* With the key set nothing is left that could fail. */
static void add_key_stream(EVP_CIPHER_CTX *c, const uint8_t iv[IV_LEN], uint8_t *p, size_t n)
{
	int done = 0;
	assert(n <= INT_MAX);
	if (n > 0 && (EVP_EncryptInit_ex2(c, NULL, NULL, iv, NULL) != 1 ||
	              EVP_EncryptUpdate(c, p, &done, p, (int)n) != 1))
		abort();
}

/* The counter that goes with the salt: two bytes of block number behind it. */
static void iv_set(uint8_t iv[IV_LEN], const uint8_t salt[SRTP_SALT_LEN])
{
	memcpy(iv, salt, SRTP_SALT_LEN);
	memset(iv + SRTP_SALT_LEN, 0, IV_LEN - SRTP_SALT_LEN);
}

void srtp_keys_derive(EVP_CIPHER_CTX *master, const uint8_t salt[SRTP_SALT_LEN], uint8_t label,
                      uint8_t *ret, size_t n)
{
	uint8_t iv[IV_LEN];
	iv_set(iv, salt);
	iv[SRTP_SALT_LEN - 7] ^= label; /* above 48 bits of index, which rate 0 leaves zero */
	memset(ret, 0, n);
	add_key_stream(master, iv, ret, n);
	wipe(iv, sizeof(iv));
}

int srtp_keys_init(struct srtp_keys *k, const uint8_t *master_key_and_salt, uint8_t first_label)
{
	const uint8_t *salt = master_key_and_salt + SRTP_CIPHER_KEY_LEN;
	uint8_t key[SRTP_CIPHER_KEY_LEN], auth[SRTP_AUTH_KEY_LEN];
	*k = (struct srtp_keys){ .cipher = NULL };
	EVP_CIPHER_CTX *master = srtp_cipher_new(master_key_and_salt);
	if (!master)
		return -EIO;
	srtp_keys_derive(master, salt, first_label + SRTP_LABEL_CIPHER, key, sizeof(key));
	srtp_keys_derive(master, salt, first_label + SRTP_LABEL_AUTH, auth, sizeof(auth));
	srtp_keys_derive(master, salt, first_label + SRTP_LABEL_SALT, k->salt, sizeof(k->salt));
	EVP_CIPHER_CTX_free(master);
	k->cipher = srtp_cipher_new(key);
	hmac_sha1_set_key(&k->auth, sizeof(auth), auth);
	wipe(key, sizeof(key));
	wipe(auth, sizeof(auth));
	return k->cipher ? 0 : -EIO;
}

void srtp_keys_done(struct srtp_keys *k)
{
	EVP_CIPHER_CTX_free(k->cipher);
	wipe(k, sizeof(*k));
}

static void xor_be64(uint8_t *p, uint64_t v)
{
	uint64_t w;
	memcpy(&w, p, sizeof(w));
	w ^= htobe64(v);
	memcpy(p, &w, sizeof(w));
}

/* IV = (k_s * 2^16) XOR (SSRC * 2^64) XOR (i * 2^16), section 4.1.1. */
void srtp_keys_crypt(struct srtp_keys *k, uint32_t ssrc, uint64_t index, uint8_t *p, size_t n)
{
	uint8_t iv[IV_LEN];
	iv_set(iv, k->salt);
	xor_be64(iv, ssrc);
	xor_be64(iv + 8, index << 16);
	add_key_stream(k->cipher, iv, p, n);
}

void srtp_keys_sign(struct srtp_keys *k, struct bytes packet, struct bytes more, uint8_t *ret,
                    size_t n)
{
	hmac_sha1_update(&k->auth, packet.len, packet.p);
	if (more.len > 0)
		hmac_sha1_update(&k->auth, more.len, more.p);
	hmac_sha1_digest(&k->auth, n, ret); /* and back to the state behind the pad */
}
