#include "auth/accounts.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "auth/accounts_cache.h"
#include "base/log.h"
#include "loop/stream.h"

enum { LISTENERS_MAX = 8, PERSON_MAX = 4096 /* bytes of a frame */ };

enum req_kind { REQ_LOOKUP, REQ_AUTH, REQ_FOUND, REQ_OWN, REQ_PUSHES, REQ_COMMAND, REQ_PHOTO };

struct accounts_req {
	struct accounts *owner; /* NULL: the client has gone */
	struct list node;       /* of owner->open (in order of their deadlines), ready, commands */
	struct map_node by_id;
	uint32_t id;
	bool is_open; /* in owner->open or commands, and owner->by_id */
	enum req_kind kind;
	int err; /* of one in ready; 0: the cache has the answer */
	unsigned wait_s;
	usec_t deadline;
	accounts_lookup_fn *looked_up;
	accounts_auth_fn *decided;
	accounts_found_fn *found;
	accounts_owned_fn *owned;
	accounts_pushed_fn *pushed;
	accounts_photo_fn *pictured;
	accounts_said_fn *said;
	bool streams;
	void *arg;
	struct buf frame; /* kept: asked again when the link comes back */
	struct buf rows;  /* frames of what came so far: people, rows */
	size_t n_rows;
};

struct listener_fn_arg {
	accounts_event_fn *fn;
	void *arg;
};

struct accounts {
	struct loop *loop;
	struct stream *link; /* NULL while it is down */
	bool fed;            /* the feed runs: the cache may be filled */
	bool lost;           /* LOST was told, BACK not yet */
	uint64_t number;     /* the last change seen */
	uint32_t last_id;
	size_t n_open;
	struct list open, ready, commands;
	struct map by_id;
	struct timer timer;
	struct defer defer;
	struct accounts_cache cache;
	struct listener_fn_arg listeners[LISTENERS_MAX];
	unsigned n_listeners;
};

static const struct stream_limits link_limits = {
	.read_max = 4 * ACCT_FRAME_MAX,
	.write_max = 64 * 1024 * 1024,
	.open_max = ACCOUNTS_WAIT_S * USEC_PER_SEC,
};

static void tell(struct accounts *a, enum accounts_event ev, uint64_t account, uint64_t credential)
{
	for (unsigned i = 0; i < a->n_listeners; i++)
		a->listeners[i].fn(a->listeners[i].arg, ev, account, credential);
}

/* --- requests ------------------------------------------------------------------------ */

static uint64_t hash_id(const struct accounts *a, uint32_t id)
{
	return hash_bytes(&a->by_id.key, &id, sizeof(id));
}

static struct accounts_req *find_req(const struct accounts *a, uint32_t id)
{
	for (struct map_node *n = map_first(&a->by_id, hash_id(a, id)); n; n = map_next(n)) {
		struct accounts_req *r = container_of(n, struct accounts_req, by_id);
		if (r->id == id)
			return r;
	}
	return NULL;
}

static void end_command(const struct accounts_req *r)
{
	char space[64];
	struct buf b = { .p = space, .cap = sizeof(space), .max = sizeof(space) };
	if (!r->owner || !r->owner->link)
		return;
	acct_put(&b, &(struct acct_msg){ .type = ACCT_COMMAND_END, .id = r->id });
	stream_write(r->owner->link, buf_view(&b));
}

/* Takes it out of every list. */
static void unlink_req(struct accounts_req *r)
{
	list_del(&r->node);
	if (!r->is_open)
		return;
	map_del(&r->owner->by_id, &r->by_id);
	r->owner->n_open--;
	r->is_open = false;
}

static void free_req(struct accounts_req *r)
{
	wipe(r->frame.p, r->frame.len);
	wipe(r->rows.p, r->rows.len);
	buf_free(&r->frame);
	buf_free(&r->rows);
	free(r);
}

void accounts_req_free(struct accounts_req **rp)
{
	struct accounts_req *r = take(rp);
	if (!r)
		return;
	if (r->kind == REQ_COMMAND && r->is_open)
		end_command(r);
	unlink_req(r);
	free_req(r);
}

