/* The connection, the notes to the user, and conversations. */
#include "driver.h"

#include <string.h>

#include "event.h"

/* The connection. */

static void conn_progress(PurpleConnection *gc, const char *text, size_t step, size_t n_steps)
{
	(void)gc;
	cJSON *ev = event_new("connecting");
	event_text(ev, "text", text);
	event_number(ev, "step", (double)step);
	event_number(ev, "of", (double)n_steps);
	event_send(ev);
}

static void conn_connected(PurpleConnection *gc)
{
	cJSON *ev = event_new("signed-on");
	event_text(ev, "user", purple_account_get_username(purple_connection_get_account(gc)));
	event_send(ev);
}

static void conn_disconnected(PurpleConnection *gc)
{
	(void)gc;
	event_send(event_new("signed-off"));
}

static void conn_failed(PurpleConnection *gc, PurpleConnectionError reason, const char *text)
{
	(void)gc;
	cJSON *ev = event_new("disconnected");
	event_text(ev, "text", text);
	event_number(ev, "reason", (double)reason);
	event_bool(ev, "fatal", purple_connection_error_is_fatal(reason));
	event_send(ev);
}

static void conn_notice(PurpleConnection *gc, const char *text)
{
	(void)gc;
	cJSON *ev = event_new("notice");
	event_text(ev, "primary", text);
	event_send(ev);
}

static PurpleConnectionUiOps conn_ops = {
	.connect_progress = conn_progress,
	.connected = conn_connected,
	.disconnected = conn_disconnected,
	.notice = conn_notice,
	.report_disconnect_reason = conn_failed,
};

static void own_status_changed(PurpleAccount *account, PurpleStatus *before, PurpleStatus *now)
{
	(void)account;
	(void)before;
	cJSON *ev = event_new("status");
	event_text(ev, "id", purple_status_get_id(now));
	event_html(ev, "message", purple_status_get_attr_string(now, "message"));
	event_send(ev);
}

/* Notes to the user. */

static cJSON *note(const char *title, const char *primary, const char *secondary)
{
	cJSON *ev = event_new("notice");
	event_text(ev, "title", title);
	event_text(ev, "primary", primary);
	event_text(ev, "secondary", secondary);
	return ev;
}

static void *note_message(PurpleNotifyMsgType type, const char *title, const char *primary,
                          const char *secondary)
{
	static const char *const kinds[] = { "error", "warning", "info" };
	cJSON *ev = note(title, primary, secondary);
	event_text(ev, "kind", kinds[MIN((size_t)type, G_N_ELEMENTS(kinds) - 1)]);
	event_send(ev);
	return NULL;
}

static void *note_formatted(const char *title, const char *primary, const char *secondary,
                            const char *text)
{
	cJSON *ev = note(title, primary, secondary);
	event_html(ev, "text", text);
	event_send(ev);
	return NULL;
}

static void *note_user(PurpleConnection *gc, const char *who, PurpleNotifyUserInfo *info)
{
	(void)gc;
	cJSON *ev = event_new("user-info");
	char *html = purple_notify_user_info_get_text_with_newline(info, "<br>");
	event_text(ev, "who", who);
	event_html(ev, "text", html);
	event_send(ev);
	g_free(html);
	return NULL;
}

/* The rows of a search: arrays of the columns' texts. */
static void *note_found(PurpleConnection *gc, const char *title, const char *primary,
                        const char *secondary, PurpleNotifySearchResults *results, gpointer arg)
{
	(void)gc;
	(void)arg;
	cJSON *ev = note(title, primary, secondary);
	cJSON *rows = cJSON_AddArrayToObject(ev, "rows");
	for (const GList *r = results->rows; r; r = r->next) {
		cJSON *row = cJSON_CreateArray();
		for (const GList *c = r->data; c; c = c->next)
			cJSON_AddItemToArray(row, cJSON_CreateString(c->data ? c->data : ""));
		cJSON_AddItemToArray(rows, row);
	}
	event_send(ev);
	return NULL;
}

static void *note_uri(const char *uri)
{
	cJSON *ev = event_new("notice");
	event_text(ev, "uri", uri);
	event_send(ev);
	return NULL;
}

static PurpleNotifyUiOps note_ops = {
	.notify_message = note_message,
	.notify_formatted = note_formatted,
	.notify_userinfo = note_user,
	.notify_searchresults = note_found,
	.notify_uri = note_uri,
};

/* Conversations. */

