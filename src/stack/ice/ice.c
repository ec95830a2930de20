#include "stack/ice/ice.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/rand.h"

enum {
	TYPE_HOST = 126, /* type preferences of RFC 8445 section 5.1.2.2 */
	TYPE_PRFLX = 110,
	TYPE_RELAYED = 0,
	LOCAL_PREF = 65535, /* of the host's own sockets; one less of the relay's */
	PAIRS = ICE_BASES * ICE_PAIRS_MAX,
	RTO_MAX_MS = 1600,
	MS_IMPLEMENTATION = 2, /* [MS-ICE2] section 2.2: a full agent of this dialect */
	ROLE_CONFLICT = 487,
};

enum pair_state { PAIR_WAITING, PAIR_RUNNING, PAIR_DONE, PAIR_FAILED };

struct pair {
	struct ice_way way;
	uint32_t priority; /* of the peer's candidate */
	uint8_t component;
	uint8_t state;
	bool known;                /* a signed request came from there */
	bool works;                /* our own check was answered */
	bool nominated;            /* by the peer */
	bool asked_as_controlling; /* the role in our last check */
	unsigned tries;
	usec_t next; /* repetition, while it runs */
	uint8_t id[STUN_ID_LEN];
};

struct component {
	struct pair pairs[PAIRS];
	unsigned n, n_of[ICE_BASES];
	struct pair *selected;
};

struct ice {
	struct loop *loop;
	const struct ice_ops *ops;
	void *arg;
	enum stun_dialect dialect;
	bool controlling, started;
	bool relayed; /* there is a base of that kind */
	uint64_t tie_breaker;
	char ufrag[ICE_UFRAG_LEN], pwd[ICE_PWD_LEN];
	char remote_ufrag[ICE_NAME_MAX], remote_pwd[ICE_NAME_MAX];
	size_t remote_ufrag_len, remote_pwd_len;
	struct component c[ICE_COMPONENTS];
	usec_t keep; /* when selected pairs hear from us again */
	struct timer timer;
};

static void on_timer(void *arg);

static uint32_t priority_of(uint32_t type, enum ice_base base, unsigned component)
{
	return type << 24 | (uint32_t)(LOCAL_PREF - base) << 8 | (256 - (component + 1));
}

uint32_t ice_priority(enum ice_base base, unsigned component)
{
	return priority_of(base == ICE_HOST ? TYPE_HOST : TYPE_RELAYED, base, component);
}

struct str ice_foundation(enum ice_base base)
{
	return base == ICE_HOST ? STR("1") : STR("2");
}

struct ice *ice_new(struct loop *l, enum stun_dialect dialect, bool controlling,
                    const struct ice_ops *ops, void *arg)
{
	struct ice *i = xnew(struct ice);
	struct buf ub = { .p = i->ufrag, .cap = ICE_UFRAG_LEN, .max = ICE_UFRAG_LEN };
	struct buf pb = { .p = i->pwd, .cap = ICE_PWD_LEN, .max = ICE_PWD_LEN };
	i->loop = l;
	i->dialect = dialect;
	i->controlling = controlling;
	i->ops = ops;
	i->arg = arg;
	i->tie_breaker = rand_u64();
	i->keep = USEC_INFINITY;
	rand_token(&ub, ICE_UFRAG_LEN);
	rand_token(&pb, ICE_PWD_LEN);
	timer_init(&i->timer, l, on_timer, i);
	return i;
}

void ice_free(struct ice **ip)
{
	struct ice *i = take(ip);
	if (!i)
		return;
	timer_stop(&i->timer);
	wipe(i, sizeof(*i));
	free(i);
}

struct str ice_ufrag(const struct ice *i)
{
	return str_n(i->ufrag, sizeof(i->ufrag));
}

struct str ice_pwd(const struct ice *i)
{
	return str_n(i->pwd, sizeof(i->pwd));
}

/* Pairs. */

static bool is_same_way(const struct ice_way *a, const struct ice_way *b)
{
	return a->base == b->base && addr_eq(&a->peer, &b->peer);
}

static struct pair *pair_by(struct component *c, const struct ice_way *way)
{
	for (unsigned k = 0; k < c->n; k++)
		if (is_same_way(&c->pairs[k].way, way))
			return &c->pairs[k];
	return NULL;
}

