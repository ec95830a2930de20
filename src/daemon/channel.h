/* The channel between the supervisor and a role process: a socket pair of sequenced packets, each a
 * small message with at most one descriptor.
 *
 * The supervisor sends CONFIG, its CTL, METRICS, SOCKET and LINK messages and START; the process
 * answers READY or FAILED.  Later LINK (a link was made anew), RELOAD, STOP and PING come, and the
 * process says LINK_LOST when a link ended; accounts asks for RUN_TOOL. */
#pragma once

#include "base/buf.h"

enum { CHANNEL_TEXT_MAX = 4000 };

enum channel_type {
	/* to the process */
	CHANNEL_CONFIG = 1, /* a: slot, b: n_slots, text: role, fd: bundle */
	CHANNEL_CTL,        /* fd: listening Unix socket */
	CHANNEL_METRICS,    /* fd: listening TCP socket */
	CHANNEL_SOCKET,     /* a: enum topo_proto, fd: bound socket */
	/* a: index, b: slot at the other end, c: which process there (1, 2, ...), d: number of the
	 * link, text: role at the other end, fd: stream */
	CHANNEL_LINK,
	CHANNEL_START,
	CHANNEL_RELOAD, /* fd: bundle */
	CHANNEL_STOP,
	CHANNEL_PING, /* a: number */
	/* from the process */
	CHANNEL_READY,
	CHANNEL_FAILED,    /* text: why start() failed */
	CHANNEL_PONG,      /* a: number, b: enum role_load */
	CHANNEL_RELOADED,  /* a: 1 applied, 0 refused; text: why */
	CHANNEL_LINK_LOST, /* a: index, d: number of the link that ended */
	CHANNEL_RUN_TOOL,  /* fd: standard input and output of `dialtone admin request` */
	CHANNEL_N_TYPES
};

struct channel_msg {
	enum channel_type type;
	uint32_t a, b, c, d;
	struct str text; /* received: points into the caller's buffer */
	int fd;          /* -1: none */
};

/* Both ends non-blocking and close-on-exec.  0 or -errno. */
int channel_pair(int ret_fds[2]) MUST_CHECK;
/* m->fd stays the caller's.  0; -EAGAIN: the other side does not read; -errno. */
int channel_send(int fd, const struct channel_msg *m) MUST_CHECK;
/* One message; a received descriptor is the caller's.  1; 0: the other side has gone; -EAGAIN:
 * nothing there; -EBADMSG. */
int channel_recv(int fd, struct channel_msg *ret, char text[CHANNEL_TEXT_MAX]) MUST_CHECK;
/* Switches between waiting and -EAGAIN. */
int channel_set_blocking(int fd, bool blocking) MUST_CHECK;
