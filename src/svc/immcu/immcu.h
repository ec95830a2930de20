/* The engine of the IM MCU ([MS-CONFIM]): rooms in which what one says reaches all others, in the
 * same order for everybody.
 *
 * Pure: SIP goes out through ops, which must not call back.  The focus says who is in a room
 * (addConference, addUser, deleteUser); members bring their dialogs, the legs.  A leg gets one
 * message at a time, the next when that is answered: so order is kept on any transport.  The engine
 * holds what the focus told it of other endpoints too, and gives it back to a focus that starts
 * anew; and it takes over the legs that a focus tells it of when it starts anew itself. */
#pragma once

#include "base/map.h"
#include "svc/conference/roster.h"

enum {
	IMMCU_ROOMS_MAX = 100000,
	IMMCU_PEOPLE_MAX = 1000,     /* of a room */
	IMMCU_QUEUE_MAX = 64,        /* messages that wait for one dialog; then it is given up */
	IMMCU_PAGES_MAX = 1000,      /* the same of who gets pager messages, which may be kept */
	IMMCU_WAITING_MAX = 4 << 20, /* bytes of all that waits for one leg */
	IMMCU_BODY_MAX = 64 * 1024,  /* bytes of a message: 413 */
	IMMCU_TYPE_MAX = 1024,       /* bytes of its Content-Type: 413 */
	IMMCU_HELD_MAX = 256 << 20,  /* bytes of all that waits: 503 */
	IMMCU_TYPING_MAX = 50,       /* people of a room in which it is told who types */
	IMMCU_CSEQ_JUMP = 100000,    /* by which the CSeq of a leg that is taken over goes on */
};

struct immcu;     /* opaque */
struct immcu_leg; /* opaque */

/* Fields are for reading. */
struct immcu_room {
	struct map_node node;
	struct immcu *mcu;
	char *focus;   /* URI: the room's name */
	char *subject; /* NULL: none */
	struct list people;
	unsigned n_people, n_legs;
	uint64_t n_said; /* messages: it is not idle */
	uint32_t home;   /* free for the owner: where its focus is */
	uint64_t as_of;  /* likewise: the number of what the focus told last */
	uint64_t n_told; /* likewise: messages of which the focus knows */
	bool locked;
	bool changed; /* the op was called */
};

/* What is said. */
struct immcu_message {
	uint64_t number;   /* in the room's order (immcu_number()); of typing: the last one's */
	struct str sender; /* value of Ms-Sender, "<sip:alice@example.test>" */
	struct str type, body;
};

enum immcu_end {
	IMMCU_REMOVED,   /* the focus wants it: BYE */
	IMMCU_REPLACED,  /* the client opened another: BYE */
	IMMCU_SILENT,    /* did not answer: BYE */
	IMMCU_SLOW,      /* too much waits for it: BYE */
	IMMCU_FORGOTTEN, /* the client does not know the dialog any more: nothing to send */
};

struct immcu_ops {
	/* MESSAGE with Ms-Sender in the leg's dialog, or a pager message, CSeq as it stands there;
	 * immcu_answered() is due once. */
	void (*send)(void *arg, struct immcu_leg *leg, const struct immcu_message *m);
	/* The leg is over and gone afterwards: no answer is due any more. */
	void (*end)(void *arg, struct immcu_leg *leg, enum immcu_end why);
	/* The focus is to be told: immcu_changes() soon.  Once until immcu_changes_done(). */
	void (*changed)(void *arg, struct immcu_room *r);
};

/* Borrows ops and arg.  Messages are numbered from `before` + 1 in each room: a number that no room
 * has reached yet, of any life of this MCU. */
struct immcu *immcu_new(const struct immcu_ops *ops, void *arg, uint64_t before);
/* Without calling ops. */
void immcu_free(struct immcu **mp);

/* --- of the focus */

/* addConference: makes the room, with the legs in it if the focus knows some, or sets lock and
 * people of the one that is there.  SERVER_BUSY, MAX_SIZE. */
