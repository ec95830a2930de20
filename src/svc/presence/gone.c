#include "svc/presence/gone.h"

#include <stdlib.h>

static void forget(struct gone_names *g, struct gone_name **at)
{
	struct gone_name *gone = *at;
	*at = gone->next;
	g->n--;
	free(gone);
}

static struct gone_name **seek(struct gone_names *g, struct str name)
{
	struct gone_name **at = &g->first;
	while (*at && !str_eq(gone_text(*at), name))
		at = &(*at)->next;
	return at;
}

static void forget_oldest(struct gone_names *g)
{
	struct gone_name **at = &g->first;
	while ((*at)->next)
		at = &(*at)->next;
	forget(g, at);
}

void gone_add(struct gone_names *g, struct str name, uint32_t containers)
{
	struct gone_name **at = seek(g, name), *gone = *at;
	if (gone) {
		gone->containers |= containers;
		gone->told = false;
		return;
	}
	if (g->n == GONE_NAMES_MAX)
		forget_oldest(g);
	gone = xcalloc(1, sizeof(*gone) + name.len);
	gone->containers = containers;
	gone->len = (uint16_t)name.len;
	memcpy(gone->text, name.p, name.len);
	gone->next = g->first;
	g->first = gone;
	g->n++;
}

void gone_mark_told(struct gone_names *g)
{
	for (struct gone_name *gone = g->first; gone; gone = gone->next)
		gone->told = true;
}

void gone_forget_told(struct gone_names *g)
{
	for (struct gone_name **at = &g->first; *at;) {
		if ((*at)->told)
			forget(g, at);
		else
			at = &(*at)->next;
	}
}

void gone_done(struct gone_names *g)
{
	while (g->first)
		forget(g, &g->first);
}
