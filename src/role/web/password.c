#include <stdlib.h>

#include "role/web/wb.h"

/* A password has been changed.  What was opened by log-ins that were made with the old one ends
 * with them; but who changes the own password stays signed in where that was done.  accounts knows
 * which log-in that is: their tickets are shown again. */

struct doubt {
	struct list node;
	struct web *web;
	struct accounts_req *asking;
	struct web_login who;
};

static void doubt_free(struct doubt *d)
{
	list_del(&d->node);
	accounts_req_free(&d->asking);
	wipe(d->who.ticket, sizeof(d->who.ticket));
	free(d);
}

static void go_on(void *arg, struct web_login *who)
{
	who->credential = *(const uint64_t *)arg;
}

/* What nobody could say counts as ended. */
static void on_told(void *arg, const struct accounts_auth *r)
{
	struct doubt *d = arg;
	struct web_login of = { .account = d->who.account, .number = d->who.number };
	bool good = r->verdict == ACCOUNTS_ACCEPT || r->verdict == ACCOUNTS_CONTINUE;
	uint64_t credential = r->credential;
	d->asking = NULL;
	if (good) {
		sessions_each(d->web, &of, go_on, &credential);
		browsers_each(d->web, &of, go_on, &credential);
	} else {
		sessions_end(d->web, &of, "The password has been changed.");
		browsers_end(d->web, &of, "The password has been changed.");
	}
	doubt_free(d);
}

static bool is_asked(const struct web *w, const struct web_login *who)
{
	list_for(it, &w->doubts)
	{
		const struct doubt *d = list_entry(it, struct doubt, node);
		if (d->who.account == who->account && d->who.number == who->number)
			return true;
	}
	return false;
}

static void ask(void *arg, struct web_login *who)
{
	struct web *w = arg;
	struct addr nobody = { .sa = { .sa_family = AF_UNSPEC } };
	if (is_asked(w, who))
		return;
	struct doubt *d = xnew(struct doubt);
	d->web = w;
	d->who = *who;
	list_add(&w->doubts, &d->node);
	struct accounts_leg leg = { .mech = ACCOUNTS_TICKET,
		                    .blob = bytes_of(str_of(d->who.ticket)),
		                    .peer = &nobody };
	d->asking = accounts_auth(w->accounts, &leg, on_told, d);
}

void wb_password_changed(struct web *w, uint64_t account, uint64_t credential)
{
	struct web_login of = { .account = account, .credential = credential };
	sessions_each(w, &of, ask, w);
	browsers_each(w, &of, ask, w);
}

void wb_doubts_free(struct web *w)
{
	list_for(it, &w->doubts) doubt_free(list_entry(it, struct doubt, node));
}
