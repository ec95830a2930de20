#include "stack/sip/transport.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/rand.h"
#include "stack/sip/large.h"

/* The first byte of STUN (RFC 7983 section 7); a method may begin with any character of a token. */
enum { STUN_FIRST_MAX = 3 };

static uint32_t message_max(const struct sip_flow *f)
{
	return f->client ? f->tp->client_max : SIP_SERVER_MAX;
}

/* Hands one whole message up, if it is one and its hop security holds. */
static void deliver(struct sip_flow *f, struct str raw)
{
	struct sip_transport *tp = f->tp;
	RAW_MEMORY struct sip_msg m;
	tp->stats.msgs_in[f->kind]++;
	if (tp->tap)
		tp->tap(tp->arg, f, false, raw);
	if (sip_parse(&m, raw) < 0) {
		tp->stats.broken++;
		return;
	}
	if (f->sec && f->sec->verify(f->sec_state, f, &m) < 0)
		return;
	tp->ops.message(tp->arg, f, &m);
}

static bool is_keepalive(struct str d)
{
	for (size_t i = 0; i < d.len; i++)
		if (d.p[i] != '\r' && d.p[i] != '\n' && d.p[i] != '\0')
			return false;
	return true;
}

/* Streams. */

static void stream_opened(void *arg)
{
	struct sip_flow *f = arg;
	f->opened = true;
}

/* The head of a message that is too large has come: say so before the connection ends. */
static void refuse_large(struct sip_flow *f, struct str head)
{
	static const char answer[] = "SIP/2.0 513 Message Too Large\r\nContent-Length: 0\r\n\r\n";
	RAW_MEMORY struct sip_msg m;
	f->tp->stats.msgs_in[f->kind]++;
	f->tp->stats.broken++;
	if (head.len == 0 || sip_parse(&m, head) < 0 || !m.is_request) {
		(void)sip_flow_send_raw(f, str_of(answer));
		return;
	}
	struct buf *b = sip_transport_out(f->tp);
	sip_put_response(b, &m, 513, STR("Message Too Large"), STR("large"), NULL);
	sip_put_body(b, STR(""), STR(""));
	(void)sip_flow_send(f, buf_view(b));
}

/* One frame off the front; its length, 0 for more bytes, negative at the end of the stream. */
static ssize_t take_frame(struct sip_flow *f, struct str in)
{
	uint32_t len = 0;
	int kind = sip_frame(&f->framer, in, message_max(f), &len);
	if (kind < 0) {
		refuse_large(f, kind == -E2BIG ? str_sub(in, 0, len) : str_sub(in, 0, 0));
		sip_flow_close(f);
		return kind;
	}
	if (kind == SIP_FRAME_PING) {
		f->tp->stats.pings++;
		(void)sip_flow_send_raw(f, STR("\r\n"));
	} else if (kind == SIP_FRAME_MSG) {
		deliver(f, str_sub(in, 0, len));
	}
	return len;
}

static ssize_t stream_data(void *arg, struct str in)
{
	struct sip_flow *f = arg;
	size_t used = 0;
	while (used < in.len && !f->closed) {
		ssize_t n = take_frame(f, str_sub(in, used, in.len));
		if (n < 0)
			return (ssize_t)in.len; /* what is left is of no use; the end follows */
		if (n == 0)
			break;
		used += (size_t)n;
	}
	return (ssize_t)used;
}

/* Out of the tables; nobody finds it any more. */
static void forget(struct sip_flow *f)
{
	struct sip_transport *tp = f->tp;
	map_del(&tp->flows, &f->by_id);
	list_del(&f->node);
	tp->stats.flows[f->kind]--;
	if (f->client)
		tp->n_clients--;
}

void sip_flow_lost(struct sip_flow *f, const char *why)
{
	struct sip_transport *tp = f->tp;
	forget(f);
	flow_tell_lost(f);
	tp->ops.closed(tp->arg, f, why);
	stream_free(&f->stream);
	sip_flow_unref(&f);
}

static void stream_closed(void *arg, int err UNUSED, const char *why)
{
	sip_flow_lost(arg, why);
}

static const struct stream_ops flow_stream_ops = {
	.opened = stream_opened,
	.data = stream_data,
	.closed = stream_closed,
};

