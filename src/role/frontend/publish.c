#include <errno.h>
#include <stdlib.h>

#include "base/rand.h"
#include "role/frontend/fe.h"
#include "svc/presence/simple.h"

/* PUBLISH (RFC 3903) at the home of who asks: what phones say of their user's presence.  Each
 * publication lives beside those of Lync clients as long as its phone keeps it, and at the most as
 * long as that is signed in. */

enum {
	PUBLISHED_MAX = 10, /* of a user: 403 */
	ETAG_LEN = 16,      /* letters and digits: 94 bits */
};

struct published {
	struct list node; /* of the person */
	struct person *person;
	struct timer expiry;
	uint64_t endpoint; /* 0: of no phone that is known */
	uint32_t number;   /* of its publications (simple.h) */
	char etag[ETAG_LEN + 1];
	struct token_hint hint;
	usec_t ends; /* wall clock */
	bool stored;
	struct buf body;
};

static struct frontend *fe_of(const struct published *q)
{
	return q->person->owner;
}

/* --- what it says -------------------------------------------------------------------------- */

/* doc NULL: nothing any more. */
static void say(struct published *q, const struct pidf *doc)
{
	struct server_publication v[SIMPLE_PUBLICATIONS];
	simple_publications(v, doc, q->number, q->endpoint);
	presentity_put(&q->person->p, v, SIMPLE_PUBLICATIONS, people_wall(fe_of(q)->people));
}

static void published_free(struct published *q)
{
	list_del(&q->node);
	timer_stop(&q->expiry);
	buf_free(&q->body);
	free(q);
}

static void store(struct published *q)
{
	const struct row_key key = { ROW_PUBLISHED, q->person->p.account, q->number, 0 };
	bool keep = fe_must_survive(fe_of(q), &q->hint);
	if (keep || q->stored)
		fe_store_row(fe_of(q), &key);
	q->stored = keep;
}

/* Written behind: until then the row would come back with the record. */
static void drop_row(struct frontend *fe, struct person *p, const struct row_key *key)
{
	fe_store_row(fe, key);
	person_stay(p);
}

static void end(struct published *q)
{
	struct person *p = q->person;
	const struct row_key key = { ROW_PUBLISHED, p->p.account, q->number, 0 };
	struct frontend *fe = fe_of(q);
	bool stored = q->stored;
	say(q, NULL);
	published_free(q);
	if (stored)
		drop_row(fe, p, &key);
	fe_look_at_endpoints(fe, p);
}

static void on_expiry(void *arg)
{
	end(arg);
}

static void set_life(struct published *q, usec_t seconds)
{
	struct frontend *fe = fe_of(q);
	q->ends = people_wall(fe->people) + seconds * USEC_PER_SEC;
	timer_set(&q->expiry, loop_now(fe->loop) + seconds * USEC_PER_SEC);
}

/* --- those of a user ----------------------------------------------------------------------- */

static struct published *find_number(const struct person *p, uint32_t number)
{
	list_for(it, &p->published)
	{
		struct published *q = list_entry(it, struct published, node);
		if (q->number == number)
			return q;
	}
	return NULL;
}

static struct published *find_tag(const struct person *p, struct str etag)
{
	list_for(it, &p->published)
	{
		struct published *q = list_entry(it, struct published, node);
		if (str_eq(str_of(q->etag), etag))
			return q;
	}
	return NULL;
}

static unsigned count(const struct person *p)
{
	unsigned n = 0;
	list_for(it, &p->published) n++;
	return n;
}

bool fe_publishes(const struct person *p, uint64_t endpoint)
{
	list_for(it, &p->published)
	{
		struct published *q = list_entry(it, struct published, node);
		if (q->endpoint == endpoint)
			return true;
	}
	return false;
}

void fe_published_gone(struct person *p, uint64_t endpoint, bool all)
{
	list_for(it, &p->published)
	{
		struct published *q = list_entry(it, struct published, node);
		const struct row_key key = { ROW_PUBLISHED, p->p.account, q->number, 0 };
		struct frontend *fe = p->owner;
		bool stored = q->stored;
		if (!all && q->endpoint != endpoint)
			continue;
		published_free(q);
		if (stored)
			drop_row(fe, p, &key);
	}
}

void fe_published_again(struct person *p)
{
	list_for(it, &p->published)
	{
		auto_(arena_free) struct arena *a = arena_new();
		struct published *q = list_entry(it, struct published, node);
		struct pidf doc;
		if (pidf_parse(&doc, a, buf_view(&q->body)) == 0)
			say(q, &doc);
	}
}

void fe_published_forget(struct person *p)
{
	list_for(it, &p->published) published_free(list_entry(it, struct published, node));
}

static void new_tag(struct published *q)
{
	struct buf b = BUF_ON(q->etag);
	memset(q->etag, 0, sizeof(q->etag));
	rand_token(&b, ETAG_LEN);
}

static struct published *published_new(struct person *p, uint32_t number)
{
	struct frontend *fe = p->owner;
	struct published *q = xnew(struct published);
	q->person = p;
	q->number = number;
	q->body = buf_of(PIDF_BYTES_MAX);
	timer_init(&q->expiry, fe->loop, on_expiry, q);
	list_add(&p->published, &q->node);
	return q;
}

static uint32_t free_number(const struct person *p)
{
	uint32_t number;
	do
		number = rand_below(SIMPLE_NUMBER_MAX);
	while (find_number(p, number));
	return number;
}

/* --- what is asked ------------------------------------------------------------------------- */

struct publish_rq {
	struct published *old; /* NULL: a new one */
	uint32_t expires_s;
	struct str body; /* empty: it goes on */
	struct pidf doc;
};

