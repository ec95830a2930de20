/* A slot: the place of one role process, with all that outlives the process: sockets, control
 * socket, the other ends of its links.
 *
 *     DOWN --start--> STARTING --READY--> RUNNING --stop--> STOPPING --exit--> DOWN
 *                         \--exit--> DOWN     \--exit--> DOWN (started again after a pause) */
#pragma once

#include "daemon/channel.h"
#include "daemon/spawn.h"
#include "loop/loop.h"
#include "role/role.h"

enum slot_state { SLOT_DOWN, SLOT_STARTING, SLOT_RUNNING, SLOT_STOPPING, SLOT_N_STATES };

enum {
	SLOT_PING_S = 2,
	SLOT_SILENT_S = 15, /* no answer for so long: the process is hung and killed */
	SLOT_START_S = 60,  /* so long start() may take */
	SLOT_STOP_S = 8,    /* then a stopping process is killed */
	SLOT_STABLE_S = 30, /* after so long the pause starts small again */
	SLOT_PAUSE_MIN_MS = 200,
	SLOT_PAUSE_MAX_MS = 10000,
};

struct slot;
struct slot_ops {
	/* Makes the messages that precede START; 0 or -errno. */
	int (*prepare)(void *arg, struct slot *s);
	void (*ready)(void *arg, struct slot *s);
	/* The process has gone; `why` says how; `failed` is true if start() refused. */
	void (*gone)(void *arg, struct slot *s, bool failed, const char *why);
	void (*reloaded)(void *arg, struct slot *s, bool applied, struct str why);
	/* The process says that one of its links ended: the number that LINK gave. */
	void (*link_lost)(void *arg, struct slot *s, uint32_t index, uint32_t number);
	/* The process wants the tool to be run on this descriptor, which stays the slot's. */
	void (*run_tool)(void *arg, struct slot *s, int fd);
};

struct slot_socket {
	enum topo_proto proto;
	struct addr addr;
	int fd;
};

struct slot {
	const struct role *role;
	uint32_t number, n_slots; /* 0-based; people are shown number + 1 */
	bool across;              /* it speaks with roles of other hosts */
	char name[48];            /* "frontend/1" for number 0 */
	int ctl_fd, metrics_fd;
	struct slot_socket *sockets;
	size_t n_sockets;
	enum slot_state state;
	pid_t pid;
	uint32_t restarts;   /* since the server started */
	uint32_t generation; /* of the configuration that the process has */
	unsigned unanswered; /* configurations that it was sent since it started */
	usec_t since;        /* of the state; monotonic */
	enum role_load load; /* as the process said last */
	/* private */
	struct loop *loop;
	const struct slot_ops *ops;
	void *arg;
	const struct spawn_user *user;
	int channel;
	struct io *io;
	struct timer timer; /* DOWN: start again; else: ping or give up */
	uint32_t ping;
	usec_t heard;
	uint32_t pause_ms;
	bool failed;
	char failure[256];
};

void slot_init(struct slot *s, struct loop *l, const struct slot_ops *ops, void *arg,
               const struct spawn_user *user);
/* Closes everything; kills a process that still runs. */
void slot_done(struct slot *s);
/* Starts a process now. */
void slot_start(struct slot *s);
/* Sends STOP, or cancels a start that is waiting; gone() follows, at once (state DOWN) if there is
 * no process: then it is not called. */
void slot_stop(struct slot *s);
/* The process has ended with this status (waitpid). */
void slot_reap(struct slot *s, int status);
/* Starts again after the pause that is due. */
void slot_start_later(struct slot *s);
/* A message to a process; one that does not read is killed. */
void slot_send(struct slot *s, const struct channel_msg *m);
static inline bool slot_is_up(const struct slot *s)
{
	return s->state == SLOT_STARTING || s->state == SLOT_RUNNING;
}
const char *slot_load_name(enum role_load l); /* "calm" */
const char *slot_state_name(enum slot_state s);
