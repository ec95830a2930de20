/* The inside of the Front End: shared by the files of this folder. */
#pragma once

#include "auth/accounts.h"
#include "base/log.h"
#include "loop/dns.h"
#include "role/by_door.h"
#include "role/role.h"
#include "stack/sip/proxy.h"
#include "store/log.h"
#include "svc/access/access.h"
#include "svc/access/overload.h"
#include "svc/access/refusal.h"
#include "svc/access/token.h"
#include "svc/bridge/route.h"
#include "svc/call/call.h"
#include "svc/conference/conference.h"
#include "svc/conversation/change.h"
#include "svc/conversation/filter.h"
#include "svc/conversation/im.h"
#include "svc/directory/soap.h"
#include "svc/registrar/registrar.h"
#include "svc/routing/target.h"
#include "svc/watch/people.h"

enum {
	FE_SLOTS_MAX = 64,
	FE_LISTENS_MAX = 32,
	/* A request for whom is being looked up, or for a process that is being started again,
	 * waits: a look-up is answered in a millisecond, a process is back in 2 s. */
	FE_RETRY_FIRST_MS = 20,
	FE_RETRY_MS = 500,
	FE_RETRIES_MAX = 11, /* then 503 */
	FE_TRACERS_MAX = 8,
	/* What is said in a conference is known again while no FE_ROOM_WAYS newer ones have the
	 * same place: nearly always, if 8000 came since (250 a second while an MCU waits for a
	 * client). */
	FE_ROOM_PLACES = 4096,
	FE_ROOM_WAYS = 8,
	FE_USER_LIMITS = 1024,          /* of log lines; who shares one is left to chance */
	FE_FLOWS_TRIED_MAX = 16,        /* of one request, over all endpoints that have several */
	FE_BRIDGE_SOCK = FE_SLOTS_MAX,  /* number of the link to the first media bridge */
	FE_MCU_SOCK = 2 * FE_SLOTS_MAX, /* and to the first IM MCU */
	FE_WS_OVER = 2, /* WebSocket: a message so many times message-max is answered (513); more
	                 * ends the connection (1009) */
	FE_WS_OPENING_MAX = 1000,        /* connections by HTTP that are no WebSocket yet */
	FE_EDGE_SOCK = 3 * FE_SLOTS_MAX, /* and to the first A/V edge */
};

/* The host part of URIs between the processes of this box (RFC 2606: never a real name). */
#define FE_LINK_DOMAIN BRIDGE_LINK_DOMAIN

#define FE_METHODS                                                                         \
	"INVITE, ACK, CANCEL, BYE, OPTIONS, MESSAGE, REFER, INFO, UPDATE, PRACK, NOTIFY, " \
	"SUBSCRIBE, PUBLISH, REGISTER"
/* Packages of phones. */
#define FE_EVENTS "presence, presence.winfo, dialog, message-summary"

struct fe_config {
	uint32_t message_max; /* bytes from clients (F-006) */
	uint32_t connections_max;
	uint32_t overload_ms; /* longest turn of the loop that is no overload */
	uint32_t tcp_keepalive_s;
	struct str ws_origins; /* of pages elsewhere that may connect, separated by commas */
	uint32_t contacts_max; /* of a user (F-026) */
	bool privacy;          /* mode (F-025) */
	bool history;          /* what is said is remembered */
	uint32_t history_s;
	bool keep; /* messages for who is not signed in */
	uint32_t keep_s;
	struct filter filter;
};

/* What was said (history.c). */
struct fe_history {
	uint64_t last;  /* sequence */
	uint64_t swept; /* account, of the round that is under way */
	uint64_t n_lost;
	struct store_log_def def;
	struct store_log *log;
	struct timer sweep;
	struct list erasures; /* history_changes.c */
	struct log_limit limit;
	/* What users were told in conferences: hashes by place, the newest first. */
	uint64_t in_rooms[FE_ROOM_PLACES][FE_ROOM_WAYS];
};

/* Messages for users who are not signed in (kept.c). */
struct fe_kept {
	uint32_t n, n_expiring;
	uint64_t n_expired;
	struct map of_user, of_sender; /* how many */
	struct map delivering;         /* struct delivery */
	struct list receipts;          /* that are under way */
	uint32_t n_receipts;
	bool sweeps_soon; /* for one that could not be told */
	struct timer sweep;
};

struct fe_conf_config {
	struct conf_settings conf; /* promote: as presenters says */
	int presenters;            /* 0: the organizer, 1: the company, 2: everyone */
};

/* A row that is written behind, by its key: of a binding (endpoint, reg_id), a publication
 * (number), or a subscription (id). */
enum row_kind { ROW_BINDING, ROW_PUBLISHED, ROW_SUB };
struct row_key {
	enum row_kind kind;
	uint64_t account, id;
	uint32_t more;
};

/* Writes behind and their failures (behind.c). */
struct fe_behind {
	struct list waiting; /* rows to be written, but the store has enough to do */
	struct list failed;  /* rows that are not as they should be */
	uint32_t n_waiting, n_failed, n_open;
	uint64_t errors; /* writes that failed since the start */
	int err;         /* of the last failure; 0: everything has been written */
	usec_t said;     /* the last log line about it */
	struct timer retry;
	bool closing;
};

/* What a user may ask for so often and no more (directory.c). */
enum fe_question { FE_SEARCHES, FE_PAGES, FE_N_QUESTIONS };
struct fe_asked {
	uint64_t account;
	usec_t due; /* when what was asked so far would have been asked at the lasting rate */
};

/* What other processes may send over the links, from their roles' tables (rights.c). */
struct fe_rights {
	bool method[SIP_N_METHODS];
	uint8_t refused[SIP_H_N_IDS]; /* ids of fields that they may not set; ends with 0 */
	enum role_identity who;
};

/* Another process of this box. */
struct fe_peer {
	struct sip_flow *link; /* NULL: down */
	uint32_t process;      /* role_link.process of the last link; 0: there was none */
	usec_t down;           /* since when; 0: it is up, or never was */
};

