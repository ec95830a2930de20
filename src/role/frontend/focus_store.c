#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "role/frontend/focus.h"

/* The rows of conferences.  Durability: what their organizers decide *must*, when they were last
 * used *should* (design section 4). */

static const char sql_put[] =
        "insert or replace into conference (key, generation, account, organizer, name, id, subject,"
        " admission, promote, lobby, mcus, invited, created, expires, last_active, revision,"
        " lasting)"
        " values ($1, 1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)";
static const char sql_touch[] = "update conference set last_active = $2 where key = $1";
static const char sql_drop[] = "delete from conference where key = $1";
static const char sql_all[] =
        "select key, account, organizer, name, id, subject, admission, promote, lobby, mcus,"
        " invited, created, expires, last_active, revision, lasting from conference";

static void on_row(void *arg, const struct store_val *c, int n UNUSED)
{
	struct focus *fo = arg;
	struct conf_row row = {
		.organizer = c[2].s,
		.organizer_name = c[3].s,
		.id = c[4].s,
		.subject = c[5].s,
		.admission = c[6].s,
		.promote = (uint32_t)c[7].i,
		.lobby = c[8].i != 0,
		.mcus = (uint32_t)c[9].i,
		.invited = c[10].s,
		.created_s = (uint64_t)c[11].i,
		.expires_s = (uint64_t)c[12].i,
		.last_active_s = (uint64_t)c[13].i,
		.revision = (uint32_t)c[14].i,
		.lasting = c[15].i != 0,
	};
	int r = conferences_load(fo->set, focus_now_s(fo), &row);
	if (r < 0) {
		log_error(NULL, "conference-not-read", "organizer=%s id=%s why=%s",
		          log_esc(row.organizer), log_esc(row.id), log_text(str_of(strerror(-r))));
		return;
	}
	(void)room_new(fo, conferences_find(fo->set, row.organizer, row.id), (uint64_t)c[1].i,
	               (uint64_t)c[0].i);
}

void focus_load(struct focus *fo)
{
	int n = store_read(fo->fe->store, sql_all, NULL, 0, on_row, fo);
	if (n < 0)
		log_error(NULL, "conferences-not-read", "error=%d", -n);
	else
		log_info(NULL, "conferences-restored", "n=%zu", conferences_count(fo->set));
}

/* --- writing -------------------------------------------------------------------------------- */

/* A write under way, and the request that is answered when it is on disk. */
struct saving {
	struct list node; /* in focus->not_taken */
	struct focus *focus;
	struct task *t;
	struct room *room; /* whose first row it writes; NULL: of no new one */
	struct buf answer;
	int err; /* why the store did not take it */
};

void focus_forget_adding(struct room *r)
{
	if (r->adding)
		r->adding->room = NULL;
	r->adding = NULL;
}

/* What a restart would forget must not be there meanwhile: its organizer was told that it is not.
 * Who has come in is sent away; the row, which a later change may have made, goes too. */
static void take_back(struct room *r)
{
	struct conference *c = r->c;
	log_info(NULL, "conference-taken-back", "organizer=%s id=%s people=%u",
	         log_esc(str_of(c->organizer)), log_esc(str_of(c->id)), c->n_inside);
	conference_forget(&c);
}

static void answer(struct saving *s, int err)
{
	if (s->t && err < 0)
		task_refuse(s->t, REFUSE_STORE, STR(""));
	else if (s->t)
		task_answer(s->t, STR(""), STR("application/cccp+xml"), buf_view(&s->answer));
}

static void on_saved(void *arg, int err, int64_t id UNUSED)
{
	struct saving *s = arg;
	struct room *r = s->room;
	if (err < 0)
		log_error(NULL, "conference-not-stored", "why=%s",
		          log_text(str_of(strerror(-err))));
	if (s->focus->saving == s)
		s->focus->saving = NULL;
	answer(s, err);
	if (r)
		focus_forget_adding(r);
	if (r && err < 0 && !s->focus->fe->store_closing)
		take_back(r);
	buf_free(&s->answer);
	free(s);
}

/* Not from inside the model, which goes on with the conference. */
static void on_not_taken(void *arg)
{
	struct focus *fo = arg;
	while (!list_empty(&fo->not_taken)) {
		struct saving *s = list_entry(fo->not_taken.next, struct saving, node);
		list_del(&s->node);
		on_saved(s, s->err, 0);
	}
}

void focus_store_init(struct focus *fo)
{
	list_init(&fo->not_taken);
	defer_init(&fo->tell_not_taken, on_not_taken, fo);
}

void focus_store_done(struct focus *fo)
{
	defer_cancel(&fo->tell_not_taken);
	on_not_taken(fo);
}

static struct saving *write_row(struct focus *fo, enum store_durability d, const char *sql,
                                const struct store_val *v, size_t n)
{
	struct store_stmt st = { .sql = sql, .params = v, .n_params = n };
	struct saving *s = xnew(struct saving);
	list_init(&s->node);
	s->focus = fo;
	fo->saving = s;
	s->err = store_write(fo->fe->store, d, &st, 1, on_saved, s);
	if (s->err < 0) {
		list_add(&fo->not_taken, &s->node);
		loop_defer(fo->fe->loop, &fo->tell_not_taken);
	}
	return s;
}

static void put(struct room *r)
{
	auto_(buf_free) struct buf invited = buf_of(CONF_INVITED_TEXT_MAX);
	struct conf_row row;
	conf_row_of(&row, &invited, r->c);
	struct store_val v[] = {
		STORE_I(r->key),        STORE_I(r->account),
		STORE_S(row.organizer), STORE_S(row.organizer_name),
		STORE_S(row.id),        STORE_S(row.subject),
		STORE_S(row.admission), STORE_I(row.promote),
		STORE_I(row.lobby),     STORE_I(row.mcus),
		STORE_S(row.invited),   STORE_I(row.created_s),
		STORE_I(row.expires_s), STORE_I(row.last_active_s),
		STORE_I(row.revision),  STORE_I(row.lasting),
	};
	struct saving *s = write_row(r->focus, STORE_MUST, sql_put, v, ARRAY_SIZE(v));
	if (r->is_new) {
		s->room = r;
		r->adding = s;
		r->is_new = false;
	}
}

void focus_save(struct room *r, enum conf_save how)
{
	struct store_val v[] = { STORE_I(r->key), STORE_I(r->c->last_active_s) };
	if (how == CONF_SAVE)
		put(r);
	else if (how == CONF_SAVE_LATER)
		(void)write_row(r->focus, STORE_SHOULD, sql_touch, v, 2);
	else
		(void)write_row(r->focus, STORE_MUST, sql_drop, v, 1);
}

void focus_answer_saved(struct focus *fo, struct task *t, struct buf *answer)
{
	struct saving *s = fo->saving;
	if (!s) {
		task_refuse(t, REFUSE_STORE, STR(""));
		return;
	}
	s->t = task_keep(t);
	s->t->holder = &s->t;
	s->answer = *answer;
	*answer = buf_of(0);
}
