/* The presence of one user: what is published, who may see what, who has added her; and what
 * follows from it, the aggregate state.
 *
 * Pure: the caller says what time it is, stores the document, and tells watchers what `dirty` says
 * has changed.  A replica is the copy of a user who lives in another home; it is replaced whole by
 * the documents of that home (presentity_read). */
#pragma once

#include "svc/presence/aggregate.h"
#include "svc/presence/gone.h"
#include "svc/presence/request.h"

enum {
	SUBSCRIBERS_MAX = 200,       /* who waits for an answer (F-023): older ones are dropped */
	SUBSCRIBER_DISPLAY_MAX = 64, /* bytes of a name that is shown: longer ones are cut */
	CONFLICTS_MAX = PUBLISH_MAX,
	PRESENCE_PHONES_MAX = 320, /* publications of phones, and of calls */
	/* Publications of a user with the server's and her phones'. */
	PUBLICATIONS_DOC_MAX = PUBLICATIONS_MAX + PRESENCE_PHONES_MAX + 16,
};

/* Somebody who has this user on the list of contacts ([MS-PRES] section 3.3.5.10). */
struct subscriber {
	struct subscriber *next;
	bool acknowledged;
	uint16_t len, display_len;
	char text[]; /* the address, then the display name */
};
static inline struct str subscriber_user(const struct subscriber *s)
{
	return (struct str){ s->text, s->len };
}
static inline struct str subscriber_display(const struct subscriber *s)
{
	return (struct str){ s->text + s->len, s->display_len };
}

/* What the directory says of the user: her default card. */
struct card {
	struct str display_name, email, phone, title, department, photo_url;
	struct str photo_hash; /* another one for each picture */
};

/* What has changed since the last time that somebody was told. */
struct presence_dirty {
	uint32_t category[N_CONTAINERS]; /* masks, by index of the container */
	uint32_t containers;             /* bits: their members have changed */
	bool subscribers;
};

/* One of her contacts, in privacy mode. */
struct friend
{
	struct friend *next;
	uint16_t len;
	char uri[];
};

struct presentity {
	uint64_t account;
	bool replica;
	struct str aor; /* owned */
	struct pub_table pubs;
	struct containers containers;
	/* Privacy mode (F-025): who is in no container by name sees her only as a contact of hers.
	 */
	bool private;
	struct friend *friends;
	struct subscriber *subscribers;
	uint32_t n_subscribers;
	bool signed_in;     /* any endpoint */
	bool phone_online;  /* a standard phone that does not publish */
	usec_t last_active; /* wall clock of the last sign-off; 0: never seen */
	struct presence_dirty dirty;
	struct gone_names gone; /* of categories that the server does not know */
};

void presentity_init(struct presentity *p, uint64_t account, struct str aor);
void presentity_done(struct presentity *p);
bool presentity_is_dirty(const struct presentity *p);

/* Makes the publications that follow from the directory anew. */
void presentity_set_card(struct presentity *p, const struct card *card, usec_t wall);

struct conflict {
	uint32_t index;            /* of the item, from 1 */
	uint32_t version, current; /* sent, and what is true */
};
struct publish_ask {
	const struct publish *rq;
	uint64_t endpoint;
	usec_t wall;
};
struct publish_result {
	struct conflict *conflicts; /* the caller's, room for CONFLICTS_MAX */
	size_t n_conflicts;
	bool durable; /* something that a restart must keep has changed */
};
/* All or nothing.  0; -EEXIST: versions, in conflicts; -EPERM: a publication that is the server's
 * to make, or a container that there is not; -ENOSPC: too many; -E2BIG: too large; -EBADMSG. */
int presentity_publish(struct presentity *p, const struct publish_ask *ask,
                       struct publish_result *ret) MUST_CHECK;
/* Publications from another source than a Lync client, replacing what has their keys.  Takes the
 * bodies; NULL removes.  Above PUBLICATIONS_DOC_MAX nothing is added. */
struct server_publication {
	struct pub_key key;
	enum pub_expire expire;
	uint64_t endpoint;
	usec_t ends; /* wall clock; 0: none */
	struct pub_body *body;
};
void presentity_put(struct presentity *p, const struct server_publication *what, size_t n,
                    usec_t wall);

/* 0; -EEXIST: a version is wrong; -ENOSPC. */
int presentity_set_members(struct presentity *p, const struct set_members *s) MUST_CHECK;
/* Acknowledges, or adds (display: of the one who asks).  True if something changed; what is no
 * address, or longer than CONTAINER_VALUE_MAX, changes nothing. */
bool presentity_set_subscriber(struct presentity *p, const struct subscriber_change *c,
                               struct str display);

/* Endpoints came or went. */
void presentity_signed_in(struct presentity *p, bool signed_in, bool phone_online, usec_t wall);
void presentity_endpoint_gone(struct presentity *p, uint64_t endpoint, usec_t wall);
/* Removes what is over.  Returns when the next one ends; USEC_INFINITY. */
usec_t presentity_expire(struct presentity *p, usec_t wall, bool *ret_durable);

/* Privacy mode on or off, and then her contacts anew: begin, each, and end, which tells watchers.
 */
void presentity_private(struct presentity *p, bool on);
void presentity_add_friend(struct presentity *p, struct str uri);
void presentity_friends_done(struct presentity *p);

/* Her state is do-not-disturb. */
bool presentity_is_dnd(const struct presentity *p);
/* The container that a watcher sees. */
uint32_t presentity_view(const struct presentity *p, const struct container_watcher *w);
/* The container in which a watcher of `container` finds that category. */
uint32_t presentity_source(const struct presentity *p, uint32_t container, enum category c);
/* The same for one publication's category: those that the server does not know are told apart. */
uint32_t presentity_source_of(const struct presentity *p, uint32_t container,
                              const struct pub_key *k);
/* A publication goes; who watches is to hear of it. */
void presentity_touch_gone(struct presentity *p, const struct pub_key *k);
/* What a watcher of that container may see of a changed category: mask. */
uint32_t presentity_dirty_for(const struct presentity *p, uint32_t container);