struct frontend {
	struct role_env *env;
	struct loop *loop;
	struct fe_config cfg;
	struct access_config access_cfg;
	struct registrar_config registrar_cfg;
	struct sip_stack *stack;
	struct sip_transport *tp;
	struct tls_server *tls;
	struct accounts *accounts;
	struct by_door *by_door;
	struct access *access;
	struct registrar *registrar;
	struct calls *calls;
	struct map ringing; /* INVITEs that are under way here (observe.c) */
	struct list absent; /* calls of browsers that have just gone (fork.c) */
	struct im *im;
	struct subs *subs;
	struct people *people;
	struct map leaving; /* endpoints that were lost a moment ago, by account (people.c) */
	bool store_closing;
	struct sip_flow *own[2]; /* a link of this process to itself: requests of its own enter at
	                          * the first end; NULL: down */
	struct timer own_timer;  /* while it is down: the next one */
	struct store *store;
	struct dns *dns; /* made when it is first needed */
	struct fe_behind behind;
	struct fe_history history;
	struct fe_kept kept;
	uint32_t n_conversation_subs;
	struct fe_rights rights, bridge_rights, mcu_rights, edge_rights, web_rights;
	struct token_key key;
	struct target_self self;
	struct addr listen_addrs[FE_LISTENS_MAX];
	struct fe_peer peers[FE_SLOTS_MAX];     /* the other processes, by slot */
	struct sip_flow *bridges[FE_SLOTS_MAX]; /* links to the media bridges, by slot */
	uint32_t n_bridges;
	struct sip_flow *mcus[FE_SLOTS_MAX]; /* links to the IM MCUs, by slot */
	struct sip_flow *webs[FE_SLOTS_MAX]; /* and to the web role */
	struct map web_logins;               /* whose tickets are known (web.c) */
	struct list news;                    /* whose users are looked up (news.c) */
	uint32_t n_news;
	uint32_t n_mcus;
	struct fe_sockets *sockets;
	struct fe_hosts *hosts; /* MCUs of other hosts; NULL: those of this one, or none */
	struct fe_edges *edges; /* NULL: there are none */
	struct fe_conf_config conf_cfg;
	struct focus *focus;
	struct buf lost; /* ids of lost flows, for the others */
	struct defer tell_lost;
	struct defer prune;  /* calls whose endpoints went */
	struct list tracers; /* of `dialtone trace` */
	bool linked;         /* the first accounts link has been taken */
	bool stopping;
	usec_t stop_deadline;
	struct log_limit wrong_limit, refusal_limit;
	struct log_limit user_limits[FE_USER_LIMITS]; /* see fe_may_log() */
	struct fe_asked asked[FE_N_QUESTIONS][FE_USER_LIMITS];
	unsigned n_stale; /* stored bindings that were of no use any more */
	struct overload overload;
	struct timer load_timer;
	uint64_t n_turned_away; /* REGISTERs of new clients */
	struct log_limit refused_limit;
	struct timer stop_timer;
	void (*stopped)(void *arg);
	void *stopped_arg;
};

/* A request on its way through the front end.  Starts on the stack of the call that delivered it;
 * task_keep() moves it to the heap when it has to wait. */
struct task {
	struct frontend *fe;
	struct sip_req *rq;  /* until it is kept or answered */
	struct sip_stx *stx; /* once it is kept */
	const struct sip_msg *msg;
	struct sip_flow *flow;
	bool kept;           /* on the heap */
	bool from_link;      /* another process has done the access half's part */
	bool one_dialect;    /* INVITE: only endpoints that speak the sender's dialect */
	bool quiet;          /* INVITE: the user is not to be disturbed by this caller */
	bool bridged;        /* INVITE: endpoints of the other dialect are behind the bridge */
	bool stranger;       /* nobody has been authenticated: leave no trace */
	const char *detail;  /* of a refusal, for the log; static, or NULL */
	char *new_body;      /* of a kept task: what goes on in place of the body; owned */
	struct str new_text; /* the same; p NULL: the body as it is */
	bool redelivered;    /* MESSAGE: it was kept, and comes again */
	bool receipt;        /* MESSAGE: of the home itself, that one that was kept was delivered */
	bool noted;          /* such a one: its user remembers it already */
	bool begins_call;    /* INVITE: what becomes of it becomes of the call in fe->calls */
	bool forget;         /* nothing is kept of the answer: it can be given anew */
	bool secure;         /* sips: in the Request-URI or a Route: every hop must be TLS */
	int max_forwards;    /* to write */
	unsigned pop_routes; /* of ours, in front */
	bool has_self, has_peer; /* tokens in Route: the sender's end, the other end */
	bool unsure;             /* who sends is not known to be whose end it says */
	struct token self_end, peer_end;
	struct access_identity who;
	char who_uri[ACCESS_URI_MAX];
	uint64_t callee;
	uint64_t callee_endpoint; /* 0: all */
	uint64_t tap_from,
	        tap_to; /* MESSAGE: its sender, its recipient, as far as they live here */
	struct target target;
	unsigned key_now; /* of target.keys */
	unsigned tries;
	struct timer retry;
	struct access_wait *wait;
	struct accounts_req *lookup;
	void (*next)(struct task *t);
	void (*named)(struct task *t, struct str name); /* the sender's display name is found */
	struct task **holder; /* who keeps it meanwhile is told by NULL that it is gone */
};

/* task.c */
/* Whether one more line about what this user's clients do may be written: a client that registers
 * all the time must not fill the disk.  Says how many lines were left out before. */
bool fe_may_log(struct frontend *fe, uint64_t account);
/* The task on the heap, with a transaction of its own; answers the same from then on. */
struct task *task_keep(struct task *t);
void task_reply(struct task *t, int code, struct str reason, struct str lines);
/* Answers with a body. */
void task_answer(struct task *t, struct str lines, struct str type, struct str body);
void task_answer_code(struct task *t, int code, struct str lines, struct str type, struct str body);
/* Answers with the row of that reason and these further header lines. */
void task_refuse(struct task *t, enum refusal why, struct str lines);
/* The log line of a refusal that is answered otherwise. */
void task_log_refusal(struct task *t, enum refusal why);
/* The transaction, handed over (the kept task is freed by task_done). */
struct sip_stx *task_stx(struct task *t);
void task_done(struct task *t);
/* Our To tag for it. */
void fe_make_tag(const struct task *t, char ret[SIP_TAG_LEN + 1]);
/* Runs `next` again in a moment: whom or what it is for is not there yet.  503 after
 * FE_RETRIES_MAX.
 */
void task_retry(struct task *t, void (*next)(struct task *t));
void task_set_who(struct task *t, const struct access_identity *id);
/* What goes on as its body. */
struct str task_body(const struct task *t);

