/* A UDP socket: datagrams come in batches (recvmmsg), go out in batches at the end of the turn
 * (sendmmsg). */
#pragma once

#include "base/addr.h"
#include "loop/loop.h"

struct udp; /* opaque */
/* `data` is writable and valid during the call, and so is the memory behind it up to
 * UDP_DATAGRAM_MAX bytes in all; local is the address the socket is bound to. */
typedef void udp_recv_fn(void *arg, struct udp *u, const struct addr *peer, struct str data);
enum { UDP_DATAGRAM_MAX = 65535, UDP_BATCH = 64 };

/* A non-blocking socket bound to the address (port 0: any): its descriptor, or -errno. */
int udp_bind(const struct addr *a) MUST_CHECK;
/* From which address of this host the kernel would send to `to`: 0 and *ret (port 0), or -errno. */
int udp_source(const struct addr *to, struct addr *ret) MUST_CHECK;
/* Takes a bound, non-blocking socket.  Datagrams are read from the next turn on. */
struct udp *udp_new(struct loop *l, int fd, udp_recv_fn *fn, void *arg);
void udp_free(struct udp **up); /* sends what is queued, closes the descriptor */
/* Queues a copy for the end of the turn.  -EMSGSIZE if no datagram to that peer can be so large, or
 * -ENOBUFS when the batch memory is full. */
int udp_send(struct udp *u, const struct addr *peer, struct str data);
const struct addr *udp_local(const struct udp *u);
/* Datagrams the kernel refused to send so far (ICMP errors, full buffers). */
uint64_t udp_send_errors(const struct udp *u);
