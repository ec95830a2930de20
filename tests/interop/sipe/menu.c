/* The menus that the plug-in makes: of a contact, of an open chat, and of the account. */
#include "blist.h"

#include <string.h>

#include "event.h"

/* Before an access level stand two letters: "* " if somebody has it, "= " if a group has it that
 * somebody belongs to, two blanks otherwise. */
enum { MARK_LEN = 2 };

static gboolean is_marked(const char *label)
{
	return label[0] && strchr("*= ", label[0]) && label[1] == ' ';
}

static const char *bare(const char *label)
{
	return is_marked(label) ? label + MARK_LEN : label;
}

static void describe(cJSON *out, const GList *menu)
{
	for (; menu; menu = menu->next) {
		const PurpleMenuAction *item = menu->data;
		if (!item)
			continue; /* a separator */
		cJSON *entry = cJSON_CreateObject();
		event_text(entry, "label", bare(item->label));
		char mark[] = { is_marked(item->label) ? item->label[0] : ' ', 0 };
		event_text(entry, "mark", mark);
		if (item->children)
			describe(cJSON_AddArrayToObject(entry, "items"), item->children);
		cJSON_AddItemToArray(out, entry);
	}
}

static const PurpleMenuAction *item_named(const GList *menu, const char *label)
{
	for (; menu; menu = menu->next) {
		const PurpleMenuAction *item = menu->data;
		if (item && strcmp(bare(item->label), label) == 0)
			return item;
	}
	return NULL;
}

/* Follows an array of labels. */
static const PurpleMenuAction *walk(const GList *menu, const cJSON *path)
{
	const PurpleMenuAction *found = NULL;
	const cJSON *step;
	cJSON_ArrayForEach(step, path)
	{
		found = item_named(menu, cJSON_IsString(step) ? step->valuestring : "");
		if (!found)
			return NULL;
		menu = found->children;
	}
	return found;
}

static void free_menu(gpointer arg)
{
	PurpleMenuAction *item = arg;
	if (!item)
		return;
	g_list_free_full(item->children, free_menu);
	purple_menu_action_free(item);
}

/* With "path", chooses from the menu of a node of the contact list; without, replies with
 * "items". */
static const char *use_menu(PurpleBlistNode *node, PurplePlugin *prpl, const cJSON *args,
                            cJSON *reply)
{
	GList *menu = PURPLE_PLUGIN_PROTOCOL_INFO(prpl)->blist_node_menu(node);
	const cJSON *path = cJSON_GetObjectItemCaseSensitive(args, "path");
	const char *why = NULL;
	if (path) {
		const PurpleMenuAction *item = walk(menu, path);
		if (item && item->callback)
			((void (*)(PurpleBlistNode *, gpointer))item->callback)(node, item->data);
		else
			why = "there is nothing to choose by this name";
	} else {
		describe(cJSON_AddArrayToObject(reply, "items"), menu);
	}
	g_list_free_full(menu, free_menu);
	return why;
}

/* {"name", "in", "path": [LABEL ...]} */
static const char *buddy_menu(struct driver *d, const cJSON *args, cJSON *reply)
{
	PurpleBuddy *b = blist_buddy(d, args);
	if (!b || !driver_is_online(d))
		return "there is no such buddy, or no connection";
	PurpleConnection *gc = purple_account_get_connection(d->account);
	return use_menu((PurpleBlistNode *)b, purple_connection_get_prpl(gc), args, reply);
}

/* {"with", "path": [LABEL ...]}: a window shows the menu of an entry of the contact list that is
 * made for it only. */
static const char *chat_menu(struct driver *d, const cJSON *args, cJSON *reply)
{
	const char *name = arg_text(args, "with", "");
	if (!driver_is_online(d) ||
	    !purple_find_conversation_with_account(PURPLE_CONV_TYPE_CHAT, name, d->account))
		return "there is no such chat, or no connection";
	PurpleConnection *gc = purple_account_get_connection(d->account);
	PurplePlugin *prpl = purple_connection_get_prpl(gc);
	GHashTable *parts = PURPLE_PLUGIN_PROTOCOL_INFO(prpl)->chat_info_defaults(gc, name);
	PurpleChat *chat = purple_chat_new(d->account, NULL, parts);
	const char *why = use_menu((PurpleBlistNode *)chat, prpl, args, reply);
	purple_blist_remove_chat(chat);
	return why;
}

static void free_action(gpointer arg)
{
	purple_plugin_action_free(arg);
}

static const char *choose(GList *actions, const char *label)
{
	for (const GList *l = actions; l; l = l->next) {
		PurplePluginAction *action = l->data;
		if (!action || strcmp(action->label, label) != 0)
			continue;
		action->callback(action);
		return NULL;
	}
	return "there is nothing to choose by this name";
}

/* {"choose": LABEL}; without it replies with "labels". */
static const char *account_menu(struct driver *d, const cJSON *args, cJSON *reply)
{
	if (!driver_is_online(d))
		return "not signed in";
	PurpleConnection *gc = purple_account_get_connection(d->account);
	PurplePlugin *prpl = purple_connection_get_prpl(gc);
	GList *actions = PURPLE_PLUGIN_ACTIONS(prpl, gc);
	cJSON *labels = cJSON_AddArrayToObject(reply, "labels");
	for (const GList *l = actions; l; l = l->next) {
		PurplePluginAction *action = l->data;
		if (!action)
			continue;
		action->plugin = prpl;
		action->context = gc;
		cJSON_AddItemToArray(labels, cJSON_CreateString(action->label));
	}
	const char *label = arg_text(args, "choose", NULL);
	const char *why = label ? choose(actions, label) : NULL;
	g_list_free_full(actions, free_action);
	return why;
}

const struct command menu_commands[] = {
	{ "buddy_menu", buddy_menu },
	{ "chat_menu", chat_menu },
	{ "account_menu", account_menu },
	{ 0 },
};