static void fail_req(struct accounts_req *r, int err)
{
	unlink_req(r);
	switch (r->kind) {
	case REQ_LOOKUP:
		r->looked_up(r->arg, err, NULL);
		break;
	case REQ_AUTH:
		r->decided(r->arg, &(struct accounts_auth){ .verdict = ACCOUNTS_FAILED });
		break;
	case REQ_FOUND:
		r->found(r->arg, &(struct accounts_found){ .err = err });
		break;
	case REQ_OWN:
		r->owned(r->arg, &(struct accounts_owned){ .end = { .status = ACCT_OWN_FAILED } });
		break;
	case REQ_PUSHES:
		r->pushed(r->arg, &(struct accounts_pushed){ .err = err });
		break;
	case REQ_PHOTO:
		r->pictured(r->arg, err, (struct bytes){ .len = 0 });
		break;
	case REQ_COMMAND:
		r->said(r->arg, &(struct accounts_said){ .over = true, .status = ACCT_OWN_FAILED });
		break;
	}
	free_req(r);
}

static void arm(struct accounts *a)
{
	if (list_empty(&a->open))
		timer_stop(&a->timer);
	else
		timer_set(&a->timer, list_entry(a->open.next, struct accounts_req, node)->deadline);
}

static void on_timer(void *arg)
{
	struct accounts *a = arg;
	while (!list_empty(&a->open)) {
		struct accounts_req *r = list_entry(a->open.next, struct accounts_req, node);
		if (r->deadline > loop_now(a->loop))
			break;
		fail_req(r, -ETIMEDOUT);
	}
	arm(a);
}

static void make_ready(struct accounts *a, struct accounts_req *r, int err)
{
	r->err = err;
	list_add(&a->ready, &r->node);
	loop_defer(a->loop, &a->defer);
}

static struct accounts_req *req_new(struct accounts *a, enum req_kind kind, void *arg)
{
	struct accounts_req *r = xnew(struct accounts_req);
	r->owner = a;
	r->kind = kind;
	r->wait_s = ACCOUNTS_WAIT_S;
	r->arg = arg;
	r->frame = buf_of(ACCT_FRAME_MAX);
	r->rows = buf_of(ACCT_MEMBERS_MAX * PERSON_MAX);
	list_init(&r->node);
	return r;
}

static uint32_t next_id(struct accounts *a)
{
	do
		a->last_id++;
	while (a->last_id == 0 || find_req(a, a->last_id));
	return a->last_id;
}

/* By its deadline: nearly always the last one. */
static void put_open(struct accounts *a, struct accounts_req *r)
{
	struct list *after = a->open.prev;
	while (after != &a->open &&
	       list_entry(after, struct accounts_req, node)->deadline > r->deadline)
		after = after->prev;
	list_push(after, &r->node);
}

/* Sends and waits. */
static void submit(struct accounts *a, struct accounts_req *r)
{
	r->deadline = loop_now(a->loop) + r->wait_s * USEC_PER_SEC;
	r->is_open = true;
	map_add(&a->by_id, &r->by_id, hash_id(a, r->id));
	a->n_open++;
	put_open(a, r);
	if (r->node.prev == &a->open)
		arm(a);
	if (a->link)
		stream_write(a->link, buf_view(&r->frame));
}

/* The same of a command: accounts says when it is over. */
static void submit_command(struct accounts *a, struct accounts_req *r)
{
	r->is_open = true;
	map_add(&a->by_id, &r->by_id, hash_id(a, r->id));
	a->n_open++;
	list_add(&a->commands, &r->node);
	stream_write(a->link, buf_view(&r->frame));
	wipe(r->frame.p, r->frame.len); /* it is not asked again */
	r->frame.len = 0;
}

static void compose(struct accounts *a, struct accounts_req *r, struct acct_msg *m)
{
	r->id = m->id = next_id(a);
	acct_put(&r->frame, m);
}

static void ask(struct accounts *a, struct accounts_req *r, struct acct_msg *m)
{
	compose(a, r, m);
	if (a->n_open >= ACCOUNTS_REQS_MAX)
		make_ready(a, r, -ETIMEDOUT);
	else if (r->frame.full)
		make_ready(a, r, r->kind == REQ_LOOKUP ? -ENOENT : -EMSGSIZE);
	else
		submit(a, r);
}

/* The key of a look-up stands in its frame. */
static struct str key_of(const struct accounts_req *r)
{
	struct acct_msg m;
	size_t len;
	int n = acct_get(&m, &len, buf_view(&r->frame));
	assert(n == 1);
	(void)n;
	return m.lookup.key;
}

