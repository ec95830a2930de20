#include <stdlib.h>

#include "base/code.h"
#include "base/isotime.h"
#include "role/web/wb.h"
#include "wire/ctl/ctl.h"

/* What a user sees of her own log-ins, and how she ends those that she does not want any more:
 * asked of accounts by the ticket of the session. */

struct asking {
	struct list node; /* in session->askings */
	struct session *s;
	struct accounts_req *req;
	uint64_t number; /* of the browser's request */
};

static void asking_free(struct asking *q)
{
	accounts_req_free(&q->req);
	list_del(&q->node);
	free(q);
}

void wb_logins_free(struct session *s)
{
	list_for(it, &s->askings) asking_free(list_entry(it, struct asking, node));
}

/* Who does not get her answer now; false: she has got it. */
static bool failed(struct asking *q, const struct accounts_auth *r)
{
	q->req = NULL; /* it ends with this call */
	if (r->verdict == ACCOUNTS_ACCEPT)
		return false;
	web_fail(q->s, q->number, "no_server", "The server cannot look log-ins up at the moment.",
	         "Try again in a moment.");
	asking_free(q);
	return true;
}

static void ask(struct session *s, uint64_t number, enum accounts_mech mech, uint64_t which,
                accounts_auth_fn *fn)
{
	static const struct addr nobody = { .sa = { .sa_family = AF_UNSPEC } };
	struct accounts_leg leg = { .mech = mech,
		                    .session = which,
		                    .blob = bytes_of(str_of(s->who.ticket)),
		                    .peer = &nobody };
	struct asking *q = xnew(struct asking);
	q->s = s;
	q->number = number;
	list_add(&s->askings, &q->node);
	q->req = accounts_auth(s->web->accounts, &leg, fn, q);
}

/* --- the list -------------------------------------------------------------------------------- */

static void put_time(struct buf *b, const char *name, const cJSON *row)
{
	const cJSON *v = cJSON_GetObjectItemCaseSensitive(row, name);
	char text[40];
	struct buf tb = BUF_ON(text);
	if (cJSON_IsNumber(v) && v->valuedouble >= 0)
		isotime_put(&tb, (usec_t)v->valuedouble * USEC_PER_SEC);
	json_put_member(b, name, buf_view(&tb));
}

static void put_login(struct buf *b, const cJSON *row, uint64_t own)
{
	const cJSON *v = cJSON_GetObjectItemCaseSensitive(row, "number");
	uint64_t number = cJSON_IsNumber(v) ? (uint64_t)v->valuedouble : 0;
	buf_printf(b, "{\"number\":%llu,\"current\":%s", (unsigned long long)number,
	           number == own ? "true" : "false");
	put_time(b, "made_at", row);
	put_time(b, "used_at", row);
	json_put_member(b, "from", web_text(row, "from"));
	json_put_member(b, "agent", web_text(row, "agent"));
	buf_char(b, '}');
}

static void on_listed(void *arg, const struct accounts_auth *r)
{
	struct asking *q = arg;
	auto_(buf_free) struct buf b = buf_of(WEB_DOC_MAX);
	const char *why;
	const cJSON *row;
	if (failed(q, r))
		return;
	cJSON *rows = ctl_parse_json(str_from_bytes(r->blob), &why);
	buf_lit(&b, "\"logins\":[");
	size_t empty = b.len;
	cJSON_ArrayForEach(row, rows)
	{
		buf_str(&b, b.len > empty ? STR(",") : STR(""));
		put_login(&b, row, r->session);
	}
	buf_char(&b, ']');
	cJSON_Delete(rows);
	web_ok(q->s, q->number, buf_view(&b));
	asking_free(q);
}

void wb_login_list(struct session *s, uint64_t number, const cJSON *args UNUSED)
{
	ask(s, number, ACCOUNTS_TICKET_LIST, 0, on_listed);
}

/* --- the end --------------------------------------------------------------------------------- */

static void on_ended(void *arg, const struct accounts_auth *r)
{
	struct asking *q = arg;
	if (failed(q, r))
		return;
	web_ok(q->s, q->number, STR(""));
	asking_free(q);
}

void wb_login_end(struct session *s, uint64_t number, const cJSON *args)
{
	const cJSON *which = cJSON_GetObjectItemCaseSensitive(args, "number");
	const cJSON *others = cJSON_GetObjectItemCaseSensitive(args, "others");
	bool one = cJSON_IsNumber(which) && which->valuedouble >= 1 &&
	           which->valuedouble <= WEB_NUMBER_MAX;
	if (one == cJSON_IsTrue(others)) {
		web_bad(s, number, "either number is one of login.list, or others is true");
		return;
	}
	ask(s, number, ACCOUNTS_TICKET_END, one ? (uint64_t)which->valuedouble : ACCT_ALL_OTHERS,
	    on_ended);
}
