#include <errno.h>
#include <inttypes.h>

#include "base/code.h"
#include "role/frontend/focus.h"

/* `dialtone conference`: answered by the organizer's home; the other processes answer null. */

enum { ANSWER_MAX = CTL_LINE_MAX - 4096 };

static void put_text(struct buf *b, const char *name, struct str value)
{
	buf_printf(b, "\"%s\":", name);
	json_put_str(b, value);
}

static void put_conference(struct buf *b, const struct conference *c)
{
	auto_(buf_free) struct buf uri = buf_of(CONF_URI_MAX + CONF_ID_MAX + 64);
	room_put_uri(&uri, room_of(c), CONFINFO_FOCUS);
	put_text(b, "id", str_of(c->id));
	buf_char(b, ',');
	put_text(b, "organizer", str_sub(str_of(c->organizer), 4, CONF_URI_MAX));
	buf_char(b, ',');
	put_text(b, "subject", str_of(c->subject));
	buf_printf(b, ",\"people\":%u,\"waiting\":%u,\"locked\":%s,\"last_active_at\":%" PRIu64,
	           c->n_inside, c->n_waiting, c->locked ? "true" : "false", c->last_active_s);
	buf_char(b, ',');
	put_text(b, "uri", buf_view(&uri));
	buf_char(b, ',');
	uri.len = 0;
	conf_uri_put_for_phones(&uri, str_of(c->organizer), str_of(c->id));
	put_text(b, "uri_for_phones", buf_view(&uri));
}

/* Which conferences are listed: those with people in them, all, or all of one organizer. */
struct choice {
	bool all;
	struct str organizer; /* "alice@example.test"; empty: anybody's */
};

/* -EINVAL: what was given is neither. */
static int read_choice(struct choice *ret, struct str which)
{
	*ret = (struct choice){ .all = which.len > 0 };
	if (which.len == 0 || str_eq(which, STR("all")))
		return 0;
	ret->organizer = which;
	return str_chr(which, '@') > 0 ? 0 : -EINVAL;
}

static bool is_chosen(const struct choice *w, const struct conference *c)
{
	if (!w->all && c->n_inside + c->n_waiting == 0)
		return false;
	return w->organizer.len == 0 ||
	       str_ieq(str_sub(str_of(c->organizer), 4, CONF_URI_MAX), w->organizer);
}

static void put_chosen(struct buf *b, const struct frontend *fe, const struct choice *w)
{
	size_t slot = 0;
	struct map_node *after = NULL;
	buf_char(b, '[');
	for (struct conference *c; (c = conferences_walk(fe->focus->set, &slot, &after)) != NULL;) {
		if (!is_chosen(w, c))
			continue;
		buf_str(b, b->len > 1 ? STR(",{") : STR("{"));
		put_conference(b, c);
		buf_char(b, '}');
	}
	buf_char(b, ']');
}

void fe_conference_list(void *state, struct ctl_call *call)
{
	struct frontend *fe = state;
	struct str which = ctl_text(call->args, "which");
	struct choice w;
	auto_(buf_free) struct buf b = buf_of(ANSWER_MAX);
	if (read_choice(&w, which) < 0) {
		call->fail(call,
		           "\"%" STR_FMT "\" is neither \"all\" nor the address of a user; "
		           "`dialtone user list` shows them",
		           STR_ARG(str_sub(which, 0, CONF_URI_MAX)));
		return;
	}
	put_chosen(&b, fe, &w);
	if (b.full)
		call->fail(call, "the list is too long for one answer; ask for one organizer's");
	else
		call->ok(call, buf_view(&b));
}

/* By its id, or the address of its focus; NULL: not here. */
static struct conference *named(const struct frontend *fe, struct str name)
{
	struct conf_uri cu = { .id = name };
	char text[CONF_URI_MAX];
	struct buf organizer = BUF_ON(text);
	size_t slot = 0;
	struct map_node *after = NULL;
	struct conference *c;
	if (str_chr(name, ':') >= 0 && conf_uri_read(&cu, &organizer, name) < 0)
		return NULL;
	while ((c = conferences_walk(fe->focus->set, &slot, &after)) != NULL)
		if (str_ieq(str_of(c->id), cu.id))
			break;
	return c;
}

static void put_person(struct buf *b, const struct conf_person *p, bool first)
{
	const char *before = "";
	buf_str(b, first ? STR("{") : STR(",{"));
	put_text(b, "user", str_sub(str_of(p->uri), 4, CONF_URI_MAX));
	buf_char(b, ',');
	put_text(b, "role", p->waits ? STR("waits") : confinfo_role_name(p->role));
	buf_lit(b, ",\"with\":\"");
	list_for(it, &p->endpoints)
	{
		const struct conf_endpoint *e = list_entry(it, struct conf_endpoint, node);
		buf_printf(b, "%s%" STR_FMT, before, STR_ARG(confinfo_session_name(e->session)));
		before = " ";
	}
	buf_lit(b, "\"}");
}

void fe_conference_show(void *state, struct ctl_call *call)
{
	const struct conference *c = named(state, ctl_text(call->args, "conference"));
	auto_(buf_free) struct buf b = buf_of(ANSWER_MAX);
	bool first = true;
	if (!c) {
		call->ok(call, STR("null"));
		return;
	}
	buf_char(&b, '{');
	put_conference(&b, c);
	buf_printf(&b, ",\"admission\":\"%" STR_FMT "\",\"lobby\":%s,\"members\":[",
	           STR_ARG(confinfo_admission_name(c->admission)), c->lobby ? "true" : "false");
	list_for(it, &c->people)
	{
		const struct conf_person *p = list_entry(it, struct conf_person, node);
		if (p->gone)
			continue;
		put_person(&b, p, first);
		first = false;
	}
	buf_lit(&b, "]}");
	if (b.full)
		call->fail(call, "there are too many people for one answer");
	else
		call->ok(call, buf_view(&b));
}

/* As its organizer would: everybody is sent away, what is stored stays. */
void fe_conference_end(void *state, struct ctl_call *call)
{
	struct conference *c = named(state, ctl_text(call->args, "conference"));
	if (!c) {
		call->ok(call, STR("null"));
		return;
	}
	log_info(NULL, "conference-ended", "conference=%s people=%u", log_esc(str_of(c->id)),
	         c->n_inside);
	conference_end(c);
	call->ok(call, STR("{\"ended\":true}"));
}

uint64_t fe_conferences(const struct frontend *fe, bool running)
{
	uint64_t n = 0;
	size_t slot = 0;
	struct map_node *after = NULL;
	for (const struct conference *c;
	     (c = conferences_walk(fe->focus->set, &slot, &after)) != NULL;)
		n += !running || c->n_inside + c->n_waiting > 0;
	return n;
}
