#include "svc/bridge/bridge.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

enum { RELAY_LINES_PER_S = 5 };

struct bridge {
	struct loop *loop;
	struct bridge_config cfg;
	struct leg_ports ports;
	struct relays *relays; /* or NULL */
	struct log_limit without_relay;
	struct map by_id;
	struct list calls;
	struct bridge_counts past;
	struct timer sweep;
};

static bool is_over(const struct bridge_call *c, usec_t now)
{
	usec_t last = c->since;
	for (int i = 0; i < 2; i++)
		if (c->legs[i])
			last = MAX(last, leg_counts(c->legs[i])->last_in);
	return now > last + (c->answered ? BRIDGE_SILENT_S : BRIDGE_RING_S) * USEC_PER_SEC;
}

bool bridge_has_way(const struct bridge_call *c)
{
	for (int i = 0; i < 2; i++)
		if (!c->legs[i] || !leg_has_way(c->legs[i]))
			return false;
	return true;
}

static void warn_of_silence(struct bridge_call *c, usec_t now)
{
	const struct bridge *b = c->bridge;
	if (c->warned || !c->answered || now < c->since + BRIDGE_WAY_S * USEC_PER_SEC ||
	    bridge_has_way(c))
		return;
	c->warned = true;
	log_warning(NULL, "bridged-call-silent",
	            "call=%s reason=\"the Lync client and the bridge do not reach one another; are "
	            "UDP ports %u to %u open between them?\"",
	            log_esc(c->id), b->ports.min, b->ports.max);
}

static void on_sweep(void *arg)
{
	struct bridge *b = arg;
	usec_t now = loop_now(b->loop);
	list_for(it, &b->calls)
	{
		struct bridge_call *c = list_entry(it, struct bridge_call, all);
		if (is_over(c, now))
			bridge_close(c);
		else
			warn_of_silence(c, now);
	}
	timer_set(&b->sweep, now + BRIDGE_SWEEP_S * USEC_PER_SEC);
}

struct bridge *bridge_new(struct loop *l, const struct bridge_config *cfg)
{
	struct bridge *b = xnew(struct bridge);
	b->loop = l;
	map_init(&b->by_id);
	list_init(&b->calls);
	bridge_configure(b, cfg);
	timer_init(&b->sweep, l, on_sweep, b);
	timer_set(&b->sweep, loop_now(l) + BRIDGE_SWEEP_S * USEC_PER_SEC);
	return b;
}

void bridge_free(struct bridge **bp)
{
	struct bridge *b = take(bp);
	struct bridge_call *c;
	if (!b)
		return;
	while ((c = bridge_next(b, NULL)) != NULL)
		bridge_close(c);
	timer_stop(&b->sweep);
	map_done(&b->by_id);
	free(b);
}

void bridge_configure(struct bridge *b, const struct bridge_config *cfg)
{
	b->cfg = *cfg;
	b->ports.min = (uint16_t)(cfg->port_min + (cfg->port_min & 1));
	b->ports.max = cfg->port_max;
	b->ports.loopback = cfg->loopback;
	b->ports.all_min = cfg->all_min;
	b->ports.all_max = cfg->all_max;
}

void bridge_set_relays(struct bridge *b, struct relays *relays)
{
	b->relays = relays;
}

static void add_counts(struct bridge_counts *n, const struct bridge_call *c)
{
	for (int i = 0; i < 2; i++) {
		if (!c->legs[i])
			continue;
		n->packets += leg_counts(c->legs[i])->in;
		n->dropped += leg_counts(c->legs[i])->dropped;
	}
}

struct bridge_counts bridge_counts(const struct bridge *b)
{
	struct bridge_counts n = b->past;
	list_for(it, &b->calls)
	{
		add_counts(&n, list_entry(it, struct bridge_call, all));
	}
	n.now = (uint32_t)b->by_id.n;
	return n;
}

/* Calls. */

static uint64_t hash_of(const struct bridge *b, struct str s)
{
	return hash_bytes(&b->by_id.key, s.p, s.len);
}

/* Has the caller as many calls as one may have? */
static bool is_greedy(const struct bridge *b, uint64_t who)
{
	uint32_t n = 0;
	list_for(it, &b->calls)
	{
		n += list_entry(it, struct bridge_call, all)->who == who;
	}
	return who != 0 && n >= b->cfg.user_calls_max;
}

