#include <errno.h>
#include <stdio.h>

#include "presload.h"

enum { CHALLENGES_MAX = 3, SCRIPT_MAX = 6 };
/* States that a user says, one after the other: "busy". */
enum { SAID_FIRST = 6500, SAID_N = 900 };

/* --- scripts --------------------------------------------------------------------------------- */

/* clang-format off */
static const enum ask scripts[N_JOBS][SCRIPT_MAX] = {
	[JOB_SIGNIN] = { ASK_REGISTER, ASK_CONTACTS, ASK_SELF, ASK_WATCH, ASK_MACHINE, ASK_END },
	[JOB_PUBLISH] = { ASK_PUBLISH, ASK_END },
	[JOB_ALONE] = { ASK_PUBLISH, ASK_END },
	[JOB_REFRESH] = { ASK_REGISTER, ASK_END },
	[JOB_POLL] = { ASK_POLL, ASK_END },
	[JOB_BRIEF] = { ASK_OPEN, ASK_CLOSE, ASK_END },
	[JOB_SEARCH] = { ASK_SEARCH, ASK_END },
};
/* clang-format on */

/* INVITE, then INFO, MESSAGE, INFO for each message, then BYE. */
static enum ask session_ask(unsigned at)
{
	if (at == 0)
		return ASK_INVITE;
	if (at <= 3 * MESSAGES)
		return at % 3 == 2 ? ASK_MESSAGE : ASK_INFO;
	return at == 3 * MESSAGES + 1 ? ASK_BYE : ASK_END;
}

enum ask job_ask(const struct job *j)
{
	return j->kind == JOB_SESSION ? session_ask(j->at) : scripts[j->kind][j->at];
}

/* What a phone does not do, and what there is no reason for. */
static bool is_left_out(const struct job *j)
{
	enum ask a = job_ask(j);
	if (a == ASK_WATCH)
		return j->a->who->n_contacts == 0;
	return !j->a->lync && (a == ASK_CONTACTS || a == ASK_SELF || a == ASK_MACHINE);
}

/* --- ends ------------------------------------------------------------------------------------ */

static void release(struct presload *l, struct job *j)
{
	if (j->a->job == j)
		j->a->job = NULL;
	if (j->a->who->job == j)
		j->a->who->job = NULL;
	j->state = JOB_IDLE;
	l->idle[l->n_idle++] = j->slot;
}

static void succeed(struct presload *l, struct job *j)
{
	stats_done(&l->stats, j->began, now_usec());
	release(l, j);
}

static void fail(struct presload *l, struct job *j, const char *word)
{
	stats_failure(&l->stats, word);
	l->stats.errors++;
	l->stats.ended = now_usec();
	if (j->a->who->job == j) {
		l->missing += j->state == JOB_TELLING ? j->a->who->missing : 0;
		j->a->who->missing = 0;
	}
	release(l, j);
}

/* --- requests -------------------------------------------------------------------------------- */

void job_send(struct presload *l, struct endpoint *e, struct out *o)
{
	char space[64];
	struct out name = { space, 0, sizeof(space), false };
	wording_user(l, e->who, &name);
	if (e->lync)
		lync_sign(l->ntlm, e->lync, out_view(&name), o);
	if (o->full)
		die("a message does not fit into %d bytes", (int)REQUEST_MAX);
	if (e->conn.state == CONN_OPEN)
		net_send(l->net, &e->conn, out_view(o));
}

static void say_something_new(struct job *j)
{
	struct person *p = j->a->who;
	p->said = SAID_FIRST + (p->said + 1 - SAID_FIRST) % SAID_N;
	p->missing = p->watchers;
	p->published = now_usec();
}

static void ask(struct presload *l, struct job *j)
{
	struct out o = { l->scratch, 0, REQUEST_MAX, false };
	if (j->a->conn.state != CONN_OPEN) {
		fail(l, j, "unconnected");
		return;
	}
	j->cseq = job_ask(j) == ASK_REGISTER ? ++j->a->cseq : ++j->d.cseq;
	j->txn++;
	j->state = JOB_ASKED;
	j->asked = now_usec();
	j->deadline = j->asked + l->o.timeout;
	wording_request(l, j, &o);
	l->requests++;
	job_send(l, j->a, &o);
}

