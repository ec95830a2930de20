/* The inside of WebSocket, for the files of this folder. */
#pragma once

#include <wslay/wslay.h>

#include "base/buf.h"
#include "stack/ws/ws.h"

enum { WS_KEY_LEN = 24, WS_ACCEPT_LEN = 28 }; /* base64 of 16 and of 20 bytes */

enum ws_role { WS_SERVER, WS_CLIENT, WS_N_ROLES };

/* wslay's state with its buffers, 8 kB: lent to a connection while it is not at rest. */
struct ws_engine {
	wslay_event_context_ptr ctx;
	struct ws *ws;
};

struct ws_host {
	struct loop *loop;
	struct ws_config cfg;
	struct list conns;
	struct ws_engine *spares[WS_N_ROLES][WS_SPARES_MAX];
	unsigned n_spares[WS_N_ROLES];
	struct ws_stats stats;
};

enum ws_state {
	WS_OPENING, /* client: until the server has agreed */
	WS_OPEN,
	WS_CLOSING, /* our Close was sent; waits for the peer's */
	WS_ENDING,  /* what is queued is sent, then the stream closed */
	WS_ENDED,   /* closed() was called */
};

struct ws {
	struct ws_host *host;
	struct stream *stream;
	const struct ws_ops *ops;
	void *arg;
	struct list node;
	struct timer timer;
	struct ws_engine *engine; /* NULL: at rest */
	struct str in;            /* what the engine may read, during the call */
	int64_t loose;            /* bytes read, less those of all frames that have begun */
	usec_t heard;             /* the last bytes came */
	usec_t pinged;            /* and nothing heard since; 0: no ping is out */
	usec_t control_since;     /* the second in which n_control is counted */
	uint32_t n_control, n_frames;
	uint16_t code; /* why it ends: enum ws_code */
	uint8_t state; /* enum ws_state */
	uint8_t role;  /* enum ws_role */
	bool inside;   /* the engine is reading */
	bool in_message, paused, waiting;
	char *protocol;         /* or NULL */
	char *why;              /* of the end, or NULL */
	struct ws_hello *hello; /* of a client that is opening */
};

/* ws.c */
struct ws *ws_new(struct ws_host *h, enum ws_role role, const struct ws_ops *ops, void *arg);
/* The stream is open for frames from now on. */
void ws_begin(struct ws *w);
/* The connection ends, and closed() will say so.  The peer is told, unless it is WS_ABNORMAL. */
void ws_fail(struct ws *w, unsigned code, const char *why);
/* The same when both sides know it already. */
void ws_end(struct ws *w, unsigned code, struct str why);
struct stream_limits ws_stream_limits(const struct ws_host *h);
extern const struct stream_ops ws_stream_ops;

/* engine.c */
/* Lets the engine read the bytes; returns how many it took. */
size_t ws_engine_read(struct ws *w, struct str in);
void ws_engine_send(struct ws *w, uint8_t opcode, struct str payload);
void ws_engine_close(struct ws *w, unsigned code, struct str why);
/* Gives the engine back if nothing is under way. */
void ws_engine_rest(struct ws *w);
void ws_engine_free(struct ws_engine **ep);

/* accept.c */
/* The answer to a key (RFC 6455 section 4.2.2). */
void ws_accept_key(struct buf *b, struct str key);
/* client.c */
void ws_hello_free(struct ws_hello **hp);
