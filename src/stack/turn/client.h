/* A client of relays on the loop: one allocation, by UDP, TCP or TLS (RFC 8656), or in the dialect
 * of Lync ([MS-TURN]).
 *
 * It answers the relay's challenges, repeats what is lost (RFC 8489 section 6.2.1), refreshes the
 * allocation and keeps permissions and channels alive by itself.  What a relay says is believed as
 * far as it is signed with the credentials, and all that it can choose is bounded. */
#pragma once

#include "base/addr.h"
#include "loop/loop.h"
#include "loop/tls.h"

struct turn_client; /* opaque */

enum {
	TURN_CLIENT_BONDS_MAX = 64,          /* permissions and channels: -ENOSPC beyond */
	TURN_CLIENT_TEXT_MAX = 255,          /* bytes of a realm or a nonce of a relay */
	TURN_CLIENT_CHALLENGES_MAX = 3,      /* of one request */
	TURN_CLIENT_DATA_MAX = 65000,        /* bytes that are sent at a time */
	TURN_CLIENT_UNSENT_MAX = 256 * 1024, /* bytes that wait in a connection */
	TURN_CLIENT_WHY_MAX = 256,           /* bytes of a text for people */
	/* Defaults of the settings. */
	TURN_CLIENT_TRIES = 7, /* RFC 8489 section 6.2.1 */
	TURN_CLIENT_OPEN_S = 10,
	/* RFC 8656: a permission lives 300 s, a channel 600 s and its permission 300 s. */
	TURN_CLIENT_RENEW_S = 240,
	TURN_CLIENT_ALIVE_S = 15,      /* a NAT is shown a datagram that often (RFC 8445) */
	TURN_CLIENT_RTO_MS = 500,      /* to the first repetition; then it doubles */
	TURN_CLIENT_LAST_RTOS = 16,    /* times that after the last one */
	TURN_CLIENT_LIFE_S = 600,      /* of an allocation whose relay does not say */
	TURN_CLIENT_EARLY_S = 60,      /* before its end it is refreshed */
	TURN_CLIENT_REFRESH_MIN_S = 5, /* whatever the relay says */
	TURN_CLIENT_REFRESH_MAX_S = 3600,
};

enum turn_way { TURN_BY_UDP, TURN_BY_TCP, TURN_BY_TLS, TURN_BY_PSEUDO_TLS, TURN_N_WAYS };

/* 0, NULL or AF_UNSPEC in those with a default. */
struct turn_client_config {
	struct addr server;
	enum turn_way way;
	bool lync;              /* speaks [MS-TURN]; TURN_BY_PSEUDO_TLS has nothing else */
	struct tls_client *tls; /* of TURN_BY_TLS; the client takes a reference */
	struct str server_name; /* that the certificate must be good for; copied */
	/* As they were issued, copied.  Those of Lync's dialect are base64, and what is hashed is
	 * what they stand for. */
	struct str user, password;
	struct addr local; /* of UDP; else the one that the kernel sends from */
	int family;        /* AF_INET6: a relayed address of IPv6; else IPv4 */
	bool even;         /* an even port; not in Lync's dialect */
	uint32_t life_s;   /* that is asked for; else the relay's own */
	uint32_t open_s;   /* of a connection, TLS included */
	uint32_t tries;    /* of a request, 1 to 10: with fewer no answer is told earlier, with 4
	                    * after 12 s, with 7 after 40 */
};

struct turn_allocation {
	struct addr relayed; /* where peers send to */
	struct addr mapped;  /* we, as the relay sees us */
	uint32_t life_s;
};

enum turn_where {
	TURN_AT_OPENING, /* the connection did not come up */
	TURN_AT_BINDING,
	TURN_AT_ALLOCATE,
	TURN_AT_REFRESH,
	TURN_AT_PERMISSION,
	TURN_AT_CHANNEL,
	TURN_AT_CONNECTION, /* it ended, or what came by it makes no sense */
};

