#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/code.h"
#include "role/frontend/fe.h"
#include "stack/sip/locate.h"

/* `dialtone explain FROM TO`: the sender is looked at first, as a sign-in would be; then the same
 * steps as home.c takes, told instead of done. */

struct explain {
	struct frontend *fe;
	struct ctl_call *c;
	struct accounts_req *lookup;
	struct sip_locate *search; /* of a foreign domain */
	struct target target;      /* the sender, then the recipient */
	bool sender;               /* it is the sender's turn */
	unsigned key;
	struct str to;
	char from_text[TARGET_KEY_MAX], to_text[TARGET_KEY_MAX];
	struct buf steps; /* JSON strings, comma separated */
};

static void step(struct explain *x, const char *fmt, ...) PRINTF_LIKE(2, 3);
static void step(struct explain *x, const char *fmt, ...)
{
	char line[512];
	va_list ap;
	va_start(ap, fmt);
	(void)vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	if (x->steps.len)
		buf_char(&x->steps, ',');
	json_put_str(&x->steps, str_of(line));
}

static void finish(struct explain *x, int code, const char *outcome)
{
	auto_(buf_free) struct buf b = buf_of(65536);
	buf_printf(&b, "{\"code\":%d,\"outcome\":", code);
	json_put_str(&b, str_of(outcome));
	buf_printf(&b, ",\"steps\":[%" STR_FMT "]}", STR_ARG(buf_view(&x->steps)));
	x->c->ok(x->c, buf_view(&b));
	buf_free(&x->steps);
	free(x);
}

static void tell_binding(struct explain *x, const struct binding *b)
{
	step(x, "rings %" STR_FMT " (%s%s%s, process %u, %" PRIu32 " s left)",
	     STR_ARG(binding_text(b, BINDING_CONTACT)),
	     fe_is_browser(b)        ? "browser"
	     : b->reach == TOKEN_UDP ? "UDP"
	     : b->sock               ? "TLS"
	                             : "TCP",
	     b->gruu ? ", GRUU" : "", b->lync ? ", Lync client" : "", b->slot + 1,
	     binding_left_s(b, loop_now(x->fe->loop)));
}

/* Which dialect the caller's device speaks nobody knows before it calls. */
static void tell_bridge(struct explain *x)
{
	bool up = false;
	for (uint32_t i = 0; i < x->fe->n_bridges; i++)
		up = up || x->fe->bridges[i];
	step(x, up ? "a call between a Lync client and another device passes the media bridge"
	           : "a call between a Lync client and another device gets 488: no media bridge "
	             "is running ([role media-bridge] in topology.conf)");
}

static void tell_home(struct explain *x, uint64_t account)
{
	struct frontend *fe = x->fe;
	uint32_t slot = fe_owner(fe, account);
	step(x, "at home in front-end process %u of %u", slot + 1, fe->env->n_slots);
	if (slot != fe->env->slot) {
		step(x, "asked process %u: only the home knows the endpoints", fe->env->slot + 1);
		finish(x, 0, "see the answer of the home process");
		return;
	}
	struct home_user *u = registrar_user(fe->registrar, account);
	unsigned n = 0;
	for (const struct binding *b = u ? u->first : NULL; b; b = b->next) {
		if (fe_newest_flow(u, b->endpoint, x->target.secure, NULL) != b ||
		    (x->target.endpoint && b->endpoint != x->target.endpoint))
			continue;
		n++;
		tell_binding(x, b);
	}
	if (n)
		tell_bridge(x);
	if (n)
		finish(x, 200, "reachable: all endpoints above ring at once");
	else if (x->target.endpoint)
		finish(x, 480, "this endpoint of the user is not signed in");
	else if (x->target.secure)
		finish(x, 480,
		       "no endpoint of the user is signed in over TLS, which sips: asks for");
	else
		finish(x, 480, "no endpoint of the user is signed in");
}

static void tell_callee(struct explain *x, const struct account *acc)
{
	step(x, "that is %s %" STR_FMT, acc->group ? "the distribution group" : "user",
	     STR_ARG(acc->uri));
	if (acc->group)
		finish(x, 403,
		       "refused: a group has members (`dialtone group show`), no endpoints");
	else if (acc->disabled)
		finish(x, 404, "refused: the account is disabled (`dialtone user enable`)");
	else
		tell_home(x, acc->id);
}

static void look_up(struct explain *x);
static void route(struct explain *x);

/* Who cannot sign in is told the same whatever the reason: nobody shall find out who has an
 * account. */
static void tell_caller(struct explain *x, const struct account *acc)
{
	if (acc->group) {
		step(x, "%" STR_FMT " is a distribution group", STR_ARG(acc->uri));
		finish(x, 403, "refused: the sender is a group, and a group cannot sign in");
	} else if (acc->disabled) {
		step(x, "%" STR_FMT " is a user whose account is disabled", STR_ARG(acc->uri));
		finish(x, 403,
		       "refused: the sender's account is disabled, so nobody can sign in with it: "
		       "that is answered as a wrong password is (`dialtone user enable`)");
	} else {
		step(x, "the sender is user %" STR_FMT, STR_ARG(acc->uri));
		x->sender = false;
		route(x);
	}
}

