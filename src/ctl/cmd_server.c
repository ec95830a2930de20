/* dialtone status, role, reload, stop: what the supervisor answers. */
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#include "ctl/client.h"
#include "ctl/commands.h"
#include "ctl/peers.h"
#include "ctl/stores.h"

/* A process of a role may take 8 seconds to end, and they end one after the other. */
enum { STOP_WAIT_S = 120, STOP_TELL_S = 5 };

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

/* Who is waited for must be known before it is told to end. */
static int with_process(struct tool *t, cJSON *args)
{
	auto_(xfreep) char *dir = str_dup(tool_run_dir(t));
	int fd = client_process(dir, "dialtoned");
	if (fd >= 0)
		cJSON_AddNumberToObject(args, "process", fd);
	return EXIT_FINE; /* why it cannot be asked is told when it is */
}

/* 1 when it has ended, 0 after so long. */
static int wait_for_end(int fd, const struct tool *t)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	for (int s = STOP_TELL_S;; s += STOP_TELL_S) {
		int r = poll(&p, 1, STOP_TELL_S * 1000);
		if (r != 0 || s >= STOP_WAIT_S)
			return r > 0;
		if (!t->json)
			(void)fprintf(stderr, "The server is still stopping, after %d s.\n", s);
	}
}

static int has_ended(struct tool *t, const cJSON *args, cJSON *result)
{
	int fd = (int)ctl_number(args, "process", -1);
	if (fd < 0)
		return EXIT_FINE; /* not of this machine: it is stopping */
	int ended = wait_for_end(fd, t);
	(void)close(fd);
	if (!ended)
		return tool_fail("The server has not ended after %d s; its log says what it waits "
		                 "for.",
		                 STOP_WAIT_S);
	(void)cJSON_SetValuestring(result, "The server has stopped.");
	return EXIT_FINE;
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
	{ .cmd = { .noun = "stop", .help = "Stop the server in good order, and wait until it has ended" },
	  .role = "dialtoned", .run = with_process, .after = has_ended, .local_args = "process" },
	{ .cmd = { .noun = NULL } },
};
/* clang-format on */