/* The cache had it when it was asked for; if it has changed since then, accounts is asked. */
static void finish_cached(struct accounts *a, struct accounts_req *r)
{
	bool absent;
	const struct account *acc = accounts_cache_get(&a->cache, key_of(r), &absent);
	list_del(&r->node);
	if (!acc) {
		submit(a, r);
		return;
	}
	r->looked_up(r->arg, 0, acc);
	free_req(r);
}

/* Answers that are known at once come at the end of the turn. */
static void finish_ready(void *arg)
{
	struct accounts *a = arg;
	while (!list_empty(&a->ready)) {
		struct accounts_req *r = list_entry(a->ready.next, struct accounts_req, node);
		if (r->err < 0)
			fail_req(r, r->err);
		else
			finish_cached(a, r);
	}
}

struct accounts_req *accounts_lookup(struct accounts *a, struct str key, accounts_lookup_fn *fn,
                                     void *arg)
{
	struct accounts_req *r = req_new(a, REQ_LOOKUP, arg);
	bool absent;
	r->looked_up = fn;
	struct acct_msg m = { .type = ACCT_LOOKUP, .lookup = { key } };
	if (accounts_cached(a, key, &absent)) {
		compose(a, r, &m);
		make_ready(a, r, 0);
	} else if (absent) {
		make_ready(a, r, -ENOENT);
	} else {
		ask(a, r, &m);
	}
	return r;
}

const struct account *accounts_cached(struct accounts *a, struct str key, bool *ret_absent)
{
	return accounts_cache_get(&a->cache, key, ret_absent);
}

struct accounts_req *accounts_auth(struct accounts *a, const struct accounts_leg *leg,
                                   accounts_auth_fn *fn, void *arg)
{
	struct accounts_req *r = req_new(a, REQ_AUTH, arg);
	struct acct_msg m = { .type = ACCT_AUTH,
		              .auth = { leg->mech, leg->session, leg->user, leg->blob, *leg->peer,
		                        leg->agent, leg->code } };
	r->decided = fn;
	if (leg->mech == ACCOUNTS_OIDC || leg->mech == ACCOUNTS_OIDC_BACK)
		r->wait_s = ACCOUNTS_OIDC_WAIT_S;
	ask(a, r, &m);
	return r;
}

struct accounts_req *accounts_search(struct accounts *a, const struct acct_query *q,
                                     accounts_found_fn *fn, void *arg)
{
	struct accounts_req *r = req_new(a, REQ_FOUND, arg);
	struct acct_msg m = { .type = ACCT_SEARCH, .search = *q };
	r->found = fn;
	ask(a, r, &m);
	return r;
}

struct accounts_req *accounts_members(struct accounts *a, struct str group, uint32_t max,
                                      accounts_found_fn *fn, void *arg)
{
	struct accounts_req *r = req_new(a, REQ_FOUND, arg);
	struct acct_msg m = { .type = ACCT_MEMBERS, .members = { group, max } };
	r->found = fn;
	ask(a, r, &m);
	return r;
}

struct accounts_req *accounts_own(struct accounts *a, const struct acct_own *own,
                                  accounts_owned_fn *fn, void *arg)
{
	struct accounts_req *r = req_new(a, REQ_OWN, arg);
	struct acct_msg m = { .type = ACCT_OWN, .own = *own };
	r->owned = fn;
	ask(a, r, &m);
	return r;
}

struct accounts_req *accounts_pushes(struct accounts *a, uint64_t account, accounts_pushed_fn *fn,
                                     void *arg)
{
	struct accounts_req *r = req_new(a, REQ_PUSHES, arg);
	struct acct_msg m = { .type = ACCT_PUSHES, .pushes = { account } };
	r->pushed = fn;
	ask(a, r, &m);
	return r;
}

struct accounts_req *accounts_photo(struct accounts *a, struct str name, accounts_photo_fn *fn,
                                    void *arg)
{
	struct accounts_req *r = req_new(a, REQ_PHOTO, arg);
	struct acct_msg m = { .type = ACCT_PHOTO, .photo = { name } };
	r->pictured = fn;
	ask(a, r, &m);
	return r;
}

/* Without a link it is found out again with the next message. */
void accounts_push_gone(struct accounts *a, uint64_t account, uint64_t number)
{
	char space[64];
	struct buf b = { .p = space, .cap = sizeof(space), .max = sizeof(space) };
	if (!a->link)
		return;
	acct_put(&b,
	         &(struct acct_msg){ .type = ACCT_PUSH_GONE, .push_gone = { account, number } });
	stream_write(a->link, buf_view(&b));
}

