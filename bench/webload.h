/* The generator of the web role's load: browsers with a WebSocket each, in one process.
 *
 * It stands on the client side of the server's own HTTP and WebSocket; what it counts it takes from
 * what was sent and asked for alone, and selftest_web.py checks that against a server of its own.
 */
#pragma once

#include <cjson/cJSON.h>

#include "stack/http/client.h"
#include "stack/ws/ws.h"

enum {
	USERS_MAX = 20000,
	STEPS_MAX = 64,
	COUNT_MAX = 10000000,
	URI_MAX = 128,  /* bytes of an address */
	TEXT_MAX = 160, /* of a message, and of what an echo sends */
	CODE_MAX = 32,
	ID_MAX = 64,   /* bytes of a message's id, and of its time */
	PAST_MAX = 64, /* messages of a pair that are remembered */
	TICKET_MAX = 128,
	TABS_MAX = 8, /* WEB_USER_SESSIONS_MAX of the server */
};

/* One word of the command line. */
enum kind {
	K_LOGIN,
	K_OPEN,
	K_SEEN,
	K_HOLD,
	K_CHAT,
	K_WATCH,
	K_PRESENCE,
	K_ECHO,
	K_MEET,
	K_GROUP,
	K_SEARCH,
	K_EDIT,
	K_REACT,
};
struct step {
	enum kind kind;
	const char *name;
	uint32_t count;
};

enum stage {
	S_NONE,
	S_OPENING, /* the WebSocket */
	S_HELLO,   /* the answer to it, and then self and contacts */
	S_READY,
	S_GONE,
};

/* A message that was sent. */
struct past {
	char id[ID_MAX], at[ID_MAX];
};

/* Sessions in a row that have a chat together. */
struct group {
	char chat[URI_MAX];
	uint32_t added; /* of them */
	uint32_t turn;  /* of its messages */
	uint32_t heard; /* who have been told the last one */
	bool busy, answered;
	usec_t sent;
};

struct load;
struct browser {
	struct load *load;
	uint32_t number;
	enum stage stage;
	struct ws *ws;
	uint64_t seq; /* of the last event */
	bool greeted, self, contacts;
	/* What is under way: of a chat with its neighbour, a state that is awaited, an echo. */
	uint32_t request; /* the number of the last one */
	uint32_t turn;    /* of its messages */
	bool busy, answered, heard;
	usec_t sent;
	struct past *past; /* of the first one of a pair: its last PAST_MAX messages */
	uint32_t n_past;   /* that were sent */
	uint32_t at;       /* the one that is changed now */
};

/* What a step found. */
struct found {
	uint64_t ops;
	uint64_t lost, wrong, stray, refused, closed;
	uint64_t own;        /* events of one's own messages */
	char code[CODE_MAX]; /* of the first refusal */
	usec_t began, ended;
	uint32_t *took; /* microseconds of each operation, if they are counted */
	size_t n_took;
};

struct load {
	struct loop *loop;
	struct tls_client *tls;
	struct ws_host *host;
	struct http_client *http;
	struct addr server;
	struct str name, domain, prefix, password;
	char authority[URI_MAX], origin[URI_MAX];
	bool is_echo, waits;
	uint32_t users, tabs, outstanding;
	usec_t patience;
	struct step steps[STEPS_MAX];
	unsigned n_steps;

	char (*tickets)[TICKET_MAX + 1]; /* of the users; empty: not logged in */
	struct browser *browsers;        /* users x tabs; the first n_open were opened */
	uint32_t n_open;
	struct group *groups;
	uint32_t n_groups, group_size;

	/* Of the step. */
	const struct step *step;
	uint32_t begun, ended, under_way, cursor;
	struct found found;
	struct timer pause; /* K_HOLD, K_PRESENCE */
	bool over;
	unsigned state; /* K_PRESENCE: which one the publisher has */
	uint32_t told;  /* who have seen it */
	uint32_t run;   /* random: nothing of an earlier run is taken for ours */
};

/* --- webopen.c: passwords, and sessions up to "contacts" */

/* Logs all users in; `step->count` sessions more. */
void web_log_in(struct load *l);
void web_open(struct load *l);
/* "user7@bench.test" of that browser. */
void web_address(const struct load *l, uint32_t browser, struct buf *b);

/* --- webchat.c: what is done in a session */

void web_chat(struct load *l);
void web_seen(struct load *l);
void web_watch(struct load *l);
void web_presence(struct load *l);
void web_echo(struct load *l);
/* What browsers share: one asks in the name of its number, and others are told. */
void web_send_json(struct browser *b, const struct buf *t);
/* What A says in its turn, and whether the text is that. */
void web_put_words(const struct load *l, const struct browser *a, struct buf *b);
bool web_says(const struct load *l, const struct browser *a, struct str text);
/* The next pair that has nothing under way; NULL: there is none. */
struct browser *web_next_pair(struct load *l);
/* An answer or an event of a session that is ready; an echo. */
void web_heard(struct browser *b, const cJSON *v);
void web_echoed(struct browser *b, struct str text);
/* Its connection has ended. */
void web_left(struct browser *b);

/* --- webgroup.c: chats of many */

/* Groups of `step->count` sessions are made; `step->count` messages to them. */
void web_meet(struct load *l);
void web_group(struct load *l);
void web_meet_heard(struct browser *b, const cJSON *v);
void web_group_heard(struct browser *b, const cJSON *v);

/* --- webpast.c: what is done with messages that were sent */

void web_search(struct load *l);
/* And reactions. */
void web_edit(struct load *l);
void web_search_heard(struct browser *b, const cJSON *v);
void web_change_heard(struct browser *b, const cJSON *v);
/* Remembers one that A has sent, as the server told it. */
void web_keep(struct browser *a, const cJSON *message);

/* --- webload.c */

/* Runs the loop until l->over.  look: called now and then, or NULL. */
void load_run(struct load *l, void (*look)(struct load *l));
/* An operation that took so long. */
void load_count(struct load *l, usec_t sent);
void load_refused(struct load *l, struct str code);
struct str load_text(const cJSON *v, const char *name);
/* Is it the answer to that request?  And is it a good one: a refusal is counted. */
bool load_answers(const struct browser *b, const cJSON *v);
bool load_is_ok(struct load *l, const cJSON *v);
/* Prints the sentence and ends the program. */
void load_die(const char *fmt, ...) PRINTF_LIKE(1, 2) __attribute__((noreturn));
