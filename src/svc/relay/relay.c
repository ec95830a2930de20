#include "svc/relay/relay.h"

#include <stdlib.h>

#include "svc/relay/inside.h"

/* The life of the engine, and what comes in. */

static size_t copy(struct addr_range *ret, size_t max, const struct addr_range *from, size_t n)
{
	n = MIN(n, max);
	if (n > 0)
		memcpy(ret, from, n * sizeof(*ret));
	return n;
}

void relay_configure(struct relay *r, const struct relay_config *cfg)
{
	struct buf realm = BUF_ON(r->realm);
	r->cfg = *cfg;
	r->hidden = false;
	r->cfg.allocations_max = MIN(cfg->allocations_max, (uint32_t)RELAY_ALLOCATIONS_MAX);
	r->cfg.n_closed = copy(r->closed, RELAY_RANGES_MAX, cfg->closed, cfg->n_closed);
	r->cfg.n_open = copy(r->open, RELAY_RANGES_MAX, cfg->open, cfg->n_open);
	r->cfg.n_hosts = copy(r->hosts, RELAY_HOSTS_MAX, cfg->hosts, cfg->n_hosts);
	r->cfg.n_edges = MIN(cfg->n_edges, (size_t)RELAY_EDGES_MAX);
	if (r->cfg.n_edges > 0)
		memcpy(r->edges, cfg->edges, r->cfg.n_edges * sizeof(*r->edges));
	r->cfg.edges = r->edges;
	r->cfg.closed = r->closed;
	r->cfg.open = r->open;
	r->cfg.hosts = r->hosts;
	for (int i = 0; i < 2; i++)
		r->hidden |= !addr_eq_host(&cfg->own[i].local, &cfg->own[i].external);
	buf_str(&realm, str_sub(cfg->realm, 0, RELAY_REALM_MAX));
	r->realm[realm.len] = '\0';
	r->cfg.realm = str_of(r->realm);
}

struct relay *relay_new(struct loop *l, struct packets *ps, const struct relay_config *cfg,
                        const struct relay_ops *ops, void *arg)
{
	static const struct hash_key key = { 0x6e6f6e6365206f66, 0x20612072656c6179 };
	struct relay *r = xnew(struct relay);
	r->loop = l;
	r->packets = ps;
	r->ops = ops;
	r->arg = arg;
	r->keys = relay_keys_new(cfg->pool_key);
	/* The same in every process of the pool: a challenge is answered to any. */
	r->nonce_key = (struct hash_key){ hash_bytes(&key, cfg->pool_key, 16),
		                          hash_bytes(&key, cfg->pool_key + 16, 16) };
	map_init(&r->by_client);
	map_init(&r->users);
	map_init(&r->tcp_conns);
	map_init(&r->bars);
	list_init(&r->allocs);
	list_init(&r->reservations);
	list_init(&r->partings);
	list_init(&r->bar_order);
	r->began = loop_now(l);
	r->wall_began = loop_wall(l);
	relay_configure(r, cfg);
	return r;
}

void relay_free(struct relay **rp)
{
	struct relay *r = take(rp);
	if (!r)
		return;
	(void)relay_revoke(r, STR(""), 0);
	reservations_end(r);
	tcp_partings_end(r, NULL);
	bars_end(r);
	map_done(&r->by_client);
	map_done(&r->users);
	map_done(&r->tcp_conns);
	relay_keys_free(&r->keys);
	free(r);
}

void relay_drain(struct relay *r, bool on)
{
	r->draining = on;
}

bool relay_is_draining(const struct relay *r)
{
	return r->draining;
}

const struct relay_stats *relay_stats(const struct relay *r)
{
	return &r->stats;
}

unsigned relay_revoke(struct relay *r, struct str user, uint64_t number)
{
	unsigned n = 0;
	list_for(it, &r->allocs)
	{
		struct relay_alloc *a = list_entry(it, struct relay_alloc, node);
		if ((user.len && !str_ieq(user_of(a), user)) || (number && a->number != number))
			continue;
		alloc_end(a, user.len || number ? RELAY_REVOKED : RELAY_STOPPED);
		n++;
	}
	const struct relay_user *u = user.len && !number ? user_find(r, user) : NULL;
	if (u)
		tcp_partings_end(r, u);
	return n;
}

struct relay_alloc *relay_next(const struct relay *r, const struct relay_alloc *after)
{
	struct list *next = after ? after->node.next : r->allocs.next;
	return next == &r->allocs ? NULL : list_entry(next, struct relay_alloc, node);
}

void relay_describe(const struct relay_alloc *a, struct relay_info *ret)
{
	*ret = (struct relay_info){ .user = user_of(a),
		                    .number = a->number,
		                    .client = a->client,
		                    .owner = a->stream ? a->stream->owner : NULL,
		                    .lync = a->lync != NULL,
		                    .peers = a->n_permissions,
		                    .channels = a->n_channels,
		                    .packets_in = a->packets_in,
		                    .packets_out = a->packets_out,
		                    .bytes_in = a->bytes_in,
		                    .bytes_out = a->bytes_out,
		                    .dropped = a->dropped,
		                    .began = a->began,
		                    .until = a->until };
	for (int i = 0, n = 0; i < 2; i++)
		if (a->ends[i].open)
			ret->relayed[n++] = a->ends[i].external;
}

