/* The two ends of streams, for the tests of the loop: what was opened, came and ended. */
#pragma once

#include "await.h"
#include "base/buf.h"
#include "loop/stream.h"

enum { END_MAX = 4 * 1024 * 1024 };

struct end {
	struct stream *s;
	unsigned n_opened, n_closed, n_room;
	int err;
	char why[128];
	struct buf got;
	size_t leave;   /* bytes that data() does not use */
	ssize_t refuse; /* what data() returns if not 0 */
};

/* A listening socket whose connections become `accepted`, one after the other. */
struct door {
	struct loop *loop;
	struct listener *ls;
	struct tls_server *tls; /* borrowed; may be NULL */
	struct stream_limits lim;
	struct end accepted[8];
	unsigned n;
	struct addr at;
};

void end_done(struct end *e);
/* A listening socket on a port of its own; *ret_at is where. */
int door_socket(int type, const char *host, struct addr *ret_at);
/* Two ends of a connection by TCP over loopback, non-blocking. */
void ends_pair(int ret[2]);
void door_open(struct door *d, struct loop *l, struct tls_server *tls);
void door_close(struct door *d);
/* Connects to it. */
void door_connect(struct door *d, struct end *e, struct tls_client *tls, struct str name);
/* Small enough that tests reach them, long enough for a busy machine. */
extern const struct stream_limits end_limits;
/* For streams that are made by hand. */
extern const struct stream_ops end_ops;
