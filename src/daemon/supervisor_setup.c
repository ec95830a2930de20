/* What the supervisor gets hold of before it starts anything: directories, the lock, keys, sockets.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/bind.h"
#include "daemon/secrets.h"
#include "daemon/supervisor_own.h"

enum { PATH_LEN = 1200 };

static void raise_limits(void)
{
	struct rlimit l;
	if (getrlimit(RLIMIT_NOFILE, &l) == 0) {
		l.rlim_cur = l.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &l);
	}
}

static int make_run_dir(const char *dir, struct buf *why)
{
	if (mkdir(dir, 0755) == 0 || errno == EEXIST)
		return 0;
	int err = -errno;
	buf_printf(why, "%s: %s\n", dir, strerror(-err));
	return err;
}

/* "DIR/frontend-1.ctl", or "DIR/dialtoned.ctl" for NULL. */
static void ctl_path(const struct supervisor *s, const struct slot *slot, char *ret, size_t size)
{
	const char *dir = s->material->config->topo->run_dir.p;
	if (slot)
		(void)snprintf(ret, size, "%s/%s-%u.ctl", dir, slot->role->name, slot->number + 1);
	else
		(void)snprintf(ret, size, "%s/dialtoned.ctl", dir);
}

/* One server for a run directory. */
static int take_lock(struct supervisor *s, const char *dir, struct buf *why)
{
	char path[1100], pid[32] = "";
	(void)snprintf(path, sizeof path, "%s/dialtoned.lock", dir);
	s->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	if (s->lock_fd < 0) {
		buf_printf(why, "%s: %s\n", path, strerror(errno));
		return -errno;
	}
	if (flock(s->lock_fd, LOCK_EX | LOCK_NB) < 0) {
		ssize_t n = pread(s->lock_fd, pid, sizeof pid - 1, 0);
		buf_printf(why,
		           "dialtoned runs already with this run directory (pid %" STR_FMT
		           ", %s); `dialtone stop` ends it, `dialtone reload` makes it read its "
		           "configuration again\n",
		           STR_ARG(str_trim(str_n(pid, (size_t)MAX(n, 0)))), dir);
		return -EBUSY;
	}
	int n = snprintf(pid, sizeof pid, "%d\n", (int)getpid());
	(void)!ftruncate(s->lock_fd, 0);
	(void)!pwrite(s->lock_fd, pid, (size_t)n, 0);
	return 0;
}

static int load_keys(struct supervisor *s, struct buf *why)
{
	const struct topo *t = s->material->config->topo;
	s->keys = xcalloc(s->material->n_roles + 1, sizeof *s->keys);
	int r = secrets_directory(t->data_dir.p, s->user.uid, s->user.gid, why);
	for (size_t i = 0; i < s->material->n_roles && r == 0; i++) {
		const char *role = s->roles[i]->name;
		char name[96];
		if (!topo_role_here(t, str_of(role)))
			continue;
		(void)snprintf(name, sizeof name, "%s-pool.key", role);
		r = secrets_key(t->data_dir.p, name, s->keys[i].pool, ROLE_KEY_LEN, why);
		(void)snprintf(name, sizeof name, "%s-ticket.key", role);
		if (r == 0)
			r = secrets_key(t->data_dir.p, name, s->keys[i].ticket,
			                sizeof s->keys[i].ticket, why);
		if (r == 0 && strcmp(role, "accounts") == 0)
			r = secrets_key(t->data_dir.p, "seal.key", s->keys[i].seal, ROLE_KEY_LEN,
			                why);
	}
	return r;
}

static void add_slots(struct supervisor *s, const struct role *role, const struct topo_role *tr)
{
	bool across = role_speaks_across(role, s->material->config->topo, tr);
	s->slots = xrealloc(s->slots, (s->n_slots + tr->processes) * sizeof *s->slots);
	for (uint32_t i = 0; i < tr->processes; i++) {
		struct slot *slot = &s->slots[s->n_slots++];
		*slot = (struct slot){ .role = role,
			               .number = i,
			               .n_slots = tr->processes,
			               .across = across,
			               .ctl_fd = -1,
			               .metrics_fd = -1 };
		slot->sockets = xcalloc(tr->n_listens + 1, sizeof *slot->sockets);
	}
}

