#include <assert.h>

#include "svc/conference/stored.h"
#include "svc/immcu/immcu.h"

/* A focus and an IM MCU, driven by bytes: three each are step, person, choice.  Now and then one of
 * them starts anew from what the other knows. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { PEOPLE = 6, STEPS_MAX = 300 };
#define FOCUS "sip:u0@e.test;gruu;opaque=app:conf:focus:id:SCHED123"

struct world {
	struct conf_settings settings;
	struct conferences *set;
	struct conference *c; /* NULL: forgotten */
	struct immcu *mcu;
	uint64_t now_s;
};

/* --- ops ------------------------------------------------------------------------------ */

static struct immcu_room *room_of(const struct world *w)
{
	return immcu_find(w->mcu, STR(FOCUS));
}

static void on_changed(void *arg UNUSED, struct conference *c)
{
	assert(c->changed);
}

static void on_tell(void *arg UNUSED, struct conference *c, const struct conf_person *p)
{
	assert(!p || (!p->gone && !p->waits && conference_person(c, str_of(p->uri)) == p));
}

static void on_removed(void *arg UNUSED, struct conference *c UNUSED, const struct conf_person *p,
                       enum conf_end why UNUSED)
{
	assert(p->gone);
}

static void on_emptied(void *arg UNUSED, struct conference *c)
{
	assert(c->n_inside + c->n_waiting == 0);
}

static void on_save(void *arg, struct conference *c UNUSED, enum conf_save how)
{
	struct world *w = arg;
	if (how == CONF_FORGET)
		w->c = NULL;
}

static void on_send(void *arg UNUSED, struct immcu_leg *leg, const struct immcu_message *m)
{
	assert(immcu_leg_dialog(leg) && m->sender.len > 2);
}

static void on_end(void *arg UNUSED, struct immcu_leg *leg, enum immcu_end why UNUSED)
{
	assert(immcu_leg_dialog(leg));
}

static void on_room(void *arg UNUSED, struct immcu_room *r)
{
	assert(r->changed);
}

static void on_lost(void *arg UNUSED, struct conference *c UNUSED, const struct conf_person *p,
                    const struct conf_endpoint *focus)
{
	assert(!p->gone && !p->waits && focus->status == CONFINFO_PENDING && focus->leg);
}

static const struct conf_ops focus_ops = {
	.changed = on_changed,
	.tell_mcus = on_tell,
	.removed = on_removed,
	.lost = on_lost,
	.emptied = on_emptied,
	.save = on_save,
};
static const struct immcu_ops mcu_ops = { .send = on_send, .end = on_end, .changed = on_room };

/* --- invariants ----------------------------------------------------------------------- */

static unsigned length(const struct list *l)
{
	unsigned n = 0;
	for (const struct list *i = l->next; i != l; i = i->next)
		n++;
	return n;
}

static void check_focus(const struct conference *c)
{
	unsigned inside = 0, waiting = 0;
	list_for(n, &c->people)
	{
		const struct conf_person *p = list_entry(n, struct conf_person, node);
		assert(p->n_endpoints == length(&p->endpoints));
		assert(p->n_endpoints <= CONFINFO_ENDPOINTS_MAX);
		assert(p->gone ? p->n_endpoints == 0 && p->changed : p->n_endpoints > 0);
		inside += !p->gone && !p->waits;
		waiting += !p->gone && p->waits;
	}
	assert(c->n_inside == inside && c->n_waiting == waiting);
	assert(c->n_inside < PEOPLE);
}

static void check_mcu(const struct world *w)
{
	const struct immcu_room *r = room_of(w);
	unsigned legs = 0;
	if (r)
		list_for(n, &r->people)
		{
			const struct conf_person *p = list_entry(n, struct conf_person, node);
			assert(p->n_endpoints == length(&p->endpoints));
			list_for(e, &p->endpoints)
			{
				legs += list_entry(e, struct conf_endpoint, node)->owner != NULL;
			}
		}
	assert(legs == (r ? r->n_legs : 0) && legs == immcu_stats(w->mcu)->legs);
	assert(!r || r->n_people == length(&r->people));
	assert(legs > 0 || immcu_stats(w->mcu)->held == 0);
}

/* Documents can be read by those who get them. */
static void check_documents(const struct conference *c, unsigned view)
{
	auto_(arena_free) struct arena *a = arena_new();
	auto_(buf_free) struct buf b = buf_of(XML_TEXT_MAX);
	struct confinfo ci;
	conference_put_full(&b, c, view % 3);
	assert(!b.full && confinfo_parse(&ci, a, buf_view(&b)) == 0);
	assert(ci.n_users <= c->n_inside + c->n_waiting);
	b.len = 0;
	conference_put_changes(&b, c, view % 3);
	assert(!b.full && confinfo_parse(&ci, a, buf_view(&b)) == 0 && ci.version > c->version);
}

/* --- steps ---------------------------------------------------------------------------- */

static struct str uri_of(struct arena *a, unsigned person)
{
	return arena_printf(a, "sip:u%u@e.test", person % PEOPLE);
}

static void add(struct world *w)
{
	struct conf_who by = { .uri = STR("sip:u0@e.test") };
	struct confinfo wanted = { .id = STR("SCHED123") };
	if (!w->c)
		assert(conferences_add(w->set, w->now_s, &by, &wanted, &w->c) == C3P_NO_REASON);
}

