/* dialtone directory, group: who is found, and who belongs together. */
#include "ctl/commands.h"

/* clang-format off */
#define ARG_GROUP { "group", CTL_TEXT, true, true, "group's name or address" }
#define ARG_NAME { "name", CTL_TEXT, false, false, "display name" }
#define SERVED .role = "accounts", .offline = true

const struct verb ctl_directory_verbs[] = {
	{ .cmd = { .noun = "directory", .verb = "search", .help = "Find people as clients do",
	           .args = { { "text", CTL_TEXT, true, true, "beginnings of words, in quotes" },
	                     { "max", CTL_NUMBER, false, false, "people to show, 1 to 100" } } },
	  SERVED },
	{ .cmd = { .noun = "group", .verb = "add", .help = "Make a distribution group",
	           .args = { ARG_GROUP, ARG_NAME } },
	  SERVED },
	{ .cmd = { .noun = "group", .verb = "list", .help = "Show all distribution groups" },
	  SERVED },
	{ .cmd = { .noun = "group", .verb = "show", .help = "Show a group's members",
	           .args = { ARG_GROUP } },
	  SERVED },
	{ .cmd = { .noun = "group", .verb = "set", .help = "Change a group's name",
	           .args = { ARG_GROUP, ARG_NAME } },
	  SERVED },
	{ .cmd = { .noun = "group", .verb = "remove", .help = "Remove a group",
	           .args = { ARG_GROUP } },
	  SERVED },
	{ .cmd = { .noun = "group", .verb = "member", .help = "Change a group's members",
	           .args = { { "action", CTL_TEXT, true, true, "add or remove" }, ARG_GROUP,
	                     { "member", CTL_TEXT, true, true, "a user, or any address" } } },
	  SERVED },
	{ .cmd = { .noun = NULL } },
};
/* clang-format on */
