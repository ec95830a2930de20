/* What signin.c (users, counting, the verdict) and the schemes share. */
#pragma once

#include "auth/ntlm.h"
#include "svc/user/signin.h"

enum { SIGNIN_KEY_MAX = DIGEST_HA1_MAX };

struct signin_scheme;

/* One try at the credentials of one user. */
struct trial {
	struct signin *s;
	const struct signin_scheme *scheme;
	union {
		struct {
			struct digest_creds creds;
			const char *ha2;
			enum secrets_name name;
		} digest;
		struct {
			struct ntlm_auth auth;
			const uint8_t *challenge;
		} ntlm;
	};
	uint64_t account;
	bool named, proved; /* named: the user name is one of this account's */
	unsigned n;
	uint64_t credential;
	int64_t used_at;
	size_t key_len;
};

struct signin_scheme {
	/* Reads the blob of an ACCT_AUTH into t, which borrows from it; -EBADMSG. */
	int (*read)(struct trial *t, const struct acct_msg *req);
	/* Is the name that was read one of this account's? */
	bool (*names)(struct trial *t, struct str uri);
	/* Hashes against one password, always the same amount.  True if it is proved; then sets
	 * the key that goes to the asker.  device: it is a device's. */
	bool (*proves)(struct trial *t, const struct secrets *secrets, bool device,
	               uint8_t ret_key[SIGNIN_KEY_MAX]);
};

extern const struct signin_scheme signin_digest, signin_ntlm;
