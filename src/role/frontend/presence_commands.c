#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/code.h"
#include "role/frontend/fe.h"

/* `dialtone presence show`: what a user's devices published, and what of it a watcher sees.  That
 * is found as for those who watch: the container that names her, and where a category is taken
 * from.  Texts are shown of what is seen alone; of all else the names. */

enum { ANSWER_MAX = CTL_LINE_MAX - 4096, NOTES_MAX = 4 };

static void put_text(struct buf *b, const char *name, struct str value)
{
	buf_printf(b, "\"%s\":", name);
	json_put_str(b, value);
}

static const char *const bands[] = { "offline",    "available",      "idle",          "busy",
	                             "busy, idle", "do not disturb", "be right back", "away" };

static const char *band_of(uint32_t availability)
{
	static const uint32_t from[] = { 0,          AVAIL_ONLINE,    AVAIL_IDLE,
		                         AVAIL_BUSY, AVAIL_BUSY_IDLE, AVAIL_DND,
		                         AVAIL_BRB,  AVAIL_AWAY };
	size_t i = ARRAY_SIZE(from) - 1;
	if (availability >= AVAIL_OFFLINE)
		return bands[0];
	while (availability < from[i])
		i--;
	return bands[i];
}

/* --- what is seen from a container ---------------------------------------------------------- */

