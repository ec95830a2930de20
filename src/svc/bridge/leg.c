#include "svc/bridge/leg.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/rand.h"

struct leg_socket {
	struct leg *leg;
	struct udp *udp;
	struct addr at;     /* ours */
	struct addr peer;   /* where media goes ... */
	enum ice_base base; /* ... and from where */
	struct addr said;   /* where the description says that it goes */
	bool known;         /* peer is valid */
	bool moved;         /* its port was learnt from a packet */
	struct addr seen;   /* where the last packet came from */
	bool seen_here;     /* that is an address of this host */
};

/* What holds again if the client's offer is refused. */
struct leg_past {
	bool there;
	struct sound_key own, theirs;
	bool own_used;
	struct srtp *in, *out; /* may be the leg's too */
	struct leg_socket sockets[ICE_COMPONENTS];
};

struct leg {
	struct loop *loop;
	enum sound_dialect dialect;
	const struct leg_ops *ops;
	void *arg;
	struct leg_ports *ports;
	struct leg_socket sockets[ICE_COMPONENTS];
	struct ice *ice; /* SOUND_LYNC, once its role is known */
	struct relays *relays;
	struct relay_pair *relay; /* or NULL */
	bool relay_lost;
	struct sound_key own, theirs;
	bool offers_key; /* our last offer had one */
	bool beside;     /* beside RTP/AVP: it need not be taken */
	bool insists;    /* SOUND_PLAIN: offers SRTP alone */
	bool own_used;   /* our key has protected something, or might have */
	struct srtp *in, *out;
	struct leg_past past; /* before the client's offer that was not answered yet */
	char proto[64];       /* of the client's last offer */
	size_t proto_len;
	struct leg_counts counts;
};

/* Packets. */

static bool is_rtcp(unsigned component)
{
	return component == 1;
}

/* What came from the client as RTP or RTCP (RFC 3550 sections 5.1 and 6.4) begins so, encrypted or
 * not; nothing else is let through, least of all what the other client made of it. */
static bool is_media(unsigned component, const uint8_t *p, size_t len)
{
	return len >= (is_rtcp(component) ? 8 : 12) && len <= LEG_PACKET_MAX && p[0] >> 6 == 2;
}

static int unprotect(struct leg *g, unsigned component, uint8_t *p, size_t *len)
{
	if (!g->theirs.there)
		return 0;
	if (!g->in)
		return -EIO;
	return is_rtcp(component) ? srtp_unprotect_rtcp(g->in, p, len)
	                          : srtp_unprotect(g->in, p, len);
}

static int protect(struct leg *g, unsigned component, uint8_t *p, size_t *len)
{
	if (!g->theirs.there)
		return 0;
	if (!g->out)
		return -EIO;
	return is_rtcp(component) ? srtp_protect_rtcp(g->out, p, len)
	                          : srtp_protect(g->out, p, len);
}

/* May media come that way? */
static bool is_peer(struct leg *g, unsigned component, const struct ice_way *way)
{
	struct leg_socket *k = &g->sockets[component];
	if (g->dialect == SOUND_LYNC)
		return g->ice && ice_knows(g->ice, component, way);
	return k->known &&
	       (k->moved ? addr_eq(&k->peer, &way->peer) : addr_eq_host(&k->peer, &way->peer));
}

/* The kernel sends from an address of this host to that very address. */
static bool is_here(struct leg_socket *k, const struct addr *a)
{
	struct addr from;
	if (!addr_eq(&k->seen, a)) {
		k->seen = *a;
		k->seen_here = udp_source(a, &from) == 0 && addr_eq_host(&from, a);
	}
	return k->seen_here;
}

/* A port of this process, or one that another process of the role may have, or what a relay has for
 * us. */
static bool is_bridge(struct leg_socket *k, const struct addr *from)
{
	const struct leg *g = k->leg;
	const struct leg_ports *ports = g->ports;
	uint16_t port = addr_port(from);
	bool ours = port >= ports->min && port <= ports->max;
	bool others = !ours && port >= ports->all_min && port <= ports->all_max;
	return ((others || ports->used[port / 8] >> port % 8 & 1) && is_here(k, from)) ||
	       (g->relays && relays_has(g->relays, from));
}