struct accounts_req *accounts_command(struct accounts *a, const struct acct_command *c,
                                      bool streams, accounts_said_fn *fn, void *arg)
{
	struct accounts_req *r = req_new(a, REQ_COMMAND, arg);
	struct acct_msg m = { .type = ACCT_COMMAND, .command = *c };
	r->said = fn;
	r->streams = streams;
	compose(a, r, &m);
	if (!a->link || a->n_open >= ACCOUNTS_REQS_MAX || r->frame.full)
		make_ready(a, r, -EIO);
	else
		submit_command(a, r);
	return r;
}

void accounts_known(struct accounts *a, uint64_t account, uint64_t credential,
                    const struct addr *peer)
{
	char space[128];
	struct buf b = { .p = space, .cap = sizeof(space), .max = sizeof(space) };
	if (!a->link)
		return;
	acct_put(&b,
	         &(struct acct_msg){ .type = ACCT_KNOWN, .known = { account, credential, *peer } });
	stream_write(a->link, buf_view(&b));
}

/* --- what comes ---------------------------------------------------------------------- */

/* Who asked that; NULL: nobody any more. */
static struct accounts_req *asker(const struct accounts *a, const struct acct_msg *m,
                                  enum req_kind kind)
{
	struct accounts_req *r = find_req(a, m->id);
	return r && r->kind == kind ? r : NULL;
}

static int status_err(enum acct_status status)
{
	return status == ACCT_FOUND ? 0 : status == ACCT_NONE ? -ENOENT : -EIO;
}

static void on_record(struct accounts *a, const struct acct_msg *m)
{
	struct accounts_req *r = asker(a, m, REQ_LOOKUP);
	const struct account *acc = m->record.status == ACCT_FOUND ? &m->record.acc : NULL;
	if (!r)
		return;
	if (a->fed && m->record.status != ACCT_BROKEN)
		accounts_cache_put(&a->cache, key_of(r), acc);
	unlink_req(r);
	r->looked_up(r->arg, status_err(m->record.status), acc);
	free_req(r);
}

static void on_verdict(struct accounts *a, const struct acct_msg *m)
{
	struct accounts_req *r = asker(a, m, REQ_AUTH);
	struct accounts_auth v = { .verdict = m->verdict.verdict,
		                   .account = m->verdict.account,
		                   .credential = m->verdict.credential,
		                   .session = m->verdict.session,
		                   .uri = m->verdict.uri,
		                   .key = m->verdict.key,
		                   .blob = m->verdict.blob,
		                   .retry_s = m->verdict.retry_s };
	if (!r)
		return;
	unlink_req(r);
	r->decided(r->arg, &v);
	free_req(r);
}

static void keep_row(struct accounts_req *r, const struct acct_msg *m)
{
	if (r->n_rows == ACCT_MEMBERS_MAX)
		return;
	acct_put(&r->rows, m);
	r->n_rows++;
}

static void on_person(struct accounts *a, const struct acct_msg *m)
{
	struct accounts_req *r = asker(a, m, REQ_FOUND);
	if (r)
		keep_row(r, m);
}

static void end_found(struct accounts_req *r, const struct acct_msg *m)
{
	struct acct_person *people = xcalloc(MAX(r->n_rows, (size_t)1), sizeof(*people));
	struct accounts_found f = { .err = status_err(m->end.status),
		                    .people = people,
		                    .more = m->end.more };
	struct str in = buf_view(&r->rows);
	struct acct_msg one;
	size_t len;
	for (; acct_get(&one, &len, in) == 1; in = str_sub(in, len, in.len))
		people[f.n++] = one.person;
	unlink_req(r);
	r->found(r->arg, &f);
	free(people);
	free_req(r);
}

static void on_push(struct accounts *a, const struct acct_msg *m)
{
	struct accounts_req *r = asker(a, m, REQ_PUSHES);
	if (r)
		keep_row(r, m);
}

static void end_pushes(struct accounts_req *r, const struct acct_msg *m)
{
	struct acct_push *rows = xcalloc(MAX(r->n_rows, (size_t)1), sizeof(*rows));
	struct accounts_pushed p = { .err = status_err(m->end.status), .rows = rows };
	struct str in = buf_view(&r->rows);
	struct acct_msg one;
	size_t len;
	for (; acct_get(&one, &len, in) == 1; in = str_sub(in, len, in.len))
		rows[p.n++] = one.push;
	unlink_req(r);
	r->pushed(r->arg, &p);
	free(rows);
	free_req(r);
}