static const char *kind_of(PurpleMessageFlags flags)
{
	if (flags & PURPLE_MESSAGE_ERROR)
		return "error";
	if (flags & PURPLE_MESSAGE_SYSTEM)
		return "system";
	if (flags & PURPLE_MESSAGE_RECV)
		return "im";
	return "sent";
}

/* Whatever appears in a conversation: "im" from somebody, "sent" by us, "system" and "error" from
 * the client itself (undelivered texts, who came and went). */
static void conv_write(PurpleConversation *conv, const char *name, const char *alias,
                       const char *message, PurpleMessageFlags flags, time_t when)
{
	(void)alias;
	(void)when;
	cJSON *ev = event_new(kind_of(flags));
	event_bool(ev, "chat", purple_conversation_get_type(conv) == PURPLE_CONV_TYPE_CHAT);
	event_text(ev, "with", purple_conversation_get_name(conv));
	event_text(ev, "from", name);
	event_html(ev, "text", message);
	event_send(ev);
}

static PurpleConversationUiOps conv_ops = {
	.write_conv = conv_write,
};

static void typing_event(const char *from, const char *state)
{
	cJSON *ev = event_new("typing");
	event_text(ev, "from", from);
	event_text(ev, "state", state);
	event_send(ev);
}

static void typing_on(PurpleAccount *account, const char *name)
{
	(void)account;
	typing_event(name, "typing");
}

static void typing_off(PurpleAccount *account, const char *name)
{
	(void)account;
	typing_event(name, "stopped");
}

void ui_init(void)
{
	void *talk = purple_conversations_get_handle();
	purple_connections_set_ui_ops(&conn_ops);
	purple_notify_set_ui_ops(&note_ops);
	chat_ops(&conv_ops);
	purple_conversations_set_ui_ops(&conv_ops);
	purple_signal_connect(purple_accounts_get_handle(), "account-status-changed", &conn_ops,
	                      PURPLE_CALLBACK(own_status_changed), NULL);
	purple_signal_connect(talk, "buddy-typing", &conv_ops, PURPLE_CALLBACK(typing_on), NULL);
	purple_signal_connect(talk, "buddy-typing-stopped", &conv_ops, PURPLE_CALLBACK(typing_off),
	                      NULL);
}

static PurpleConversation *conversation(struct driver *d, const char *with)
{
	PurpleConversation *conv =
	        purple_find_conversation_with_account(PURPLE_CONV_TYPE_ANY, with, d->account);
	return conv ? conv : purple_conversation_new(PURPLE_CONV_TYPE_IM, d->account, with);
}

/* {"to", "text" or "html"}: "to" is a user or the name of an open chat. */
static const char *im(struct driver *d, const cJSON *args, cJSON *reply)
{
	(void)reply;
	if (!driver_is_online(d))
		return "not signed in";
	PurpleConversation *conv = conversation(d, arg_text(args, "to", ""));
	char *escaped = g_markup_escape_text(arg_text(args, "text", ""), -1);
	const char *html = arg_text(args, "html", escaped);
	if (purple_conversation_get_type(conv) == PURPLE_CONV_TYPE_CHAT)
		purple_conv_chat_send(PURPLE_CONV_CHAT(conv), html);
	else
		purple_conv_im_send(PURPLE_CONV_IM(conv), html);
	g_free(escaped);
	return NULL;
}

/* {"to", "state": "typing" or "stopped"} */
static const char *typing(struct driver *d, const cJSON *args, cJSON *reply)
{
	(void)reply;
	if (!driver_is_online(d))
		return "not signed in";
	gboolean on = strcmp(arg_text(args, "state", "typing"), "typing") == 0;
	serv_send_typing(purple_account_get_connection(d->account), arg_text(args, "to", ""),
	                 on ? PURPLE_TYPING : PURPLE_NOT_TYPING);
	return NULL;
}

/* {"with"}: closes the window. */
static const char *close_conversation(struct driver *d, const cJSON *args, cJSON *reply)
{
	(void)reply;
	PurpleConversation *conv = purple_find_conversation_with_account(
	        PURPLE_CONV_TYPE_ANY, arg_text(args, "with", ""), d->account);
	if (!conv)
		return "there is no such conversation";
	purple_conversation_destroy(conv);
	return NULL;
}

const struct command talk_commands[] = {
	{ "im", im },
	{ "typing", typing },
	{ "close", close_conversation },
	{ 0 },
};
