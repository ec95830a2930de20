#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "svc/user/pushes.h"
#include "svc/user/signin_priv.h"

/* What users ask and change of their own accounts, by the ticket of a log-in. */

/* What programs for telephones show above the code. */
#define ISSUER "Dialtone"

/* Who asks, and how the answer goes out. */
struct own {
	struct signin *s;
	const struct acct_msg *req;
	const struct login *login;
	struct account acc;
	struct factor factor;
	usec_t now;
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
	case -EEXIST:
		return ACCT_OWN_EXISTS;
	case -EINVAL:
		return ACCT_OWN_BAD;
	case -EMFILE:
		return ACCT_OWN_FULL;
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
	m.owned.account = r->account;
	if (err == 0)
		m.owned.text = buf_view(&r->text);
	signin_answer(r, &m);
}

/* It is on already, whatever becomes of the others. */
static void on_others_ended(void *arg, int err UNUSED, uint64_t id)
{
	on_changed(arg, 0, id);
}

/* Who was signed in without the second factor is not any more. */
static void on_confirmed(void *arg, int err, uint64_t id)
{
	struct signin_req *r = arg;
	if (err < 0 || !r->s ||
	    logins_end_others(r->s->db, r->account, r->login, on_others_ended, r) <= 0)
		on_changed(r, err, id);
}

/* A change that is being written; NULL with *ret SLOW if there are too many. */
static struct signin_req *change(struct own *o)
{
	struct signin_req *r = signin_req_new(o->s, o->req, o->ret, o->fn, o->arg);
	if (!r) {
		*o->ret = answer(o->req->id, ACCT_OWN_SLOW);
		return NULL;
	}
	r->state = SIGNIN_WRITES;
	r->account = o->login->account;
	r->login = o->login->number;
	return r;
}

