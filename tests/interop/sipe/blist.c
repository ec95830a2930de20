/* The contact list. */
#include "driver.h"

#include <string.h>

#include "event.h"

static void add_presence(cJSON *ev, PurplePresence *presence)
{
	const PurpleStatus *now = purple_presence_get_active_status(presence);
	event_bool(ev, "online", purple_presence_is_online(presence));
	event_text(ev, "status", purple_status_get_id(now));
	event_html(ev, "message", purple_status_get_attr_string(now, "message"));
}

static void add_buddy_fields(cJSON *ev, PurpleBuddy *b)
{
	PurpleGroup *group = purple_buddy_get_group(b);
	event_text(ev, "name", purple_buddy_get_name(b));
	event_text(ev, "alias", purple_buddy_get_alias_only(b));
	event_text(ev, "group", group ? purple_group_get_name(group) : NULL);
	add_presence(ev, purple_buddy_get_presence(b));
}

static void send_about(const char *event, PurpleBuddy *b)
{
	cJSON *ev = event_new(event);
	add_buddy_fields(ev, b);
	event_send(ev);
}

static void buddy_status(PurpleBuddy *b, PurpleStatus *before, PurpleStatus *now)
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

void blist_init(void)
{
	void *list = purple_blist_get_handle();
	void *me = purple_plugins_get_handle();
	purple_signal_connect(list, "buddy-status-changed", me, PURPLE_CALLBACK(buddy_status),
	                      NULL);
	purple_signal_connect(list, "buddy-added", me, PURPLE_CALLBACK(buddy_came), NULL);
	purple_signal_connect(list, "buddy-removed", me, PURPLE_CALLBACK(buddy_went), NULL);
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

static PurpleBuddy *buddy_of(struct driver *d, const cJSON *args)
{
	return d->account ? purple_find_buddy(d->account, arg_text(args, "name", "")) : NULL;
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

/* {"name"} */
static const char *drop(struct driver *d, const cJSON *args, cJSON *reply)
{
	(void)reply;
	PurpleBuddy *b = buddy_of(d, args);
	if (!b)
		return "there is no such buddy";
	purple_account_remove_buddy(d->account, b, purple_buddy_get_group(b));
	purple_blist_remove_buddy(b);
	return NULL;
}

/* {"name", "group"} */
static const char *move(struct driver *d, const cJSON *args, cJSON *reply)
{
	(void)reply;
	PurpleBuddy *b = buddy_of(d, args);
	if (!b)
		return "there is no such buddy";
	purple_blist_add_buddy(b, NULL, group_named(arg_text(args, "group", "Friends")), NULL);
	return NULL;
}

/* {"name", "alias"} */
static const char *rename_buddy(struct driver *d, const cJSON *args, cJSON *reply)
{
	(void)reply;
	PurpleBuddy *b = buddy_of(d, args);
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

/* Replies with "buddies". */
static const char *list(struct driver *d, const cJSON *args, cJSON *reply)
{
	(void)args;
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
	PurpleBuddy *b = buddy_of(d, args);
	if (!b || !driver_is_online(d))
		return "there is no such buddy, or no connection";
	PurplePlugin *prpl = purple_connection_get_prpl(purple_account_get_connection(d->account));
	PurplePluginProtocolInfo *protocol = PURPLE_PLUGIN_PROTOCOL_INFO(prpl);
	PurpleNotifyUserInfo *info = purple_notify_user_info_new();
	protocol->tooltip_text(b, info, TRUE);
	char *html = purple_notify_user_info_get_text_with_newline(info, "\n");
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
	{ "buddies", list },
	{ "tooltip", tooltip },
	{ "get_info", get_info },
	{ 0 },
};
