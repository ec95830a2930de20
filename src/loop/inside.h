/* The inside of the loop, for the files of this folder. */
#pragma once

#include <uv.h>

#include "base/addr.h"
#include "base/buf.h"
#include "loop/loop.h"
#include "loop/wheel.h"

enum { LOOP_READ_SIZE = 64 * 1024 };

struct loop {
	uv_loop_t uv;
	uv_prepare_t prepare;
	uv_timer_t timer;
	uv_idle_t idle; /* runs while `again` is not empty, so that the poll does not block */
	struct wheel wheel;
	struct list defers; /* for the end of this turn */
	struct list again;  /* for the next turn */
	usec_t now, turn_start, longest[LOOP_N_TURNS];
	bool now_valid;
	bool held;        /* the clock stands: loop_clock_move() */
	int64_t wall_off; /* loop_wall_move() */
	usec_t armed;     /* when the libuv timer fires; USEC_INFINITY: it is stopped */
	unsigned n_jobs;
	char *read_buf;         /* LOOP_READ_SIZE, shared by all streams */
	struct buf spare;       /* memory for what the next stream sends */
	struct udp_batch *udp;  /* shared by all UDP sockets; made by the first */
	struct list handshakes; /* TLS streams that wait for their turn */
	struct defer handshake_turn;
	unsigned handshakes_per_turn;
};

/* Like loop_defer(), but in the next turn, which does not block. */
void loop_again(struct loop *l, struct defer *d);
/* Something woke the loop: the turn is timed from here. */
void loop_note_wake(struct loop *l);
/* The address of a socket, or of its peer; family AF_UNSPEC if it has none. */
struct addr loop_socket_addr(int fd, bool peer);
/* Options of a TCP connection that every stream has; probe_after: of struct stream_limits. */
void loop_set_tcp_options(int fd, usec_t probe_after);
/* What the socket itself says of its error, negative; `otherwise` if it says nothing. */
int loop_socket_error(int fd, int otherwise);
