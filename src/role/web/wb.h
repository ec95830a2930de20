/* The inside of the web role: shared by the files of this folder.
 *
 *     browser --HTTP--> login.c: log-ins, own.c: the own account (accounts)
 *     browser --HTTP--> photo.c: pictures of users (accounts)
 *     browser --HTTP--> upload.c, download.c: files of chats (svc/file)
 *     browser --WebSocket--> browser.c --requests--> session.c --> people.c, chat.c --SIP--> ua.c
 * --> front end
 *                              <--events-- session.c <-- people.c, chat.c <--SIP-- ua.c <--
 *
 * A session is one endpoint of a user; it outlives its connection for WEB_AWAY_S. */
#pragma once

#include <cjson/cJSON.h>

#include "auth/accounts.h"
#include "auth/seal.h"
#include "base/list.h"
#include "base/log.h"
#include "base/map.h"
#include "role/role.h"
#include "stack/http/files.h"
#include "stack/sip/txn.h"
#include "stack/ws/ws.h"
#include "svc/file/file.h"

enum {
	WEB_SLOTS_MAX = 64,
	STOP_MS = 300,                     /* browsers are given to hear that the server goes */
	WEB_BODY_MAX = 64 * 1024,          /* of a request by HTTP */
	WEB_TICKET_MAX = 128,              /* characters of a log-in's ticket */
	WEB_URI_MAX = 255,                 /* bytes of a person's address */
	WEB_SIP_URI_MAX = WEB_URI_MAX + 4, /* of it with its scheme */
	WEB_TAB_MAX = 64,
	WEB_SESSION_ID_MAX = 32,
	WEB_USER_SESSIONS_MAX = 8, /* of one user: the oldest goes, as of other endpoints */
	WEB_AWAY_S = 60,           /* a session without a connection */
	WEB_EVENTS_MAX = 1000,     /* kept for who comes back ... */
	WEB_EVENTS_BYTES = 1024 * 1024,
	WEB_DIALOGS_MAX = 8,     /* calls of a session */
	WEB_SDP_MAX = 48 * 1024, /* bytes of a description of one's media */
	WEB_RING_S = 120,        /* a call that nobody answers is given up */
	WEB_RATE = 50,           /* requests a second of a connection ... */
	WEB_BURST = 200,
	WEB_ASKS_MAX = 64, /* SIP requests of a session that are under way */
	WEB_EXPIRES_S = 600,
	WEB_WATCHED_MAX = 1500,    /* people whom a session knows, contacts among them ... */
	WEB_ASKED_MAX = 1000,      /* whom it watches of them: more a front end does not take */
	WEB_BATCH_MAX = 64 * 1024, /* bytes of them in one request */
	WEB_PEOPLE_MAX = 500,      /* of them, by people.watch */
	WEB_CONFERENCES_MAX = 50,  /* that a session watches */
	WEB_SUBJECT_MAX = 200,
	WEB_NAME_MAX = 256,
	WEB_NOTE_MAX = 500,
	WEB_TEXT_MAX = 20000, /* bytes of a chat message */
	WEB_REF_MAX = 64,
	WEB_LINES_PER_S = 20,
	WEB_DOC_MAX = 1024 * 1024,
	WEB_PATH_MAX = 1024, /* of a file's address: each byte of its name may be escaped */
	WEB_FILE_THREADS = 4,
	WEB_PROXIES_MAX = 64, /* addresses and networks of reverse proxies */
	WEB_LIST_MAX = 2000,  /* bytes of a setting that is a list */
	WEB_PHOTOS_MAX = 64,  /* photos that accounts is being asked for */
};

/* What an endpoint takes. */
#define WEB_ALLOW "Allow: INVITE, ACK, CANCEL, BYE, MESSAGE, NOTIFY, OPTIONS, REFER\r\n"

