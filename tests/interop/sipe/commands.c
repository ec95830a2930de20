#include "driver.h"

#include <string.h>

#include "event.h"

static const struct command *const tables[] = {
	account_commands, talk_commands,  chat_commands, blist_commands,
	menu_commands,    asked_commands, call_commands, file_commands,
};

const char *arg_text(const cJSON *args, const char *name, const char *fallback)
{
	const cJSON *field = cJSON_GetObjectItemCaseSensitive(args, name);
	return cJSON_IsString(field) ? field->valuestring : fallback;
}

int arg_number(const cJSON *args, const char *name, int fallback)
{
	const cJSON *field = cJSON_GetObjectItemCaseSensitive(args, name);
	return cJSON_IsNumber(field) ? field->valueint : fallback;
}

gboolean arg_true(const cJSON *args, const char *name)
{
	return cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(args, name));
}

gboolean driver_is_online(const struct driver *d)
{
	return d->account && purple_account_is_connected(d->account);
}

static command_fn *find(const char *name)
{
	for (size_t i = 0; i < G_N_ELEMENTS(tables); i++)
		for (const struct command *c = tables[i]; c->name; c++)
			if (strcmp(c->name, name) == 0)
				return c->run;
	return NULL;
}

void commands_line(struct driver *d, const char *line)
{
	cJSON *args = cJSON_Parse(line);
	cJSON *reply = event_new("reply");
	const char *name = arg_text(args, "do", "");
	command_fn *run = find(name);
	const char *why = run ? run(d, args, reply) : "there is no such command";
	event_number(reply, "n", arg_number(args, "n", 0));
	event_text(reply, "do", name);
	event_bool(reply, "ok", why == NULL);
	event_text(reply, "why", why);
	event_send(reply);
	cJSON_Delete(args);
}
