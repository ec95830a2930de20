#include "svc/user/signin.h"

#include <errno.h>
#include <stdlib.h>

#include "base/rand.h"
#include "svc/user/signin_priv.h"

/* A credential's last use is written at most this often. */
enum { TOUCH_EVERY_S = 3600 };

/* --- decisions under way --------------------------------------------------------------- */

static void free_req(struct signin_req *r)
{
	wipe(r->password, sizeof(r->password));
	wipe(r->hash, sizeof(r->hash));
	wipe(r->nt, sizeof(r->nt));
	wipe(r->ticket, sizeof(r->ticket));
	wipe(r->code, sizeof(r->code));
	wipe(r->text.p, r->text.len);
	buf_free(&r->text);
	provider_ask_free(&r->ask);
	if (r->flow)
		wipe(r->flow, sizeof(*r->flow));
	free(r->flow);
	free(r->user);
	free(r->agent);
	free(r);
}

/* Nothing comes back to it. */
static bool can_go(const struct signin_req *r)
{
	return r->state == SIGNIN_WAITS || r->state == SIGNIN_ASKS;
}

/* Neither the job nor the disk can be called back: they free what they come back to. */
static void leave(struct signin_req *r)
{
	list_del(&r->node);
	r->s->n_reqs--;
	r->s = NULL;
	r->fn = NULL;
	if (can_go(r))
		free_req(r);
}

void signin_req_free(struct signin_req **rp)
{
	struct signin_req *r = take(rp);
	if (!r)
		return;
	r->fn = NULL;
	if (r->s && can_go(r))
		leave(r);
}

struct signin_req *signin_req_new(struct signin *s, const struct acct_msg *req,
                                  struct acct_msg *ret, signin_fn *fn, void *arg)
{
	if (s->n_reqs >= SIGNIN_REQS_MAX) {
		*ret = signin_verdict(req->id, ACCOUNTS_SLOW);
		s->counts.slowed++;
		return NULL;
	}
	struct signin_req *r = xnew(struct signin_req);
	r->s = s;
	r->fn = fn;
	r->arg = arg;
	r->id = req->id;
	r->text = buf_of(ACCT_SAID_MAX);
	r->peer = req->type == ACCT_OWN ? req->own.peer : req->auth.peer;
	list_add(&s->reqs, &r->node);
	s->n_reqs++;
	return r;
}

void signin_answer(struct signin_req *r, struct acct_msg *verdict)
{
	signin_fn *fn = r->fn;
	void *arg = r->arg;
	if (r->s) {
		list_del(&r->node);
		r->s->n_reqs--;
	}
	verdict->id = r->id;
	if (fn)
		fn(arg, verdict);
	free_req(r);
}

/* --- life ------------------------------------------------------------------------------ */

/* With a key of its own, for anybody may have flows made, as many as he likes.  It goes with the
 * process: who is under way then begins anew. */
static struct seal *make_flow_seal(void)
{
	uint8_t key[SEAL_KEY_LEN];
	rand_bytes(key, sizeof(key));
	struct seal *s = seal_new(key);
	wipe(key, sizeof(key));
	return s;
}