/* --- what comes in --------------------------------------------------------------------- */

void from_answer(const struct from *f, struct str message)
{
	if (f->stream)
		f->relay->ops->to_stream(f->relay->arg, f->stream->owner, bytes_of(message), false);
	else
		(void)packet_send(f->face->udp, f->peer, message);
}

/* In a frame of its own, if it goes by a connection. */
void from_answer_lync(const struct from *f, struct str message)
{
	uint8_t space[TURN_MS_FRAME_HEAD_LEN + MSTURN_BYTES_MAX];
	if (!f->stream) {
		from_answer(f, message);
		return;
	}
	memcpy(space + TURN_MS_FRAME_HEAD_LEN, message.p, message.len);
	struct bytes whole = turn_put_ms_frame(space + TURN_MS_FRAME_HEAD_LEN, message.len,
	                                       TURN_MS_FRAME_CONTROL);
	f->relay->ops->to_stream(f->relay->arg, f->stream->owner, whole, false);
}

/* False: it is no message. */
static bool message(struct from *f, struct packet data)
{
	RAW_MEMORY struct stun_msg m;
	if (stun_parse(&m, str_n((const char *)data.p, data.len)) < 0)
		return false;
	if (m.class == STUN_INDICATION && m.method == STUN_SEND) {
		if (f->alloc)
			data_by_send(f->alloc, &m);
	} else {
		request(f, &m);
	}
	return true;
}

void relay_datagram(struct relay *r, const struct relay_face *face, const struct addr *from,
                    struct packet data)
{
	struct from f = { .relay = r, .face = face, .peer = from };
	enum turn_kind kind = turn_look((struct bytes){ data.p, data.len });
	f.alloc = alloc_of(r, face, from);
	if (kind == TURN_MS_CONTROL)
		(void)lync_message(&f, data);
	else if (f.alloc && f.alloc->lync)
		data_to_active(f.alloc, data);
	else if (kind == TURN_CHANNEL_DATA && f.alloc)
		data_by_channel(f.alloc, data, TURN_DATAGRAM);
	else if (kind == TURN_STUN)
		(void)message(&f, data);
}

struct relay_stream *relay_stream_new(struct relay *r, const struct relay_face *f,
                                      const struct addr *peer, enum turn_framing framing,
                                      void *owner)
{
	struct relay_stream *s = xnew(struct relay_stream);
	s->relay = r;
	s->face = f;
	s->peer = *peer;
	s->framing = framing;
	s->owner = owner;
	return s;
}

void relay_stream_free(struct relay_stream **sp)
{
	struct relay_stream *s = take(sp);
	if (!s)
		return;
	if (s->alloc)
		alloc_end(s->alloc, RELAY_GONE);
	wipe(s, sizeof(*s)); /* keys of ConnectionBind */
	free(s);
}

/* The head says what it is. */
static bool lync_frame(struct from *f, struct packet frame)
{
	if (frame.len < TURN_MS_FRAME_HEAD_LEN)
		return false;
	struct packet content = { frame.p + TURN_MS_FRAME_HEAD_LEN,
		                  frame.len - TURN_MS_FRAME_HEAD_LEN };
	if (frame.p[0] == TURN_MS_FRAME_CONTROL)
		return lync_message(f, content);
	if (f->alloc && f->alloc->lync)
		data_to_active(f->alloc, content);
	return true;
}

bool relay_stream_has_allocation(const struct relay_stream *s)
{
	return s->alloc != NULL;
}

enum relay_joining relay_stream_joining(const struct relay_stream *s)
{
	return s->joining;
}

void relay_stream_join(struct relay_stream **sp, struct stream *client)
{
	struct relay_stream *s = *sp;
	if (!tcp_join(s->relay, &s->wanted, client))
		stream_free(&client);
	relay_stream_free(sp);
}

bool relay_join(struct relay *r, const struct relay_pass *what, struct stream *client)
{
	return tcp_join(r, what, client);
}

static bool take_frame(struct relay_stream *s, struct bytes in)
{
	/* What goes to a peer is sent at once, from where it is, with nothing in front of it. */
	struct packet frame = { (uint8_t *)(uintptr_t)in.p, in.len };
	struct from f = {
		.relay = s->relay, .face = s->face, .stream = s, .peer = &s->peer, .alloc = s->alloc
	};
	if (s->framing == TURN_MS)
		return lync_frame(&f, frame);
	switch (turn_look(in)) {
	case TURN_CHANNEL_DATA:
		if (s->alloc)
			data_by_channel(s->alloc, frame, TURN_STREAM);
		return true;
	case TURN_STUN:
		return message(&f, frame);
	case TURN_MS_CONTROL:
	case TURN_OTHER:
		break;
	}
	return false;
}

bool relay_frame(struct relay_stream *s, struct bytes frame)
{
	if (s->leaving)
		return true;
	return take_frame(s, frame) && s->strange <= RELAY_STRANGER_STREAM_MAX;
}
