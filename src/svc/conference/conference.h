/* Conferences: what is stored of them, who is in them, and who may do what (design section 5).  The
 * focus is this model with SIP around it; MCUs hold the media and report to it.
 *
 * Pure: time comes in (wall clock, seconds), work goes out through ops.  Ops are called from inside
 * the functions below and must not call back into the model.
 *
 * URIs of people are canonical addresses of record with scheme, "sip:alice@example.test"; case does
 * not count.  A conference is named by its organizer and its id, for clients choose the id. */
#pragma once

#include "base/map.h"
#include "svc/conference/conf_uri.h"
#include "svc/conference/roster.h"

enum {
	CONF_SUBJECT_MAX = 256,  /* bytes of a subject: requestTooLarge */
	CONF_INVITED_MAX = 1000, /* people invited to one conference */
	CONF_LOBBY_MAX = 250,    /* people who wait for one conference */
	CONF_ALL_MAX = 1000000,  /* conferences */
	CONF_EXPIRES_MAX_S = 10 * 365 * 86400,
	/* bounds of the settings */
	CONF_PEOPLE_MIN = 2,
	CONF_PEOPLE_DEFAULT = 250,
	CONF_PEOPLE_MAX = 1000,
	CONF_PER_ORGANIZER_DEFAULT = 1000,
	CONF_IDLE_MIN_S = 8 * 3600,
	CONF_IDLE_DEFAULT_S = 86400,
	CONF_IDLE_MAX_S = 365 * 86400,
	CONF_GRACE_DEFAULT_S = 90 * 60,
	CONF_GRACE_MAX_S = 86400,
};

/* A conference that does not expire (the one every user has of their own). */
#define CONF_NEVER UINT64_MAX

struct conf_settings {
	uint32_t people_max;           /* of one conference (F-050) */
	uint32_t per_organizer_max;    /* conferences (F-057) */
	uint32_t grace_s;              /* anonymous people alone (F-058) */
	uint32_t idle_s;               /* after so long without anything it ends (F-059) */
	enum confinfo_promote promote; /* where the organizer says nothing (F-055) */
	bool lobby;                    /* likewise (F-054) */
	bool anonymous; /* anonymous people may come where the conference lets them */
};
/* The defaults. */
extern const struct conf_settings conf_settings_default;

struct conf_invited {
	struct list node;
	enum confinfo_role role;
	char *uri, *name; /* the name may be empty */
};

/* All fields are for reading. */
struct conference {
	struct map_node node;
	struct conferences *set;
	/* stored */
	char *organizer, *organizer_name, *id, *subject;
	enum confinfo_admission admission;
	enum confinfo_promote promote;
	bool lobby;
	bool lasting;  /* who is invited is a member (members.c) */
	uint32_t mcus; /* bits 1 << enum confinfo_session */
	uint64_t created_s, expires_s /* 0: when idle */, last_active_s;
	struct list invited;
	uint32_t n_invited;
	uint32_t revision; /* of what is stored: each change counts */
	/* memory */
	bool locked;
	bool whole; /* of a lasting one: conference_gathered(), and nobody was lost since */
	struct list people;
	uint32_t n_inside, n_waiting;
	uint64_t known_s; /* when the last who is not anonymous was there, or it filled */
	uint32_t version; /* of the last document */
	bool changed;     /* the op was called */
	bool state_changed, description_changed;
	void *owner; /* free for the owner of the set */
};

struct conferences; /* opaque */

/* Why somebody is out. */
enum conf_end {
	CONF_LEFT,    /* by themselves */
	CONF_EJECTED, /* by a presenter */
	CONF_DENIED,  /* out of the lobby */
	CONF_ENDED,   /* by the organizer or a presenter */
	CONF_IDLE,
	CONF_ALONE, /* anonymous people, and nobody else came */
};

enum conf_save {
	CONF_SAVE,       /* before the answer goes out */
	CONF_SAVE_LATER, /* only last_active_s changed */
	CONF_FORGET,
};