/* frontend.c */
void fe_link_up(void *state, size_t i);

/* stun.c: keep-alives of RFC 5626 section 3.5.2. */
void fe_stun(void *arg, struct sip_flow *f, struct str datagram);

/* rights.c */
void fe_rights_init(struct frontend *fe);
/* What that role may ask of us; NULL: nothing. */
const struct role_right *fe_right_of(const struct frontend *fe, struct str role);
/* May this request come in over a link?  If not, one log line says what was wrong. */
bool fe_has_right(const struct task *t);

/* client.c, link.c: where requests come in. */
void fe_from_client(struct frontend *fe, struct sip_req *rq);
void fe_from_link(struct frontend *fe, struct sip_req *rq);
/* Who sends is known. */
void fe_identified(struct task *t);
/* Route values of ours off the front; their tokens.  0 or a status code. */
int fe_read_routes(struct task *t);
/* What sip_proxy_check() and fe_read_routes() found. */
enum refusal fe_path_refusal(int code);
bool fe_has_to_tag(const struct sip_msg *m);
bool fe_is_sips(struct str uri);

/* register.c */
void fe_register(struct task *t); /* access half: authenticated */
void fe_register_home(struct task *t, struct token_hint hint);
/* True if the task is a REGISTER over UDP that has been served, and come again because its answer
 * was lost: then it is answered from the bindings that it made.  The answer itself is not kept:
 * those of the last 32 seconds would be a quarter of the memory of all phones that sign in. */
bool fe_register_again(struct task *t);
/* The access half's part of a good answer: the connection vouches, NAT is kept open. */
void fe_registered(struct frontend *fe, struct sip_flow *f, const struct sip_msg *req,
                   const struct access_identity *id, bool signs_off);
void fe_put_service_route(struct buf *b, const struct sip_flow *f);
/* True if no Contact of the request wants to stay: a sign-off, or a query. */
bool fe_signs_off(const struct sip_msg *m);

/* home.c: the caller's home, the callee's home, the way out. */
void fe_originate(struct task *t);
void fe_terminate(struct task *t);
/* The same, coming from the caller's home: of who is not signed in, her name is looked up. */
void fe_terminate_from_home(struct task *t);
void fe_way_out(struct task *t);
/* To whom t->target names. */
void fe_route_target(struct task *t);
uint32_t fe_owner(const struct frontend *fe, uint64_t account); /* slot */

/* dialog.c: the same for requests inside a dialog: the sender's home, the other home, the way out.
 */
void fe_in_dialog(struct task *t);
void fe_in_dialog_home(struct task *t);
void fe_in_dialog_end(struct task *t);
/* To the process that holds the end's connection; 480 if it is not there.  uri p NULL: as it is. */
void fe_send_there(struct task *t, const struct token *end, struct str uri);

/* forward.c */
/* ";transport=..." of URIs that lead to this flow; empty: none is needed. */
struct str fe_transport_param(const struct sip_flow *f);
/* Appends `<sip:d.TOKEN@host:port;transport=..;lr>` (sips: for a secure task) for an end that this
 * flow reaches. */
void fe_put_record_route(const struct task *t, struct buf *b, const struct sip_flow *f,
                         const struct token *end);
/* "sips" if the task asks for TLS on every hop, else "sip". */
const char *fe_scheme(const struct task *t);
/* True if a large request for this contact may go over TCP to the address of its UDP flow: it is
 * the one that the phone itself names, and no NAT stands between. */
bool fe_takes_tcp(struct frontend *fe, const struct sip_flow *f, struct str contact);
/* False if the task asks for TLS and the flow has none. */
bool fe_is_safe(const struct task *t, const struct sip_flow *f);
/* Sends the task to another process with these Route values in front; retries while it is down. */
void fe_to_slot(struct task *t, uint32_t slot, struct str routes, void (*again)(struct task *t));
/* What the first hop tells the others of the sender: a Record-Route value, P-Asserted-Identity. */
void fe_put_sender(struct task *t, struct buf *rr, struct buf *lines);
/* Sends the task on one branch and lets go of it. */
void fe_send(struct task *t, struct sip_branch_spec *b);
/* Fills in what every way out has in common. */
void fe_edit(const struct task *t, struct sip_edit *e, bool to_client);
bool fe_makes_dialog(const struct sip_msg *m);
/* The display name that its sender gives; empty: none. */
struct str fe_display_name(const struct task *t);

/* fork.c: the branches to a user's endpoints. */
/* Is it behind the web role? */
bool fe_is_browser(const struct binding *b);
/* The newest flow of the endpoint (RFC 5626 section 5.3) that is not among those tried; over TLS
 * where that is asked for.  NULL: there is none. */
struct tried {
	unsigned n;
	struct token_hint hints[FE_FLOWS_TRIED_MAX];
};
struct binding *fe_newest_flow(struct home_user *u, uint64_t endpoint, bool secure,
                               const struct tried *tried);
/* An invitation into a conference, for Lync clients. */
bool fe_is_conf_invite(const struct sip_msg *m);
/* True if an endpoint of the callee is to be called. */
bool fe_has_endpoint(const struct task *t, struct home_user *callee);
/* True if there are some, and each of them wants what is said by the history alone. */
bool fe_all_read_alone(const struct task *t, struct home_user *callee);
/* Sends the task to all of them; stage: and to the home's conversations (im.c), unless 0. */
void fe_fork(struct task *t, struct home_user *callee, char stage);
struct fork; /* what is kept of a fork for further flows of its endpoints */
void fe_fork_free(struct fork **fp);
/* The flow of an endpoint failed: a branch to its next one, if there is one. */
void fe_fork_again(struct fork *f, uint64_t endpoint, enum sip_fail why);
/* An endpoint has signed in, or has moved: what called it when it went calls it again. */
void fe_fork_back(struct frontend *fe, const struct binding *b);

/* media.c: calls between Lync clients and other devices. */
bool fe_is_bridge(const struct sip_flow *f);
void fe_bridge_up(struct frontend *fe, uint32_t slot, int fd);
/* The media bridge of the message's call: NULL if there is none, or it is down. */
struct sip_flow *fe_bridge(const struct frontend *fe, const struct sip_msg *m);
/* Route values: through the bridge, then to the process that holds the end's connection. */
void fe_put_bridge_route(const struct task *t, struct buf *b, const struct token *end);
/* Does the endpoint speak another dialect than the sender of the message? */
bool fe_crosses(const struct sip_msg *m, const struct binding *to);
/* Finds the media bridge for an INVITE that needs one.  Where there is none, endpoints of the other
 * dialect are left out; true if there is no other endpoint, and the refusal has been sent. */
