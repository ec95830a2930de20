#include "ctl/stores.h"

#include "ctl/remote.h"

static bool is_ok(const cJSON *status)
{
	return str_eq(ctl_text(status, "store"), STR("ok"));
}

/* The sum of the bindings, and the first trouble. */
static cJSON *unite(cJSON *a, cJSON *b)
{
	double n = ctl_number(a, "unsaved_bindings", 0) + ctl_number(b, "unsaved_bindings", 0);
	cJSON *kept = is_ok(a) ? b : a;
	cJSON_SetNumberValue(cJSON_GetObjectItemCaseSensitive(kept, "unsaved_bindings"), n);
	cJSON_Delete(kept == a ? b : a);
	return kept;
}

cJSON *stores_ask(struct tool *t)
{
	return remote_ask(t, "frontend", "status", NULL, unite);
}