static struct bridge_call *call_new(const struct bridge_start *s)
{
	struct bridge_call *c = xcalloc(1, sizeof(*c) + s->id.len + s->caller_tag.len);
	c->refs = 1; /* the table's */
	memcpy(c->text, s->id.p, s->id.len);
	memcpy(c->text + s->id.len, s->caller_tag.p, s->caller_tag.len);
	c->id = str_n(c->text, s->id.len);
	c->caller_tag = str_n(c->text + s->id.len, s->caller_tag.len);
	c->caller_lync = s->caller_lync;
	memcpy(c->towards, s->towards, sizeof(c->towards));
	return c;
}

struct bridge_call *bridge_open(struct bridge *b, const struct bridge_start *s)
{
	uint64_t who = s->who.len ? hash_of(b, s->who) : 0;
	if (s->id.len > BRIDGE_ID_MAX || s->caller_tag.len > BRIDGE_ID_MAX ||
	    b->by_id.n >= b->cfg.calls_max || is_greedy(b, who)) {
		b->past.refused++;
		return NULL;
	}
	struct bridge_call *c = call_new(s);
	c->bridge = b;
	c->who = who;
	c->since = loop_now(b->loop);
	map_add(&b->by_id, &c->node, hash_of(b, s->id));
	list_add(&b->calls, &c->all);
	b->past.calls++;
	return c;
}

static bool is_called(const struct bridge_call *c, struct str tag)
{
	return str_eq(tag, str_n(c->called_tag, c->called_tag_len));
}

struct bridge_call *bridge_find(struct bridge *b, struct str id, struct str from_tag,
                                struct str to_tag, enum bridge_side *ret_from)
{
	struct map_node *n = map_first(&b->by_id, hash_of(b, id));
	for (; n; n = map_next(n)) {
		struct bridge_call *c = list_entry(n, struct bridge_call, node);
		bool by_caller = str_eq(from_tag, c->caller_tag) && is_called(c, to_tag);
		if (!str_eq(c->id, id) ||
		    (!by_caller && !(str_eq(to_tag, c->caller_tag) && is_called(c, from_tag))))
			continue;
		*ret_from = by_caller ? BRIDGE_CALLER : BRIDGE_CALLED;
		return c;
	}
	return NULL;
}

void bridge_called_tag(struct bridge_call *c, struct str tag)
{
	if (c->answered || tag.len > BRIDGE_ID_MAX)
		return;
	memcpy(c->called_tag, tag.p, tag.len);
	c->called_tag_len = tag.len;
}

void bridge_answered(struct bridge_call *c)
{
	if (!c->answered)
		log_info(NULL, "bridged-call", "call=%s caller=%s", log_esc(c->id),
		         c->caller_lync ? "lync" : "sip");
	c->answered = true;
}

bool bridge_awaits(const struct bridge_call *c, enum bridge_side side)
{
	return c->offered_by != 0 && c->offered_by != 1 + side;
}

struct bridge_call *bridge_ref(struct bridge_call *c)
{
	c->refs++;
	return c;
}

void bridge_unref(struct bridge_call **cp)
{
	struct bridge_call *c = take(cp);
	if (c && --c->refs == 0)
		free(c);
}

static void log_end(const struct bridge_call *c)
{
	struct bridge_counts n = { 0 };
	add_counts(&n, c);
	log_info(NULL, "bridged-call-ended",
	         "call=%s seconds=%" PRIu64 " packets=%" PRIu64 " dropped=%" PRIu64, log_esc(c->id),
	         (loop_now(c->bridge->loop) - c->since) / USEC_PER_SEC, n.packets, n.dropped);
}

void bridge_close(struct bridge_call *c)
{
	struct bridge *b = c->bridge;
	if (c->closed)
		return;
	if (c->answered)
		log_end(c);
	add_counts(&b->past, c);
	map_del(&b->by_id, &c->node);
	list_del(&c->all);
	leg_free(&c->legs[BRIDGE_CALLER]);
	leg_free(&c->legs[BRIDGE_CALLED]);
	c->closed = true;
	bridge_unref(&c);
}

struct bridge_call *bridge_next(struct bridge *b, struct bridge_call *after)
{
	struct list *next = after ? after->all.next : b->calls.next;
	return next == &b->calls ? NULL : list_entry(next, struct bridge_call, all);
}

/* Media. */

static void from_caller(void *arg, unsigned component, uint8_t *packet, size_t len)
{
	struct bridge_call *c = arg;
	if (c->legs[BRIDGE_CALLED])
		leg_send(c->legs[BRIDGE_CALLED], component, packet, len);
}