static void remember(struct sip_flow *f, uint16_t sock)
{
	struct sip_transport *tp = f->tp;
	f->id = ++tp->last_id;
	f->sock = sock;
	map_add(&tp->flows, &f->by_id, hash_bytes(&tp->flows.key, &f->id, sizeof(f->id)));
	list_add(&tp->streams, &f->node);
	tp->stats.opened[f->kind]++;
	tp->stats.flows[f->kind]++;
	if (f->client)
		tp->n_clients++;
}

static struct stream_limits limits_of(const struct sip_flow *f)
{
	return (struct stream_limits){
		.read_max = message_max(f) + SIP_HEAD_MAX,
		.write_max = f->server || f->kind == SIP_LINK ? SIP_LINK_WRITE_MAX
		                                              : SIP_WRITE_MAX + message_max(f),
		.open_max = SIP_OPEN_MAX_S * USEC_PER_SEC,
		.probe_after = f->tp->probe_after,
	};
}

/* A new stream of either side; NULL if the owner does not want it. */
static struct sip_flow *adopt(struct sip_flow *f, int fd, struct tls_server *tls, uint16_t sock)
{
	struct sip_transport *tp = f->tp;
	struct stream_limits lim = limits_of(f);
	f->stream = stream_accept(tp->loop, fd, tls, &lim, &flow_stream_ops, f);
	f->peer = *stream_peer(f->stream);
	f->local = *stream_local(f->stream);
	remember(f, sock);
	if (tp->ops.opened(tp->arg, f))
		return f;
	tp->stats.refused++;
	forget(f);
	stream_free(&f->stream);
	sip_flow_unref(&f);
	return NULL;
}

static void take_client(struct sip_transport *tp, enum sip_kind kind, int fd, uint16_t sock)
{
	if (tp->n_clients >= tp->max_flows) {
		(void)close(fd);
		tp->stats.refused++;
		tp->ops.refused(tp->arg, -EUSERS);
		return;
	}
	struct sip_flow *f = flow_alloc(tp, kind);
	f->inbound = f->client = true;
	(void)adopt(f, fd, kind == SIP_TLS ? tp->tls : NULL, sock);
}

static void on_accept(void *arg, struct listener *ls UNUSED, int fd, const struct addr *peer UNUSED)
{
	struct sip_listen *sl = arg;
	take_client(sl->tp, sl->kind, fd, (uint16_t)(sl - sl->tp->listens));
}

void sip_transport_take(struct sip_transport *tp, int fd)
{
	take_client(tp, SIP_TLS, fd, 0);
}

static void on_refused(void *arg, struct listener *ls UNUSED, int err)
{
	struct sip_listen *sl = arg;
	struct sip_transport *tp = sl->tp;
	tp->stats.refused++;
	tp->stats.refused_full++;
	tp->ops.refused(tp->arg, err);
}

struct sip_flow *sip_transport_link(struct sip_transport *tp, uint16_t slot, int fd)
{
	struct sip_flow *f = flow_alloc(tp, SIP_LINK);
	f->server = true;
	return adopt(f, fd, NULL, slot);
}

struct sip_flow *sip_transport_trunk(struct sip_transport *tp, uint16_t slot, int fd)
{
	struct sip_flow *f = flow_alloc(tp, SIP_LINK);
	f->client = true;
	return adopt(f, fd, NULL, slot);
}

struct sip_flow *sip_transport_adopt(struct sip_transport *tp, uint16_t sock, struct stream *s)
{
	struct sip_flow *f = flow_alloc(tp, SIP_TLS);
	struct stream_limits lim;
	f->server = f->opened = true;
	f->stream = s;
	f->peer = *stream_peer(s);
	f->local = *stream_local(s);
	lim = limits_of(f);
	stream_set_ops(s, &flow_stream_ops, f);
	stream_set_limits(s, &lim);
	remember(f, sock);
	return f;
}

/* The connection of this kind to this address that is already there, or NULL. */
static struct sip_flow *find_connection(struct sip_transport *tp, enum sip_kind kind,
                                        const struct addr *to)
{
	list_for(it, &tp->streams)
	{
		struct sip_flow *f = list_entry(it, struct sip_flow, node);
		if (!f->inbound && !f->client && !f->server && !f->closed && f->kind == kind &&
		    addr_eq(&f->peer, to))
			return f;
	}
	return NULL;
}

