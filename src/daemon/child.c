#include "daemon/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "daemon/child_own.h"
#include "daemon/sandbox.h"
#include "daemon/spawn.h"

enum { STOP_MAX_S = 6, LINGER_MS = 20, LINGER_TURNS = 50, WHY_MAX = 3500 };

static void tell(struct child *c, enum channel_type type, uint32_t a, struct str text)
{
	(void)!channel_send(c->channel,
	                    &(struct channel_msg){ .type = type, .a = a, .text = text, .fd = -1 });
}

/* The role has stopped; answers of the control socket may still be leaving. */
static void on_linger(void *arg)
{
	struct child *c = arg;
	if (c->ctl && ctl_server_busy(c->ctl) > 0 && c->linger++ < LINGER_TURNS)
		timer_set(&c->timer, loop_now(c->env.loop) + LINGER_MS * USEC_PER_MSEC);
	else
		loop_stop(c->env.loop);
}

static void on_stopped(void *arg)
{
	struct child *c = arg;
	if (c->ctl)
		ctl_server_drain(c->ctl);
	metrics_http_free(&c->metrics);
	timer_stop(&c->timer);
	timer_init(&c->timer, c->env.loop, on_linger, c);
	timer_set(&c->timer, loop_now(c->env.loop));
}

static void on_stop_timeout(void *arg)
{
	struct child *c = arg;
	log_warning(NULL, "stop-timeout", "seconds=%d", STOP_MAX_S);
	loop_stop(c->env.loop);
}

static void stop(struct child *c)
{
	if (c->stopping)
		return;
	c->stopping = true;
	timer_init(&c->timer, c->env.loop, on_stop_timeout, c);
	timer_set(&c->timer, loop_now(c->env.loop) + STOP_MAX_S * USEC_PER_SEC);
	if (c->role->stop)
		c->role->stop(c->state, on_stopped, c);
	else
		on_stopped(c);
}

static int apply(struct child *c, int fd, struct buf *why)
{
	struct generation next, old = c->now;
	int r = child_generation(c, fd, &next, why);
	if (r < 0)
		return r;
	child_use(c, &next);
	if (c->role->reload)
		r = c->role->reload(c->state, why);
	if (r < 0) {
		child_use(c, &old);
		generation_done(&next);
	} else {
		log_set_level(next.topo->log_level);
		generation_done(&old);
	}
	wipe(&old, sizeof old);
	wipe(&next, sizeof next);
	return r;
}

static void reload(struct child *c, int fd)
{
	auto_(buf_free) struct buf why = buf_of(WHY_MAX);
	int r = apply(c, fd, &why);
	if (r < 0 && why.len == 0)
		buf_printf(&why, "%s", strerror(-r));
	if (r < 0)
		log_warning(NULL, "reload-refused", "reason=%s", log_text(buf_view(&why)));
	tell(c, CHANNEL_RELOADED, r == 0, buf_view(&why));
}

static void take_link(struct child *c, const struct channel_msg *m)
{
	if (m->fd < 0 || !child_take_link(c, m))
		return;
	log_info(NULL, "link-up", "peer=%" STR_FMT "/%u", STR_ARG(m->text), m->b + 1);
	if (c->role->link_up)
		c->role->link_up(c->state, m->a);
	else
		(void)close(m->fd);
}

static void on_link_lost(void *arg, size_t i)
{
	struct child *c = arg;
	(void)!channel_send(c->channel, &(struct channel_msg){ .type = CHANNEL_LINK_LOST,
	                                                       .a = (uint32_t)i,
	                                                       .d = c->env.links[i].number,
	                                                       .fd = -1 });
}

static int run_tool(void *arg, int fd)
{
	struct child *c = arg;
	return channel_send(c->channel,
	                    &(struct channel_msg){ .type = CHANNEL_RUN_TOOL, .fd = fd });
}

static void pong(struct child *c, uint32_t number)
{
	enum role_load load = c->role->load && !c->stopping ? c->role->load(c->state) : ROLE_CALM;
	(void)!channel_send(
	        c->channel,
	        &(struct channel_msg){ .type = CHANNEL_PONG, .a = number, .b = load, .fd = -1 });
}

