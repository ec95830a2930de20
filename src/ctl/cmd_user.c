/* dialtone user, device, login, token: the accounts. */
#include <errno.h>
#include <stdio.h>

#include "base/code.h"
#include "ctl/commands.h"
#include "ctl/file.h"
#include "ctl/password.h"
#include "ctl/relayuse.h"
#include "ctl/remote.h"
#include "svc/user/fields.h"

enum { PHOTO_MAX = USER_PHOTO_MAX };

static int password_error(int err)
{
	switch (-err) {
	case ENOTTY:
		return tool_fail(
		        "There is no terminal to ask for the password on.  Say --generate, or "
		        "--password-stdin and give it on standard input.");
	case EKEYREJECTED:
		return tool_fail("The two passwords differ; nothing was changed.");
	case ERANGE:
		return tool_fail(
		        "A password has %d characters or more, and %d bytes at most; nothing was "
		        "changed.",
		        PASSWORD_MIN, PASSWORD_MAX);
	case ECANCELED:
		return tool_fail("Interrupted; nothing was changed.");
	case ENODATA:
		return tool_fail("No password was given; nothing was changed.");
	default:
		return tool_fail("The password could not be read: %s.", strerror(-err));
	}
}

static void add_secret(cJSON *args, const char *text)
{
	cJSON_AddStringToObject(args, "password", text);
}

/* Puts a password into the arguments, from where they say. */
static int with_password(struct tool *t UNUSED, cJSON *args)
{
	struct buf password = buf_of(PASSWORD_MAX + 2);
	if (ctl_text(args, "password").len > 0)
		return EXIT_FINE; /* it came with the request (cmd_admin.c) */
	enum password_source from = ctl_flag(args, "generate")         ? PASSWORD_MAKE
	                            : ctl_flag(args, "password-stdin") ? PASSWORD_STDIN
	                                                               : PASSWORD_ASK;
	int r = password_get(&password, from, ctl_text(args, "user").p);
	if (r == 0)
		add_secret(args, password.p);
	if (password.p)
		wipe(password.p, password.len);
	buf_free(&password);
	return r < 0 ? password_error(r) : EXIT_FINE;
}

/* A picture goes as text; the argument names the file. */
static int with_photo(struct tool *t UNUSED, cJSON *args)
{
	struct str path = ctl_text(args, "photo");
	auto_(buf_free) struct buf raw = buf_of(PHOTO_MAX), text = buf_of(2 * PHOTO_MAX);
	if (path.len == 0)
		return EXIT_FINE;
	int r = file_read(path.p, &raw);
	if (r == -EFBIG)
		return tool_fail("%s is larger than %d kB; make the picture smaller.", path.p,
		                 PHOTO_MAX / 1024);
	if (r < 0)
		return tool_fail("%s cannot be read: %s.", path.p, strerror(-r));
	base64_put(&text, raw.p, raw.len);
	buf_char(&text, '\0');
	cJSON_ReplaceItemInObjectCaseSensitive(args, "photo", cJSON_CreateString(text.p));
	return EXIT_FINE;
}

/* A password made here is shown with the answer, this once. */
static int show_password(struct tool *t UNUSED, const cJSON *args, cJSON *result)
{
	if (ctl_flag(args, "generate") && cJSON_IsString(result)) {
		char *text = take(&result->valuestring);
		result->type = cJSON_Object;
		cJSON_AddStringToObject(result, "done", text);
		cJSON_free(text);
	}
	if (ctl_flag(args, "generate") && cJSON_IsObject(result))
		cJSON_AddStringToObject(result, "password", ctl_text(args, "password").p);
	return EXIT_FINE;
}

static int show_new(struct tool *t, const cJSON *args, cJSON *result)
{
	relayuse_admit(t, ctl_text(result, "user").p);
	return show_password(t, args, result);
}

/* clang-format off */
#define ARG_USER { "user", CTL_TEXT, true, true, "user name, address or number" }
#define ARGS_PASSWORD \
	{ "password-stdin", CTL_FLAG, false, false, "read the password from standard input" }, \
	{ "generate", CTL_FLAG, false, false, "make a password and show it this once" }
#define ARGS_DATA \
	{ "name", CTL_TEXT, false, false, "display name" }, \
	{ "email", CTL_TEXT, false, false, "e-mail address" }, \
	{ "phone", CTL_TEXT, false, false, "telephone number, E.164: +4930123456" }, \
	{ "extension", CTL_TEXT, false, false, "two to ten digits" }, \
	{ "department", CTL_TEXT, false, false, "department" }, \
	{ "title", CTL_TEXT, false, false, "title" }, \
	{ "manager", CTL_TEXT, false, false, "another user" }, \
	{ "office", CTL_TEXT, false, false, "office: building, room" }, \
	{ "company", CTL_TEXT, false, false, "company" }, \
	{ "city", CTL_TEXT, false, false, "city" }, \
	{ "state", CTL_TEXT, false, false, "state or province" }, \
	{ "country", CTL_TEXT, false, false, "country" }