struct sip_flow *sip_transport_connect(struct sip_transport *tp, enum sip_kind kind,
                                       const struct addr *to, struct tls_client *tls,
                                       struct str server_name)
{
	struct sip_flow *f = find_connection(tp, kind, to);
	if (f)
		return sip_flow_ref(f);
	f = flow_alloc(tp, kind);
	struct stream_limits lim = limits_of(f);
	f->stream = stream_connect(tp->loop, to, kind == SIP_TLS ? tls : NULL, server_name, &lim,
	                           &flow_stream_ops, f);
	f->peer = *to;
	f->local = *stream_local(f->stream);
	remember(f, 0);
	return sip_flow_ref(f);
}

struct sip_flow *transport_connect_client(struct sip_transport *tp, const struct sip_flow *udp)
{
	if (tp->n_clients >= tp->max_flows)
		return NULL;
	struct sip_flow *f = flow_alloc(tp, SIP_TCP);
	f->client = true;
	struct stream_limits lim = limits_of(f);
	lim.open_max = SIP_LARGE_OPEN_MS * USEC_PER_MSEC;
	f->stream = stream_connect(tp->loop, &udp->peer, NULL, STR(""), &lim, &flow_stream_ops, f);
	f->peer = udp->peer;
	f->local = udp->local; /* what Via names: the same port is served over TCP */
	remember(f, udp->sock);
	if (tp->ops.opened(tp->arg, f))
		return sip_flow_ref(f);
	forget(f);
	stream_free(&f->stream);
	sip_flow_unref(&f);
	return NULL;
}

/* Carried by others. */

struct sip_flow *sip_transport_carry(struct sip_transport *tp, enum sip_kind kind,
                                     const struct addr *peer, const struct addr *local,
                                     const struct sip_carrier *carrier, void *arg)
{
	if (tp->n_clients >= tp->max_flows) {
		tp->stats.refused++;
		tp->ops.refused(tp->arg, -EUSERS);
		return NULL;
	}
	struct sip_flow *f = flow_alloc(tp, kind);
	f->inbound = f->client = true;
	f->carrier = carrier;
	f->carrier_arg = arg;
	f->peer = *peer;
	f->local = *local;
	remember(f, 0);
	if (tp->ops.opened(tp->arg, f))
		return f;
	tp->stats.refused++;
	forget(f);
	sip_flow_unref(&f);
	return NULL;
}

/* The bytes of a message up to its body; 0: no end of the head where there must be one. */
static size_t head_len(struct str in)
{
	const char *end = in.p + MIN(in.len, (size_t)SIP_HEAD_MAX);
	for (const char *p = in.p; p + 4 <= end; p++)
		if (memcmp(p, "\r\n\r\n", 4) == 0)
			return (size_t)(p + 4 - in.p);
	return 0;
}

void sip_flow_take(struct sip_flow *f, struct str message)
{
	if (f->closed)
		return;
	if (is_keepalive(message)) {
		f->tp->stats.pings++;
		if (str_eq(message, STR("\r\n\r\n")))
			(void)sip_flow_send_raw(f, STR("\r\n"));
		return;
	}
	size_t head = head_len(message);
	if (message.len > message_max(f) || (head == 0 && message.len > SIP_HEAD_MAX))
		refuse_large(f, str_sub(message, 0, head));
	else
		deliver(f, message);
}

/* UDP. */

static uint16_t socket_index(const struct sip_transport *tp, const struct udp *u)
{
	uint16_t i = 0;
	while (tp->udp[i] != u)
		i++;
	return i;
}

/* The flow object for this datagram: the last one again, unless somebody kept it. */
static struct sip_flow *udp_flow(struct sip_transport *tp, struct udp *u, const struct addr *peer)
{
	if (tp->udp_now && tp->udp_now->refs > 1)
		sip_flow_unref(&tp->udp_now);
	if (!tp->udp_now)
		tp->udp_now = flow_alloc(tp, SIP_UDP);
	struct sip_flow *f = tp->udp_now;
	f->inbound = true;
	f->sock = socket_index(tp, u);
	f->peer = *peer;
	f->local = *udp_local(u);
	f->user = NULL;
	return f;
}

static void on_datagram(void *arg, struct udp *u, const struct addr *peer, struct str data)
{
	struct sip_transport *tp = arg;
	if (is_keepalive(data)) {
		tp->stats.pings++;
		return;
	}
	struct sip_flow *f = udp_flow(tp, u, peer);
	if ((uint8_t)data.p[0] <= STUN_FIRST_MAX) {
		if (tp->ops.other)
			tp->ops.other(tp->arg, f, data);
		return;
	}
	deliver(f, data);
}