/* The next request of the script, or its end. */
static void go_on(struct presload *l, struct job *j)
{
	while (job_ask(j) != ASK_END && is_left_out(j))
		j->at++;
	if (job_ask(j) == ASK_END) {
		succeed(l, j);
		return;
	}
	if (j->kind == JOB_SIGNIN)
		j->d = (struct dialog){ .cseq = 0 };
	j->challenged = 0;
	j->auth_www = j->kind == JOB_REFRESH && j->a->www.nonce;
	j->auth_proxy =
	        job_ask(j) != ASK_REGISTER && l->o.net.transport == UDP && j->a->proxy.nonce;
	if (job_ask(j) == ASK_PUBLISH)
		say_something_new(j);
	ask(l, j);
}

/* --- beginning ------------------------------------------------------------------------------- */

static bool is_fit(const struct presload *l, enum job_kind kind, const struct endpoint *e)
{
	const struct person *p = e->who;
	bool publishes = kind == JOB_PUBLISH || kind == JOB_ALONE;
	if (publishes)
		return !p->job && p->missing == 0 && is_loner(l, p) == (kind == JOB_ALONE);
	return kind == JOB_BRIEF || kind == JOB_SESSION || kind == JOB_POLL || kind == JOB_SEARCH ||
	       !e->job;
}

/* In turn, but neighbours not one after the other. */
static struct endpoint *pick(struct presload *l, enum job_kind kind)
{
	if (l->o.contacts == 0 && kind == JOB_PUBLISH)
		return is_fit(l, kind, &l->endpoint[0]) ? &l->endpoint[0] : NULL;
	for (uint32_t tries = 0; tries < l->n_endpoints; tries++) {
		uint32_t i = l->cursor++;
		uint32_t step = kind == JOB_SIGNIN ? 1 : 7919;
		struct endpoint *e = &l->endpoint[(uint64_t)i * step % l->n_endpoints];
		if (is_fit(l, kind, e))
			return e;
	}
	return NULL;
}

/* Somebody with one endpoint, where a session begins without another one that rings too. */
static struct endpoint *pick_peer(struct presload *l, const struct endpoint *a)
{
	for (uint32_t i = 1; i < l->n_endpoints; i++) {
		struct endpoint *b = &l->endpoint[(a->number + 31 * i) % l->n_endpoints];
		if (b->who != a->who && b->who->n_endpoints == 1)
			return b;
	}
	return NULL;
}

static void connect_first(struct presload *l, struct job *j)
{
	struct endpoint *e = j->a;
	if (e->lync)
		e->lync->leg = LYNC_FIRST;
	if (e->conn.state == CONN_OPEN) {
		go_on(l, j);
		return;
	}
	j->state = JOB_CONNECTING;
	j->deadline = j->began + l->o.timeout;
	if (net_connect(l->net, &e->conn) < 0)
		fail(l, j, "socket");
}

bool job_begin(struct presload *l, enum job_kind kind)
{
	struct endpoint *e = l->n_idle > 0 ? pick(l, kind) : NULL;
	struct endpoint *b = e && kind == JOB_SESSION ? pick_peer(l, e) : NULL;
	if (!e || (kind == JOB_SESSION && !b))
		return false;
	struct job *j = &l->job[l->idle[--l->n_idle]];
	*j = (struct job){ .slot = j->slot,
		           .generation = j->generation + 1,
		           .kind = kind,
		           .a = e,
		           .b = b,
		           .began = now_usec() };
	l->begun++;
	if (kind == JOB_SIGNIN || kind == JOB_REFRESH)
		e->job = j;
	if (kind == JOB_PUBLISH || kind == JOB_ALONE)
		e->who->job = j;
	if (kind == JOB_SIGNIN)
		connect_first(l, j);
	else
		go_on(l, j);
	return true;
}

void job_opened(struct presload *l, struct endpoint *e)
{
	if (e->job && e->job->state == JOB_CONNECTING)
		go_on(l, e->job);
}

void job_lost(struct presload *l, struct endpoint *e, const char *why)
{
	for (uint32_t i = 0; i < l->n_jobs; i++)
		if (l->job[i].state != JOB_IDLE && (l->job[i].a == e || l->job[i].b == e))
			fail(l, &l->job[i], why);
}

/* --- responses ------------------------------------------------------------------------------- */

