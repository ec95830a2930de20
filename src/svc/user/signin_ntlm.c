#include <errno.h>

#include "svc/user/signin_priv.h"

static int read_blob(struct trial *t, const struct acct_msg *req)
{
	struct bytes blob = req->auth.blob;
	if (blob.len < NTLM_CHALLENGE_LEN)
		return -EBADMSG;
	t->ntlm.challenge = blob.p;
	blob.p += NTLM_CHALLENGE_LEN;
	blob.len -= NTLM_CHALLENGE_LEN;
	return ntlm_get_auth(&t->ntlm.auth, blob) < 0 ? -EBADMSG : 0;
}

/* Windows names know no case.  The domain is hashed as it stands; which one is meant, the front end
 * has said. */
static bool names(struct trial *t, struct str uri)
{
	char space[2 * NTLM_NAME_MAX];
	struct buf user = BUF_ON(space);
	struct str local, host;
	(void)str_cut(uri, '@', &local, &host);
	return ntlm_put_utf8(&user, t->ntlm.auth.user) == 0 && !user.full &&
	       (str_ieq(buf_view(&user), uri) || str_ieq(buf_view(&user), local));
}

/* Device passwords have no NT hash; theirs and the decoys' are hashed against all the same. */
static bool proves(struct trial *t, const struct secrets *secrets, bool device,
                   uint8_t ret_key[SIGNIN_KEY_MAX])
{
	uint8_t key[NTLM_KEY_LEN];
	bool proved = ntlm_proves(key, &t->ntlm.auth, t->ntlm.challenge, secrets->nt);
	if (!proved || !secrets->has_nt || device)
		return false;
	t->key_len = sizeof(key);
	memcpy(ret_key, key, sizeof(key));
	wipe(key, sizeof(key));
	return true;
}

const struct signin_scheme signin_ntlm = { read_blob, names, proves };
