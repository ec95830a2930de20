#include "role/accounts/peers.h"

#include <errno.h>
#include <stdlib.h>

#include "base/list.h"
#include "base/log.h"
#include "loop/stream.h"
#include "svc/user/pushes.h"

/* What may wait for a peer that does not read. */
enum { READ_MAX = 4 * ACCT_FRAME_MAX, UNSENT_MAX = 64 * 1024 * 1024 };

struct peer {
	struct peers *owner;
	struct stream *link; /* NULL: down */
	bool feeding;
	const struct role_link *who;
	struct list asked; /* struct asked: sign-ins under way */
};

struct peers {
	struct role_env *env;
	struct userdb *db;
	struct signin *signin;
	struct runs *runs;
	struct phonebook *people;
	uint64_t n_searches;
	struct peer *peers;
	size_t n;
	struct buf out; /* the answers of one batch of requests */
};

/* --- answers ------------------------------------------------------------------------- */

static void lookup(struct peers *p, const struct acct_msg *req)
{
	struct acct_msg m = { .type = ACCT_RECORD, .id = req->id };
	int r = userdb_lookup(p->db, req->lookup.key, &m.record.acc);
	m.record.status = r == 0 ? ACCT_FOUND : r == -ENOENT ? ACCT_NONE : ACCT_BROKEN;
	acct_put(&p->out, &m);
}

/* What is answered later: a sign-in, a command. */
struct asked {
	struct list node;
	struct peer *peer;
	struct signin_req *req;
	struct run *run;
	uint32_t id; /* of a command */
	enum acct_type type;
	enum accounts_mech mech;
	enum acct_own_op op;
	struct addr from;
	char *agent;
};

static void asked_free(struct asked *a)
{
	list_del(&a->node);
	signin_req_free(&a->req);
	run_free(&a->run);
	free(a->agent);
	free(a);
}

static void forget_asked(struct peer *peer)
{
	while (!list_empty(&peer->asked))
		asked_free(list_entry(peer->asked.next, struct asked, node));
}

static void put_from(struct buf *b, const struct asked *a)
{
	if (a->from.sa.sa_family != AF_UNSPEC)
		addr_put_host(b, &a->from);
}

static void log_made(const struct asked *a, const struct acct_msg *m)
{
	char space[64];
	struct buf from = BUF_ON(space);
	put_from(&from, a);
	log_info(NULL, "login-made", "user=%s login=%llu from=%s by=%s agent=%s",
	         log_esc(m->verdict.uri), (unsigned long long)m->verdict.session,
	         log_esc(buf_view(&from)), a->mech == ACCOUNTS_LOGIN ? "password" : "oidc",
	         log_esc(str_of(a->agent)));
}

/* What a user has changed of the own account. */
static void log_changed(const struct asked *a, const struct acct_msg *m)
{
	static const char *const events[] = {
		[ACCT_OWN_FACTOR_CONFIRM] = "second-factor-on",
		[ACCT_OWN_FACTOR_CODES] = "recovery-codes-made",
		[ACCT_OWN_FACTOR_END] = "second-factor-off",
		[ACCT_OWN_DEVICE_ADD] = "device-added",
		[ACCT_OWN_DEVICE_REMOVE] = "device-removed",
		[ACCT_OWN_TOKEN_ADD] = "token-added",
		[ACCT_OWN_TOKEN_REMOVE] = "token-removed",
		[ACCT_OWN_PUSH_ADD] = "push-subscribed",
		[ACCT_OWN_PUSH_END] = "push-unsubscribed",
		[ACCT_OWN_PHOTO_SET] = "photo-set",
		[ACCT_OWN_PHOTO_END] = "photo-removed",
		[ACCT_OWN_PASSWORD] = "password-changed",
	};
	struct account acc = { .uri = STR("") };
	char space[64];
	struct buf from = BUF_ON(space);
	if (m->owned.status != ACCT_OWN_DONE || a->op >= ARRAY_SIZE(events) || !events[a->op])
		return;
	(void)!userdb_by_id(a->peer->owner->db, m->owned.account, &acc);
	put_from(&from, a);
	log_info(NULL, events[a->op], "user=%s from=%s", log_esc(acc.uri),
	         log_esc(buf_view(&from)));
}

