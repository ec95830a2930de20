#include "daemon/supervisor.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/supervisor_own.h"

enum { LINGER_MS = 20, LINGER_TURNS = 50 }; /* for the answer to `stop` to leave */

size_t supervisor_role_index(const struct supervisor *s, const struct slot *slot)
{
	size_t i = 0;
	while (s->roles[i] != slot->role)
		i++;
	return i;
}

static int send_config(struct supervisor *s, struct slot *slot, enum channel_type type,
                       const struct material *m)
{
	size_t i = supervisor_role_index(s, slot);
	int fd;
	int r = material_bundle(m, i, &s->keys[i], &fd);
	if (r < 0)
		return r;
	slot_send(slot, &(struct channel_msg){ .type = type,
	                                       .a = slot->number,
	                                       .b = slot->n_slots,
	                                       .text = str_of(slot->role->name),
	                                       .fd = fd });
	(void)close(fd);
	return 0;
}

void supervisor_send_bundle(struct supervisor *s, struct slot *slot, const struct material *m)
{
	int r = send_config(s, slot, CHANNEL_RELOAD, m);
	if (r < 0)
		log_error(NULL, "reload-not-sent", "role=%s reason=%s", slot->name,
		          log_text(str_of(strerror(-r))));
	else
		slot->unanswered++;
}

static void send_fd(struct slot *slot, enum channel_type type, uint32_t a, int fd)
{
	if (fd >= 0)
		slot_send(slot, &(struct channel_msg){ .type = type, .a = a, .fd = fd });
}

/* A new process: all that it needs before START. */
static int on_prepare(void *arg, struct slot *slot)
{
	struct supervisor *s = arg;
	int r = send_config(s, slot, CHANNEL_CONFIG, s->material);
	if (r < 0)
		return r;
	slot->generation = s->material->generation;
	slot->unanswered = 0;
	send_fd(slot, CHANNEL_CTL, 0, slot->ctl_fd);
	send_fd(slot, CHANNEL_METRICS, 0, slot->metrics_fd);
	for (size_t i = 0; i < slot->n_sockets; i++)
		send_fd(slot, CHANNEL_SOCKET, slot->sockets[i].proto, slot->sockets[i].fd);
	return links_prepare(s->links, slot);
}

static bool all_running(const struct supervisor *s)
{
	for (size_t i = 0; i < s->n_slots; i++)
		if (s->slots[i].state != SLOT_RUNNING)
			return false;
	return true;
}

static void on_ready(void *arg, struct slot *slot)
{
	struct supervisor *s = arg;
	if (slot->generation != s->material->generation) { /* a reload came while it started */
		supervisor_send_bundle(s, slot, s->material);
		slot->generation = s->material->generation;
	}
	if (s->phase != PHASE_STARTING || !all_running(s))
		return;
	s->phase = PHASE_RUNNING;
	log_info(NULL, "ready", "processes=%zu", s->n_slots);
	notify_send(s->notify, "READY=1\nMAINPID=%d\nSTATUS=%zu role processes run", (int)getpid(),
	            s->n_slots);
}

static void on_linger(void *arg)
{
	struct supervisor *s = arg;
	if (s->ctl && ctl_server_busy(s->ctl) > 0 && s->reload.waiting++ < LINGER_TURNS)
		timer_set(&s->linger, loop_now(s->loop) + LINGER_MS * USEC_PER_MSEC);
	else
		loop_stop(s->loop);
}

/* Stops the role after the last one that still runs: in the reverse order of the list, so that a
 * front end can still ask accounts while it ends. */
static void stop_next(struct supervisor *s)
{
	for (size_t i = s->n_slots; i-- > 0;) {
		if (s->slots[i].state == SLOT_DOWN)
			continue;
		const struct role *role = s->slots[i].role;
		for (size_t k = 0; k <= i; k++)
			if (s->slots[k].role == role)
				slot_stop(&s->slots[k]);
		return;
	}
	log_info(NULL, "stopped", "");
	on_linger(s);
}

void supervisor_stop(struct supervisor *s, int status)
{
	if (s->phase == PHASE_STOPPING)
		return;
	reload_cancel(s);
	s->reload.waiting = 0;
	s->phase = PHASE_STOPPING;
	s->status = status;
	notify_send(s->notify, "STOPPING=1");
	for (size_t i = 0; i < s->n_slots; i++)
		if (s->slots[i].state == SLOT_DOWN)
			slot_stop(&s->slots[i]); /* no new start */
	stop_next(s);
}