struct web_settings {
	struct str root;           /* the folder of the browser client */
	struct str names, proxies; /* lists, separated by commas */
	uint32_t connections_max, sessions_max;
	uint32_t file_max, files_of_user, files_space, file_life;
	struct str file_scanner;
	bool push, push_text;
	struct str push_contact, push_ca, push_services;
};

/* The reverse proxies in front. */
struct web_proxies {
	struct addr_range range[WEB_PROXIES_MAX];
	size_t n;
};

struct web {
	struct role_env *env;
	struct web_settings set;
	struct web_proxies proxies;
	struct str oidc_name; /* of the OpenID provider, for people; empty: there is none */
	struct http_server *http, *plain; /* plain: without TLS, which sends all to the other */
	struct tls_server *tls;
	struct by_door *by_door;
	struct ws_host *ws;
	struct http_files *files; /* the browser client */
	struct files *kept;       /* what people send each other */
	struct sip_stack *stack;
	struct sip_flow *fes[WEB_SLOTS_MAX]; /* links to the front ends; NULL: down */
	uint32_t n_fes;
	struct accounts *accounts;
	struct seal *seal; /* of calls that browsers keep */
	struct web_push *push;
	struct map by_id, by_call; /* sessions; dialogs by Call-ID */
	struct map by_ref;         /* texts that browsers sent, by their mark */
	struct list sessions;      /* the oldest first */
	uint32_t n_sessions;
	struct list browsers;
	struct list doubts; /* password.c */
	unsigned n_photos;  /* asked for */
	struct web_tickets *tickets;
	struct log_limit limit;
	struct {
		uint64_t logins, refused, requests, events, resumed;
	} stats;
	struct timer stopping;
	void (*on_stopped)(void *arg);
	void *on_stopped_arg;
};

/* Whom a ticket stands for. */
struct web_login {
	uint64_t account, credential, number;
	char uri[WEB_URI_MAX + 1], ticket[WEB_TICKET_MAX + 1];
};
static inline bool web_is_of(const struct web_login *who, const struct web_login *of)
{
	return who->account == of->account && (!of->number || who->number == of->number) &&
	       (!of->credential || who->credential == of->credential);
}

typedef void web_login_fn(void *arg, struct web_login *who);

bool web_is_our_host(const struct web *w, struct str host);

/* --- proxies.c: how browsers reach us, if not straight */

/* 0; -EINVAL with lines for people. */
int web_names_check(struct str names, struct buf *why) MUST_CHECK;
int web_proxies_read(struct web_proxies *ret, struct str list, struct buf *why) MUST_CHECK;
/* Is it one of the names? */
bool web_is_named(const struct web *w, struct str host);
/* Who asks: whom the connection is with, or whom a proxy of ours speaks for.  The port means
 * nothing. */
struct addr web_client(const struct web *w, const struct http_exchange *x);
/* Came it by a proxy of ours? */
bool web_is_forwarded(const struct web *w, const struct http_exchange *x);

/* --- login.c: log-ins by HTTP, and the WebSocket's door */

void web_http_request(void *arg, struct http_exchange *x);

/* "https://HOST:PORT" of the host that the request was sent to. */
void web_put_origin(struct buf *b, const struct http_msg *m);

/* --- oidc.c: sign-in by the company's OpenID provider */

/* What the page of the sign-in shows. */
void web_sign_in_ways(struct web *w, struct http_exchange *x);
void web_oidc_begin(struct web *w, struct http_exchange *x);
void web_oidc_callback(struct web *w, struct http_exchange *x);

/* --- own.c: what users ask and change of their own accounts, by HTTP */