bool fe_refuses_media(struct task *t, struct home_user *callee);
/* Inside a dialog: true if the request has gone by way of the bridge, or was refused because it
 * would have had to. */
bool fe_by_bridge(struct task *t, const struct binding *to, const struct token *end,
                  struct str uri);
/* A BYE whose other end is gone: true if it has gone to the bridge, which lets go of the call, and
 * back to this process, which says so. */
bool fe_tell_bridge(struct task *t, const struct token *end);
/* Header lines for a 488 that gives no reason: what the caller offered. */
void fe_explain_media(struct frontend *fe, struct buf *b, const struct sip_msg *m,
                      const struct sip_msg *resp);

/* observe.c: proxies that watch an INVITE (calls), a REGISTER (vouching), or flows (fork.c); takes
 * the fork, which may be NULL. */
struct sip_proxy *fe_proxy(struct task *t, struct fork *f);
/* The caller's BYE while it rings (RFC 3261 section 15): devices that do not know that it may come
 * then are told by CANCEL.  True if something rang. */
bool fe_end_ringing(struct frontend *fe, const struct sip_msg *bye);

/* subscribe.c: SUBSCRIBE at the subscriber's home; t->target has been read. */
struct subs *fe_subs_new(struct frontend *fe);
void fe_subscribe_home(struct task *t);
/* The value of Event without parameters. */
struct str fe_event_of(const struct sip_msg *m);
/* Is the request for its sender's own address? */
bool fe_is_own(const struct task *t);
/* The address of the user that a SUBSCRIBE to one is for, who has been found. */
struct str fe_target_aor(const struct task *t);
/* That address is a distribution group's. */
bool fe_target_is_group(const struct task *t);
/* Why a subscription was not started (sub_start). */
enum refusal fe_sub_refusal(int err);
/* What a SUBSCRIBE asks, for sub_start(); the buffer (256 bytes) gets what it borrows. */
struct sub_ask fe_sub_ask(const struct task *t, const char *tag, struct buf *b);
/* Answers; the first state comes with it where the client wants that, else right behind. */
void fe_sub_answer(struct task *t, struct sub *s, uint32_t expires_s);
/* The end of the dialog that its sender is: where she is, and which endpoint. */
void fe_sender_end(const struct task *t, struct token *ret);
/* From pidgin-sipe, which needs some things otherwise than other Lync clients. */
bool fe_is_sipe(const struct sip_msg *m);
/* Puts back a subscription of a phone to that package. */
void fe_restore_sub(struct frontend *fe, struct str aor, struct str event,
                    const struct sub_row *row, struct str kept);
/* A change of the list, as it is told: a whole <contactDelta>. */
void fe_tell_rosters(struct person *p, struct str delta);
/* The whole list, where a delta would not do. */
void fe_tell_rosters_anew(struct person *p);

/* presence.c: subscriptions to the presence of others.  start: *ret is the new one. */
enum refusal fe_start_presence(struct task *t, struct person *p, const struct sub_ask *ask,
                               struct sub **ret);
/* Is that address looked up still, or its replica on the way?  task_retry() then; it is held for a
 * moment. */
bool fe_waits_for(struct task *t, struct str aor);
/* Asked once (Expires: 0) there is no later notification: true while somebody is not known yet. */
bool fe_poll_waits(struct task *t);
/* A refresh that may name more people. */
enum refusal fe_again_presence(struct task *t, struct sub *s);

/* phones.c: the presence of others for phones. */
extern const struct sub_package phone_presence;
/* The body of a request that must have this type; unpacked into b if it is packed. */
enum refusal fe_read_body(const struct sip_msg *m, struct str type, struct buf *b, struct str *ret);
/* May the answer have this type (Accept)? */
bool fe_accepts(const struct sip_msg *m, struct str type);
/* Does a SUBSCRIBE to presence ask for PIDF, not for categories? */
bool fe_wants_pidf(const struct sip_msg *m);
enum refusal fe_start_phone_presence(struct task *t, struct person *p, const struct sub_ask *ask,
                                     struct sub **ret);
enum refusal fe_again_phone_presence(struct task *t, struct sub *s);
/* 0, or why it was not put back. */
int fe_restore_phone_presence(struct frontend *fe, struct person *own, const struct sub_row *row,
                              struct str kept);
/* Somebody's list of contacts has changed. */
void fe_lists_changed(struct person *p);

/* packages.c: presence.winfo, message-summary. */
enum refusal fe_start_winfo(struct task *t, struct person *p, const struct sub_ask *ask,
                            struct sub **ret);
enum refusal fe_start_summary(struct task *t, struct person *p, const struct sub_ask *ask,
                              struct sub **ret);
int fe_restore_winfo(struct frontend *fe, struct person *own, const struct sub_row *row,
                     struct str kept);
int fe_restore_summary(struct frontend *fe, struct person *own, const struct sub_row *row,
                       struct str kept);

/* lamps.c: event dialog. */
enum refusal fe_start_lamp(struct task *t, struct person *p, const struct sub_ask *ask,
                           struct sub **ret);
int fe_restore_lamp(struct frontend *fe, struct person *own, const struct sub_row *row,
                    struct str kept);
/* calls.c: calls of users who live here.  Is it the INVITE of one, between two? */
bool fe_is_call(const struct task *t);
/* An INVITE whose callee is known: from now on it is a call, if it is one. */
void fe_call_starts(struct task *t);
/* It is refused, by that code, or nobody waits for it any more. */
void fe_call_refused(const struct task *t, int code);
/* It is answered: that outlives this process. */
void fe_call_keep(struct frontend *fe, const struct call *k);
/* It is over, and remembered. */
void fe_call_over(struct frontend *fe, const struct call *k);
/* What the process before has kept of calls that go on. */
void fe_calls_load(struct frontend *fe);

/* calls_changed_fn: a call of users who may live here. */
void fe_call_changed(void *arg, const struct call *k, bool ended);

/* service.c: SERVICE at the home of who asks. */
void fe_service_home(struct task *t);

