#include "stack/sip/large.h"

#include <stdlib.h>

#include "stack/sip/transport.h"

struct large {
	struct map_node node;
	struct sip_transport *tp;
	struct addr peer;
	uint16_t sock;         /* of UDP */
	struct sip_flow *flow; /* NULL: the peer has refused */
	struct sip_watch watch;
	struct timer timer; /* idle, or the end of the refusal */
	bool gave_up;
};

static uint64_t large_hash(const struct sip_transport *tp, const struct addr *peer, uint16_t sock)
{
	uint8_t packed[18];
	size_t n = addr_pack(peer, packed);
	return hash_bytes(&tp->large.key, packed, n) + sock;
}

static struct large *find(const struct sip_transport *tp, const struct addr *peer, uint16_t sock)
{
	uint64_t h = large_hash(tp, peer, sock);
	for (struct map_node *n = map_first(&tp->large, h); n; n = map_next(n)) {
		struct large *l = container_of(n, struct large, node);
		if (l->sock == sock && addr_eq(&l->peer, peer))
			return l;
	}
	return NULL;
}

static void large_free(struct large *l)
{
	map_del(&l->tp->large, &l->node);
	timer_stop(&l->timer);
	sip_flow_unwatch(&l->watch);
	sip_flow_unref(&l->flow);
	free(l);
}

static usec_t in_seconds(const struct large *l, uint32_t s)
{
	return loop_now(l->tp->loop) + s * USEC_PER_SEC;
}

static void on_lost(void *arg)
{
	struct large *l = arg;
	if (l->flow->opened && !l->gave_up) {
		large_free(l);
		return;
	}
	sip_flow_unref(&l->flow);
	timer_set(&l->timer, in_seconds(l, SIP_LARGE_REFUSED_S));
}

/* Somebody besides us waits for an answer, or for the rest of a dialog. */
static bool is_in_use(const struct large *l)
{
	return l->flow->watches.next != l->flow->watches.prev;
}

static void on_timer(void *arg)
{
	struct large *l = arg;
	if (!l->flow)
		large_free(l);
	else if (is_in_use(l))
		timer_set(&l->timer, in_seconds(l, SIP_LARGE_IDLE_S));
	else
		sip_flow_close(l->flow);
}

static struct large *large_new(struct sip_transport *tp, const struct sip_flow *udp)
{
	struct sip_flow *f = transport_connect_client(tp, udp);
	if (!f)
		return NULL;
	struct large *l = xnew(struct large);
	l->tp = tp;
	l->peer = udp->peer;
	l->sock = udp->sock;
	l->flow = f;
	timer_init(&l->timer, tp->loop, on_timer, l);
	sip_flow_watch(f, &l->watch, on_lost, l);
	map_add(&tp->large, &l->node, large_hash(tp, &l->peer, l->sock));
	return l;
}

struct sip_flow *sip_large_connect(struct sip_transport *tp, const struct sip_flow *udp)
{
	struct large *l = find(tp, &udp->peer, udp->sock);
	if (!l && tp->large.n < SIP_LARGE_PEERS_MAX)
		l = large_new(tp, udp);
	if (!l || !l->flow || l->flow->closed) {
		tp->stats.large_udp++;
		return NULL;
	}
	tp->stats.large_tcp++;
	timer_set(&l->timer, in_seconds(l, SIP_LARGE_IDLE_S));
	return sip_flow_ref(l->flow);
}

struct sip_flow *sip_large_open(struct sip_transport *tp, const struct sip_flow *udp)
{
	struct large *l = find(tp, &udp->peer, udp->sock);
	return l && l->flow && l->flow->opened && !l->flow->closed ? l->flow : NULL;
}

void sip_large_give_up(struct sip_flow *f)
{
	struct large *l = find(f->tp, &f->peer, f->sock);
	if (l && l->flow == f) {
		l->gave_up = true;
		sip_flow_close(f);
	}
}

void large_init(struct sip_transport *tp)
{
	map_init(&tp->large);
}

void large_done(struct sip_transport *tp)
{
	size_t slot = 0;
	struct map_node *after = NULL;
	for (struct map_node *n; (n = map_walk(&tp->large, &slot, &after)) != NULL;)
		large_free(container_of(n, struct large, node));
	map_done(&tp->large);
}