void web_own_logins(struct web *w, struct http_exchange *x);
void web_own_login_end(struct web *w, struct http_exchange *x);
void web_own_devices(struct web *w, struct http_exchange *x);
void web_own_device_add(struct web *w, struct http_exchange *x);
void web_own_device_remove(struct web *w, struct http_exchange *x);
void web_own_factor(struct web *w, struct http_exchange *x);
void web_own_factor_begin(struct web *w, struct http_exchange *x);
void web_own_factor_confirm(struct web *w, struct http_exchange *x);
void web_own_factor_codes(struct web *w, struct http_exchange *x);
void web_own_factor_end(struct web *w, struct http_exchange *x);
void web_own_tokens(struct web *w, struct http_exchange *x);
void web_own_token_add(struct web *w, struct http_exchange *x);
void web_own_token_remove(struct web *w, struct http_exchange *x);

void web_own_push(struct web *w, struct http_exchange *x);
void web_own_push_add(struct web *w, struct http_exchange *x);
void web_own_push_end(struct web *w, struct http_exchange *x);

void web_own_photo_set(struct web *w, struct http_exchange *x);
void web_own_photo_remove(struct web *w, struct http_exchange *x);

/* --- push.c: what browsers without a page are told (docs/protocols/push.md) */

struct session;
void web_push_new(struct web *w);
void web_push_free(struct web *w);
/* At the start, and with other settings; all or nothing. */
int web_push_configure(struct web *w, const struct web_settings *set, struct buf *why) MUST_CHECK;
/* Its settings by themselves; -EINVAL with a line. */
int web_push_check(const struct web_settings *set, struct buf *why) MUST_CHECK;
bool web_push_is_on(const struct web *w);
/* "key":"..." or null. */
void web_push_put(const struct web *w, struct buf *b);
/* A NOTIFY of a home: something came for a user. */
void web_push_news(struct web *w, const struct sip_msg *m);
/* An event of a session that nobody came back to, which its browser has not said to have seen. */
void web_push_unseen(const struct session *s, struct str event);
void web_push_metrics(const struct web *w, struct buf *b);
/* --- admin.c: commands of administrators, by HTTP */

void web_admin(struct web *w, struct http_exchange *x);

/* --- files.c: the browser client */

int web_files_open(struct web *w, struct buf *why) MUST_CHECK;
void web_files_free(struct web *w);
void web_files(struct web *w, struct http_exchange *x);

/* --- upload.c, download.c: files of chats, by HTTP */

void wb_upload(struct web *w, struct http_exchange *x);
bool wb_is_download(const struct http_msg *m);
void wb_download(struct web *w, struct http_exchange *x);

/* --- photo.c: pictures of users, by HTTP */

#define WEB_PHOTOS "/photos/"
/* Has it the form of a picture's name? */
bool wb_is_photo_name(struct str name);
bool wb_is_photo(const struct http_msg *m);
void wb_photo(struct web *w, struct http_exchange *x);

/* --- ticket.c: web tickets of Lync clients ([MS-OCAUTHWS]) */

/* Where a client asks for one. */
#define WEB_TICKETS "/WebTicket/WebTicketService.svc"
/* What a ticket is shown for. */
enum web_service { WEB_SERVICE_ENTRIES = 1, WEB_SERVICE_DISCOVERY };
void wb_tickets_new(struct web *w);
void wb_tickets_free(struct web *w);
bool wb_is_ticket_service(const struct http_msg *m);
void wb_ticket_service(struct web *w, struct http_exchange *x);
/* Is it the proof of a ticket for that service that is good still?  *ret_account and *ret_uri, in
 * space, are its user's. */
bool wb_ticket_check(const struct web *w, struct str proof, enum web_service service,
                     uint64_t *ret_account, char ret_uri[WEB_URI_MAX + 1]);

/* "https://HOST:PORT" where the services are, for who has sent that request: pidgin-sipe names no
 * port in Host. */
void wb_service_origin(const struct web *w, const struct http_exchange *x, struct buf *b);
/* May that account ask the services for something more now?  Counts it then. */
bool wb_ticket_may_ask(struct web *w, uint64_t account);
/* Answers with a document of XML, with a SOAP fault (500). */
void wb_soap_answer(struct http_exchange *x, unsigned status, struct str body);
void wb_soap_refuse(struct http_exchange *x, const char *code, const char *text);

