/* dialtone relay, allocation: what the A/V edge answers. */
#include "ctl/commands.h"
#include "ctl/relaytest.h"
#include "ctl/remote.h"

static cJSON *add_number(cJSON *a, cJSON *b, const char *name)
{
	cJSON_SetNumberValue(cJSON_GetObjectItemCaseSensitive(a, name),
	                     ctl_number(a, name, 0) + ctl_number(b, name, 0));
	cJSON_Delete(b);
	return a;
}

static cJSON *add_ended(cJSON *a, cJSON *b)
{
	return add_number(a, b, "ended");
}

static cJSON *add_allocations(cJSON *a, cJSON *b)
{
	return add_number(a, b, "allocations");
}

/* One that was named must have been there. */
static int must_have_ended(struct tool *t UNUSED, const cJSON *args, cJSON *result)
{
	struct str id = ctl_text(args, "id");
	if (id.len == 0 || ctl_number(result, "ended", 0) > 0)
		return EXIT_FINE;
	const char *user = ctl_text(args, "user").p;
	return tool_fail("%s has no allocation \"%s\". `dialtone allocation list %s` shows those "
	                 "there are.",
	                 user, id.p, user);
}

/* clang-format off */
const struct verb ctl_relay_verbs[] = {
	{ .cmd = { .noun = "relay", .verb = "status",
	           .help = "Show faces, relayed addresses and figures of the A/V edge" },
	  .role = "edge-av", .every_slot = true },
	{ .cmd = { .noun = "relay", .verb = "credential",
	           .help = "Make credentials of the relay for a user",
	           .args = { { "user", CTL_TEXT, true, true, "whose" },
	                     { "life", CTL_TEXT, false, false, "how long they are good, as 8 h" } } },
	  .role = "edge-av", .run = remote_with_user },
	{ .cmd = { .noun = "relay", .verb = "test",
	           .help = "Send data through the relay by each way that clients have",
	           .args = { { "to", CTL_TEXT, false, false,
	                       "host, or host:port, of the relay; else this host's" },
	                     { "user", CTL_TEXT, false, false, "with whose credentials" } } },
	  .run = relay_test },
	{ .cmd = { .noun = "relay", .verb = "drain",
	           .help = "Take no new allocations, or take them again; those there are go on",
	           .args = { { "on", CTL_TEXT, true, true, "on or off" } } },
	  .role = "edge-av", .every_slot = true, .join = add_allocations },
	{ .cmd = { .noun = "allocation", .verb = "list",
	           .help = "Show allocations of the relay, with what passed through them",
	           .args = { { "user", CTL_TEXT, true, false, "only this user's" } } },
	  .role = "edge-av", .every_slot = true, .run = remote_with_user },
	{ .cmd = { .noun = "allocation", .verb = "end",
	           .help = "End allocations",
	           .args = { { "user", CTL_TEXT, true, true, "whose" },
	                     { "id", CTL_TEXT, true, false, "which one; all if left out" } } },
	  .role = "edge-av", .every_slot = true, .run = remote_with_user, .join = add_ended,
	  .after = must_have_ended },
	{ .cmd = { .noun = NULL } },
};
/* clang-format on */
