/* Connections of the generator to one server: UDP, TCP and TLS over epoll, edge-triggered.
 *
 * A "connection" over UDP is a connected socket with a port of its own.  What is sent on a stream
 * during one turn of the loop leaves in one write. */
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include "text.h"

enum transport { UDP, TCP, TLS };
enum conn_state { CONN_CLOSED, CONN_CONNECTING, CONN_HANDSHAKE, CONN_OPEN };

struct net; /* opaque */

struct conn {
	/* Read by the caller. */
	enum conn_state state;
	char local[64];       /* "127.0.0.1:40000" */
	void *waiting, *user; /* the caller's */

	/* net's own. */
	int fd;
	bool dirty;
	struct conn *next_dirty;
	void *ssl;
	char *rx, *tx; /* a partial message; what the socket did not take */
	size_t rx_n, rx_cap, tx_n, tx_cap;
};

struct net_config {
	enum transport transport;
	struct sockaddr_storage server;
	socklen_t server_len;
	const char *ca_file; /* NULL: the server's certificate is not verified */
	const char *host;    /* the name that the certificate must hold; NULL: none */
	bool tls12;          /* nothing newer than TLS 1.2 */
};

struct net_events {
	/* A connection that net_connect() began is usable. */
	void (*opened)(void *arg, struct conn *c);
	/* It ended or never came to be; state is CONN_CLOSED.  `why` is a word for the statistics.
	 */
	void (*lost)(void *arg, struct conn *c, const char *why);
	/* Bytes of a stream, or one datagram.  Returns how many were used; the rest of a stream
	 * comes again with what follows it.  -1 closes the connection. */
	ssize_t (*data)(void *arg, struct conn *c, struct str bytes);
};

/* Borrows *events and arg. */
struct net *net_new(const struct net_config *config, const struct net_events *events, void *arg);
void net_free(struct net **np);
/* Begins; `opened` or `lost` follows, never from inside this call.  0 or -errno (nothing follows).
 */
int net_connect(struct net *n, struct conn *c);
/* Closes without a word to the caller. */
void net_close(struct net *n, struct conn *c);
/* Sends now (UDP) or at the end of the turn (streams); copies.  An error shows as `lost` later. */
void net_send(struct net *n, struct conn *c, struct str bytes);
/* Also waits for `fd` to be readable; net_poll() returns true then. */
void net_watch(struct net *n, int fd);
/* One turn: sends what waits, waits at most timeout_ms, delivers. */
bool net_poll(struct net *n, int timeout_ms);
