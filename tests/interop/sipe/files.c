/* Files that are sent and received. */
#include "asked.h"
#include "driver.h"

#include <string.h>

#include "event.h"

static cJSON *about_file(const char *event, PurpleXfer *xfer)
{
	cJSON *ev = event_new(event);
	event_text(ev, "with", purple_xfer_get_remote_user(xfer));
	event_text(ev, "name", purple_xfer_get_filename(xfer));
	event_number(ev, "size", (double)purple_xfer_get_size(xfer));
	return ev;
}

static void offered(PurpleXfer *xfer, void *arg)
{
	(void)arg;
	event_send(about_file("file-offer", xfer));
}

/* `arg`: the state's name. */
static void moved(PurpleXfer *xfer, void *arg)
{
	cJSON *ev = about_file("file", xfer);
	gboolean sends = purple_xfer_get_type(xfer) == PURPLE_XFER_SEND;
	event_text(ev, "direction", sends ? "send" : "receive");
	event_text(ev, "state", arg);
	event_number(ev, "bytes", (double)purple_xfer_get_bytes_sent(xfer));
	event_bool(ev, "by-peer", purple_xfer_get_status(xfer) == PURPLE_XFER_STATUS_CANCEL_REMOTE);
	event_send(ev);
}

void files_init(void)
{
	static char accept[] = "accept", start[] = "start", complete[] = "complete",
	            cancel[] = "cancel";
	static char *const states[] = { accept, start, complete, cancel };
	void *files = purple_xfers_get_handle();
	purple_signal_connect(files, "file-recv-request", files, PURPLE_CALLBACK(offered), NULL);
	for (size_t i = 0; i < G_N_ELEMENTS(states); i++) {
		char *in = g_strconcat("file-recv-", states[i], NULL);
		char *out = g_strconcat("file-send-", states[i], NULL);
		purple_signal_connect(files, in, states[i], PURPLE_CALLBACK(moved), states[i]);
		purple_signal_connect(files, out, states[i], PURPLE_CALLBACK(moved), states[i]);
		g_free(in);
		g_free(out);
	}
}

/* {"to", "path"} */
static const char *send_file(struct driver *d, const cJSON *args, cJSON *reply)
{
	(void)reply;
	if (!driver_is_online(d))
		return "not signed in";
	serv_send_file(purple_account_get_connection(d->account), arg_text(args, "to", ""),
	               arg_text(args, "path", ""));
	return NULL;
}

/* {"path"}: takes the file that was offered. */
static const char *accept_file(struct driver *d, const cJSON *args, cJSON *reply)
{
	(void)reply;
	for (const GList *l = purple_xfers_get_all(); l; l = l->next)
		if (asked_accept(d, l->data, arg_text(args, "path", "")))
			return NULL;
	return "no file was offered";
}

static const char *reject_file(struct driver *d, const cJSON *args, cJSON *reply)
{
	(void)args;
	(void)reply;
	for (const GList *l = purple_xfers_get_all(); l; l = l->next)
		if (asked_refuse(d, l->data))
			return NULL;
	return "no file was offered";
}

/* Ends every transfer that is going on. */
static const char *cancel_file(struct driver *d, const cJSON *args, cJSON *reply)
{
	(void)d;
	(void)args;
	(void)reply;
	GList *all = g_list_copy(purple_xfers_get_all());
	for (const GList *l = all; l; l = l->next)
		purple_xfer_cancel_local(l->data);
	g_list_free(all);
	return NULL;
}

const struct command file_commands[] = {
	{ "send_file", send_file },
	{ "accept_file", accept_file },
	{ "reject_file", reject_file },
	{ "cancel_file", cancel_file },
	{ 0 },
};