/* NULL: there are too many. */
static struct pair *pair_add(struct ice *i, unsigned component, const struct ice_way *way,
                             uint32_t priority)
{
	struct component *c = &i->c[component];
	struct pair *p = pair_by(c, way);
	if (p || c->n_of[way->base] == ICE_PAIRS_MAX)
		return p;
	c->n_of[way->base]++;
	p = &c->pairs[c->n++];
	*p = (struct pair){ .way = *way, .priority = priority, .component = (uint8_t)component };
	return p;
}

/* RFC 8445 section 6.1.2.3: both ends come to the same order. */
static uint64_t priority_of_pair(const struct ice *i, const struct pair *p)
{
	uint32_t ours = ice_priority(p->way.base, p->component), theirs = p->priority;
	bool above = i->controlling ? ours > theirs : theirs > ours;
	return ((uint64_t)MIN(ours, theirs) << 32) + 2 * (uint64_t)MAX(ours, theirs) + above;
}

static bool is_better(const struct ice *i, const struct pair *p, const struct pair *than)
{
	return !than || priority_of_pair(i, p) > priority_of_pair(i, than);
}

/* May media go there?  Only where our check was answered: a request alone may come from an address
 * that is not its sender's (RFC 8445 section 7.3.1.5).  The controlling side nominates with each
 * check. */
static bool is_chosen(const struct ice *i, const struct pair *p)
{
	return p->works && (i->controlling ? p->asked_as_controlling : p->nominated);
}

static void choose(struct ice *i, unsigned component)
{
	struct component *c = &i->c[component];
	struct pair *best = c->selected;
	for (unsigned k = 0; k < c->n; k++) {
		struct pair *p = &c->pairs[k];
		if (is_chosen(i, p) && is_better(i, p, best))
			best = p;
	}
	if (!best || best == c->selected)
		return;
	c->selected = best;
	if (i->keep == USEC_INFINITY)
		i->keep = loop_now(i->loop) + ICE_KEEP_S * USEC_PER_SEC;
	i->ops->selected(i->arg, component, &best->way);
}

/* Sending. */

static void send_out(struct ice *i, unsigned component, const struct ice_way *way,
                     struct stun_out *o)
{
	if (!o->full)
		i->ops->send(i->arg, component, way, stun_text(o));
}

static void put_username(struct ice *i, struct stun_out *o)
{
	char name[ICE_NAME_MAX + 1 + ICE_UFRAG_LEN];
	size_t n = i->remote_ufrag_len;
	memcpy(name, i->remote_ufrag, n);
	name[n++] = ':';
	memcpy(name + n, i->ufrag, ICE_UFRAG_LEN);
	stun_put(o, STUN_USERNAME, str_n(name, n + ICE_UFRAG_LEN));
}

static void send_check(struct ice *i, unsigned component, struct pair *p)
{
	struct stun_out o;
	stun_begin(&o, STUN_REQUEST, STUN_BINDING, p->id);
	put_username(i, &o);
	stun_put_u32(&o, STUN_PRIORITY, priority_of(TYPE_PRFLX, p->way.base, component));
	if (p->asked_as_controlling)
		stun_put(&o, STUN_USE_CANDIDATE, STR(""));
	stun_put_u64(&o, p->asked_as_controlling ? STUN_ICE_CONTROLLING : STUN_ICE_CONTROLLED,
	             i->tie_breaker);
	if (i->dialect == STUN_LYNC) {
		stun_put(&o, STUN_MS_CANDIDATE_IDENTIFIER, ice_foundation(p->way.base));
		stun_put_u32(&o, STUN_MS_IMPLEMENTATION_VERSION, MS_IMPLEMENTATION);
	}
	stun_end(&o, i->dialect, str_n(i->remote_pwd, i->remote_pwd_len));
	send_out(i, component, &p->way, &o);
}

static void answer(struct ice *i, unsigned component, const struct ice_way *way,
                   const struct stun_msg *m)
{
	struct stun_out o;
	stun_begin(&o, STUN_SUCCESS, STUN_BINDING, m->id);
	stun_put_xor_addr(&o, STUN_XOR_MAPPED_ADDRESS, &way->peer);
	if (i->dialect == STUN_LYNC)
		stun_put_u32(&o, STUN_MS_IMPLEMENTATION_VERSION, MS_IMPLEMENTATION);
	stun_end(&o, i->dialect, ice_pwd(i));
	send_out(i, component, way, &o);
}

