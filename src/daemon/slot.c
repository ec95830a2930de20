#include "daemon/slot.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

const char *slot_state_name(enum slot_state s)
{
	static const char *const names[SLOT_N_STATES] = { "down", "starting", "running",
		                                          "stopping" };
	return names[s];
}

const char *slot_load_name(enum role_load l)
{
	static const char *const names[ROLE_N_LOADS] = { "calm", "busy", "full" };
	return names[l];
}

static void enter(struct slot *s, enum slot_state next)
{
	s->state = next;
	s->since = loop_now(s->loop);
	s->load = ROLE_CALM;
}

static void kill_hung(struct slot *s, const char *why)
{
	(void)snprintf(s->failure, sizeof s->failure, "%s", why);
	log_error(NULL, "role-killed", "role=%s pid=%d reason=%s", s->name, (int)s->pid,
	          log_text(str_of(why)));
	(void)kill(s->pid, SIGKILL);
}

static void on_timer(void *arg)
{
	struct slot *s = arg;
	usec_t now = loop_now(s->loop);
	switch (s->state) {
	case SLOT_DOWN:
		slot_start(s);
		break;
	case SLOT_STARTING:
		kill_hung(s, "did not start in time");
		break;
	case SLOT_STOPPING:
		kill_hung(s, "did not stop in time");
		break;
	case SLOT_RUNNING:
		if (now - s->heard > SLOT_SILENT_S * USEC_PER_SEC) {
			kill_hung(s, "does not answer");
			break;
		}
		slot_send(s,
		          &(struct channel_msg){ .type = CHANNEL_PING, .a = ++s->ping, .fd = -1 });
		timer_set(&s->timer, now + SLOT_PING_S * USEC_PER_SEC);
		break;
	case SLOT_N_STATES:
		break;
	}
}

void slot_init(struct slot *s, struct loop *l, const struct slot_ops *ops, void *arg,
               const struct spawn_user *user)
{
	s->loop = l;
	s->ops = ops;
	s->arg = arg;
	s->user = user;
	s->channel = -1;
	timer_init(&s->timer, l, on_timer, s);
	(void)snprintf(s->name, sizeof s->name, "%s/%u", s->role->name, s->number + 1);
}

static void close_channel(struct slot *s)
{
	io_free(&s->io);
	if (s->channel >= 0)
		(void)close(s->channel);
	s->channel = -1;
}

void slot_done(struct slot *s)
{
	if (s->pid > 0) {
		(void)kill(s->pid, SIGKILL);
		(void)waitpid(s->pid, NULL, 0);
	}
	timer_stop(&s->timer);
	close_channel(s);
	for (size_t i = 0; i < s->n_sockets; i++)
		(void)close(s->sockets[i].fd);
	free(s->sockets);
	if (s->ctl_fd >= 0)
		(void)close(s->ctl_fd);
	if (s->metrics_fd >= 0)
		(void)close(s->metrics_fd);
}

static void on_ready(struct slot *s)
{
	if (s->state != SLOT_STARTING)
		return;
	enter(s, SLOT_RUNNING);
	s->heard = s->since;
	timer_set(&s->timer, s->since + SLOT_PING_S * USEC_PER_SEC);
	log_info(NULL, "role-running", "role=%s pid=%d", s->name, (int)s->pid);
	s->ops->ready(s->arg, s);
}

static void on_message(struct slot *s, const struct channel_msg *m)
{
	s->heard = loop_now(s->loop);
	if (m->type == CHANNEL_PONG && m->b < ROLE_N_LOADS)
		s->load = (enum role_load)m->b;
	else if (m->type == CHANNEL_READY)
		on_ready(s);
	else if (m->type == CHANNEL_RELOADED)
		s->ops->reloaded(s->arg, s, m->a == 1, m->text);
	else if (m->type == CHANNEL_LINK_LOST)
		s->ops->link_lost(s->arg, s, m->a, m->d);
	else if (m->type == CHANNEL_RUN_TOOL && m->fd >= 0)
		s->ops->run_tool(s->arg, s, m->fd);
	else if (m->type == CHANNEL_FAILED) {
		s->failed = true;
		(void)snprintf(s->failure, sizeof s->failure, "%" STR_FMT, STR_ARG(m->text));
	}
}

