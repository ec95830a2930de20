#include "svc/user/signin.h"

#include <errno.h>
#include <stdlib.h>

#include "base/rand.h"
#include "svc/user/signin_priv.h"

/* A credential's last use is written at most this often. */
enum { TOUCH_EVERY_S = 3600 };

struct signin {
	struct userdb *db;
	struct lockout *lockout;
	struct buf decoy; /* sealed secrets that nobody knows, of account 0 */
	struct buf uri;   /* of the last try */
	uint8_t key[SIGNIN_KEY_MAX];
	struct signin_counts counts;
};

struct signin *signin_new(struct userdb *db)
{
	struct signin *s = xnew(struct signin);
	struct secrets random;
	rand_bytes(&random, sizeof(random));
	random.has_nt = false;
	random.slow_hash[0] = 0;
	s->db = db;
	s->lockout = lockout_new();
	s->decoy = buf_of(SECRETS_MAX + SEAL_OVERHEAD);
	s->uri = buf_of(2 * USER_TEXT_MAX);
	userdb_seal(db, &s->decoy, 0, 0, &random);
	secrets_wipe(&random);
	return s;
}

void signin_free(struct signin **sp)
{
	struct signin *s = take(sp);
	if (!s)
		return;
	lockout_free(&s->lockout);
	buf_free(&s->decoy);
	buf_free(&s->uri);
	wipe(s->key, sizeof(s->key));
	free(s);
}

/* --- one user's credentials ---------------------------------------------------------- */

static void check_cred(void *arg, const struct userdb_cred *c)
{
	struct trial *t = arg;
	struct secrets secrets;
	if (t->proved)
		return;
	t->n++;
	t->s->counts.checks++;
	if (userdb_unseal(t->s->db, &secrets, c->id ? t->account : 0, c) < 0)
		return;
	if (t->scheme->proves(t, &secrets, c->device.len > 0, t->s->key) && t->named && c->id) {
		t->proved = true;
		t->credential = c->id;
		t->used_at = c->used_at;
	}
	secrets_wipe(&secrets);
}

/* However many passwords a user has, and whether there is such a user: a failure takes the same
 * number of checks. */
static int check_all(struct trial *t)
{
	struct userdb_cred decoy = { .sealed = bytes_of(buf_view(&t->s->decoy)) };
	int r = userdb_creds(t->s->db, t->account, check_cred, t);
	while (!t->proved && t->n < USERDB_CREDS_MAX)
		check_cred(t, &decoy);
	return r;
}

/* --- a try --------------------------------------------------------------------------- */

/* "alice", "Alice@example.test", "alice@192.0.2.1" (a phone that knows the server by its address),
 * "EXAMPLE\\alice": the name under which the try is counted. */
static struct str canonical(struct signin *s, struct str user)
{
	struct str local, host, domain;
	auto_(buf_free) struct buf name = buf_of(2 * USER_TEXT_MAX);
	s->uri.len = 0;
	if (str_cut(user, '\\', &domain, &local)) {
		buf_str(&name, local);
		buf_char(&name, '@');
		buf_str(&name, userdb_domain(s->db, domain));
		if (userdb_uri(s->db, &s->uri, buf_view(&name), NULL) == 0)
			return buf_view(&s->uri);
		return user;
	}
	if (userdb_uri(s->db, &s->uri, user, NULL) == 0)
		return buf_view(&s->uri);
	(void)str_cut(user, '@', &local, &host);
	s->uri.len = 0;
	if (userdb_uri(s->db, &s->uri, local, NULL) == 0)
		return buf_view(&s->uri);
	return user;
}

static void refuse(struct signin *s, struct str user, const struct addr *peer, usec_t now,
                   struct acct_msg *ret)
{
	uint32_t wait = lockout_failure(s->lockout, user, peer, now);
	ret->verdict.verdict = wait ? ACCOUNTS_SLOW : ACCOUNTS_REFUSE;
	ret->verdict.retry_s = wait;
	s->counts.refused++;
	s->counts.slowed += wait > 0;
}

static void accept_try(struct signin *s, const struct trial *t, const struct account *acc,
                       const struct acct_msg *req, struct acct_msg *ret)
{
	/* The account's policy: again, by SHA-256.  Only who knows the password learns of it. */
	if (acc->sha256_only && req->auth.mech == ACCOUNTS_DIGEST_MD5) {
		ret->verdict.verdict = ACCOUNTS_CONTINUE;
		return;
	}
	lockout_success(s->lockout, acc->uri, &req->auth.peer);
	if (t->used_at + TOUCH_EVERY_S <= userdb_now_s(s->db))
		userdb_touch(s->db, t->credential);
	ret->verdict.verdict = ACCOUNTS_ACCEPT;
	ret->verdict.account = acc->id;
	ret->verdict.credential = t->credential;
	ret->verdict.uri = acc->uri;
	ret->verdict.key = (struct bytes){ s->key, t->key_len };
	s->counts.accepted++;
}

static void decide(struct signin *s, struct trial *t, struct str user, const struct acct_msg *req,
                   usec_t now, struct acct_msg *ret)
{
	struct account acc = { 0 };
	int found = userdb_lookup(s->db, user, &acc);
	if (found == 0 && str_eq(acc.uri, user)) {
		t->account = acc.id;
		t->named = t->scheme->names(t, acc.uri);
	}
	int r = check_all(t);
	if (r < 0 || (found < 0 && found != -ENOENT))
		ret->verdict.verdict = ACCOUNTS_FAILED;
	else if (t->proved && !acc.disabled)
		accept_try(s, t, &acc, req, ret);
	else
		refuse(s, user, &req->auth.peer, now, ret);
}

static const struct signin_scheme *scheme_of(enum accounts_mech mech)
{
	static const struct signin_scheme *const schemes[] = {
		[ACCOUNTS_DIGEST_MD5] = &signin_digest,
		[ACCOUNTS_DIGEST_SHA256] = &signin_digest,
		[ACCOUNTS_NTLM] = &signin_ntlm,
	};
	return mech < ARRAY_SIZE(schemes) ? schemes[mech] : NULL;
}

void signin_step(struct signin *s, const struct acct_msg *req, usec_t now, struct acct_msg *ret)
{
	struct trial t = { .s = s, .scheme = scheme_of(req->auth.mech) };
	struct str user = canonical(s, req->auth.user);
	uint32_t retry_s = 0;
	*ret = (struct acct_msg){ .type = ACCT_VERDICT, .id = req->id };
	ret->verdict.verdict = ACCOUNTS_FAILED;
	if (!t.scheme || t.scheme->read(&t, req) < 0)
		return;
	if (lockout_before(s->lockout, user, &req->auth.peer, now, &retry_s) == LOCKOUT_WAIT) {
		ret->verdict.verdict = ACCOUNTS_SLOW;
		ret->verdict.retry_s = retry_s;
		s->counts.slowed++;
		return;
	}
	decide(s, &t, user, req, now, ret);
}

void signin_known(struct signin *s, const struct acct_msg *m)
{
	struct account acc;
	if (userdb_by_id(s->db, m->known.account, &acc) < 0 || acc.disabled)
		return;
	lockout_success(s->lockout, acc.uri, &m->known.peer);
	s->counts.accepted++;
}

struct signin_counts signin_counts(const struct signin *s, usec_t now)
{
	struct signin_counts c = s->counts;
	c.slow_now = lockout_n_slow(s->lockout, now);
	return c;
}
