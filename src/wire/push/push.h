/* Messages of Web Push (RFC 8030): encrypted for one browser (RFC 8291, with the content coding
 * aes128gcm of RFC 8188), and the word of who sends them (VAPID, RFC 8292).
 *
 * Whatever is random is given: the same input makes the same message.  Only signatures differ. */
#pragma once

#include "base/buf.h"

enum {
	PUSH_SECRET_LEN = 32, /* of a key pair of P-256 */
	PUSH_POINT_LEN = 65,  /* its public half, uncompressed */
	PUSH_AUTH_LEN = 16,
	PUSH_SALT_LEN = 16,
	PUSH_RECORD_LEN = 4096, /* more no push service has to take (RFC 8030 section 7.2) */
	PUSH_HEAD_LEN = PUSH_SALT_LEN + 4 + 1 + PUSH_POINT_LEN,
	PUSH_TEXT_MAX = PUSH_RECORD_LEN - PUSH_HEAD_LEN - 16 - 1,
	PUSH_ID_MAX = 255, /* bytes of the name of a key */
};

/* A key pair of P-256; opaque. */
struct push_key;
/* NULL: the secret is no number of the group, which a random one is once in 2^32. */
struct push_key *push_key_new(const uint8_t secret[PUSH_SECRET_LEN]);
/* That of a secret of any kind: the same for the same. */
struct push_key *push_key_derive(const uint8_t from[32]);
void push_key_free(struct push_key **kp);
const uint8_t *push_key_point(const struct push_key *k); /* PUSH_POINT_LEN bytes */
/* Is that a point of the curve? */
bool push_is_point(const uint8_t point[PUSH_POINT_LEN]);

/* Appends `text` in one record of aes128gcm (RFC 8188 section 2).  id: of the key, at most
 * PUSH_ID_MAX bytes; the whole is at most PUSH_RECORD_LEN, or b->full is set. */
void push_code(struct buf *b, struct bytes key, const uint8_t salt[PUSH_SALT_LEN], struct bytes id,
               struct str text);

/* Whom a message is for: what the browser gave as p256dh and auth. */
struct push_to {
	uint8_t point[PUSH_POINT_LEN], auth[PUSH_AUTH_LEN];
};
/* Appends the message; `own` is a key pair that is used this once.  -EINVAL: the browser's is no
 * point of the curve; -E2BIG: the text is longer than PUSH_TEXT_MAX. */
int push_encrypt(struct buf *b, const struct push_to *to, const struct push_key *own,
                 const uint8_t salt[PUSH_SALT_LEN], struct str text) MUST_CHECK;

/* Appends the value of Authorization (RFC 8292 section 3).  origin: of the push service,
 * "https://push.example.net"; contact: "mailto:..." or "https://..." of who runs this server;
 * neither has a character that JSON escapes.  until_s: since 1970, at most a day from now. */
void push_vapid(struct buf *b, const struct push_key *k, struct str origin, struct str contact,
                uint64_t until_s);
