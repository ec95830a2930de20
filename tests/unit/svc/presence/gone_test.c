#include "svc/presence/gone.h"

#include <stdio.h>

#include "tap.h"

static bool has(const struct gone_names *g, const char *name, uint32_t containers)
{
	for (const struct gone_name *n = g->first; n; n = n->next)
		if (str_eq(gone_text(n), str_of(name)))
			return n->containers == containers;
	return false;
}

static void a_name_collects_where_it_went_from(void)
{
	struct gone_names g = { 0 };
	gone_add(&g, STR("x"), 1);
	gone_add(&g, STR("y"), 2);
	gone_add(&g, STR("x"), 4);
	EQ(g.n, 2);
	OK(has(&g, "x", 5) && has(&g, "y", 2));
	gone_done(&g);
	OK(!g.first && g.n == 0);
}

static void what_has_been_told_is_forgotten_unless_it_went_again(void)
{
	struct gone_names g = { 0 };
	gone_add(&g, STR("x"), 1);
	gone_add(&g, STR("y"), 2);
	gone_mark_told(&g);
	gone_add(&g, STR("y"), 2);
	gone_forget_told(&g);
	OK(g.n == 1 && has(&g, "y", 2));
	gone_done(&g);
}

static void above_the_limit_the_oldest_is_forgotten(void)
{
	struct gone_names g = { 0 };
	for (int i = 0; i <= GONE_NAMES_MAX; i++) {
		char name[16];
		(void)snprintf(name, sizeof(name), "n%d", i);
		gone_add(&g, str_of(name), 1);
	}
	EQ(g.n, GONE_NAMES_MAX);
	OK(!has(&g, "n0", 1) && has(&g, "n1", 1));
	gone_done(&g);
}

int main(void)
{
	RUN(a_name_collects_where_it_went_from);
	RUN(what_has_been_told_is_forgotten_unless_it_went_again);
	RUN(above_the_limit_the_oldest_is_forgotten);
	return tap_done();
}