/* --- entries.c: the address book's web query, by a web ticket */

#define WEB_ENTRIES "/groupexpansion/service.svc"
bool wb_is_entries(const struct http_msg *m);
void wb_entries(struct web *w, struct http_exchange *x);

/* --- attach.c: how a message says that a file was sent */

/* A text of that form, with what is known of the file. */
struct attached {
	struct str caption; /* what stands before */
	bool there;
	struct file file; /* if it is there */
	struct {
		struct str name;
	} gone; /* else */
};
/* The text that goes out, for every client, with a file that the user has sent before, for this
 * chat.  False: there is no such one. */
bool wb_attach_put(const struct session *s, struct buf *b, struct str to, struct str caption,
                   struct str id);
/* Does the text say so? */
bool wb_attach_find(const struct web *w, struct str text, struct attached *ret);
/* The member "file" of a message. */
void wb_attach_put_json(struct buf *b, const struct attached *a, struct str from, struct str chat);
/* The object that it is. */
void wb_attach_put_file(struct buf *b, const struct file *f);

/* --- autodiscover.c: where clients sign in ([MS-OCDISCWS]) */

/* Does that name ask for it: "lyncdiscover.example.test"? */
bool web_is_discovery_host(const struct web *w, struct str host);
bool web_is_discovery(const struct http_msg *m);
/* Is it one that a user's own data are asked for by, which needs a web ticket? */
bool web_is_discovery_address(struct str address);
void web_discover(struct web *w, struct http_exchange *x);

/* Says that clients shall ask again by this address: https, without path. */
void web_discover_elsewhere(struct http_exchange *x, struct str origin);

/* --- plain.c: HTTP without TLS */

struct http_server *web_plain_new(struct web *w, bool (*is_host)(void *arg, struct str host));
/* A request without TLS where HTTPS is. */
void web_plain_at_tls(void *arg, struct http_exchange *x);

/* --- password.c: what goes on when a password is changed */

/* The credential was replaced by another one, or is no more. */
void wb_password_changed(struct web *w, uint64_t account, uint64_t credential);
void wb_doubts_free(struct web *w);

/* --- browser.c: one connection */

struct browser;
/* Takes the exchange, and user: the member "user" of what it is welcomed with. */
void browser_new(struct web *w, struct http_exchange *x, const struct web_login *who,
                 struct buf *user);
/* Sends a text that is JSON. */
void browser_send(struct browser *b, struct str json);
/* The end, by the server; close codes of docs/protocols/web-api.md. */
enum { WEB_SIGNED_OUT = 4001, WEB_REPLACED = 4002, WEB_PROTOCOL = 4003 };
void browser_end(struct browser *b, unsigned code, const char *why);
/* Those that have no session: as sessions_end(). */
void browsers_end(struct web *w, const struct web_login *of, const char *why);
void browsers_each(struct web *w, const struct web_login *of, web_login_fn *fn, void *arg);
void browsers_free(struct web *w);

/* --- session.c */

/* A dialog of SUBSCRIBE. */
enum web_sub_kind {
	WEB_SUB_CONTACTS,
	WEB_SUB_SELF,
	WEB_SUB_PRESENCE,
	WEB_SUB_TALK,
	WEB_N_SUBS,
	WEB_SUB_CONFERENCE = WEB_N_SUBS /* of conference.c, as many as are watched */
};
struct web_sub {
	struct map_node by_call; /* in web->by_call, while call_id is set */
	struct session *session;
	uint8_t kind;
	bool there; /* the other end has answered */
	bool asked;
	bool orphan;     /* of a conference that is not watched any more ... */
	uint8_t pending; /* ... but whose requests are not answered yet */
	char *call_id, *local_tag, *remote, *target; /* remote: To with its tag */
	uint32_t cseq;
	struct timer renew;
};

