/* Where roles of other hosts come in: listening sockets with mutual TLS required.
 *
 * A connection is handed over once its certificate, which verified against the deployment's CA, has
 * proved to be that of a role that may come (env->peers).  Whoever shows none, or another one, gets
 * nowhere: the handshake fails, or the connection ends.  Strangers cannot take the room of those
 * who come from the topology's addresses. */
#pragma once

#include "role/peer.h"

enum {
	GATE_LISTENERS_MAX = 16,
	GATE_WAITING_MAX = 256,  /* connections whose handshake is under way */
	GATE_STRANGERS_MAX = 32, /* of them, from addresses that no peer's host has */
	GATE_ACCEPTS_PER_TURN = 16,
	GATE_LINES_PER_S = 1,
	GATE_STRANGER_S = 5, /* so long a stranger may take to hear why not */
};

struct gate; /* opaque */

struct gate_config {
	const struct role_env *env; /* borrowed; its sockets of `proto` become the gate's */
	enum topo_proto proto;
	const char *what; /* "SIP" */
	struct tls_server *tls;
	/* Takes an open stream of env->peers[peer]; false: there is no room, it is closed. */
	bool (*enter)(void *arg, size_t peer, struct stream *s);
	void *arg;
	/* What a stranger with a certificate of the deployment hears when it has said something;
	 * empty: nothing. */
	struct str refusal;
};

struct gate_stats {
	uint64_t entered, strangers, failed, refused; /* failed: handshakes; refused: no room */
};

struct gate *gate_new(const struct gate_config *cfg);
void gate_free(struct gate **gp);
/* For connections from now on. */
void gate_set_tls(struct gate *g, struct tls_server *tls);
const struct gate_stats *gate_stats(const struct gate *g);
/* Appends what comes before the samples of the metric peer_connections_total, and its samples. */
void gate_put_metric_head(struct buf *b);
void gate_put_metric(struct buf *b, const struct gate *g);
/* An HTTP answer, 403, for gate_config.refusal. */
extern const struct str gate_http_refusal;
