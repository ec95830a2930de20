/* The inside of the focus: shared by the focus_*.c files.
 *
 * A conference lives in the home of its organizer: the model (svc/conference) with a row in the
 * store, and in memory who is in it.  Its focus dialogs (legs), subscriptions (watchers) and what
 * its MCU knows hang on a struct room. */
#pragma once

#include "role/frontend/fe.h"
#include "svc/conference/c3p_link.h"
#include "svc/conference/dialog.h"
#include "svc/conference/stored.h"
#include "wire/c3p/c3p.h"

enum {
	FOCUS_C3P_MAX = 4 * 1024 * 1024, /* bytes of a document for a client */
	FOCUS_SUB_S = 365 * 86400, /* Lync clients never refresh: it ends with the focus dialog */
	FOCUS_VIEWS = 3,           /* of enum conf_view */
};

struct room {
	struct focus *focus;
	struct conference *c;
	uint64_t account;    /* of the organizer */
	uint64_t key;        /* of its row */
	struct list changed; /* in focus->changed */
	struct list legs, watchers;
	bool is_new;                  /* its row has not been asked for */
	struct saving *adding;        /* the write that makes its row, until that is on disk */
	bool is_open;                 /* the MCU knows it */
	uint64_t told;                /* the number of what it was told last; 0: nothing yet */
	uint32_t seen;                /* the last version that is rendered */
	struct buf docs[FOCUS_VIEWS]; /* what that version changed */
};

/* A focus dialog; the dialog itself is the model's endpoint of the same Call-ID. */
struct focus_leg {
	struct list of_room;
	struct map_node by_flow;
	struct room *room;
	struct token end; /* where its client is */
	char *uri, *epid, *call_id;
	struct focus_return *coming; /* its client has been invited anew; or NULL */
};

struct saving;
struct focus {
	struct frontend *fe;
	struct conf_settings settings;
	struct conferences *set;
	struct c3p_link *c3p; /* with the MCUs */
	/* By slot: the MCU has told all its rooms since this process began, which knows better than
	 * it who is in them from then on. */
	bool heard[FE_SLOTS_MAX];
	struct map legs; /* by flow */
	struct list changed;
	struct list organizers; /* whose accounts are being looked up */
	struct defer flush;
	struct timer expiry;
	struct saving *saving; /* the write that the model has just asked for */
	uint64_t adding;       /* account of who is making a conference */
	struct list not_taken; /* writes that the store has refused at once */
	struct defer tell_not_taken;
};

static inline struct room *room_of(const struct conference *c)
{
	return c->owner;
}
static inline uint64_t focus_now_s(const struct focus *fo)
{
	return loop_wall(fo->fe->loop) / USEC_PER_SEC;
}
/* URI of the focus, or of another part. */
void room_put_uri(struct buf *b, const struct room *r, enum confinfo_session s);

/* focus.c */
/* Beside a conference that is new, or has been loaded. */
struct room *room_new(struct focus *fo, struct conference *c, uint64_t account, uint64_t key);
/* The refusal that says the same to people. */
enum refusal focus_refusal(enum c3p_reason why);
/* Answers with a C3P response; where it is a failure, with the code of the refusal. */
void focus_answer(struct task *t, int code, struct str lines, const struct c3p_msg *resp);
/* "sip:alice@example.test" of who sends. */
void focus_put_who(struct buf *b, const struct task *t);

/* focus_store.c */
void focus_store_init(struct focus *fo);
void focus_store_done(struct focus *fo);
void focus_load(struct focus *fo);
/* A new conference whose row cannot be written is taken back. */
void focus_save(struct room *r, enum conf_save how);
/* The room is gone before the write that makes its row is done. */
void focus_forget_adding(struct room *r);
/* When what was just saved is on disk the task is answered with this text, or refused. */
void focus_answer_saved(struct focus *fo, struct task *t, struct buf *answer);

/* focus_factory.c: SERVICE of the organizer. */
void focus_factory(struct task *t);

/* Calls next with the sender's display name, now or when it has been looked up; next asks anew what
 * it needs. */
void focus_named(struct task *t, void (*next)(struct task *t, struct str name));
/* The same of another user, "alice@example.test"; the name is empty of who does not exist. */
void focus_look_up(struct task *t, struct str uri, void (*next)(struct task *t, struct str name));