/* publish.c: PUBLISH at the home of who asks. */
void fe_publish_home(struct task *t);
/* Does this endpoint publish? */
bool fe_publishes(const struct person *p, uint64_t endpoint);
/* An endpoint, or all, has gone: what it said has gone from the presentity too. */
void fe_published_gone(struct person *p, uint64_t endpoint, bool all);
/* Says it again: the presentity has been read anew. */
void fe_published_again(struct person *p);
void fe_published_forget(struct person *p);
struct published_row {
	uint32_t number;
	uint64_t endpoint;
	struct token_hint hint;
	usec_t ends; /* wall clock */
	struct str etag, body;
};
/* What is to be kept of a publication; false: nothing. */
bool fe_published_get(struct person *p, uint32_t number, struct published_row *ret);
void fe_published_restore(struct person *p, const struct published_row *row);

/* people.c: the users who live here, and replicas of others. */
void fe_people_start(struct frontend *fe);
void fe_people_free(struct frontend *fe);
void fe_people_binding(struct frontend *fe, const struct binding *b, enum registrar_event ev);
/* The bindings that the store kept are there. */
void fe_people_restored(struct frontend *fe);
/* Who of her endpoints is signed in, and publishes, may have changed. */
void fe_look_at_endpoints(struct frontend *fe, struct person *p);
/* Her record in the directory has changed. */
void fe_people_account(struct frontend *fe, uint64_t account);
/* Privacy mode: her contacts have changed, or the setting has. */
void fe_people_privacy(struct frontend *fe, struct person *p);
void fe_people_configure(struct frontend *fe);
void fe_people_peer_up(struct frontend *fe, uint32_t slot);
/* Somebody asks who watches her: the homes that have a replica are to tell. */
void fe_ask_watchers(struct frontend *fe, struct person *p);
struct cJSON;
void fe_person_notice(struct frontend *fe, struct sip_flow *link, const struct cJSON *json);
/* Is she not to be disturbed, except by her workgroup, to which this caller does not belong? */
bool fe_is_quiet(struct frontend *fe, struct str aor, struct str caller);
/* Has she blocked that other one?  Of whom fe_waits_for() has waited, wherever she lives. */
bool fe_blocks(struct frontend *fe, struct str aor, struct str other);
/* `by` has put her on the list. */
void fe_person_added(struct frontend *fe, struct str aor, struct str by, struct str display);

/* home_store.c: what is kept of them. */
void fe_home_load(struct person *p);
typedef void fe_saved_fn(void *arg, struct person *p, int err);
/* done (may be NULL) when it is on disk, or could not be written: then the record is what the store
 * has. */
void fe_home_save(struct person *p, fe_saved_fn *done, void *arg);
/* Forgets what has not been stored. */
void fe_home_reload(struct person *p);

/* directory.c: answers a directorySearch of a user who is signed in; s is read before it returns.
 */
void fe_directory_search(struct task *t, const struct soap *s);
/* Counts a search of that user, of whatever, or a page of the history; false: it is one too many.
 */
bool fe_may_ask(struct frontend *fe, enum fe_question what, uint64_t account);

/* im.c: conversations of the home half, where sessions meet pager messages. */
int fe_im_start(struct frontend *fe);
/* A request whose Request-URI names a dialog that a process of ours holds: true, with its token. */
bool fe_names_dialog(const struct task *t, struct token *ret);
void fe_own_dialog(struct task *t, const struct token *end);
/* The stage in which a request for the user is translated: 's' session, 'p' pager, 0 not at all. */
char fe_im_stage(const struct task *t, struct home_user *callee);
/* Is it said in a conference in which all the user's clients have dialogs of their own? */
bool fe_hears_elsewhere(const struct task *t, struct home_user *callee);
void fe_im_enter(struct task *t, char stage, uint64_t account);

/* history.c: what was said.  init before all; open once the store at `path` is open: 0, or negative
 * with text for people; start when the loop is about to run. */
void fe_history_init(struct frontend *fe);
int fe_history_open(struct frontend *fe, const char *path, struct buf *why) MUST_CHECK;
void fe_history_start(struct frontend *fe);
void fe_history_configure(struct frontend *fe);
void fe_history_stop(struct frontend *fe);
/* The next sequence of this process. */
uint64_t fe_sequence(struct frontend *fe);
/* A message of one or two users (the second may be 0); sets s->sequence.  As
 * store_log_add(). */
int fe_history_add(struct frontend *fe, const uint64_t accounts[2], struct said *s,
                   store_done_fn *done, void *arg) MUST_CHECK;
/* What a user was told in a conference: not yet, as far as is known.  It is from now on. */
bool fe_history_is_new(struct frontend *fe, uint64_t account, uint64_t message);
/* It could not be written, and is new when it comes again. */
void fe_history_take_back(struct frontend *fe, uint64_t account, uint64_t message);
/* Of the columns of a row of `said`, or the values of a record of the log: seq, one, other,
 * conversation, message, author, peer, state, type, text.  Borrows them. */
enum { FE_SAID_STATE = 7 };
struct said fe_said_of_row(const struct store_val *c);
/* A row could not be written. */
void fe_history_lost(struct frontend *fe, int err);
/* Those after `since`, in their order, at most max; how many, or -errno.  next: the first of them,
 * if that is known, for which the tables need not be asked; else 0. */
typedef void fe_said_fn(void *arg, const struct said *s);
int fe_history_read(struct frontend *fe, uint64_t account, uint64_t since, uint64_t next,
                    unsigned max, fe_said_fn *fn, void *arg) MUST_CHECK;

/* A page of a user's history: the newest ones before that number, in their order. */
struct fe_said_page {
	uint64_t account, before;
	uint64_t conversations[2]; /* of these alone; 0: of all */
	bool calls;                /* calls alone, of all conversations */
	unsigned max;
};
/* *ret_more: there may be older ones, which were too much for once. */
int fe_history_before(struct frontend *fe, const struct fe_said_page *p, fe_said_fn *fn, void *arg,
                      bool *ret_more) MUST_CHECK;
/* The same to be searched: of the newest FE_SCAN_ROWS rows of the user before that number, as far
 * as these are not too much for once and have no more than p->max messages, all that are of the
 * page's conversations, and what the log has.  *ret_reached: where to go on; 0: there is nothing
 * older. */