static void on_verdict(void *arg, const struct acct_msg *m)
{
	struct asked *a = arg;
	auto_(buf_free) struct buf b = buf_of(ACCT_FRAME_MAX);
	a->req = NULL;
	if (a->type == ACCT_OWN)
		log_changed(a, m);
	else if ((a->mech == ACCOUNTS_LOGIN || a->mech == ACCOUNTS_OIDC_BACK) &&
	         m->verdict.session != 0 && m->verdict.blob.len > 0)
		log_made(a, m);
	acct_put(&b, m);
	stream_write(a->peer->link, buf_view(&b));
	wipe(b.p, b.len);
	asked_free(a);
}

static void auth(struct peers *p, struct peer *peer, const struct acct_msg *req)
{
	struct acct_msg m;
	struct asked *a = xnew(struct asked);
	list_init(&a->node);
	a->req = signin_step(p->signin, req, loop_now(p->env->loop), &m, on_verdict, a);
	if (!a->req) {
		acct_put(&p->out, &m);
		asked_free(a);
		return;
	}
	a->type = ACCT_AUTH;
	a->peer = peer;
	a->mech = req->auth.mech;
	a->from = req->auth.peer;
	a->agent = str_dup(req->auth.agent);
	list_add(&peer->asked, &a->node);
}

static void put_row(void *arg, const struct acct_msg *m)
{
	struct peers *p = arg;
	acct_put(&p->out, m);
}

static void own(struct peers *p, struct peer *peer, const struct acct_msg *req)
{
	struct acct_msg m;
	struct asked *a = xnew(struct asked);
	list_init(&a->node);
	a->type = ACCT_OWN;
	a->op = req->own.op;
	a->from = req->own.peer;
	a->peer = peer;
	a->req = signin_own(p->signin, req, loop_now(p->env->loop), put_row, p, &m, on_verdict, a);
	if (a->req) {
		list_add(&peer->asked, &a->node);
		return;
	}
	acct_put(&p->out, &m);
	asked_free(a);
}

static void on_said(void *arg, const struct acct_msg *m)
{
	struct asked *a = arg;
	auto_(buf_free) struct buf b = buf_of(ACCT_FRAME_MAX);
	acct_put(&b, m);
	stream_write(a->peer->link, buf_view(&b));
	wipe(b.p, b.len);
	if (m->type != ACCT_COMMANDED)
		return;
	a->run = NULL;
	asked_free(a);
}

static void command(struct peers *p, struct peer *peer, const struct acct_msg *req)
{
	struct acct_msg m;
	struct asked *a = xnew(struct asked);
	list_init(&a->node);
	a->type = ACCT_COMMAND;
	a->id = req->id;
	a->peer = peer;
	a->run = run_begin(p->runs, req, loop_now(p->env->loop), &m, on_said, a);
	if (a->run) {
		list_add(&peer->asked, &a->node);
		return;
	}
	acct_put(&p->out, &m);
	asked_free(a);
}

static void end_command(struct peer *peer, uint32_t id)
{
	list_for(it, &peer->asked)
	{
		struct asked *a = list_entry(it, struct asked, node);
		if (a->type == ACCT_COMMAND && a->id == id) {
			asked_free(a);
			return;
		}
	}
}

/* One answer of several frames. */
struct answer {
	struct peers *p;
	uint32_t id;
	uint32_t n, max;
};

static void put_person(void *arg, const struct acct_person *person)
{
	struct answer *a = arg;
	acct_put(&a->p->out,
	         &(struct acct_msg){ .type = ACCT_PERSON, .id = a->id, .person = *person });
}

static void put_end(struct answer *a, int err, bool more)
{
	struct acct_msg m = { .type = ACCT_END, .id = a->id, .end.more = more };
	m.end.status = err >= 0 ? ACCT_FOUND : err == -ENOENT ? ACCT_NONE : ACCT_BROKEN;
	acct_put(&a->p->out, &m);
}

static void search(struct peers *p, const struct acct_msg *req)
{
	struct answer a = { .p = p, .id = req->id };
	bool more = false;
	int r = phonebook_search(p->people, &req->search, &more, put_person, &a);
	put_end(&a, r, more);
	p->n_searches++;
}

/* Disabled users do not count; one more than is wanted shows that there are others. */
static void put_member(void *arg, const struct userdb_member *m)
{
	struct answer *a = arg;
	struct acct_person person = { .id = m->account,
		                      .uri = m->uri,
		                      .display_name = m->display_name };
	if (!m->disabled && a->n++ < a->max)
		put_person(a, &person);
}

static void members(struct peers *p, const struct acct_msg *req)
{
	struct answer a = { .p = p, .id = req->id, .max = req->members.max };
	struct account acc;
	int r = userdb_lookup(p->db, req->members.key, &acc);
	if (r == 0 && !acc.group)
		r = -ENOENT;
	if (r == 0)
		r = userdb_members(p->db, acc.id, ACCT_MEMBERS_MAX, put_member, &a);
	put_end(&a, r, a.n > a.max);
}