static void refuse(struct ice *i, unsigned component, const struct ice_way *way,
                   const struct stun_msg *m, unsigned code, struct str reason)
{
	struct stun_out o;
	stun_begin(&o, STUN_ERROR, STUN_BINDING, m->id);
	stun_put_error(&o, code, reason);
	stun_end(&o, i->dialect, ice_pwd(i));
	send_out(i, component, way, &o);
}

/* RFC 8445 section 11: no answer is wanted. */
static void keep_alive(struct ice *i)
{
	for (unsigned k = 0; k < ICE_COMPONENTS; k++) {
		struct stun_out o;
		uint8_t id[STUN_ID_LEN];
		if (!i->c[k].selected)
			continue;
		rand_bytes(id, sizeof(id));
		stun_begin(&o, STUN_INDICATION, STUN_BINDING, id);
		stun_end(&o, i->dialect, (struct str){ NULL, 0 });
		send_out(i, k, &i->c[k].selected->way, &o);
	}
}

/* Checks. */

static usec_t rto(unsigned tries)
{
	unsigned ms = ICE_RTO_MS;
	for (unsigned k = 1; k < tries && ms < RTO_MAX_MS; k++)
		ms *= 2;
	return MIN(ms, (unsigned)RTO_MAX_MS) * USEC_PER_MSEC;
}

static void begin_check(struct ice *i, unsigned component, struct pair *p)
{
	p->state = PAIR_RUNNING;
	p->tries = 1;
	p->next = loop_now(i->loop) + rto(1);
	p->asked_as_controlling = i->controlling;
	rand_bytes(p->id, sizeof(p->id));
	send_check(i, component, p);
}

static void repeat_check(struct ice *i, unsigned component, struct pair *p)
{
	if (p->tries == ICE_TRIES) {
		p->state = PAIR_FAILED;
		return;
	}
	p->tries++;
	p->next = loop_now(i->loop) + rto(p->tries);
	send_check(i, component, p);
}

/* The waiting pair that comes first; RTP before RTCP where the rest is equal. */
static struct pair *first_waiting(struct ice *i, unsigned *ret_component)
{
	struct pair *best = NULL;
	for (unsigned k = 0; k < ICE_COMPONENTS; k++)
		for (unsigned n = 0; n < i->c[k].n; n++) {
			struct pair *p = &i->c[k].pairs[n];
			if (p->state == PAIR_WAITING && is_better(i, p, best)) {
				best = p;
				*ret_component = k;
			}
		}
	return best;
}

/* Repeats what is due; returns when the next repetition is. */
static usec_t repeat_due(struct ice *i, usec_t now)
{
	usec_t next = USEC_INFINITY;
	for (unsigned k = 0; k < ICE_COMPONENTS; k++)
		for (unsigned n = 0; n < i->c[k].n; n++) {
			struct pair *p = &i->c[k].pairs[n];
			if (p->state == PAIR_RUNNING && p->next <= now)
				repeat_check(i, k, p);
			if (p->state == PAIR_RUNNING)
				next = MIN(next, p->next);
		}
	return next;
}

static void on_timer(void *arg)
{
	struct ice *i = arg;
	usec_t now = loop_now(i->loop), next = USEC_INFINITY;
	unsigned component = 0;
	struct pair *p = i->started ? first_waiting(i, &component) : NULL;
	if (p)
		begin_check(i, component, p);
	if (i->started)
		next = repeat_due(i, now);
	if (i->keep <= now) {
		keep_alive(i);
		i->keep = now + ICE_KEEP_S * USEC_PER_SEC;
	}
	if (p)
		next = MIN(next, now + ICE_PACE_MS * USEC_PER_MSEC);
	next = MIN(next, i->keep);
	if (next != USEC_INFINITY)
		timer_set(&i->timer, next);
}

