#include <stdlib.h>

#include "role/frontend/focus.h"
#include "svc/access/dialect.h"

/* The conference event package (RFC 4575, [MS-CONFBAS] section 3.5): who watches a conference.
 *
 * What a version changed is rendered once for each view.  Who has the version before gets that; who
 * has not, or sees more or less than before, gets the whole. */

struct watcher {
	struct sub sub;
	struct list of_room;
	struct room *room; /* NULL: the conference is gone */
	uint32_t version;  /* that its subscriber knows */
	enum conf_view view;
	char *uri, *epid;
};

static bool compose(struct sub *s, bool all, struct buf *b, struct str *ret_type)
{
	struct watcher *w = container_of(s, struct watcher, sub);
	struct room *r = w->room;
	*ret_type = STR("application/conference-info+xml");
	if (!r)
		return false;
	enum conf_view view = conference_view(r->c, str_of(w->uri));
	if (!all && view == w->view && w->version == r->c->version)
		return false;
	if (!all && view == w->view && w->version + 1 == r->c->version && r->seen == r->c->version)
		buf_str(b, buf_view(&r->docs[view]));
	else
		conference_put_full(b, r->c, view);
	w->version = r->c->version;
	w->view = view;
	return true;
}

static void watcher_free(struct sub *s)
{
	struct watcher *w = container_of(s, struct watcher, sub);
	list_del(&w->of_room);
	free(w->uri);
	free(w->epid);
	free(w);
}

static const struct sub_package package = { .event = STR_INIT("conference"),
	                                    .compose = compose,
	                                    .free = watcher_free };

void focus_tell_watchers(struct room *r)
{
	bool any = !list_empty(&r->watchers);
	for (int v = 0; v < FOCUS_VIEWS; v++) {
		r->docs[v].len = 0;
		if (any)
			conference_put_changes(&r->docs[v], r->c, (enum conf_view)v);
	}
	conference_changes_done(r->c);
	r->seen = r->c->version;
	list_for(it, &r->watchers) sub_touch(&list_entry(it, struct watcher, of_room)->sub);
}

void focus_end_watchers(struct room *r, struct str uri, struct str epid, const char *reason)
{
	list_for(it, &r->watchers)
	{
		struct watcher *w = list_entry(it, struct watcher, of_room);
		if ((!uri.p || str_ieq(str_of(w->uri), uri)) &&
		    (!epid.p || str_ieq(str_of(w->epid), epid)))
			sub_end(&w->sub, reason);
	}
}

/* --- SUBSCRIBE ------------------------------------------------------------------------------ */

/* A Lync client that goes says so with a new dialog. */
static void end(struct task *t, struct conference *c, struct str who)
{
	focus_end_watchers(room_of(c), who, dialect_epid(sip_from(t->msg)), NULL);
	task_reply(t, 200, STR(""), STR("Expires: 0\r\n"));
}

static void begin(struct task *t, struct conference *c, struct str who, uint32_t expires_s)
{
	struct sub_ask ask;
	struct room *r = room_of(c);
	struct watcher *w = xnew(struct watcher);
	char tag[SIP_TAG_LEN + 1], here[256];
	struct buf hb = BUF_ON(here);
	fe_make_tag(t, tag);
	ask = fe_sub_ask(t, tag, &hb);
	w->room = r;
	w->uri = str_dup(who);
	w->epid = str_dup(dialect_epid(sip_from(t->msg)));
	list_init(&w->of_room);
	int err = sub_start(t->fe->subs, &w->sub, &package, &ask);
	if (err < 0) {
		watcher_free(&w->sub);
		task_refuse(t, fe_sub_refusal(err), STR(""));
		return;
	}
	list_add(&r->watchers, &w->of_room);
	fe_sub_answer(t, &w->sub, ask.lync ? FOCUS_SUB_S : expires_s);
}

void focus_subscribe(struct task *t, struct conference *c)
{
	char text[ACCESS_URI_MAX + 8];
	struct buf who = BUF_ON(text);
	uint32_t expires_s;
	focus_put_who(&who, t);
	int r = sub_expires(t->msg, dialect_of(t->msg) == DIALECT_LYNC, &expires_s);
	if (!str_ieq(fe_event_of(t->msg), package.event))
		task_refuse(t, REFUSE_EVENT, STR("Allow-Events: conference\r\n"));
	else if (r < 0)
		task_refuse(t, fe_sub_refusal(r), STR("Min-Expires: 60\r\n"));
	else if (expires_s == 0)
		end(t, c, buf_view(&who));
	else if (!conference_person(c, buf_view(&who)))
		task_refuse(t, REFUSE_NOT_INSIDE, STR(""));
	else
		begin(t, c, buf_view(&who), expires_s);
}
