#include "svc/relay/inside.h"

/* What nobody may reach through a relay: the relay's host and network know no difference between
 * who is behind it and the relay itself. */

static bool is_in_any(const struct addr_range *g, size_t n, const struct addr *a)
{
	for (size_t i = 0; i < n; i++)
		if (addr_range_has(&g[i], a))
			return true;
	return false;
}

static const struct relay_address *own_of(const struct relay *r, const struct addr *peer)
{
	const struct relay_address *own = &r->cfg.own[peer->sa.sa_family == AF_INET6];
	return addr_eq_host(&own->external, peer) ? own : NULL;
}

/* Of another edge; NULL. */
static const struct relay_edge *edge_of(const struct relay *r, const struct addr *peer)
{
	for (size_t i = 0; i < r->cfg.n_edges; i++)
		if (addr_eq_host(&r->edges[i].host, peer))
			return &r->edges[i];
	return NULL;
}

static bool has_port(const struct relay_edge *e, const struct addr *peer)
{
	return e && addr_port(peer) >= e->first && addr_port(peer) <= e->last;
}

static bool is_closed(const struct relay *r, const struct addr *peer)
{
	return addr_is_any(peer) || addr_is_multicast(peer) ||
	       is_in_any(r->closed, r->cfg.n_closed, peer);
}

/* A relayed address is one peer or another by its port, which a permission does not have: it is
 * looked at with each packet. */
bool peer_is_refused(const struct relay *r, const struct addr *peer)
{
	if (is_closed(r, peer))
		return true;
	if (own_of(r, peer) || edge_of(r, peer) || is_in_any(r->open, r->cfg.n_open, peer))
		return false;
	return is_in_any(r->hosts, r->cfg.n_hosts, peer) || !addr_is_public(peer);
}

bool peer_is_ours(const struct relay *r, const struct addr *peer, bool tcp)
{
	return own_of(r, peer) ? r->ops->is_live(r->arg, peer, tcp)
	                       : has_port(edge_of(r, peer), peer);
}

static const struct addr *with_port(struct addr *space, const struct addr *host, uint16_t port)
{
	*space = *host;
	addr_set_port(space, port);
	return space;
}

const struct addr *peer_way(const struct relay *r, const struct addr *peer, bool tcp,
                            struct addr *space)
{
	const struct relay_address *own = own_of(r, peer);
	if (!own && !edge_of(r, peer))
		return peer;
	if (peer_is_ours(r, peer, tcp))
		return own ? with_port(space, &own->local, addr_port(peer)) : peer;
	return is_in_any(r->open, r->cfg.n_open, peer) ? peer : NULL;
}

const struct addr *peer_seen(const struct relay *r, const struct addr *from, struct addr *space)
{
	const struct relay_address *own = &r->cfg.own[from->sa.sa_family == AF_INET6];
	if (!r->hidden || !addr_eq_host(&own->local, from))
		return from;
	return with_port(space, &own->external, addr_port(from));
}
