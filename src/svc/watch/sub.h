/* The server's end of subscriptions (RFC 6665; [MS-SIP] section 2.2: BENOTIFY, piggybacked first
 * state, automatic extension): their dialogs, how long they live, and how notifications leave.
 *
 * What is told stands in the packages above; a subscription says "something is new" (sub_touch) and
 * is asked what it is once at the end of the turn, so that a burst becomes one notification. */
#pragma once

#include "base/map.h"
#include "stack/sip/txn.h"
#include "svc/access/token.h"

enum {
	SUBS_MAX = 2000000,     /* of a process: 503 */
	SUBS_OF_USER_MAX = 200, /* dialogs of one user (F-028): 403 */
	SUB_PART_MAX = 1024,    /* bytes of Call-ID, From, To, Contact, Event: 400 */
	SUB_EXPIRES_MIN_S = 60, /* RFC 6665 section 4.2.1.1: less is 423 */
	SUB_EXPIRES_MAX_S = 86400,
	SUB_EXPIRES_DEF_S = 3600,
	SUB_LYNC_EXPIRES_S = 28800, /* F-028 */
	SUB_BODY_MAX = 1024 * 1024,
	SUB_CSEQ_STEP = 1000, /* notifications between two times that their number is kept */
};

/* What a subscription keeps of its dialog. */
enum sub_text {
	SUB_CALL_ID,
	SUB_LOCAL,  /* From of our requests */
	SUB_REMOTE, /* To of our requests */
	SUB_TARGET, /* the subscriber's Contact */
	SUB_EVENT,
	SUB_HERE, /* "192.0.2.1:5060;transport=tcp": where a phone reaches us; empty: by our name */
	SUB_N_TEXTS
};

struct subs; /* opaque */

/* One subscription; its package's own state begins where it is embedded. */
struct sub {
	struct map_node by_id, by_user;
	struct subs *all;
	struct tick expiry;
	struct list touched; /* in subs->touched */
	uint64_t id, account, endpoint;
	struct token_hint hint; /* where its subscriber is */
	const struct sub_package *package;
	struct sip_ctx *notify; /* a NOTIFY that has not been answered */
	uint32_t cseq;
	uint32_t n_watched; /* addresses (people.h) */
	uint32_t cseq_kept; /* those of an earlier process were below */
	uint32_t life_s;    /* that it was given last */
	bool lync;          /* of a Lync client */
	bool benotify;  /* notifications are not answered; it lives as long as the registration */
	bool again;     /* something is new, and a NOTIFY is under way */
	bool fresh;     /* its first full state has not been told yet */
	bool eventlist; /* RFC 4662: it is told of a list */
	bool stale; /* the subscriber could not be reached: it is told anew when that is possible */
	bool stored; /* the owner's: a row in the store holds it */
	bool ended;
	uint16_t len[SUB_N_TEXTS];
	char *texts;
};

/* A subscription of this package is told of by these. */
struct sub_package {
	struct str event;
	/* Appends what is new, or everything; *ret_type: its Content-Type.  False: nothing. */
	bool (*compose)(struct sub *s, bool all, struct buf *body, struct str *ret_type);
	/* It has ended; frees the state that embeds it. */
	void (*free)(struct sub *s);
	/* Appends what else is needed to restore it; NULL: it is not kept. */
	void (*put_kept)(const struct sub *s, struct buf *b);
};

struct sub_ops {
	/* The flow by which the subscriber is reached now, and whether it is a link (then requests
	 * name the way in Route); NULL: not at all.  The caller owns the reference. */
	struct sip_flow *(*flow)(void *arg, const struct sub *s, struct token_hint *ret_hint);
	/* Appends the Route value that leads over a link to that end. */
	void (*put_route)(void *arg, struct buf *b, const struct token *end);
	/* Appends the URI by which its client reaches this subscription. */
	void (*put_contact)(void *arg, struct buf *b, const struct sub *s);
	/* What is to be kept of it has changed, or it has ended. */
	void (*keep)(void *arg, struct sub *s);
};
struct subs_config {
	struct loop *loop;
	struct sip_stack *stack;
	const struct sub_ops *ops;
	void *arg;
};
struct subs *subs_new(const struct subs_config *cfg);
/* Every subscription ends without a word; the stack must have been freed before. */
void subs_free(struct subs **sp);

