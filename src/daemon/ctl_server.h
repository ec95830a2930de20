/* Serves a control socket: the lines of wire/ctl, for root and the own account only. */
#pragma once

#include "loop/loop.h"
#include "wire/ctl/ctl.h"

enum {
	CTL_CONNS_MAX = 64,
	CTL_UNSENT_MAX =
	        16 * 1024 * 1024, /* of one connection: a tool that does not read is dropped */
};

/* A table of commands with what they are called with. */
struct ctl_table {
	const struct ctl_command *commands; /* NULL: none */
	void *state;
};

struct ctl_server; /* opaque */

/* Takes a listening Unix socket.  The first table of `tables` that has a command serves it; besides
 * there is `commands`, which answers the grammar of all tables. */
struct ctl_server *ctl_server_new(struct loop *l, int fd, const struct ctl_table *tables,
                                  size_t n_tables);
/* Drops all connections; a command that is not answered yet may still be (into nothing). */
void ctl_server_free(struct ctl_server **sp);
/* No new connections; further requests are refused.  Before what the tables' state is goes away. */
void ctl_server_drain(struct ctl_server *s);
/* Connections whose answer has not been sent whole. */
size_t ctl_server_busy(const struct ctl_server *s);
