/* usage: purple_driver FOLDER [CA-FILE]
 *
 * FOLDER becomes libpurple's own; its debug log is FOLDER/debug.log.  Besides the system's CAs
 * those of CA-FILE are trusted.  Ends at the command quit and at the end of standard input. */
#include "driver.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "event.h"

/* Where Debian's pidgin-sipe is. */
#define PLUGINS "/usr/lib/purple-2"

/* The loop of GLib as libpurple wants it. */

struct watch {
	PurpleInputFunction fn;
	gpointer arg;
};

static gboolean watch_ready(GIOChannel *channel, GIOCondition condition, gpointer arg)
{
	const struct watch *w = arg;
	unsigned ready = 0;
	if (condition & (G_IO_IN | G_IO_HUP | G_IO_ERR | G_IO_NVAL))
		ready |= PURPLE_INPUT_READ;
	if (condition & (G_IO_OUT | G_IO_HUP | G_IO_ERR | G_IO_NVAL))
		ready |= PURPLE_INPUT_WRITE;
	w->fn(w->arg, g_io_channel_unix_get_fd(channel), (PurpleInputCondition)ready);
	return TRUE;
}

static guint watch_add(int fd, PurpleInputCondition condition, PurpleInputFunction fn, gpointer arg)
{
	struct watch *w = g_new(struct watch, 1);
	*w = (struct watch){ .fn = fn, .arg = arg };
	unsigned wanted = G_IO_HUP | G_IO_ERR | G_IO_NVAL;
	if (condition & PURPLE_INPUT_READ)
		wanted |= G_IO_IN;
	if (condition & PURPLE_INPUT_WRITE)
		wanted |= G_IO_OUT;
	GIOChannel *channel = g_io_channel_unix_new(fd);
	guint id = g_io_add_watch_full(channel, G_PRIORITY_DEFAULT, (GIOCondition)wanted,
	                               watch_ready, w, g_free);
	g_io_channel_unref(channel);
	return id;
}

static PurpleEventLoopUiOps loop_ops = {
	.timeout_add = g_timeout_add,
	.timeout_remove = g_source_remove,
	.input_add = watch_add,
	.input_remove = g_source_remove,
	.timeout_add_seconds = g_timeout_add_seconds,
};

/* The debug log.  "Unsafe" makes the plug-in write whole SIP messages to it; "enabled" would make
 * libpurple print it on standard output too. */

static void log_print(PurpleDebugLevel level, const char *category, const char *text)
{
	fprintf(stderr, "%.3f %d %s: %s", (double)g_get_monotonic_time() / 1e6, (int)level,
	        category ? category : "", text);
	fflush(stderr);
}

static gboolean log_wants(PurpleDebugLevel level, const char *category)
{
	(void)level;
	(void)category;
	return TRUE;
}

static PurpleDebugUiOps log_ops = { .print = log_print, .is_enabled = log_wants };

static void core_init_parts(void)
{
	ui_init();
	blist_init();
	asked_init();
	call_init();
	chat_init();
	files_init();
}

static PurpleCoreUiOps core_ops = { .ui_init = core_init_parts };

struct driver *driver_of(void)
{
	return g_dataset_get_data(&core_ops, "driver");
}

/* A copy of the CA's certificate where libpurple looks for some. */
static void trust(const char *folder, const char *ca_file)
{
	char *dir = g_build_filename(folder, "ca", NULL);
	char *copy = g_build_filename(dir, "ca.pem", NULL);
	char *text = NULL;
	gsize len = 0;
	if (g_mkdir_with_parents(dir, 0700) != 0 ||
	    !g_file_get_contents(ca_file, &text, &len, NULL) ||
	    !g_file_set_contents(copy, text, (gssize)len, NULL)) {
		fprintf(stderr, "%s cannot be trusted: %s\n", ca_file, strerror(errno));
		exit(1);
	}
	purple_certificate_add_ca_search_path(dir);
	g_free(text);
	g_free(copy);
	g_free(dir);
}

static void start_libpurple(const char *folder, const char *ca_file)
{
	purple_util_set_user_dir(folder);
	purple_debug_set_ui_ops(&log_ops);
	purple_debug_set_unsafe(TRUE);
	purple_core_set_ui_ops(&core_ops);
	purple_eventloop_set_ui_ops(&loop_ops);
	purple_plugins_add_search_path(PLUGINS);
	if (!purple_core_init(DRIVER_UI)) {
		fprintf(stderr, "libpurple does not start\n");
		exit(1);
	}
	purple_set_blist(purple_blist_new());
	purple_blist_load();
	purple_prefs_load();
	purple_prefs_set_bool("/purple/network/map_ports", FALSE);
	purple_prefs_set_bool("/purple/away/away_when_idle", FALSE);
	purple_prefs_set_bool("/purple/logging/log_ims", FALSE);
	if (ca_file)
		trust(folder, ca_file);
}

static gboolean input_ready(GIOChannel *in, GIOCondition condition, gpointer arg)
{
	(void)condition;
	struct driver *d = arg;
	char *line = NULL;
	switch (g_io_channel_read_line(in, &line, NULL, NULL, NULL)) {
	case G_IO_STATUS_NORMAL:
		commands_line(d, line);
		g_free(line);
		return TRUE;
	case G_IO_STATUS_AGAIN:
		return TRUE;
	case G_IO_STATUS_ERROR:
	case G_IO_STATUS_EOF:
	default:
		g_main_loop_quit(d->loop);
		return FALSE;
	}
}

int main(int argc, char **argv)
{
	if (argc < 2 || argc > 3) {
		fprintf(stderr, "usage: purple_driver FOLDER [CA-FILE]\n");
		return 2;
	}
	char *log = g_build_filename(argv[1], "debug.log", NULL);
	if (!freopen(log, "w", stderr))
		return 1;
	g_free(log);
	(void)signal(SIGPIPE, SIG_IGN);
	(void)signal(SIGCHLD, SIG_IGN); /* libpurple looks names up in children */
	struct driver d = { .loop = g_main_loop_new(NULL, FALSE),
		            .tone_hz = 440,
		            .colour = 0x00ff00 };
	g_dataset_set_data(&core_ops, "driver", &d);
	start_libpurple(argv[1], argc > 2 ? argv[2] : NULL);
	GIOChannel *in = g_io_channel_unix_new(0);
	g_io_add_watch(in, G_IO_IN | G_IO_HUP, input_ready, &d);
	event_send(event_new("ready"));
	g_main_loop_run(d.loop);
	purple_core_quit();
	g_io_channel_unref(in);
	g_main_loop_unref(d.loop);
	return 0;
}
