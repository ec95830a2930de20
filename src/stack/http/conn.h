/* The inside of the HTTP server, for the files of this folder that make it up (server.c, conn.c,
 * exchange.c, answer.c, and h2.h). */
#pragma once

#include "stack/http/server.h"
#include "wire/http/body.h"

enum { HTTP_SPARE_MAX = 4 * 1024 };

struct http_server {
	struct loop *loop;
	struct http_server_config cfg;
	struct http_server_ops ops;
	void *arg;
	struct http_listen {
		struct http_server *srv;
		struct listener *ls;
		bool tls;
		void *via;
	} listens[HTTP_LISTENERS_MAX];
	unsigned n_listens;
	struct list conns;
	struct list idle; /* the longest idle first */
	struct http_server_stats stats;
	struct buf spare; /* memory for the next answer's head */
	char date[HTTP_DATE_LEN + 1];
	uint64_t date_s; /* the second of `date` */
	bool stopping;
	void (*stopped)(void *arg);
	void *stopped_arg;
	struct defer stop;
};

/* What a connection waits for, each with a time limit. */
enum http_phase {
	HTTP_WAIT_NOTHING, /* the handler, or the handshake: not limited here */
	HTTP_WAIT_IDLE,
	HTTP_WAIT_HEAD,
	HTTP_WAIT_BODY,
	HTTP_WAIT_SEND,
};

enum http_conn_state {
	HTTP_CONN_OPENING, /* TLS handshake */
	HTTP_CONN_OPEN,
	HTTP_CONN_ENDING, /* what is queued is sent, then the stream closed */
	HTTP_CONN_BROKEN, /* the stream is told at the next occasion */
	HTTP_CONN_GONE,   /* the stream is somebody else's */
};

struct http_conn {
	struct http_server *srv;
	struct stream *stream;
	struct h2 *h2;           /* NULL: HTTP/1.1 */
	struct http_exchange *x; /* of HTTP/1.1; NULL between exchanges */
	struct list node, idle;
	void *via;
	struct timer timer;
	usec_t since;       /* the phase began; in WAIT_SEND: the last progress */
	size_t unsent_then; /* then */
	struct http_framer framer;
	uint8_t state; /* enum http_conn_state */
	uint8_t phase; /* enum http_phase */
	bool inside;   /* data() is at work */
	bool paused;
	bool stranger; /* the certificate is of nobody that is served */
	bool plain;    /* without TLS, where it should have it */
	bool held;     /* no new request until the peer has taken its answers */
};

enum http_in_state {
	HTTP_IN_HELD, /* the handler has not asked for it */
	HTTP_IN_WHOLE,
	HTTP_IN_PIECES,
	HTTP_IN_DROP,
	HTTP_IN_DONE,
};
enum http_out_state { HTTP_OUT_NONE, HTTP_OUT_HEAD, HTTP_OUT_BODY, HTTP_OUT_DONE };

struct http_exchange {
	struct http_conn *c;
	struct h2_stream *st; /* NULL: HTTP/1.1 */
	struct http_msg *msg; /* behind this struct, in the same block */
	struct http_body body;
	uint8_t in;  /* enum http_in_state */
	uint8_t out; /* enum http_out_state */
	bool told;   /* the handler knows of it */
	bool paused;
	bool keep;     /* the connection goes on after the answer */
	bool bodyless; /* no body is sent: HEAD, 204, 304 */
	bool chunked;
	bool waiting; /* for room */
	unsigned status;
	uint64_t in_max;
	uint64_t out_left, out_total;
	struct http_fault fault; /* to be answered instead of the handler */
	http_whole_fn *whole;
	http_piece_fn *piece;
	void (*room)(void *user);
	void (*gone)(void *user);
	void *user;
	struct buf head, got;
	usec_t began;
};

/* conn.c */
void http_conn_new(struct http_server *s, int fd, bool tls, void *via);
void http_conn_adopt(struct http_server *s, struct stream *stream, void *via);
/* Ends it at once; gone() of its exchange is called. */
void http_conn_kill(struct http_conn *c);
/* Lets the peer have what is queued, then closes. */
void http_conn_end(struct http_conn *c);
/* Something changed outside of data(): the connection looks at it in this turn. */
void http_conn_kick(struct http_conn *c);
/* The phase is found anew, and its timer set. */
void http_conn_watch(struct http_conn *c);
void http_conn_pause(struct http_conn *c, bool paused);

/* Answers for the handler, or for nobody's request, and ends the connection.  If the handler's
 * answer is under way already, it is broken off. */
void http_conn_fail(struct http_conn *c, struct http_fault f);
/* Tells done() of a request whose head was broken. */
void http_conn_log_broken(struct http_conn *c, struct http_fault f);
/* Gives the stream to another owner, and ends. */
struct stream *http_conn_release(struct http_conn *c, const struct stream_ops *ops, void *arg);

/* exchange.c */
/* A good head: refused by policy, or given to the handler.  st: of HTTP/2, or NULL. */
void http_exchange_begin(struct http_conn *c, const struct http_msg *m, struct h2_stream *st);
/* It is over, whoever ended it: logged, freed, and the handler told if he had not answered. */
void http_exchange_end(struct http_exchange *x);
bool http_exchange_wants_body(const struct http_exchange *x);
/* A piece of the body, which is counted in x->body already; the end of it. */
void http_exchange_give(struct http_exchange *x, struct str piece);
void http_exchange_give_end(struct http_exchange *x);

/* answer.c */
/* Writes an answer of the engine itself; there may be no exchange. */
void http_answer_fault(struct http_conn *c, struct http_fault f);
/* The text of it for people. */
void http_put_fault(struct buf *b, struct http_fault f);
/* The value of Date. */
struct str http_server_date(struct http_server *s);
