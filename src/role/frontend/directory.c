#include "role/frontend/fe.h"

/* The directory for clients: the accounts process searches, this one says how often and answers. */

enum {
	PEOPLE_MAX = 256 * 1024,   /* bytes of an answer */
	PEOPLE_UDP_MAX = 8 * 1024, /* the same in one datagram: few fragments get lost */
};

/* Pages of the history are read one after the other by who looks for a message; a search reads as
 * much as five of them. */
static const struct {
	unsigned per_s, burst; /* at once, after a pause */
} limits[FE_N_QUESTIONS] = { [FE_SEARCHES] = { 10, 30 }, [FE_PAGES] = { 20, 100 } };

/* Users who share a place displace one another: then there is more to ask, never less. */
bool fe_may_ask(struct frontend *fe, enum fe_question what, uint64_t account)
{
	const usec_t step = USEC_PER_SEC / limits[what].per_s;
	struct fe_asked *a = &fe->asked[what][account % FE_USER_LIMITS];
	usec_t now = loop_now(fe->loop);
	if (a->account != account)
		*a = (struct fe_asked){ .account = account };
	usec_t due = MAX(a->due, now);
	if (due - now > (limits[what].burst - 1) * step)
		return false;
	a->due = due + step;
	return true;
}

/* The home knows by the Vias how the client's own process got the request. */
static bool came_by_udp(const struct task *t)
{
	const struct sip_msg *m = t->msg;
	struct sip_via via;
	for (const struct sip_hdr *h = sip_first(m, SIP_H_VIA); h; h = sip_next(m, h)) {
		struct str rest = sip_hdr_value(m, h);
		while (sip_via_next(&rest, &via) > 0)
			if (str_ieq(via.transport, STR("UDP")))
				return true;
	}
	return false;
}

static void answer(struct task *t, const struct accounts_found *f)
{
	size_t max = came_by_udp(t) ? PEOPLE_UDP_MAX : PEOPLE_MAX;
	auto_(buf_free) struct buf body = buf_of(max + 4096);
	directory_put_answer(&body, f->people, f->n, f->more, max);
	task_answer(t, STR(""), STR(SOAP_TYPE), buf_view(&body));
}

static void on_found(void *arg, const struct accounts_found *f)
{
	struct task *t = arg;
	t->lookup = NULL; /* it ends with this call */
	if (f->err == 0)
		answer(t, f);
	else
		task_refuse(t, REFUSE_ACCOUNTS_DOWN, STR("Retry-After: 5\r\n"));
}

static void refuse_body(struct task *t, const char *why)
{
	char text[512];
	struct buf lines = BUF_ON(text);
	task_log_refusal(t, REFUSE_BAD_BODY);
	refusal_put_more(&lines, REFUSE_BAD_BODY, str_of(why), t->fe->env->self->fqdn);
	task_reply(t, refusal_row(REFUSE_BAD_BODY)->code, STR(""), buf_view(&lines));
}

void fe_directory_search(struct task *t, const struct soap *s)
{
	struct acct_query q;
	const char *why = NULL;
	if (!fe_may_ask(t->fe, FE_SEARCHES, t->who.account)) {
		task_refuse(t, REFUSE_SEARCH_RATE, STR("Retry-After: 1\r\n"));
	} else if (directory_read(&q, s, &why) < 0) {
		refuse_body(t, why);
	} else {
		t = task_keep(t);
		t->lookup = accounts_search(t->fe->accounts, &q, on_found, t);
	}
}
