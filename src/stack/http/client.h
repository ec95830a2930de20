/* An HTTP/1.1 client on the loop: a bounded pool of connections to one origin, over TCP, TLS (with
 * a certificate of ours, if one is wanted) or connected Unix sockets.
 *
 * A connection has one request at a time and is kept for the next ones.  Requests without a
 * connection wait in order. */
#pragma once

#include "base/addr.h"
#include "loop/stream.h"
#include "wire/http/compose.h"

struct http_client; /* opaque: the pool */
struct http_call;   /* opaque: one request and its answer */

enum {
	HTTP_CLIENT_ADDRS_MAX = 8,
	HTTP_REQUEST_MAX = 16 * 1024 * 1024, /* bytes of a request, body included */
	HTTP_INTERIM_MAX = 8,                /* 1xx answers before the final one */
};

struct http_client_stats {
	uint64_t calls, answers, failed; /* failed: done() with an error */
	uint64_t retried, opened, reused;
	uint32_t conns, busy, waiting; /* now */
};

/* 0 (or NULL) in those with a default: the default that stands behind. */
struct http_client_config {
	struct str authority;     /* the value of Host: "web.example.test:4443" */
	const struct addr *addrs; /* where it is, tried in turn; copied */
	size_t n_addrs;           /* at most HTTP_CLIENT_ADDRS_MAX; 0: links alone, or dial() */
	struct tls_client *tls;   /* the pool takes a reference; NULL: no TLS */
	struct str server_name;   /* that the certificate must be good for; required with TLS */
	int (*dial)(void *arg);   /* instead of addrs: a connected, non-blocking Unix socket, or
	                           * -errno; NULL: none */
	void *dial_arg;
	uint32_t max_conns;   /* 8 */
	uint32_t max_waiting; /* requests without a connection; 256 */
	uint32_t connect_s;   /* connect and handshake; 10 */
	uint32_t idle_s;      /* an unused connection is kept so long; 30, less than servers do */
};
struct http_client *http_client_new(struct loop *l, const struct http_client_config *cfg);
/* Drops all calls; done() is not called.  Not from inside one of its callbacks. */
void http_client_free(struct http_client **cp);
/* Why the connection ended: a text for people, valid for the call. */
typedef void http_lost_fn(void *arg, const char *why);
/* Takes a connected Unix socket, one end of a local link, as a connection that is never idle for
 * too long.  lost() is called when it has ended; may be NULL. */
void http_client_link(struct http_client *c, int fd, http_lost_fn *lost, void *arg);
/* The same with a stream that is open already (stream_ops.opened). */
void http_client_adopt(struct http_client *c, struct stream *s, http_lost_fn *lost, void *arg);
const struct http_client_stats *http_client_stats(const struct http_client *c);

struct http_call_config {
	struct str method;               /* "GET" */
	struct str target;               /* "/path?query", escaped */
	const struct http_field *fields; /* not Host, Content-Length, Connection */
	size_t n_fields;
	struct str body; /* p NULL: none; type: its Content-Type, empty for none */
	struct str type;
	uint32_t body_max; /* of an answer that is collected; 1 MB */
	usec_t timeout; /* until done(); with data(): until the head, then between pieces; 60 s */
};

/* Borrowed for the call of done(). */
struct http_result {
	int err;                    /* 0, or why there is no whole answer: -ETIMEDOUT, -EPIPE (the
	                             * connection ended early), -EBADMSG, -E2BIG (larger than
	                             * body_max), or of connecting */
	const char *why;            /* text for people if err */
	const struct http_msg *msg; /* head of the answer; NULL if it did not come */
	struct str body;            /* all of it, without data() */
};

struct http_call_ops {
	/* The head of the final answer; may be NULL. */
	void (*head)(void *arg, const struct http_msg *m);
	/* A piece of the body; NULL: it is collected for done(). */
	void (*data)(void *arg, struct str piece);
	/* The end, exactly once; the call is gone when it returns. */
	void (*done)(void *arg, const struct http_result *r);
};

/* Everything in cfg is copied.  Callbacks come from the loop.  NULL: max_waiting requests wait
 * already, or this one is larger than HTTP_REQUEST_MAX.  A request that may be repeated
 * (http_is_idempotent()) is sent once more if a kept connection ended before any byte of an answer:
 * the server had closed it meanwhile. */
struct http_call *http_call_new(struct http_client *c, const struct http_call_config *cfg,
                                const struct http_call_ops *ops, void *arg) MUST_CHECK;
/* Cancels it: no callback follows.  The connection that had it is closed. */
void http_call_free(struct http_call **cp);
/* Stops and starts data(); the peer feels it. */
void http_call_pause(struct http_call *c, bool paused);
