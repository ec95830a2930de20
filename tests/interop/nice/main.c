/* usage: nice_agent [options], see --help
 *
 * An ICE agent of libnice on the command line.  Standard output has events, {"event": NAME, ...},
 * one a line: "local" (its description), "state", "selected" (the pair), "received", "error".
 * Standard input has commands: {"do": "remote", "ufrag", "pwd", "candidates"}, the other's
 * description; {"do": "send", "packets", "size", "gap_ms"}; {"do": "quit"}.  Ends at "quit" and at
 * the end of standard input: with status 0 if all that was sent both ways arrived. */
#include "ice.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void event_send(const char *name, cJSON *ev)
{
	if (!ev)
		ev = cJSON_CreateObject();
	cJSON_AddStringToObject(ev, "event", name);
	char *line = cJSON_PrintUnformatted(ev);
	puts(line);
	fflush(stdout);
	free(line);
	cJSON_Delete(ev);
}

static void say_error(const char *why)
{
	cJSON *ev = cJSON_CreateObject();
	cJSON_AddStringToObject(ev, "why", why);
	event_send("error", ev);
}

static unsigned number_of(const cJSON *args, const char *name)
{
	const cJSON *field = cJSON_GetObjectItemCaseSensitive(args, name);
	return cJSON_IsNumber(field) && field->valuedouble >= 0 ? (unsigned)field->valuedouble : 0;
}

/* NULL, or why it was not done. */
static const char *obey(struct ice *i, const cJSON *args)
{
	const cJSON *what = cJSON_GetObjectItemCaseSensitive(args, "do");
	const char *name = cJSON_IsString(what) ? what->valuestring : "";
	if (strcmp(name, "remote") == 0)
		return ice_remote(i, args);
	if (strcmp(name, "send") == 0) {
		traffic_send(i->traffic, number_of(args, "packets"), number_of(args, "size"),
		             number_of(args, "gap_ms"));
		return NULL;
	}
	if (strcmp(name, "quit") == 0) {
		g_main_loop_quit(i->loop);
		return NULL;
	}
	return "there is no such command";
}

static gboolean input_ready(GIOChannel *in, GIOCondition condition, gpointer arg)
{
	(void)condition;
	struct ice *i = arg;
	char *line = NULL;
	GIOStatus status = g_io_channel_read_line(in, &line, NULL, NULL, NULL);
	if (status == G_IO_STATUS_AGAIN)
		return TRUE;
	if (status != G_IO_STATUS_NORMAL) {
		g_main_loop_quit(i->loop);
		return FALSE;
	}
	cJSON *args = cJSON_Parse(line);
	const char *why = obey(i, args);
	if (why)
		say_error(why);
	cJSON_Delete(args);
	g_free(line);
	return TRUE;
}

static gboolean read_options(struct ice_options *o, int argc, char **argv)
{
	gboolean no_udp = FALSE;
	/* clang-format off */
	const GOptionEntry entries[] = {
		{ "mode", 0, 0, G_OPTION_ARG_STRING, &o->mode, "rfc5245 or oc2007r2", "MODE" },
		{ "relay", 0, 0, G_OPTION_ARG_STRING, &o->relay, "TURN server", "HOST:PORT" },
		{ "type", 0, 0, G_OPTION_ARG_STRING, &o->type, "to it: udp, tcp or tls", "TYPE" },
		{ "user", 0, 0, G_OPTION_ARG_STRING, &o->user, "its user", "NAME" },
		{ "password", 0, 0, G_OPTION_ARG_STRING, &o->password, "and password", "TEXT" },
		{ "relay-only", 0, 0, G_OPTION_ARG_NONE, &o->relay_only, "no other candidates", NULL },
		{ "no-udp", 0, 0, G_OPTION_ARG_NONE, &no_udp, "no candidates of UDP", NULL },
		{ "tcp", 0, 0, G_OPTION_ARG_NONE, &o->tcp, "candidates of ICE-TCP", NULL },
		{ "reliable", 0, 0, G_OPTION_ARG_NONE, &o->reliable, "a stream of bytes", NULL },
		{ "controlling", 0, 0, G_OPTION_ARG_NONE, &o->controlling, "it nominates", NULL },
		G_OPTION_ENTRY_NULL,
	};
	/* clang-format on */
	GOptionContext *context = g_option_context_new(NULL);
	GError *error = NULL;
	g_option_context_add_main_entries(context, entries, NULL);
	gboolean ok = g_option_context_parse(context, &argc, &argv, &error);
	if (!ok)
		fprintf(stderr, "nice_agent: %s\n", error->message);
	g_option_context_free(context);
	o->udp = !no_udp;
	return ok;
}

int main(int argc, char **argv)
{
	struct ice_options o = { .mode = NULL };
	const char *why = NULL;
	(void)signal(SIGPIPE, SIG_IGN);
	if (!read_options(&o, argc, argv))
		return 2;
	struct ice *i = ice_new(&o, &why);
	if (!i) {
		fprintf(stderr, "nice_agent: %s\n", why);
		return 2;
	}
	GIOChannel *in = g_io_channel_unix_new(0);
	g_io_add_watch(in, G_IO_IN | G_IO_HUP, input_ready, i);
	g_main_loop_run(i->loop);
	gboolean done = traffic_is_done(i->traffic);
	g_io_channel_unref(in);
	ice_free(&i);
	return done ? 0 : 1;
}
