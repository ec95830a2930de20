/* What Lync clients ask of the presence of their own user and of others ([MS-PRES] section 2.2.2):
 * bodies of SERVICE and SUBSCRIBE.  Pure; everything lives in the arena or borrows from the body.
 */
#pragma once

#include "svc/presence/container.h"
#include "svc/presence/publication.h"

enum {
	PUBLISH_MAX = PUBLICATIONS_MAX, /* publications of one request: 413 */
	MEMBERS_MAX = 200,              /* changes of members in one request: 413 */
	SUBSCRIBERS_CHANGED_MAX = 200,  /* of one request: 413 */
	BATCH_MAX = 1000,               /* addresses of one batched subscription (F-022): 413 */
	BATCH_CATEGORIES_MAX = 32,      /* categories of one: 413 */
};

/* application/msrtc-category-publish+xml */
struct publish_item {
	struct pub_key key; /* name borrows */
	uint32_t version;   /* the last one that the client knows */
	enum pub_expire expire;
	uint32_t expires_s;     /* of TIME */
	bool remove;            /* expires="0" */
	const struct xml *body; /* NULL: removed */
};
struct publish {
	struct str uri; /* whose: "alice@example.test", without scheme; empty: not given */
	struct publish_item *items;
	size_t n;
};
/* -EBADMSG; -E2BIG: above a limit. */
int publish_read(struct publish *ret, struct arena *a, struct str body) MUST_CHECK;

/* application/msrtc-setcontainermembers+xml */
struct member_change {
	unsigned at; /* index of the container */
	uint32_t version;
	bool remove;
	enum member_type type;
	struct str value;
};
struct set_members {
	struct member_change *items;
	size_t n;
};
/* As publish_read(); -ENOENT: a container that there is not. */
int set_members_read(struct set_members *ret, struct arena *a, struct str body) MUST_CHECK;

/* application/msrtc-presence-setsubscriber+xml */
struct subscriber_change {
	struct str user; /* "bob@example.test" */
	bool acknowledged;
};
struct set_subscribers {
	struct subscriber_change *items;
	size_t n;
};
int set_subscribers_read(struct set_subscribers *ret, struct arena *a, struct str body) MUST_CHECK;

/* The bodies of batched subscriptions: application/msrtc-adrl-categorylist+xml, and
 * application/adrl+xml of Office Communicator 2005. */
struct batch_item {
	struct str uri; /* as it stands there */
	bool context;   /* has just been added: the other is told */
};
struct batch {
	bool remove; /* action unsubscribe */
	struct batch_item *items;
	size_t n;
	uint32_t categories; /* mask; all if none is named */
};
int batch_read(struct batch *ret, struct arena *a, struct str body) MUST_CHECK;

/* The body of a subscription to the own data (vnd-microsoft-roaming-self): which parts. */
enum { ROAMING_CATEGORIES = 1, ROAMING_CONTAINERS = 2, ROAMING_SUBSCRIBERS = 4 };
int roaming_read(unsigned *ret, struct arena *a, struct str body) MUST_CHECK;

/* "alice@example.test" of "sip:alice@example.test"; what is no SIP address stays. */
struct str presence_address(struct str uri);
