#include <errno.h>

#include "svc/user/signin_priv.h"

static int read_blob(struct trial *t, const struct acct_msg *req)
{
	enum digest_alg alg = req->auth.mech == ACCOUNTS_DIGEST_MD5 ? DIGEST_MD5 : DIGEST_SHA256;
	if (digest_get_blob(&t->digest.creds, &t->digest.ha2, req->auth.blob) < 0 ||
	    t->digest.creds.alg != alg)
		return -EBADMSG;
	return 0;
}

static bool names(struct trial *t, struct str uri)
{
	return secrets_name_of(&t->digest.name, t->digest.creds.username, uri) == 0;
}

static bool proves(struct trial *t, const struct secrets *secrets, bool device UNUSED,
                   uint8_t ret_key[SIGNIN_KEY_MAX])
{
	enum digest_alg alg = t->digest.creds.alg;
	const uint8_t *ha1 = secrets_ha1(secrets, alg, t->digest.name);
	if (!digest_proves_ha2(&t->digest.creds, t->digest.ha2, ha1))
		return false;
	t->key_len = digest_ha1_len(alg);
	memcpy(ret_key, ha1, t->key_len);
	return true;
}

const struct signin_scheme signin_digest = { read_blob, names, proves };