void sip_transport_listen(struct sip_transport *tp, enum sip_kind kind, int fd)
{
	if (kind == SIP_UDP) {
		assert(tp->n_udp < SIP_SOCKETS_MAX);
		tp->udp[tp->n_udp++] = udp_new(tp->loop, fd, on_datagram, tp);
		return;
	}
	assert(tp->n_listens < SIP_SOCKETS_MAX);
	struct sip_listen *sl = &tp->listens[tp->n_listens++];
	*sl = (struct sip_listen){ .tp = tp, .kind = kind };
	sl->ls = listener_new(tp->loop, fd, SIP_ACCEPTS_PER_TURN, on_accept, sl);
	listener_tell_refused(sl->ls, on_refused);
}

/* The object. */

struct sip_transport *sip_transport_new(struct loop *l, const struct sip_transport_config *cfg,
                                        const struct sip_transport_ops *ops, void *arg)
{
	struct sip_transport *tp = xnew(struct sip_transport);
	tp->loop = l;
	tp->ops = *ops;
	tp->tap = ops->tap;
	tp->arg = arg;
	tp->client_max = cfg->client_max;
	tp->max_flows = cfg->max_flows;
	tp->probe_after = cfg->probe_s * USEC_PER_SEC;
	tp->tls = cfg->tls ? tls_server_ref(cfg->tls) : NULL;
	(void)snprintf(tp->link_name, sizeof(tp->link_name), "%s",
	               cfg->link_name ? cfg->link_name : "dialtone.invalid");
	map_init(&tp->flows);
	list_init(&tp->streams);
	large_init(tp);
	tp->last_id = rand_u64() >> 32 << 20; /* ids of an earlier process are not met again */
	tp->out = buf_of(SIP_SERVER_MAX + SIP_HEAD_MAX);
	tp->signed_out = buf_of(SIP_SERVER_MAX + SIP_HEAD_MAX);
	return tp;
}

void sip_transport_free(struct sip_transport **tpp)
{
	struct sip_transport *tp = *tpp;
	if (!tp)
		return;
	/* Who is told may want to answer elsewhere: all are closed, and all still there. */
	list_for(it, &tp->streams) list_entry(it, struct sip_flow, node)->closed = true;
	list_for(it, &tp->streams) flow_tell_lost(list_entry(it, struct sip_flow, node));
	*tpp = NULL;
	list_for(it, &tp->streams)
	{
		struct sip_flow *f = list_entry(it, struct sip_flow, node);
		forget(f);
		stream_free(&f->stream);
		sip_flow_unref(&f);
	}
	large_done(tp);
	sip_flow_unref(&tp->udp_now);
	for (size_t i = 0; i < tp->n_listens; i++)
		listener_free(&tp->listens[i].ls);
	for (size_t i = 0; i < tp->n_udp; i++)
		udp_free(&tp->udp[i]);
	tls_server_unref(&tp->tls);
	map_done(&tp->flows);
	buf_free(&tp->out);
	buf_free(&tp->signed_out);
	free(tp);
}

void sip_transport_tap(struct sip_transport *tp,
                       void (*tap)(void *arg, const struct sip_flow *f, bool out, struct str msg))
{
	tp->tap = tap;
}

void sip_transport_set_tls(struct sip_transport *tp, struct tls_server *tls)
{
	tls_server_unref(&tp->tls);
	tp->tls = tls_server_ref(tls);
}

void sip_transport_pause(struct sip_transport *tp, bool paused)
{
	for (size_t i = 0; i < tp->n_listens; i++)
		listener_pause(tp->listens[i].ls, paused);
}

void sip_transport_set_accepts(struct sip_transport *tp, unsigned per_turn)
{
	for (size_t i = 0; i < tp->n_listens; i++)
		listener_set_per_turn(tp->listens[i].ls, per_turn);
}

const struct sip_transport_stats *sip_transport_stats(const struct sip_transport *tp)
{
	return &tp->stats;
}

struct buf *sip_transport_out(struct sip_transport *tp)
{
	tp->out.len = 0;
	tp->out.full = false;
	return &tp->out;
}

struct loop *sip_transport_loop(struct sip_transport *tp)
{
	return tp->loop;
}