static void on_end(struct accounts *a, const struct acct_msg *m)
{
	struct accounts_req *r = find_req(a, m->id);
	if (r && r->kind == REQ_FOUND)
		end_found(r, m);
	else if (r && r->kind == REQ_PUSHES)
		end_pushes(r, m);
}

static void on_picture(struct accounts *a, const struct acct_msg *m)
{
	struct accounts_req *r = asker(a, m, REQ_PHOTO);
	if (!r)
		return;
	unlink_req(r);
	r->pictured(r->arg, status_err(m->picture.status), m->picture.bytes);
	free_req(r);
}

static void on_own_row(struct accounts *a, const struct acct_msg *m)
{
	struct accounts_req *r = asker(a, m, REQ_OWN);
	if (r)
		keep_row(r, m);
}

static void on_owned(struct accounts *a, const struct acct_msg *m)
{
	struct accounts_req *r = asker(a, m, REQ_OWN);
	if (!r)
		return;
	struct acct_own_row *rows = xcalloc(MAX(r->n_rows, (size_t)1), sizeof(*rows));
	struct accounts_owned o = { .end = m->owned, .rows = rows };
	struct str in = buf_view(&r->rows);
	struct acct_msg one;
	size_t len;
	for (; acct_get(&one, &len, in) == 1; in = str_sub(in, len, in.len))
		rows[o.n++] = one.own_row;
	unlink_req(r);
	r->owned(r->arg, &o);
	free(rows);
	free_req(r);
}

static void on_part(struct accounts *a, const struct acct_msg *m)
{
	struct accounts_req *r = asker(a, m, REQ_COMMAND);
	if (r && r->streams)
		r->said(r->arg, &(struct accounts_said){ .text = m->part.text });
	else if (r && r->rows.len + m->part.text.len <= ACCOUNTS_SAID_MAX)
		buf_str(&r->rows, m->part.text);
}

static void on_commanded(struct accounts *a, const struct acct_msg *m)
{
	struct accounts_req *r = asker(a, m, REQ_COMMAND);
	if (!r)
		return;
	unlink_req(r);
	r->said(r->arg, &(struct accounts_said){ .over = true,
	                                         .status = m->commanded.status,
	                                         .retry_s = m->commanded.retry_s,
	                                         .text = buf_view(&r->rows) });
	free_req(r);
}

/* What was being done may be done or not: it is not asked for again. */
static void fail_commands(struct accounts *a)
{
	while (!list_empty(&a->commands))
		fail_req(list_entry(a->commands.next, struct accounts_req, node), -EIO);
}

/* Numbers grow; before the first one the feed stands at "now". */
static void see(struct accounts *a, uint64_t number)
{
	if (a->number == ACCT_SINCE_NOW || a->number < number)
		a->number = number;
}

static void on_change(struct accounts *a, const struct acct_msg *m)
{
	see(a, m->change.number);
	accounts_cache_forget(&a->cache, m->change.account);
	tell(a, m->change.event, m->change.account, m->change.credential);
}

static void on_fed(struct accounts *a, const struct acct_msg *m)
{
	see(a, m->fed.number);
	a->fed = true;
	if (m->fed.gap)
		tell(a, ACCOUNTS_PASSWORD, 0, 0);
	if (a->lost)
		tell(a, ACCOUNTS_BACK, 0, 0);
	a->lost = false;
}

static bool take_msg(struct accounts *a, const struct acct_msg *m)
{
	switch (m->type) {
	case ACCT_RECORD:
		on_record(a, m);
		return true;
	case ACCT_VERDICT:
		on_verdict(a, m);
		return true;
	case ACCT_CHANGE:
		on_change(a, m);
		return true;
	case ACCT_FED:
		on_fed(a, m);
		return true;
	case ACCT_PERSON:
		on_person(a, m);
		return true;
	case ACCT_END:
		on_end(a, m);
		return true;
	case ACCT_OWN_ROW:
		on_own_row(a, m);
		return true;
	case ACCT_OWNED:
		on_owned(a, m);
		return true;
	case ACCT_PUSH:
		on_push(a, m);
		return true;
	case ACCT_PART:
		on_part(a, m);
		return true;
	case ACCT_COMMANDED:
		on_commanded(a, m);
		return true;
	case ACCT_PICTURE:
		on_picture(a, m);
		return true;
	case ACCT_LOOKUP:
	case ACCT_AUTH:
	case ACCT_KNOWN:
	case ACCT_FEED:
	case ACCT_SEARCH:
	case ACCT_MEMBERS:
	case ACCT_OWN:
	case ACCT_PUSHES:
	case ACCT_PUSH_GONE:
	case ACCT_COMMAND:
	case ACCT_COMMAND_END:
	case ACCT_PHOTO:
		break;
	}
	return false;
}

