/* dialtone topology, config: what the configuration files say, as the server reads them. */
#include <stdio.h>

#include "ctl/commands.h"
#include "ctl/print.h"
#include "daemon/roles.h"
#include "daemon/topo_json.h"

/* Shows a text that the server's own code wrote. */
static int show_json(const struct tool *t, const struct buf *b)
{
	const char *why;
	cJSON *v = ctl_parse_json(buf_view(b), &why);
	if (!v)
		return tool_fail("The configuration cannot be shown: %s.", why);
	tool_show(t, v);
	return EXIT_FINE;
}

static int topology_show(struct tool *t, cJSON *args UNUSED)
{
	auto_(buf_free) struct buf b = buf_of(CTL_LINE_MAX);
	const struct topo *topo = tool_topo(t);
	if (!topo)
		return EXIT_FAILED;
	if (t->json)
		topo_json_all(&b, topo);
	else
		topo_json_roles(&b, topo);
	return show_json(t, &b);
}

static int topology_check(struct tool *t, cJSON *args UNUSED)
{
	const struct topo *topo = tool_topo(t);
	if (!topo)
		return EXIT_FAILED;
	char text[128];
	(void)snprintf(text, sizeof(text), "The configuration is good: %zu role%s on %zu host%s.",
	               topo->n_roles, topo->n_roles == 1 ? "" : "s", topo->n_hosts,
	               topo->n_hosts == 1 ? "" : "s");
	tool_show(t, cJSON_CreateString(text));
	return EXIT_FINE;
}

static int config_show(struct tool *t, cJSON *args)
{
	auto_(buf_free) struct buf b = buf_of(CTL_LINE_MAX);
	struct str role = ctl_text(args, "role");
	const struct topo *topo = tool_topo(t);
	if (!topo)
		return EXIT_FAILED;
	if (role.len > 0 && !topo_role_here(topo, role))
		return tool_fail(
		        "There is no role \"%s\" on this host; `dialtone topology show` lists "
		        "them.",
		        role.p);
	topo_json_settings(&b, topo, roles_all, role.len > 0 ? role.p : NULL);
	return show_json(t, &b);
}

/* clang-format off */
const struct verb ctl_topology_verbs[] = {
	{ .cmd = { .noun = "topology", .verb = "show",
	           .help = "Show the roles and where they listen" },
	  .run = topology_show },
	{ .cmd = { .noun = "topology", .verb = "check",
	           .help = "Check both configuration files whole" },
	  .run = topology_check },
	{ .cmd = { .noun = "config", .verb = "show",
	           .help = "Show every setting and its value",
	           .args = { { "role", CTL_TEXT, true, false, "the settings of one role alone" } } },
	  .run = config_show },
	{ .cmd = { .noun = NULL } },
};
/* clang-format on */