/* What a SUBSCRIBE that makes a dialog brings. */
struct sub_ask {
	uint64_t account, endpoint; /* of the subscriber */
	struct token_hint hint;
	const struct sip_msg *msg;
	struct str to_tag;
	struct str here; /* SUB_HERE */
	bool lync;
};
/* Starts a subscription whose zeroed struct the caller embedded.  0; -EINVAL: a part is missing or
 * too long; -EUSERS: the user has too many; -ENOSPC: the process has. */
int sub_start(struct subs *all, struct sub *s, const struct sub_package *p,
              const struct sub_ask *ask) MUST_CHECK;
/* What was kept of one of an earlier process; texts are borrowed. */
struct sub_row {
	uint64_t id, account, endpoint;
	struct token_hint hint;
	uint32_t life_s, cseq; /* cseq_kept */
	bool eventlist;
	struct str texts[SUB_N_TEXTS];
};
/* Puts it back; it lives for all of its time from now.  0; -EINVAL; -EUSERS; -ENOSPC.  When all are
 * back, subs_keep_all() keeps their new numbers. */
int sub_restore(struct subs *all, struct sub *s, const struct sub_package *p,
                const struct sub_row *row) MUST_CHECK;
void subs_keep_all(struct subs *all);
struct str sub_text(const struct sub *s, enum sub_text which);
/* By its number; NULL. */
struct sub *sub_by_id(struct subs *all, uint64_t account, uint64_t id);
/* Seconds for what a SUBSCRIBE asks: 0 ends (or: once).  -EINVAL: unreadable; -ERANGE: too short.
 */
int sub_expires(const struct sip_msg *m, bool lync, uint32_t *ret_s) MUST_CHECK;
/* It lives so long from now. */
void sub_extend(struct sub *s, uint32_t seconds);
/* The dialog of a SUBSCRIBE inside it, or NULL: its number, Call-ID and tags must be right.  It is
 * where the subscriber is now. */
struct sub *sub_find(struct subs *all, uint64_t id, const struct sip_msg *m);
/* The Lync client's of that endpoint, or NULL, whatever the message says of the dialog:
 * pidgin-sipe, which has made two subscriptions before the first was answered, goes on with the
 * Call-ID of one and the target and tag of the other. */
struct sub *sub_of_endpoint(struct subs *all, uint64_t id, uint64_t account, uint64_t endpoint);
void sub_moved(struct sub *s, const struct sub_ask *ask);
/* Header lines of the answer: Contact, Expires, Event, Subscription-State; a body: with the number
 * of the notification that it stands for. */
void sub_put_answer(const struct sub *s, struct buf *b, uint32_t expires_s, bool body);
/* Something is new: it is asked for at the end of the turn. */
void sub_touch(struct sub *s);
/* Everything is told again. */
void sub_tell_anew(struct sub *s);
/* Those whose subscriber could not be reached are told anew: of one account, or of all (0). */
void subs_reach(struct subs *all, uint64_t account);
/* Ends it; with a reason of RFC 6665 section 4.1.3 its subscriber is told, NULL: not. */
void sub_end(struct sub *s, const char *reason);

/* Those of one user: NULL to start. */
struct sub *subs_next(struct subs *all, uint64_t account, struct sub *after);
/* Ends those of an endpoint that is gone, if its client is a Lync client or does not answer. */
void subs_endpoint_gone(struct subs *all, uint64_t account, uint64_t endpoint);
/* Calls fn before those that were touched in a turn are told: more of them may be touched then. */
void subs_before_flush(struct subs *all, void (*fn)(void *arg), void *arg);

struct subs_stats {
	uint32_t n; /* now */
	uint64_t notified, benotified, failed;
};
const struct subs_stats *subs_stats(const struct subs *all);
