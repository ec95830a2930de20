/* Credentials for the relays (design section 3): whoever has the pool's secret issues and checks
 * them, and nobody keeps any.
 *
 * The user name says all that a relay must know (who, until when, how much), with a MAC; the
 * password is made of it.  The key is that of a day: HKDF (RFC 5869) of the pool's secret and the
 * day's number, so that what was issued on any day of the longest life can be checked, and nothing
 * has to be distributed when the day changes.
 *
 * Both are bytes here, without a quotation mark or a zero at either end: libnice takes those off.
 * In base64 they are the texts that clients get: RFC 8656 hashes these texts, [MS-TURN] the bytes.
 */
#pragma once

#include "base/buf.h"

enum {
	RELAY_USER_MAX = 255, /* bytes of a user's address */
	RELAY_NAME_MAX = 1 + 4 + 8 + 4 + 4 + 1 + RELAY_USER_MAX + 16 + 1,
	RELAY_PASSWORD_LEN = 20,
	RELAY_LIFE_MAX_S = 30 * 86400, /* no grant lives longer */
	RELAY_SKEW_S = 300,            /* by which the clocks of two hosts may differ */
};
/* As user_kbps: of a server, which serves many users, so that what holds for one does not hold for
 * it. */
#define RELAY_OF_SERVER UINT32_MAX

struct relay_keys; /* opaque; one thread at a time */

struct relay_grant {
	struct str user;    /* "alice@example.test", or of a role; at most RELAY_USER_MAX bytes */
	uint64_t expires_s; /* since 1970 */
	uint32_t port_kbps, user_kbps; /* limits, kilobits a second; 0: the relay's own */
};

struct relay_keys *relay_keys_new(const uint8_t pool_key[32]);
/* Wipes them. */
void relay_keys_free(struct relay_keys **kp);

/* Appends the name of a grant that begins at now_s, and writes its password.  -EINVAL: the user is
 * empty or too long, or it would live longer than RELAY_LIFE_MAX_S. */
int relay_grant_put(struct relay_keys *k, uint64_t now_s, const struct relay_grant *g,
                    struct buf *name, uint8_t ret_password[RELAY_PASSWORD_LEN]) MUST_CHECK;
/* Reads a name; texts borrow from it.  -EBADMSG: not of this pool, or changed; -ESTALE: expired, or
 * of a day whose grants are all over. */
int relay_grant_get(struct relay_grant *ret, struct relay_keys *k, uint64_t now_s,
                    struct bytes name, uint8_t ret_password[RELAY_PASSWORD_LEN]) MUST_CHECK;
/* Whose a name says that it is, which nothing proves: for the log.  Borrows; empty: it is no name
 * of ours. */
struct str relay_grant_user(struct bytes name);