struct session {
	struct list node;
	struct map_node by_id;
	struct web *web;
	struct web_login who;
	char id[WEB_SESSION_ID_MAX + 1], instance[37];
	struct browser *browser; /* NULL: away */
	struct timer away;
	/* events */
	uint64_t seq;
	uint64_t left; /* the last one when its connection ended */
	struct list events;
	unsigned n_events;
	size_t event_bytes;
	/* SIP */
	uint32_t slot; /* of the front-end process */
	struct list asks;
	unsigned n_asks;
	char reg_call[33];
	uint32_t cseq;
	bool registered, registering, ending;
	struct timer refresh;
	struct web_sub subs[WEB_N_SUBS];
	struct list calls; /* call.c */
	unsigned n_calls;
	struct list conferences; /* conference.c */
	struct list questions;   /* likewise: is the user in a group? */
	unsigned n_conferences;
	struct people *people; /* people.c */
	struct chat *chat;     /* chat.c */
};

/* A new one; it signs in.  id: empty, or one that is free.  NULL: there are too many. */
struct session *session_new(struct web *w, const struct web_login *who, struct str tab,
                            struct str id);
/* The session of that id, which was opened with the same log-in (who NULL: whichever); NULL. */
struct session *session_find(struct web *w, struct str id, const struct web_login *who);
/* The connection that shows it; another one that has it is ended. */
void session_take(struct session *s, struct browser *b);
/* The connection has ended. */
void session_left(struct session *s);
/* The event of that number; empty: it is not kept. */
struct str session_text(const struct session *s, uint64_t seq);
/* `seen`: the browser will not ask for the events up to there again. */
void session_seen(struct session *s, uint64_t number, const cJSON *args);
/* Are all events behind seq still kept? */
bool session_has(const struct session *s, uint64_t seq);
/* Sends them again. */
void session_replay(struct session *s, uint64_t seq);
/* Signs the endpoint off, and frees it. */
void session_end(struct session *s, unsigned code, const char *why);
/* All of the account that were opened with that log-in and that credential; 0: whichever it was. */
void sessions_end(struct web *w, const struct web_login *of, const char *why);
/* Calls fn for each of them, which must not end it. */
void sessions_each(struct web *w, const struct web_login *of, web_login_fn *fn, void *arg);
void sessions_free(struct web *w);
/* A link to a front end is there, or has gone. */
void sessions_link(struct web *w, uint32_t slot, bool up);
/* An event: body is what stands behind "ev", as `"people":[...]`. */
void session_event(struct session *s, const char *ev, struct str body);

/* --- api.c: requests of the browser */

void web_dispatch(struct session *s, uint64_t number, struct str op, const cJSON *args);
/* Answers, one for each request.  body: the members of "ok". */
void web_ok(struct session *s, uint64_t number, struct str body);
void web_fail(struct session *s, uint64_t number, const char *code, const char *text,
              const char *remedy);
/* Of a SIP status. */
void web_fail_sip(struct session *s, uint64_t number, int code);
/* A field is missing or wrong. */
void web_bad(struct session *s, uint64_t number, const char *text);
void web_put_error(struct buf *b, uint64_t number, const char *code, const char *text,
                   const char *remedy);
struct str web_text(const cJSON *args, const char *name);

/* --- ua.c: SIP of a session */

/* m NULL: there is no answer; code 408 or 503 then. */
typedef void web_done_fn(struct session *s, void *arg, int code, const struct sip_msg *m);
struct web_out {
	enum sip_method method;
	struct str uri;               /* "sip:..."; empty: the user's own address */
	struct str to;                /* of a dialog, with its tag; empty: uri */
	struct str call_id, from_tag; /* empty: new ones */
	uint32_t cseq;                /* 0: 1 */
	struct str lines, type, body;
	void (*dropped)(void *arg); /* in place of done, if the session ends; or NULL */
};
/* "sip:bob@example.test", in space; empty: it is too long. */
struct str web_sip_uri(struct str bare, char space[WEB_SIP_URI_MAX + 1]);
/* What web_send() sends, in the transport's buffer; empty: it is too long. */
struct str web_compose(const struct session *s, const struct web_out *o, struct sip_flow *f,
                       const char *branch);