static void join(struct world *w, struct arena *a, unsigned person, unsigned how)
{
	struct confinfo_leg leg = { .call_id = arena_printf(a, "f%u-%u", person, how % 4) };
	struct conf_join j = { .who = { uri_of(a, person), STR("Name"), how / 4 % 3 },
		               .entity = arena_printf(a, "{%u}", how % 4),
		               .can_wait = how & 128,
		               .leg = &leg };
	const struct conf_person *p;
	enum c3p_reason why;
	(void)conference_join(w->c, w->now_s, &j, &p, &why);
}

static void command(struct world *w, struct arena *a, unsigned person, unsigned how)
{
	struct c3p_msg m = { .command = how % C3P_N_COMMANDS,
		             .user = uri_of(a, how / 16),
		             .role = how / 8 % CONFINFO_N_ROLES,
		             .locked = how & 64 ? CONFINFO_YES : CONFINFO_NO,
		             .granted = how & 32 ? CONFINFO_YES : CONFINFO_NO };
	(void)conference_command(w->c, w->now_s, uri_of(a, person), &m);
}

static void focus_to_mcu(struct world *w, struct arena *a)
{
	struct confinfo ci;
	struct immcu_room *r;
	conference_mcu_info(&ci, a, w->c, CONFINFO_CHAT);
	assert(immcu_open(w->mcu, &ci, &r) == C3P_NO_REASON && r == room_of(w));
}

static void mcu_to_focus(struct world *w, struct arena *a, bool all)
{
	struct immcu_room *r = room_of(w);
	struct confinfo ci;
	if (!r)
		return;
	if (all)
		immcu_roster(&ci, a, r);
	else
		immcu_changes(&ci, a, r);
	(void)conference_mcu_roster(w->c, w->now_s, CONFINFO_CHAT, &ci);
	immcu_changes_done(r);
}

static void leg_step(struct world *w, struct arena *a, unsigned person, unsigned how)
{
	struct immcu_room *r = room_of(w);
	struct str call_id = arena_printf(a, "c%u-%u", person % PEOPLE, how % 4);
	struct confinfo_leg dialog = { .call_id = call_id };
	struct immcu_leg *leg = r ? immcu_leg_of(r, uri_of(a, person), call_id) : NULL;
	if (r && !leg)
		(void)immcu_join(r, uri_of(a, person), arena_printf(a, "e%u", how % 3), &dialog,
		                 &leg);
	else if (leg && how & 64)
		immcu_leave(&leg);
	else if (leg)
		immcu_answered(leg, how & 128 ? 481 : 200);
}

static void say(struct world *w, struct arena *a, unsigned person, unsigned how)
{
	struct immcu_room *r = room_of(w);
	struct immcu_said s = { .sender = uri_of(a, person),
		                .type = STR("text/plain"),
		                .body = STR("x"),
		                .typing = how & 1 };
	for (unsigned i = 0; r && i <= how / 2; i++)
		(void)immcu_say(r, &s);
}

/* What a restart loses. */
static void restart_focus(struct world *w)
{
	auto_(buf_free) struct buf b = buf_of(CONF_INVITED_TEXT_MAX);
	struct conferences *set = conferences_new(&w->settings, &focus_ops, w);
	struct conf_row row;
	conf_row_of(&row, &b, w->c);
	assert(conferences_load(set, w->now_s, &row) == 0);
	conferences_free(&w->set);
	w->set = set;
	w->c = conferences_find(set, STR("sip:u0@e.test"), STR("SCHED123"));
	assert(w->c);
}

static void restart_mcu(struct world *w)
{
	immcu_free(&w->mcu);
	w->mcu = immcu_new(&mcu_ops, w, 0);
}

static void later(struct world *w, unsigned how)
{
	w->now_s += how * 600;
	(void)conferences_expire(w->set, w->now_s);
}

static void leave(struct world *w, struct arena *a, unsigned person, unsigned how)
{
	(void)conference_leave(w->c, w->now_s, uri_of(a, person),
	                       arena_printf(a, "f%u-%u", person, how % 4));
}

static void step(struct world *w, struct arena *a, const uint8_t *d)
{
	add(w);
	switch (d[0] % 12) {
	case 0:
	case 1:
		join(w, a, d[1], d[2]);
		break;
	case 2:
		leave(w, a, d[1], d[2]);
		break;
	case 3:
		command(w, a, d[1], d[2]);
		break;
	case 4:
		focus_to_mcu(w, a);
		break;
	case 5:
		mcu_to_focus(w, a, d[2] & 1);
		break;
	case 6:
	case 7:
		leg_step(w, a, d[1], d[2]);
		break;
	case 8:
		say(w, a, d[1], d[2]);
		break;
	case 9:
		check_documents(w->c, d[2]);
		conference_changes_done(w->c);
		break;
	case 10:
		d[2] & 1 ? restart_focus(w) : restart_mcu(w);
		break;
	default:
		later(w, d[2]);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct world w = { .settings = conf_settings_default, .now_s = 1000000 };
	w.settings.people_max = PEOPLE - 1;
	w.set = conferences_new(&w.settings, &focus_ops, &w);
	w.mcu = immcu_new(&mcu_ops, &w, 0);
	for (size_t i = 0; i + 3 <= size && i < 3 * STEPS_MAX; i += 3) {
		auto_(arena_free) struct arena *a = arena_new();
		step(&w, a, data + i);
		if (w.c)
			check_focus(w.c);
		check_mcu(&w);
	}
	conferences_free(&w.set);
	immcu_free(&w.mcu);
	return 0;
}
