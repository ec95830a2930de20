/* WebSocket (RFC 6455) over connections that the HTTP server has handed over, and to servers
 * elsewhere.  Framing is libwslay's.  Version 13, no extensions.
 *
 * A connection that is at rest holds no buffers: the engine of the framing is lent to it from the
 * first byte of a frame to the last one of its message. */
#pragma once

#include "loop/stream.h"
#include "stack/http/server.h"

struct ws_host; /* opaque; what many connections share: limits, statistics, spare engines */
struct ws;      /* opaque; one connection */

enum {
	WS_MESSAGE_MAX = 64 * 1024,  /* bytes of a message that comes; more: 1009 */
	WS_FRAMES_MAX = 256,         /* frames of one message; more: 1008 */
	WS_CONTROL_MAX = 20,         /* control frames in one second; more: 1008 */
	WS_UNSENT_MAX = 1024 * 1024, /* bytes that wait for a slow reader; more: 1013 */
	WS_SEND_HIGH = 128 * 1024,   /* ws_send() asks to wait above this */
	WS_SEND_LOW = 32 * 1024,     /* and room() comes below this */
	WS_CONTROL_LEN_MAX = 125,    /* bytes of a control frame (RFC 6455 section 5.5) */
	WS_WHY_MAX = 123,            /* of a reason, behind its code */
	WS_OFFERS_MAX = 16,          /* subprotocols that a client offers: 400 */
	WS_SPARES_MAX = 4,           /* engines that are kept for the next one */
};

/* Status codes (RFC 6455 section 7.4 and the registry of IANA). */
enum ws_code {
	WS_NORMAL = 1000,
	WS_GOING_AWAY = 1001,
	WS_PROTOCOL_ERROR = 1002,
	WS_NO_CODE = 1005,  /* closed() alone: the peer named none */
	WS_ABNORMAL = 1006, /* closed() alone: no Close frame came */
	WS_NOT_UTF8 = 1007,
	WS_POLICY = 1008,
	WS_TOO_BIG = 1009,
	WS_SERVER_ERROR = 1011,
	WS_TRY_AGAIN = 1013,
};

/* 0 or NULL in any of them: the default that stands behind.  What is pointed at must live as long
 * as the host. */
struct ws_config {
	/* Origins that may connect, as browsers write them ("https://im.example.com"); none: any. A
	 * client without the field is no browser, and passes unless origin_required. */
	const struct str *origins;
	size_t n_origins;
	bool origin_required;
	/* Subprotocols, the best first; the client must offer one of them.  None: whatever it
	 * offers is not taken up. */
	const struct str *protocols;
	size_t n_protocols;
	uint32_t message_max; /* WS_MESSAGE_MAX; at least WS_CONTROL_LEN_MAX */
	uint32_t frames_max;  /* WS_FRAMES_MAX */
	uint32_t control_max; /* WS_CONTROL_MAX */
	uint32_t unsent_max;  /* WS_UNSENT_MAX */
	uint32_t ping_s;      /* of silence, then a ping; 30 */
	uint32_t answer_s;    /* of silence after a ping, then the end; 20 */
	uint32_t close_s;     /* for the peer's Close; 5 */
};

struct ws_stats {
	uint64_t opened, refused;
	uint64_t messages_in, messages_out, bytes_in, bytes_out; /* without framing */
	uint64_t slow, silent, broken; /* ended by unsent_max, by answer_s, by a broken rule */
	uint32_t conns;                /* now */
};

/* None is called from inside a ws_ call. */
struct ws_ops {
	/* Of ws_connect(): it is open.  May be NULL on a server. */
	void (*opened)(void *arg);
	/* A whole message, borrowed for the call; text is UTF-8. */
	void (*message)(void *arg, bool text, struct str message);
	/* Exactly once: the end, with the peer's code (enum ws_code and others) or the one that it
	 * was given; `why` is what the peer wrote, which is UTF-8 and not trusted, or says it for
	 * people; borrowed for the call.  Call ws_free() in or after it. */
	void (*closed)(void *arg, unsigned code, struct str why);
	/* Once for each ws_send() that returned false.  May be NULL if the owner never waits. */
	void (*room)(void *arg);
};

struct ws_host *ws_host_new(struct loop *l, const struct ws_config *cfg);
/* Its connections have been freed. */
void ws_host_free(struct ws_host **hp);
/* ws_close() of all of them. */
void ws_host_close_all(struct ws_host *h, unsigned code, struct str why);
const struct ws_stats *ws_host_stats(const struct ws_host *h);

/* Answers the exchange: with 101 (RFC 6455 section 4.2), and the connection is the caller's, who
 * frees it, though not before request() has returned; or with a refusal, and NULL: 400 for a broken
 * request or one without a subprotocol of ours, 403 for an origin that is not on the list, 426 for
 * what is no WebSocket or another version.  x must not have a body, and must not be used after it.
 */
struct ws *ws_accept(struct ws_host *h, struct http_exchange *x, const struct ws_ops *ops,
                     void *arg);

struct ws_connect_config {
	struct addr to;
	struct tls_client *tls;          /* NULL: without */
	struct str server_name;          /* against the certificate */
	struct str authority;            /* Host */
	struct str target;               /* "/..." */
	struct str origin;               /* empty: none */
	struct str protocol;             /* to offer, and to insist on; empty: none */
	const struct http_field *fields; /* more of the request, as Cookie */
	size_t n_fields;
};
/* Connects to a server; origins and protocols of the host do not matter.  opened() or closed()
 * follows.  What is pointed at is borrowed for the call. */
struct ws *ws_connect(struct ws_host *h, const struct ws_connect_config *cfg,
                      const struct ws_ops *ops, void *arg);

/* Ends it at once, without a word to the peer; not inside its message(). */
void ws_free(struct ws **wp);
/* The subprotocol that was agreed on; empty: none. */
struct str ws_protocol(const struct ws *w);
/* Queues a copy; text must be UTF-8.  False: enough for now, room() follows.  Dropped silently once
 * the connection is closing.  Above unsent_max the connection ends with 1013. */
bool ws_send(struct ws *w, bool text, struct str message);
/* Sends what is queued and a Close, and waits close_s for the peer's; closed() follows.  At most
 * WS_WHY_MAX bytes of why are sent. */
void ws_close(struct ws *w, unsigned code, struct str why);
/* Stops and starts reading; what was read ahead (4 kB) still comes. */
void ws_pause(struct ws *w, bool paused);
/* Bytes that wait to be sent. */
size_t ws_unsent(const struct ws *w);
const struct addr *ws_peer(const struct ws *w);
const struct addr *ws_local(const struct ws *w);
