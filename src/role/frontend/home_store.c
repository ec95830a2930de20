#include <errno.h>
#include <stdlib.h>

#include "role/frontend/fe.h"

/* What is kept of the users who live here: one row each, with the own data and the list of contacts
 * as the documents that clients know.  Durability *must* (design section 4). */

static const char sql_get[] = "select presence, contacts from home where account = $1";
static const char sql_put[] =
        "insert into home (account, generation, presence, contacts) values ($1, 1, $2, $3)"
        " on conflict (account) do update set presence = excluded.presence,"
        " contacts = excluded.contacts";

static void on_row(void *arg, const struct store_val *c, int n UNUSED)
{
	struct person *p = arg;
	if ((c[0].s.len > 0 && presentity_read(&p->p, c[0].s) < 0) ||
	    (c[1].s.len > 0 && contacts_read(&p->contacts, c[1].s) < 0))
		log_error(NULL, "home-not-read", "user=%s", log_esc(str_of(p->aor)));
}

void fe_home_load(struct person *p)
{
	struct frontend *fe = p->owner;
	struct store_val v[] = { STORE_I(p->p.account) };
	int r = store_read(fe->store, sql_get, v, ARRAY_SIZE(v), on_row, p);
	if (r < 0)
		log_error(NULL, "home-not-read", "user=%s error=%d", log_esc(str_of(p->aor)), -r);
}

/* A write under way. */
struct saving {
	struct frontend *fe;
	struct person *p;
	fe_saved_fn *done;
	void *arg;
};

/* What was not written is not true: the record goes back to what the store has. */
void fe_home_reload(struct person *p)
{
	struct contact_list old = p->contacts;
	contacts_init(&p->contacts);
	fe_home_load(p);
	fe_published_again(p);
	fe_lists_changed(p);
	contacts_done(&old);
	presentity_signed_in(&p->p, p->p.signed_in, p->p.phone_online,
	                     people_wall(((struct frontend *)p->owner)->people));
	fe_tell_rosters_anew(p);
	person_changed(p);
}

static void on_saved(void *arg, int err, int64_t id UNUSED)
{
	struct saving *s = arg;
	struct person *p = s->p;
	p->busy--;
	if (err < 0) {
		log_warning(NULL, "home-not-stored", "user=%s why=%s", log_esc(str_of(p->aor)),
		            log_text(str_of(strerror(-err))));
		if (!s->fe->store_closing)
			fe_home_reload(p);
	}
	if (s->done)
		s->done(s->arg, p, err);
	if (!s->fe->store_closing)
		person_maybe_reap(p);
	free(s);
}

void fe_home_save(struct person *p, fe_saved_fn *done, void *arg)
{
	struct frontend *fe = p->owner;
	auto_(buf_free) struct buf presence = buf_of(STORE_WRITE_MAX / 2);
	auto_(buf_free) struct buf contacts = buf_of(STORE_WRITE_MAX / 2);
	struct self_parts parts = SELF_KEPT;
	struct saving *s = xnew(struct saving);
	doc_put_self(&presence, &p->p, &parts);
	contacts_put(&contacts, &p->contacts, STR(""));
	*s = (struct saving){ fe, p, done, arg };
	struct store_val v[] = { STORE_I(p->p.account), STORE_S(buf_view(&presence)),
		                 STORE_S(buf_view(&contacts)) };
	struct store_stmt st = { .sql = sql_put, .params = v, .n_params = ARRAY_SIZE(v) };
	p->busy++;
	int r = presence.full || contacts.full
	                ? -E2BIG
	                : store_write(fe->store, STORE_MUST, &st, 1, on_saved, s);
	if (r < 0)
		on_saved(s, r, 0);
}
