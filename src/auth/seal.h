/* Sealing of secrets at rest: AES-256-GCM, bound to the row they belong to. */
#pragma once

#include "base/buf.h"

enum { SEAL_KEY_LEN = 32, SEAL_OVERHEAD = 12 + 16 /* nonce, tag */ };

struct seal; /* opaque; one thread at a time */

struct seal *seal_new(const uint8_t key[SEAL_KEY_LEN]);
/* Wipes the key. */
void seal_free(struct seal **sp);
/* Names the key without telling it: says which key a row was sealed with. */
uint32_t seal_key_id(const struct seal *s);
/* Appends nonce, cipher text and tag: plain.len + SEAL_OVERHEAD bytes.  `row` is bound to it: what
 * was sealed for one row does not open for another. */
void seal_put(struct seal *s, struct buf *b, struct bytes row, struct bytes plain);
/* ret has room for sealed.len - SEAL_OVERHEAD bytes.  -EBADMSG: another key, another row, or
 * changed. */
int seal_get(struct seal *s, uint8_t *ret, struct bytes row, struct bytes sealed) MUST_CHECK;
