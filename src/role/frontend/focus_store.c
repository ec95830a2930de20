#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "role/frontend/focus.h"

/* The rows of conferences.  Durability: what their organizers decide *must*, when they were last
 * used *should* (design section 4). */

static const char sql_put[] =
        "insert or replace into conference (key, generation, account, organizer, name, id, subject,"
        " admission, promote, lobby, mcus, invited, created, expires, last_active, revision)"
        " values ($1, 1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)";
static const char sql_touch[] = "update conference set last_active = $2 where key = $1";
static const char sql_drop[] = "delete from conference where key = $1";
static const char sql_all[] =
        "select key, account, organizer, name, id, subject, admission, promote, lobby, mcus,"
        " invited, created, expires, last_active, revision from conference";

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
	};
	int r = conferences_load(fo->set, focus_now_s(fo), &row);
	if (r < 0) {
		log_error(NULL, "conference-not-read", "organizer=%s id=%s why=\"%s\"",
		          log_esc(row.organizer), log_esc(row.id), strerror(-r));
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
	struct focus *focus;
	struct task *t;
	struct buf answer;
};

static void on_saved(void *arg, int err, int64_t id UNUSED)
{
	struct saving *s = arg;
	if (err < 0)
		log_error(NULL, "conference-not-stored", "why=\"%s\"", strerror(-err));
	if (s->focus->saving == s)
		s->focus->saving = NULL;
	if (s->t && err < 0)
		task_refuse(s->t, REFUSE_STORE, STR(""));
	else if (s->t)
		task_answer(s->t, STR(""), STR("application/cccp+xml"), buf_view(&s->answer));
	buf_free(&s->answer);
	free(s);
}

static void write_row(struct focus *fo, enum store_durability d, const char *sql,
                      const struct store_val *v, size_t n)
{
	struct store_stmt st = { .sql = sql, .params = v, .n_params = n };
	struct saving *s = xnew(struct saving);
	s->focus = fo;
	fo->saving = s;
	int r = store_write(fo->fe->store, d, &st, 1, on_saved, s);
	if (r < 0)
		on_saved(s, r, 0);
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
		STORE_I(row.revision),
	};
	write_row(r->focus, STORE_MUST, sql_put, v, ARRAY_SIZE(v));
}

void focus_save(struct room *r, enum conf_save how)
{
	struct store_val v[] = { STORE_I(r->key), STORE_I(r->c->last_active_s) };
	if (how == CONF_SAVE)
		put(r);
	else if (how == CONF_SAVE_LATER)
		write_row(r->focus, STORE_SHOULD, sql_touch, v, 2);
	else
		write_row(r->focus, STORE_MUST, sql_drop, v, 1);
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
