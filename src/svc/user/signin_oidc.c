#include <errno.h>
#include <stdlib.h>

#include "svc/user/signin_priv.h"
#include "svc/user/userdb_priv.h"

/* Sign-in by the company's OpenID provider (docs/protocols/oidc.md).  The provider says who it is;
 * the account must be there.  What the browser brings is believed as far as it is sealed, or the
 * provider vouches for it. */

enum { ADDR_ASKS_MAX = 8 /* of one address, that wait for the provider */ };

/* Wrong ones are counted by address, beside wrong passwords; no user is named. */
#define NOBODY STR("")

/* --- answers --------------------------------------------------------------------------- */

static void put_refusal(struct acct_msg *ret, uint32_t id, const char *word)
{
	*ret = signin_verdict(id, ACCOUNTS_REFUSE);
	ret->verdict.blob = bytes_of(str_of(word));
}

static void tell_refusal(struct signin *s, const struct addr *peer, const char *word,
                         struct str why)
{
	s->counts.unvouched++;
	if (s->oidc_refused)
		s->oidc_refused(s->oidc_refused_arg, peer, word, why);
}

/* Of a request that nobody has seen yet: the answer is *ret. */
static struct signin_req *refuse_now(struct signin *s, const struct acct_msg *req,
                                     struct acct_msg *ret, const char *word, struct str why)
{
	put_refusal(ret, req->id, word);
	tell_refusal(s, &req->auth.peer, word, why);
	return NULL;
}

static void refuse(struct signin_req *r, const char *word, const char *why)
{
	struct acct_msg m;
	put_refusal(&m, r->id, word);
	if (r->s)
		tell_refusal(r->s, &r->peer, word, str_of(why));
	signin_answer(r, &m);
}

static void count_wrong(struct signin *s, const struct addr *peer)
{
	struct acct_msg ignored = { .type = ACCT_VERDICT };
	signin_refuse(s, NOBODY, peer, loop_now(s->db->loop), &ignored);
}

static bool is_crowded(const struct signin *s, const struct addr *peer)
{
	unsigned n = 0, all = 0;
	list_for(it, &s->reqs)
	{
		const struct signin_req *r = list_entry(it, struct signin_req, node);
		if (r->state != SIGNIN_ASKS)
			continue;
		all++;
		n += lockout_same_addr(&r->peer, peer);
	}
	return all >= PROVIDER_ASKS_MAX || n >= ADDR_ASKS_MAX;
}

/* A request that asks the provider; NULL: *ret is the answer. */
static struct signin_req *ask_new(struct signin *s, const struct acct_msg *req,
                                  struct acct_msg *ret, signin_fn *fn, void *arg)
{
	if (is_crowded(s, &req->auth.peer)) {
		*ret = signin_verdict(req->id, ACCOUNTS_SLOW);
		s->counts.slowed++;
		return NULL;
	}
	struct signin_req *r = signin_req_new(s, req, ret, fn, arg);
	if (!r)
		return NULL;
	r->state = SIGNIN_ASKS;
	r->flow = xnew(struct flow);
	r->agent = str_dup(req->auth.agent);
	return r;
}

/* NULL: too many are under way. */
static struct signin_req *asked(struct signin_req *r, struct acct_msg *ret)
{
	if (!r->ask) {
		*ret = signin_verdict(r->id, ACCOUNTS_SLOW);
		signin_req_free(&r);
	}
	return r;
}

/* --- the way there --------------------------------------------------------------------- */

static void on_met(void *arg, const struct provider_answer *a)
{
	struct signin_req *r = arg;
	r->ask = NULL;
	if (a->err < 0) {
		refuse(r, "failed", a->why);
		return;
	}
	auto_(buf_free) struct buf blob = buf_of(ACCT_BLOB_MAX);
	struct oidc_flow f = flow_view(r->flow, provider_settings(r->s->provider)->client);
	struct acct_msg m = signin_verdict(r->id, ACCOUNTS_CONTINUE);
	flow_put(&blob, r->s->flow_seal, r->flow);
	buf_char(&blob, ' ');
	oidc_put_authorize(&blob, a->meta, &f);
	if (blob.full) {
		refuse(r, "failed", "its authorization_endpoint is too long");
		return;
	}
	m.verdict.blob = bytes_of(buf_view(&blob));
	signin_answer(r, &m);
}