enum {
	FE_SCAN_ROWS = 500,
	FE_READ_BYTES =
	        512 * 1024, /* of texts that are read at once: nobody else is served meanwhile */
	FE_ROW_BYTES = 32,  /* that a row counts besides */
};
int fe_history_scan(struct frontend *fe, const struct fe_said_page *p, fe_said_fn *fn, void *arg,
                    uint64_t *ret_reached) MUST_CHECK;

/* history_changes.c: what became of messages that were said.  fn is called for the rows that change
 * one of the page, and perhaps others of the user, in their order; of edits of one message the last
 * alone need be among them.  -E2BIG: they are too much for once, and fn has had some; a page of one
 * message never is. */
int fe_history_changes(struct frontend *fe, const struct fe_said_page *p, fe_said_fn *fn,
                       void *arg) MUST_CHECK;
/* The message that is to be changed, as the user's history has it.  -ENOENT; -EUSERS: it was
 * changed too often. */
struct fe_said_found {
	uint64_t sequence, conversation;
	char author[ACCESS_URI_MAX + 1];
};
int fe_history_find(struct frontend *fe, uint64_t account, const struct change *c,
                    struct fe_said_found *ret) MUST_CHECK;
/* What a change has replaced is taken away from the disk, too: the text of that row of the user's
 * history, and those of the message's edits, of which the last stays if it was not deleted.  Soon,
 * where rows are not in the tables yet. */
void fe_history_erase(struct frontend *fe, uint64_t account, uint64_t sequence,
                      const struct change *c);
void fe_history_erase_stop(struct frontend *fe);

/* kept.c: messages for users who are not signed in.  init before start; start once the store is
 * open; free once it is closed. */
void fe_kept_init(struct frontend *fe);
void fe_kept_start(struct frontend *fe);
void fe_kept_configure(struct frontend *fe); /* the settings have changed */
void fe_kept_stop(struct frontend *fe);
void fe_kept_free(struct frontend *fe);
/* The callee has no endpoint that takes the message: true if it is kept, and will be answered. */
bool fe_keep(struct task *t);
/* True if it has to wait behind others that are being delivered to her. */
bool fe_keeps_order(struct task *t);
/* deliver.c: the user has an endpoint: she gets what waits for her, soon. */
void fe_deliver(struct frontend *fe, uint64_t account);

/* filter.c: looks at what a user of this home says.  NULL: it has been refused; else the task,
 * which may have moved. */
struct task *fe_filter(struct task *t);
/* Appends the header line of such a refusal for Lync clients. */
void fe_put_filtered(struct buf *b, enum refusal why);

/* change.c: a MESSAGE that changes another one.  It is for homes, and no client gets it. */
bool fe_is_change(const struct sip_msg *m);
/* At the sender's home: may she?  False: it was refused. */
bool fe_may_change(struct task *t);
/* At the recipient's home: it is written down there, and answered.  False: it is none, or is to be
 * kept as messages are. */
bool fe_change(struct task *t);
/* Message, state, type and text of its row. */
void fe_change_row(struct said *s, const struct change *c);
/* It is written: the users are told, and what was deleted or replaced goes from the disk. */
void fe_changed(struct frontend *fe, const uint64_t accounts[2], const struct change *c,
                uint64_t sequence);

/* tap.c */
/* Is the task a text that a home here remembers? */
bool fe_is_tapped(const struct task *t);
/* Between whom something is said, and of whose homes this is one; whom is not, is 0. */
enum fe_room_way { FE_NO_ROOM, FE_TO_ROOM, FE_FROM_ROOM };
struct fe_ends {
	struct str author, peer;
	enum fe_room_way room;
	uint64_t who[2];
	char space[2][CONF_URI_MAX + CONF_ID_MAX];
};
void fe_read_ends(struct fe_ends *e, const struct task *t);
/* Whose history a row of it is in: the first is not 0 if one is. */
void fe_ends_homes(const struct fe_ends *e, uint64_t ret[2]);
/* What a conference says to the callee, who is at home here: how she remembers it if it is kept for
 * her, in the arena.  FE_NOTES: it is to be written; FE_NOTED: it was before; FE_NOT_NOTED: she
 * does not, or not before she has it. */
enum fe_noting { FE_NOT_NOTED, FE_NOTED, FE_NOTES };
enum fe_noting fe_room_said(struct task *t, struct arena *a, struct said *ret);
/* What a MESSAGE for that user, who is at home here, says; NULL: nobody is to be told. */
struct news *fe_tap_news(const struct task *t, uint64_t account, struct str user);
/* Its proxy; takes the fork, which may be NULL. */
struct sip_proxy *fe_tap_proxy(struct task *t, struct fork *f);
/* True if its callee gets it by the history alone: then it is answered when that is on disk. */
bool fe_told_by_history(struct task *t, struct home_user *callee);

/* conversation.c: subscriptions to what was said. */
enum refusal fe_start_conversation(struct task *t, struct person *p, const struct sub_ask *ask,
                                   struct sub **ret);
/* SERVICE: a page of the own history. */
void fe_conversation_page(struct task *t, struct person *p);
/* That somebody types in a conference: told to those endpoints alone that read the history.  False:
 * it is something else. */
bool fe_room_typing(struct task *t);
/* Does this endpoint of the user want no MESSAGE besides? */
bool fe_reads_alone(const struct frontend *fe, uint64_t account, uint64_t endpoint);
/* How many endpoints of the user read it. */
unsigned fe_conversation_readers(const struct frontend *fe, uint64_t account);
/* This is new in the user's history: told of each row, when it is on disk. */
void fe_conversation_news(struct frontend *fe, uint64_t account, uint64_t sequence);
/* The same, of a row of one or two users. */
void fe_conversation_news_of(struct frontend *fe, const uint64_t accounts[2], uint64_t sequence);
/* True if it was the only news for the endpoint, which wants no MESSAGE besides: it counts as told,
 * and the caller tells. */
bool fe_conversation_takes(struct frontend *fe, uint64_t account, uint64_t endpoint,
                           uint64_t sequence);

/* news.c: what browsers that show no page are told. */
struct fe_news {
	uint64_t account;
	bool call;
	struct str user; /* whose account it is: "alice@example.test" */
	struct str chat; /* as in the history: the other one's address, or the conference's */
	struct str from;
	struct str type, text; /* of a message */
};
struct news; /* opaque */
/* NULL: no browser of the user wants to know. */
struct news *fe_news_new(struct frontend *fe, const struct fe_news *what);
/* Tells the web role; NULL may be in it, and is then. */
void fe_news_tell(struct news **np);
void fe_news_drop(struct news **np);
/* Tells of an INVITE for the callee, if it is a call. */
void fe_tell_call(struct task *t);
/* Whom it is for, as the directory has it, or else as it stands in To: then in b. */
struct str fe_callee(const struct task *t, struct buf *b);
/* The same, or nothing: To is what the sender likes. */
struct str fe_known_callee(const struct task *t);
void fe_news_free(struct frontend *fe);

