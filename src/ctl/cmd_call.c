/* dialtone endpoint, call, explain, trace: what the front ends answer. */
#include "ctl/commands.h"

/* clang-format off */
const struct verb ctl_call_verbs[] = {
	{ .cmd = { .noun = "endpoint", .verb = "list", .help = "Lists who is signed in, and from where",
	           .args = { { "user", CTL_TEXT, true, false, "one user alone" } } },
	  .role = "frontend", .every_slot = true },
	{ .cmd = { .noun = "endpoint", .verb = "kick", .help = "Signs a user's endpoints off",
	           .args = { { "user", CTL_TEXT, true, true, "whose" } } },
	  .role = "frontend", .every_slot = true },
	{ .cmd = { .noun = "call", .verb = "list", .help = "Lists the calls under way" },
	  .role = "frontend", .every_slot = true },
	{ .cmd = { .noun = "explain", .help = "Says how a call would be routed, and why",
	           .args = { { "from", CTL_TEXT, true, true, "who calls" },
	                     { "to", CTL_TEXT, true, true, "a user, URI or number" } } },
	  .role = "frontend", .every_slot = true },
	{ .cmd = { .noun = "trace", .help = "Shows SIP as it passes, secrets masked", .streams = true,
	           .args = { { "user", CTL_TEXT, false, false, "messages of this user alone" },
	                     { "peer", CTL_TEXT, false, false, "of this address alone" } } },
	  .role = "frontend", .every_slot = true },
	{ .cmd = { .noun = NULL } },
};
/* clang-format on */
