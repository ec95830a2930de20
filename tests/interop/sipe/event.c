#include "event.h"

#include <math.h>
#include <purple.h>
#include <stdio.h>
#include <stdlib.h>

cJSON *event_new(const char *name)
{
	cJSON *ev = cJSON_CreateObject();
	event_text(ev, "event", name);
	event_number(ev, "at", round((double)g_get_monotonic_time() / 1e3) / 1e3);
	return ev;
}

void event_text(cJSON *ev, const char *key, const char *text)
{
	if (!text)
		return;
	char *valid = g_utf8_make_valid(text, -1);
	cJSON_AddStringToObject(ev, key, valid);
	g_free(valid);
}

void event_number(cJSON *ev, const char *key, double number)
{
	cJSON_AddNumberToObject(ev, key, number);
}

void event_bool(cJSON *ev, const char *key, gboolean truth)
{
	cJSON_AddBoolToObject(ev, key, truth);
}

void event_html(cJSON *ev, const char *key, const char *html)
{
	if (!html)
		return;
	char *plain = purple_markup_strip_html(html);
	event_text(ev, key, plain);
	event_text(ev, "html", html);
	g_free(plain);
}

void event_send(cJSON *ev)
{
	char *line = cJSON_PrintUnformatted(ev);
	puts(line);
	fflush(stdout);
	free(line);
	cJSON_Delete(ev);
}
