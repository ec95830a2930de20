/* dialtone status, role, reload, stop: what the supervisor answers. */
#include "ctl/commands.h"

/* clang-format off */
const struct verb ctl_server_verbs[] = {
	{ .cmd = { .noun = "status", .help = "Shows how the server is" }, .role = "dialtoned" },
	{ .cmd = { .noun = "role", .verb = "list", .help = "Lists the roles and their processes" },
	  .role = "dialtoned" },
	{ .cmd = { .noun = "reload",
	           .help = "Makes the server read configuration and certificates again" },
	  .role = "dialtoned" },
	{ .cmd = { .noun = "stop", .help = "Stops the server in good order" }, .role = "dialtoned" },
	{ .cmd = { .noun = NULL } },
};
/* clang-format on */