static void send_by(struct leg *g, unsigned component, const struct ice_way *way, struct str data)
{
	if (way->base == ICE_RELAYED)
		relay_pair_send(g->relay, component, &way->peer, data);
	else
		(void)udp_send(g->sockets[component].udp, &way->peer, data);
}

/* SRTP_ROOM bytes behind it may be written. */
static void take_media(struct leg *g, unsigned component, const struct ice_way *way, uint8_t *p,
                       size_t len)
{
	struct leg_socket *k = &g->sockets[component];
	if (!is_media(component, p, len) || !is_peer(g, component, way) ||
	    is_bridge(k, &way->peer) || unprotect(g, component, p, &len) < 0) {
		g->counts.dropped++;
		return;
	}
	if (g->dialect == SOUND_PLAIN && !k->moved) {
		k->peer = way->peer;
		k->moved = true;
	}
	g->counts.in++;
	g->counts.last_in = loop_now(g->loop);
	g->ops->packet(g->arg, component, p, len);
}

static void on_datagram(void *arg, struct udp *u UNUSED, const struct addr *from, struct str data)
{
	struct leg_socket *k = arg;
	struct leg *g = k->leg;
	unsigned component = (unsigned)(k - g->sockets);
	struct ice_way way = { ICE_HOST, *from };
	if (!stun_looks_like(data))
		take_media(g, component, &way, (uint8_t *)(uintptr_t)data.p, data.len);
	else if (g->ice)
		ice_input(g->ice, component, &way, data);
}

void leg_send(struct leg *g, unsigned component, uint8_t *packet, size_t len)
{
	struct leg_socket *k = &g->sockets[component];
	if (!k->known)
		return;
	if (protect(g, component, packet, &len) < 0) {
		g->counts.dropped++;
		return;
	}
	g->counts.out++;
	send_by(g, component, &(struct ice_way){ k->base, k->peer },
	        str_n((const char *)packet, len));
}

/* The relay. */

static void on_relayed(void *arg, unsigned component, const struct addr *from, struct str data)
{
	struct leg *g = arg;
	struct ice_way way = { ICE_RELAYED, *from };
	RAW_MEMORY uint8_t p[LEG_PACKET_MAX + SRTP_ROOM];
	if (stun_looks_like(data)) {
		if (g->ice)
			ice_input(g->ice, component, &way, data);
		return;
	}
	if (data.len > LEG_PACKET_MAX) {
		g->counts.dropped++;
		return;
	}
	memcpy(p, data.p, data.len);
	take_media(g, component, &way, p, data.len);
}

static void on_refused(void *arg, unsigned component, const struct addr *host)
{
	struct leg *g = arg;
	if (g->ice)
		ice_refuse_relayed(g->ice, component, host);
}

static void on_relay_lost(void *arg)
{
	struct leg *g = arg;
	g->relay_lost = true;
	if (!g->ice)
		return;
	ice_lose_relayed(g->ice);
	for (unsigned c = 0; c < ICE_COMPONENTS; c++) {
		struct ice_way way;
		g->sockets[c].known = ice_selected(g->ice, c, &way);
	}
}

static const struct relay_pair_ops relay_ops = { .data = on_relayed,
	                                         .refused = on_refused,
	                                         .lost = on_relay_lost };

bool leg_take_relay(struct leg *g, struct relays *relays)
{
	g->relays = relays;
	g->relay = relays_take(relays, &relay_ops, g);
	return g->relay != NULL;
}

enum leg_relay leg_relay(const struct leg *g)
{
	const struct leg_socket *k = &g->sockets[0];
	if (!g->relay)
		return LEG_NO_RELAY;
	if (g->relay_lost)
		return LEG_RELAY_LOST;
	return k->known && k->base == ICE_RELAYED ? LEG_RELAY_USED : LEG_RELAY_OFFERED;
}

