#include "ctl/peers.h"

#include "ctl/remote.h"
#include "daemon/roles.h"

/* All rows of both go to one. */
static cJSON *unite(cJSON *a, cJSON *b)
{
	cJSON *into = cJSON_GetObjectItemCaseSensitive(a, "peers");
	cJSON *from = cJSON_GetObjectItemCaseSensitive(b, "peers");
	while (into && from && from->child)
		cJSON_AddItemToArray(into, cJSON_DetachItemViaPointer(from, from->child));
	cJSON_Delete(b);
	return a;
}

static void add_rows(cJSON **list, cJSON *status)
{
	cJSON *rows = cJSON_DetachItemFromObjectCaseSensitive(status, "peers");
	cJSON_Delete(status);
	if (!*list) {
		*list = rows;
		return;
	}
	while (rows && rows->child)
		cJSON_AddItemToArray(*list, cJSON_DetachItemViaPointer(rows, rows->child));
	cJSON_Delete(rows);
}

cJSON *peers_ask(struct tool *t)
{
	const struct topo *topo = tool_topo(t);
	cJSON *list = NULL;
	for (size_t i = 0; topo && i < topo->n_roles; i++) {
		const struct topo_role *r = &topo->roles[i];
		const struct role *role = roles_find(roles_all, r->role);
		if (r->host == topo->self && role && role_speaks_across(role, topo, r))
			add_rows(&list, remote_ask(t, role->name, "status", NULL, unite));
	}
	return list;
}
