#include "ctl/relayuse.h"

#include <errno.h>
#include <stdio.h>

#include "ctl/print.h"
#include "ctl/remote.h"

#define EDGE "edge-av"

/* --- whose ------------------------------------------------------------------------------------ */

static void replace(cJSON *args, struct str address)
{
	auto_(xfreep) char *copy = str_dup(address);
	cJSON_ReplaceItemInObjectCaseSensitive(args, "user", cJSON_CreateString(copy));
}

/* As it stands there, of the only domain if it names none. */
static int complete(struct tool *t, cJSON *args)
{
	struct str user = ctl_text(args, "user");
	const struct topo *topo = str_chr(user, '@') < 0 ? tool_topo(t) : NULL;
	auto_(buf_free) struct buf b = buf_of(PRINT_MAX);
	if (str_chr(user, '@') >= 0)
		return EXIT_FINE;
	if (!topo)
		return EXIT_FAILED;
	if (topo->n_domains != 1) {
		for (size_t i = 0; i < topo->n_domains; i++)
			buf_printf(&b, "%s%" STR_FMT, i ? ", " : "", STR_ARG(topo->domains[i]));
		return tool_fail("Accounts cannot be asked here, or know nobody of that name: "
		                 "write the address whole, %" STR_FMT
		                 "@DOMAIN.  The domains are %" STR_FMT ".",
		                 STR_ARG(user), STR_ARG(buf_view(&b)));
	}
	buf_printf(&b, "%" STR_FMT "@%" STR_FMT, STR_ARG(user), STR_ARG(topo->domains[0]));
	replace(args, buf_view(&b));
	return EXIT_FINE;
}

/* *ret_err: of remote_find_user(); *ret_off: the account is disabled. */
static int find(struct tool *t, cJSON *args, int *ret_err, bool *ret_off, struct buf *why)
{
	struct str user = ctl_text(args, "user");
	cJSON *found = NULL;
	if (str_trim(user).len == 0)
		return tool_fail("Whose?  A user's name or address is wanted.");
	*ret_err = remote_find_user(t, user.p, &found, why);
	*ret_off = ctl_flag(found, "disabled");
	if (*ret_err == 0)
		replace(args, ctl_text(found, "user"));
	cJSON_Delete(found);
	return *ret_err == 0 ? EXIT_FINE : complete(t, args);
}

int relayuse_anybody(struct tool *t, cJSON *args)
{
	auto_(buf_free) struct buf why = buf_of(CTL_LINE_MAX);
	int err;
	bool off;
	if (!cJSON_GetObjectItemCaseSensitive(args, "user"))
		return EXIT_FINE;
	int r = find(t, args, &err, &off, &why);
	if (r == EXIT_FINE && err == -ENOENT && !t->json)
		(void)fprintf(stderr, "There is no user %s; what follows is about that address.\n",
		              ctl_text(args, "user").p);
	return r;
}

int relayuse_account(struct tool *t, cJSON *args)
{
	auto_(buf_free) struct buf why = buf_of(CTL_LINE_MAX);
	int err;
	bool off;
	int r = find(t, args, &err, &off, &why);
	const char *user = ctl_text(args, "user").p;
	if (r == EXIT_FINE && err == -ENOENT)
		return tool_fail("%" STR_FMT, STR_ARG(buf_view(&why)));
	if (r == EXIT_FINE && off)
		return tool_fail("%s is disabled.  `dialtone user enable %s` comes first.", user,
		                 user);
	return r;
}

/* --- with the account ------------------------------------------------------------------------- */

static cJSON *add_ended(cJSON *a, cJSON *b)
{
	cJSON_SetNumberValue(cJSON_GetObjectItemCaseSensitive(a, "ended"),
	                     ctl_number(a, "ended", 0) + ctl_number(b, "ended", 0));
	cJSON_Delete(b);
	return a;
}

/* The edge of this host; what it did, for people, if it is to end something. */
static void tell_edge(struct tool *t, const char *cmd, const cJSON *args, bool ends, struct buf *b)
{
	cJSON *done = remote_ask(t, EDGE, cmd, args, ends ? add_ended : NULL);
	unsigned ended = (unsigned)ctl_number(done, "ended", 0);
	if (ends && done)
		buf_printf(b,
		           "\nThe relay has ended %u allocation%s and refuses the credentials that "
		           "are out.",
		           ended, ended == 1 ? "" : "s");
	else if (ends)
		buf_printf(
		        b,
		        "\nThe relay did not do its part: run `dialtone %s %s` when it is there, "
		        "or the credentials that are out stay good until they expire.",
		        cmd, ctl_text(args, "user").p);
	cJSON_Delete(done);
}

/* A result that is a text gets more of it. */
static int tell_edges(struct tool *t, const char *cmd, bool ends, const cJSON *all, cJSON *result)
{
	const struct topo *topo = tool_topo(t);
	auto_(buf_free) struct buf b = buf_of(PRINT_MAX);
	const char *user = ctl_text(all, "user").p;
	if (!topo || !cJSON_IsString(result))
		return EXIT_FINE;
	buf_str(&b, str_of(result->valuestring));
	cJSON *args = cJSON_CreateObject();
	cJSON_AddStringToObject(args, "user", user);
	if (topo_role_here(topo, STR(EDGE)))
		tell_edge(t, cmd, args, ends, &b);
	cJSON_Delete(args);
	size_t before = b.len;
	buf_char(&b, '\n');
	if (remote_put_where(&b, topo, EDGE, topo->self))
		buf_printf(&b, ": run `dialtone %s %s` there too.", cmd, user);
	else
		b.len = before;
	tool_become_text(result, buf_view(&b));
	return EXIT_FINE;
}

int relayuse_end(struct tool *t, const cJSON *args, cJSON *result)
{
	return tell_edges(t, "relay revoke", true, args, result);
}

int relayuse_begin(struct tool *t, const cJSON *args, cJSON *result)
{
	return tell_edges(t, "relay allow", false, args, result);
}

void relayuse_admit(struct tool *t, const char *address)
{
	cJSON *args = cJSON_CreateObject();
	cJSON_AddStringToObject(args, "user", address);
	cJSON_Delete(remote_ask(t, EDGE, "relay allow", args, NULL));
	cJSON_Delete(args);
}