/* There is something to do soon; what is due earlier stays. */
static void wake(struct ice *i)
{
	usec_t soon = loop_now(i->loop) + ICE_PACE_MS * USEC_PER_MSEC;
	if (i->timer.tick.deadline > soon)
		timer_set(&i->timer, soon);
}

/* The peer. */

int ice_set_remote(struct ice *i, struct str ufrag, struct str pwd)
{
	if (i->remote_pwd_len)
		return 0;
	if (ufrag.len == 0 || pwd.len == 0 || ufrag.len > ICE_NAME_MAX || pwd.len > ICE_NAME_MAX)
		return -EMSGSIZE;
	memcpy(i->remote_ufrag, ufrag.p, ufrag.len);
	memcpy(i->remote_pwd, pwd.p, pwd.len);
	i->remote_ufrag_len = ufrag.len;
	i->remote_pwd_len = pwd.len;
	return 0;
}

static void add_remote(struct ice *i, unsigned component, const struct ice_way *way,
                       uint32_t priority)
{
	struct pair *p = pair_add(i, component, way, priority);
	if (!p)
		return;
	p->priority = priority; /* a check that came before told that of a learnt address */
	if (i->started)
		wake(i);
}

void ice_add_remote(struct ice *i, unsigned component, const struct addr *a, uint32_t priority)
{
	if (component >= ICE_COMPONENTS)
		return;
	add_remote(i, component, &(struct ice_way){ ICE_HOST, *a }, priority);
	if (i->relayed)
		add_remote(i, component, &(struct ice_way){ ICE_RELAYED, *a }, priority);
}

void ice_add_relayed(struct ice *i)
{
	i->relayed = true;
}

static void fail(struct pair *p)
{
	p->state = PAIR_FAILED;
	p->known = p->works = p->nominated = false;
}

void ice_lose_relayed(struct ice *i)
{
	i->relayed = false;
	for (unsigned k = 0; k < ICE_COMPONENTS; k++) {
		struct component *c = &i->c[k];
		for (unsigned n = 0; n < c->n; n++)
			if (c->pairs[n].way.base == ICE_RELAYED)
				fail(&c->pairs[n]);
		if (c->selected && c->selected->way.base == ICE_RELAYED)
			c->selected = NULL;
		choose(i, k);
	}
}

void ice_refuse_relayed(struct ice *i, unsigned component, const struct addr *host)
{
	struct component *c = &i->c[component];
	for (unsigned n = 0; n < c->n; n++) {
		struct pair *p = &c->pairs[n];
		if (p->way.base == ICE_RELAYED && addr_eq_host(&p->way.peer, host) && !p->works)
			fail(p);
	}
}

void ice_start(struct ice *i)
{
	if (i->started || i->remote_pwd_len == 0)
		return;
	i->started = true;
	timer_set(&i->timer, loop_now(i->loop));
}

/* "ours:theirs"; theirs is only known from the description on. */
static bool is_for_us(const struct ice *i, const struct stun_msg *m)
{
	struct str name, ours, theirs;
	if (!stun_attr(m, STUN_USERNAME, &name))
		return false;
	/* Agents of Lync's dialect count their padding as part of it. */
	while (i->dialect == STUN_LYNC && name.len > 0 && name.p[name.len - 1] == '\0')
		name.len--;
	if (!str_cut(name, ':', &ours, &theirs) || !str_eq(ours, ice_ufrag(i)))
		return false;
	return i->remote_ufrag_len == 0 ||
	       str_eq(theirs, str_n(i->remote_ufrag, i->remote_ufrag_len));
}

/* What worked without our nomination is asked again with it. */
static void become(struct ice *i, bool controlling)
{
	if (i->controlling == controlling)
		return;
	i->controlling = controlling;
	for (unsigned k = 0; k < ICE_COMPONENTS; k++)
		for (unsigned n = 0; n < i->c[k].n; n++) {
			struct pair *p = &i->c[k].pairs[n];
			if (controlling && p->state == PAIR_DONE && !p->asked_as_controlling)
				p->state = PAIR_WAITING;
		}
	wake(i);
}