/* Whose log-in shall be proved; 0, or the answer is *ret. */
static int take_login(struct signin *s, const struct acct_msg *req, usec_t now, struct flow *ret,
                      struct acct_msg *ret_answer)
{
	struct login l;
	struct account acc;
	uint32_t retry_s = 0;
	if (req->auth.user.len == 0)
		return 0;
	int r = signin_ticket_find(s, req->auth.user, &req->auth.peer, now, &l, &acc, &retry_s);
	if (r == 0 && l.token)
		r = -ENOENT; /* a program has nobody to ask */
	if (r == 0) {
		ret->account = l.account;
		ret->login = l.number;
	} else if (r == -EAGAIN) {
		*ret_answer = signin_verdict(req->id, ACCOUNTS_SLOW);
		ret_answer->verdict.retry_s = retry_s;
	} else {
		(void)refuse_now(s, req, ret_answer, "unproved", STR("the log-in has ended"));
	}
	return r;
}

struct signin_req *signin_oidc(struct signin *s, const struct acct_msg *req, usec_t now,
                               struct acct_msg *ret, signin_fn *fn, void *arg)
{
	struct str redirect = str_from_bytes(req->auth.blob);
	struct flow flow;
	if (!s->provider)
		return refuse_now(s, req, ret, "failed", STR("oidc-issuer is not set"));
	if (redirect.len == 0 || redirect.len > FLOW_REDIRECT_MAX)
		return refuse_now(s, req, ret, "failed", STR("the host's name is too long"));
	if (signin_must_wait(s, NOBODY, &req->auth.peer, now, ret))
		return NULL;
	flow_make(&flow, redirect, userdb_now_s(s->db));
	if (take_login(s, req, now, &flow, ret) < 0)
		return NULL;
	struct signin_req *r = ask_new(s, req, ret, fn, arg);
	if (!r)
		return NULL;
	*r->flow = flow;
	r->ask = provider_meet(s->provider, on_met, r);
	return asked(r, ret);
}

/* --- the account ----------------------------------------------------------------------- */

static int by_name(struct userdb *db, struct str name, struct account *ret)
{
	auto_(buf_free) struct buf uri = buf_of(2 * USER_TEXT_MAX);
	if (userdb_uri(db, &uri, name, NULL) < 0)
		return -ENOENT;
	int r = userdb_lookup(db, buf_view(&uri), ret);
	return r == 0 && ret->group ? -ENOENT : r;
}

/* The address that people call it by goes before the one that stands in the directory. */
static int find_account(struct signin *s, const struct idtoken *t, struct account *ret,
                        const char **word)
{
	bool by_email = provider_settings(s->provider)->claim == OIDC_EMAIL;
	struct str name = str_of(by_email ? t->email : t->preferred_username);
	*word = "unknown";
	if (by_email && name.len > 0 && !t->email_verified) {
		*word = "unverified";
		return -EACCES;
	}
	if (by_email && str_chr(name, '@') < 0)
		return -ENOENT; /* a user name alone is no e-mail address */
	int r = name.len > 0 ? by_name(s->db, name, ret) : -ENOENT;
	if (r == -ENOENT && by_email)
		r = userdb_by_email(s->db, name, ret);
	if (r == 0 && ret->disabled)
		r = -ENOENT;
	if (r < 0 && r != -ENOENT && r != -EEXIST)
		*word = "failed";
	return r;
}

static void take_credential(void *arg, const struct userdb_cred *c)
{
	struct signin_req *r = arg;
	if (c->device.len == 0)
		r->credential = c->id;
}

/* A log-in is one of the account's password, with which it ends. */
static bool find_credential(struct signin_req *r)
{
	return userdb_creds(r->s->db, r->account, take_credential, r) >= 0 && r->credential != 0;
}

/* --- the way back ---------------------------------------------------------------------- */

/* The same account, whose user showed the provider after the begin who is there. */
static bool proves(const struct flow *f, const struct idtoken *t, uint64_t account)
{
	return account == f->account && t->auth_time + IDTOKEN_LEEWAY_S >= f->made_at;
}

