/* Sends messages to push services (RFC 8030): whoever's they are, for the address comes from a
 * browser.  So a name is looked up here, and what is no host of the Internet is not connected with;
 * redirects are not followed, answers are small, and everything has a time.
 *
 * Of more than there is room for the messages of who has the most of them make way, so that nobody
 * keeps the others' from being sent, however many accounts and services of his own he has: each
 * account gets its share of messages and of services.
 *
 * A push service that has enough to do (429, 5xx) or is not reached is tried again, not before it
 * wants it, PUSHER_TRIES times in all; then the message is lost. */
#pragma once

#include "loop/loop.h"
#include "loop/tls.h"
#include "wire/push/push_sub.h"

enum {
	PUSHER_TRIES = 3,
	PUSHER_TIMEOUT_S = 10, /* of each try */
	PUSHER_AGAIN_S = 5, /* after a failure, if the service says nothing; then six times that */
	PUSHER_LATER_MAX_S = 300,  /* what a service may want */
	PUSHER_WAITING_MAX = 2000, /* messages that are under way */
	PUSHER_SERVICE_MAX = 500,  /* of them, to one service */
	PUSHER_SERVICES_MAX = 64,
	PUSHER_TOPIC_MAX = 32, /* RFC 8030 section 5.4 */
	PUSHER_ANSWER_MAX = 4096,
};

struct pusher; /* opaque */

/* Everything is copied. */
struct pusher_config {
	const uint8_t *key;      /* 32 bytes, which the key pair of VAPID is made of */
	struct str contact;      /* "mailto:..." or "https://..." */
	struct tls_client *tls;  /* a reference is taken */
	struct str own_services; /* names, with commas between: these may have private addresses */
	const char *resolvers;   /* of dns_new(); only pusher_new() looks at it */
};
struct pusher *pusher_new(struct loop *l, const struct pusher_config *cfg);
/* From now on by these; the key stays. */
void pusher_configure(struct pusher *p, const struct pusher_config *cfg);
/* What is under way is dropped; nobody is called. */
void pusher_free(struct pusher **pp);
/* What browsers subscribe with: PUSH_POINT_LEN bytes. */
const uint8_t *pusher_key(const struct pusher *p);

enum pusher_end {
	PUSHER_TAKEN,   /* the service has it */
	PUSHER_GONE,    /* it does not know the subscription any more */
	PUSHER_REFUSED, /* it will not have it */
	PUSHER_FAILED,  /* it was not reached, or has too much to do */
};
/* why: for people, valid during the call.  Never called back from inside. */
typedef void pusher_done_fn(void *arg, enum pusher_end end, const char *why);

struct pusher_order {
	uint64_t account; /* whose message it is */
	const struct push_sub *sub;
	struct str text;  /* at most PUSH_TEXT_MAX bytes; is encrypted */
	struct str topic; /* a later one takes the place of one that has not arrived; base64url */
	uint32_t life_s;  /* so long the service keeps it for a browser that is away */
};
/* False: there is too much under way already, and nobody has more of it than that account; nobody
 * is called.  Not from inside a done. */
bool pusher_send(struct pusher *p, const struct pusher_order *o, pusher_done_fn *done,
                 void *arg) MUST_CHECK;

struct pusher_stats {
	uint64_t ended[PUSHER_FAILED + 1], retried;
	uint64_t displaced; /* of those that failed: others had a better right to the place */
	uint32_t waiting;   /* now */
};
const struct pusher_stats *pusher_stats(const struct pusher *p);
