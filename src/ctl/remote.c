#include "ctl/remote.h"

#include <errno.h>
#include <stdio.h>

#include "ctl/client.h"
#include "ctl/offline.h"
#include "ctl/print.h"
#include "daemon/config.h"

static void drop_local_args(const struct verb *v, cJSON *args)
{
	struct str rest = str_of(v->local_args), name;
	while (rest.len > 0) {
		(void)str_cut(rest, ' ', &name, &rest);
		auto_(xfreep) char *key = str_dup(name);
		cJSON_DeleteItemFromObjectCaseSensitive(args, key);
	}
}

/* One event of a stream: a text (several lines, as SIP is) or an object. */
static void show_event(void *arg, const cJSON *value)
{
	const struct tool *t = arg;
	auto_(buf_free) struct buf b = buf_of(PRINT_MAX);
	if (t->events) {
		auto_(buf_free) struct buf json = buf_of(CTL_LINE_MAX);
		ctl_put_json(&json, value);
		ctl_put_event(&b, buf_view(&json));
	} else if (t->json) {
		ctl_put_json(&b, value);
		buf_char(&b, '\n');
	} else if (t->verb->put_event) {
		t->verb->put_event(&b, value);
	} else {
		print_value(&b, value, NULL);
	}
	(void)fwrite(b.p, 1, b.len, stdout);
	(void)fflush(stdout);
}

static void put_cmd(struct buf *b, const struct verb *v)
{
	buf_str(b, str_of(v->cmd.noun));
	if (v->cmd.verb)
		buf_printf(b, " %s", v->cmd.verb);
}

void remote_forget(cJSON *args)
{
	for (const cJSON *v = args->child; v; v = v->next) {
		if (cJSON_IsString(v))
			wipe(v->valuestring, strlen(v->valuestring));
	}
	cJSON_Delete(args);
}

bool remote_put_where(struct buf *b, const struct topo *t, const char *role,
                      const struct topo_host *but)
{
	bool any = false;
	for (size_t i = 0; i < t->n_roles; i++) {
		const struct topo_role *r = &t->roles[i];
		if (!str_eq(r->role, str_of(role)) || r->host == but)
			continue;
		buf_printf(b, "%s%s host %" STR_FMT " (%" STR_FMT ")", any ? "" : role,
		           any ? "," : " runs on", STR_ARG(r->host->id), STR_ARG(r->host->name));
		any = true;
	}
	return any;
}

/* Other hosts have the role, and this one has not: "edge-av runs on ...". */
static bool is_elsewhere(struct tool *t, const char *role, struct buf *ret)
{
	const struct topo *topo = t->config ? t->config->topo : NULL;
	return topo && !topo_role_here(topo, str_of(role)) &&
	       remote_put_where(ret, topo, role, topo->self);
}

/* Nothing of the role answers: is it for want of the role, not of the server?  Then `why` says so.
 */
static bool is_no_role(struct tool *t, const char *dir, const char *role, struct buf *why)
{
	auto_(buf_free) struct buf where = buf_of(CTL_LINE_MAX);
	if (is_elsewhere(t, role, &where)) {
		why->len = 0;
		buf_printf(why, "%" STR_FMT ": run this there.", STR_ARG(buf_view(&where)));
		return true;
	}
	if (!client_can_reach(dir, "dialtoned"))
		return false;
	why->len = 0;
	buf_printf(why,
	           "No process of the role %s runs on this host.  `dialtone role list` shows what "
	           "does; the role needs a section [role %s] in topology.conf, and a restart.",
	           role, role);
	return true;
}

static int ask(struct tool *t, cJSON *args, cJSON **ret_result, struct buf *why)
{
	const struct verb *v = t->verb;
	auto_(buf_free) struct buf cmd = buf_of(256);
	put_cmd(&cmd, v);
	cJSON *sent = cJSON_Duplicate(args, true);
	drop_local_args(v, sent);
	auto_(xfreep) char *dir = str_dup(tool_run_dir(t));
	struct client_request rq = {
		.run_dir = dir,
		.role = v->role,
		.every_slot = v->every_slot,
		.join = v->join,
		.cmd = buf_view(&cmd),
		.args = sent,
		.event = v->cmd.streams ? show_event : NULL,
		.until_stdin_ends = t->events,
		.arg = t,
	};
	int r = client_ask(ret_result, &rq, why);
	bool absent = r == -ENOENT || r == -ECONNREFUSED;
	if (absent && !is_no_role(t, dir, v->role, why) && v->offline) {
		why->len = 0;
		r = offline_ask(t, v->role, buf_view(&cmd), sent, ret_result, why);
	}
	remote_forget(sent);
	return r;
}