static struct job *find(struct presload *l, struct str id, uint32_t *ret_txn)
{
	uint32_t run, slot, generation;
	struct str s = str_cut(&id, '@');
	if (!str_u32(str_cut(&s, '.'), 16, &run) || !str_u32(str_cut(&s, '.'), 16, &slot) ||
	    !str_u32(str_cut(&s, '.'), 16, &generation) || !str_u32(s, 16, ret_txn) ||
	    run != l->run || slot >= l->n_jobs)
		return NULL;
	struct job *j = &l->job[slot];
	return j->state != JOB_IDLE && j->generation == generation ? j : NULL;
}

static int take_challenge(struct presload *l, struct job *j, const struct sip_msg *m)
{
	char name[64];
	struct out user = { name, 0, sizeof(name), false };
	struct digest_cred *c = m->is_proxy_challenge ? &j->a->proxy : &j->a->www;
	int r = -EBADMSG;
	if (j->a->lync)
		return lync_challenge(j->a->lync, m);
	for (size_t i = 0; i < m->challenge.n && r < 0; i++)
		r = digest_challenge(c, m->challenge.line[i]);
	if (r < 0)
		return r;
	wording_user(l, j->a->who, &user);
	digest_set_user(l->digest, c, out_view(&user), str_of(l->o.password));
	j->auth_proxy |= m->is_proxy_challenge;
	j->auth_www |= !m->is_proxy_challenge;
	return 0;
}

static void on_challenge(struct presload *l, struct job *j, const struct sip_msg *m)
{
	l->stats.challenges++;
	if (++j->challenged > CHALLENGES_MAX || take_challenge(l, j, m) < 0)
		fail(l, j, m->is_proxy_challenge ? "407" : "401");
	else
		ask(l, j);
}

static bool copy(char *ret, size_t cap, struct str s)
{
	if (s.n >= cap)
		return false;
	if (s.n > 0)
		memcpy(ret, s.p, s.n);
	ret[s.n] = '\0';
	return true;
}

/* What a 200 changes; false if it does not say what it must. */

static bool took_registration(struct presload *l UNUSED, struct job *j, const struct sip_msg *m)
{
	if (j->a->lync)
		lync_signed_in(j->a->lync, m);
	return m->contact.n > 0;
}

static bool took_watch(struct presload *l, struct job *j, const struct sip_msg *m UNUSED)
{
	struct endpoint *e = j->a;
	for (uint32_t i = 0; i < e->who->n_contacts && !e->watches; i++)
		l->person[e->who->contacts[i]].watchers++;
	e->watches = true;
	return true;
}

static bool took_machine(struct presload *l UNUSED, struct job *j, const struct sip_msg *m UNUSED)
{
	j->a->machine_version++;
	return true;
}

static bool took_publication(struct presload *l UNUSED, struct job *j, const struct sip_msg *m)
{
	struct person *p = j->a->who;
	j->a->machine_version++;
	p->version++;
	return j->a->lync || copy(p->etag, sizeof(p->etag), m->etag);
}

static bool took_dialog(struct presload *l UNUSED, struct job *j, const struct sip_msg *m)
{
	return copy(j->d.to_tag, TAG_MAX, sip_param(m->to, STR("tag"))) && j->d.to_tag[0] &&
	       copy(j->d.target, TARGET_MAX, sip_uri(m->contact)) && j->d.target[0] &&
	       sip_route_set(j->d.route, ROUTE_MAX, &m->record_route);
}

static bool took_session(struct presload *l, struct job *j, const struct sip_msg *m)
{
	struct out o = { l->scratch, 0, REQUEST_MAX, false };
	if (!took_dialog(l, j, m))
		return false;
	wording_ack(l, j, &o);
	l->requests++;
	job_send(l, j->a, &o);
	return true;
}

static bool (*const took[N_ASKS])(struct presload *, struct job *, const struct sip_msg *) = {
	[ASK_REGISTER] = took_registration, [ASK_WATCH] = took_watch, [ASK_MACHINE] = took_machine,
	[ASK_PUBLISH] = took_publication,   [ASK_OPEN] = took_dialog, [ASK_INVITE] = took_session,
};

static void on_success(struct presload *l, struct job *j, const struct sip_msg *m)
{
	usec_t now = now_usec(), pause = l->step->kind == JOB_MODEL ? model_pause(j) : 0;
	enum ask what = job_ask(j);
	latency_add(&l->answered[what], now - j->asked);
	if (took[what] && !took[what](l, j, m)) {
		fail(l, j, "answer");
		return;
	}
	if (what == ASK_PUBLISH && j->a->who->missing > 0) {
		j->state = JOB_TELLING;
		j->deadline = now + l->o.timeout;
		return;
	}
	j->at++;
	if (pause > 0 && job_ask(j) != ASK_END) {
		j->state = JOB_PAUSING;
		j->deadline = now + pause;
	} else {
		go_on(l, j);
	}
}