enum c3p_reason immcu_open(struct immcu *m, const struct confinfo *ci, struct immcu_room **ret);
struct immcu_room *immcu_find(const struct immcu *m, struct str focus);
struct immcu_room *immcu_walk(const struct immcu *m, size_t *slot, struct map_node **after);
/* deleteConference: ends all legs. */
void immcu_close(struct immcu_room **rp);
/* addUser: a member, with what else they have in the conference; phones are legs from then on.
 * MAX_SIZE, REQUEST_TOO_LARGE. */
enum c3p_reason immcu_add_user(struct immcu_room *r, const struct confinfo_user *u);
/* deleteUser: ends their legs.  USER_DOESNT_EXIST. */
enum c3p_reason immcu_delete_user(struct immcu_room *r, struct str uri);
void immcu_lock(struct immcu_room *r, bool locked);
/* getConference: all of it, with legs.  Texts borrow, the rest lies in the arena. */
void immcu_roster(struct confinfo *ret, struct arena *a, const struct immcu_room *r);
/* For notify: the members whose legs changed. */
void immcu_changes(struct confinfo *ret, struct arena *a, const struct immcu_room *r);
void immcu_changes_done(struct immcu_room *r);

/* --- of members */

/* A dialog was opened; leg is copied.  0 and *ret, or the SIP code: 403 no member, 486 too many,
 * 513 too large.  One of the same epid is replaced. */
int immcu_join(struct immcu_room *r, struct str uri, struct str epid,
               const struct confinfo_leg *leg, struct immcu_leg **ret);
/* The client's BYE, or the session timer's; *lp becomes NULL.  No op is called but changed(). */
void immcu_leave(struct immcu_leg **lp);
/* The one to which they get pager messages, or NULL. */
struct immcu_leg *immcu_pager_of(const struct immcu_room *r, struct str uri);
/* The member's leg of that Call-ID, or NULL. */
struct immcu_leg *immcu_leg_of(const struct immcu_room *r, struct str uri, struct str call_id);
/* Its dialog, and who is behind it. */
struct confinfo_leg *immcu_leg_dialog(const struct immcu_leg *leg);
/* A member's name for people. */
struct str immcu_name(const struct immcu_room *r, struct str uri);
const struct conf_person *immcu_leg_person(const struct immcu_leg *leg);
struct immcu_room *immcu_leg_room(const struct immcu_leg *leg);
/* Free for the owner; NULL at first. */
void **immcu_leg_user(struct immcu_leg *leg);

/* Something a member says.  Typing goes to those who wait for nothing, and is never kept; what a
 * client types in its dialog goes to dialogs alone. */
struct immcu_said {
	struct str sender;            /* URI */
	const struct immcu_leg *from; /* does not get it back; NULL: it came by none */
	struct str type, body;
	bool typing;
	bool pagers_only; /* nobody else can do anything with it */
};
/* 0: it is on its way to every leg; or the SIP code: 403 no member, 413 too large, 415 without a
 * type, 503 too much waits. */
int immcu_say(struct immcu_room *r, const struct immcu_said *s);
/* Has somebody a dialog, and so does not get what is for pagers only? */
bool immcu_has_dialogs(const struct immcu_room *r);
/* The same of one. */
bool immcu_has_dialog(const struct conf_person *p);
/* The final answer, 408 if there was none.  A leg whose dialog is over by it (RFC 5057 section 5.1)
 * is ended, and gone. */
void immcu_answered(struct immcu_leg *leg, int code);

/* Of the last message in the room. */
uint64_t immcu_number(const struct immcu_room *r);

struct immcu_stats {
	uint64_t said, sent, failed; /* messages; of them copies; copies that were not taken */
	size_t held;                 /* bytes that wait */
	unsigned rooms, legs;
};
const struct immcu_stats *immcu_stats(const struct immcu *m);