/* Contact: ... of the session, without the line's end. */
void web_put_contact(struct buf *b, const struct session *s);
/* done is called once, never from inside; not any more once the session has ended. */
void web_send(struct session *s, const struct web_out *o, web_done_fn *done, void *arg);
void web_register(struct session *s);
/* done: NULL or as above. */
void web_unregister(struct session *s, web_done_fn *done);
void web_subs_init(struct session *s);
/* Begins, renews or restarts a subscription. */
void web_subscribe(struct session *s, enum web_sub_kind kind);
void web_subs_drop(struct session *s);
/* The same of a single one. */
void web_sub_init(struct web_sub *d, struct session *s, enum web_sub_kind kind);
void web_sub_ask(struct web_sub *d);
void web_sub_forget(struct web_sub *d);
/* From the begin, soon: something that it was told is missing. */
void web_sub_again(struct web_sub *d);
void web_asks_drop(struct session *s);
/* A request of a front end. */
void web_sip_request(void *arg, struct sip_req *rq);

/* --- people.c: contacts and presence */

void wb_people_new(struct session *s);
void wb_people_free(struct session *s);
/* The body of the SUBSCRIBE, and its lines. */
void wb_people_put_sub(struct session *s, enum web_sub_kind kind, struct buf *lines,
                       struct buf *body, struct str *ret_type);
/* The front end is asked for whom it was not yet, and told whom it need not watch any more: a part
 * of them, and after its answer the next. */
void wb_people_ask(struct session *s);
void wb_people_notified(struct session *s, const struct sip_msg *m);
/* Signed in: what the endpoint says of itself. */
void wb_people_start(struct session *s);
/* Somebody is at the device. */
bool wb_people_is_active(const struct session *s);
void wb_people_presence_set(struct session *s, uint64_t number, const cJSON *args);
void wb_people_presence_note(struct session *s, uint64_t number, const cJSON *args);
void wb_people_presence_active(struct session *s, uint64_t number, const cJSON *args);
void wb_people_contacts_add(struct session *s, uint64_t number, const cJSON *args);
void wb_people_contacts_remove(struct session *s, uint64_t number, const cJSON *args);
void wb_people_contacts_move(struct session *s, uint64_t number, const cJSON *args);
void wb_people_contacts_rename(struct session *s, uint64_t number, const cJSON *args);
void wb_people_groups_add(struct session *s, uint64_t number, const cJSON *args);
void wb_people_groups_rename(struct session *s, uint64_t number, const cJSON *args);
void wb_people_groups_remove(struct session *s, uint64_t number, const cJSON *args);
void wb_people_watch(struct session *s, uint64_t number, const cJSON *args);
void wb_people_search(struct session *s, uint64_t number, const cJSON *args);
void wb_people_members(struct session *s, uint64_t number, const cJSON *args);

/* --- chat.c */

/* A message, as browsers are told of it. */
struct shown {
	struct str id, chat, from, at, state, type, text, ref;
	struct str edited_at;
	bool deleted;
	const cJSON *reactions; /* NULL: there are none */
	const cJSON *call;      /* NULL: it is a text */
};

void chat_new(struct session *s);
void chat_free(struct session *s);
void chat_put_sub(struct session *s, struct buf *lines, struct buf *body, struct str *ret_type);
/* The home remembers nothing. */
void chat_forgets(struct session *s);
void chat_notified(struct session *s, const struct sip_msg *m);
/* A MESSAGE came. */
void chat_message(struct session *s, struct sip_req *rq);
void chat_send(struct session *s, uint64_t number, const cJSON *args);
void chat_typing(struct session *s, uint64_t number, const cJSON *args);
void chat_history(struct session *s, uint64_t number, const cJSON *args);
void chat_search(struct session *s, uint64_t number, const cJSON *args);