struct conf_ops {
	/* There is something for those who watch: conference_put_changes() soon.  Once until
	 * conference_changes_done(). */
	void (*changed)(void *arg, struct conference *c);
	/* The MCUs are to be told: somebody came in, has another endpoint or role (addUser), or, p
	 * NULL, the lock changed (modifyConferenceLock). */
	void (*tell_mcus)(void *arg, struct conference *c, const struct conf_person *p);
	/* Somebody is out: BYE in the focus dialogs that are left of them, deleteUser to the MCUs.
	 * Their endpoints are gone afterwards. */
	void (*removed)(void *arg, struct conference *c, const struct conf_person *p,
	                enum conf_end why);
	/* An MCU lost a client that has a focus dialog still: its endpoint there is pending now.
	 * BYE in that dialog and a fresh invitation, which it follows by conference_join(); else
	 * conference_leave() is due, later. */
	void (*lost)(void *arg, struct conference *c, const struct conf_person *p,
	             const struct conf_endpoint *focus);
	/* Nobody is left: the MCUs can forget it (deleteConference). */
	void (*emptied)(void *arg, struct conference *c);
	/* The stored part is to be written, or deleted: c is gone afterwards. */
	void (*save)(void *arg, struct conference *c, enum conf_save how);
};

/* Borrows settings, ops and arg. */
struct conferences *conferences_new(const struct conf_settings *s, const struct conf_ops *ops,
                                    void *arg);
/* Without calling ops. */
void conferences_free(struct conferences **sp);
size_t conferences_count(const struct conferences *s);
struct conference *conferences_find(const struct conferences *s, struct str organizer,
                                    struct str id);
/* All, as map_walk(). */
struct conference *conferences_walk(const struct conferences *s, size_t *slot,
                                    struct map_node **after);
/* Those of an organizer, NULL after the last; prev NULL: the first. */
struct conference *conferences_next_of(const struct conferences *s, struct str organizer,
                                       const struct conference *prev);
uint32_t conferences_of(const struct conferences *s, struct str organizer);

/* --- the factory: for the organizer alone, who is `who`, and of a lasting conference as long as
 * they lead it */

struct conf_who {
	struct str uri, name;
	enum conf_kind kind;
};

/* addConference; *ret is the new one.  C3P_NO_REASON, or why not: NOT_SUPPORTED of a lasting one
 * with a list of users, for members come by conference_add_member() alone. */
enum c3p_reason conferences_add(struct conferences *s, uint64_t now_s, const struct conf_who *who,
                                const struct confinfo *wanted, struct conference **ret);
/* modifyConference: what is not said in `wanted` stays; a user list replaces the invited. */
enum c3p_reason conference_modify(struct conference *c, uint64_t now_s, const struct conf_who *who,
                                  const struct confinfo *wanted);
/* deleteConference: sends everybody away and forgets it; *cp becomes NULL. */
enum c3p_reason conference_delete(struct conference **cp, const struct conf_who *who);
/* May that user do these two, and read what is stored? */
bool conference_may_organize(const struct conference *c, struct str uri);
/* As conference_delete(), by nobody's wish: its organizer is gone, or it could not be stored. */
void conference_forget(struct conference **cp);
/* Sends everybody away, as a presenter does; it stays stored. */
void conference_end(struct conference *c);
/* Ends and forgets what is over; returns when to call again, in one to ten minutes. */
uint64_t conferences_expire(struct conferences *s, uint64_t now_s);

/* --- people */

/* addUser of the focus. */
struct conf_join {
	struct conf_who who;
	struct str entity, epid; /* the endpoint's; epid may be empty */
	bool can_wait;
	const struct confinfo_leg *leg; /* copied; may be NULL */
	/* Of a phone: the MCU sends it pager messages so; copied.  NULL: it opens a dialog with the
	 * MCU itself. */
	const struct confinfo_leg *pager;
};
/* ENTERS or WAITS with the person; REFUSED with the reason. */
enum conf_entry conference_join(struct conference *c, uint64_t now_s, const struct conf_join *j,
                                const struct conf_person **ret, enum c3p_reason *ret_reason);