/* ICE. */

static void ice_sends(void *arg, unsigned component, const struct ice_way *way, struct str datagram)
{
	send_by(arg, component, way, datagram);
}

static void ice_has_chosen(void *arg, unsigned component, const struct ice_way *way)
{
	struct leg *g = arg;
	struct leg_socket *k = &g->sockets[component];
	k->peer = way->peer;
	k->base = way->base;
	k->known = true;
	if (way->base == ICE_RELAYED)
		relay_pair_bind(g->relay, component, &way->peer);
}

static const struct ice_ops ice_ops = { .send = ice_sends, .selected = ice_has_chosen };

/* Who offers is the controlling one (RFC 8445 section 6.1.1). */
static void need_ice(struct leg *g, bool we_offer)
{
	if (g->dialect != SOUND_LYNC || g->ice)
		return;
	g->ice = ice_new(g->loop, STUN_LYNC, we_offer, &ice_ops, g);
	if (g->relay && !g->relay_lost)
		ice_add_relayed(g->ice);
}

/* Ports. */

static int bind_pair(struct addr at, uint16_t port, int ret_fds[ICE_COMPONENTS])
{
	addr_set_port(&at, port);
	int fd = udp_bind(&at);
	if (fd < 0)
		return fd;
	addr_set_port(&at, (uint16_t)(port + 1));
	int second = udp_bind(&at);
	if (second < 0) {
		(void)close(fd);
		return second;
	}
	ret_fds[0] = fd;
	ret_fds[1] = second;
	return 0;
}

/* The next pair in turn, so that a port rests before it is used again. */
static int find_pair(const struct addr *at, struct leg_ports *ports, int ret_fds[ICE_COMPONENTS])
{
	int r = -EADDRINUSE;
	for (int i = 0; i < LEG_PORT_TRIES && r == -EADDRINUSE; i++) {
		if (ports->next < ports->min || ports->next >= ports->max)
			ports->next = ports->min;
		r = bind_pair(*at, ports->next, ret_fds);
		ports->next = (uint16_t)(ports->next + 2);
		if (ports->next < 2)
			ports->next = ports->min;
	}
	return r;
}

static void note_port(struct leg_ports *ports, uint16_t port, bool used)
{
	uint8_t bit = (uint8_t)(1u << port % 8);
	if (used)
		ports->used[port / 8] |= bit;
	else
		ports->used[port / 8] &= (uint8_t)~bit;
}

struct leg *leg_new(struct loop *l, enum sound_dialect d, struct leg_ports *ports,
                    const struct addr *towards, const struct leg_ops *ops, void *arg, int *ret_err)
{
	struct addr at;
	int fds[ICE_COMPONENTS];
	*ret_err = udp_source(towards, &at);
	if (*ret_err == 0)
		*ret_err = find_pair(&at, ports, fds);
	if (*ret_err < 0)
		return NULL;
	struct leg *g = xnew(struct leg);
	g->loop = l;
	g->dialect = d;
	g->ops = ops;
	g->arg = arg;
	g->ports = ports;
	g->own.there = true;
	g->own.tag = 1;
	rand_bytes(g->own.bytes, SRTP_KEY_LEN);
	for (int i = 0; i < ICE_COMPONENTS; i++) {
		g->sockets[i].leg = g;
		g->sockets[i].udp = udp_new(l, fds[i], on_datagram, &g->sockets[i]);
		g->sockets[i].at = *udp_local(g->sockets[i].udp);
		note_port(ports, addr_port(&g->sockets[i].at), true);
	}
	return g;
}

/* Ciphers that the leg has had before stay for an offer that may be refused. */
static void drop(struct leg *g, struct srtp **p)
{
	if (g->past.there && (*p == g->past.in || *p == g->past.out))
		*p = NULL;
	srtp_free(p);
}