static void tell_nobody(struct explain *x)
{
	if (x->sender)
		finish(x, 403,
		       "refused: the sender is no user of this server, so nobody can sign in with "
		       "that name: that is answered as a wrong password is (`dialtone user list`)");
	else
		finish(x, 404, "refused: there is no such user (`dialtone user list`)");
}

static void on_found(void *arg, int err, const struct account *acc)
{
	struct explain *x = arg;
	x->lookup = NULL;
	if (err == 0 && x->sender) {
		tell_caller(x, acc);
	} else if (err == 0) {
		tell_callee(x, acc);
	} else if (err == -ENOENT) {
		step(x, "no user has %" STR_FMT, STR_ARG(x->target.keys[x->key]));
		x->key++;
		look_up(x);
	} else {
		finish(x, 503, "the accounts process does not answer (`dialtone role list`)");
	}
}

static void look_up(struct explain *x)
{
	if (x->key >= x->target.n_keys) {
		tell_nobody(x);
		return;
	}
	step(x, "looks up the %s %" STR_FMT, x->sender ? "sender" : "recipient",
	     STR_ARG(x->target.keys[x->key]));
	x->lookup = accounts_lookup(x->fe->accounts, x->target.keys[x->key], on_found, x);
}

static void on_located(void *arg, const struct sip_targets *found)
{
	struct explain *x = arg;
	x->search = NULL;
	for (size_t i = 0; i < found->n; i++) {
		const struct sip_target *t = &found->list[i];
		char text[64];
		struct buf b = BUF_ON(text);
		addr_put(&b, &t->addr);
		step(x, "%s would be %s %" STR_FMT " (%s)", i ? "next" : "its server",
		     sip_kind_name(t->kind), STR_ARG(buf_view(&b)), t->host);
	}
	if (found->err == -ENOENT)
		step(x, "the DNS has no SIP server of that domain");
	else if (found->err == -EPROTONOSUPPORT)
		step(x, "there is no such transport, or sips: does not go over it");
	else if (found->err)
		step(x, "the DNS does not answer: %s", strerror(-found->err));
	finish(x, 403, "refused: there is no federation with other domains");
}

/* Tells where the domain would be found (RFC 3263), though nothing is sent there. */
static void locate(struct explain *x)
{
	struct frontend *fe = x->fe;
	struct sip_locate_query q;
	step(x, "the domain of %" STR_FMT " is none of ours", STR_ARG(x->to));
	if (sip_locate_query_of(&q, x->to) < 0) {
		finish(x, 403, "refused: there is no federation with other domains");
		return;
	}
	if (!fe->dns)
		fe->dns = dns_new(fe->loop, NULL);
	x->search = sip_locate_new(fe->loop, fe->dns, &q, on_located, x);
}

static void route(struct explain *x)
{
	x->key = 0;
	target_read(&x->target, &x->fe->self, &x->fe->key, x->to);
	switch (x->target.kind) {
	case TARGET_USER:
		look_up(x);
		break;
	case TARGET_GRUU:
		step(x, "a temporary GRUU: one endpoint of one user");
		tell_home(x, x->target.account);
		break;
	case TARGET_SELF:
		step(x, "%" STR_FMT " is the server itself", STR_ARG(x->to));
		finish(x, 404, "refused: an address needs a user part");
		break;
	case TARGET_FOREIGN:
		locate(x);
		break;
	case TARGET_BAD:
		finish(x, 416, "refused: neither a SIP address nor a telephone number");
		break;
	}
}

/* "bob" and "+4930..." are written out as a person would mean them. */
static struct str full_uri(struct explain *x, struct str s, char *text, size_t size)
{
	struct buf b = { .p = text, .cap = size - 1, .max = size - 1 };
	if (str_chr(s, ':') >= 0)
		return s;
	buf_lit(&b, "sip:");
	buf_str(&b, s);
	if (str_chr(s, '@') < 0) {
		buf_char(&b, '@');
		buf_str(&b, x->fe->self.topo->domains[0]);
	}
	return buf_view(&b);
}

void fe_explain(struct frontend *fe, struct ctl_call *c)
{
	struct explain *x = xnew(struct explain);
	x->fe = fe;
	x->c = c;
	x->steps = buf_of(32768);
	struct str from = full_uri(x, ctl_text(c->args, "from"), x->from_text, TARGET_KEY_MAX);
	x->to = full_uri(x, ctl_text(c->args, "to"), x->to_text, TARGET_KEY_MAX);
	step(x, "a request from %" STR_FMT " to %" STR_FMT, STR_ARG(from), STR_ARG(x->to));
	target_read(&x->target, &fe->self, &fe->key, from);
	x->sender = true;
	if (x->target.kind == TARGET_USER)
		look_up(x);
	else
		finish(x, 403,
		       "refused: the sender is no address of a user of this server, and only its "
		       "users may call");
}
