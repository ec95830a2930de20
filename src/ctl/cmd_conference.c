/* dialtone conference: what the homes of organizers know. */
#include "ctl/commands.h"
#include "ctl/print.h"
#include "ctl/remote.h"

/* The organizer's home answers; the others say null. */
static cJSON *who_knows(cJSON *a, cJSON *b)
{
	bool b_knows = !cJSON_IsNull(b);
	cJSON_Delete(b_knows ? a : b);
	return b_knows ? b : a;
}

static int must_be_there(struct tool *t UNUSED, const cJSON *args, cJSON *result)
{
	if (!cJSON_IsNull(result))
		return EXIT_FINE;
	return tool_fail(
	        "There is no conference \"%s\"; `dialtone conference list all` shows them.",
	        ctl_text(args, "conference").p);
}

/* All is a word of ours; who has that name is given by the address. */
static int with_organizer(struct tool *t, cJSON *args)
{
	if (str_eq(ctl_text(args, "which"), STR("all")))
		return EXIT_FINE;
	return remote_name_user(t, args, "which");
}

#define WHICH                                                                         \
	{                                                                             \
		"conference", CTL_TEXT, true, true, "its id, or one of its addresses" \
	}
/* clang-format off */
const struct verb ctl_conference_verbs[] = {
	{ .cmd = { .noun = "conference", .verb = "list",
	           .help = "Show group conversations with people in them",
	           .args = { { "which", CTL_TEXT, true, false,
	                       "all: those with nobody in them too; or whose: a user" } } },
	  .role = "frontend", .every_slot = true, .run = with_organizer },
	{ .cmd = { .noun = "conference", .verb = "show",
	           .help = "Show who is in a group conversation", .args = { WHICH } },
	  .role = "frontend", .every_slot = true, .join = who_knows, .after = must_be_there },
	{ .cmd = { .noun = "conference", .verb = "end",
	           .help = "Send everybody away", .args = { WHICH } },
	  .role = "frontend", .every_slot = true, .join = who_knows, .after = must_be_there },
	{ .cmd = { .noun = NULL } },
};
/* clang-format on */