static void on_message(struct child *c, struct channel_msg *m)
{
	if (m->type == CHANNEL_PING)
		pong(c, m->a);
	else if (m->type == CHANNEL_LINK)
		take_link(c, m);
	else if (m->type == CHANNEL_RELOAD)
		reload(c, m->fd);
	else if (m->type == CHANNEL_STOP)
		stop(c);
	else if (m->fd >= 0)
		(void)close(m->fd);
}

static void on_channel(void *arg, int events UNUSED)
{
	struct child *c = arg;
	struct channel_msg m;
	char text[CHANNEL_TEXT_MAX];
	int r;
	while ((r = channel_recv(c->channel, &m, text)) == 1)
		on_message(c, &m);
	if (r != -EAGAIN) {
		log_error(NULL, "supervisor-lost", "");
		_exit(EXIT_FAILURE);
	}
}

static int check_data_dir(const struct child *c, struct buf *why)
{
	if (access(c->env.data_dir, R_OK | W_OK | X_OK) == 0)
		return 0;
	int r = -errno;
	buf_printf(why,
	           "the account with the id %u cannot write to %s: %s; give the directory to it "
	           "(chown %u) and the right to enter each directory above, or choose another "
	           "\"data\" or \"user\" in local.conf",
	           (unsigned)geteuid(), c->env.data_dir, strerror(-r), (unsigned)geteuid());
	return r;
}

static void serve(struct child *c)
{
	const struct ctl_table tables[] = { { c->role->commands, c->state },
		                            { child_commands, c } };
	if (c->ctl_fd >= 0)
		c->ctl = ctl_server_new(c->env.loop, c->ctl_fd, tables, ARRAY_SIZE(tables));
	if (c->metrics_fd >= 0)
		c->metrics = metrics_http_new(c->env.loop, c->metrics_fd, child_put_metrics, c);
	c->io = io_new(c->env.loop, c->channel, on_channel, c);
	io_want(c->io, IO_READ);
}

static int start(struct child *c, struct buf *why)
{
	char comm[16];
	(void)snprintf(comm, sizeof comm, "dt-%.12s", c->name);
	(void)prctl(PR_SET_NAME, comm, 0, 0, 0);
	log_setup(2, c->name, c->now.topo->log_level);
	int r = sandbox_refuse_rings(why);
	if (r < 0)
		return r;
	c->env.loop = loop_new();
	c->env.started = loop_wall(c->env.loop);
	c->env.link_lost = on_link_lost;
	c->env.link_lost_arg = c;
	c->env.run_tool = run_tool;
	c->env.run_tool_arg = c;
	r = check_data_dir(c, why);
	if (r == 0) {
		r = c->role->start(&c->env, &c->state);
		if (r < 0)
			buf_printf(why, "%s (the log line before says more)", strerror(-r));
	}
	if (r < 0)
		return r;
	serve(c);
	return sandbox_close(c->role->syscalls, why);
}

static void done(struct child *c)
{
	ctl_server_free(&c->ctl);
	metrics_http_free(&c->metrics);
	io_free(&c->io);
	generation_done(&c->now);
	for (size_t i = 0; i < c->env.n_links; i++) {
		free((void *)(uintptr_t)c->env.links[i].role.p);
		free((void *)(uintptr_t)c->env.links[i].label.p);
	}
	free(c->env.links);
	free(c->env.sockets);
	free(c->data_dir);
	wipe(&c->env, sizeof c->env);
}

int child_main(const struct role *const *roles)
{
	struct child c = {
		.roles = roles, .channel = SPAWN_CHANNEL_FD, .ctl_fd = -1, .metrics_fd = -1
	};
	auto_(buf_free) struct buf why = buf_of(WHY_MAX);
	log_setup(2, "role", LOG_INFO);
	int r = fcntl(c.channel, F_SETFD, FD_CLOEXEC) < 0 ? -errno : 0;
	if (r == 0)
		r = child_receive(&c, &why);
	if (r == 0)
		r = start(&c, &why);
	if (r < 0) {
		log_error(NULL, "start-failed", "reason=%s", log_text(buf_view(&why)));
		tell(&c, CHANNEL_FAILED, 0, buf_view(&why));
		return EXIT_FAILURE;
	}
	tell(&c, CHANNEL_READY, 0, (struct str){ NULL, 0 });
	loop_run(c.env.loop);
	log_info(NULL, "stopped", "");
	done(&c);
	return EXIT_SUCCESS;
}