static void from_called(void *arg, unsigned component, uint8_t *packet, size_t len)
{
	struct bridge_call *c = arg;
	if (c->legs[BRIDGE_CALLER])
		leg_send(c->legs[BRIDGE_CALLER], component, packet, len);
}

static const struct leg_ops leg_ops[2] = {
	[BRIDGE_CALLER] = { .packet = from_caller },
	[BRIDGE_CALLED] = { .packet = from_called },
};

bool bridge_is_lync(const struct bridge_call *c, enum bridge_side side)
{
	return c->caller_lync == (side == BRIDGE_CALLER);
}

static enum sound_dialect dialect_of_side(const struct bridge_call *c, enum bridge_side side)
{
	return bridge_is_lync(c, side) ? SOUND_LYNC : SOUND_PLAIN;
}

/* An address that names no host, or this one where no client is, shows no way to anybody. */
static bool shows_way(const struct bridge *b, const struct addr *a)
{
	return !addr_is_any(a) && !addr_is_multicast(a) &&
	       (b->cfg.loopback || !addr_is_loopback(a));
}

/* A call that finds none has the addresses of this host alone. */
static void take_relay(struct bridge_call *c, struct leg *g)
{
	struct bridge *b = c->bridge;
	if (!b->relays || leg_dialect(g) != SOUND_LYNC || leg_take_relay(g, b->relays))
		return;
	b->past.without_relay++;
	if (log_allow(&b->without_relay, loop_now(b->loop), RELAY_LINES_PER_S))
		log_info(NULL, "bridged-call-without-relay", "call=%s", log_esc(c->id));
}

static int make_leg(struct bridge_call *c, enum bridge_side side, const struct addr *towards)
{
	struct bridge *b = c->bridge;
	int err = 0;
	c->legs[side] = leg_new(b->loop, dialect_of_side(c, side), &b->ports, towards,
	                        &leg_ops[side], c, &err);
	if (c->legs[side])
		take_relay(c, c->legs[side]);
	return err;
}

/* The leg of a side, made when it is first spoken of.  is_hint: media need not go just there. */
static int need_leg(struct bridge_call *c, enum bridge_side side, const struct addr *towards,
                    bool is_hint)
{
	struct bridge *b = c->bridge;
	if (c->legs[side])
		return 0;
	int err = make_leg(c, side, shows_way(b, towards) ? towards : &b->cfg.own);
	if (is_hint && (err == -ENETUNREACH || err == -EHOSTUNREACH || err == -EAFNOSUPPORT))
		err = make_leg(c, side, &b->cfg.own);
	if (err < 0)
		b->past.refused++;
	return err;
}

int bridge_translate(struct bridge_call *c, enum bridge_side from, const struct sip_msg *m,
                     bool answers, struct buf *ret)
{
	RAW_MEMORY struct sdp s;
	struct sound o;
	enum bridge_side to = from == BRIDGE_CALLER ? BRIDGE_CALLED : BRIDGE_CALLER;
	int r = sound_find(&s, m);
	if (r == 0 && c->closed)
		r = -ENODATA;
	if (r < 0)
		return r;
	r = sound_read(&o, &s, dialect_of_side(c, from));
	if (r < 0)
		return r == -ENOENT ? -ENODATA : r;
	/* ICE finds a way that the description's address does not show, and a Contact is where the
	 * signalling goes. */
	r = need_leg(c, from, &o.at[0], dialect_of_side(c, from) == SOUND_LYNC);
	if (r == 0)
		r = need_leg(c, to, &c->towards[to], true);
	if (r == 0)
		r = leg_read(c->legs[from], &s, &o, answers);
	wipe(&o.key, sizeof(o.key));
	if (r < 0)
		return r;
	c->offered_by = answers ? 0 : 1 + (uint8_t)from;
	if (leg_write(c->legs[to], ret, &s, o.m, answers))
		return 0;
	if (!answers)
		bridge_refused(c, from);
	return -EBADMSG;
}

void bridge_refused(struct bridge_call *c, enum bridge_side from)
{
	if (c->legs[from])
		leg_undo(c->legs[from]);
	if (c->offered_by == 1 + from)
		c->offered_by = 0;
}

bool bridge_try_again(struct bridge_call *c)
{
	struct leg *g = c->legs[BRIDGE_CALLED];
	return g && leg_insist(g);
}
