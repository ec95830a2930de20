#include "auth/seal.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>

#include <openssl/evp.h>
#include <openssl/sha.h>

#include "base/rand.h"

enum { NONCE_LEN = 12, TAG_LEN = 16 };

struct seal {
	EVP_CIPHER_CTX *enc, *dec; /* the key is set */
	uint32_t key_id;
};

static uint32_t name_key(const uint8_t *key)
{
	uint8_t text[SEAL_KEY_LEN + 8] = "key id: ", h[SHA256_DIGEST_LENGTH];
	memcpy(text + 8, key, SEAL_KEY_LEN);
	(void)SHA256(text, sizeof(text), h);
	wipe(text, sizeof(text));
	return (uint32_t)h[0] << 24 | (uint32_t)h[1] << 16 | (uint32_t)h[2] << 8 | h[3];
}

/* OpenSSL fails here for want of memory alone. */
static void must(bool ok)
{
	if (!ok)
		abort();
}

struct seal *seal_new(const uint8_t key[SEAL_KEY_LEN])
{
	struct seal *s = xnew(struct seal);
	s->enc = EVP_CIPHER_CTX_new();
	s->dec = EVP_CIPHER_CTX_new();
	must(s->enc && s->dec);
	must(EVP_EncryptInit_ex2(s->enc, EVP_aes_256_gcm(), key, NULL, NULL) == 1);
	must(EVP_DecryptInit_ex2(s->dec, EVP_aes_256_gcm(), key, NULL, NULL) == 1);
	s->key_id = name_key(key);
	return s;
}

void seal_free(struct seal **sp)
{
	struct seal *s = take(sp);
	if (!s)
		return;
	EVP_CIPHER_CTX_free(s->enc);
	EVP_CIPHER_CTX_free(s->dec);
	free(s);
}

uint32_t seal_key_id(const struct seal *s)
{
	return s->key_id;
}

void seal_put(struct seal *s, struct buf *b, struct bytes row, struct bytes plain)
{
	int n = 0, end = 0;
	assert(plain.len <= INT_MAX && row.len <= INT_MAX);
	uint8_t *to = (uint8_t *)buf_room(b, plain.len + SEAL_OVERHEAD);
	if (!to)
		return;
	/* Random nonces: far below 2^32 rows will ever be sealed with one key. */
	rand_bytes(to, NONCE_LEN);
	uint8_t *text = to + NONCE_LEN;
	must(EVP_EncryptInit_ex2(s->enc, NULL, NULL, to, NULL) == 1);
	must(EVP_EncryptUpdate(s->enc, NULL, &n, row.p, (int)row.len) == 1);
	must(EVP_EncryptUpdate(s->enc, text, &n, plain.p, (int)plain.len) == 1);
	must(EVP_EncryptFinal_ex(s->enc, text + n, &end) == 1);
	must(EVP_CIPHER_CTX_ctrl(s->enc, EVP_CTRL_GCM_GET_TAG, TAG_LEN, text + plain.len) == 1);
	b->len += plain.len + SEAL_OVERHEAD;
}

int seal_get(struct seal *s, uint8_t *ret, struct bytes row, struct bytes sealed)
{
	int n = 0, end = 0;
	uint8_t tag[TAG_LEN];
	if (sealed.len < SEAL_OVERHEAD || sealed.len > INT_MAX || row.len > INT_MAX)
		return -EBADMSG;
	size_t len = sealed.len - SEAL_OVERHEAD;
	memcpy(tag, sealed.p + NONCE_LEN + len, TAG_LEN);
	bool ok = EVP_DecryptInit_ex2(s->dec, NULL, NULL, sealed.p, NULL) == 1 &&
	          EVP_DecryptUpdate(s->dec, NULL, &n, row.p, (int)row.len) == 1 &&
	          EVP_DecryptUpdate(s->dec, ret, &n, sealed.p + NONCE_LEN, (int)len) == 1 &&
	          EVP_CIPHER_CTX_ctrl(s->dec, EVP_CTRL_GCM_SET_TAG, TAG_LEN, tag) == 1 &&
	          EVP_DecryptFinal_ex(s->dec, ret + n, &end) == 1;
	if (ok)
		return 0;
	wipe(ret, len);
	return -EBADMSG;
}