/* focus_leg.c: INVITE, INFO, BYE in the focus dialog. */
void focus_invite(struct task *t, struct conference *c);
void focus_info(struct task *t, struct conference *c);
void focus_bye(struct task *t, struct conference *c);
void focus_options(struct task *t, struct conference *c);
void focus_update(struct task *t, struct conference *c);
/* A C3P command to a focus. */
struct focus_command {
	const struct c3p_msg *m;
	struct arena *arena;
	uint32_t revision; /* of the conference before it */
};
void focus_command(struct task *t, struct conference *c, const struct focus_command *cmd);
void focus_answer_command(struct task *t, struct conference *c, const struct focus_command *cmd,
                          enum c3p_reason why);
/* Somebody is out: BYE in the dialogs they have left. */
void focus_end_legs(struct room *r, const struct conf_person *p, enum conf_end why);
/* Legs that an MCU gave back after a restart. */
void focus_adopt_legs(struct room *r);
void focus_leg_free(struct focus_leg *leg);
/* As if its client had ended the dialog: it is told nothing. */
void focus_leg_leave(struct focus_leg *leg);
struct focus_leg *focus_find_leg(const struct room *r, struct str uri, struct str call_id);
/* BYE in its dialog, as the model keeps it, with the reason. */
void focus_send_bye(struct room *r, const struct focus_leg *leg, const struct confinfo_leg *dialog,
                    enum refusal why);
/* The Route value that leads to the home of the leg's user. */
void focus_put_home(struct buf *b, const struct focus_leg *leg);
/* A new one; another of the same epid is forgotten. */
void focus_leg_add(struct room *r, const struct token *end, struct str uri, struct str epid,
                   struct str call_id);
/* That of the request's dialog, if it is the sender's; NULL. */
struct focus_leg *focus_leg_of(const struct task *t, const struct conference *c);
/* The dialog that the request makes with our end; texts lie in the arena. */
enum c3p_reason focus_dialog_of(struct confinfo_leg *ret, struct arena *a, const struct task *t,
                                const struct token *end);
/* Lines of an answer: Contact and Allow. */
void focus_put_contact(struct buf *b, const struct room *r);

/* focus_invite.c */
/* Contact in a dialog of an invitation, which is answered or sent for the conference. */
void focus_put_invitation(struct buf *b, const struct frontend *fe, struct str conference,
                          struct str call_id);
/* Is it a BYE for such an invitation? */
bool focus_ends_invitation(const struct task *t);

/* focus_return.c */
/* The MCU lost the client of that focus dialog: BYE there, and a fresh invitation. */
void focus_invite_anew(struct room *r, const struct conf_person *p,
                       const struct confinfo_leg *dialog);
void focus_return_free(struct focus_return **rp);

/* focus_phone.c: clients without a part in [MS-CONFBAS]. */
void focus_message(struct task *t, struct conference *c);
void focus_invite_of_phone(struct task *t, struct conference *c, struct conf_who who);
/* Who they are, epid and leg are the caller's; the rest, in the arena, is added. */
enum c3p_reason focus_join_phone(struct conference *c, struct arena *a, struct conf_join *j);

/* focus_members.c: lasting conferences. */
/* Joins the members who are not there, but one: whose message must not be faster at the MCU. */
void focus_gather(struct conference *c, struct str but);
/* SERVICE to the focus: a command of somebody without a dialog with it. */
void focus_service(struct task *t, struct conference *c);

/* focus_watch.c: the conference event package. */
void focus_subscribe(struct task *t, struct conference *c);
/* Something changed: renders it, and touches who watches. */
void focus_tell_watchers(struct room *r);
/* Those of a client end: epid p NULL: of all the person's clients; uri p NULL: all. */
void focus_end_watchers(struct room *r, struct str uri, struct str epid, const char *reason);

/* focus_mcu.c */
extern const struct c3p_link_ops focus_c3p_ops;
void focus_tell_mcu(struct room *r, const struct conf_person *p);
void focus_mcu_deleted(struct room *r, const struct conf_person *p);
void focus_mcu_close(struct room *r);
/* The MCU in that slot hears of all conferences that are its. */
void focus_tell_all(struct focus *fo, uint32_t slot);
