/* dialtone relay, allocation: what the A/V edge answers. */
#include "ctl/certs.h"
#include "ctl/commands.h"
#include "ctl/file.h"
#include "ctl/print.h"
#include "ctl/relaytest.h"
#include "ctl/relayuse.h"

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

static cJSON *take_first(cJSON *a, cJSON *b)
{
	cJSON_Delete(b);
	return a;
}

/* Whatever one of the processes did. */
static cJSON *add_allowed(cJSON *a, cJSON *b)
{
	bool was = ctl_flag(a, "allowed") || ctl_flag(b, "allowed");
	cJSON_Delete(b);
	cJSON_ReplaceItemInObjectCaseSensitive(a, "allowed", cJSON_CreateBool(was));
	return a;
}

/* --- what people are shown -------------------------------------------------------------------- */

static int tell(const struct tool *t, cJSON *result, const struct buf *b)
{
	if (!t->json)
		tool_become_text(result, buf_view(b));
	return EXIT_FINE;
}

/* {"transport","address"} become "udp 192.0.2.2:3478". */
static void shorten_faces(cJSON *process)
{
	cJSON *words = cJSON_CreateArray();
	const cJSON *face;
	cJSON_ArrayForEach(face, cJSON_GetObjectItemCaseSensitive(process, "faces"))
	{
		auto_(buf_free) struct buf b = buf_of(256);
		buf_printf(&b, "%s %s", ctl_text(face, "transport").p, ctl_text(face, "address").p);
		buf_char(&b, '\0');
		cJSON_AddItemToArray(words, cJSON_CreateString(b.p));
	}
	cJSON_ReplaceItemInObjectCaseSensitive(process, "faces", words);
}

/* A block for each process. */
static int tell_status(struct tool *t, const cJSON *args UNUSED, cJSON *result)
{
	auto_(buf_free) struct buf b = buf_of(PRINT_MAX);
	cJSON *process;
	if (t->json)
		return EXIT_FINE;
	cJSON_ArrayForEach(process, result)
	{
		shorten_faces(process);
		buf_str(&b, b.len ? STR("\n") : STR(""));
		print_value(&b, process, NULL);
	}
	return tell(t, result, &b);
}

static int tell_drain(struct tool *t, const cJSON *args UNUSED, cJSON *result)
{
	auto_(buf_free) struct buf b = buf_of(PRINT_MAX);
	double n = ctl_number(result, "allocations", 0);
	if (ctl_flag(result, "draining"))
		buf_printf(&b, "draining; %.0f allocation%s on", n, n == 1 ? " goes" : "s go");
	else
		buf_printf(&b, "taking allocations; there %s %.0f", n == 1 ? "is" : "are", n);
	return tell(t, result, &b);
}

static void put_port(struct buf *b, const cJSON *server, const char *key, const char *what)
{
	double port = ctl_number(server, key, 0);
	if (port > 0)
		buf_printf(b, ", %s %.0f", what, port);
}

/* "av.example.com, UDP 3478, TCP 443, TLS 443" */
static cJSON *in_words(const cJSON *servers)
{
	cJSON *words = cJSON_CreateArray();
	const cJSON *s;
	cJSON_ArrayForEach(s, servers)
	{
		auto_(buf_free) struct buf b = buf_of(PRINT_MAX);
		buf_str(&b, ctl_text(s, "host"));
		put_port(&b, s, "udp", "UDP");
		put_port(&b, s, "tcp", "TCP");
		put_port(&b, s, "tls", "TLS");
		buf_char(&b, '\0');
		cJSON_AddItemToArray(words, cJSON_CreateString(b.p));
	}
	return words;
}

/* Whom devices must trust for turns:; none if certificates are those of a public CA. */
static void add_ca(struct tool *t, cJSON *result)
{
	auto_(arena_free) struct arena *a = arena_new();
	const struct topo *topo = tool_topo(t);
	const char *path = topo ? certs_path(a, topo, STR("ca"), ".pem") : NULL;
	if (path && file_exists(path))
		cJSON_AddStringToObject(result, "ca", path);
}

static void put_uris(struct buf *b, const cJSON *uris)
{
	const cJSON *uri;
	buf_lit(b, "uris:\n");
	cJSON_ArrayForEach(uri, uris)
	{
		buf_lit(b, "  ");
		print_text(b, str_of(cJSON_GetStringValue(uri)));
		buf_char(b, '\n');
	}
}

