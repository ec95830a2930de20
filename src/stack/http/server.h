/* An HTTP server on the loop: TCP, TLS, and connected Unix sockets.  HTTP/1.1, and HTTP/2 where TLS
 * has agreed on it (tls.h, ALPN "h2"); the handler need not know which.
 *
 * A request and its answer are an *exchange*: request() is called when its head has come and is
 * good; the handler reads the body or not, and answers at once or later.  A connection of HTTP/1.1
 * has one exchange at a time, and what the peer sends ahead waits its turn; one of HTTP/2 has many.
 * What is broken, too large or too slow is answered here, with a short text for people, and never
 * reaches the handler. */
#pragma once

#include "base/addr.h"
#include "loop/stream.h"
#include "wire/http/compose.h"

struct http_server;   /* opaque */
struct http_exchange; /* opaque; one request and its answer */

enum {
	HTTP_AHEAD_MAX = 64 * 1024,         /* bytes read ahead of the request at hand */
	HTTP_SEND_HIGH = 256 * 1024,        /* http_send() asks to wait above this */
	HTTP_SEND_LOW = 64 * 1024,          /* and room() comes below this */
	HTTP_ANSWER_MAX = 16 * 1024 * 1024, /* bytes of an answer that is not streamed */
	HTTP_DROP_MAX = 64 * 1024, /* of a body that nobody wants, read so that the connection can
	                            * go on; with more it is closed */
	HTTP_BODY_RATE_MIN = 500,  /* bytes/s of a body, beyond body_s */
	HTTP_ACCEPTS_PER_TURN = 32,
	HTTP_LISTENERS_MAX = 16,
	HTTP_LINGER_S = 2, /* so long a closed connection is still read */
};
#define HTTP_LEN_UNKNOWN UINT64_MAX

/* How a connection ended that was not just closed, and what was refused: for metrics. */
struct http_server_stats {
	uint64_t opened, refused_conns; /* above max_conns, or without a descriptor */
	uint64_t requests, broken;      /* good heads; those that were answered here */
	uint64_t answers[6];            /* by the first digit of the status */
	uint64_t aborted; /* exchanges whose peer went away, or that could not go on */
	uint64_t timeouts_idle, timeouts_head, timeouts_body, timeouts_send;
	uint64_t evicted;   /* idle connections that made room for new ones */
	uint64_t h2_conns;  /* HTTP/2, of those that were opened */
	uint64_t h2_calmed; /* ended because of floods of frames */
	uint64_t body_in, body_out;
	uint32_t conns, exchanges; /* now */
};

/* One finished exchange, for the log.  Borrowed for the call. */
struct http_done {
	const struct http_msg *msg; /* NULL: the head was broken */
	const struct addr *peer;
	unsigned status; /* 0: no answer was begun */
	const char *why; /* of what was answered here, static; NULL: the handler answered */
	bool whole;      /* the answer was given to the connection whole */
	bool h2;
	uint64_t in, out; /* bytes of both bodies */
	usec_t took;
};

struct http_server_ops {
	/* The head of a request is there; see below for what to do with x. */
	void (*request)(void *arg, struct http_exchange *x);
	/* The same of one that came without TLS where it should have: only to say so, for the
	 * connection ends behind it.  NULL: who speaks so is ended without an answer. */
	void (*plain)(void *arg, struct http_exchange *x);
	/* May a peer with this certificate, which has verified against the CA, be served?  NULL: it
	 * showed none.  Asked once for each TLS connection; if not, every request gets a 403.  May
	 * be NULL: all are served. */
	bool (*peer)(void *arg, const struct tls_peer *peer, void *via);
	/* Is this host (without port) one of ours?  If not, 421.  May be NULL: all are. */
	bool (*host)(void *arg, struct str host);
	/* May be NULL. */
	void (*done)(void *arg, const struct http_done *d);
};

/* 0 in any of them: the default that stands behind. */
struct http_server_config {
	struct tls_server *tls; /* for listeners with TLS; the server takes a reference; or NULL */
	uint32_t max_conns;     /* 1000 */
	uint32_t head_max;      /* bytes of a head; HTTP_HEAD_MAX, which is also the most */
	uint32_t open_s;        /* TLS handshake; 10 */
	uint32_t idle_s;        /* between requests, and before the first; 60 */
	uint32_t head_s;        /* from the first byte of a request to the end of its head; 10 */
	uint32_t body_s;        /* of a body, plus what it may take at HTTP_BODY_RATE_MIN; 30 */
	uint32_t send_s;        /* a peer that takes nothing of an answer for so long; 30 */
	uint32_t max_streams;   /* exchanges of an HTTP/2 connection at a time; 100 */
};

struct http_server *http_server_new(struct loop *l, const struct http_server_config *cfg,
                                    const struct http_server_ops *ops, void *arg);