/* focus.c: conferences of organizers who live here. */
extern const struct setting fe_conf_settings[];
int fe_conf_config_read(struct frontend *fe, struct buf *why) MUST_CHECK;
void fe_focus_start(struct frontend *fe);
/* fe->conf_cfg has changed. */
void fe_focus_configure(struct frontend *fe);
/* The store must have been closed before. */
void fe_focus_free(struct frontend *fe);
/* The account was disabled or removed: of who was removed all conferences end and are forgotten. */
void fe_focus_account(struct frontend *fe, uint64_t account);
/* Is its Request-URI that of a conference, of one of its MCUs, or of a conference factory? */
bool fe_is_conference(const struct task *t);
bool fe_names_conference(struct str uri);
/* The same at the organizer's home: true, it has been taken. */
bool fe_focus(struct task *t);
/* The conference that the Request-URI names, in this home; NULL. */
struct conference *fe_conference_of(const struct task *t);
/* The connection of that process has ended; flow 0: all of them. */
void fe_focus_flow_lost(struct frontend *fe, uint32_t slot, uint64_t flow);
/* Connections of that process by which members are here: 0 at the end; as map_walk(). */
uint64_t fe_focus_next_flow(struct frontend *fe, uint32_t slot, size_t *at,
                            struct map_node **after);

/* focus_mcu.c: the IM MCUs. */
bool fe_is_mcu(const struct sip_flow *f);
bool fe_has_mcu(const struct frontend *fe);
/* A link to one of them, of any label. */
void fe_mcu_up(struct frontend *fe, const struct role_link *l);
/* A request for an MCU, from anywhere: true, it has been taken. */
bool fe_to_mcu(struct task *t);
/* A message that an MCU sends to a phone in a conference's name. */
void fe_from_conference(struct task *t);
/* Is it one of a conference? */
bool fe_is_of_conference(const struct sip_msg *m);
/* An invitation into a conference, for a user with phones alone: true, it has been taken. */
bool fe_invite_phones(struct task *t, struct home_user *callee);
/* Passes it to the IM MCU of the conference that its Request-URI names. */
void fe_mcu_pass(struct task *t);

/* What such a link is called: "mcu-im/1", or "mcu-im on host b". */
void fe_mcu_put_name(const struct frontend *fe, struct buf *b, uint32_t slot);

/* web.c: browsers, behind the web role. */
bool fe_is_web(const struct sip_flow *f);
void fe_web_up(struct frontend *fe, uint32_t slot, int fd);
/* "https://web.example.test:4443", where browsers and Lync clients reach the web role; false: there
 * is none. */
bool fe_put_web_origin(const struct frontend *fe, struct buf *b);
/* The address of a user's picture with that name; nothing without a web role. */
enum { FE_WEB_URL_MAX = 512 };
void fe_put_photo_url(const struct frontend *fe, struct buf *b, struct str name);
void fe_web_down(struct frontend *fe, const struct sip_flow *f, const char *why);
/* By the ticket in the request, sooner or later fe_identified(). */
void fe_web_identify(struct task *t);
/* Tickets of the account may not be good any more; 0: of all. */
void fe_web_forget(struct frontend *fe, uint64_t account);
/* The account's password has been changed: tickets are asked about anew, but an endpoint whose
 * log-in has ended with it may sign off. */
void fe_web_doubt(struct frontend *fe, uint64_t account);
/* A log-in has ended; number 0: all of the account's. */
void fe_web_ended(struct frontend *fe, uint64_t account, uint64_t number);
void fe_web_free(struct frontend *fe);

/* hosts.c: MCUs of other hosts, with slots in the order of the topology. */
/* websocket.c: SIP over WebSocket */
/* Takes the listeners; the stack is there. */
void fe_sockets_start(struct frontend *fe);
void fe_sockets_set_tls(struct frontend *fe, struct tls_server *tls);
/* New connections in one turn of the loop, from now on. */
void fe_sockets_set_accepts(struct frontend *fe, unsigned per_turn);
/* The stack has been freed before. */
void fe_sockets_free(struct frontend *fe);
void fe_sockets_metrics(const struct frontend *fe, struct buf *b);
int fe_hosts_start(struct frontend *fe, struct buf *why) MUST_CHECK;
int fe_hosts_reload(struct frontend *fe, struct buf *why) MUST_CHECK;
void fe_hosts_free(struct frontend *fe);
/* A link between front-end processes for what MCUs of other hosts say. */
void fe_hosts_link(struct frontend *fe, const struct role_link *l);
/* The SIP connection to one of them has ended, for that reason. */
void fe_hosts_sip_lost(struct frontend *fe, const struct sip_flow *f, const char *why);
/* ops of struct c3p_link, for the links with the MCUs. */
void fe_hosts_c3p_opened(struct frontend *fe, uint32_t slot);
void fe_hosts_c3p_lost(struct frontend *fe, uint32_t slot, const char *why);
/* Is that for this process, and not for one before it?  True of MCUs of this host, whose links are
 * new with each process. */
bool fe_hosts_is_our_run(const struct frontend *fe, struct str run);
int fe_hosts_find(const struct frontend *fe, uint32_t number);
void fe_hosts_put_name(const struct frontend *fe, struct buf *b, uint32_t slot);
/* SIP connections with them, which are no client's. */
uint64_t fe_hosts_connections(const struct frontend *fe);
void fe_hosts_metrics(const struct frontend *fe, struct buf *b);
void fe_hosts_status(const struct frontend *fe, struct buf *b);

