/* Conversations of many: who is in them and what they may do. */
#include "driver.h"

#include <string.h>

#include "event.h"

static cJSON *about(const char *event, PurpleConversation *conv)
{
	cJSON *ev = event_new(event);
	event_text(ev, "with", purple_conversation_get_name(conv));
	return ev;
}

/* "operator": the plug-in's mark of those who lead a conference. */
static void add_user(cJSON *ev, PurpleConvChat *chat, const char *who)
{
	unsigned flags = purple_conv_chat_user_get_flags(chat, who);
	event_text(ev, "who", who);
	event_bool(ev, "operator", (flags & PURPLE_CBFLAGS_OP) != 0);
}

static void user_event(const char *event, PurpleConversation *conv, const char *who)
{
	cJSON *ev = about(event, conv);
	add_user(ev, PURPLE_CONV_CHAT(conv), who);
	event_send(ev);
}

/* Events of who is there: "chat-join", "chat-user" when a flag has changed, "chat-leave". */

static void users_came(PurpleConversation *conv, GList *buddies, gboolean new)
{
	(void)new;
	for (const GList *b = buddies; b; b = b->next)
		user_event("chat-join", conv, purple_conv_chat_cb_get_name(b->data));
}

static void user_changed(PurpleConversation *conv, const char *who)
{
	user_event("chat-user", conv, who);
}

static void users_went(PurpleConversation *conv, GList *names)
{
	for (const GList *n = names; n; n = n->next) {
		cJSON *ev = about("chat-leave", conv);
		event_text(ev, "who", n->data);
		event_send(ev);
	}
}

void chat_ops(PurpleConversationUiOps *ops)
{
	ops->chat_add_users = users_came;
	ops->chat_update_user = user_changed;
	ops->chat_remove_users = users_went;
}

static void joined(PurpleConversation *conv)
{
	event_send(about("chat-joined", conv));
}

static void left(PurpleConversation *conv)
{
	event_send(about("chat-left", conv));
}

static void topic(PurpleConversation *conv, const char *who, const char *text)
{
	(void)who;
	cJSON *ev = about("chat-topic", conv);
	event_text(ev, "text", text);
	event_send(ev);
}

void chat_init(void)
{
	void *talk = purple_conversations_get_handle();
	void *me = purple_plugins_get_handle();
	purple_signal_connect(talk, "chat-joined", me, PURPLE_CALLBACK(joined), NULL);
	purple_signal_connect(talk, "chat-left", me, PURPLE_CALLBACK(left), NULL);
	purple_signal_connect(talk, "chat-topic-changed", me, PURPLE_CALLBACK(topic), NULL);
}

/* Replies with "chats": of each its name, topic, whether we have left it, and its users. */
static const char *list(struct driver *d, const cJSON *args, cJSON *reply)
{
	(void)d;
	(void)args;
	cJSON *out = cJSON_AddArrayToObject(reply, "chats");
	for (const GList *l = purple_get_chats(); l; l = l->next) {
		PurpleConvChat *chat = PURPLE_CONV_CHAT((PurpleConversation *)l->data);
		cJSON *entry = cJSON_CreateObject();
		event_text(entry, "name", purple_conversation_get_name(l->data));
		event_text(entry, "topic", purple_conv_chat_get_topic(chat));
		event_bool(entry, "left", purple_conv_chat_has_left(chat));
		cJSON *users = cJSON_AddArrayToObject(entry, "users");
		for (const GList *u = purple_conv_chat_get_users(chat); u; u = u->next) {
			cJSON *user = cJSON_CreateObject();
			add_user(user, chat, purple_conv_chat_cb_get_name(u->data));
			cJSON_AddItemToArray(users, user);
		}
		cJSON_AddItemToArray(out, entry);
	}
	return NULL;
}

/* {"with", "who"}: the window's Invite. */
static const char *invite(struct driver *d, const cJSON *args, cJSON *reply)
{
	(void)reply;
	PurpleConversation *conv =
	        d->account ? purple_find_conversation_with_account(
	                             PURPLE_CONV_TYPE_CHAT, arg_text(args, "with", ""), d->account)
	                   : NULL;
	if (!conv || !driver_is_online(d))
		return "there is no such chat, or no connection";
	serv_chat_invite(purple_account_get_connection(d->account),
	                 purple_conv_chat_get_id(PURPLE_CONV_CHAT(conv)), NULL,
	                 arg_text(args, "who", ""));
	return NULL;
}

const struct command chat_commands[] = { { "chats", list }, { "chat_invite", invite }, { 0 } };
