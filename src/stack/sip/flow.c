#include "stack/sip/flow.h"

#include <errno.h>
#include <stdlib.h>

#include "stack/sip/transport.h"

struct sip_flow *sip_flow_ref(struct sip_flow *f)
{
	f->refs++;
	return f;
}

static void flow_free(struct sip_flow *f)
{
	stream_free(&f->stream);
	free(f);
}

void sip_flow_unref(struct sip_flow **fp)
{
	struct sip_flow *f = take(fp);
	if (f && --f->refs == 0)
		flow_free(f);
}

/* An object that no table knows: UDP, or the start of a stream. */
struct sip_flow *flow_alloc(struct sip_transport *tp, enum sip_kind kind)
{
	struct sip_flow *f = xnew(struct sip_flow);
	f->tp = tp;
	f->refs = 1;
	f->kind = (uint8_t)kind;
	list_init(&f->watches);
	list_init(&f->node);
	return f;
}

/* Tells the watches.  Each is taken out first, so that it may free itself. */
void flow_tell_lost(struct sip_flow *f)
{
	f->closed = true;
	while (!list_empty(&f->watches)) {
		struct sip_watch *w = list_entry(f->watches.next, struct sip_watch, node);
		list_del(&w->node);
		w->lost(w->arg);
	}
}

void sip_flow_watch(struct sip_flow *f, struct sip_watch *w, void (*lost)(void *arg), void *arg)
{
	w->lost = lost;
	w->arg = arg;
	list_add(&f->watches, &w->node);
}

void sip_flow_unwatch(struct sip_watch *w)
{
	if (w->node.next)
		list_del(&w->node);
}

int sip_flow_send_raw(struct sip_flow *f, struct str bytes)
{
	if (f->closed)
		return -EPIPE;
	if (f->kind == SIP_UDP)
		return udp_send(f->tp->udp[f->sock], &f->peer, bytes);
	if (f->carrier)
		f->carrier->send(f->carrier_arg, bytes);
	else
		stream_write(f->stream, bytes);
	return 0;
}

int sip_flow_send(struct sip_flow *f, struct str msg)
{
	struct sip_transport *tp = f->tp;
	if (f->closed)
		return -EPIPE;
	if (f->sec) {
		buf_drop(&tp->signed_out, tp->signed_out.len);
		buf_str(&tp->signed_out, msg);
		if (f->sec->sign(f->sec_state, f, &tp->signed_out) < 0)
			return -EMSGSIZE;
		msg = buf_view(&tp->signed_out);
	}
	tp->stats.msgs_out[f->kind]++;
	if (tp->tap)
		tp->tap(tp->arg, f, true, msg);
	return sip_flow_send_raw(f, msg);
}

void sip_flow_close(struct sip_flow *f)
{
	if (f->closed)
		return;
	if (f->carrier)
		f->carrier->close(f->carrier_arg);
	else if (f->stream)
		stream_close(f->stream);
}

struct sip_flow *sip_flow_find(struct sip_transport *tp, uint64_t id)
{
	uint64_t h = hash_bytes(&tp->flows.key, &id, sizeof(id));
	for (struct map_node *n = map_first(&tp->flows, h); n; n = map_next(n)) {
		struct sip_flow *f = container_of(n, struct sip_flow, by_id);
		if (f->id == id)
			return f;
	}
	return NULL;
}

struct sip_flow *sip_flow_udp(struct sip_transport *tp, uint16_t sock, const struct addr *peer)
{
	if (sock >= tp->n_udp)
		return NULL;
	struct sip_flow *f = flow_alloc(tp, SIP_UDP);
	f->sock = sock;
	f->peer = *peer;
	f->local = *udp_local(tp->udp[sock]);
	return f;
}

struct sip_flow *sip_flow_next(struct sip_transport *tp, struct sip_flow *after)
{
	struct list *next = after ? after->node.next : tp->streams.next;
	return next == &tp->streams ? NULL : list_entry(next, struct sip_flow, node);
}

const char *sip_kind_name(enum sip_kind k)
{
	static const char *const names[SIP_N_KINDS] = { "UDP", "TCP", "TLS", "WSS", "LINK" };
	return names[k];
}

void sip_flow_put_sent_by(struct buf *b, const struct sip_flow *f)
{
	if (f->kind == SIP_LINK)
		buf_str(b, str_of(f->tp->link_name));
	else
		addr_put(b, &f->local);
}
