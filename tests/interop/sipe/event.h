/* Events: JSON objects, one a line, on standard output. */
#pragma once
#include <cjson/cJSON.h>
#include <glib.h>

/* A new event, to be ended by event_send().  "at" is the monotonic clock, in seconds. */
cJSON *event_new(const char *name);

/* Adds a field.  A NULL text is left out. */
void event_text(cJSON *ev, const char *key, const char *text);
void event_number(cJSON *ev, const char *key, double number);
void event_bool(cJSON *ev, const char *key, gboolean truth);

/* Adds what a text with markup says: KEY without the markup, and "html" as it is. */
void event_html(cJSON *ev, const char *key, const char *html);

/* Writes the event and frees it. */
void event_send(cJSON *ev);
