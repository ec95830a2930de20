/* The client's side of Digest (RFC 2617 and 8760): MD5, with or without qop=auth. */
#pragma once

#include "text.h"

/* What a server asked for, and how often its nonce was used. */
struct digest_cred {
	char *realm, *nonce, *opaque;
	bool qop_auth, stale;
	uint32_t nc;
	char ha1[33]; /* of the user and password it was made for */
};

struct digest; /* opaque: the hash, kept ready */

struct digest *digest_new(void);
void digest_free(struct digest **dp);

/* Reads the value of WWW-Authenticate or Proxy-Authenticate into *c, which it frees first.
 * 0; -ENOTSUP: not Digest with MD5; -EBADMSG. */
int digest_challenge(struct digest_cred *c, struct str value);
void digest_cred_free(struct digest_cred *c);
/* Keeps the hash of user, realm and password in *c. */
void digest_set_user(struct digest *d, struct digest_cred *c, struct str user, struct str password);
/* Writes the value of Authorization or Proxy-Authorization; counts the use of the nonce. */
void digest_write(struct digest *d, struct out *o, struct digest_cred *c, struct str user,
                  struct str method, struct str uri);
