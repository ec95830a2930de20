#include <errno.h>
#include <stdlib.h>

#include "svc/user/signin_priv.h"
#include "svc/user/userdb_priv.h"

/* --- reading ------------------------------------------------------------------------- */

/* What no account can have.  Behind a NUL would be what is counted and not what is checked. */
static bool is_impossible(struct str user, struct bytes password)
{
	return password.len == 0 || password.len > PASSWORD_MAX ||
	       memchr(password.p, 0, password.len) || user.len == 0 || memchr(user.p, 0, user.len);
}

static unsigned count_addr(const struct signin *s, const struct addr *peer)
{
	unsigned n = 0;
	list_for(it, &s->reqs) n +=
	        lockout_same_addr(&list_entry(it, struct signin_req, node)->peer, peer);
	return n;
}

static bool is_hashing(const struct signin *s, const struct addr *peer)
{
	list_for(it, &s->reqs)
	{
		const struct signin_req *r = list_entry(it, struct signin_req, node);
		if (r->state == SIGNIN_HASHES && lockout_same_addr(&r->peer, peer))
			return true;
	}
	return false;
}

/* A device's password is none for people. */
static void take_password(void *arg, const struct userdb_cred *c)
{
	struct signin_req *r = arg;
	struct secrets secrets;
	if (c->device.len > 0 || userdb_unseal(r->s->db, &secrets, r->account, c) < 0)
		return;
	if (secrets.slow_hash[0]) {
		memcpy(r->hash, secrets.slow_hash, sizeof(r->hash));
		r->credential = c->id;
		r->used_at = c->used_at;
		r->wants_nt = !secrets.has_nt;
	}
	secrets_wipe(&secrets);
}

/* What the password is to be hashed against: always something.  -EIO. */
static int read_hash(struct signin_req *r)
{
	struct account acc = { 0 };
	struct signin *s = r->s;
	memcpy(r->hash, s->decoy_hash, sizeof(r->hash));
	int found = userdb_lookup(s->db, str_of(r->user), &acc);
	if (found < 0)
		return found == -ENOENT ? 0 : found;
	if (!str_eq(acc.uri, str_of(r->user)))
		return 0;
	r->account = acc.id;
	int n = userdb_creds(s->db, r->account, take_password, r);
	r->wants_nt &= acc.ntlm;
	if (acc.disabled)
		r->credential = 0;
	return n < 0 ? n : 0;
}

/* --- deciding ------------------------------------------------------------------------ */

/* The account's own name now, if it is there still. */
static void accept_login(struct signin_req *r, uint64_t number)
{
	struct acct_msg m = signin_verdict(r->id, r->limited ? ACCOUNTS_CONTINUE : ACCOUNTS_ACCEPT);
	struct account acc = { 0 };
	int err = userdb_by_id(r->s->db, r->account, &acc);
	m.verdict.account = r->account;
	m.verdict.credential = r->credential;
	m.verdict.session = number;
	m.verdict.uri = acc.uri;
	if (!r->proves)
		m.verdict.blob = (struct bytes){ (const uint8_t *)r->ticket, sizeof(r->ticket) };
	if (err < 0)
		m = signin_verdict(r->id, signin_failure(err));
	signin_answer(r, &m);
}

static void on_made(void *arg, int err, uint64_t number)
{
	struct signin_req *r = arg;
	struct acct_msg m = signin_verdict(r->id, err < 0 ? signin_failure(err) : ACCOUNTS_REFUSE);
	if (!r->s || err < 0) {
		signin_answer(r, &m);
		return;
	}
	if (r->fn) {
		signin_ticket_made(r->s, number, &r->peer);
		accept_login(r, number);
		return;
	}
	/* Nobody has its ticket. */
	logins_end(r->s->db, r->account, number, NULL, NULL);
	signin_answer(r, &m);
}

static void on_proved(void *arg, int err, uint64_t number)
{
	struct signin_req *r = arg;
	struct acct_msg m = signin_verdict(r->id, signin_failure(err));
	if (r->s && err == 0)
		accept_login(r, number);
	else
		signin_answer(r, &m);
}

