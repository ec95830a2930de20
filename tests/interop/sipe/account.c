/* Signing in and out, and what the account says of itself. */
#include "driver.h"

#include <string.h>

#include "event.h"

#define PROTOCOL "prpl-sipe"

/* The plug-in's own settings: booleans, numbers and texts of the object "settings". */
static void set_more(PurpleAccount *account, const cJSON *settings)
{
	const cJSON *field;
	cJSON_ArrayForEach(field, settings)
	{
		if (cJSON_IsBool(field))
			purple_account_set_bool(account, field->string, cJSON_IsTrue(field));
		else if (cJSON_IsNumber(field))
			purple_account_set_int(account, field->string, field->valueint);
		else if (cJSON_IsString(field))
			purple_account_set_string(account, field->string, field->valuestring);
	}
}

static void settings(PurpleAccount *account, const cJSON *args)
{
	purple_account_set_password(account, arg_text(args, "password", ""));
	purple_account_set_remember_password(account, TRUE);
	purple_account_set_string(account, "server", arg_text(args, "server", ""));
	purple_account_set_string(account, "transport", arg_text(args, "transport", "tls"));
	purple_account_set_string(account, "authentication", arg_text(args, "auth", "ntlm"));
	set_more(account, cJSON_GetObjectItemCaseSensitive(args, "settings"));
}

/* The whole user interface takes the status, as its status menu does. */
static const char *choose_status(PurpleAccount *account, const char *id, const char *message)
{
	PurpleStatusType *type = purple_account_get_status_type(account, id);
	if (!type)
		return "the account has no such status";
	PurpleSavedStatus *saved =
	        purple_savedstatus_new(NULL, purple_status_type_get_primitive(type));
	purple_savedstatus_set_message(saved, message);
	purple_savedstatus_set_substatus(saved, account, type, message);
	purple_savedstatus_activate(saved);
	return NULL;
}

/* {"user", "password", "server": "HOST:PORT", "transport": tls|tcp|auto, "auth": ntlm|auto|krb5|
 * tls-dsk, "login", "settings": {...}, "status"}: a second time, with the fields that changed. */
static const char *login(struct driver *d, const cJSON *args, cJSON *reply)
{
	(void)reply;
	if (!purple_find_prpl(PROTOCOL))
		return "the plug-in pidgin-sipe is not there";
	if (!d->account) {
		char *name = g_strconcat(arg_text(args, "user", ""), ",",
		                         arg_text(args, "login", ""), NULL);
		d->account = purple_account_new(name, PROTOCOL);
		g_free(name);
		purple_accounts_add(d->account);
	}
	if (cJSON_HasObjectItem(args, "password"))
		settings(d->account, args);
	if (purple_account_get_enabled(d->account, DRIVER_UI)) {
		purple_account_connect(d->account);
		return NULL;
	}
	const char *why = choose_status(d->account, arg_text(args, "status", "available"), NULL);
	purple_account_set_enabled(d->account, DRIVER_UI, TRUE);
	return why;
}

static const char *logout(struct driver *d, const cJSON *args, cJSON *reply)
{
	(void)args;
	(void)reply;
	if (!d->account || purple_account_is_disconnected(d->account))
		return "there is no connection";
	purple_account_disconnect(d->account);
	return NULL;
}

/* {"id", "message"} */
static const char *status(struct driver *d, const cJSON *args, cJSON *reply)
{
	(void)reply;
	if (!d->account)
		return "there is no account";
	return choose_status(d->account, arg_text(args, "id", ""), arg_text(args, "message", NULL));
}

/* Replies with "id", "kind" and "message" of the status that the account shows. */
static const char *own_status(struct driver *d, const cJSON *args, cJSON *reply)
{
	(void)args;
	if (!d->account)
		return "there is no account";
	const PurpleStatus *now = purple_account_get_active_status(d->account);
	const PurpleStatusType *type = purple_status_get_type(now);
	event_text(reply, "id", purple_status_get_id(now));
	event_text(reply, "kind",
	           purple_primitive_get_id_from_type(purple_status_type_get_primitive(type)));
	event_html(reply, "message", purple_status_get_attr_string(now, "message"));
	return NULL;
}

/* {"on"}: the user has left the keyboard, or is back; in the order in which Pidgin tells it. */
static const char *idle(struct driver *d, const cJSON *args, cJSON *reply)
{
	(void)reply;
	if (!driver_is_online(d))
		return "not signed in";
	PurplePresence *presence = purple_account_get_presence(d->account);
	gboolean on = arg_true(args, "on");
	if (on)
		purple_savedstatus_set_idleaway(TRUE);
	purple_presence_set_idle(presence, on, on ? time(NULL) : 0);
	if (!on)
		purple_savedstatus_set_idleaway(FALSE);
	return NULL;
}

static const char *quit(struct driver *d, const cJSON *args, cJSON *reply)
{
	(void)args;
	(void)reply;
	g_main_loop_quit(d->loop);
	return NULL;
}

const struct command account_commands[] = {
	{ "login", login },
	{ "logout", logout },
	{ "status", status },
	{ "own_status", own_status },
	{ "idle", idle },
	{ "quit", quit },
	{ 0 },
};