/* The person's focus dialog of that Call-ID ended.  With the last one the person is gone.  -ENOENT.
 * A Call-ID alone says nothing: the client of another chooses its own, and may choose the same. */
int conference_leave(struct conference *c, uint64_t now_s, struct str uri, struct str call_id);
/* They are told nothing more by pager messages; who is there by them alone is gone.  -ENOENT. */
int conference_leave_phone(struct conference *c, uint64_t now_s, struct str uri);
/* The person, or NULL. */
const struct conf_person *conference_person(const struct conference *c, struct str uri);
/* May they talk to its MCUs?  Those who wait may not. */
bool conference_is_inside(const struct conference *c, struct str uri);
/* --- lasting conferences: what is said reaches every member, also one who is away.  Their order is
 * that of c->invited, the longest member first.  One of them leads, the organizer at first; when
 * they leave, the first does. */

/* addUser of somebody else, by a member.  NOT_SUPPORTED of a conference that does not last. */
enum c3p_reason conference_add_member(struct conference *c, uint64_t now_s, struct str from,
                                      const struct conf_who *who);
bool conference_is_led_by(const struct conference *c, struct str uri);
bool conference_is_member(const struct conference *c, struct str uri);
/* Is that member to be joined, by conference_join() with a pager, before something is said? */
bool conference_misses(const struct conference *c, const struct conf_invited *i);
/* All have been. */
void conference_gathered(struct conference *c);

/* Something was done there: it is not idle.  What MCUs report counts by itself. */
void conference_touch(struct conference *c, uint64_t now_s);

/* --- commands in the focus dialog, of `from`: MODIFY_LOCK, MODIFY_USER_ROLES (of a lasting one:
 * another member leads), MODIFY_CONFERENCE (its subject), DELETE_USER, SET_LOBBY_ACCESS,
 * DELETE_CONFERENCE (ends it, it stays stored), GET_CONFERENCE (allowed or not). Others:
 * NOT_SUPPORTED. */
enum c3p_reason conference_command(struct conference *c, uint64_t now_s, struct str from,
                                   const struct c3p_msg *m);

/* --- MCUs */

/* What an MCU of session s says of its endpoints, by notify or after getConference (one that
 * started anew is given conference_mcu_info() first, or its people count as gone): a full document
 * replaces what was known of them, a partial one adds to it.  People of a full one who are not
 * known are taken in, as after a restart of the focus; so are endpoints of other sessions that the
 * MCU was given to keep.  C3P_MAX_SIZE above limits. */
enum c3p_reason conference_mcu_roster(struct conference *c, uint64_t now_s, enum confinfo_session s,
                                      const struct confinfo *ci);
/* What an MCU needs to begin, or to go on: lock, people with roles, and all their endpoints with
 * legs.  Texts borrow from c, the rest lies in the arena. */
void conference_mcu_info(struct confinfo *ret, struct arena *a, const struct conference *c,
                         enum confinfo_session s);

/* --- documents */

/* Who waits sees nobody else; attendees do not see who waits.  A watcher whose view changed gets a
 * full document. */
enum conf_view { CONF_VIEW_PRESENTER, CONF_VIEW_ATTENDEE, CONF_VIEW_LOBBY };
enum conf_view conference_view(const struct conference *c, struct str uri);

/* Appends the whole state with the number of the last document. */
void conference_put_full(struct buf *b, const struct conference *c, enum conf_view v);
/* Appends what changed, with the next number; the same for every view until it is done. */
void conference_put_changes(struct buf *b, const struct conference *c, enum conf_view v);
void conference_changes_done(struct conference *c);
/* What the organizer asks for by getConference: description and the invited. */
void conference_describe(struct confinfo *ret, struct arena *a, const struct conference *c);