static const char *relationship_of(uint32_t container)
{
	static const struct {
		uint32_t container;
		const char *name;
	} names[] = {
		{ CONTAINER_ALL, "none" },           { CONTAINER_PUBLIC, "external contacts" },
		{ CONTAINER_COMPANY, "colleagues" }, { CONTAINER_TEAM, "workgroup" },
		{ CONTAINER_BLOCKED, "blocked" },    { CONTAINER_PERSONAL, "friends and family" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (names[i].container == container)
			return names[i].name;
	return "internal";
}

/* The publications of a category that are seen from a container: the one behind `after`, or NULL.
 */
static const struct publication *seen(const struct person *p, uint32_t container, enum category c,
                                      const struct publication *after)
{
	const struct publication *q = after ? after->next : p->p.pubs.first;
	while (q && !(q->key.category == c && pub_is_shown(q) &&
	              q->key.container == presentity_source_of(&p->p, container, &q->key)))
		q = q->next;
	return q;
}

static void put_state(struct buf *b, const struct person *p, uint32_t container)
{
	const struct publication *q = seen(p, container, CATEGORY_STATE, NULL);
	if (!q)
		return;
	put_text(b, "state", str_of(band_of(q->body->availability)));
	buf_printf(b, ",\"availability\":%" PRIu32 ",", q->body->availability);
	put_text(b, "activity", q->body->custom.len > 0 ? q->body->custom : q->body->token);
	buf_char(b, ',');
}

static void put_notes(struct buf *b, const struct person *p, uint32_t container)
{
	auto_(arena_free) struct arena *a = arena_new();
	const struct publication *q = NULL;
	struct str notes[NOTES_MAX];
	unsigned n = 0;
	struct xml *e;
	while ((q = seen(p, container, CATEGORY_NOTE, q)) != NULL)
		if (xml_parse(&e, a, q->body->text) == 0)
			n += simple_read_notes(notes + n, NOTES_MAX - n, e);
	buf_lit(b, "\"note\":[");
	for (unsigned i = 0; i < n; i++) {
		buf_str(b, i > 0 ? STR(",") : STR(""));
		json_put_str(b, notes[i]);
	}
	buf_lit(b, "],");
}

/* Her calls are for lamps; who sees presence does not see them. */
static void put_categories(struct buf *b, const struct person *p, uint32_t container)
{
	const char *before = "";
	buf_lit(b, "\"sees\":[");
	for (int c = 0; c < N_CATEGORIES; c++) {
		const struct publication *q = NULL;
		while (c != CATEGORY_DIALOGS &&
		       (q = seen(p, container, (enum category)c, q)) != NULL) {
			buf_printf(b, "%s{", before);
			put_text(b, "category", q->key.name);
			buf_printf(b,
			           ",\"container\":%" PRIu32 ",\"instance\":%" PRIu32
			           ",\"published_at\":%" PRIu64 "}",
			           q->key.container, q->key.instance, q->published / USEC_PER_SEC);
			before = ",";
		}
	}
	buf_char(b, ']');
}

/* --- all that there is ---------------------------------------------------------------------- */

static void put_publications(struct buf *b, const struct person *p)
{
	buf_lit(b, "\"publications\":[");
	for (const struct publication *q = p->p.pubs.first; q; q = q->next) {
		buf_char(b, '{');
		put_text(b, "category", q->key.name);
		buf_printf(b,
		           ",\"container\":%" PRIu32 ",\"instance\":%" PRIu32
		           ",\"version\":%" PRIu32 ",",
		           q->key.container, q->key.instance, q->version);
		put_text(b, "lives", str_of(pub_expire_name(q->expire)));
		buf_printf(b, ",\"published_at\":%" PRIu64 "}%s", q->published / USEC_PER_SEC,
		           q->next ? "," : "");
	}
	buf_char(b, ']');
}

static void put_members(struct buf *b, const struct person *p)
{
	buf_lit(b, "\"members\":[");
	for (const struct member *m = p->p.containers.first; m; m = m->next) {
		buf_printf(b, "{\"container\":%" PRIu32 ",", container_id(m->at));
		put_text(b, "type", str_of(member_type_name(m->type)));
		buf_char(b, ',');
		put_text(b, "value", member_value(m));
		buf_printf(b, "}%s", m->next ? "," : "");
	}
	buf_char(b, ']');
}

static void show_all(struct person *p, struct ctl_call *c)
{
	auto_(buf_free) struct buf b = buf_of(ANSWER_MAX);
	unsigned watchers = 0;
	list_for(it, &p->watches) watchers++;
	buf_char(&b, '{');
	put_text(&b, "user", str_of(p->aor));
	buf_char(&b, ',');
	put_state(&b, p, CONTAINER_COMPANY);
	put_notes(&b, p, CONTAINER_COMPANY);
	buf_printf(&b, "\"signed_in\":%s,\"watchers\":%u,", p->p.signed_in ? "true" : "false",
	           watchers);
	put_members(&b, p);
	buf_char(&b, ',');
	put_publications(&b, p);
	buf_char(&b, '}');
	c->ok(c, buf_view(&b));
}

/* --- what one watcher sees ------------------------------------------------------------------ */

static void show_view(struct person *p, struct ctl_call *c, const struct container_watcher *w)
{
	auto_(buf_free) struct buf b = buf_of(ANSWER_MAX);
	uint32_t container = presentity_view(&p->p, w);
	buf_char(&b, '{');
	put_text(&b, "user", str_of(p->aor));
	buf_char(&b, ',');
	put_text(&b, "as", w->uri);
	buf_printf(&b, ",\"container\":%" PRIu32 ",", container);
	put_text(&b, "relationship", str_of(relationship_of(container)));
	buf_char(&b, ',');
	put_state(&b, p, container);
	put_notes(&b, p, container);
	put_categories(&b, p, container);
	buf_char(&b, '}');
	c->ok(c, buf_view(&b));
}

/* A watcher of our domains, who is looked up. */
struct watcher {
	struct frontend *fe;
	struct ctl_call *c;
	char aor[PERSON_AOR_MAX + 1]; /* of who is watched */
};

static void on_watcher(void *arg, int err, const struct account *acc)
{
	struct watcher *w = arg;
	struct person *p = people_get(w->fe->people, str_of(w->aor));
	struct container_watcher who = { acc ? acc->uri : STR(""), true };
	if (err == -ENOENT || (err == 0 && (acc->group || acc->disabled)))
		w->c->fail(w->c, "--as names nobody who can sign in and watch; `dialtone user "
		                 "list` shows the users");
	else if (err < 0)
		w->c->fail(w->c, "the accounts process does not answer at the moment; try again");
	else if (!p || p->where != PERSON_HERE)
		w->c->ok(w->c, STR("null"));
	else
		show_view(p, w->c, &who);
	free(w);
}

static void show_presence(struct person *p, struct ctl_call *c)
{
	struct frontend *fe = p->owner;
	struct str as = presence_address(ctl_text(c->args, "as")), name, domain;
	bool whole = str_cut(as, '@', &name, &domain) && name.len > 0 && domain.len > 0;
	if (as.len == 0) {
		show_all(p, c);
	} else if (!whole || as.len > PERSON_AOR_MAX) {
		c->fail(c, "--as takes the address of a watcher: bob@example.test");
	} else if (!topo_is_our_domain(fe->env->topo, domain)) {
		show_view(p, c, &(struct container_watcher){ as, false });
	} else {
		struct watcher *w = xnew(struct watcher);
		struct buf b = BUF_ON(w->aor);
		w->fe = fe;
		w->c = c;
		buf_str(&b, str_of(p->aor));
		(void)accounts_lookup(fe->accounts, as, on_watcher, w);
	}
}

void fe_presence_show(void *state, struct ctl_call *c)
{
	fe_inquire(state, c, show_presence);
}