static void vouch(struct signin_req *r, const struct idtoken *t)
{
	struct account acc;
	const char *word;
	int err = find_account(r->s, t, &acc, &word);
	if (err < 0) {
		auto_(buf_free) struct buf why = buf_of(2 * USER_TEXT_MAX + 64);
		buf_printf(&why, "%s sub=%s", t->email[0] ? t->email : t->preferred_username,
		           t->sub);
		buf_char(&why, '\0');
		refuse(r, word, why.full ? "" : why.p);
		return;
	}
	r->account = acc.id;
	if (r->flow->login != 0 && !proves(r->flow, t, acc.id)) {
		refuse(r, "unproved", "the user did not sign in anew, or as somebody else");
		return;
	}
	if (!find_credential(r)) {
		refuse(r, "failed", "the account's row cannot be read");
		return;
	}
	r->proves = r->flow->login;
	r->vouched = true;
	r->vouched_at = MIN(t->auth_time, userdb_now_s(r->s->db));
	r->s->counts.vouched++;
	lockout_success(r->s->lockout, NOBODY, &r->peer);
	signin_make_login(r);
}

static void on_redeemed(void *arg, const struct provider_answer *a)
{
	struct signin_req *r = arg;
	r->ask = NULL;
	if (a->err == -EACCES)
		count_wrong(r->s, &r->peer);
	if (a->err < 0)
		refuse(r, a->err == -EACCES ? "expired" : "failed", a->why);
	else
		vouch(r, a->token);
}

/* What is wrong with what the browser brings; NULL: nothing. */
static const char *check_back(struct signin *s, const struct flow *f, const struct oidc_back *b,
                              const char **word)
{
	*word = "expired";
	if (b->state.len != sizeof(f->state) || !same_secret(b->state.p, f->state, b->state.len))
		return "the state is of another sign-in";
	if (!flows_use(s->flows_used, f))
		return "it was used before";
	*word = "failed";
	if (b->iss.p && !str_eq(b->iss, provider_settings(s->provider)->issuer))
		return "it comes from another issuer"; /* RFC 9207 */
	if (str_eq(b->error, STR("access_denied"))) {
		*word = "denied";
		return "access_denied";
	}
	if (b->error.p)
		return "the provider has sent an error";
	return b->code.len == 0 ? "there is no code" : NULL;
}

static int open_flow(struct signin *s, const struct acct_msg *req, struct flow *ret,
                     struct oidc_back *ret_back)
{
	struct str cookie, query;
	(void)str_cut(str_from_bytes(req->auth.blob), ' ', &cookie, &query);
	int r = flow_get(ret, s->flow_seal, cookie, userdb_now_s(s->db));
	return r == 0 ? oidc_back_parse(ret_back, query) : r;
}

struct signin_req *signin_oidc_back(struct signin *s, const struct acct_msg *req, usec_t now,
                                    struct acct_msg *ret, signin_fn *fn, void *arg)
{
	struct oidc_back back;
	struct flow flow;
	const char *word = "expired";
	if (!s->provider)
		return refuse_now(s, req, ret, "failed", STR("oidc-issuer is not set"));
	if (signin_must_wait(s, NOBODY, &req->auth.peer, now, ret))
		return NULL;
	int err = open_flow(s, req, &flow, &back);
	const char *why = err < 0 ? "no sign-in of this browser is under way"
	                          : check_back(s, &flow, &back, &word);
	if (why) {
		/* Without a cookie nothing is tried: any page can have its visitors come so. */
		bool bare = str_starts(str_from_bytes(req->auth.blob), STR(" "));
		if (err != -ETIME && !bare && strcmp(word, "expired") == 0)
			count_wrong(s, &req->auth.peer);
		return refuse_now(s, req, ret, word,
		                  err == 0 && back.error.p ? back.error : str_of(why));
	}
	struct signin_req *r = ask_new(s, req, ret, fn, arg);
	if (!r)
		return NULL;
	*r->flow = flow;
	struct oidc_flow view = flow_view(r->flow, STR(""));
	r->ask = provider_redeem(s->provider, &view, back.code, on_redeemed, r);
	return asked(r, ret);
}

/* --- setting ---------------------------------------------------------------------------- */

static void end_asks(struct signin *s)
{
	list_for(it, &s->reqs)
	{
		struct signin_req *r = list_entry(it, struct signin_req, node);
		if (r->state != SIGNIN_ASKS)
			continue;
		provider_ask_free(&r->ask);
		refuse(r, "failed", "the settings have been changed");
	}
}

void signin_set_provider(struct signin *s, struct provider *p)
{
	end_asks(s);
	provider_free(&s->provider);
	s->provider = p;
}

void signin_on_oidc_refused(struct signin *s, signin_oidc_fn *fn, void *arg)
{
	s->oidc_refused = fn;
	s->oidc_refused_arg = arg;
}