const struct verb ctl_user_verbs[] = {
	{ .cmd = { .noun = "user", .verb = "add", .help = "Make a user",
	           .args = { ARG_USER, ARGS_PASSWORD, ARGS_DATA } },
	  .role = "accounts", .offline = true, .run = with_password, .after = show_new,
	  .local_args = "password-stdin generate" },
	{ .cmd = { .noun = "user", .verb = "list", .help = "Show all users, or those with a text",
	           .args = { { "text", CTL_TEXT, true, false, "part of a name, address, number, department" },
	                     { "after", CTL_TEXT, false, false, "those behind this address" },
	                     { "max", CTL_NUMBER, false, false, "users to show" } } },
	  .role = "accounts", .offline = true,
	  .columns = "user name phone extension email disabled admin" },
	{ .cmd = { .noun = "user", .verb = "show",
	           .help = "Show a user and how that user can sign in", .args = { ARG_USER } },
	  .role = "accounts", .offline = true },
	{ .cmd = { .noun = "user", .verb = "set",
	           .help = "Change a user's data; an empty value clears",
	           .args = { ARG_USER, ARGS_DATA,
	                     { "photo", CTL_TEXT, false, false,
	                       "file of a picture, at most 30 kB; empty: none" },
	                     { "ntlm", CTL_TEXT, false, false, "yes or no: NTLM sign-in allowed" },
	                     { "sha256-only", CTL_TEXT, false, false, "yes or no: no MD5 Digest" },
	                     { "max-endpoints", CTL_NUMBER, false, false,
	                       "clients at once; 0: the default" },
	                     { "hidden", CTL_TEXT, false, false,
	                       "yes or no: not found by searches" },
	                     { "second-factor", CTL_TEXT, false, false,
	                       "required, optional or default, for the web" },
	                     { "admin", CTL_TEXT, false, false,
	                       "yes or no: may use the administration pages" } } },
	  .role = "accounts", .offline = true, .run = with_photo },
	{ .cmd = { .noun = "user", .verb = "photo", .help = "Set a user's photo, or remove it",
	           .args = { ARG_USER,
	                     { "photo", CTL_TEXT, true, false,
	                       "file of a picture, at most 30 kB, 1024 pixels wide and high" },
	                     { "remove", CTL_FLAG, false, false, "the user has none any more" } } },
	  .role = "accounts", .offline = true, .run = with_photo },
	{ .cmd = { .noun = "user", .verb = "passwd", .help = "Set a new password",
	           .args = { ARG_USER, ARGS_PASSWORD } },
	  .role = "accounts", .offline = true, .run = with_password, .after = show_password,
	  .local_args = "password-stdin generate" },
	{ .cmd = { .noun = "user", .verb = "reset-factor",
	           .help = "Remove the second factor of who has lost it", .args = { ARG_USER } },
	  .role = "accounts", .offline = true },
	{ .cmd = { .noun = "user", .verb = "disable",
	           .help = "Refuse sign-ins and sign the user out at once", .args = { ARG_USER } },
	  .role = "accounts", .offline = true, .run = remote_with_user, .after = relayuse_end },
	{ .cmd = { .noun = "user", .verb = "enable", .help = "Let a disabled user sign in again",
	           .args = { ARG_USER } },
	  .role = "accounts", .offline = true, .run = remote_with_user, .after = relayuse_begin },
	{ .cmd = { .noun = "user", .verb = "remove", .help = "Remove a user for good",
	           .args = { ARG_USER } },
	  .role = "accounts", .offline = true, .run = remote_with_user, .after = relayuse_end },
	{ .cmd = { .noun = "device", .verb = "add",
	           .help = "Make a password for one device; shown once",
	           .args = { ARG_USER, { "name", CTL_TEXT, true, true, "a name for the device" } } },
	  .role = "accounts", .offline = true },
	{ .cmd = { .noun = "device", .verb = "list", .help = "Show a user's devices",
	           .args = { ARG_USER } },
	  .role = "accounts", .offline = true },
	{ .cmd = { .noun = "device", .verb = "remove", .help = "Revoke a device's password",
	           .args = { ARG_USER, { "name", CTL_TEXT, true, true, "the device's name" } } },
	  .role = "accounts", .offline = true },
	{ .cmd = { .noun = "login", .verb = "list",
	           .help = "Show where a user is signed in to the web", .args = { ARG_USER } },
	  .role = "accounts", .offline = true },
	{ .cmd = { .noun = "login", .verb = "end", .help = "Sign a user out of the web",
	           .args = { ARG_USER, { "number", CTL_NUMBER, true, false,
	                                 "one of the list; absent: all" } } },
	  .role = "accounts", .offline = true },
	{ .cmd = { .noun = "token", .verb = "create",
	           .help = "Make an app token for a program; shown once",
	           .args = { ARG_USER,
	                     { "name", CTL_TEXT, false, true, "a name for the program" },
	                     { "life", CTL_TEXT, false, false,
	                       "such as 365d; absent: for ever" } } },
	  .role = "accounts", .offline = true },
	{ .cmd = { .noun = "token", .verb = "list", .help = "Show app tokens",
	           .args = { { "user", CTL_TEXT, true, false, "absent: of all users" } } },
	  .role = "accounts", .offline = true },
	{ .cmd = { .noun = "token", .verb = "remove", .help = "Revoke an app token",
	           .args = { { "number", CTL_NUMBER, true, true, "one of the list" } } },
	  .role = "accounts", .offline = true },
	{ .cmd = { .noun = NULL } },
};
/* clang-format on */
