/* The sockets of a role: bound by the supervisor once, kept open for ever.
 *
 * Each slot has its own socket for each address, joined in a SO_REUSEPORT group that never changes
 * its size; so a killed process takes no one else's flows with it and its own connections wait in
 * its backlog. */
#pragma once

#include "topo/topo.h"

/* One socket for each slot: ret_fds[n_slots], non-blocking, close-on-exec, listening (TCP, TLS).
 * 0, or -errno with text that names address, port and the process that holds it. */
int bind_group(const struct topo_listen *l, uint32_t n_slots, int *ret_fds,
               struct buf *why) MUST_CHECK;
/* A listening socket on 127.0.0.1 for metrics. */
int bind_loopback(uint16_t port, int *ret_fd, struct buf *why) MUST_CHECK;
/* A listening Unix stream socket, mode 0600, of that owner; an old file of the name is replaced. */
int bind_unix(const char *path, uid_t uid, gid_t gid, int *ret_fd, struct buf *why) MUST_CHECK;
