/* The contact list. */
#include "blist.h"

#include <string.h>

#include "event.h"

/* The line under a buddy's name: libpurple's client shows what the plug-in makes of the state. */
static void add_status_text(cJSON *ev, PurpleBuddy *b)
{
	PurpleConnection *gc = purple_account_get_connection(purple_buddy_get_account(b));
	if (!gc || !PURPLE_CONNECTION_IS_CONNECTED(gc))
		return;
	PurplePluginProtocolInfo *protocol =
	        PURPLE_PLUGIN_PROTOCOL_INFO(purple_connection_get_prpl(gc));
	char *text = protocol->status_text(b);
	event_text(ev, "text", text);
	g_free(text);
}

/* "status" is the plug-in's word, "kind" libpurple's, which has fewer. */
static void add_presence(cJSON *ev, PurplePresence *presence)
{
	PurpleStatus *now = purple_presence_get_active_status(presence);
	const PurpleStatusType *type = purple_status_get_type(now);
	event_bool(ev, "online", purple_presence_is_online(presence));
	event_bool(ev, "idle", purple_presence_is_idle(presence));
	event_text(ev, "status", purple_status_get_id(now));
	event_text(ev, "kind",
	           purple_primitive_get_id_from_type(purple_status_type_get_primitive(type)));
	event_html(ev, "message", purple_status_get_attr_string(now, "message"));
}

static void add_icon(cJSON *ev, PurpleBuddy *b)
{
	PurpleBuddyIcon *icon = purple_buddy_get_icon(b);
	if (icon)
		event_text(ev, "icon", purple_buddy_icon_get_checksum(icon));
}

static void add_buddy_fields(cJSON *ev, PurpleBuddy *b)
{
	PurpleGroup *group = purple_buddy_get_group(b);
	event_text(ev, "name", purple_buddy_get_name(b));
	event_text(ev, "alias", purple_buddy_get_alias_only(b));
	event_text(ev, "server-alias", purple_buddy_get_server_alias(b));
	event_text(ev, "group", group ? purple_group_get_name(group) : NULL);
	event_bool(ev, "blocked",
	           !purple_privacy_check(purple_buddy_get_account(b), purple_buddy_get_name(b)));
	add_presence(ev, purple_buddy_get_presence(b));
	add_status_text(ev, b);
	add_icon(ev, b);
}

static void send_about(const char *event, PurpleBuddy *b)
{
	cJSON *ev = event_new(event);
	add_buddy_fields(ev, b);
	event_send(ev);
}

/* libpurple tells a change between two online states, the one to online, the one to offline and
 * the one of idleness by four signals; here they are one event. */

static void buddy_status(PurpleBuddy *b, PurpleStatus *before, PurpleStatus *now)
{
	(void)before;
	(void)now;
	send_about("buddy-status", b);
}

static void buddy_turned(PurpleBuddy *b)
{
	send_about("buddy-status", b);
}

static void buddy_idle(PurpleBuddy *b, gboolean before, gboolean now)
{
	(void)before;
	(void)now;
	send_about("buddy-status", b);
}

static void buddy_came(PurpleBuddy *b)
{
	send_about("buddy-added", b);
}

static void buddy_went(PurpleBuddy *b)
{
	send_about("buddy-removed", b);
}

static void buddy_icon(PurpleBuddy *b)
{
	send_about("buddy-icon", b);
}

static void node_alias(PurpleBlistNode *node, const char *before)
{
	(void)before;
	if (PURPLE_BLIST_NODE_IS_BUDDY(node))
		send_about("buddy-alias", (PurpleBuddy *)node);
}

static void group_event(const char *event, PurpleBlistNode *node)
{
	if (!PURPLE_BLIST_NODE_IS_GROUP(node))
		return;
	cJSON *ev = event_new(event);
	event_text(ev, "group", purple_group_get_name((PurpleGroup *)node));
	event_send(ev);
}

static void node_came(PurpleBlistNode *node)
{
	group_event("group-added", node);
}