static void refuse(struct signin_req *r)
{
	struct acct_msg m = signin_verdict(r->id, ACCOUNTS_REFUSE);
	signin_refuse(r->s, str_of(r->user), &r->peer, loop_now(r->s->db->loop), &m);
	signin_answer(r, &m);
}

void signin_make_login(struct signin_req *r)
{
	struct userdb *db = r->s->db;
	const struct logins_new n = { .account = r->account,
		                      .credential = r->credential,
		                      .peer = &r->peer,
		                      .agent = str_of(r->agent),
		                      .vouched = r->vouched,
		                      .vouched_at = r->vouched_at };
	struct acct_msg m = signin_verdict(r->id, ACCOUNTS_REFUSE);
	if (!r->fn) {
		signin_answer(r, &m);
		return;
	}
	r->state = SIGNIN_WRITES;
	if (r->proves)
		logins_prove(db, r->account, r->proves, on_proved, r);
	else
		logins_add(db, &n, r->ticket, on_made, r);
}

static void make_login(struct signin_req *r)
{
	struct signin *s = r->s;
	signin_proved(s, str_of(r->user), &r->peer, r->credential, r->used_at);
	if (r->wants_nt)
		userdb_add_nt(s->db, r->account, r->credential, r->nt);
	signin_make_login(r);
}

/* --- the second factor --------------------------------------------------------------- */

static void answer(struct signin_req *r, enum accounts_verdict verdict, uint32_t retry_s)
{
	struct acct_msg m = signin_verdict(r->id, verdict);
	if (retry_s > 0)
		m.verdict.retry_s = retry_s;
	signin_answer(r, &m);
}

static void wrong_code(struct signin_req *r)
{
	signin_wrong_code(r->s, r->account, loop_now(r->s->db->loop));
	refuse(r);
}

/* -ENOENT: it was used before, or there is no such recovery code. */
static void on_code_used(void *arg, int err, uint64_t account UNUSED)
{
	struct signin_req *r = arg;
	if (!r->s)
		answer(r, ACCOUNTS_REFUSE, 0);
	else if (err == -ENOENT)
		wrong_code(r);
	else if (err < 0)
		answer(r, signin_failure(err), 0);
	else
		make_login(r);
}

static void check_code(struct signin_req *r, const struct factor *f)
{
	struct userdb *db = r->s->db;
	struct str code = str_of(r->code);
	uint8_t hash[RECOVERY_HASH_LEN];
	uint32_t retry_s = 0;
	if (signin_code_waits(r->s, r->account, loop_now(db->loop), &retry_s)) {
		answer(r, ACCOUNTS_SLOW, retry_s);
		return;
	}
	int64_t step = totp_check(f->secret, code, userdb_now_s(db), f->step);
	if (step >= 0) {
		r->state = SIGNIN_WRITES;
		factor_use(db, r->account, step, on_code_used, r);
	} else if (recovery_hash(hash, r->account, code) == 0) {
		r->state = SIGNIN_WRITES;
		factor_use_recovery(db, r->account, hash, on_code_used, r);
	} else {
		wrong_code(r);
	}
}

/* The password is right. */
static void ask_factor(struct signin_req *r)
{
	struct factor f;
	int err = factor_read(r->s->db, r->account, &f);
	if (err < 0) {
		answer(r, signin_failure(err), 0);
		return;
	}
	r->limited = f.required && f.state != FACTOR_ON;
	if (f.state != FACTOR_ON)
		make_login(r);
	else if (r->code[0])
		check_code(r, &f);
	else
		answer(r, ACCOUNTS_CONTINUE, 0);
	wipe(&f, sizeof(f));
}

/* --- hashing ------------------------------------------------------------------------- */

