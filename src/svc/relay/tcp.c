#include <unistd.h>

#include "base/rand.h"
#include "svc/relay/tcp.h"

/* TCP allocations of RFC 6062: each connection with a peer gets a connection of the client's of its
 * own, on which bytes pass as they are.
 *
 *     DIALING --connected--> WAITING --ConnectionBind--> JOINED
 *        \--failed, late: 447    \--nobody comes: ended     \--either end ends: both do
 *     a peer comes: WAITING
 *
 * A connection's number says which process of the edge has it (relay_ops.pass). */

static struct str key_of(const struct relay_alloc *a)
{
	return str_n((const char *)a->key, sizeof(a->key));
}

static void tell(const struct relay_alloc *a, const struct stun_out *o)
{
	a->relay->ops->to_stream(a->relay->arg, a->stream->owner, bytes_of(stun_text(o)), false);
}

static void answer_connect(struct tcp_conn *c, unsigned code)
{
	struct stun_out o;
	stun_begin(&o, code ? STUN_ERROR : STUN_SUCCESS, STUN_CONNECT, c->asked);
	if (code)
		stun_put_error(&o, code, stun_reason(code));
	else
		stun_put_u32(&o, STUN_CONNECTION_ID, c->id);
	stun_end(&o, STUN_STANDARD, key_of(c->alloc));
	tell(c->alloc, &o);
}

static void tell_attempt(const struct tcp_conn *c)
{
	struct stun_out o;
	uint8_t id[STUN_ID_LEN];
	rand_bytes(id, sizeof(id));
	stun_begin(&o, STUN_INDICATION, STUN_CONNECTION_ATTEMPT, id);
	stun_put_u32(&o, STUN_CONNECTION_ID, c->id);
	stun_put_xor_addr(&o, STUN_XOR_PEER_ADDRESS, &c->peer);
	stun_end(&o, STUN_STANDARD, (struct str){ NULL, 0 });
	tell(c->alloc, &o);
}

/* --- connections with peers ------------------------------------------------------------------ */

/* Nobody came for it, or the peer did not answer. */
void tcp_rfc_late(struct tcp_conn *c)
{
	if (c->state == TCP_DIALING)
		answer_connect(c, 447);
	tcp_conn_free(c);
}

static void on_connected(void *arg)
{
	struct tcp_conn *c = arg;
	stream_pause(c->stream, true); /* what the peer says waits in the kernel */
	tcp_wait(c, TCP_WAITING);
	answer_connect(c, 0);
}

/* Nothing is taken before the client comes for it. */
static ssize_t on_early(void *arg UNUSED, struct str in UNUSED)
{
	return 0;
}

static void on_ended(void *arg, int err UNUSED, const char *why UNUSED)
{
	tcp_rfc_late(arg);
}

static const struct stream_ops peer_ops = { .opened = on_connected,
	                                    .data = on_early,
	                                    .closed = on_ended };

void tcp_rfc_came(struct relay_alloc *a, int fd, const struct addr *peer)
{
	if (!alloc_permits(a, peer, loop_now(a->relay->loop))) {
		a->dropped++;
		a->relay->stats.dropped++;
		(void)close(fd);
		return;
	}
	struct tcp_conn *c = tcp_conn_new(a, peer);
	c->stream = stream_accept(a->relay->loop, fd, NULL, &tcp_peer_limits, &peer_ops, c);
	stream_pause(c->stream, true);
	tcp_wait(c, TCP_WAITING);
	tell_attempt(c);
}

unsigned tcp_connect(struct relay_alloc *a, const struct addr *peer, const uint8_t id[STUN_ID_LEN])
{
	struct addr space;
	const struct addr *to = peer_way(a->relay, peer, true, &space);
	if (!alloc_end_of(a, peer->sa.sa_family))
		return 443;
	if (!to || peer_is_refused(a->relay, peer) || addr_port(peer) < RELAY_TCP_PORT_MIN)
		return 403;
	if (tcp_conn_with(a, peer))
		return 446;
	if (tcp_is_full(a))
		return 508;
	struct tcp_conn *c = tcp_conn_new(a, peer);
	memcpy(c->asked, id, STUN_ID_LEN);
	if (tcp_dial(c, to, &peer_ops) == 0)
		return 0;
	tcp_conn_free(c);
	return 508;
}

/* --- the client's connections ---------------------------------------------------------------- */

static usec_t on_passed(void *arg, enum pipe_end from, size_t bytes)
{
	struct tcp_conn *c = arg;
	tcp_count(c->alloc, from == PIPE_A, bytes);
	return tcp_owe(c->alloc, bytes);
}

static void on_over(void *arg, enum pipe_end by UNUSED)
{
	struct tcp_conn *c = arg;
	c->pipe = NULL;
	tcp_conn_free(c);
}

static const struct pipe_ops pipe_ops = { .passed = on_passed, .ended = on_over };

const struct relay_alloc *tcp_alloc_of(const struct relay *r, uint32_t id)
{
	const struct tcp_conn *c = tcp_conn_of(r, id);
	return c && !c->alloc->lync ? c->alloc : NULL;
}

bool tcp_is_waiting(const struct relay *r, const struct relay_pass *what)
{
	const struct tcp_conn *c = tcp_conn_of(r, what->id);
	return c && c->state == TCP_WAITING && !c->alloc->lync &&
	       same_secret(c->alloc->key, what->key, sizeof(c->alloc->key));
}

bool tcp_join(struct relay *r, const struct relay_pass *what, struct stream *client)
{
	struct tcp_conn *c = tcp_conn_of(r, what->id);
	if (!c || !tcp_is_waiting(r, what))
		return false;
	timer_stop(&c->late);
	c->state = TCP_JOINED;
	c->pipe = pipe_new(r->loop, take(&c->stream), client, &pipe_ops, c);
	return true;
}

bool tcp_is_of_other_process(const struct relay *r, uint32_t id)
{
	return id >> RELAY_ID_BITS != r->cfg.slot;
}
