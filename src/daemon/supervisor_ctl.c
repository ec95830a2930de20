/* The commands of the supervisor's control socket. */
#include <unistd.h>

#include "base/code.h"
#include "daemon/ctl_log.h"
#include "daemon/supervisor_own.h"
#include "daemon/topo_json.h"

enum { RESULT_MAX = 4 * 1024 * 1024, RIGHTS_MAX = 4096 };

static uint64_t seconds_since(const struct supervisor *s, usec_t then)
{
	return (loop_now(s->loop) - then) / USEC_PER_SEC;
}

static size_t count_running(const struct supervisor *s)
{
	size_t n = 0;
	for (size_t i = 0; i < s->n_slots; i++)
		n += s->slots[i].state == SLOT_RUNNING;
	return n;
}

/* Of the process that has most to do. */
static enum role_load highest_load(const struct supervisor *s)
{
	enum role_load most = ROLE_CALM;
	for (size_t i = 0; i < s->n_slots; i++)
		most = MAX(most, s->slots[i].load);
	return most;
}

static void cmd_status(void *state, struct ctl_call *c)
{
	static const char *const phases[] = { "starting", "running", "stopping" };
	const struct supervisor *s = state;
	const struct topo *t = s->material->config->topo;
	auto_(buf_free) struct buf b = buf_of(RESULT_MAX);
	usec_t now = loop_wall(s->loop);
	buf_printf(&b, "{\"server\":\"%s\",\"version\":\"%s\",\"pid\":%d", phases[s->phase],
	           DIALTONE_VERSION, (int)getpid());
	buf_printf(&b, ",\"started_at\":%llu,\"running_s\":%llu",
	           (unsigned long long)(s->started_wall / USEC_PER_SEC),
	           (unsigned long long)((now - s->started_wall) / USEC_PER_SEC));
	buf_printf(&b, ",\"processes\":%zu,\"processes_running\":%zu", s->n_slots,
	           count_running(s));
	buf_printf(&b, ",\"load\":\"%s\"", slot_load_name(highest_load(s)));
	json_put_member(&b, "configuration", str_of(s->material->config->dir));
	json_put_member(&b, "domain", t->domains[0]);
	buf_printf(&b, ",\"generation\":%u}", s->material->generation);
	c->ok(c, buf_view(&b));
}

static void cmd_role_list(void *state, struct ctl_call *c)
{
	const struct supervisor *s = state;
	auto_(buf_free) struct buf b = buf_of(RESULT_MAX);
	buf_char(&b, '[');
	for (size_t i = 0; i < s->n_slots; i++) {
		const struct slot *slot = &s->slots[i];
		buf_printf(&b, "%s{\"role\":\"%s\",\"process\":%u,\"box\":", i > 0 ? "," : "",
		           slot->role->name, slot->number + 1);
		json_put_str(&b, str_of(slot->role->box));
		buf_printf(&b,
		           ",\"state\":\"%s\",\"pid\":%d,\"for_s\":%llu,\"restarts\":%u,"
		           "\"load\":\"%s\",\"may_ask\":",
		           slot_state_name(slot->state), (int)slot->pid,
		           (unsigned long long)seconds_since(s, slot->since), slot->restarts,
		           slot_load_name(slot->load));
		auto_(buf_free) struct buf rights = buf_of(RIGHTS_MAX);
		role_put_rights(&rights, slot->role);
		json_put_str(&b, buf_view(&rights));
		buf_char(&b, '}');
	}
	buf_char(&b, ']');
	c->ok(c, buf_view(&b));
}

/* One row for each role that is asked. */
static void cmd_role_rights(void *state, struct ctl_call *c)
{
	const struct supervisor *s = state;
	auto_(buf_free) struct buf b = buf_of(RESULT_MAX);
	buf_char(&b, '[');
	for (size_t i = 0; s->roles[i]; i++) {
		for (const struct role_right *r = s->roles[i]->rights; r && r->of; r++) {
			auto_(buf_free) struct buf text = buf_of(RIGHTS_MAX);
			role_put_right(&text, r);
			buf_printf(&b, "%s{\"role\":\"%s\",\"asks\":\"%s\",\"may\":",
			           b.len > 1 ? "," : "", s->roles[i]->name, r->of);
			json_put_str(&b, buf_view(&text));
			buf_char(&b, '}');
		}
	}
	buf_char(&b, ']');
	c->ok(c, buf_view(&b));
}

static void cmd_reload(void *state, struct ctl_call *c)
{
	reload_begin(state, c);
}

static void cmd_stop(void *state, struct ctl_call *c)
{
	struct supervisor *s = state;
	log_info(NULL, "stopping", "uid=%u", c->uid);
	c->ok(c, STR("\"The server is stopping.\""));
	supervisor_stop(s, 0);
}

static void cmd_topology_show(void *state, struct ctl_call *c)
{
	const struct supervisor *s = state;
	auto_(buf_free) struct buf b = buf_of(RESULT_MAX);
	topo_json_roles(&b, s->material->config->topo);
	c->ok(c, buf_view(&b));
}

/* The files as they are now, not what is in force. */
static void cmd_topology_check(void *state, struct ctl_call *c)
{
	const struct supervisor *s = state;
	auto_(buf_free) struct buf why = buf_of(32 * 1024);
	auto_(material_free) struct material *m =
	        material_load(s->material->config->dir, s->roles, 0, &why);
	if (!m) {
		c->fail(c, "%" STR_FMT, STR_ARG(str_trim(buf_view(&why))));
		return;
	}
	if (config_restart_reasons(s->material->config, m->config, s->roles, &why) == 0) {
		c->ok(c, STR("\"The files are in order; a reload applies them.\""));
		return;
	}
	auto_(buf_free) struct buf text = buf_of(33 * 1024), b = buf_of(RESULT_MAX);
	buf_printf(&text, "The files are in order. What needs a restart of the server:\n%" STR_FMT,
	           STR_ARG(str_trim(buf_view(&why))));
	json_put_str(&b, buf_view(&text));
	c->ok(c, buf_view(&b));
}

static void cmd_config_show(void *state, struct ctl_call *c)
{
	const struct supervisor *s = state;
	auto_(buf_free) struct buf b = buf_of(RESULT_MAX);
	topo_json_settings(&b, s->material->config->topo, s->roles, NULL);
	c->ok(c, buf_view(&b));
}

/* clang-format off */
const struct ctl_command supervisor_commands[] = {
	{ .noun = "status", .fn = cmd_status, .help = "The server at a glance" },
	{ .noun = "role", .verb = "list", .fn = cmd_role_list,
	  .help = "The role processes, their state and restarts" },
	{ .noun = "role", .verb = "rights", .fn = cmd_role_rights,
	  .help = "What each role may ask of the others" },
	{ .noun = "reload", .fn = cmd_reload,
	  .help = "Read the configuration and certificates again" },
	{ .noun = "stop", .fn = cmd_stop, .help = "Stop the server" },
	{ .noun = "topology", .verb = "show", .fn = cmd_topology_show,
	  .help = "The roles and where they listen" },
	{ .noun = "topology", .verb = "check", .fn = cmd_topology_check,
	  .help = "Check the configuration files without applying them" },
	CTL_LOG_ROW,
	{ .noun = "config", .verb = "show", .fn = cmd_config_show,
	  .help = "All settings with their values in force" },
	{ .noun = NULL },
};
/* clang-format on */