static void node_went(PurpleBlistNode *node)
{
	group_event("group-removed", node);
}

void blist_init(void)
{
	static const struct {
		const char *name;
		PurpleCallback fn;
	} signals[] = {
		{ "buddy-status-changed", PURPLE_CALLBACK(buddy_status) },
		{ "buddy-signed-on", PURPLE_CALLBACK(buddy_turned) },
		{ "buddy-signed-off", PURPLE_CALLBACK(buddy_turned) },
		{ "buddy-idle-changed", PURPLE_CALLBACK(buddy_idle) },
		{ "buddy-added", PURPLE_CALLBACK(buddy_came) },
		{ "buddy-removed", PURPLE_CALLBACK(buddy_went) },
		{ "buddy-icon-changed", PURPLE_CALLBACK(buddy_icon) },
		{ "blist-node-aliased", PURPLE_CALLBACK(node_alias) },
		{ "blist-node-added", PURPLE_CALLBACK(node_came) },
		{ "blist-node-removed", PURPLE_CALLBACK(node_went) },
	};
	void *list = purple_blist_get_handle();
	for (size_t i = 0; i < G_N_ELEMENTS(signals); i++)
		purple_signal_connect(list, signals[i].name, purple_plugins_get_handle(),
		                      signals[i].fn, NULL);
}

static PurpleGroup *group_named(const char *name)
{
	PurpleGroup *group = purple_find_group(name);
	if (!group) {
		group = purple_group_new(name);
		purple_blist_add_group(group, NULL);
	}
	return group;
}

PurpleBuddy *blist_buddy(struct driver *d, const cJSON *args)
{
	const char *name = arg_text(args, "name", "");
	const char *in = arg_text(args, "in", NULL);
	if (!d->account)
		return NULL;
	if (!in)
		return purple_find_buddy(d->account, name);
	PurpleGroup *group = purple_find_group(in);
	return group ? purple_find_buddy_in_group(d->account, name, group) : NULL;
}

/* {"name", "alias", "group"} */
static const char *add(struct driver *d, const cJSON *args, cJSON *reply)
{
	(void)reply;
	if (!driver_is_online(d))
		return "not signed in";
	PurpleBuddy *b = purple_buddy_new(d->account, arg_text(args, "name", ""),
	                                  arg_text(args, "alias", NULL));
	purple_blist_add_buddy(b, NULL, group_named(arg_text(args, "group", "Friends")), NULL);
	purple_account_add_buddy(d->account, b);
	return NULL;
}

static void drop_one(struct driver *d, PurpleBuddy *b)
{
	purple_account_remove_buddy(d->account, b, purple_buddy_get_group(b));
	purple_blist_remove_buddy(b);
}

/* {"name", "in"} */
static const char *drop(struct driver *d, const cJSON *args, cJSON *reply)
{
	(void)reply;
	PurpleBuddy *b = blist_buddy(d, args);
	if (!b)
		return "there is no such buddy";
	drop_one(d, b);
	return NULL;
}

/* {"name", "in", "group"} */
static const char *move(struct driver *d, const cJSON *args, cJSON *reply)
{
	(void)reply;
	PurpleBuddy *b = blist_buddy(d, args);
	if (!b)
		return "there is no such buddy";
	purple_blist_add_buddy(b, NULL, group_named(arg_text(args, "group", "Friends")), NULL);
	return NULL;
}

/* {"name", "in", "alias"} */
static const char *rename_buddy(struct driver *d, const cJSON *args, cJSON *reply)
{
	(void)reply;
	PurpleBuddy *b = blist_buddy(d, args);
	if (!b)
		return "there is no such buddy";
	purple_blist_alias_buddy(b, arg_text(args, "alias", ""));
	serv_alias_buddy(b);
	return NULL;
}

/* {"group", "name"}: the group's new name. */
static const char *rename_group(struct driver *d, const cJSON *args, cJSON *reply)
{
	(void)d;
	(void)reply;
	PurpleGroup *group = purple_find_group(arg_text(args, "group", ""));
	if (!group)
		return "there is no such group";
	purple_blist_rename_group(group, arg_text(args, "name", ""));
	return NULL;
}

