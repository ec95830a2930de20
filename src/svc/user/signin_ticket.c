#include <errno.h>
#include <stdio.h>

#include "svc/user/signin_priv.h"

enum { NAME_MAX_LEN = 24 };

/* Nobody guesses a ticket; who shows wrong ones again and again costs reading.  So they are counted
 * by address as passwords are, apart from them, and by log-in in the place of the user: who was
 * good from there before is never shut out.  An asker without address has checked itself. */
struct shown {
	char name[NAME_MAX_LEN]; /* the log-in's number */
	const struct addr *peer; /* NULL: not counted */
};

static struct shown shown_by(uint64_t number, const struct addr *peer)
{
	struct shown sh = { .peer = peer->sa.sa_family != AF_UNSPEC ? peer : NULL };
	(void)snprintf(sh.name, sizeof(sh.name), "%llu", (unsigned long long)number);
	return sh;
}

static struct shown shown_of(struct str ticket, const struct addr *peer)
{
	return shown_by(tokens_is(ticket) ? tokens_number(ticket) : logins_number(ticket), peer);
}

void signin_ticket_made(struct signin *s, uint64_t number, const struct addr *peer)
{
	struct shown sh = shown_by(number, peer);
	if (sh.peer)
		lockout_success(s->tickets, str_of(sh.name), sh.peer);
}

static bool must_wait(struct signin *s, const struct shown *sh, usec_t now, uint32_t *ret_retry_s)
{
	if (!sh->peer || lockout_before(s->tickets, str_of(sh->name), sh->peer, now, ret_retry_s) !=
	                         LOCKOUT_WAIT)
		return false;
	s->counts.slowed++;
	return true;
}

static void slow(struct acct_msg *ret, uint32_t retry_s)
{
	ret->verdict.verdict = ACCOUNTS_SLOW;
	ret->verdict.retry_s = retry_s;
}

/* Finds the log-in or app token and counts; 0, -ENOENT, -EIO. */
static int find(struct signin *s, const struct shown *sh, struct str ticket, usec_t now,
                struct login *ret)
{
	int r = tokens_is(ticket) ? tokens_find(s->db, ticket, ret)
	                          : logins_find(s->db, ticket, ret);
	s->counts.tickets += r == 0;
	s->counts.no_tickets += r == -ENOENT;
	if (sh->peer && r == 0)
		lockout_success(s->tickets, str_of(sh->name), sh->peer);
	else if (sh->peer && r == -ENOENT)
		(void)lockout_failure(s->tickets, str_of(sh->name), sh->peer, now);
	return r;
}

void signin_touch(struct signin *s, const struct login *l)
{
	if (l->token)
		tokens_touch(s->db, l);
	else
		logins_touch(s->db, l);
}

int signin_ticket_find(struct signin *s, struct str ticket, const struct addr *peer, usec_t now,
                       struct login *ret, struct account *ret_acc, uint32_t *ret_retry_s)
{
	struct shown sh = shown_of(ticket, peer);
	if (must_wait(s, &sh, now, ret_retry_s))
		return -EAGAIN;
	int r = find(s, &sh, ticket, now, ret);
	if (r == 0)
		r = userdb_by_id(s->db, ret->account, ret_acc);
	return r == 0 && ret_acc->disabled ? -ENOENT : r;
}

void signin_ticket(struct signin *s, const struct acct_msg *req, usec_t now, struct acct_msg *ret)
{
	struct login l;
	struct account acc;
	uint32_t retry_s = 0;
	int r = signin_ticket_find(s, str_from_bytes(req->auth.blob), &req->auth.peer, now, &l,
	                           &acc, &retry_s);
	if (r == -EAGAIN) {
		slow(ret, retry_s);
		return;
	}
	if (r < 0) {
		ret->verdict.verdict = signin_failure(r);
		return;
	}
	/* A program has no telephone; whoever gave it its token had to have what is required. */
	bool missing = false;
	r = l.token ? 0 : factor_is_missing(s->db, l.account, &missing);
	if (r < 0) {
		ret->verdict.verdict = signin_failure(r);
		return;
	}
	signin_touch(s, &l);
	ret->verdict.verdict = missing && !l.vouched ? ACCOUNTS_CONTINUE : ACCOUNTS_ACCEPT;
	ret->verdict.account = l.account;
	ret->verdict.credential = l.credential;
	ret->verdict.session = l.number;
	ret->verdict.uri = acc.uri;
}

/* Whatever ended it, ended it is. */
static void on_ended(void *arg, int err, uint64_t number UNUSED)
{
	struct signin_req *r = arg;
	struct acct_msg m = signin_verdict(r->id, err == 0 || err == -ENOENT ? ACCOUNTS_ACCEPT
	                                                                     : signin_failure(err));
	signin_answer(r, &m);
}

struct signin_req *signin_ticket_end(struct signin *s, const struct acct_msg *req, usec_t now,
                                     struct acct_msg *ret, signin_fn *fn, void *arg)
{
	struct str ticket = str_from_bytes(req->auth.blob);
	struct shown sh = shown_of(ticket, &req->auth.peer);
	struct login l;
	uint32_t retry_s = 0;
	if (must_wait(s, &sh, now, &retry_s)) {
		slow(ret, retry_s);
		return NULL;
	}
	int err = find(s, &sh, ticket, now, &l);
	if (err < 0 || l.token) {
		ret->verdict.verdict = err == 0         ? ACCOUNTS_REFUSE
		                       : err == -ENOENT ? ACCOUNTS_ACCEPT
		                                        : ACCOUNTS_FAILED;
		return NULL;
	}
	struct signin_req *r = signin_req_new(s, req, ret, fn, arg);
	if (!r)
		return NULL;
	r->state = SIGNIN_WRITES;
	logins_end(s->db, l.account, l.number, on_ended, r);
	return r;
}
