#include <errno.h>

#include "topo/conf.h"
#include "topo/topo.h"

/* Something that occupies an address and port. */
struct claim {
	const struct topo_role *role;
	bool udp;
	struct addr addr;
	const char *what; /* "udp", "metrics" */
	bool can_be_behind, is_behind;
};

enum { CLAIMS_MAX = TOPO_ROLES_MAX * (TOPO_LISTENS_MAX + TOPO_PROCESSES_MAX) };

/* What is behind the door has nothing of its own there: the door has it, once for all roles. */
static bool overlap(const struct claim *a, const struct claim *b)
{
	if ((a->is_behind || b->is_behind) && a->role != b->role)
		return false;
	if (a->udp != b->udp || a->role->host != b->role->host)
		return false;
	if (addr_port(&a->addr) != addr_port(&b->addr))
		return false;
	if (a->addr.sa.sa_family != b->addr.sa.sa_family)
		return false;
	return addr_is_any(&a->addr) || addr_is_any(&b->addr) || addr_eq_host(&a->addr, &b->addr);
}

static struct addr loopback(const struct topo_role *r, uint32_t slot)
{
	struct addr a = { .in4 = { .sin_family = AF_INET,
		                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) } };
	addr_set_port(&a, (uint16_t)(r->metrics_port + slot));
	return a;
}

static size_t claims_of(const struct topo_role *r, struct claim *ret)
{
	size_t n = 0;
	for (size_t i = 0; i < r->n_listens; i++)
		ret[n++] = (struct claim){ .role = r,
			                   .udp = r->listens[i].proto == TOPO_UDP,
			                   .addr = r->listens[i].addr,
			                   .what = topo_proto_name(r->listens[i].proto),
			                   .can_be_behind = r->listens[i].can_be_behind,
			                   .is_behind = r->listens[i].is_behind };
	for (uint32_t i = 0; r->metrics_port > 0 && i < r->processes; i++) {
		ret[n++] = (struct claim){ .role = r, .what = "metrics", .addr = loopback(r, i) };
	}
	return n;
}

static void report(const struct topo *t, const struct claim *a, const struct claim *b,
                   struct buf *errors)
{
	auto_(buf_free) struct buf at = buf_of(64);
	addr_put(&at, &b->addr);
	conf_error(errors, b->role->section, b->role->section->line,
	           "%s %" STR_FMT " of [role %" STR_FMT "] is already used by %s of [role %" STR_FMT
	           "] (line %u)%s; give one of them another address or port%s",
	           b->what, STR_ARG(buf_view(&at)), STR_ARG(b->role->role), a->what,
	           STR_ARG(a->role->role), a->role->section->line,
	           t->port_offset > 0 ? ", ports with the port-offset added" : "",
	           a->can_be_behind && b->can_be_behind
	                   ? ", or have both served there by a [role door] with that in its \"tcp\""
	                   : "");
}

int topo_check_ports(const struct topo *t, struct buf *errors)
{
	struct claim *claims = xcalloc(CLAIMS_MAX, sizeof *claims);
	size_t n = 0;
	int r = 0;
	for (size_t i = 0; i < t->n_roles; i++)
		n += claims_of(&t->roles[i], claims + n);
	for (size_t i = 0; i < n; i++)
		for (size_t j = i + 1; j < n; j++)
			if (overlap(&claims[i], &claims[j])) {
				report(t, &claims[i], &claims[j], errors);
				r = -EINVAL;
			}
	xfreep(&claims);
	return r;
}