/* {"group"}: with all who are in it, as Pidgin's dialog does. */
static const char *drop_group(struct driver *d, const cJSON *args, cJSON *reply)
{
	(void)reply;
	PurpleGroup *group = purple_find_group(arg_text(args, "group", ""));
	if (!group || !driver_is_online(d))
		return "there is no such group, or no connection";
	GSList *buddies = purple_find_buddies(d->account, NULL);
	for (const GSList *b = buddies; b; b = b->next)
		if (purple_buddy_get_group(b->data) == group)
			drop_one(d, b->data);
	g_slist_free(buddies);
	purple_blist_remove_group(group);
	return NULL;
}

/* {"name"}: what the context menu's Block does; "unblock": true takes it back. */
static const char *block(struct driver *d, const cJSON *args, cJSON *reply)
{
	(void)reply;
	if (!driver_is_online(d))
		return "not signed in";
	const char *name = arg_text(args, "name", "");
	if (arg_true(args, "unblock"))
		purple_privacy_allow(d->account, name, FALSE, FALSE);
	else
		purple_privacy_deny(d->account, name, FALSE, FALSE);
	return NULL;
}

/* Replies with "buddies", one entry for each group somebody is in, and "groups", also empty ones.
 */
static const char *list(struct driver *d, const cJSON *args, cJSON *reply)
{
	(void)args;
	cJSON *groups = cJSON_AddArrayToObject(reply, "groups");
	for (PurpleBlistNode *n = purple_blist_get_root(); n;
	     n = purple_blist_node_get_sibling_next(n))
		if (PURPLE_BLIST_NODE_IS_GROUP(n))
			cJSON_AddItemToArray(groups, cJSON_CreateString(purple_group_get_name(
			                                     (PurpleGroup *)n)));
	cJSON *out = cJSON_AddArrayToObject(reply, "buddies");
	GSList *buddies = d->account ? purple_find_buddies(d->account, NULL) : NULL;
	for (const GSList *b = buddies; b; b = b->next) {
		cJSON *entry = cJSON_CreateObject();
		add_buddy_fields(entry, b->data);
		cJSON_AddItemToArray(out, entry);
	}
	g_slist_free(buddies);
	return NULL;
}

/* {"name"}: what the mouse shows over a buddy, as "text". */
static const char *tooltip(struct driver *d, const cJSON *args, cJSON *reply)
{
	PurpleBuddy *b = blist_buddy(d, args);
	if (!b || !driver_is_online(d))
		return "there is no such buddy, or no connection";
	PurplePlugin *prpl = purple_connection_get_prpl(purple_account_get_connection(d->account));
	PurplePluginProtocolInfo *protocol = PURPLE_PLUGIN_PROTOCOL_INFO(prpl);
	PurpleNotifyUserInfo *info = purple_notify_user_info_new();
	protocol->tooltip_text(b, info, TRUE);
	char *html = purple_notify_user_info_get_text_with_newline(info, "<br>");
	event_html(reply, "text", html);
	g_free(html);
	purple_notify_user_info_destroy(info);
	return NULL;
}

/* {"name"}: the answer is the event user-info. */
static const char *get_info(struct driver *d, const cJSON *args, cJSON *reply)
{
	(void)reply;
	if (!driver_is_online(d))
		return "not signed in";
	serv_get_info(purple_account_get_connection(d->account), arg_text(args, "name", ""));
	return NULL;
}

const struct command blist_commands[] = {
	{ "add_buddy", add },
	{ "remove_buddy", drop },
	{ "move_buddy", move },
	{ "alias_buddy", rename_buddy },
	{ "rename_group", rename_group },
	{ "remove_group", drop_group },
	{ "block", block },
	{ "buddies", list },
	{ "tooltip", tooltip },
	{ "get_info", get_info },
	{ 0 },
};
