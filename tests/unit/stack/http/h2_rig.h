/* A client of HTTP/2 on nghttp2, talking to the site of rig.h, for the tests of stack/http. */
#pragma once

#include <nghttp2/nghttp2.h>

#include "rig.h"

enum { H2_REQUESTS_MAX = 600 };

struct h2_reply {
	int32_t id;
	unsigned status, n_info; /* n_info: answers of 1xx */
	bool closed;
	uint32_t code; /* of the end */
	char type[64], fields[1024];
	struct buf body;
	struct str to_send; /* of the request's body */
	bool hold;          /* what is to be sent stops, without an end */
};

struct h2_client {
	struct site *site;
	nghttp2_session *session;
	struct stream *stream;
	struct h2_reply replies[H2_REQUESTS_MAX];
	unsigned n;
	unsigned n_goaway, n_closed;
	uint32_t goaway; /* its code */
	int32_t last_id; /* of GOAWAY */
	uint32_t max_streams, window;
	bool connect_protocol; /* of the server's settings */
	bool stuck;            /* nothing is read from the server, and no window opened */
};

/* Connects without TLS; the server is told that ALPN had agreed. */
void h2_connect(struct h2_client *c, struct site *s);
void h2_done(struct h2_client *c);
/* A request; `extra` is "name: value\n..." and may name pseudo-fields, `body` NULL: none. */
struct h2_reply *h2_ask(struct h2_client *c, const char *method, const char *path,
                        const char *extra, const char *body);
/* Sends what nghttp2 has to send. */
void h2_push(struct h2_client *c);
/* Asks, and waits for the end of the stream. */
struct h2_reply *h2_get(struct h2_client *c, const char *path);
