#include <stdlib.h>

#include "svc/immcu/inside.h"

enum { QUEUE_MIN = 8 };

/* --- texts ---------------------------------------------------------------------------- */

static struct str add_text(struct immcu_text *t, size_t *at, struct str s)
{
	char *to = t->space + *at;
	if (s.len > 0)
		memcpy(to, s.p, s.len);
	*at += s.len;
	return str_n(to, s.len);
}

/* With one reference, the caller's. */
static struct immcu_text *text_new(struct immcu *m, uint64_t number, const struct immcu_said *s)
{
	size_t at = 0, size = sizeof(struct immcu_text) + s->sender.len + s->type.len +
	                      s->body.len + strlen("<>");
	struct immcu_text *t = xcalloc(1, size);
	t->refs = 1;
	t->size = size;
	t->message.number = number;
	t->message.sender.p = t->space;
	(void)add_text(t, &at, STR("<"));
	(void)add_text(t, &at, s->sender);
	(void)add_text(t, &at, STR(">"));
	t->message.sender.len = at;
	t->message.type = add_text(t, &at, s->type);
	t->message.body = add_text(t, &at, s->body);
	m->stats.held += size;
	return t;
}

static void text_unref(struct immcu *m, struct immcu_text *t)
{
	if (--t->refs > 0)
		return;
	m->stats.held -= t->size;
	free(t);
}

/* --- legs ----------------------------------------------------------------------------- */

struct immcu_leg *immcu_leg_new(struct immcu_room *r, struct conf_person *p,
                                struct conf_endpoint *e)
{
	struct immcu_leg *leg = xnew(struct immcu_leg);
	leg->room = r;
	leg->person = p;
	leg->endpoint = e;
	leg->reported_cseq = e->leg->local_cseq;
	e->owner = leg;
	r->n_legs++;
	r->mcu->stats.legs++;
	return leg;
}

static void queue_grow(struct immcu_leg *leg)
{
	unsigned size = MAX(2 * leg->size, QUEUE_MIN);
	struct immcu_text **waiting = xmalloc(size * sizeof(*waiting));
	for (unsigned i = 0; i < leg->n_waiting; i++)
		waiting[i] = leg->waiting[(leg->first + i) % leg->size];
	free(leg->waiting);
	leg->waiting = waiting;
	leg->first = 0;
	leg->size = size;
}

static void queue_free(struct immcu_leg *leg)
{
	free(leg->waiting);
	leg->waiting = NULL;
	leg->first = leg->size = 0;
}

/* False: too much waits. */
static bool queue_put(struct immcu_leg *leg, struct immcu_text *t)
{
	unsigned max = leg->endpoint->leg->pager ? IMMCU_PAGES_MAX : IMMCU_QUEUE_MAX;
	if (leg->n_waiting >= max || leg->bytes + t->size > IMMCU_WAITING_MAX)
		return false;
	if (leg->n_waiting == leg->size)
		queue_grow(leg);
	leg->waiting[(leg->first + leg->n_waiting++) % leg->size] = t;
	leg->bytes += t->size;
	t->refs++;
	return true;
}

static struct immcu_text *next_text(struct immcu_leg *leg)
{
	struct immcu_text *t = leg->waiting[leg->first];
	leg->first = (leg->first + 1) % leg->size;
	leg->bytes -= t->size;
	if (--leg->n_waiting == 0)
		queue_free(leg);
	return t;
}

void immcu_leg_free(struct immcu_leg *leg)
{
	struct immcu_room *r = leg->room;
	while (leg->n_waiting > 0)
		text_unref(r->mcu, next_text(leg));
	leg->endpoint->owner = NULL;
	leg->endpoint->status = CONFINFO_DISCONNECTED;
	r->n_legs--;
	r->mcu->stats.legs--;
	immcu_room_mark(r, leg->person);
	free(leg);
}

void immcu_leg_end(struct immcu_leg *leg, enum immcu_end why)
{
	const struct immcu *m = leg->room->mcu;
	m->ops->end(m->arg, leg, why);
	leg->endpoint->failed = why == IMMCU_SILENT || why == IMMCU_SLOW || why == IMMCU_FORGOTTEN;
	immcu_leg_free(leg);
}

struct confinfo_leg *immcu_leg_dialog(const struct immcu_leg *leg)
{
	return leg->endpoint->leg;
}

const struct conf_person *immcu_leg_person(const struct immcu_leg *leg)
{
	return leg->person;
}

struct str immcu_name(const struct immcu_room *r, struct str uri)
{
	const struct conf_person *p = conf_find_person(&r->people, uri);
	return p && p->name && *p->name ? str_of(p->name) : uri;
}

struct immcu_room *immcu_leg_room(const struct immcu_leg *leg)
{
	return leg->room;
}

void **immcu_leg_user(struct immcu_leg *leg)
{
	return &leg->user;
}

static struct immcu_leg *leg_in(const struct conf_person *p, struct str call_id)
{
	list_for(n, &p->endpoints)
	{
		const struct conf_endpoint *e = list_entry(n, struct conf_endpoint, node);
		if (e->owner && str_eq(e->leg->call_id, call_id))
			return e->owner;
	}
	return NULL;
}

struct immcu_leg *immcu_leg_of(const struct immcu_room *r, struct str uri, struct str call_id)
{
	const struct conf_person *p = conf_find_person(&r->people, uri);
	return p ? leg_in(p, call_id) : NULL;
}