void job_response(struct presload *l, struct endpoint *e, const struct sip_msg *m)
{
	static const struct str cookie = { "z9hG4bK", 7 };
	char word[8];
	uint32_t txn;
	struct str branch = sip_param(m->via.line[0], STR("branch"));
	struct job *j =
	        str_starts(branch, cookie)
	                ? find(l, (struct str){ branch.p + cookie.n, branch.n - cookie.n }, &txn)
	                : NULL;
	if (!j || j->a != e || j->state != JOB_ASKED || txn != j->txn) {
		l->stats.stray++;
	} else if (m->status < 200) {
		return;
	} else if (m->status < 300) {
		on_success(l, j, m);
	} else if (m->status == 401 || m->status == 407) {
		on_challenge(l, j, m);
	} else {
		(void)snprintf(word, sizeof(word), "%u", m->status % 1000);
		fail(l, j, word);
	}
}

/* --- notifications and what others send ------------------------------------------------------- */

/* Somebody was told what a person said. */
static void told(struct presload *l, struct person *p, uint32_t said)
{
	l->states++;
	if (p->missing == 0 || said != p->said)
		return;
	latency_add(&l->told, now_usec() - p->published);
	if (--p->missing > 0 || !p->job || p->job->state != JOB_TELLING)
		return;
	succeed(l, p->job);
}

static bool cut_behind(struct str *s, struct str mark)
{
	const char *at = s->n > 0 ? memmem(s->p, s->n, mark.p, mark.n) : NULL;
	if (!at)
		return false;
	at += mark.n;
	*s = (struct str){ at, s->n - (size_t)(at - s->p) };
	return true;
}

/* Each document of a person names her first, and then what she says. */
static void read_states(struct presload *l, struct str body, struct str who, struct str what)
{
	uint32_t number, said;
	while (cut_behind(&body, who) && cut_behind(&body, str_of(l->o.prefix))) {
		if (!str_u32(str_cut(&body, '@'), 10, &number) || number < l->o.first ||
		    number - l->o.first >= l->n_people || !cut_behind(&body, what))
			return;
		if (str_u32(str_cut(&body, '<'), 10, &said))
			told(l, &l->person[number - l->o.first], said);
	}
}

static void on_notification(struct presload *l, const struct endpoint *e, const struct sip_msg *m)
{
	l->notified++;
	if (!str_starts(m->call_id, STR("w")))
		return;
	if (e->lync)
		read_states(l, m->body, STR("categories\" uri=\"sip:"), STR("<availability>"));
	else
		read_states(l, m->body, STR("entity=\"sip:"), STR(">v"));
}

/* It came to the endpoint that was meant. */
static void check_session(struct presload *l, const struct endpoint *e, const struct sip_msg *m)
{
	uint32_t txn;
	struct job *j = str_starts(m->call_id, STR("m"))
	                        ? find(l, (struct str){ m->call_id.p + 1, m->call_id.n - 1 }, &txn)
	                        : NULL;
	if (!j)
		l->stats.unexpected++;
	else if (j->b != e)
		l->stats.misrouted++;
}

void job_request(struct presload *l, struct endpoint *e, const struct sip_msg *m)
{
	struct out o = { l->scratch, 0, REQUEST_MAX, false };
	if (str_eq(m->method, STR("BENOTIFY")) || str_eq(m->method, STR("NOTIFY")))
		on_notification(l, e, m);
	else
		check_session(l, e, m);
	if (str_eq(m->method, STR("BENOTIFY")) || str_eq(m->method, STR("ACK")))
		return;
	wording_response(l, e, m, &o);
	job_send(l, e, &o);
}

/* --- time --------------------------------------------------------------------------------------
 */

static void tick_one(struct presload *l, struct job *j, usec_t now)
{
	if (now < j->deadline)
		return;
	if (j->state == JOB_PAUSING)
		go_on(l, j);
	else
		fail(l, j, j->state == JOB_TELLING ? "not-told" : "timeout");
}

void job_tick(struct presload *l, usec_t now)
{
	for (uint32_t i = 0; i < l->n_jobs; i++)
		if (l->job[i].state != JOB_IDLE)
			tick_one(l, &l->job[i], now);
}