static ssize_t on_data(void *arg, struct str in)
{
	struct accounts *a = arg;
	size_t used = 0, len;
	struct acct_msg m;
	int r;
	while ((r = acct_get(&m, &len, str_sub(in, used, in.len))) == 1) {
		if (!take_msg(a, &m))
			return -EBADMSG;
		used += len;
	}
	arm(a);
	return r < 0 ? r : (ssize_t)used;
}

static void lose(struct accounts *a, int err, const char *why)
{
	a->fed = false;
	accounts_cache_clear(&a->cache);
	a->lost = true;
	fail_commands(a);
	log_warning(NULL, "link-down", "peer=accounts err=%d reason=%s", err, log_esc(str_of(why)));
	tell(a, ACCOUNTS_LOST, 0, 0);
}

static void on_closed(void *arg, int err, const char *why)
{
	struct accounts *a = arg;
	stream_free(&a->link);
	lose(a, err, why);
}

static void on_opened(void *arg UNUSED)
{
}

static const struct stream_ops link_ops = {
	.opened = on_opened,
	.data = on_data,
	.closed = on_closed,
};

/* --- life ---------------------------------------------------------------------------- */

static void start_feed(struct accounts *a)
{
	char space[64];
	struct buf b = { .p = space, .cap = sizeof(space), .max = sizeof(space) };
	acct_put(&b, &(struct acct_msg){ .type = ACCT_FEED, .feed = { a->number } });
	stream_write(a->link, buf_view(&b));
}

void accounts_link_up(struct accounts *a, int link_fd)
{
	struct stream *old = take(&a->link);
	a->link = stream_accept(a->loop, link_fd, NULL, &link_limits, &link_ops, a);
	if (old)
		lose(a, 0, "another link");
	stream_free(&old);
	start_feed(a);
	list_for(it, &a->open)
	{
		struct accounts_req *r = list_entry(it, struct accounts_req, node);
		r->rows.len = r->n_rows = 0;
		stream_write(a->link, buf_view(&r->frame));
	}
}

bool accounts_is_up(const struct accounts *a)
{
	return a->link;
}

void accounts_listen(struct accounts *a, accounts_event_fn *fn, void *arg)
{
	assert(a->n_listeners < LISTENERS_MAX);
	a->listeners[a->n_listeners++] = (struct listener_fn_arg){ fn, arg };
}

struct accounts *accounts_new(struct loop *l, int link_fd, accounts_event_fn *fn, void *arg)
{
	struct accounts *a = xnew(struct accounts);
	a->loop = l;
	a->number = ACCT_SINCE_NOW;
	list_init(&a->open);
	list_init(&a->ready);
	list_init(&a->commands);
	map_init(&a->by_id);
	timer_init(&a->timer, l, on_timer, a);
	defer_init(&a->defer, finish_ready, a);
	accounts_cache_init(&a->cache, ACCOUNTS_CACHE_MAX, ACCOUNTS_ABSENT_MAX);
	if (fn)
		accounts_listen(a, fn, arg);
	if (link_fd >= 0)
		accounts_link_up(a, link_fd);
	return a;
}

/* Who asked holds them still. */
static void orphan_reqs(struct list *reqs)
{
	while (!list_empty(reqs)) {
		struct accounts_req *r = list_entry(reqs->next, struct accounts_req, node);
		unlink_req(r);
		r->owner = NULL;
	}
}

void accounts_free(struct accounts **ap)
{
	struct accounts *a = take(ap);
	if (!a)
		return;
	orphan_reqs(&a->open);
	orphan_reqs(&a->commands);
	orphan_reqs(&a->ready);
	timer_stop(&a->timer);
	defer_cancel(&a->defer);
	stream_free(&a->link);
	accounts_cache_done(&a->cache);
	map_done(&a->by_id);
	free(a);
}