/* --- change.c: edits, deletions and reactions */

/* Somebody has made one: "edit" ...; m: the row. */
void wb_change_tell(struct session *s, struct str change, const struct shown *m);
void wb_chat_edit(struct session *s, uint64_t number, const cJSON *args);
void wb_chat_delete(struct session *s, uint64_t number, const cJSON *args);
void wb_chat_react(struct session *s, uint64_t number, const cJSON *args);

/* --- conference.c: group chats, which are conferences that last */

/* Is that chat one? */
bool web_is_conference(struct str chat);
void wb_conference_create(struct session *s, uint64_t number, const cJSON *args);
void wb_conference_rename(struct session *s, uint64_t number, const cJSON *args);
void wb_conference_add(struct session *s, uint64_t number, const cJSON *args);
void wb_conference_remove(struct session *s, uint64_t number, const cJSON *args);
void wb_conference_lead(struct session *s, uint64_t number, const cJSON *args);
void wb_conferences_watch(struct session *s, uint64_t number, const cJSON *args);
/* The lines of a SUBSCRIBE, and to whom it goes. */
void wb_conference_put_sub(struct web_sub *d, struct buf *lines, char space[WEB_SIP_URI_MAX + 1],
                           struct str *ret_uri);
void wb_conference_notified(struct web_sub *d, const struct sip_msg *m);
/* The user is not in it, or it is not there. */
void wb_conference_refused(struct web_sub *d);
/* An orphan whose requests are answered. */
void wb_conference_free(struct web_sub *d);
/* Is that user in the group now?  The focus is asked by a session of hers; without one nobody can
 * ask, and she counts as none.  fn is called once, later. */
struct member_ask;
enum wb_member {
	WB_NO_MEMBER,
	WB_MEMBER,
	WB_MEMBER_UNKNOWN, /* the focus does not answer, or too much waits for it */
};
typedef void wb_member_fn(void *arg, enum wb_member is);
struct member_ask *wb_member_ask(struct web *w, uint64_t account, struct str chat, wb_member_fn *fn,
                                 void *arg);
/* fn is not called any more. */
void wb_member_forget(struct member_ask **ap);
/* Signed in. */
void wb_conferences_begin(struct session *s);
/* Not any more. */
void wb_conferences_drop(struct session *s);
void wb_conferences_free(struct session *s);

/* --- call.c: calls, whose media the browsers negotiate (docs/protocols/web-api.md) */

/* INVITE, ACK or BYE came; s NULL: to no session. */
void wb_calls_request(struct session *s, struct sip_req *rq);
/* The session ends: so do its calls, and the other sides are told. */
void wb_calls_end(struct session *s);
/* Nobody is told. */
void wb_calls_free(struct session *s);
void wb_call_start(struct session *s, uint64_t number, const cJSON *args);
void wb_call_answer(struct session *s, uint64_t number, const cJSON *args);
void wb_call_update(struct session *s, uint64_t number, const cJSON *args);
void wb_call_accept(struct session *s, uint64_t number, const cJSON *args);
void wb_call_transfer(struct session *s, uint64_t number, const cJSON *args);
void wb_call_end(struct session *s, uint64_t number, const cJSON *args);

/* --- keep.c: calls that outlive the process */

/* Of which session the calls are that a `hello` brings back; false: it brings none. */
bool wb_kept_session(const struct web *w, const struct web_login *who, const cJSON *hello,
                     char ret[WEB_SESSION_ID_MAX + 1]);
/* Takes them up; appends the member "calls": those that go on. */
void wb_calls_take_back(struct session *s, const cJSON *hello, struct buf *b);
/* The browser gets those anew that are answered. */
void wb_calls_keep(const struct session *s);

/* --- relay.c */

void web_relay_get(struct session *s, uint64_t number, const cJSON *args);
