/* Roles of other hosts, which speak with those of this one by mutual TLS: what they are called, and
 * whether a certificate is theirs (docs/decisions/0006). */
#pragma once

#include "loop/stream.h"
#include "role/role.h"

enum {
	PEER_ADDRS_MAX = 8,
	PEER_NAME_MAX = 128,
	PEER_OPEN_MAX_S = 10, /* connect and handshake */
	PEER_PROBE_S = 10,    /* a silent connection is probed after */
};

/* "mcu-im on host b"; "frontend/2 on host a" for process 2 (0: of none). */
void peer_put_name(struct buf *b, const struct topo_role *at, uint32_t process);
/* Appends a row for `dialtone status`: {"role":"frontend","process":1,"peer":"mcu-im on host b",
 * "link":"SIP","address":"10.0.0.2:5062","state":"up","why":""}; why: it is not up. */
struct peer_state {
	struct str peer;
	const char *link;
	const struct addr *to; /* where we connect to; NULL: it comes to us */
	bool is_up;
	struct str why;
};
void peer_put_status(struct buf *b, const struct role_env *env, const struct peer_state *s);
/* Is this certificate, which verified against the deployment's CA, good for that role: for its
 * name, and, if it says for which role it was issued, for that one? */
bool peer_has_cert(const struct topo_role *at, const struct tls_peer *cert);
/* The index in env->peers of the role whose certificate this is, or -ENOENT. */
int peer_find(const struct role_env *env, const struct tls_peer *cert);
/* How many there are of that role. */
size_t peer_count(const struct role_env *env, struct str role);

/* The two ends of mutual TLS with them, each with a reference for the caller. */
struct peer_tls {
	struct tls_server *server;
	struct tls_client *client;
};
/* 0, or -EINVAL with a line that says why. */
int peer_tls_new(struct peer_tls *ret, const struct role_env *env, struct buf *why) MUST_CHECK;
void peer_tls_done(struct peer_tls *t);