static void on_channel(void *arg, int events UNUSED)
{
	struct slot *s = arg;
	struct channel_msg m;
	char text[CHANNEL_TEXT_MAX];
	int r;
	while (s->channel >= 0 && (r = channel_recv(s->channel, &m, text)) != -EAGAIN) {
		if (r <= 0) {
			/* The process ends (SIGCHLD follows) or talks nonsense. */
			if (r < 0)
				kill_hung(s, "broken channel");
			io_want(s->io, 0);
			return;
		}
		on_message(s, &m);
		if (m.fd >= 0)
			(void)close(m.fd);
	}
}

void slot_send(struct slot *s, const struct channel_msg *m)
{
	if (s->channel < 0)
		return;
	int r = channel_send(s->channel, m);
	if (r == -EAGAIN && m->type == CHANNEL_PING)
		return; /* the silence is noticed anyway */
	if (r < 0 && r != -EPIPE && r != -ECONNRESET)
		kill_hung(s, "does not read its channel");
}

static int launch(struct slot *s)
{
	int ends[2];
	int r = channel_pair(ends);
	if (r < 0)
		return r;
	s->channel = ends[0];
	s->io = io_new(s->loop, s->channel, on_channel, s);
	pid_t pid = spawn_role(s->name, ends[1], s->user);
	(void)close(ends[1]);
	if (pid < 0)
		return (int)pid;
	s->pid = pid;
	io_want(s->io, IO_READ);
	return s->ops->prepare(s->arg, s);
}

void slot_start(struct slot *s)
{
	s->failed = false;
	s->failure[0] = '\0';
	enter(s, SLOT_STARTING);
	timer_set(&s->timer, s->since + SLOT_START_S * USEC_PER_SEC);
	int r = launch(s);
	if (r == 0) {
		slot_send(s, &(struct channel_msg){ .type = CHANNEL_START, .fd = -1 });
		return;
	}
	log_error(NULL, "role-start-failed", "role=%s reason=%s", s->name,
	          log_text(str_of(strerror(-r))));
	if (s->pid > 0) { /* slot_reap() goes on from here */
		(void)kill(s->pid, SIGKILL);
		return;
	}
	close_channel(s);
	enter(s, SLOT_DOWN);
	slot_start_later(s);
}

/* The first time at once, then longer and longer. */
void slot_start_later(struct slot *s)
{
	usec_t pause = s->pause_ms * USEC_PER_MSEC;
	s->pause_ms =
	        s->pause_ms == 0 ? SLOT_PAUSE_MIN_MS : MIN(s->pause_ms * 2, SLOT_PAUSE_MAX_MS);
	s->restarts++;
	log_info(NULL, "role-restart", "role=%s pause_ms=%llu", s->name,
	         (unsigned long long)(pause / USEC_PER_MSEC));
	timer_set(&s->timer, loop_now(s->loop) + pause);
}

void slot_stop(struct slot *s)
{
	if (s->state == SLOT_DOWN)
		timer_stop(&s->timer);
	if (!slot_is_up(s))
		return;
	enter(s, SLOT_STOPPING);
	timer_set(&s->timer, s->since + SLOT_STOP_S * USEC_PER_SEC);
	slot_send(s, &(struct channel_msg){ .type = CHANNEL_STOP, .fd = -1 });
}

static void describe(const struct slot *s, int status, char *ret, size_t size)
{
	if (s->failure[0])
		(void)snprintf(ret, size, "%s", s->failure);
	else if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS)
		(void)snprintf(ret, size,
		               "killed by the sandbox: a system call that is not allowed");
	else if (WIFSIGNALED(status))
		(void)snprintf(ret, size, "killed by signal %d (%s)", WTERMSIG(status),
		               strsignal(WTERMSIG(status)));
	else
		(void)snprintf(ret, size, "ended with status %d", WEXITSTATUS(status));
}

void slot_reap(struct slot *s, int status)
{
	char why[300];
	bool was_running = s->state == SLOT_RUNNING;
	if (s->channel >= 0)
		on_channel(s, IO_READ); /* what it said last */
	describe(s, status, why, sizeof why);
	close_channel(s);
	timer_stop(&s->timer);
	if (was_running && loop_now(s->loop) - s->since >= SLOT_STABLE_S * USEC_PER_SEC)
		s->pause_ms = 0;
	s->pid = 0;
	enum slot_state before = s->state;
	enter(s, SLOT_DOWN);
	if (before == SLOT_STOPPING)
		log_info(NULL, "role-stopped", "role=%s", s->name);
	else
		log_error(NULL, "role-ended", "role=%s reason=%s", s->name, log_text(str_of(why)));
	s->ops->gone(s->arg, s, s->failed, why);
}
