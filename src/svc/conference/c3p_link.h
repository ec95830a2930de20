/* C3P between a focus and an MCU: POST of application/cccp+xml over HTTP/1.1 (design section 4).
 *
 * A connection for each way, for either end may begin: the focus commands, the MCU notifies.  One
 * document is under way to a peer at a time, so they arrive in order. */
#pragma once

#include "base/buf.h"
#include "loop/loop.h"

enum {
	C3P_LINK_PEERS_MAX = 64,
	C3P_LINK_DOC_MAX = 4 * 1024 * 1024, /* bytes of a document: 413 */
	C3P_LINK_WAITING_MAX = 100000,      /* documents for one peer; the next one is lost */
};
#define C3P_LINK_PATH "/c3p"
#define C3P_LINK_TYPE "application/cccp+xml"

struct c3p_link; /* opaque: all connections of this process */

struct c3p_link_ops {
	/* A document of that peer; appends the answer, or nothing. */
	void (*document)(void *arg, uint32_t peer, struct str document, struct buf *answer);
	/* What it answered to a document of ours; may be NULL. */
	void (*answer)(void *arg, uint32_t peer, struct str document);
	/* The connection to that peer, by which we send, has ended; what waits for it is lost. */
	void (*lost)(void *arg, uint32_t peer);
};

/* Borrows ops and arg. */
struct c3p_link *c3p_link_new(struct loop *l, const struct c3p_link_ops *ops, void *arg);
void c3p_link_free(struct c3p_link **lp);
/* Takes a connected Unix socket by which that peer sends. */
void c3p_link_serve(struct c3p_link *l, uint32_t peer, int fd);
/* And one by which it is sent to; what waited for an older one is lost. */
void c3p_link_open(struct c3p_link *l, uint32_t peer, int fd);
bool c3p_link_is_open(const struct c3p_link *l, uint32_t peer);
/* Sends a document, which is copied.  What is lost with a connection must be told anew. */
void c3p_link_send(struct c3p_link *l, uint32_t peer, struct str document);