/* The sockets of a role, one of each for each of its slots. */
static int bind_role(struct slot *slots, const struct topo_role *tr, struct buf *why)
{
	int fds[TOPO_PROCESSES_MAX];
	for (size_t i = 0; i < tr->n_listens; i++) {
		const struct topo_listen *l = &tr->listens[i];
		if (l->is_behind)
			continue;
		int r = bind_group(l, tr->processes, fds, why);
		if (r < 0)
			return r;
		for (uint32_t k = 0; k < tr->processes; k++)
			slots[k].sockets[slots[k].n_sockets++] =
			        (struct slot_socket){ l->proto, l->addr, fds[k] };
	}
	for (uint32_t k = 0; k < tr->processes && tr->metrics_port > 0; k++) {
		int r = bind_loopback((uint16_t)(tr->metrics_port + k), &slots[k].metrics_fd, why);
		if (r < 0)
			return r;
	}
	return 0;
}

static int bind_ctl(const struct supervisor *s, struct slot *slot, struct buf *why)
{
	char path[PATH_LEN];
	ctl_path(s, slot, path, sizeof path);
	return bind_unix(path, geteuid(), getegid(), &slot->ctl_fd, why);
}

static int make_slots(struct supervisor *s, struct buf *why)
{
	const struct topo *t = s->material->config->topo;
	int r = 0;
	for (size_t i = 0; s->roles[i]; i++) {
		const struct topo_role *tr = topo_role_here(t, str_of(s->roles[i]->name));
		if (tr)
			add_slots(s, s->roles[i], tr);
	}
	for (size_t i = 0; i < s->n_slots; i++)
		slot_init(&s->slots[i], s->loop, &supervisor_slot_ops, s, &s->user);
	for (size_t i = 0; i < s->n_slots && r == 0; i++) {
		struct slot *slot = &s->slots[i];
		if (slot->number == 0)
			r = bind_role(slot, topo_role_here(t, str_of(slot->role->name)), why);
		if (r == 0)
			r = bind_ctl(s, slot, why);
	}
	if (r == 0 && s->n_slots == 0) {
		buf_printf(why, "no role is to run on the host \"%" STR_FMT "\"\n",
		           STR_ARG(t->self->id));
		r = -ENOENT;
	}
	s->links = links_new(s->loop, s->slots, s->n_slots);
	return r;
}

static int open_ctl(struct supervisor *s, struct buf *why)
{
	const struct ctl_table table = { supervisor_commands, s };
	char path[PATH_LEN];
	int fd;
	ctl_path(s, NULL, path, sizeof path);
	int r = bind_unix(path, geteuid(), getegid(), &fd, why);
	if (r < 0)
		return r;
	s->ctl = ctl_server_new(s->loop, fd, &table, 1);
	return 0;
}

int supervisor_setup(struct supervisor *s, struct buf *why)
{
	const struct topo *t = s->material->config->topo;
	raise_limits();
	int r = spawn_user_find(t->user.p, &s->user, why);
	if (r == 0)
		r = make_run_dir(t->run_dir.p, why);
	if (r == 0)
		r = take_lock(s, t->run_dir.p, why);
	if (r == 0)
		r = load_keys(s, why);
	if (r == 0)
		r = make_slots(s, why);
	return r == 0 ? open_ctl(s, why) : r;
}

void supervisor_release(struct supervisor *s)
{
	char path[PATH_LEN];
	tools_done(&s->tools);
	if (s->ctl) {
		ctl_path(s, NULL, path, sizeof path);
		(void)unlink(path);
	}
	ctl_server_free(&s->ctl);
	for (size_t i = 0; i < s->n_slots; i++) {
		ctl_path(s, &s->slots[i], path, sizeof path);
		if (s->slots[i].ctl_fd >= 0)
			(void)unlink(path);
		slot_done(&s->slots[i]);
	}
	links_free(&s->links);
	free(s->slots);
	if (s->keys) {
		wipe(s->keys, s->material->n_roles * sizeof *s->keys);
		free(s->keys);
	}
	if (s->lock_fd >= 0)
		(void)close(s->lock_fd);
}
