/* C3P between a focus and an MCU: POST of application/cccp+xml over HTTP/1.1 (design section 4).
 *
 * A connection for each way, for either end may begin: the focus commands, the MCU notifies.  One
 * document is under way to a peer at a time, so they arrive in order.
 *
 * On one host a connection is a local link.  To another host it is TLS, and the front-end process
 * that a document is of or for stands in its path, "/c3p/2": the processes behind one port share
 * its connections.  Such a connection begins with a GET of that path, by which the sender says that
 * it is there, in which run ("?run=TOKEN"), and hears whether it is heard; and the document that
 * reaches another process than its own is passed on by local links between the processes, before it
 * is acknowledged. */
#pragma once

#include "base/buf.h"
#include "loop/loop.h"
#include "loop/stream.h"

enum {
	C3P_LINK_PEERS_MAX = 64,
	C3P_LINK_DOC_MAX = 4 * 1024 * 1024, /* bytes of a document: 413 */
	C3P_LINK_WAITING_MAX = 100000,      /* documents for one peer; with the next it is lost */
	C3P_LINK_CONNS_MAX = 1024,          /* that come in from other hosts */
	C3P_LINK_RUN_MAX = 32,              /* bytes of a run */
	C3P_LINK_HELLO_S = 10,              /* so long the answer to the first request may take */
};
#define C3P_LINK_PATH "/c3p"
#define C3P_LINK_TYPE "application/cccp+xml"

struct c3p_link; /* opaque: all connections of this process */

struct c3p_link_ops {
	/* A document of that peer; appends the answer, or nothing. */
	void (*document)(void *arg, uint32_t peer, struct str document, struct buf *answer);
	/* What it answered to a document of ours; may be NULL. */
	void (*answer)(void *arg, uint32_t peer, struct str document);
	/* The connection to that peer, by which we send, has ended; what waits for it is lost.  why
	 * is for people. */
	void (*lost)(void *arg, uint32_t peer, const char *why);
	/* The rest is of connections with processes in their paths; may be NULL without. */
	/* A connection of c3p_link_reach() has been answered: documents can be sent. */
	void (*opened)(void *arg, uint32_t peer);
	/* By a connection of *peer comes something with this number (1, 2, ...) in its path.  0:
	 * it is for us, and *peer says now of whom; a positive number: it is to be passed to that
	 * process of ours; -ENOENT: there is no such process. */
	int (*find)(void *arg, uint32_t *peer, uint32_t number);
	/* The peer says by a new connection that it is there, and its run: a word that is new with
	 * each start of a process, or empty; may be NULL. */
	void (*hello)(void *arg, uint32_t peer, struct str run);
};

/* Borrows ops and arg. */
struct c3p_link *c3p_link_new(struct loop *l, const struct c3p_link_ops *ops, void *arg);
void c3p_link_free(struct c3p_link **lp);
/* What is for another process of ours goes by this one's connections, whose peers are the processes
 * (number 1: peer 0).  Borrowed; freed after l. */
void c3p_link_pass_by(struct c3p_link *l, struct c3p_link *others);

/* Takes a connected Unix socket by which that peer sends. */
void c3p_link_serve(struct c3p_link *l, uint32_t peer, int fd);
/* The same with an open stream from another host: find() says of whom a document is.  False: there
 * are too many, and the stream is still the caller's. */
bool c3p_link_admit(struct c3p_link *l, uint32_t peer, struct stream *s);
/* And a Unix socket by which it is sent to; what waited for an older one is lost. */
void c3p_link_open(struct c3p_link *l, uint32_t peer, int fd);
/* The same with an open stream to another host: opened() or lost() follows. */
struct c3p_far {
	struct str authority; /* the value of Host */
	uint32_t number;      /* of the process that stands in the path */
	struct str run;       /* ours, for the peer's hello(); letters and digits, or empty */
};
void c3p_link_reach(struct c3p_link *l, uint32_t peer, struct stream *s, const struct c3p_far *far);
/* Can documents be sent? */
bool c3p_link_is_open(const struct c3p_link *l, uint32_t peer);
/* Sends a document, which is copied; while the answer to the first request of a connection is not
 * there, it waits for that.  What is lost with a connection must be told anew. */
void c3p_link_send(struct c3p_link *l, uint32_t peer, struct str document);