static void put_push(void *arg, const struct acct_push *push)
{
	struct answer *a = arg;
	acct_put(&a->p->out, &(struct acct_msg){ .type = ACCT_PUSH, .id = a->id, .push = *push });
}

static void pushes(struct peers *p, const struct acct_msg *req)
{
	struct answer a = { .p = p, .id = req->id };
	int r = pushes_list(p->db, req->pushes.account, put_push, &a);
	put_end(&a, MIN(r, 0), false);
}

static void photo(struct peers *p, const struct acct_msg *req)
{
	auto_(buf_free) struct buf b = buf_of(USER_PHOTO_MAX);
	struct acct_msg m = { .type = ACCT_PICTURE, .id = req->id };
	int r = userdb_photo_named(p->db, req->photo.name, &b);
	m.picture.status = r == 0 ? ACCT_FOUND : r == -ENOENT ? ACCT_NONE : ACCT_BROKEN;
	m.picture.bytes = bytes_of(buf_view(&b));
	acct_put(&p->out, &m);
}

static void put_change(void *arg, const struct userdb_change *c)
{
	struct buf *b = arg;
	acct_put(b, &(struct acct_msg){
	                    .type = ACCT_CHANGE,
	                    .change = { c->event, c->number, c->account, c->credential } });
}

/* First what was missed, then the answer; what changes from now on comes by peers_tell(). */
static void feed(struct peers *p, struct peer *peer, const struct acct_msg *req)
{
	struct acct_msg m = { .type = ACCT_FED, .id = req->id };
	int r = 0;
	if (req->feed.since != ACCT_SINCE_NOW)
		r = userdb_changes_since(p->db, req->feed.since, put_change, &p->out);
	m.fed.number = userdb_last_change(p->db);
	m.fed.gap = r < 0;
	peer->feeding = true;
	acct_put(&p->out, &m);
}

/* To check what a client shows is one right; to make and end log-ins another. */
static struct str name_of_auth(enum accounts_mech mech)
{
	bool log_in = mech == ACCOUNTS_LOGIN || mech == ACCOUNTS_PROVE ||
	              mech == ACCOUNTS_TICKET_END || mech == ACCOUNTS_OIDC ||
	              mech == ACCOUNTS_OIDC_BACK;
	return log_in ? STR("log-in") : STR("auth");
}

/* By what name a message stands in a role's rights; empty for what only we may send. */
static struct str name_of(const struct acct_msg *m)
{
	switch (m->type) {
	case ACCT_LOOKUP:
		return STR("lookup");
	case ACCT_AUTH:
		return name_of_auth(m->auth.mech);
	case ACCT_KNOWN:
		return STR("known");
	case ACCT_FEED:
		return STR("changes");
	case ACCT_SEARCH:
		return STR("search");
	case ACCT_MEMBERS:
		return STR("members");
	case ACCT_OWN:
		return STR("own");
	case ACCT_PUSHES:
	case ACCT_PUSH_GONE:
		return STR("push");
	case ACCT_COMMAND:
	case ACCT_COMMAND_END:
		return STR("command");
	case ACCT_PHOTO:
		return STR("photo");
	case ACCT_RECORD:
	case ACCT_VERDICT:
	case ACCT_CHANGE:
	case ACCT_FED:
	case ACCT_PERSON:
	case ACCT_END:
	case ACCT_OWN_ROW:
	case ACCT_OWNED:
	case ACCT_PUSH:
	case ACCT_PART:
	case ACCT_COMMANDED:
	case ACCT_PICTURE:
		break;
	}
	return STR("");
}