/* On a pool thread: sees the request's own memory alone. */
static void check_password(struct job *j)
{
	struct signin_req *r = container_of(j, struct signin_req, job);
	struct str password = str_n(r->password, r->password_len);
	r->right = password_is(password, r->hash);
	r->wants_nt = r->wants_nt && r->right && password_nt_hash(r->nt, password) == 0;
	wipe(r->password, sizeof(r->password));
}

static void start_next(struct signin *s, const struct addr *peer);

static void on_checked(struct job *j)
{
	struct signin_req *r = container_of(j, struct signin_req, job);
	struct signin *s = r->s;
	struct addr peer = r->peer;
	if (!s) {
		signin_answer(r, &(struct acct_msg){ .type = ACCT_VERDICT });
		return;
	}
	if (r->right && r->credential != 0)
		ask_factor(r);
	else
		refuse(r);
	start_next(s, &peer);
}

static int start(struct signin_req *r)
{
	int err = read_hash(r);
	r->job = (struct job){ .work = check_password, .done = on_checked };
	if (err == 0)
		err = loop_job(r->s->db->loop, &r->job);
	if (err < 0)
		return err;
	r->state = SIGNIN_HASHES;
	r->s->counts.checks++;
	return 0;
}

static struct signin_req *first_waiting(const struct signin *s, const struct addr *peer)
{
	list_for(it, &s->reqs)
	{
		struct signin_req *r = list_entry(it, struct signin_req, node);
		if (r->state == SIGNIN_WAITS && lockout_same_addr(&r->peer, peer))
			return r;
	}
	return NULL;
}

/* The one before may have made it slow. */
static void start_next(struct signin *s, const struct addr *peer)
{
	struct signin_req *r;
	int err = -EAGAIN;
	while (err < 0 && (r = first_waiting(s, peer))) {
		struct acct_msg m = signin_verdict(r->id, ACCOUNTS_SLOW);
		usec_t now = loop_now(s->db->loop);
		if (signin_must_wait(s, str_of(r->user), peer, now, &m)) {
			signin_answer(r, &m);
			continue;
		}
		err = start(r);
		m = signin_verdict(r->id, signin_failure(err));
		if (err < 0)
			signin_answer(r, &m);
	}
}

/* --- a try --------------------------------------------------------------------------- */

/* The answer of a request that nobody has seen yet. */
static void drop(struct signin_req **rp, int err, struct acct_msg *ret)
{
	ret->verdict = signin_verdict(ret->id, signin_failure(err)).verdict;
	signin_req_free(rp);
}

struct signin_req *signin_password(struct signin *s, const struct acct_msg *req, usec_t now,
                                   struct acct_msg *ret, signin_fn *fn, void *arg)
{
	struct bytes password = req->auth.blob;
	const struct addr *peer = &req->auth.peer;
	struct str user = signin_canonical(s, req->auth.user);
	bool proves = req->auth.mech == ACCOUNTS_PROVE;
	if ((proves && req->auth.session == 0) || signin_must_wait(s, user, peer, now, ret))
		return NULL;
	if (is_impossible(user, password)) {
		signin_refuse(s, user, peer, now, ret);
		return NULL;
	}
	if (s->n_reqs >= SIGNIN_PASSWORDS_MAX || count_addr(s, peer) >= SIGNIN_ADDR_REQS_MAX) {
		*ret = signin_verdict(req->id, ACCOUNTS_SLOW);
		s->counts.slowed++;
		return NULL;
	}
	struct signin_req *r = signin_req_new(s, req, ret, fn, arg);
	if (!r)
		return NULL;
	r->user = str_dup(user);
	r->agent = str_dup(req->auth.agent);
	r->proves = proves ? req->auth.session : 0;
	if (req->auth.code.len > 0)
		memcpy(r->code, req->auth.code.p, MIN(req->auth.code.len, sizeof(r->code) - 1));
	memcpy(r->password, password.p, password.len);
	r->password_len = password.len;
	int err = is_hashing(s, peer) ? 0 : start(r);
	if (err < 0)
		drop(&r, err, ret);
	return r;
}
