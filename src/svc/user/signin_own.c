#include <errno.h>
#include <stdlib.h>

#include "svc/user/signin_priv.h"

/* What users ask and change of their own accounts, by the ticket of a log-in. */

/* Who asks, and how the answer goes out. */
struct own {
	struct signin *s;
	const struct acct_msg *req;
	const struct login *login;
	struct account acc;
	signin_fn *row;
	void *row_arg;
	struct acct_msg *ret; /* what is said at once */
	signin_fn *fn;
	void *arg;
};

/* --- answers --------------------------------------------------------------------------- */

static struct acct_msg answer(uint32_t id, enum acct_own_status status)
{
	struct acct_msg m = { .type = ACCT_OWNED, .id = id };
	m.owned.status = status;
	m.owned.retry_s = status == ACCT_OWN_SLOW ? SIGNIN_BUSY_S : 0;
	return m;
}

static enum acct_own_status status_of(int err)
{
	switch (err) {
	case 0:
		return ACCT_OWN_DONE;
	case -ENOENT:
		return ACCT_OWN_NONE;
	case -EAGAIN:
		return ACCT_OWN_SLOW;
	default:
		return ACCT_OWN_FAILED;
	}
}

static void on_changed(void *arg, int err, uint64_t id UNUSED)
{
	struct signin_req *r = arg;
	struct acct_msg m = answer(r->id, status_of(err));
	signin_answer(r, &m);
}

/* A change that is being written; NULL with *ret SLOW if there are too many. */
static struct signin_req *change(struct own *o)
{
	struct signin_req *r = signin_req_new(o->s, o->req, o->ret, o->fn, o->arg);
	if (r)
		r->state = SIGNIN_WRITES;
	else
		*o->ret = answer(o->req->id, ACCT_OWN_SLOW);
	return r;
}

/* --- log-ins --------------------------------------------------------------------------- */

static void put_login(void *arg, const struct login *l)
{
	struct own *o = arg;
	struct acct_msg m = { .type = ACCT_OWN_ROW, .id = o->req->id };
	m.own_row = (struct acct_own_row){ .number = l->number,
		                           .made_at = l->made_at,
		                           .used_at = l->used_at,
		                           .name = l->agent,
		                           .from = l->peer };
	o->row(o->row_arg, &m);
}

static struct signin_req *list_logins(struct own *o)
{
	int r = logins_list(o->s->db, o->acc.id, put_login, o);
	*o->ret = answer(o->req->id, status_of(MIN(r, 0)));
	o->ret->owned.number = o->login->number;
	return NULL;
}

/* What is asked for is so already if there are no others. */
static struct signin_req *end_others(struct own *o)
{
	struct signin_req *r = change(o);
	if (!r)
		return NULL;
	int n = logins_end_others(o->s->db, o->acc.id, o->login->number, on_changed, r);
	if (n > 0)
		return r;
	*o->ret = answer(o->req->id, status_of(n));
	r->state = SIGNIN_WAITS; /* nobody comes back to it */
	signin_req_free(&r);
	return NULL;
}

static struct signin_req *end_login(struct own *o)
{
	if (o->req->own.number == 0)
		return end_others(o);
	struct signin_req *r = change(o);
	if (r)
		logins_end(o->s->db, o->acc.id, o->req->own.number, on_changed, r);
	return r;
}

/* --- the table ------------------------------------------------------------------------- */

/* clang-format off */
static const struct {
	struct signin_req *(*fn)(struct own *o);
} ops[] = {
	[ACCT_OWN_LOGINS]    = { list_logins },
	[ACCT_OWN_LOGIN_END] = { end_login },
};
/* clang-format on */

/* A burst, then a steady pace.  Two accounts that share a cell begin anew in turn. */
static bool is_too_fast(struct signin *s, uint64_t account, usec_t now)
{
	const usec_t every = SIGNIN_OWN_EVERY_MS * (USEC_PER_SEC / 1000);
	struct signin_pace *p = &s->pace[account % SIGNIN_PACES];
	if (p->account != account)
		*p = (struct signin_pace){ .account = account };
	usec_t full = MAX(p->full, now) + every;
	if (full > now + SIGNIN_OWN_BURST * every)
		return true;
	p->full = full;
	return false;
}

static enum acct_own_status why_not(int err)
{
	return err == -ENOENT ? ACCT_OWN_SIGNED_OUT : status_of(err);
}

struct signin_req *signin_own(struct signin *s, const struct acct_msg *req, usec_t now,
                              signin_fn *row, void *row_arg, struct acct_msg *ret, signin_fn *fn,
                              void *arg)
{
	struct login login;
	struct own o = { .s = s,
		         .req = req,
		         .login = &login,
		         .row = row,
		         .row_arg = row_arg,
		         .ret = ret,
		         .fn = fn,
		         .arg = arg };
	uint32_t retry_s = SIGNIN_BUSY_S;
	int err = signin_ticket_find(s, req->own.ticket, &req->own.peer, now, &login, &o.acc,
	                             &retry_s);
	if (err == 0 && is_too_fast(s, login.account, now))
		err = -EAGAIN;
	if (err < 0) {
		*ret = answer(req->id, why_not(err));
		ret->owned.retry_s = err == -EAGAIN ? retry_s : 0;
		return NULL;
	}
	logins_touch(s->db, &login);
	return ops[req->own.op].fn(&o);
}