static void on_gone(void *arg, struct slot *slot, bool failed, const char *why)
{
	struct supervisor *s = arg;
	reload_gone(s, slot);
	switch (s->phase) {
	case PHASE_STARTING:
		log_error(NULL, "start-failed", "role=%s %s=%s", slot->name,
		          failed ? "reason" : "ended", log_text(str_of(why)));
		supervisor_stop(s, EXIT_FAILURE);
		break;
	case PHASE_RUNNING:
		slot_start_later(slot);
		break;
	case PHASE_STOPPING:
		stop_next(s);
		break;
	}
}

static void on_reloaded(void *arg, struct slot *slot, bool applied, struct str why)
{
	reload_answered(arg, slot, applied, why);
}

static void on_link_lost(void *arg, struct slot *slot, uint32_t index, uint32_t number)
{
	struct supervisor *s = arg;
	links_lost(s->links, slot, index, number);
}

/* What it may do then is the tool's to say (svc/user/admin.h); no other role has commands to give.
 */
static void on_run_tool(void *arg, struct slot *slot, int fd)
{
	struct supervisor *s = arg;
	if (str_eq(str_of(slot->role->name), STR("accounts")) && s->phase != PHASE_STOPPING)
		tools_run(&s->tools, s->material->config->dir, fd);
	else
		log_warning(NULL, "tool-refused", "role=%s", slot->name);
}

const struct slot_ops supervisor_slot_ops = {
	.prepare = on_prepare,
	.ready = on_ready,
	.gone = on_gone,
	.reloaded = on_reloaded,
	.link_lost = on_link_lost,
	.run_tool = on_run_tool,
};

static void on_child(void *arg, int signo UNUSED)
{
	struct supervisor *s = arg;
	tools_reap(&s->tools);
	for (size_t i = 0; i < s->n_slots; i++) {
		struct slot *slot = &s->slots[i];
		int status;
		if (slot->pid > 0 && waitpid(slot->pid, &status, WNOHANG) == slot->pid)
			slot_reap(slot, status);
	}
}

static void on_stop_signal(void *arg, int signo)
{
	log_info(NULL, "stopping", "signal=%d", signo);
	supervisor_stop(arg, EXIT_SUCCESS);
}

static void on_reload_signal(void *arg, int signo UNUSED)
{
	reload_begin(arg, NULL);
}

static void on_watchdog(void *arg)
{
	struct supervisor *s = arg;
	notify_send(s->notify, "WATCHDOG=1");
	timer_set(&s->watchdog, loop_now(s->loop) + notify_watchdog_interval(s->notify));
}

struct supervisor *supervisor_new(const char *dir, const struct role *const *roles, struct buf *why)
{
	auto_(supervisor_free) struct supervisor *s = xnew(struct supervisor);
	s->roles = roles;
	s->lock_fd = -1;
	s->notify = notify_new();
	s->material = material_load(dir, roles, 1, why);
	if (!s->material)
		return NULL;
	s->loop = loop_new();
	timer_init(&s->watchdog, s->loop, on_watchdog, s);
	timer_init(&s->linger, s->loop, on_linger, s);
	s->started_wall = loop_wall(s->loop);
	tools_init(&s->tools, s->loop);
	return supervisor_setup(s, why) < 0 ? NULL : take(&s);
}

void supervisor_free(struct supervisor **sp)
{
	struct supervisor *s = *sp;
	*sp = NULL;
	if (!s)
		return;
	if (s->loop) {
		timer_stop(&s->watchdog);
		timer_stop(&s->linger);
	}
	supervisor_release(s);
	material_free(&s->material);
	notify_free(&s->notify);
	if (s->loop)
		loop_free(&s->loop);
	free(s);
}

int supervisor_run(struct supervisor *s)
{
	loop_on_signal(s->loop, SIGCHLD, on_child, s);
	loop_on_signal(s->loop, SIGTERM, on_stop_signal, s);
	loop_on_signal(s->loop, SIGINT, on_stop_signal, s);
	loop_on_signal(s->loop, SIGHUP, on_reload_signal, s);
	if (notify_watchdog_interval(s->notify) > 0)
		on_watchdog(s);
	log_info(NULL, "starting", "version=%s config=%s processes=%zu", DIALTONE_VERSION,
	         s->material->config->dir, s->n_slots);
	for (size_t i = 0; i < s->n_slots && s->phase == PHASE_STARTING; i++)
		slot_start(&s->slots[i]);
	if (s->n_slots == 0)
		supervisor_stop(s, EXIT_FAILURE);
	loop_run(s->loop);
	return s->status;
}