/* Ends all connections at once; gone() of their exchanges is called. */
void http_server_free(struct http_server **sp);
/* Takes a listening socket.  `via` is for http_via(): which listener or link it came by. */
void http_server_listen(struct http_server *s, int fd, bool tls, void *via);
/* Takes a client's connection that was accepted elsewhere; it is ended if there is no room. */
void http_server_accept(struct http_server *s, int fd, bool tls, void *via);
/* Takes a connected socket: one end of a local link, or a connection accepted elsewhere. */
void http_server_take(struct http_server *s, int fd, bool tls, void *via);
/* Takes a stream that is open already (stream_ops.opened), whose peer the caller has looked at. */
void http_server_adopt(struct http_server *s, struct stream *stream, void *via);
/* How many connections a listener takes in one turn of the loop, of those there are (at first
 * HTTP_ACCEPTS_PER_TURN). */
void http_server_set_accepts(struct http_server *s, unsigned per_turn);
/* For connections from now on. */
void http_server_set_tls(struct http_server *s, struct tls_server *tls);
/* No new connections; those that are idle are closed, the others after their answer.  done() is
 * called from the loop when none is left; whoever does not want to wait for it frees the server. */
void http_server_stop(struct http_server *s, void (*done)(void *arg), void *arg);
const struct http_server_stats *http_server_stats(const struct http_server *s);

/* The exchange.  It is the handler's from request() on until it has answered (http_finish(),
 * http_send_end(), http_answer(), http_refuse(), http_abort()) or gone() has been called: exactly
 * one of the two happens, and after it x must not be used. */

/* The request; lives as long as x. */
const struct http_msg *http_request(const struct http_exchange *x);
void *http_via(const struct http_exchange *x);
const struct addr *http_peer(const struct http_exchange *x);  /* AF_UNSPEC: a Unix socket */
const struct addr *http_local(const struct http_exchange *x); /* likewise */
bool http_is_tls(const struct http_exchange *x);
/* The certificate that the peer showed and that verified, or NULL. */
const struct tls_peer *http_tls_peer(const struct http_exchange *x);
/* gone() is called, never from inside a call of the handler, if the exchange ends without the
 * handler: the connection broke, the body was broken, too large or too slow. */
void http_set_user(struct http_exchange *x, void *user, void (*gone)(void *user));

/* Reading the body: at most one of the two, before the answer is begun.  A client that waits for it
 * is told to go on (100).  More than max bytes: 413 and gone(). */
/* fn gets the whole body, which it borrows for the call; from the loop, also if it is empty. */
typedef void http_whole_fn(void *user, struct http_exchange *x, struct str body);
void http_read_all(struct http_exchange *x, uint32_t max, http_whole_fn *fn);
/* fn gets piece by piece, at last an empty one. */
typedef void http_piece_fn(void *user, struct http_exchange *x, struct str piece);
void http_read(struct http_exchange *x, uint64_t max, http_piece_fn *fn);
/* Stops and starts the pieces; the peer feels it. */
void http_pause(struct http_exchange *x, bool paused);

/* Begins the answer with a status of 200 to 599, or 101 for http_hand_over().  Header fields are
 * added to what this returns, with http_put_field() and http_put_number(), until one of the next
 * three is called; not Date, Connection, Content-Length and Transfer-Encoding, which are added by
 * themselves. */
struct buf *http_begin(struct http_exchange *x, unsigned status);
/* Ends the answer with its whole body, at most HTTP_ANSWER_MAX bytes.  To HEAD, and with 204 and
 * 304, none is sent. */
void http_finish(struct http_exchange *x, struct str body);
/* The body follows with http_send(): exactly len bytes, or HTTP_LEN_UNKNOWN: until http_send_end().
 * To HEAD none need be sent: the length is told all the same.  room() may be NULL if the handler
 * never waits. */
void http_stream(struct http_exchange *x, uint64_t len, void (*room)(void *user));
/* False: enough for now; go on when room() is called (from the loop, once for each false). */
bool http_send(struct http_exchange *x, struct str piece);
void http_send_end(struct http_exchange *x);

/* All in one; type empty: none. */
void http_answer(struct http_exchange *x, unsigned status, struct str type, struct str body);
/* A status, and a sentence for people as text/plain. */
void http_refuse(struct http_exchange *x, unsigned status, const char *why);
/* The answer that was begun cannot be brought to its end: the connection (of HTTP/2: its stream) is
 * broken off, so that the client knows. */
void http_abort(struct http_exchange *x);
/* The end of HTTP/1.1 on this connection (RFC 9110 section 7.8): ends the answer 101 and gives the
 * connection to the caller, who frees it with stream_free(), though not before request() has
 * returned.  What the client has sent behind its request comes to ops->data() in this turn.  For
 * requests that have asked for it (http_request(x)->upgrade, never so in HTTP/2) and have no body;
 * the handler adds the field Upgrade.  The stream keeps its limits, and is not counted as the
 * server's any more. */
struct stream *http_hand_over(struct http_exchange *x, const struct stream_ops *ops, void *arg);