/* edge.c: the A/V edges, of this host or of others. */
bool fe_is_edge(const struct sip_flow *f);
int fe_edges_start(struct frontend *fe, struct buf *why) MUST_CHECK;
int fe_edges_reload(struct frontend *fe, struct buf *why) MUST_CHECK;
void fe_edges_free(struct frontend *fe);
void fe_edge_up(struct frontend *fe, uint32_t slot, int fd);
/* The links to those of this host, by slot. */
struct sip_flow **fe_edge_links(const struct frontend *fe);
/* The connection to one of another host has ended; false: it was none. */
bool fe_edge_far_lost(struct frontend *fe, const struct sip_flow *f, const char *why);
/* "edge-av/1", or "edge-av on host b". */
void fe_edge_put_name(const struct frontend *fe, struct buf *b, uint32_t slot);
/* Is that the name of one of another host? */
bool fe_edge_is_far(const struct frontend *fe, struct str name);
/* As those of hosts.c; rows of the status end with a comma. */
uint64_t fe_edges_connections(const struct frontend *fe);
void fe_edges_metrics(const struct frontend *fe, struct buf *b);
void fe_edges_status(const struct frontend *fe, struct buf *b);
/* Appends the setting by which a client knows whom to ask for credentials; nothing if there is
 * nobody. */
void fe_put_mras_uri(const struct frontend *fe, struct buf *b);
/* Does the request ask for them? */
bool fe_is_for_edge(const struct task *t);
/* Passes it on in the name of the user who sends it. */
void fe_to_edge(struct task *t);
/* A media bridge of this host asks for itself. */
void fe_bridge_to_edge(struct task *t);

/* load.c: overload and the limit of descriptors. */
void fe_load_init(struct frontend *fe);
/* True if the task has been answered: a new client's REGISTER while this process is full. */
bool fe_refused_by_load(struct task *t);
enum role_load fe_load(void *state);
/* A connection was not taken (sip_transport_ops): says so, and what to raise. */
void fe_connection_refused(struct frontend *fe, int err);

/* persist.c */
int fe_store_open(struct frontend *fe, struct buf *why);
void fe_store_event(struct frontend *fe, const struct binding *b, enum registrar_event ev);
void fe_store_load(struct frontend *fe);
/* Makes the row of this key what is true now, or takes it away. */
void fe_store_row(struct frontend *fe, const struct row_key *key);
/* Must what belongs to that flow survive this process?  It does if the flow does. */
bool fe_must_survive(const struct frontend *fe, const struct token_hint *h);

/* keep.c: what is kept of what phones publish and subscribe to. */
void fe_keep_published(struct frontend *fe, const struct row_key *key);
void fe_keep_load_published(struct person *p);
void fe_keep_load_publishers(struct frontend *fe);
void fe_keep_sub(struct frontend *fe, const struct row_key *key);
void fe_keep_load_subs(struct frontend *fe);

/* behind.c */
void fe_behind_init(struct frontend *fe);
/* Queues one statement about the row of that key.  If the store has much to do the row waits by its
 * key alone, and if the statement fails, now or later, it is tried again until it works; either is
 * written with what is true by then. */
void fe_behind_write(struct frontend *fe, const struct row_key *key, const struct store_stmt *s);
/* A last try, then the store is closed.  The registrar must still be there. */
void fe_behind_close(struct frontend *fe);
/* Rows that the disk does not hold as they should be, while writing fails; else 0. */
uint32_t fe_behind_unsaved(const struct frontend *fe);

/* revalidate.c: the change feed has a gap; every signed-in user is looked up, and who is not there
 * any more, or disabled, is signed off. */
void fe_revalidate(struct frontend *fe);

/* peers.c: links to the other processes of this box and to ourselves. */
void fe_peer_up(struct frontend *fe, const struct role_link *l);
/* A link of either kind has ended; the next one is on its way. */
void fe_link_down(struct frontend *fe, const struct sip_flow *f, const char *why);
/* What the process at its other end is called: "frontend/2", "mcu-im on host b". */
void fe_put_link_name(const struct frontend *fe, struct buf *b, const struct sip_flow *f);
/* 0 or -errno. */
int fe_own_link_open(struct frontend *fe) MUST_CHECK;
/* NULL: down. */
static inline struct sip_flow *fe_link_to(const struct frontend *fe, uint32_t slot)
{
	struct sip_flow *f = slot < FE_SLOTS_MAX ? fe->peers[slot].link : NULL;
	return f && !f->closed ? f : NULL;
}
static inline struct sip_flow *fe_own_link(const struct frontend *fe)
{
	return fe->own[0] && !fe->own[0]->closed ? fe->own[0] : NULL;
}
/* The way to a user's home, maybe here: requests to their clients, all or one, enter there. */
static inline struct sip_flow *fe_link_home(const struct frontend *fe, uint64_t account)
{
	uint32_t home = fe_owner(fe, account);
	return home == fe->env->slot ? fe_own_link(fe) : fe_link_to(fe, home);
}

/* lost.c: notices of lost flows between processes. */
void fe_lost_init(struct frontend *fe);
/* Ends a connection, wherever it is; Lync clients are told why. */
void fe_close_flow(struct frontend *fe, uint32_t slot, uint64_t id, enum refusal why);
void fe_flow_lost(struct frontend *fe, const struct sip_flow *f);
/* A notice of that event package, JSON, to the process at the other end; link may be NULL. */
void fe_notice(struct frontend *fe, struct sip_flow *link, const char *event, struct str body);
void fe_lost_notice(struct task *t);
void fe_check_flows(struct frontend *fe, uint32_t slot);

/* commands.c, people_commands.c, presence_commands.c, explain.c, trace.c */
extern const struct ctl_command frontend_commands[];
void fe_explain(struct frontend *fe, struct ctl_call *c);
/* A command about one user who lives here (argument `user`); of others the answer is null. */
void fe_inquire(struct frontend *fe, struct ctl_call *c,
                void (*answer)(struct person *p, struct ctl_call *c));
void fe_presence_show(void *state, struct ctl_call *c);
void fe_conference_list(void *state, struct ctl_call *c);
void fe_conference_show(void *state, struct ctl_call *c);
void fe_conference_end(void *state, struct ctl_call *c);
/* How many live here; running: with people in them. */
uint64_t fe_conferences(const struct frontend *fe, bool running);
void fe_contact_list(void *state, struct ctl_call *c);
void fe_contact_export(void *state, struct ctl_call *c);
void fe_contact_import(void *state, struct ctl_call *c);
void fe_trace(struct frontend *fe, struct ctl_call *c);
/* Those that run are told nothing more. */
void fe_trace_stop(struct frontend *fe);
void fe_tap(void *arg, const struct sip_flow *f, bool out, struct str msg);
void fe_metrics(void *state, struct buf *b);
void fe_status(void *state, struct buf *b);