static enum refusal read_body(const struct task *t, struct arena *a, struct publish_rq *ret)
{
	auto_(buf_free) struct buf b = buf_of(PIDF_BYTES_MAX);
	if (t->msg->body.len == 0)
		return ret->old ? REFUSE_NOTHING : REFUSE_BAD_BODY;
	enum refusal why = fe_read_body(t->msg, STR("application/pidf+xml"), &b, &ret->body);
	if (why)
		return why;
	ret->body = arena_str(a, ret->body);
	int r = pidf_parse(&ret->doc, a, ret->body);
	return r == -E2BIG ? REFUSE_TOO_LARGE : r < 0 ? REFUSE_BAD_BODY : REFUSE_NOTHING;
}

static enum refusal read_request(const struct task *t, struct person *p, struct arena *a,
                                 struct publish_rq *ret)
{
	struct str tag = sip_value(t->msg, SIP_H_SIP_IF_MATCH);
	int r = sub_expires(t->msg, false, &ret->expires_s);
	if (r < 0)
		return fe_sub_refusal(r);
	ret->old = tag.len > 0 ? find_tag(p, tag) : NULL;
	if (tag.len > 0 && !ret->old)
		return REFUSE_NO_PUBLICATION;
	enum refusal why = read_body(t, a, ret);
	if (why)
		return why;
	return !ret->old && count(p) >= PUBLISHED_MAX ? REFUSE_TOO_MANY_ITEMS : REFUSE_NOTHING;
}

/* The phone that publishes: by its Contact or connection, else by where it is. */
static uint64_t endpoint_of(struct frontend *fe, uint64_t account, const struct token *end)
{
	struct home_user *u = registrar_user(fe->registrar, account);
	if (!u || (end->endpoint && registrar_endpoint(u, end->endpoint)))
		return end->endpoint;
	binding_for(b, u)
	{
		struct token_hint h = binding_hint(b);
		if (token_hint_eq(&h, &end->hint))
			return b->endpoint;
	}
	return 0;
}

static struct published *take_publication(struct task *t, struct person *p,
                                          const struct publish_rq *rq)
{
	struct frontend *fe = t->fe;
	struct published *q = rq->old;
	struct token end;
	if (!q)
		q = published_new(p, free_number(p));
	fe_sender_end(t, &end);
	q->endpoint = endpoint_of(fe, t->who.account, &end);
	q->hint = end.hint;
	new_tag(q);
	set_life(q, rq->expires_s);
	if (rq->body.len > 0) {
		q->body.len = 0;
		buf_str(&q->body, rq->body);
		say(q, &rq->doc);
	}
	store(q);
	fe_look_at_endpoints(fe, p);
	return q;
}

static void answer(struct task *t, const char *etag, uint32_t expires_s)
{
	char text[128];
	struct buf lines = BUF_ON(text);
	buf_printf(&lines, "SIP-ETag: %s\r\nExpires: %u\r\n", etag, expires_s);
	task_answer(t, buf_view(&lines), STR(""), STR(""));
}

static struct str lines_of(enum refusal why)
{
	return why == REFUSE_INTERVAL    ? STR("Min-Expires: 60\r\n")
	       : why == REFUSE_BODY_TYPE ? STR("Accept: application/pidf+xml\r\n"
	                                       "Accept-Encoding: deflate\r\n")
	                                 : STR("");
}

static void publish(struct task *t, struct person *p)
{
	auto_(arena_free) struct arena *a = arena_new();
	struct publish_rq rq = { 0 };
	enum refusal why = read_request(t, p, a, &rq);
	char none[ETAG_LEN + 1];
	struct buf nb = BUF_ON(none);
	if (why) {
		task_refuse(t, why, lines_of(why));
	} else if (rq.expires_s > 0) {
		struct published *q = take_publication(t, p, &rq);
		answer(t, q->etag, rq.expires_s);
	} else {
		if (rq.old)
			end(rq.old);
		memset(none, 0, sizeof(none));
		rand_token(&nb, ETAG_LEN);
		answer(t, none, 0);
	}
}

void fe_publish_home(struct task *t)
{
	struct person *p = people_get(t->fe->people, t->who.uri);
	if (!str_ieq(fe_event_of(t->msg), STR("presence")))
		task_refuse(t, REFUSE_EVENT, STR("Allow-Events: presence\r\n"));
	else if (!fe_is_own(t))
		task_refuse(t, REFUSE_NOT_OWN_DATA, STR(""));
	else if (!p || p->where != PERSON_HERE)
		task_retry(t, fe_publish_home);
	else
		publish(t, p);
}

/* --- what is kept -------------------------------------------------------------------------- */

bool fe_published_get(struct person *p, uint32_t number, struct published_row *ret)
{
	struct published *q = find_number(p, number);
	if (!q || !fe_must_survive(fe_of(q), &q->hint))
		return false;
	*ret = (struct published_row){ number,  q->endpoint,     q->hint,
		                       q->ends, str_of(q->etag), buf_view(&q->body) };
	return true;
}

void fe_published_restore(struct person *p, const struct published_row *row)
{
	auto_(arena_free) struct arena *a = arena_new();
	struct frontend *fe = p->owner;
	usec_t wall = people_wall(fe->people);
	struct pidf doc;
	if (row->ends <= wall || row->etag.len != ETAG_LEN || find_number(p, row->number) ||
	    pidf_parse(&doc, a, row->body) < 0)
		return;
	struct published *q = published_new(p, row->number);
	q->endpoint = row->endpoint;
	q->hint = row->hint;
	q->stored = true;
	memcpy(q->etag, row->etag.p, ETAG_LEN);
	buf_str(&q->body, row->body);
	set_life(q, (row->ends - wall) / USEC_PER_SEC + 1);
	say(q, &doc);
}
