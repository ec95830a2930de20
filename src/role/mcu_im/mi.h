/* The inside of the IM MCU: shared by the files of this folder. */
#pragma once

#include "base/log.h"
#include "role/role.h"
#include "svc/access/refusal.h"
#include "svc/conference/c3p_link.h"
#include "svc/conference/conf_uri.h"
#include "svc/conference/dialog.h"
#include "svc/immcu/immcu.h"

enum {
	MI_SLOTS_MAX = 64,
	MI_HELD_MAX = 10000, /* requests that wait for the focus; above: 503 */
	MI_HELD_S = 3,       /* so long, where it may be that it knows nothing of them either */
	MI_BEHIND_S = 10,    /* where it does; above: 503 */
	MI_TOUCH_S = 600,    /* the focus hears in such intervals that somebody writes */
};

struct mcu_im {
	struct role_env *env;
	struct sip_stack *stack;
	struct sip_flow *fes[MI_SLOTS_MAX]; /* links to the front ends, by slot; NULL: down */
	struct mi_hosts *hosts;             /* front ends of other hosts; NULL: those of this one */
	struct c3p_link *c3p;               /* with the focus in each of them */
	struct immcu *engine;
	struct list held;     /* struct ask */
	struct list to_tell;  /* rooms of which the focus is to be told */
	struct list sends;    /* messages that are on their way */
	struct list partings; /* what legs are told at their end, oldest first */
	struct timer parting;
	unsigned n_partings;
	uint64_t n_untold; /* ends of which a client could not be told */
	struct defer tell;
	struct timer touch;
	unsigned n_held;
	uint64_t n_refused;
	struct log_limit refusal_limit, untold_limit;
	struct defer stopped;
	void (*on_stopped)(void *arg);
	void *on_stopped_arg;
};

/* mcu_im.c */
/* The index of the link to that front end with this label. */
size_t mi_link(const struct mcu_im *mi, uint32_t slot, struct str label);
/* May that front end ask this: a method, or a command of C3P? */
bool mi_has_right(const struct mcu_im *mi, uint32_t slot, struct str request);
/* "frontend/1", or "frontend/1 on host a". */
void mi_put_peer(const struct mcu_im *mi, struct buf *b, uint32_t slot);

/* hosts.c: front ends of other hosts, whose processes have the slots in the order of the topology.
 */
int mi_hosts_start(struct mcu_im *mi, struct buf *why) MUST_CHECK;
int mi_hosts_reload(struct mcu_im *mi, struct buf *why) MUST_CHECK;
void mi_hosts_free(struct mcu_im *mi);
/* What the front end in that slot may ask of us; NULL: nothing, or there is none. */
const struct role_right *mi_hosts_right(const struct mcu_im *mi, uint32_t slot);
/* Are they processes of one host?  So one can be asked in place of the other. */
bool mi_is_same_host(const struct mcu_im *mi, uint32_t a, uint32_t b);
/* The first request of a connection, by which a front-end process says which one it is. */
void mi_hosts_hello(struct mcu_im *mi, struct sip_req *rq);
/* Has it done so? */
bool mi_hosts_knows(const struct sip_flow *f);
void mi_hosts_closed(struct mcu_im *mi, const struct sip_flow *f, const char *why);
/* The connection by which that process is notified has ended. */
void mi_hosts_lost(struct mcu_im *mi, uint32_t slot, const char *why);
/* ops of struct c3p_link. */
void mi_hosts_opened(void *arg, uint32_t slot);
int mi_hosts_find(void *arg, uint32_t *peer, uint32_t number);
void mi_hosts_said_hello(void *arg, uint32_t slot, struct str run);
void mi_hosts_put_name(const struct mcu_im *mi, struct buf *b, uint32_t slot);
/* The run of the process in that slot, as it said last; empty. */
struct str mi_hosts_run(const struct mcu_im *mi, uint32_t slot);
void mi_hosts_metrics(const struct mcu_im *mi, struct buf *b);
void mi_hosts_status(const struct mcu_im *mi, struct buf *b);

/* ask.c: requests of members. */
void mi_request(struct mcu_im *mi, struct sip_req *rq);
/* Something was learnt of that room: requests that waited for it are looked at again. */
void mi_retry_held(struct mcu_im *mi, struct str focus);
void mi_free_held(struct mcu_im *mi);

/* out.c: what the engine wants. */
/* A request to the client of a leg: what it is made of.  Texts are borrowed. */
struct mi_outgoing {
	const struct confinfo_leg *dialog;
	struct str focus, subject; /* of the room; no subject: empty */
	uint32_t home;             /* of the room */
	enum sip_method method;
	uint32_t cseq;
};
struct mi_outgoing mi_outgoing_of(const struct immcu_leg *leg, enum sip_method method,
                                  uint32_t cseq);
/* The start line and the fields of every request, in *ret; the caller adds its own and the body,
 * and sends it by the flow.  NULL: no front end of the room's host is there. */
struct sip_flow *mi_begin(struct mcu_im *mi, const struct mi_outgoing *o, struct buf **ret,
                          char branch[SIP_BRANCH_LEN + 1]) MUST_CHECK;
extern const struct immcu_ops mi_ops;
void mi_out_init(struct mcu_im *mi);
void mi_out_free(struct mcu_im *mi);
/* The leg ends: no answer is waited for any more. */
void mi_leg_gone(struct immcu_leg *leg);
/* All rooms of the focus in that process, whole. */
void mi_tell_all(struct mcu_im *mi, uint32_t slot);

/* parting.c: what a leg is told at its end: BYE, or a phone a message. */
void mi_partings_init(struct mcu_im *mi);
void mi_partings_free(struct mcu_im *mi);
/* The leg may be freed afterwards.  What cannot be said now is said when that is possible. */
void mi_part(struct mcu_im *mi, const struct immcu_leg *leg, enum refusal why);
/* A front end has come: what waited for one goes out, in the next turn. */
void mi_part_again(struct mcu_im *mi);

/* control.c: what the focus asks, and what it is told. */
extern const struct c3p_link_ops mi_c3p_ops;
/* Sends a document to the focus of the room. */
void mi_notify(struct mcu_im *mi, const struct immcu_room *r, const struct confinfo *ci);
/* That all rooms of a focus have been told: from now on it knows better who is in them.  It may be
 * another process by the time it hears that, so its run is said. */
void mi_notify_all_told(struct mcu_im *mi, uint32_t slot);

/* page.c: phones. */
/* The address by which a phone writes to the room of that focus. */
void mi_put_room(struct buf *b, struct str focus);
/* The end of a request: what is said, for a phone. */
void mi_put_page(struct buf *b, const struct immcu_leg *to, const struct immcu_message *m);
/* The same: that it is not in the room any more. */
void mi_put_page_end(struct buf *b);
/* What a phone says: type and body; an empty one: nothing that others are told. */
enum refusal mi_read_page(struct immcu_said *s, const struct sip_msg *m);

/* commands.c */
extern const struct ctl_command mi_commands[];
void mi_metrics(void *state, struct buf *b);
void mi_status(void *state, struct buf *b);
