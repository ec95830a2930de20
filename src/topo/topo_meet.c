#include "topo/topo.h"

/* Which roles of different hosts speak with one another, and where. */

static bool has_role(const struct topo *t, const struct topo_host *h, struct str role)
{
	for (size_t i = 0; i < t->n_roles; i++)
		if (t->roles[i].host == h && str_eq(t->roles[i].role, role))
			return true;
	return false;
}

bool topo_meet(const struct topo *t, const struct topo_role *a, const struct topo_role *b)
{
	return a->host != b->host && !has_role(t, a->host, b->role) &&
	       !has_role(t, b->host, a->role);
}

bool topo_meets_any(const struct topo *t, const struct topo_role *r, struct str role)
{
	for (size_t i = 0; i < t->n_roles; i++)
		if (str_eq(t->roles[i].role, role) && topo_meet(t, r, &t->roles[i]))
			return true;
	return false;
}

struct reach {
	struct addr *ret;
	size_t n, max;
	bool loopback; /* take those, else the others */
};

static void add(struct reach *to, struct addr a, uint16_t port)
{
	addr_set_port(&a, port);
	if (addr_is_loopback(&a) != to->loopback || to->n == to->max)
		return;
	for (size_t i = 0; i < to->n; i++)
		if (addr_eq(&to->ret[i], &a))
			return;
	to->ret[to->n++] = a;
}

static void add_listen(struct reach *to, const struct topo_role *r, const struct addr *a)
{
	const struct topo_host *h = r->host;
	if (!addr_is_any(a))
		add(to, *a, addr_port(a));
	for (size_t i = 0; addr_is_any(a) && i < h->n_addrs; i++)
		if (h->addrs[i].sa.sa_family == a->sa.sa_family)
			add(to, h->addrs[i], addr_port(a));
}

size_t topo_reach(const struct topo_role *r, enum topo_proto proto, struct addr *ret, size_t max)
{
	struct reach to = { .ret = ret, .max = max };
	for (int pass = 0; pass < 2 && to.n == 0; pass++) {
		to.loopback = pass == 1;
		for (size_t i = 0; i < r->n_listens; i++)
			if (r->listens[i].proto == proto)
				add_listen(&to, r, &r->listens[i].addr);
	}
	return to.n;
}
