#include <stdlib.h>

#include "svc/access/inside.h"

/* What the access half does by the clock: closes connections that nobody signs in on, and keeps the
 * NAT bindings of UDP phones open. */

enum { SWEEP_S = 5, NAT_PEERS_MAX = 200000 };

struct nat_peer {
	struct map_node node;
	uint16_t sock;
	struct addr peer;
	usec_t until, next;
};

static uint64_t peer_hash(const struct access *a, uint16_t sock, const struct addr *peer)
{
	uint8_t packed[18];
	size_t n = addr_pack(peer, packed);
	return hash_bytes(&a->nat.key, packed, n) + sock;
}

static struct nat_peer *find(struct access *a, uint64_t h, uint16_t sock, const struct addr *peer)
{
	for (struct map_node *n = map_first(&a->nat, h); n; n = map_next(n)) {
		struct nat_peer *p = container_of(n, struct nat_peer, node);
		if (p->sock == sock && addr_eq(&p->peer, peer))
			return p;
	}
	return NULL;
}

void access_keep_alive(struct access *a, const struct sip_flow *f, usec_t until)
{
	uint64_t h = peer_hash(a, f->sock, &f->peer);
	struct nat_peer *p = find(a, h, f->sock, &f->peer);
	if (!p) {
		if (a->nat.n >= NAT_PEERS_MAX)
			return;
		p = xnew(struct nat_peer);
		p->sock = f->sock;
		p->peer = f->peer;
		p->next = loop_now(a->loop) + a->cfg.keepalive_s * USEC_PER_SEC;
		map_add(&a->nat, &p->node, h);
	}
	p->until = until;
	a->stats.nat_peers = (uint32_t)a->nat.n;
}

bool access_is_behind_nat(struct access *a, const struct sip_flow *f)
{
	return find(a, peer_hash(a, f->sock, &f->peer), f->sock, &f->peer) != NULL;
}

static void ping(struct access *a, struct nat_peer *p)
{
	struct sip_flow *f = sip_flow_udp(a->tp, p->sock, &p->peer);
	if (f)
		(void)sip_flow_send_raw(f, STR("\r\n\r\n"));
	sip_flow_unref(&f);
	a->stats.pings++;
}

static void ping_all(struct access *a, usec_t now)
{
	size_t slot = 0;
	struct map_node *after = NULL;
	for (struct map_node *n; (n = map_walk(&a->nat, &slot, &after)) != NULL;) {
		struct nat_peer *p = container_of(n, struct nat_peer, node);
		if (p->until <= now) {
			map_del(&a->nat, &p->node);
			free(p);
		} else if (p->next <= now) {
			p->next = now + a->cfg.keepalive_s * USEC_PER_SEC;
			ping(a, p);
		}
	}
	a->stats.nat_peers = (uint32_t)a->nat.n;
}

static void close_unknown(struct access *a, usec_t now)
{
	usec_t limit = a->cfg.unknown_max_s * USEC_PER_SEC;
	/* Oldest first: the first young one ends the search of strangers. */
	for (struct sip_flow *f = sip_flow_next(a->tp, NULL); f; f = sip_flow_next(a->tp, f)) {
		struct access_conn *c = f->user;
		/* Those that we opened to phones of UDP end by themselves (stack/sip/large.h). */
		if (!c || !f->inbound)
			continue;
		if (now - c->opened < limit)
			break;
		if (c->n_vouches == 0 && !f->closed) {
			a->stats.closed_unknown++;
			c->opened = now; /* once */
			sip_flow_close(f);
		}
	}
}

static void on_sweep(void *arg)
{
	struct access *a = arg;
	usec_t now = loop_now(a->loop);
	close_unknown(a, now);
	ping_all(a, now);
	timer_set(&a->sweep, now + SWEEP_S * USEC_PER_SEC);
}

void access_sweep_init(struct access *a)
{
	timer_init(&a->sweep, a->loop, on_sweep, a);
	timer_set(&a->sweep, loop_now(a->loop) + SWEEP_S * USEC_PER_SEC);
}

void access_sweep_done(struct access *a)
{
	size_t slot = 0;
	struct map_node *after = NULL;
	timer_stop(&a->sweep);
	for (struct map_node *n; (n = map_walk(&a->nat, &slot, &after)) != NULL;)
		free(container_of(n, struct nat_peer, node));
}