static void remember(struct leg *g)
{
	if (g->past.there)
		return; /* nothing was agreed since */
	g->past = (struct leg_past){ .there = true,
		                     .own = g->own,
		                     .theirs = g->theirs,
		                     .own_used = g->own_used,
		                     .in = g->in,
		                     .out = g->out };
	memcpy(g->past.sockets, g->sockets, sizeof(g->sockets));
}

static void forget(struct leg *g)
{
	if (g->past.in != g->in)
		srtp_free(&g->past.in);
	if (g->past.out != g->out)
		srtp_free(&g->past.out);
	wipe(&g->past, sizeof(g->past));
}

void leg_undo(struct leg *g)
{
	if (!g->past.there)
		return;
	drop(g, &g->in);
	drop(g, &g->out);
	g->own = g->past.own;
	g->theirs = g->past.theirs;
	g->own_used = g->past.own_used;
	g->in = g->past.in;
	g->out = g->past.out;
	for (int i = 0; i < ICE_COMPONENTS && g->dialect == SOUND_PLAIN; i++)
		g->sockets[i] = g->past.sockets[i];
	forget(g);
}

void leg_free(struct leg **lp)
{
	struct leg *g = take(lp);
	if (!g)
		return;
	forget(g);
	ice_free(&g->ice);
	relay_pair_release(&g->relay);
	for (int i = 0; i < ICE_COMPONENTS; i++) {
		note_port(g->ports, addr_port(&g->sockets[i].at), false);
		udp_free(&g->sockets[i].udp);
	}
	srtp_free(&g->in);
	srtp_free(&g->out);
	wipe(g, sizeof(*g));
	free(g);
}

enum sound_dialect leg_dialect(const struct leg *g)
{
	return g->dialect;
}

const struct leg_counts *leg_counts(const struct leg *g)
{
	return &g->counts;
}

/* Descriptions. */

static bool same_key(const struct sound_key *a, const struct sound_key *b)
{
	return a->there == b->there && a->suite == b->suite &&
	       memcmp(a->bytes, b->bytes, SRTP_KEY_LEN) == 0;
}

/* A key whose counters are gone has served: with the same one, the same key stream would come again
 * (RFC 3711 section 9.1). */
static void need_own_key(struct leg *g)
{
	if (g->out || !g->own_used)
		return;
	rand_bytes(g->own.bytes, SRTP_KEY_LEN);
	g->own_used = false;
}

static int take_other_key(struct leg *g, const struct sound_key *key, bool answers)
{
	drop(g, &g->in);
	g->theirs = *key;
	if (!key->there || g->own.suite != key->suite)
		drop(g, &g->out);
	if (!key->there)
		return 0;
	if (!answers)
		need_own_key(g);
	g->own.suite = key->suite;
	g->in = srtp_new(key->suite, key->bytes);
	if (!g->out)
		g->out = srtp_new(key->suite, g->own.bytes);
	g->own_used = true;
	return g->in && g->out ? 0 : -ENOMEM;
}

/* A key that stays keeps its counters: a refresh must not make old packets good again. */
static int take_key(struct leg *g, const struct sound_key *key, bool answers)
{
	bool stays = g->theirs.there && g->in && g->out && same_key(&g->theirs, key);
	int r = stays ? 0 : take_other_key(g, key, answers);
	if (key->there)
		g->own.tag = key->tag;
	return r;
}

/* RFC 4568 section 5.1.3: an answer has a key of the suite that was offered, under its tag, or
 * there is no agreement; media in clear is no way out for who asked for SRTP. */
static bool is_right_answer(const struct leg *g, const struct sound *o)
{
	if (!g->offers_key || (g->beside && !o->key.there))
		return !o->wants_srtp;
	return o->key.there && o->key.suite == g->own.suite && o->key.tag == g->own.tag;
}

/* To the kernel 0.0.0.0 is this host. */
static bool is_reachable(const struct leg *g, const struct addr *a)
{
	return a->sa.sa_family == g->sockets[0].at.sa.sa_family && !addr_is_any(a) &&
	       !addr_is_multicast(a) && (g->ports->loopback || !addr_is_loopback(a));
}

