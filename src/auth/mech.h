/* The interface of every sign-in mechanism at the first hop: Digest now, NTLM, Kerberos and TLS-DSK
 * through the same door.  Asynchronous: a step may have to ask the accounts process, any number of
 * legs is possible, and a mechanism that signs keeps its association with the flow.
 *
 * `now` is the wall clock (loop_wall): challenges are checked by other processes and hosts too. */
#pragma once

#include "auth/accounts.h"
#include "base/buf.h"
#include "wire/sip/msg.h"

struct auth_assoc; /* a mechanism's state on one flow; opaque */

enum auth_result_kind {
	AUTH_ACCEPT,    /* identity is known */
	AUTH_CHALLENGE, /* answer 401/407 with `challenge` (further leg, stale nonce, or first) */
	AUTH_REFUSE,    /* answer 403 or a fresh 401 with `challenge` */
	AUTH_SLOW,      /* too many failures: 503/480 with retry_s */
	AUTH_FAILED,    /* our fault: 500/504 */
};
struct auth_result {
	enum auth_result_kind kind;
	/* CHALLENGE: the password is right, and only this answer to an earlier challenge was used
	 * before: perhaps by the same request, whose answer was lost. */
	bool repeated;
	uint64_t account, credential; /* of ACCEPT and of what is repeated */
	struct str uri;               /* canonical AOR without scheme */
	struct str challenge;         /* of CHALLENGE and REFUSE: whole header value */
	const char *why;              /* static, for log and ms-diagnostics */
	uint32_t retry_s;
};
typedef void auth_done_fn(void *arg, const struct auth_result *r);

struct auth_mech {
	const char *scheme; /* as in WWW-Authenticate */
	bool signs;         /* each message of the flow is signed and verified */
	/* A new association for a flow. */
	struct auth_assoc *(*begin)(void *mech, const struct addr *peer);
	/* The opaque that credentials and signatures of this association carry, by which a message
	 * of the flow finds it; the same for its whole life.  NULL: the mechanism has none (Digest,
	 * where every association of a flow is as good as another). */
	struct str (*id)(void *mech, const struct auth_assoc *a);
	/* Appends the first challenge's header value. */
	void (*offer)(void *mech, struct auth_assoc *a, struct buf *b, bool stale, usec_t now);
	/* One leg with the credentials of a request (the value of its Authorization field).  Calls
	 * done exactly once: before it returns (0) when no one must be asked, else later
	 * (-EINPROGRESS), when req and creds may be gone.  Several may be under way on one flow.
	 * The result's slices are valid during done, which must not free the association. */
	int (*step)(void *mech, struct auth_assoc *a, const struct sip_msg *req, struct str creds,
	            usec_t now, auth_done_fn *done, void *arg);
	/* Signing mechanisms alone (else NULL): is this request/response rightly signed (0 or
	 * -EACCES); appends the header line that signs an outgoing message. */
	int (*verify)(void *mech, struct auth_assoc *a, const struct sip_msg *m);
	int (*sign)(void *mech, struct auth_assoc *a, const struct sip_msg *m, struct buf *line);
	/* A sealed form that another process of the pool can take over; -ENOTSUP. */
	int (*export)(void *mech, struct auth_assoc *a, struct buf *b);
	void (*free)(void *mech, struct auth_assoc **ap); /* also cancels steps under way */
};
