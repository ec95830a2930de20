#include "svc/access/listeners.h"

#include <errno.h>

#include "topo/conf.h"

static bool is_listener(const struct topo_role *r, const struct addr *a)
{
	for (size_t i = 0; i < r->n_listens; i++)
		if (addr_eq(&r->listens[i].addr, a))
			return true;
	return false;
}

static int read_one(struct addr *ret, const struct topo *t, struct str item)
{
	if (addr_parse_port(ret, item) < 0 || addr_port(ret) + t->port_offset > UINT16_MAX)
		return -EINVAL;
	addr_set_port(ret, (uint16_t)(addr_port(ret) + t->port_offset));
	return 0;
}

int access_listeners_read(struct access_listeners *ret, const struct topo *t,
                          const struct topo_role *r, struct str list, struct buf *errors)
{
	struct access_listeners l = { 0 };
	struct str item;
	if (list.len == 0)
		list.p = NULL; /* no item at all */
	while (conf_next_item(&list, &item)) {
		struct addr a;
		if (l.n == TOPO_LISTENS_MAX || read_one(&a, t, item) < 0 || !is_listener(r, &a)) {
			buf_printf(errors,
			           "\"sha256-listeners\": \"%" STR_FMT
			           "\" is no address with port that [role %" STR_FMT
			           "] listens on\n",
			           STR_ARG(item), STR_ARG(r->role));
			return -EINVAL;
		}
		l.at[l.n++] = a;
	}
	*ret = l;
	return 0;
}

bool access_listeners_have(const struct access_listeners *l, const struct addr *local)
{
	for (size_t i = 0; i < l->n; i++) {
		const struct addr *a = &l->at[i];
		bool host = addr_is_any(a) || addr_eq_host(a, local);
		if (host && addr_port(a) == addr_port(local))
			return true;
	}
	return false;
}
