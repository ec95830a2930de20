/* dialtone status, role, reload, stop: what the supervisor answers. */
#include "ctl/commands.h"
#include "ctl/peers.h"
#include "ctl/stores.h"

/* What the front ends could not write belongs to the picture.  While it starts or stops it is not
 * what a script waits for. */
static int is_running(struct tool *t, const cJSON *args UNUSED, cJSON *result)
{
	cJSON *stores = stores_ask(t);
	if (stores) {
		cJSON_AddNumberToObject(result, "unsaved_bindings",
		                        ctl_number(stores, "unsaved_bindings", 0));
		auto_(xfreep) char *text = str_dup(ctl_text(stores, "store"));
		cJSON_AddStringToObject(result, "store", text);
		cJSON_Delete(stores);
	}
	cJSON *peers = peers_ask(t);
	if (peers)
		cJSON_AddItemToObject(result, "peers", peers);
	return str_eq(ctl_text(result, "server"), STR("running")) ? EXIT_FINE : EXIT_FAILED;
}

/* clang-format off */
const struct verb ctl_server_verbs[] = {
	{ .cmd = { .noun = "status", .help = "Show how the server is" }, .role = "dialtoned",
	  .after = is_running },
	{ .cmd = { .noun = "role", .verb = "list", .help = "Show the roles' processes" },
	  .role = "dialtoned", .columns = "role process box state pid for_s restarts" },
	{ .cmd = { .noun = "role", .verb = "rights",
	           .help = "Show what each role may ask of the others" },
	  .role = "dialtoned" },
	{ .cmd = { .noun = "reload",
	           .help = "Make the server read configuration and certificates again" },
	  .role = "dialtoned" },
	{ .cmd = { .noun = "stop", .help = "Stop the server in good order" }, .role = "dialtoned" },
	{ .cmd = { .noun = NULL } },
};
/* clang-format on */
