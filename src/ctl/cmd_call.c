/* dialtone endpoint, call, explain, trace: what the front ends answer. */
#include <time.h>

#include "ctl/commands.h"
#include "ctl/print.h"
#include "ctl/remote.h"

/* Messages are looked through for the words as they are given: a number stays a number. */
static int with_known_user(struct tool *t, cJSON *args)
{
	return remote_check_user(t, args, "user");
}

/* How many were signed off in all. */
static cJSON *add_kicked(cJSON *a, cJSON *b)
{
	cJSON_SetNumberValue(cJSON_GetObjectItemCaseSensitive(a, "kicked"),
	                     ctl_number(a, "kicked", 0) + ctl_number(b, "kicked", 0));
	cJSON_Delete(b);
	return a;
}

/* One that was named must have been there. */
static int must_be_signed_off(struct tool *t UNUSED, const cJSON *args, cJSON *result)
{
	struct str endpoint = ctl_text(args, "endpoint");
	if (endpoint.len == 0 || ctl_number(result, "kicked", 0) > 0)
		return EXIT_FINE;
	const char *user = ctl_text(args, "user").p;
	return tool_fail("%s has no endpoint \"%s\". `dialtone endpoint list %s` shows those there "
	                 "are.",
	                 user, endpoint.p, user);
}

static cJSON *row_of(cJSON *rows, struct str id)
{
	for (cJSON *row = rows->child; row; row = row->next) {
		if (str_eq(ctl_text(row, "id"), id))
			return row;
	}
	return NULL;
}

/* A call between users of two homes is seen by both; who knows that it is connected knows more. */
static cJSON *unite_calls(cJSON *a, cJSON *b)
{
	cJSON *row;
	while (cJSON_IsArray(a) && cJSON_IsArray(b) && (row = cJSON_DetachItemFromArray(b, 0))) {
		cJSON *same = row_of(a, ctl_text(row, "id"));
		if (!same)
			cJSON_AddItemToArray(a, row);
		else if (str_eq(ctl_text(row, "state"), STR("connected")))
			cJSON_ReplaceItemViaPointer(a, same, row);
		else
			cJSON_Delete(row);
	}
	cJSON_Delete(b);
	return a;
}

/* The user's home tells the whole story; the others say that they do not know it (code 0). */
static cJSON *home_story(cJSON *a, cJSON *b)
{
	bool b_knows = ctl_number(b, "code", 0) > 0;
	cJSON_Delete(b_knows ? a : b);
	return b_knows ? b : a;
}

/* For people: what happens, then what comes of it. */
static int tell_story(struct tool *t, const cJSON *args UNUSED, cJSON *result)
{
	auto_(buf_free) struct buf code = buf_of(64);
	if (t->json || !cJSON_IsObject(result))
		return EXIT_FINE;
	double n = ctl_number(result, "code", 0);
	if (n == 200)
		buf_lit(&code, "200, as soon as somebody answers");
	else
		buf_printf(&code, "%.0f", n);
	buf_char(&code, '\0');
	cJSON *steps = cJSON_DetachItemFromObjectCaseSensitive(result, "steps");
	cJSON *outcome = cJSON_DetachItemFromObjectCaseSensitive(result, "outcome");
	cJSON_DeleteItemFromObjectCaseSensitive(result, "code");
	cJSON_AddItemToObject(result, "what_happens", steps);
	cJSON_AddItemToObject(result, "outcome", outcome);
	cJSON_AddStringToObject(result, "the_sender_is_answered", code.p);
	return EXIT_FINE;
}

/* 15:52:01.123 frontend/1 in TLS 10.77.0.3:50122 */
static void put_trace_head(struct buf *b, const cJSON *event)
{
	static const char *const words[] = { "role", "way", "kind", "peer" };
	usec_t at = (usec_t)ctl_number(event, "time", 0);
	time_t seconds = (time_t)(at / USEC_PER_SEC);
	struct tm tm;
	char text[32] = "";
	if (localtime_r(&seconds, &tm))
		(void)strftime(text, sizeof(text), "%H:%M:%S", &tm);
	buf_printf(b, "%s.%03u", text, (unsigned)(at % USEC_PER_SEC / USEC_PER_MSEC));
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		buf_char(b, ' ');
		print_text(b, ctl_text(event, words[i]));
	}
	buf_printf(b, " connection %.0f\n", ctl_number(event, "connection", 0));
}

/* One SIP message, each line of it moved in. */
static void put_trace(struct buf *b, const cJSON *event)
{
	struct str rest = ctl_text(event, "message"), line;
	put_trace_head(b, event);
	while (rest.len > 0) {
		(void)str_cut(rest, '\n', &line, &rest);
		if (str_ends(line, STR("\r")))
			line.len--;
		buf_lit(b, "    ");
		print_text(b, line);
		buf_char(b, '\n');
	}
	buf_char(b, '\n');
}

/* clang-format off */
const struct verb ctl_call_verbs[] = {
	{ .cmd = { .noun = "endpoint", .verb = "list",
	           .help = "Show who is signed in, from where, with what",
	           .args = { { "user", CTL_TEXT, true, false, "only this user's" } } },
	  .role = "frontend", .every_slot = true, .run = remote_with_user },
	{ .cmd = { .noun = "endpoint", .verb = "kick",
	           .help = "Sign endpoints off and end their connections",
	           .args = { { "user", CTL_TEXT, true, true, "whose" },
	                     { "endpoint", CTL_TEXT, true, false, "which one; all if left out" } } },
	  .role = "frontend", .every_slot = true, .run = remote_with_user, .join = add_kicked,
	  .after = must_be_signed_off },
	{ .cmd = { .noun = "call", .verb = "list", .help = "Show calls that ring or are connected" },
	  .role = "frontend", .every_slot = true, .join = unite_calls },
	{ .cmd = { .noun = "bridge", .verb = "list",
	           .help = "Show calls whose sound the media bridge carries" },
	  .role = "media-bridge", .every_slot = true },
	{ .cmd = { .noun = "bridge", .verb = "status",
	           .help = "Show figures of the media bridge, and what it has of the A/V edge's relay" },
	  .role = "media-bridge", .every_slot = true },
	{ .cmd = { .noun = "explain", .help = "Say how a request would be routed, and why",
	           .args = { { "from", CTL_TEXT, true, true,
	                       "who calls: a user name, an address or a number" },
	                     { "to", CTL_TEXT, true, true, "whom: a user name, an address or a number" } } },
	  .role = "frontend", .every_slot = true, .join = home_story, .after = tell_story },
	{ .cmd = { .noun = "trust",
	           .help = "Show which header fields are taken from whom, and given to whom" },
	  .role = "frontend" },
	{ .cmd = { .noun = "trace", .help = "Show SIP messages as they pass, secrets masked",
	           .streams = true,
	           .args = { { "user", CTL_TEXT, false, false, "only messages of this user" },
	                     { "peer", CTL_TEXT, false, false, "only this address (192.0.2.7, 192.0.2.7:5060) or process (mcu-im/1)" } } },
	  .role = "frontend", .every_slot = true, .run = with_known_user, .put_event = put_trace },
	{ .cmd = { .noun = NULL } },
};
/* clang-format on */
