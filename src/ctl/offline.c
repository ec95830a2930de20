#include "ctl/offline.h"

#include <errno.h>
#include <grp.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "daemon/roles.h"
#include "daemon/secrets.h"
#include "daemon/spawn.h"

enum { REASON_MAX = 64 * 1024 };

/* The role as it runs here. */
struct session {
	struct role_env env;
	struct ctl_call call; /* must not move */
	void *state;
	cJSON *result;
	struct buf *why;
	int answer; /* 1: none yet; then 0 or -errno */
	bool stopped;
};

/* --- the call's answers --------------------------------------------------------------------- */

static void on_ok(struct ctl_call *c, struct str result_json)
{
	struct session *s = container_of(c, struct session, call);
	const char *why = NULL;
	s->result = ctl_parse_json(result_json.len > 0 ? result_json : STR("null"), &why);
	s->answer = s->result ? 0 : -EBADMSG;
	if (!s->result)
		buf_printf(s->why, "The answer cannot be read: %s.", why);
}

PRINTF_LIKE(2, 3)
static void on_fail(struct ctl_call *c, const char *fmt, ...)
{
	struct session *s = container_of(c, struct session, call);
	char text[4096];
	va_list ap;
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	buf_str(s->why, str_of(text));
	s->answer = -EREMOTEIO;
}

static void on_event(struct ctl_call *c UNUSED, struct str json UNUSED)
{
}

static void on_close(struct ctl_call *c UNUSED, void (*fn)(void *arg) UNUSED, void *arg UNUSED)
{
}

/* --- the role's life ------------------------------------------------------------------------ */

/* The key is root's or the owner's; the store belongs to the roles' account. */
static int become_roles_account(const struct spawn_user *u, struct buf *why)
{
	if (!u->change)
		return 0;
	if (setgroups(0, NULL) == 0 && setgid(u->gid) == 0 && setuid(u->uid) == 0)
		return 0;
	int err = -errno;
	buf_printf(why, "The roles' account cannot be taken on: %s.", strerror(-err));
	return err;
}

static int read_key(const struct topo *t, struct role_env *env, struct buf *why)
{
	struct spawn_user user;
	int r = spawn_user_find(t->user.p, &user, why);
	if (r == 0)
		r = secrets_directory(t->data_dir.p, user.uid, user.gid, why);
	if (r == 0)
		r = secrets_key(t->data_dir.p, "seal.key", env->seal_key, sizeof(env->seal_key),
		                why);
	return r < 0 ? r : become_roles_account(&user, why);
}

static int start(struct session *s, const struct topo *t, const struct role *role)
{
	struct role_env *e = &s->env;
	e->role = role;
	e->n_slots = 1;
	e->topo = t;
	e->self = topo_role_here(t, str_of(role->name));
	e->data_dir = t->data_dir.p;
	if (!e->self) {
		buf_printf(s->why, "The topology has no role \"%s\" on this host.", role->name);
		return -ENOENT;
	}
	int r = read_key(t, e, s->why);
	if (r < 0)
		return r;
	e->loop = loop_new();
	e->started = loop_wall(e->loop);
	r = role->start(e, &s->state);
	if (r < 0)
		buf_printf(s->why, "The role %s cannot start here; the reason stands above.",
		           role->name);
	return r;
}

static void on_stopped(void *arg)
{
	struct session *s = arg;
	s->stopped = true;
}

static void stop(struct session *s)
{
	if (s->state) {
		s->env.role->stop(s->state, on_stopped, s);
		while (!s->stopped)
			loop_turn(s->env.loop, USEC_PER_SEC);
	}
	if (s->env.loop)
		loop_free(&s->env.loop);
	wipe(s->env.seal_key, sizeof(s->env.seal_key));
}

static void run(struct session *s, const struct ctl_command *row, const cJSON *args)
{
	s->call = (struct ctl_call){
		.args = args,
		.uid = getuid(),
		.ok = on_ok,
		.fail = on_fail,
		.event = on_event,
		.on_close = on_close,
	};
	s->answer = ctl_check_args(row, args, s->why);
	if (s->answer < 0)
		return;
	s->answer = 1;
	row->fn(s->state, &s->call);
	while (s->answer > 0)
		loop_turn(s->env.loop, USEC_PER_SEC);
}

int offline_ask(struct tool *t, const char *role_name, struct str cmd, const cJSON *args,
                cJSON **ret_result, struct buf *why)
{
	const struct topo *topo = tool_topo(t);
	const struct role *role = roles_find(roles_all, str_of(role_name));
	const struct ctl_command *row = role ? ctl_find(role->commands, cmd) : NULL;
	struct session s = { .why = why };
	if (!topo || !row) {
		buf_lit(why, "Without a running server this cannot be done.");
		return -EINVAL;
	}
	log_setup(STDERR_FILENO, "dialtone", LOG_ERROR);
	int r = start(&s, topo, role);
	while (why->len > 0 && why->p[why->len - 1] == '\n')
		why->len--;
	if (r == 0)
		run(&s, row, args);
	stop(&s);
	if (r == 0)
		r = s.answer;
	if (r == 0)
		*ret_result = s.result;
	return r;
}
