/* The inside of a role process, shared by its files. */
#pragma once

#include "daemon/bundle.h"
#include "daemon/channel.h"
#include "daemon/ctl_server.h"
#include "daemon/metrics_http.h"
#include "role/role.h"

/* What one configuration consists of; env points into it. */
struct generation {
	struct bundle bundle;
	struct topo *topo;
};

struct child {
	const struct role *const *roles;
	const struct role *role;
	char name[48]; /* "frontend/1": for people processes are numbered from 1 */
	int channel, ctl_fd, metrics_fd;
	struct generation now;
	struct role_env env;
	char *data_dir;
	void *state; /* of the role, from start() on */
	bool stopping;
	struct io *io;
	struct timer timer; /* STOP must be done by then; later: the last answers leave */
	struct ctl_server *ctl;
	struct metrics_http *metrics;
	uint32_t linger;
};

/* child_setup.c: reads the messages before START into a child.  0 or -errno, with text. */
int child_receive(struct child *c, struct buf *why) MUST_CHECK;
/* Makes env point into g. */
void child_use(struct child *c, const struct generation *g);
/* Reads a bundle (closing fd) and checks it against the roles' tables. */
int child_generation(struct child *c, int fd, struct generation *ret, struct buf *why) MUST_CHECK;
void generation_done(struct generation *g);
/* A LINK message: its end got a (new) descriptor, which is the child's.  True if it replaced one.
 */
bool child_take_link(struct child *c, const struct channel_msg *m);

/* child_ctl.c: the commands that every role has, and its metrics. */
extern const struct ctl_command child_commands[];
void child_put_metrics(void *child, struct buf *b);
