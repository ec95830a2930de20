#include "svc/relay/inside.h"

/* Packets that are relayed: both ways from where they were received. */

static void drop(struct relay_alloc *a)
{
	a->dropped++;
	a->relay->stats.dropped++;
}

static bool may_pass(struct relay_alloc *a, size_t bytes, usec_t now)
{
	return bucket_take(&a->bucket, bytes, now) && bucket_take(&a->user->bucket, bytes, now);
}

static void count(struct relay_alloc *a, size_t bytes)
{
	a->relay->stats.relayed_packets++;
	a->relay->stats.relayed_bytes += bytes;
}

/* --- to the client --------------------------------------------------------------------- */

bool is_active(const struct relay_alloc *a, const struct addr *peer)
{
	return a->lync->active.sa.sa_family != AF_UNSPEC && addr_eq(&a->lync->active, peer);
}

void make_id(uint8_t ret[STUN_ID_LEN], const struct relay_alloc *a)
{
	memset(ret, 0, STUN_ID_LEN);
	memcpy(ret, &a->packets_in, sizeof(a->packets_in));
	memcpy(ret + sizeof(a->packets_in), &a->number, STUN_ID_LEN - sizeof(a->packets_in));
}

/* Without a head from the peer that the client has chosen.  By a connection: tcp_lync.c. */
static struct bytes wrap_lync(struct relay_alloc *a, const struct addr *from, struct packet data)
{
	uint8_t id[MSTURN_ID_LEN] = { 0 };
	struct bytes whole = { data.p, data.len };
	/* A datagram that looks like ours would be taken for ours. */
	if (is_active(a, from) && turn_look(whole) != TURN_MS_CONTROL)
		return whole;
	make_id(id, a);
	return msturn_put_data(data.p, data.len, from, id);
}

static struct bytes wrap(struct relay_alloc *a, const struct addr *from, struct packet data,
                         usec_t now)
{
	uint8_t id[STUN_ID_LEN];
	if (a->lync)
		return wrap_lync(a, from, data);
	const struct channel *c = channel_to(a, from, now);
	if (c)
		return turn_put_channel(data.p, data.len, c->number,
		                        a->stream ? TURN_STREAM : TURN_DATAGRAM);
	make_id(id, a);
	return turn_put_data(data.p, data.len, from, id);
}

void data_from_peer(void *arg, struct packet_port *port UNUSED, const struct addr *from,
                    struct packet data)
{
	const struct relayed *e = arg;
	struct relay_alloc *a = e->alloc;
	usec_t now = loop_now(a->relay->loop);
	struct addr space;
	from = peer_seen(a->relay, from, &space);
	if (!alloc_permits(a, from, now) || !may_pass(a, data.len, now)) {
		drop(a);
		return;
	}
	struct bytes whole = wrap(a, from, data, now);
	if (whole.len == 0) {
		drop(a);
		return;
	}
	a->packets_in++;
	a->bytes_in += data.len;
	count(a, data.len);
	if (a->stream)
		a->relay->ops->to_stream(a->relay->arg, a->stream->owner, whole, true);
	else
		packet_forward(a->face->udp, &a->client,
		               (struct packet){ (uint8_t *)(uintptr_t)whole.p, whole.len });
}

/* --- to the peer ----------------------------------------------------------------------- */

/* Where it goes; NULL: it may not. */
static const struct addr *admit(struct relay_alloc *a, const struct addr *peer, size_t len,
                                struct addr *space)
{
	usec_t now = loop_now(a->relay->loop);
	const struct addr *to = peer_way(a->relay, peer, false, space);
	if (!to || !alloc_permits(a, peer, now) || addr_port(peer) == 0 || !may_pass(a, len, now)) {
		drop(a);
		return NULL;
	}
	a->packets_out++;
	a->bytes_out += len;
	count(a, len);
	return to;
}

static struct packet_port *port_to(struct relay_alloc *a, const struct addr *peer)
{
	struct relayed *e = alloc_end_of(a, peer->sa.sa_family);
	if (e && e->port)
		return e->port;
	drop(a);
	return NULL;
}

void data_to_peer(struct relay_alloc *a, const struct addr *peer, struct packet data)
{
	struct addr space;
	if (is_lync_tcp(a)) {
		tcp_lync_send(a, peer, str_n((const char *)data.p, data.len));
		return;
	}
	struct packet_port *port = port_to(a, peer);
	const struct addr *to = port ? admit(a, peer, data.len, &space) : NULL;
	if (!to)
		return;
	if (a->stream)
		(void)packet_send(port, to, str_n((const char *)data.p, data.len));
	else
		packet_forward(port, to, data);
}

/* What the client wants to be in one piece. */
static void whole_to_peer(struct relay_alloc *a, const struct addr *peer, struct str data)
{
	struct addr space;
	struct packet_port *port = port_to(a, peer);
	const struct addr *to = port ? admit(a, peer, data.len, &space) : NULL;
	if (to && packet_send_whole(port, to, data) < 0)
		drop(a);
}

void data_to_active(struct relay_alloc *a, struct packet data)
{
	if (a->lync->active.sa.sa_family == AF_UNSPEC)
		drop(a);
	else
		data_to_peer(a, &a->lync->active, data);
}

void data_by_channel(struct relay_alloc *a, struct packet in, enum turn_carrier carrier)
{
	struct turn_channel t;
	const struct channel *c = NULL;
	if (turn_channel_get(&t, (struct bytes){ in.p, in.len }, carrier) == 0)
		c = channel_numbered(a, t.number, loop_now(a->relay->loop));
	if (!c) {
		drop(a);
		return;
	}
	struct addr peer = c->peer;
	data_to_peer(a, &peer, (struct packet){ in.p + TURN_CHANNEL_HEAD_LEN, t.data.len });
}

/* RFC 8656 section 10.2: without an answer, whatever is wrong with it. */
void data_by_send(struct relay_alloc *a, const struct stun_msg *m)
{
	static const uint16_t known[] = { STUN_XOR_PEER_ADDRESS, STUN_DATA, STUN_DONT_FRAGMENT };
	struct addr peer;
	struct str data, none;
	uint16_t unknown;
	if (stun_unknown(m, known, ARRAY_SIZE(known), &unknown, 1) > 0 ||
	    !stun_attr_addr(m, STUN_XOR_PEER_ADDRESS, &peer) || !stun_attr(m, STUN_DATA, &data)) {
		drop(a);
		return;
	}
	if (stun_attr(m, STUN_DONT_FRAGMENT, &none))
		whole_to_peer(a, &peer, data);
	else
		data_to_peer(a, &peer, (struct packet){ (uint8_t *)(uintptr_t)data.p, data.len });
}