static struct signin_req *at_once(struct own *o, enum acct_own_status status)
{
	*o->ret = answer(o->req->id, status);
	return NULL;
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
	(void)at_once(o, status_of(MIN(r, 0)));
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

/* --- the second factor ----------------------------------------------------------------- */

static struct signin_req *tell_factor(struct own *o)
{
	(void)at_once(o, ACCT_OWN_DONE);
	o->ret->owned.number = o->factor.recovery;
	o->ret->owned.flags = (o->factor.state == FACTOR_ON ? ACCT_OWN_ON : 0U) |
	                      (o->factor.required ? ACCT_OWN_REQUIRED : 0U);
	return NULL;
}

/* The secret is in no answer but this one. */
static struct signin_req *begin_factor(struct own *o)
{
	uint8_t secret[TOTP_SECRET_LEN];
	if (o->factor.state == FACTOR_ON)
		return at_once(o, ACCT_OWN_EXISTS);
	struct signin_req *r = change(o);
	if (!r)
		return NULL;
	factor_begin(o->s->db, r->account, secret, on_changed, r);
	totp_put_secret(&r->text, secret);
	buf_char(&r->text, ' ');
	totp_put_uri(&r->text, secret, STR(ISSUER), o->acc.uri);
	wipe(secret, sizeof(secret));
	return r;
}

static struct signin_req *wrong_code(struct own *o)
{
	struct acct_msg ignored = *o->ret;
	signin_wrong_code(o->s, o->login->account, o->now);
	signin_refuse(o->s, o->acc.uri, &o->req->own.peer, o->now, &ignored);
	return at_once(o, ACCT_OWN_WRONG);
}

static struct signin_req *confirm_factor(struct own *o)
{
	uint32_t retry_s = 0;
	if (o->factor.state != FACTOR_BEGUN)
		return at_once(o, o->factor.state == FACTOR_ON ? ACCT_OWN_EXISTS : ACCT_OWN_NONE);
	if (signin_code_waits(o->s, o->login->account, o->now, &retry_s)) {
		(void)at_once(o, ACCT_OWN_SLOW);
		o->ret->owned.retry_s = retry_s;
		return NULL;
	}
	int64_t step = totp_check(o->factor.secret, o->req->own.text, userdb_now_s(o->s->db),
	                          o->factor.step);
	if (step < 0)
		return wrong_code(o);
	struct signin_req *r = change(o);
	if (r)
		factor_confirm(o->s->db, r->account, step, &r->text, on_confirmed, r);
	return r;
}

static struct signin_req *renew_codes(struct own *o)
{
	struct signin_req *r = change(o);
	if (r)
		factor_renew(o->s->db, r->account, &r->text, on_changed, r);
	return r;
}

static struct signin_req *end_factor(struct own *o)
{
	if (o->factor.required)
		return at_once(o, ACCT_OWN_REFUSED);
	struct signin_req *r = change(o);
	if (r)
		factor_end(o->s->db, r->account, on_changed, r);
	return r;
}

/* --- passwords of phones --------------------------------------------------------------- */

static void put_device(void *arg, const struct userdb_cred *c)
{
	struct own *o = arg;
	struct acct_msg m = { .type = ACCT_OWN_ROW, .id = o->req->id };
	m.own_row = (struct acct_own_row){
		.number = c->id, .made_at = c->created_at, .used_at = c->used_at, .name = c->device
	};
	if (c->device.len > 0)
		o->row(o->row_arg, &m);
}

static struct signin_req *list_devices(struct own *o)
{
	int r = userdb_creds(o->s->db, o->login->account, put_device, o);
	return at_once(o, status_of(MIN(r, 0)));
}

struct device_search {
	struct str name;
	bool found;
	unsigned n;
};

static void look_for(void *arg, const struct userdb_cred *c)
{
	struct device_search *s = arg;
	s->n += c->device.len > 0;
	s->found |= c->device.len > 0 && str_ieq(c->device, s->name);
}

static enum acct_own_status check_device(struct own *o, struct str name)
{
	auto_(buf_free) struct buf why = buf_of(1024);
	struct device_search s = { .name = name };
	if (user_device_check(name, &why) < 0)
		return ACCT_OWN_BAD;
	int r = userdb_creds(o->s->db, o->login->account, look_for, &s);
	if (r < 0)
		return status_of(r);
	return s.found                     ? ACCT_OWN_EXISTS
	       : s.n >= USERDB_DEVICES_MAX ? ACCT_OWN_FULL
	                                   : ACCT_OWN_DONE;
}

static struct signin_req *add_device(struct own *o)
{
	char password[PASSWORD_DEVICE_LEN + 1];
	struct str name = str_trim(o->req->own.text);
	enum acct_own_status why = check_device(o, name);
	struct signin_req *r = why == ACCT_OWN_DONE ? change(o) : at_once(o, why);
	if (!r)
		return NULL;
	password_make(password);
	buf_str(&r->text, str_of(password));
	userdb_add_device(o->s->db, &o->acc, name, str_of(password), on_changed, r);
	wipe(password, sizeof(password));
	return r;
}

static struct signin_req *remove_device(struct own *o)
{
	struct signin_req *r = change(o);
	if (r)
		userdb_remove_device(o->s->db, r->account, o->req->own.number, on_changed, r);
	return r;
}

/* --- app tokens ------------------------------------------------------------------------ */

static void put_token(void *arg, const struct token *t)
{
	struct own *o = arg;
	struct acct_msg m = { .type = ACCT_OWN_ROW, .id = o->req->id };
	m.own_row = (struct acct_own_row){ .number = t->number,
		                           .made_at = t->made_at,
		                           .used_at = t->used_at,
		                           .ends_at = t->ends_at,
		                           .name = t->name };
	o->row(o->row_arg, &m);
}

static struct signin_req *list_tokens(struct own *o)
{
	int r = tokens_list(o->s->db, o->login->account, put_token, o);
	return at_once(o, status_of(MIN(r, 0)));
}

static struct signin_req *add_token(struct own *o)
{
	char text[TOKENS_LEN];
	struct str name = str_trim(o->req->own.text);
	int err = o->req->own.number <= TOKENS_LIFE_MAX_S
	                  ? tokens_check(o->s->db, o->login->account, name)
	                  : -EINVAL;
	struct signin_req *r = err == 0 ? change(o) : at_once(o, status_of(err));
	if (!r)
		return NULL;
	tokens_add(o->s->db, r->account, name, (uint32_t)o->req->own.number, text, on_changed, r);
	buf_put(&r->text, text, sizeof(text));
	wipe(text, sizeof(text));
	return r;
}

static struct signin_req *remove_token(struct own *o)
{
	struct signin_req *r = change(o);
	if (r)
		tokens_remove(o->s->db, r->account, o->req->own.number, on_changed, r);
	return r;
}

/* --- push ------------------------------------------------------------------------------ */

static struct signin_req *tell_push(struct own *o)
{
	bool on = false;
	int r = pushes_of_login(o->s->db, o->login->number, &on);
	(void)at_once(o, status_of(r));
	o->ret->owned.flags = on ? ACCT_OWN_ON : 0U;
	return NULL;
}

static struct signin_req *add_push(struct own *o)
{
	struct push_sub sub;
	if (push_sub_read(&sub, o->req->own.text) < 0)
		return at_once(o, ACCT_OWN_BAD);
	struct signin_req *r = change(o);
	if (r)
		pushes_add(o->s->db, o->acc.id, o->login->number, &sub, on_changed, r);
	return r;
}

static struct signin_req *end_push(struct own *o)
{
	struct signin_req *r = change(o);
	if (r)
		pushes_end(o->s->db, o->acc.id, o->login->number, on_changed, r);
	return r;
}

/* --- the photo ------------------------------------------------------------------------- */

static_assert((int)ACCT_PHOTO_MAX == (int)USER_PHOTO_MAX, "what is let through fits");

/* Its name is a new one. */
static void on_photo(void *arg, int err, uint64_t id)
{
	struct signin_req *r = arg;
	struct account acc;
	if (err == 0 && r->s && userdb_by_id(r->s->db, r->account, &acc) == 0)
		buf_str(&r->text, acc.photo);
	on_changed(r, err, id);
}

static struct signin_req *change_photo(struct own *o, struct bytes photo)
{
	struct userdb_set set = USERDB_SET_NOTHING;
	struct signin_req *r = change(o);
	set.has_photo = true;
	set.photo = photo;
	if (r)
		userdb_set(o->s->db, r->account, &set, on_photo, r);
	return r;
}

static struct signin_req *set_photo(struct own *o)
{
	auto_(buf_free) struct buf why = buf_of(1024);
	struct bytes photo = bytes_of(o->req->own.text);
	return user_photo_check(photo, &why) < 0 ? at_once(o, ACCT_OWN_BAD)
	                                         : change_photo(o, photo);
}

static struct signin_req *end_photo(struct own *o)
{
	return change_photo(o, (struct bytes){ .len = 0 });
}

/* --- the password ---------------------------------------------------------------------- */

/* What ended the log-in meanwhile, perhaps another new password, has ended it. */
static void on_password(void *arg, int err, uint64_t id)
{
	struct signin_req *r = arg;
	struct acct_msg m = answer(r->id, ACCT_OWN_SIGNED_OUT);
	if (err == -ENOENT)
		signin_answer(r, &m);
	else
		on_changed(r, err, id);
}

static struct signin_req *set_password(struct own *o)
{
	struct str local, domain, password = o->req->own.text;
	const char *weak;
	(void)str_cut(o->acc.uri, '@', &local, &domain);
	if (password_check(password, local, &weak) < 0)
		return at_once(o, ACCT_OWN_BAD);
	struct signin_req *r = change(o);
	if (r)
		userdb_set_own_password(o->s->db, &o->acc, r->login, password, on_password, r);
	return r;
}

/* --- the table ------------------------------------------------------------------------- */

/* limited: also by a log-in that is good for setting up the second factor alone.  proof: the
 * password was typed lately. */
/* clang-format off */
static const struct {
	struct signin_req *(*fn)(struct own *o);
	bool limited, proof;
} ops[] = {
	[ACCT_OWN_LOGINS]         = { list_logins,    true,  false },
	[ACCT_OWN_LOGIN_END]      = { end_login,      true,  false },
	[ACCT_OWN_FACTOR]         = { tell_factor,    true,  false },
	[ACCT_OWN_FACTOR_BEGIN]   = { begin_factor,   true,  true },
	[ACCT_OWN_FACTOR_CONFIRM] = { confirm_factor, true,  true },
	[ACCT_OWN_FACTOR_CODES]   = { renew_codes,    false, true },
	[ACCT_OWN_FACTOR_END]     = { end_factor,     false, true },
	[ACCT_OWN_DEVICES]        = { list_devices,   false, false },
	[ACCT_OWN_DEVICE_ADD]     = { add_device,     false, true },
	[ACCT_OWN_DEVICE_REMOVE]  = { remove_device,  false, false },
	[ACCT_OWN_TOKENS]         = { list_tokens,    false, false },
	[ACCT_OWN_TOKEN_ADD]      = { add_token,      false, true },
	[ACCT_OWN_TOKEN_REMOVE]   = { remove_token,   false, false },
	[ACCT_OWN_PUSH]           = { tell_push,      false, false },
	[ACCT_OWN_PUSH_ADD]       = { add_push,       false, false },
	[ACCT_OWN_PUSH_END]       = { end_push,       false, false },
	[ACCT_OWN_PHOTO_SET]      = { set_photo,      false, false },
	[ACCT_OWN_PHOTO_END]      = { end_photo,      false, false },
	[ACCT_OWN_PASSWORD]       = { set_password,   false, true },
};
/* clang-format on */

/* A burst, then a steady pace.  Two accounts that share a cell begin anew in turn. */
bool signin_is_too_fast(struct signin *s, uint64_t account, usec_t now)
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

bool signin_is_proved(const struct signin *s, const struct login *l)
{
	int64_t now = userdb_now_s(s->db);
	return l->proved_at <= now && now < l->proved_at + LOGINS_PROVED_S;
}

static struct signin_req *serve(struct own *o)
{
	enum acct_own_op op = o->req->own.op;
	/* What a program may do is no matter of the program. */
	if (o->login->token)
		return at_once(o, ACCT_OWN_REFUSED);
	int err = factor_read(o->s->db, o->login->account, &o->factor);
	if (err < 0)
		return at_once(o, why_not(err));
	if (!ops[op].limited && o->factor.required && o->factor.state != FACTOR_ON &&
	    !o->login->vouched)
		return at_once(o, ACCT_OWN_REFUSED);
	if (ops[op].proof && !signin_is_proved(o->s, o->login))
		return at_once(o, ACCT_OWN_UNPROVED);
	return ops[op].fn(o);
}

struct signin_req *signin_own(struct signin *s, const struct acct_msg *req, usec_t now,
                              signin_fn *row, void *row_arg, struct acct_msg *ret, signin_fn *fn,
                              void *arg)
{
	struct login login;
	struct own o = { .s = s,
		         .req = req,
		         .login = &login,
		         .now = now,
		         .row = row,
		         .row_arg = row_arg,
		         .ret = ret,
		         .fn = fn,
		         .arg = arg };
	uint32_t retry_s = SIGNIN_BUSY_S;
	int err = signin_ticket_find(s, req->own.ticket, &req->own.peer, now, &login, &o.acc,
	                             &retry_s);
	if (err == 0 && signin_is_too_fast(s, login.account, now))
		err = -EAGAIN;
	if (err < 0) {
		*ret = answer(req->id, why_not(err));
		ret->owned.retry_s = err == -EAGAIN ? retry_s : 0;
		return NULL;
	}
	signin_touch(s, &login);
	struct signin_req *r = serve(&o);
	wipe(&o.factor, sizeof(o.factor));
	return r;
}
