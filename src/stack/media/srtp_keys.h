/* The session keys of SRTP or SRTCP and what they do: derivation from the master key (RFC 3711
 * section 4.3, at rate 0), AES in counter mode (4.1.1), HMAC-SHA1 (4.2.1).
 *
 * Both ciphers are keyed once; a packet allocates nothing.  AES is OpenSSL's, whose time does not
 * depend on the key on any machine.  HMAC is Nettle's, which keeps the states behind both pads by
 * value: OpenSSL 3.0 allocates a copy of them for each packet, and takes longer. */
#pragma once

#include <nettle/hmac.h>
#include <openssl/evp.h>

#include "base/str.h"

enum {
	SRTP_CIPHER_KEY_LEN = 16,
	SRTP_SALT_LEN = 14,
	SRTP_AUTH_KEY_LEN = 20,
};

/* The labels of section 4.3.2: of SRTP; SRTCP_LABELS higher those of SRTCP. */
enum srtp_label { SRTP_LABEL_CIPHER, SRTP_LABEL_AUTH, SRTP_LABEL_SALT, SRTCP_LABELS };

struct srtp_keys {
	EVP_CIPHER_CTX *cipher;
	struct hmac_sha1_ctx auth;
	uint8_t salt[SRTP_SALT_LEN];
};

/* AES-128 in counter mode with that key; NULL if the library refuses. */
EVP_CIPHER_CTX *srtp_cipher_new(const uint8_t key[SRTP_CIPHER_KEY_LEN]) MUST_CHECK;
/* Fills ret with n bytes of the key stream of `label`, from a cipher with the master key. */
void srtp_keys_derive(EVP_CIPHER_CTX *master, const uint8_t salt[SRTP_SALT_LEN], uint8_t label,
                      uint8_t *ret, size_t n);
/* Keys for SRTP (first_label 0) or SRTCP (SRTCP_LABELS): 0, or -EIO if the library refuses. */
int srtp_keys_init(struct srtp_keys *k, const uint8_t *master_key_and_salt,
                   uint8_t first_label) MUST_CHECK;
/* Frees and wipes; also what srtp_keys_init() refused. */
void srtp_keys_done(struct srtp_keys *k);

/* Encrypts or decrypts in place what a packet of that source and index carries. */
void srtp_keys_crypt(struct srtp_keys *k, uint32_t ssrc, uint64_t index, uint8_t *p, size_t n);
/* The first n bytes of the tag of a packet, `more` behind it. */
void srtp_keys_sign(struct srtp_keys *k, struct bytes packet, struct bytes more, uint8_t *ret,
                    size_t n);