/* False for what only we may send, and for what the role has no right to. */
static bool serve(struct peers *p, struct peer *peer, const struct acct_msg *m)
{
	if (!role_may_ask(peer->who->right, name_of(m))) {
		log_warning(NULL, "request-without-right", "peer=%" STR_FMT "/%u type=%d",
		            STR_ARG(peer->who->role), peer->who->slot + 1, (int)m->type);
		return false;
	}
	switch (m->type) {
	case ACCT_LOOKUP:
		lookup(p, m);
		return true;
	case ACCT_AUTH:
		auth(p, peer, m);
		return true;
	case ACCT_KNOWN:
		signin_known(p->signin, m);
		return true;
	case ACCT_FEED:
		feed(p, peer, m);
		return true;
	case ACCT_SEARCH:
		search(p, m);
		return true;
	case ACCT_MEMBERS:
		members(p, m);
		return true;
	case ACCT_OWN:
		own(p, peer, m);
		return true;
	case ACCT_PUSHES:
		pushes(p, m);
		return true;
	case ACCT_PUSH_GONE:
		pushes_gone(p->db, m->push_gone.account, m->push_gone.number);
		return true;
	case ACCT_COMMAND:
		command(p, peer, m);
		return true;
	case ACCT_COMMAND_END:
		end_command(peer, m->id);
		return true;
	case ACCT_PHOTO:
		photo(p, m);
		return true;
	case ACCT_RECORD:
	case ACCT_VERDICT:
	case ACCT_CHANGE:
	case ACCT_FED:
	case ACCT_PERSON:
	case ACCT_END:
	case ACCT_OWN_ROW:
	case ACCT_OWNED:
	case ACCT_PUSH:
	case ACCT_PART:
	case ACCT_COMMANDED:
	case ACCT_PICTURE:
		break;
	}
	return false;
}

static ssize_t on_data(void *arg, struct str in)
{
	struct peer *peer = arg;
	struct peers *p = peer->owner;
	size_t used = 0, len = 0;
	struct acct_msg m;
	int r;
	p->out.len = 0;
	while ((r = acct_get(&m, &len, str_sub(in, used, in.len))) == 1) {
		if (!serve(p, peer, &m)) {
			r = -EBADMSG;
			break;
		}
		used += len;
	}
	if (p->out.full)
		r = -EMSGSIZE;
	else if (p->out.len > 0)
		stream_write(peer->link, buf_view(&p->out));
	wipe(p->out.p, p->out.len);
	return r < 0 ? r : (ssize_t)used;
}

/* --- links --------------------------------------------------------------------------- */

static void on_opened(void *arg UNUSED)
{
}

static void on_closed(void *arg, int err, const char *why)
{
	struct peer *peer = arg;
	log_info(NULL, "link-down", "peer=%" STR_FMT "/%u err=%d reason=%s",
	         STR_ARG(peer->who->role), peer->who->slot + 1, err, log_esc(str_of(why)));
	stream_free(&peer->link);
	forget_asked(peer);
	peer->feeding = false;
	role_link_lost(peer->owner->env, (size_t)(peer - peer->owner->peers));
}

static const struct stream_ops link_ops = {
	.opened = on_opened,
	.data = on_data,
	.closed = on_closed,
};
static const struct stream_limits link_limits = {
	.read_max = READ_MAX,
	.write_max = UNSENT_MAX,
	.open_max = USEC_PER_SEC,
};

void peers_link_up(struct peers *p, size_t i)
{
	struct peer *peer = &p->peers[i];
	stream_free(&peer->link);
	forget_asked(peer);
	peer->feeding = false;
	if (peer->who->fd < 0)
		return;
	peer->link =
	        stream_accept(p->env->loop, peer->who->fd, NULL, &link_limits, &link_ops, peer);
}

void peers_tell(struct peers *p, const struct userdb_change *c)
{
	char space[64];
	struct buf b = { .p = space, .cap = sizeof(space), .max = sizeof(space) };
	put_change(&b, c);
	for (size_t i = 0; i < p->n; i++)
		if (p->peers[i].link && p->peers[i].feeding)
			stream_write(p->peers[i].link, buf_view(&b));
}

uint64_t peers_searches(const struct peers *p)
{
	return p->n_searches;
}

struct peers *peers_new(struct role_env *env, struct userdb *db, struct signin *signin,
                        struct runs *runs, struct phonebook *people)
{
	struct peers *p = xnew(struct peers);
	p->env = env;
	p->db = db;
	p->signin = signin;
	p->runs = runs;
	p->people = people;
	p->n = env->n_links;
	p->peers = xcalloc(MAX(p->n, (size_t)1), sizeof(*p->peers));
	p->out = buf_of(UNSENT_MAX);
	for (size_t i = 0; i < p->n; i++) {
		p->peers[i].owner = p;
		p->peers[i].who = &env->links[i];
		list_init(&p->peers[i].asked);
		peers_link_up(p, i);
	}
	return p;
}

void peers_free(struct peers **pp)
{
	struct peers *p = take(pp);
	if (!p)
		return;
	for (size_t i = 0; i < p->n; i++) {
		forget_asked(&p->peers[i]);
		stream_free(&p->peers[i].link);
	}
	buf_free(&p->out);
	free(p->peers);
	free(p);
}