static int tell_credential(struct tool *t, const cJSON *args UNUSED, cJSON *result)
{
	auto_(buf_free) struct buf b = buf_of(PRINT_MAX);
	add_ca(t, result);
	if (t->json)
		return EXIT_FINE;
	const cJSON *servers = cJSON_GetObjectItemCaseSensitive(result, "servers");
	cJSON_ReplaceItemInObjectCaseSensitive(result, "servers", in_words(servers));
	cJSON_AddNumberToObject(result, "good_for_s", ctl_number(result, "ttl", 0));
	cJSON_DeleteItemFromObjectCaseSensitive(result, "ttl");
	cJSON *uris = cJSON_DetachItemFromObjectCaseSensitive(result, "uris");
	print_value(&b, result, NULL);
	put_uris(&b, uris);
	cJSON_Delete(uris);
	if (ctl_text(result, "ca").len > 0)
		buf_lit(&b, "turns: needs that CA's certificate trusted on the device.\n");
	tool_become_text(result, buf_view(&b));
	wipe(b.p, b.len);
	return EXIT_FINE;
}

/* --- what must have been there ---------------------------------------------------------------- */

static int must_have_ended(struct tool *t UNUSED, const cJSON *args, cJSON *result)
{
	struct str id = ctl_text(args, "id");
	const char *user = ctl_text(args, "user").p;
	if (ctl_number(result, "ended", 0) > 0)
		return EXIT_FINE;
	if (id.len == 0)
		return tool_fail("%s has no allocation.", user);
	return tool_fail("%s has no allocation \"%s\". `dialtone allocation list %s` shows those "
	                 "there are.",
	                 user, id.p, user);
}

static int must_have_been_revoked(struct tool *t UNUSED, const cJSON *args, cJSON *result)
{
	if (ctl_flag(result, "allowed"))
		return EXIT_FINE;
	return tool_fail("The credentials of %s were not revoked. `dialtone relay revoked` shows "
	                 "whose are.",
	                 ctl_text(args, "user").p);
}

/* clang-format off */
const struct verb ctl_relay_verbs[] = {
	{ .cmd = { .noun = "relay", .verb = "status",
	           .help = "Show faces, relayed addresses and figures of the A/V edge" },
	  .role = "edge-av", .every_slot = true, .after = tell_status },
	{ .cmd = { .noun = "relay", .verb = "credential",
	           .help = "Make credentials of the relay for a user",
	           .args = { { "user", CTL_TEXT, true, true, "whose" },
	                     { "life", CTL_TEXT, false, false, "how long they are good, as 8 h" } } },
	  .role = "edge-av", .run = relayuse_account, .after = tell_credential },
	{ .cmd = { .noun = "relay", .verb = "test",
	           .help = "Send data through the relay by each way that clients have",
	           .args = { { "to", CTL_TEXT, false, false,
	                       "host of the relay; else this host's" },
	                     { "udp-port", CTL_NUMBER, false, false, "of that host; else 3478" },
	                     { "tcp-port", CTL_NUMBER, false, false, "of that host; else 443" },
	                     { "user", CTL_TEXT, false, false, "with whose credentials" },
	                     { "username", CTL_TEXT, false, false,
	                       "of credentials that were made on the relay's host" },
	                     { "password-stdin", CTL_FLAG, false, false,
	                       "read their password from standard input; else it is asked for" },
	                     { "ca", CTL_TEXT, false, false,
	                       "file of a CA's certificate to trust" } } },
	  .run = relay_test },
	{ .cmd = { .noun = "relay", .verb = "drain",
	           .help = "Take no new allocations, or take them again; those there are go on",
	           .args = { { "on", CTL_TEXT, true, true, "on or off" } } },
	  .role = "edge-av", .every_slot = true, .join = add_allocations,
	  .after = tell_drain },
	{ .cmd = { .noun = "relay", .verb = "revoke",
	           .help = "End a user's allocations and refuse the user's credentials",
	           .args = { { "user", CTL_TEXT, true, true, "whose" } } },
	  .role = "edge-av", .every_slot = true, .run = relayuse_anybody, .join = add_ended },
	{ .cmd = { .noun = "relay", .verb = "allow",
	           .help = "Take the credentials of a user again",
	           .args = { { "user", CTL_TEXT, true, true, "whose" } } },
	  .role = "edge-av", .every_slot = true, .run = relayuse_anybody, .join = add_allowed,
	  .after = must_have_been_revoked },
	{ .cmd = { .noun = "relay", .verb = "revoked",
	           .help = "Show whose credentials are refused, and how long yet" },
	  .role = "edge-av", .every_slot = true, .join = take_first },
	{ .cmd = { .noun = "allocation", .verb = "list",
	           .help = "Show allocations of the relay, with what passed through them",
	           .args = { { "user", CTL_TEXT, true, false, "only this user's" } } },
	  .role = "edge-av", .every_slot = true, .run = relayuse_anybody },
	{ .cmd = { .noun = "allocation", .verb = "end",
	           .help = "End allocations",
	           .args = { { "user", CTL_TEXT, true, true, "whose" },
	                     { "id", CTL_TEXT, true, false, "which one; all if left out" } } },
	  .role = "edge-av", .every_slot = true, .run = relayuse_anybody, .join = add_ended,
	  .after = must_have_ended },
	{ .cmd = { .noun = NULL } },
};
/* clang-format on */
