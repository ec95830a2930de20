/* The inside of the HTTP client, for the files of this folder that make it up (client.c, call.c).
 */
#pragma once

#include "stack/http/client.h"
#include "wire/http/body.h"

struct http_client {
	struct loop *loop;
	struct http_client_config cfg;
	char *authority, *server_name;
	struct addr addrs[HTTP_CLIENT_ADDRS_MAX];
	size_t at;               /* address to connect to next */
	unsigned failures;       /* connects in a row */
	unsigned n_opening;      /* connections that are not ready yet */
	struct list conns, idle; /* the latest used first */
	struct list waiting;     /* calls */
	struct defer work;
	struct timer again; /* set: no connection is opened until then */
	struct http_client_stats stats;
};

struct http_call {
	struct http_client *client;
	struct http_link *link; /* the connection that has it, or NULL: it waits */
	struct list node;       /* of client->waiting */
	struct http_call_ops ops;
	void *arg;
	enum http_method method;
	struct buf request, got;
	struct http_msg *msg; /* of the answer, once its head has come; owned */
	struct http_body body;
	uint32_t body_max;
	usec_t timeout;
	struct timer timer;
	bool retried, paused;
};

/* A connection. */
struct http_link {
	struct http_client *client;
	struct stream *stream;
	struct http_call *call;
	struct list node, idle;
	struct http_framer framer;
	struct timer timer; /* while idle */
	unsigned n_interim;
	bool opening, inside, used;
	bool heard;   /* a byte of the answer at hand has come */
	bool is_over; /* to be closed at the next occasion */
	bool given;   /* by http_client_link() */
	http_lost_fn *lost;
	void *lost_arg;
};

/* call.c */
/* The end of a call that waits or whose connection has been told. */
void http_call_end(struct http_call *c, int err, const char *why);
/* Something of the answer has come: with data() its time starts anew. */
void http_call_touch(struct http_call *c);

/* client.c */
/* Looks in this turn which calls can have a connection. */
void http_client_work(struct http_client *c);
/* The call has been taken off it before its answer was whole. */
void http_link_drop(struct http_link *l);
