#include "base/code.h"
#include "base/isotime.h"
#include "role/web/visit.h"
#include "wire/ctl/ctl.h"

/* What users ask and change of their own accounts (docs/protocols/web-api.md, "The own account").
 * accounts decides by the ticket. */

/* Up to here JSON's numbers are exact. */
static const double number_max = 9007199254740991.0;

/* --- asking ---------------------------------------------------------------------------------- */

static void say(struct visit *v, const struct accounts_owned *o)
{
	auto_(buf_free) struct buf b = buf_of(WEB_DOC_MAX);
	if (v->put)
		v->put(&b, o);
	visit_answer(v, buf_view(&b), NULL);
	wipe(b.p, b.len);
}

static void on_owned(void *arg, const struct accounts_owned *o)
{
	struct visit *v = arg;
	v->asking = NULL;
	switch (o->end.status) {
	case ACCT_OWN_DONE:
		say(v, o);
		break;
	case ACCT_OWN_SIGNED_OUT:
		visit_signed_out(v);
		break;
	case ACCT_OWN_SLOW:
		visit_slow(v, "too_many", "There were too many requests.", o->end.retry_s);
		break;
	case ACCT_OWN_NONE:
		visit_refuse(v, 404, "not_found", "It is not there any more.", "");
		break;
	case ACCT_OWN_FAILED:
	case ACCT_OWN_N_STATUSES:
		visit_no_server(v);
		break;
	}
}

static void ask(struct visit *v, struct acct_own *own)
{
	own->op = v->op;
	own->ticket = str_of(v->who.ticket);
	own->peer = *http_peer(v->x);
	v->asking = accounts_own(v->web->accounts, own, on_owned, v);
}

static void on_body(struct visit *v, const cJSON *body)
{
	struct acct_own own = { .number = 0 };
	if (!v->read || v->read(v, body, &own))
		ask(v, &own);
}

/* NULL: there is no ticket, which is answered. */
static struct visit *begin(struct web *w, struct http_exchange *x, enum acct_own_op op)
{
	struct visit *v = visit_new(w, x);
	v->op = op;
	if (visit_ticket(v) && strlen(v->who.ticket) <= ACCT_TICKET_MAX)
		return v;
	visit_signed_out(v);
	return NULL;
}

/* --- log-ins --------------------------------------------------------------------------------- */

/* The member, or null for never. */
static void put_time(struct buf *b, const char *name, int64_t at)
{
	buf_printf(b, ",\"%s\":", name);
	if (at <= 0) {
		buf_lit(b, "null");
		return;
	}
	buf_char(b, '"');
	isotime_put(b, (usec_t)at * USEC_PER_SEC);
	buf_char(b, '"');
}

static void put_logins(struct buf *b, const struct accounts_owned *o)
{
	buf_lit(b, "\"logins\":[");
	for (size_t i = 0; i < o->n; i++) {
		const struct acct_own_row *r = &o->rows[i];
		buf_printf(b, "%s{\"number\":%llu", i > 0 ? "," : "",
		           (unsigned long long)r->number);
		put_time(b, "made_at", r->made_at);
		put_time(b, "used_at", r->used_at);
		json_put_member(b, "from", r->from);
		json_put_member(b, "agent", r->name);
		buf_printf(b, ",\"this\":%s}", r->number == o->end.number ? "true" : "false");
	}
	buf_char(b, ']');
}

void web_own_logins(struct web *w, struct http_exchange *x)
{
	struct visit *v = begin(w, x, ACCT_OWN_LOGINS);
	if (!v)
		return;
	v->put = put_logins;
	ask(v, &(struct acct_own){ .number = 0 });
}

/* One, or all others: neither may pass for the other by a slip. */
static bool read_end(struct visit *v, const cJSON *body, struct acct_own *ret)
{
	double number = ctl_number(body, "number", 0);
	bool others = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(body, "others"));
	bool one = number >= 1 && number <= number_max;
	ret->number = one ? (uint64_t)number : 0;
	if (one != others && (!one || (double)ret->number == number))
		return true;
	visit_refuse(v, 400, "bad_request", "Either number or others must be there.", "");
	return false;
}

void web_own_login_end(struct web *w, struct http_exchange *x)
{
	struct visit *v = begin(w, x, ACCT_OWN_LOGIN_END);
	if (!v)
		return;
	v->read = read_end;
	visit_read(v, on_body);
}