int remote_run(struct tool *t, cJSON *args)
{
	const struct verb *v = t->verb;
	auto_(buf_free) struct buf why = buf_of(CTL_LINE_MAX);
	cJSON *result = NULL;
	int r = ask(t, args, &result, &why);
	if (r == -EPIPE && v->cmd.streams) /* the server ended the stream */
		return EXIT_FINE;
	if (r < 0) {
		(void)tool_fail("%" STR_FMT, STR_ARG(buf_view(&why)));
		if (r == -ENOENT)
			(void)tool_topo(
			        t); /* tells what is wrong, if nothing could run here at all */
		return EXIT_FAILED;
	}
	int status = v->after ? v->after(t, args, result) : EXIT_FINE;
	tool_show(t, result);
	return status;
}

int remote_do(struct tool *t, const struct verb *v, cJSON *args)
{
	t->verb = v;
	int r = v->run ? v->run(t, args) : EXIT_FINE;
	if (r == EXIT_FINE && v->role)
		r = remote_run(t, args);
	remote_forget(args);
	return r;
}

int remote_find_user(struct tool *t, const char *user, cJSON **ret, struct buf *why)
{
	auto_(xfreep) char *dir = str_dup(tool_run_dir(t));
	cJSON *args = cJSON_CreateObject();
	cJSON_AddStringToObject(args, "user", user);
	struct client_request rq = {
		.run_dir = dir, .role = "accounts", .cmd = STR("user show"), .args = args
	};
	*ret = NULL;
	int r = client_ask(ret, &rq, why);
	cJSON_Delete(args);
	return r == 0 ? 0 : r == -EREMOTEIO ? -ENOENT : -EAGAIN;
}

/* *ret is what accounts says of her; NULL if it does not answer. */
static int ask_user(struct tool *t, const char *user, cJSON **ret)
{
	auto_(buf_free) struct buf why = buf_of(CTL_LINE_MAX);
	int r = remote_find_user(t, user, ret, &why);
	return r == -ENOENT ? tool_fail("%" STR_FMT, STR_ARG(buf_view(&why))) : EXIT_FINE;
}

int remote_check_user(struct tool *t, const cJSON *args, const char *arg)
{
	struct str user = ctl_text(args, arg);
	cJSON *found = NULL;
	int r = user.len > 0 ? ask_user(t, user.p, &found) : EXIT_FINE;
	cJSON_Delete(found);
	return r;
}

int remote_name_user(struct tool *t, cJSON *args, const char *arg)
{
	struct str user = ctl_text(args, arg);
	cJSON *found = NULL;
	int r = user.len > 0 ? ask_user(t, user.p, &found) : EXIT_FINE;
	struct str address = ctl_text(found, "user");
	if (address.len > 0)
		cJSON_ReplaceItemInObjectCaseSensitive(args, arg, cJSON_CreateString(address.p));
	cJSON_Delete(found);
	return r;
}

int remote_with_user(struct tool *t, cJSON *args)
{
	return remote_name_user(t, args, "user");
}

cJSON *remote_ask(struct tool *t, const char *role, const char *cmd, const cJSON *args,
                  cJSON *(*join)(cJSON *a, cJSON *b))
{
	auto_(buf_free) struct buf why = buf_of(CTL_LINE_MAX);
	auto_(xfreep) char *dir = str_dup(tool_run_dir(t));
	struct client_request rq = {
		.run_dir = dir,
		.role = role,
		.every_slot = true,
		.join = join,
		.cmd = str_of(cmd),
		.args = args,
	};
	cJSON *result = NULL;
	return client_ask(&result, &rq, &why) == 0 ? result : NULL;
}

int remote_get(struct tool *t, const char *role, const char *cmd, const cJSON *args, cJSON **ret)
{
	auto_(buf_free) struct buf why = buf_of(CTL_LINE_MAX);
	auto_(xfreep) char *dir = str_dup(tool_run_dir(t));
	struct client_request rq = {
		.run_dir = dir, .role = role, .cmd = str_of(cmd), .args = args
	};
	*ret = NULL;
	int r = client_ask(ret, &rq, &why);
	if (r == 0)
		return EXIT_FINE;
	if (r == -ENOENT || r == -ECONNREFUSED)
		(void)is_no_role(t, dir, role, &why);
	return tool_fail("%" STR_FMT, STR_ARG(buf_view(&why)));
}