struct signin *signin_new(struct userdb *db)
{
	struct signin *s = xnew(struct signin);
	struct secrets random;
	if (totp_init() < 0 || password_decoy(s->decoy_hash) < 0) {
		free(s);
		return NULL;
	}
	rand_bytes(&random, sizeof(random));
	random.has_nt = false;
	random.slow_hash[0] = 0;
	s->db = db;
	s->lockout = lockout_new();
	s->tickets = lockout_new();
	s->codes = lockout_new();
	s->flow_seal = make_flow_seal();
	s->flows_used = flows_used_new();
	list_init(&s->reqs);
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
	while (!list_empty(&s->reqs))
		leave(list_entry(s->reqs.next, struct signin_req, node));
	provider_free(&s->provider);
	seal_free(&s->flow_seal);
	flows_used_free(&s->flows_used);
	lockout_free(&s->lockout);
	lockout_free(&s->tickets);
	lockout_free(&s->codes);
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
struct str signin_canonical(struct signin *s, struct str user)
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

struct acct_msg signin_verdict(uint32_t id, enum accounts_verdict verdict)
{
	struct acct_msg m = { .type = ACCT_VERDICT, .id = id };
	m.verdict.verdict = verdict;
	m.verdict.retry_s = verdict == ACCOUNTS_SLOW ? SIGNIN_BUSY_S : 0;
	return m;
}

enum accounts_verdict signin_failure(int err)
{
	return err == -EAGAIN ? ACCOUNTS_SLOW : err == -ENOENT ? ACCOUNTS_REFUSE : ACCOUNTS_FAILED;
}

bool signin_must_wait(struct signin *s, struct str user, const struct addr *peer, usec_t now,
                      struct acct_msg *ret)
{
	uint32_t retry_s = 0;
	if (lockout_before(s->lockout, user, peer, now, &retry_s) != LOCKOUT_WAIT)
		return false;
	ret->verdict.verdict = ACCOUNTS_SLOW;
	ret->verdict.retry_s = retry_s;
	s->counts.slowed++;
	return true;
}

void signin_refuse(struct signin *s, struct str user, const struct addr *peer, usec_t now,
                   struct acct_msg *ret)
{
	uint32_t wait = lockout_failure(s->lockout, user, peer, now);
	ret->verdict.verdict = wait ? ACCOUNTS_SLOW : ACCOUNTS_REFUSE;
	ret->verdict.retry_s = wait;
	s->counts.refused++;
	s->counts.slowed += wait > 0;
}

/* Codes are counted apart from passwords, for each account as if they all came from one address:
 * who has the password could otherwise guess from many.  Nobody is known there. */
static struct addr of_account(uint64_t account)
{
	struct addr a = { .in6 = { .sin6_family = AF_INET6 } };
	for (unsigned i = 0; i < 8; i++)
		a.in6.sin6_addr.s6_addr[i] = (uint8_t)(account >> (56 - 8 * i));
	return a;
}

bool signin_code_waits(struct signin *s, uint64_t account, usec_t now, uint32_t *ret_retry_s)
{
	struct addr a = of_account(account);
	return lockout_before(s->codes, STR(""), &a, now, ret_retry_s) == LOCKOUT_WAIT;
}

void signin_wrong_code(struct signin *s, uint64_t account, usec_t now)
{
	struct addr a = of_account(account);
	(void)lockout_failure(s->codes, STR(""), &a, now);
}

void signin_proved(struct signin *s, struct str uri, const struct addr *peer, uint64_t credential,
                   int64_t used_at)
{
	lockout_success(s->lockout, uri, peer);
	if (used_at + TOUCH_EVERY_S <= userdb_now_s(s->db))
		userdb_touch(s->db, credential);
	s->counts.accepted++;
}

static void accept_try(struct signin *s, const struct trial *t, const struct account *acc,
                       const struct acct_msg *req, struct acct_msg *ret)
{
	/* The account's policy: again, by SHA-256.  Only who knows the password learns of it. */
	if (acc->sha256_only && req->auth.mech == ACCOUNTS_DIGEST_MD5) {
		ret->verdict.verdict = ACCOUNTS_CONTINUE;
		return;
	}
	signin_proved(s, acc->uri, &req->auth.peer, t->credential, t->used_at);
	ret->verdict.verdict = ACCOUNTS_ACCEPT;
	ret->verdict.account = acc->id;
	ret->verdict.credential = t->credential;
	ret->verdict.uri = acc->uri;
	ret->verdict.key = (struct bytes){ s->key, t->key_len };
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
		signin_refuse(s, user, &req->auth.peer, now, ret);
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

/* What proves a password without telling it. */
static void try_proof(struct signin *s, const struct acct_msg *req, usec_t now,
                      struct acct_msg *ret)
{
	struct trial t = { .s = s, .scheme = scheme_of(req->auth.mech) };
	struct str user = signin_canonical(s, req->auth.user);
	if (!t.scheme || t.scheme->read(&t, req) < 0)
		return;
	if (!signin_must_wait(s, user, &req->auth.peer, now, ret))
		decide(s, &t, user, req, now, ret);
}

struct signin_req *signin_step(struct signin *s, const struct acct_msg *req, usec_t now,
                               struct acct_msg *ret, signin_fn *fn, void *arg)
{
	*ret = signin_verdict(req->id, ACCOUNTS_FAILED);
	switch (req->auth.mech) {
	case ACCOUNTS_LOGIN:
	case ACCOUNTS_PROVE:
		return signin_password(s, req, now, ret, fn, arg);
	case ACCOUNTS_TICKET:
		signin_ticket(s, req, now, ret);
		return NULL;
	case ACCOUNTS_TICKET_END:
		return signin_ticket_end(s, req, now, ret, fn, arg);
	case ACCOUNTS_OIDC:
		return signin_oidc(s, req, now, ret, fn, arg);
	case ACCOUNTS_OIDC_BACK:
		return signin_oidc_back(s, req, now, ret, fn, arg);
	case ACCOUNTS_DIGEST_MD5:
	case ACCOUNTS_DIGEST_SHA256:
	case ACCOUNTS_NTLM:
		try_proof(s, req, now, ret);
		return NULL;
	case ACCOUNTS_FAKE_FOURLEG:
	case ACCOUNTS_N_MECHS:
		break;
	}
	return NULL;
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
	c.slow_now = lockout_n_slow(s->lockout, now) + lockout_n_slow(s->tickets, now) +
	             lockout_n_slow(s->codes, now);
	c.under_way = s->n_reqs;
	return c;
}