struct immcu_leg *immcu_pager_of(const struct immcu_room *r, struct str uri)
{
	const struct conf_person *p = conf_find_person(&r->people, uri);
	const struct conf_endpoint *e = p ? conf_pager(p) : NULL;
	return e ? e->owner : NULL;
}

/* A client that opens another dialog has lost the one before. */
static void replace_leg(struct conf_person *p, struct str epid)
{
	struct conf_endpoint *e = conf_of_epid(p, CONFINFO_CHAT, epid);
	if (e && e->owner)
		immcu_leg_end(e->owner, IMMCU_REPLACED);
	if (e)
		conf_free_endpoint(p, e);
}

int immcu_join(struct immcu_room *r, struct str uri, struct str epid,
               const struct confinfo_leg *leg, struct immcu_leg **ret)
{
	struct conf_person *p = conf_find_person(&r->people, uri);
	if (!p)
		return 403;
	if (!conf_leg_fits(leg))
		return 513;
	replace_leg(p, epid);
	if (!conf_has_room(p, CONFINFO_CHAT))
		return 486;
	/* Its GUID is known to the focus alone. */
	struct conf_endpoint *e = conf_new_endpoint(p, STR(""), CONFINFO_CHAT);
	conf_set_epid(e, epid);
	e->status = CONFINFO_CONNECTED;
	(void)conf_set_leg(e, leg);
	*ret = immcu_leg_new(r, p, e);
	immcu_room_mark(r, p);
	return 0;
}

void immcu_leave(struct immcu_leg **lp)
{
	immcu_leg_free(take(lp));
}

/* --- saying --------------------------------------------------------------------------- */

static void send_text(struct immcu_leg *leg, const struct immcu_text *t)
{
	struct immcu *m = leg->room->mcu;
	struct confinfo_leg *dialog = leg->endpoint->leg;
	leg->busy = true;
	dialog->local_cseq++;
	m->stats.sent++;
	if (dialog->local_cseq - leg->reported_cseq >= IMMCU_CSEQ_JUMP / 2)
		immcu_room_mark(leg->room, leg->person);
	m->ops->send(m->arg, leg, &t->message);
}

/* False: the leg is too slow. */
static bool give(struct immcu_leg *leg, struct immcu_text *t, bool typing)
{
	if (!leg->busy) {
		send_text(leg, t);
		return true;
	}
	return typing || queue_put(leg, t);
}

static void give_person(const struct conf_person *p, struct immcu_text *t,
                        const struct immcu_said *s)
{
	bool no_pagers = s->typing && !s->pagers_only;
	list_for(n, &p->endpoints)
	{
		const struct conf_endpoint *e = list_entry(n, struct conf_endpoint, node);
		struct immcu_leg *leg = e->owner;
		if (!leg || leg == s->from || (e->leg->pager ? no_pagers : s->pagers_only))
			continue;
		if (!give(leg, t, s->typing))
			immcu_leg_end(leg, IMMCU_SLOW);
	}
}

static int check(const struct immcu_room *r, const struct immcu_said *s)
{
	if (!conf_find_person(&r->people, s->sender))
		return 403;
	if (s->type.len == 0)
		return 415;
	if (s->body.len > IMMCU_BODY_MAX || s->type.len > IMMCU_TYPE_MAX)
		return 413;
	return r->mcu->stats.held > IMMCU_HELD_MAX ? 503 : 0;
}

uint64_t immcu_number(const struct immcu_room *r)
{
	return r->mcu->before + r->n_said;
}

int immcu_say(struct immcu_room *r, const struct immcu_said *s)
{
	int code = check(r, s);
	if (code || (s->typing && r->n_people > IMMCU_TYPING_MAX))
		return code;
	if (!s->typing) {
		r->n_said++;
		r->mcu->stats.said++;
	}
	struct immcu_text *t = text_new(r->mcu, immcu_number(r), s);
	list_for(n, &r->people)
	{
		give_person(list_entry(n, struct conf_person, node), t, s);
	}
	text_unref(r->mcu, t);
	return 0;
}

bool immcu_has_dialog(const struct conf_person *p)
{
	list_for(n, &p->endpoints)
	{
		const struct conf_endpoint *e = list_entry(n, struct conf_endpoint, node);
		if (e->owner && !e->leg->pager)
			return true;
	}
	return false;
}

bool immcu_has_dialogs(const struct immcu_room *r)
{
	list_for(n, &r->people)
	{
		if (immcu_has_dialog(list_entry(n, struct conf_person, node)))
			return true;
	}
	return false;
}

/* RFC 5057 section 5.1: answers that end the dialog. */
static bool ends_dialog(int code)
{
	static const int codes[] = { 404, 410, 416, 481, 482, 483, 484, 485, 502, 604 };
	for (size_t i = 0; i < ARRAY_SIZE(codes); i++)
		if (codes[i] == code)
			return true;
	return false;
}

void immcu_answered(struct immcu_leg *leg, int code)
{
	struct immcu *m = leg->room->mcu;
	leg->busy = false;
	if (code >= 300)
		m->stats.failed++;
	if (code == 408 || code == 480) {
		immcu_leg_end(leg, IMMCU_SILENT);
	} else if (ends_dialog(code)) {
		immcu_leg_end(leg, IMMCU_FORGOTTEN);
	} else if (leg->n_waiting > 0) {
		struct immcu_text *t = next_text(leg);
		send_text(leg, t);
		text_unref(m, t);
	}
}
