/* dialtone presence, contact: what the homes of users know. */
#include <errno.h>
#include <string.h>

#include "ctl/commands.h"
#include "ctl/file.h"
#include "ctl/print.h"
#include "ctl/remote.h"

enum { LIST_MAX = CTL_LINE_MAX / 2 };

/* The home answers; the others say null. */
static cJSON *who_knows(cJSON *a, cJSON *b)
{
	bool b_knows = !cJSON_IsNull(b);
	cJSON_Delete(b_knows ? a : b);
	return b_knows ? b : a;
}

/* A watcher may be of another server; a name or a number is a user's of this one. */
static int with_watcher(struct tool *t, cJSON *args)
{
	bool whole = str_chr(ctl_text(args, "as"), '@') >= 0;
	int r = whole ? EXIT_FINE : remote_name_user(t, args, "as");
	return r == EXIT_FINE ? remote_with_user(t, args) : r;
}

/* The argument names the file; its text goes. */
static int with_list(struct tool *t, cJSON *args)
{
	struct str path = ctl_text(args, "list");
	auto_(buf_free) struct buf text = buf_of(LIST_MAX);
	int r = file_read(path.p, &text);
	if (r == -EFBIG)
		return tool_fail("%s is larger than %d kB; that is no list of contacts.", path.p,
		                 LIST_MAX / 1024);
	if (r < 0)
		return tool_fail("%s cannot be read: %s.", path.p, strerror(-r));
	buf_char(&text, '\0');
	cJSON_ReplaceItemInObjectCaseSensitive(args, "list", cJSON_CreateString(text.p));
	return remote_with_user(t, args);
}

static int must_be_known(struct tool *t UNUSED, const cJSON *args, cJSON *result)
{
	if (!cJSON_IsNull(result))
		return EXIT_FINE;
	return tool_fail(
	        "Nothing is kept of %s at the moment: `dialtone user show` says whether she is "
	        "disabled.",
	        ctl_text(args, "user").p);
}

#define WHOSE                                                                       \
	{                                                                           \
		"user", CTL_TEXT, true, true, "whose: user name, address or number" \
	}
/* clang-format off */
const struct verb ctl_presence_verbs[] = {
	{ .cmd = { .noun = "presence", .verb = "show",
	           .help = "Show a user's state, what she published, who may see what",
	           .args = { WHOSE,
	                     { "as", CTL_TEXT, false, false,
	                       "what this watcher sees: a user, or an address of another server" } } },
	  .role = "frontend", .every_slot = true, .join = who_knows, .after = must_be_known,
	  .run = with_watcher },
	{ .cmd = { .noun = "contact", .verb = "list", .help = "Show a user's contacts",
	           .args = { WHOSE } },
	  .role = "frontend", .every_slot = true, .join = who_knows, .after = must_be_known,
	  .run = remote_with_user },
	{ .cmd = { .noun = "contact", .verb = "export",
	           .help = "Write a user's list of contacts, as Lync clients know it (XML)",
	           .args = { WHOSE } },
	  .role = "frontend", .every_slot = true, .join = who_knows, .after = must_be_known,
	  .run = remote_with_user },
	{ .cmd = { .noun = "contact", .verb = "import",
	           .help = "Add the contacts and groups of such a file to a user's list",
	           .args = { WHOSE,
	                     { "list", CTL_TEXT, true, true, "as `dialtone contact export` writes it" } } },
	  .role = "frontend", .every_slot = true, .join = who_knows, .after = must_be_known, .run = with_list },
	{ .cmd = { .noun = NULL } },
};
/* clang-format on */