/* RFC 8445 section 7.3.1.1.  True if the request is to be answered with 487. */
static bool has_conflict(struct ice *i, const struct stun_msg *m)
{
	uint64_t theirs;
	uint16_t same = i->controlling ? STUN_ICE_CONTROLLING : STUN_ICE_CONTROLLED;
	if (!stun_attr_u64(m, same, &theirs))
		return false;
	if (i->controlling == (i->tie_breaker >= theirs))
		return true;
	become(i, !i->controlling);
	return false;
}

static void on_request(struct ice *i, unsigned component, const struct ice_way *way,
                       const struct stun_msg *m)
{
	static const uint16_t known[] = { STUN_USERNAME, STUN_MESSAGE_INTEGRITY, STUN_PRIORITY,
		                          STUN_USE_CANDIDATE };
	uint16_t unknown;
	uint32_t priority = 0;
	struct str none;
	if (!is_for_us(i, m) || !stun_is_signed(m, i->dialect, ice_pwd(i)) ||
	    stun_unknown(m, known, ARRAY_SIZE(known), &unknown, 1) > 0)
		return;
	if (has_conflict(i, m)) {
		refuse(i, component, way, m, ROLE_CONFLICT, STR("Role Conflict"));
		return;
	}
	answer(i, component, way, m);
	(void)stun_attr_u32(m, STUN_PRIORITY, &priority);
	struct pair *p = pair_add(i, component, way, priority);
	if (!p)
		return;
	p->known = true;
	if (!i->controlling && stun_attr(m, STUN_USE_CANDIDATE, &none))
		p->nominated = true;
	/* A triggered check (RFC 8445 section 7.3.1.4). */
	if (p->state == PAIR_FAILED)
		p->state = PAIR_WAITING;
	if (i->started && p->state == PAIR_WAITING)
		begin_check(i, component, p);
	choose(i, component);
	wake(i);
}

static struct pair *pair_of(struct component *c, const uint8_t id[STUN_ID_LEN])
{
	for (unsigned k = 0; k < c->n; k++)
		if (c->pairs[k].state == PAIR_RUNNING &&
		    memcmp(c->pairs[k].id, id, STUN_ID_LEN) == 0)
			return &c->pairs[k];
	return NULL;
}

static void on_answer(struct ice *i, unsigned component, const struct ice_way *way,
                      const struct stun_msg *m)
{
	struct pair *p = pair_of(&i->c[component], m->id);
	unsigned code = 0;
	struct str reason;
	if (!p || !is_same_way(&p->way, way) ||
	    !stun_is_signed(m, i->dialect, str_n(i->remote_pwd, i->remote_pwd_len)))
		return;
	if (m->class == STUN_SUCCESS) {
		/* Our role is another since: it is asked again, with a nomination. */
		p->state = i->controlling && !p->asked_as_controlling ? PAIR_WAITING : PAIR_DONE;
		p->known = p->works = true;
		choose(i, component);
		wake(i);
		return;
	}
	p->state = PAIR_FAILED;
	if (stun_attr_error(m, &code, &reason) && code == ROLE_CONFLICT) {
		/* The other role than in that check: several may be refused at once. */
		become(i, !p->asked_as_controlling);
		p->state = PAIR_WAITING;
		wake(i);
	}
}

void ice_input(struct ice *i, unsigned component, const struct ice_way *way, struct str datagram)
{
	struct stun_msg m;
	if (component >= ICE_COMPONENTS || (way->base == ICE_RELAYED && !i->relayed) ||
	    datagram.len > STUN_BYTES_MAX || stun_parse(&m, datagram) < 0 ||
	    m.method != STUN_BINDING || !stun_has_fingerprint(&m))
		return;
	if (m.class == STUN_REQUEST)
		on_request(i, component, way, &m);
	else if (m.class != STUN_INDICATION)
		on_answer(i, component, way, &m);
}

bool ice_knows(const struct ice *i, unsigned component, const struct ice_way *way)
{
	const struct component *c = &i->c[component];
	if (c->selected && is_same_way(&c->selected->way, way))
		return true;
	for (unsigned k = 0; k < c->n; k++)
		if (c->pairs[k].known && is_same_way(&c->pairs[k].way, way))
			return true;
	return false;
}

bool ice_selected(const struct ice *i, unsigned component, struct ice_way *ret)
{
	const struct pair *p = i->c[component].selected;
	if (p)
		*ret = p->way;
	return p != NULL;
}
