/* A line to a role of another host: one TLS connection that is kept open, made anew after pauses.
 *
 *     WAITING --pause over--> DIALING --open()--> OPEN --line_good()--> GOOD
 *        ^------ failed -------/  ^---- line_lost() ----/-----------------/
 *
 * What is said over it is its owner's business: who gets the open stream, says with line_good()
 * that the other end has answered, and with line_lost() that the stream has ended. */
#pragma once

#include "role/peer.h"

enum {
	LINE_PAUSE_MIN_MS = 100,
	LINE_PAUSE_MAX_MS = 10000,
	LINE_STABLE_S = 30,     /* after so long the pause starts small again */
	LINE_SAY_AGAIN_S = 600, /* a reason that stays is logged again after */
};

struct line; /* opaque */

struct line_config {
	const struct role_env *env; /* borrowed */
	size_t peer;                /* of env->peers */
	uint32_t process;           /* of the other end, for people; 0: it does not matter */
	enum topo_proto proto;
	const char *what; /* "SIP" */
	struct tls_client *tls;
	/* The certificate is the peer's; the stream is the callee's. */
	void (*open)(void *arg, struct stream *s);
	void *arg;
};

/* Dials from the next turn on. */
struct line *line_new(const struct line_config *cfg);
/* A stream that was handed out is its owner's. */
void line_free(struct line **lp);
void line_good(struct line *l);
/* why: a text for people. */
void line_lost(struct line *l, const char *why);
bool line_is_good(const struct line *l);
/* For connections from now on. */
void line_set_tls(struct line *l, struct tls_client *tls);
/* As peer_put_status(). */
void line_put_status(struct buf *b, const struct line *l);
/* Appends what comes before the samples of the metric peer_up, and one of them. */
void line_put_metric_head(struct buf *b);
void line_put_metric(struct buf *b, const struct line *l);