struct turn_failure {
	enum turn_where where;
	unsigned code;           /* the relay's; 0: it is not its refusal */
	int err;                 /* then -ETIMEDOUT: no answer; -EBADMSG: none that is right; or of
	                          * the connection */
	const char *why;         /* a text for people */
	const struct addr *peer; /* of a permission or channel; else NULL */
	bool over;               /* the client does nothing any more, and can be freed */
};

/* From the loop, never from inside a call.  The client is not to be freed in them.  Those of what
 * is not asked for may be NULL. */
struct turn_client_ops {
	/* Requests may be made. */
	void (*opened)(void *arg);
	void (*mapped)(void *arg, const struct addr *mapped);
	void (*allocated)(void *arg, const struct turn_allocation *a);
	/* It is kept so from now on, until failed() says otherwise. */
	void (*permitted)(void *arg, const struct addr *peer);
	void (*bound)(void *arg, const struct addr *peer);
	/* As it was sent; but in Lync's dialect by a connection the relay's other side is TCP as
	 * well, and this is a piece of a stream. */
	void (*data)(void *arg, const struct addr *peer, struct str data);
	/* Allocating is possible again. */
	void (*released)(void *arg);
	void (*failed)(void *arg, const struct turn_failure *f);
};

/* Opens the way to the relay: opened() or failed() follow.  Borrows ops. */
struct turn_client *turn_client_new(struct loop *l, const struct turn_client_config *cfg,
                                    const struct turn_client_ops *ops, void *arg);
/* What `other` has learnt of the same relay (realm and nonce) is known here too, so that nothing
 * has to be challenged: a relay answers few strangers.  Before the first request; the same dialect.
 */
void turn_client_learn(struct turn_client *c, const struct turn_client *other);
/* At once.  What was allocated by a connection ends with it, by UDP only with its life: who can
 * wait releases it before. */
void turn_client_free(struct turn_client **cp);

/* What follows is asked for once it may be: 0, and the answer by a callback; -EINVAL (not at this
 * time), -EALREADY (it was asked for, or is there), -EOPNOTSUPP (the dialect has no such thing),
 * -ENOSPC (TURN_CLIENT_BONDS_MAX), -EMSGSIZE (the credentials are too long for a request). */

/* How the relay sees us, without credentials (RFC 8489 section 12); not in Lync's dialect. */
int turn_client_binding(struct turn_client *c) MUST_CHECK;
int turn_client_allocate(struct turn_client *c) MUST_CHECK;
/* Lets that host send to the relayed address, and data be sent there.  Not in Lync's dialect, where
 * whom data is sent to may answer. */
int turn_client_permit(struct turn_client *c, const struct addr *peer) MUST_CHECK;
/* A channel to that address, which permits it as well; in Lync's dialect it becomes the active
 * destination, of which there is one at a time (-EBUSY: another is being asked for). */
int turn_client_bind(struct turn_client *c, const struct addr *peer) MUST_CHECK;
/* Neither is renewed any more: they end by themselves. */
void turn_client_forget(struct turn_client *c, const struct addr *peer);
/* Refreshes the allocation before it is due: failed() tells if the relay does not know it any more.
 * -EALREADY: the relay is being asked. */
int turn_client_refresh(struct turn_client *c) MUST_CHECK;
/* Ends the allocation; released() follows even if the relay does not answer. */
int turn_client_release(struct turn_client *c) MUST_CHECK;

/* By the channel to that address, or by itself.  0; -ENOTCONN: nothing is allocated; -EACCES: no
 * permission; -EMSGSIZE: larger than TURN_CLIENT_DATA_MAX, or in Lync's dialect, to another than
 * the active destination, than a message holds (some 500 bytes); -ENOBUFS: too much waits. */
int turn_client_send(struct turn_client *c, const struct addr *peer, struct str data) MUST_CHECK;

struct turn_client_stats {
	uint64_t sent, received; /* data */
	uint64_t repeated;       /* requests */
	uint64_t dropped;        /* what came and was not ours, or made no sense */
};
const struct turn_client_stats *turn_client_stats(const struct turn_client *c);
/* Where the relay is reached from; AF_UNSPEC: it is not open. */
struct addr turn_client_local(const struct turn_client *c);