/* Where media goes: without ICE, to what the description says, unless a packet has shown better
 * since it said so. */
static void take_address(struct leg *g, const struct sound *o)
{
	for (int i = 0; i < ICE_COMPONENTS && g->dialect == SOUND_PLAIN; i++) {
		struct leg_socket *k = &g->sockets[i];
		if (k->known && addr_eq(&k->said, &o->at[i]))
			continue;
		k->peer = k->said = o->at[i];
		/* 0.0.0.0 is the old way to hold (RFC 3264 section 8.4). */
		k->known = is_reachable(g, &o->at[i]);
		k->moved = false;
	}
}

static int take_ice(struct leg *g, const struct sdp *s, const struct sound *o)
{
	unsigned i = 0, component;
	uint32_t priority;
	struct addr at;
	if (!g->ice)
		return 0;
	if (ice_set_remote(g->ice, o->ufrag, o->pwd) < 0)
		return -EPROTONOSUPPORT;
	while (sound_candidate(s, o, &i, &component, &at, &priority))
		if (is_reachable(g, &at))
			ice_add_remote(g->ice, component, &at, priority);
	ice_start(g->ice);
	return 0;
}

static int take_said(struct leg *g, const struct sdp *s, struct sound *o, bool answers)
{
	struct buf pb = { .p = g->proto, .cap = sizeof(g->proto), .max = sizeof(g->proto) };
	if (answers && !is_right_answer(g, o))
		return -EPROTONOSUPPORT;
	if (!answers) {
		remember(g);
		buf_str(&pb, o->m->proto);
		g->proto_len = pb.full ? 0 : pb.len;
		g->offers_key = false;
	}
	need_ice(g, answers);
	take_address(g, o);
	/* A key that was not asked for is none. */
	if (answers && !g->offers_key)
		wipe(&o->key, sizeof(o->key));
	int r = take_key(g, &o->key, answers);
	return r < 0 ? r : take_ice(g, s, o);
}

int leg_read(struct leg *g, const struct sdp *s, struct sound *o, bool answers)
{
	int r = take_said(g, s, o, answers);
	wipe(&o->key, sizeof(o->key));
	return r;
}

/* The profile of our description: the offer's, if it answers one. */
static struct str profile(const struct leg *g, bool answers)
{
	if (answers)
		return str_n(g->proto, g->proto_len);
	return g->beside ? STR("RTP/AVP") : STR("");
}

bool leg_has_way(const struct leg *g)
{
	return g->sockets[0].known;
}

bool leg_insist(struct leg *g)
{
	bool news = g->dialect == SOUND_PLAIN && !g->insists;
	g->insists = g->insists || news;
	return news;
}

/* What the reader is told of the relay; false: nothing. */
static bool tell_relayed(const struct leg *g, struct sound_relayed *ret)
{
	for (unsigned c = 0; g->relay && c < ICE_COMPONENTS; c++) {
		ret->at[c] = *relay_pair_at(g->relay, c);
		ret->mapped[c] = *relay_pair_mapped(g->relay, c);
	}
	return g->relay && !g->relay_lost;
}

bool leg_write(struct leg *g, struct buf *b, const struct sdp *s, const struct sdp_media *m,
               bool answers)
{
	need_ice(g, !answers);
	if (answers) {
		forget(g);
	} else {
		g->offers_key = true;
		/* A device of which nothing is known: who can takes the key, who cannot does not
		 * see it. */
		g->beside = g->dialect == SOUND_PLAIN && !g->theirs.there && !g->insists;
		need_own_key(g);
	}
	struct sound_relayed relayed;
	struct sound_end e = { .dialect = g->dialect,
		               .at = { g->sockets[0].at, g->sockets[1].at },
		               .ice = g->ice,
		               .relayed = tell_relayed(g, &relayed) ? &relayed : NULL,
		               .key = answers && !g->theirs.there ? NULL : &g->own,
		               .proto = profile(g, answers) };
	return sound_write(b, s, m, &e);
}
