/* dialtone status, role, reload, stop: what the supervisor answers. */
#include "ctl/commands.h"

/* While it starts or stops it is not what a script waits for. */
static int is_running(struct tool *t UNUSED, const cJSON *args UNUSED, cJSON *result)
{
	return str_eq(ctl_text(result, "server"), STR("running")) ? EXIT_FINE : EXIT_FAILED;
}

/* clang-format off */
const struct verb ctl_server_verbs[] = {
	{ .cmd = { .noun = "status", .help = "Show how the server is" }, .role = "dialtoned",
	  .after = is_running },
	{ .cmd = { .noun = "role", .verb = "list", .help = "Show the roles' processes" },
	  .role = "dialtoned" },
	{ .cmd = { .noun = "reload",
	           .help = "Make the server read configuration and certificates again" },
	  .role = "dialtoned" },
	{ .cmd = { .noun = "stop", .help = "Stop the server in good order" }, .role = "dialtoned" },
	{ .cmd = { .noun = NULL } },
};
/* clang-format on */
