/* The people whose presence is known here, and who watches them.
 *
 * A home keeps the users who live in it (with their lists of contacts), and replicas of the users
 * of other homes whom somebody here watches.  Which it is, or that there is no such user, is found
 * out when an address is first asked for; watches of it wait meanwhile.
 *
 * Who is told what is decided once per distinct view, at the end of a turn. */
#pragma once

#include "svc/contacts/contacts.h"
#include "svc/presence/document.h"
#include "svc/presence/simple.h"
#include "svc/watch/sub.h"

enum {
	PERSON_AOR_MAX = 255,
	WATCHES_OF_SUB_MAX = 1000,  /* addresses in one subscription (F-022): 403 */
	WATCHES_OF_USER_MAX = 8000, /* in all of a user's, who has several endpoints: 403 */
	PERSON_RENDERS = 6,         /* views of one change that are kept for who sees the same */
	FIND_AGAIN_S = 2,
	STAY_S = 5,
	SIGNED_OFF_AFTER_S = 15, /* a lost endpoint may come back before anybody hears of it */
};

enum person_where {
	PERSON_UNKNOWN, /* being looked up */
	PERSON_NOBODY,  /* no such user, or one who must not be seen */
	PERSON_HERE,
	PERSON_THERE, /* a replica */
};

struct render {
	uint32_t container, mask, was;
	bool pidf;
	struct buf text;
};
struct people;
struct person {
	struct map_node by_aor, by_account;
	struct people *all;
	void *owner;
	struct presentity p;
	struct contact_list contacts; /* of who lives here */
	enum person_where where;
	uint32_t slot;         /* whose user: THERE */
	struct list watches;   /* struct watch.of_person */
	struct list selves;    /* struct self_watch.of_person */
	struct list rosters;   /* struct roster_watch.of_person */
	struct list lists;     /* struct list_watch.of_person */
	struct list winfos;    /* struct list_watch.of_person: are told who watches her */
	struct list followers; /* struct follower.of_person: other homes */
	struct list changed;   /* in people->changed */
	struct list rendered;  /* in people->rendered */
	struct render renders[PERSON_RENDERS];
	struct timer expiry;
	struct defer reap;
	void *lookup;          /* of the owner's */
	struct list added;     /* of the owner's: who has put her on a list, until it is known where
	                        * she lives */
	struct list published; /* of the owner's: what her phones publish */
	uint32_t held;         /* subscriptions of hers that point here */
	bool asked;            /* a replica: its home wants to know who watches */
	usec_t stays_until;    /* wall clock; 0: as long as she is needed */
	bool clients;          /* Lync clients are signed in: what they say is nowhere else */
	uint32_t busy;         /* changes that are being written */
	char aor[];
};

/* One watcher's look at one person. */
struct watch {
	struct list of_person, of_set;
	struct person *person;
	struct watch_set *set;
	uint32_t container, dirty;
	uint32_t was; /* bits by index: the containers that she was told from; 0: of nothing yet */
	bool told;    /* the first state, or that there is none */
};

/* What one subscription watches. */
struct watch_set {
	struct sub *sub;
	struct list watches;          /* those to be told come first */
	struct container_watcher who; /* uri owned by the embedder */
	uint32_t categories, n;
	bool pidf;
};

/* An endpoint of the user's own that is told of her own data. */
struct self_watch {
	struct list of_person;
	struct sub *sub;
	struct presence_dirty dirty;
};
/* One that has her list of contacts; gets `elements` of the changes. */
struct roster_watch {
	struct list of_person;
	struct sub *sub;
};
/* One that watches the people on her list of contacts, or who watches her. */
struct list_watch {
	struct list of_person;
	struct sub *sub;
};
/* Another home that keeps a replica. */
struct follower {
	struct list of_person;
	uint32_t slot;
	struct buf watchers; /* addresses of those who watch there, a line each, if she asked */
};

struct people_ops {
	/* Finds out who that is, then calls person_found() or person_absent(), now or later. */
	void (*find)(void *arg, struct person *p);
	/* Nobody needs it any more: lookups and replication end. */
	void (*forget)(void *arg, struct person *p);
	/* Reads what is stored of a user who lives here into p->p and p->contacts. */
	void (*load)(void *arg, struct person *p);
	/* Something that a restart must keep has changed by itself (time). */
	void (*save)(void *arg, struct person *p);
	/* Somebody begins or ends watching a replica whose home asked who does (p->asked). */
	void (*watchers_changed)(void *arg, struct person *p);
	/* A replica at another home must be told of the change. */
	void (*tell_follower)(void *arg, struct person *p);
};
struct people *people_new(struct loop *l, struct subs *subs, const struct people_ops *ops,
                          void *arg);
void people_free(struct people **pp);

/* The record of that address, made if there is none (and being looked up); NULL: no address. */
struct person *people_get(struct people *all, struct str aor);
/* The one that is there, or NULL. */
struct person *people_find(struct people *all, struct str aor);
struct person *people_by_account(struct people *all, uint64_t account);
/* All: *slot 0 and *after NULL to start. */
struct person *people_walk(struct people *all, size_t *slot, struct map_node **after);
size_t people_count(const struct people *all);

/* What the directory says. */
void person_found(struct person *p, uint64_t account, const struct card *card,
                  enum person_where where, uint32_t slot);
void person_absent(struct person *p);
/* She could not be looked up; that is tried again in a moment. */
void person_find_again(struct person *p);
/* Kept for a moment although nobody needs her: what the store has of her is behind, or somebody
 * waits to see her once. */
void person_stay(struct person *p);
/* False while she is looked up, or the first document of her home is on its way. */
bool person_is_known(const struct person *p);
/* The directory's record of somebody has changed. */
void person_card(struct person *p, const struct card *card);
/* A document of the home of a replica.  -EBADMSG. */
int person_replace(struct person *p, struct str document) MUST_CHECK;
/* The presentity was changed: its watchers hear of it at the end of the turn. */
void person_changed(struct person *p);
/* Who watches her, or waits for an answer, has changed. */
void person_watchers_changed(struct person *p);
/* The person may be forgotten when nobody watches her, is signed in or is being told of. */
void person_maybe_reap(struct person *p);
/* A name in the directory ("account" of the change feed). */
usec_t people_wall(const struct people *all);

/* Watching. */
void watch_set_init(struct watch_set *set, struct sub *sub, struct str who, bool ours,
                    uint32_t categories);
void watch_set_done(struct watch_set *set);
/* Adds an address (again: it is told anew).  -ENOSPC; -EINVAL: no address. */
int watch_add(struct people *all, struct watch_set *set, struct str aor) MUST_CHECK;
void watch_remove(struct people *all, struct watch_set *set, struct str aor);
struct watch *watch_find(struct people *all, struct watch_set *set, struct str aor);
/* Everything that is known is to be told anew. */
void watch_all_again(struct watch_set *set);
/* Is there nothing to tell of this one yet? */
bool watch_is_unknown(const struct watch *w);
/* Those of which something is to be told, one after the other; the caller tells it. */
struct watch *watch_next_dirty(struct watch_set *set);
void watch_clean(struct watch *w);
/* What this view shows of these categories to who was told from those containers (doc_put_view), or
 * all of it as PIDF, composed once for all who see the same. */
struct str person_render(struct person *p, uint32_t container, uint32_t mask, uint32_t was,
                         bool pidf);
