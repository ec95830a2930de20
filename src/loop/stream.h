/* A byte stream: TCP, TLS over TCP, or a Unix socket pair between two processes.  One interface;
 * TLS is a layer inside. */
#pragma once

#include "base/addr.h"
#include "loop/loop.h"
#include "loop/tls.h"

struct stream; /* opaque */

enum {
	STREAM_READ_TURN_MAX = 64 * 1024, /* bytes of one stream read in one turn */
	STREAM_MUCH = 64 * 1024,          /* bytes that do not wait for the end of the turn */
	TLS_HANDSHAKES_PER_TURN = 8,
	/* A peer that vanished without a word: what it does not acknowledge for so long ends the
	 * connection (RFC 5482); one that is idle is probed after stream_limits.probe_after, and
	 * again at this interval. */
	STREAM_UNACKED_MAX_S = 30,
	STREAM_PROBE_AGAIN_S = 10,
};

struct stream_ops {
	/* Ready for use: connected, TLS handshake done.  Not for accepted streams without TLS,
	 * which are ready at once. */
	void (*opened)(void *arg);
	/* In its place, of an accepted stream with TLS whose peer speaks without it: its first byte
	 * is a capital letter, with which no record begins and a request of HTTP does.  The stream
	 * is one without TLS from then on, and nothing has been read of it.  NULL: the handshake
	 * fails. */
	void (*plain)(void *arg);
	/* All unconsumed bytes; returns how many were used (the rest comes again with more).  A
	 * negative return closes the stream (closed() follows). */
	ssize_t (*data)(void *arg, struct str in);
	/* The end, exactly once, never from inside a stream_ call: 0 for an orderly end by the
	 * peer, else -errno; `why` is a static or stream-owned text for people.  Free the stream in
	 * or after it. */
	void (*closed)(void *arg, int err, const char *why);
	/* What stream_want_room() asked for; may be NULL if nobody asks. */
	void (*room)(void *arg);
};

struct stream_limits {
	uint32_t read_max; /* unconsumed bytes kept; above: closed with -EMSGSIZE */
	uint32_t
	        write_max; /* bytes waiting to be sent (a slow reader); above: closed with -EPIPE */
	usec_t open_max;   /* connect + handshake must be done within */
	/* TCP: an idle peer is probed after this time (whole seconds), and the connection ended
	 * within STREAM_UNACKED_MAX_S + STREAM_PROBE_AGAIN_S more if nothing answers; 0: never. */
	usec_t probe_after;
};

/* Server side: takes an accepted, non-blocking descriptor; tls may be NULL.  At most
 * TLS_HANDSHAKES_PER_TURN handshakes of a loop are begun in one turn, unless set otherwise. */
struct stream *stream_accept(struct loop *l, int fd, struct tls_server *tls,
                             const struct stream_limits *lim, const struct stream_ops *ops,
                             void *arg);
/* From the next turn on; 1 or more. */
void stream_set_handshakes(struct loop *l, unsigned per_turn);
/* Client side.  tls may be NULL; server_name is checked against the certificate. */
struct stream *stream_connect(struct loop *l, const struct addr *to, struct tls_client *tls,
                              struct str server_name, const struct stream_limits *lim,
                              const struct stream_ops *ops, void *arg);
/* The same without TLS, from a bound, non-blocking socket, which becomes its own. */
struct stream *stream_dial(struct loop *l, int fd, const struct addr *to,
                           const struct stream_limits *lim, const struct stream_ops *ops,
                           void *arg);
/* To a program of this host that listens at the path of a Unix socket. */
struct stream *stream_connect_path(struct loop *l, struct str path, const struct stream_limits *lim,
                                   const struct stream_ops *ops, void *arg);
/* Gives it to another owner: his functions are called from now on. */
void stream_set_ops(struct stream *s, const struct stream_ops *ops, void *arg);
/* With the limits of the new owner: those of what is read and written; the others stay. */
void stream_set_limits(struct stream *s, const struct stream_limits *lim);
/* Frees at once, closing the descriptor; no callback follows. */
void stream_free(struct stream **sp);
/* Sends what is queued, then TLS close_notify and FIN; closed() follows (bounded by 5 s). */
void stream_close(struct stream *s);
/* The same, but then reads and drops what the peer still sends, until it ends too or `max` has
 * passed: a descriptor that is closed with unread bytes resets the connection, and takes the last
 * bytes that were sent with it. */
void stream_close_late(struct stream *s, usec_t max);
/* Queues a copy; written with everything else of this turn in one record and one call, or at once
 * when there are STREAM_MUCH bytes.  Never calls back.  Dropped silently once the stream is
 * closing. */
void stream_write(struct stream *s, struct str data);
/* Stops and starts reading (back-pressure). */
void stream_pause(struct stream *s, bool paused);
/* data() is called from the loop, once, with what is unconsumed: even if that is nothing, and even
 * if the stream is paused. */
void stream_more(struct stream *s);
/* room() is called from the loop, once, when fewer than `below` bytes (at least 1) wait to be sent.
 */
void stream_want_room(struct stream *s, size_t below);
size_t stream_unsent(const struct stream *s);
/* Is nothing on its way, in the kernel either: unread, or unacknowledged by the peer? */
bool stream_is_idle(const struct stream *s);
bool stream_is_tls(const struct stream *s);
/* The protocol that both sides have agreed on by ALPN; empty: none was.  Lives as long as s. */
struct str stream_alpn(const struct stream *s);
const struct addr *stream_peer(const struct stream *s); /* family AF_UNSPEC for a socket pair */
const struct addr *stream_local(const struct stream *s);
/* The certificate that the peer showed and that verified (tls.h), or NULL. */
const struct tls_peer *stream_tls_peer(const struct stream *s);

/* A non-blocking TCP socket bound to the address, which others of the same user may be bound to as
 * well: it can listen, and be the source of connections.  Its descriptor, or -errno. */
int tcp_bind(const struct addr *a) MUST_CHECK;
/* Makes it listen: 0 or -errno. */
int tcp_listen(int fd, int backlog) MUST_CHECK;
/* Who is at the other end of a connection that another process has accepted; family AF_UNSPEC: it
 * is none of TCP, or has ended. */
struct addr tcp_peer(int fd);

/* A listening socket. */
struct listener;
/* fd: an accepted connection's, non-blocking, now the callee's. */
typedef void listener_fn(void *arg, struct listener *ls, int fd, const struct addr *peer);
/* A connection could not be taken, and was ended if that was possible: err is -EMFILE or -ENFILE at
 * the descriptor limit, -ENOMEM or -ENOBUFS. */
typedef void listener_refused_fn(void *arg, struct listener *ls, int err);
/* Takes a bound, listening, non-blocking socket.  At most `per_turn` accepts a turn.  At the
 * descriptor limit connections are ended at once (counted) instead of being left to wait: the
 * listener holds one descriptor in reserve for that. */
struct listener *listener_new(struct loop *l, int fd, unsigned per_turn, listener_fn *fn,
                              void *arg);
void listener_free(struct listener **lp);
void listener_pause(struct listener *ls, bool paused);
/* From the next turn on; 1 or more. */
void listener_set_per_turn(struct listener *ls, unsigned per_turn);
/* fn is called with the listener's arg; NULL: nobody is told, as at the start. */
void listener_tell_refused(struct listener *ls, listener_refused_fn *fn);
const struct addr *listener_local(const struct listener *ls);
/* Connections that were ended at the descriptor limit. */
uint64_t listener_refused(const struct listener *ls);
