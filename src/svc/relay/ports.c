#include "svc/relay/ports.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/rand.h"
#include "loop/stream.h"
#include "loop/udp.h"

/* A byte of the table: the number of the process whose it is, whether it is TCP, and whether it is
 * only kept. */
enum { KEPT = 0x80, TCP = 0x40, OWNER = 0x3f };

struct relay_ports {
	struct relay_address at[2];
	struct relay_port_range range;
	uint32_t n, taken;
	uint8_t *used[2]; /* by port; of other processes too */
};

/* What a process of this number before left; the first one takes away what others left that there
 * are no more.  Free ports are not written: another process may be taking one at this moment. */
static void clear(uint8_t *used, const struct relay_port_range *g)
{
	for (uint32_t port = 0; port <= UINT16_MAX; port++) {
		unsigned owner = used[port] & OWNER;
		if (owner == 0)
			continue;
		if (owner - 1 == g->slot || (g->slot == 0 && owner > g->n_slots))
			used[port] = 0;
	}
}

struct relay_ports *relay_ports_new(const struct relay_address addresses[2],
                                    const struct relay_port_range *range, uint8_t *live)
{
	struct relay_ports *p = xnew(struct relay_ports);
	memcpy(p->at, addresses, sizeof(p->at));
	p->range = *range;
	p->n = (uint32_t)(range->last - range->first) + 1;
	for (int i = 0; i < 2; i++) {
		p->used[i] = live + i * (UINT16_MAX + 1);
		clear(p->used[i], range);
	}
	return p;
}

int relay_ports_try(const struct relay_address addresses[2], struct addr *ret_at)
{
	for (int i = 0; i < 2; i++) {
		struct addr a = addresses[i].local;
		if (a.sa.sa_family == AF_UNSPEC)
			continue;
		addr_set_port(&a, 0);
		int fd = udp_bind(&a);
		if (fd < 0) {
			*ret_at = a;
			return fd;
		}
		(void)close(fd);
	}
	return 0;
}

void relay_ports_free(struct relay_ports **pp)
{
	free(take(pp));
}

bool relay_ports_is_live(const struct relay_ports *p, const struct addr *external, bool tcp)
{
	uint8_t what = p->used[external->sa.sa_family == AF_INET6][addr_port(external)];
	return what && !(what & KEPT) && tcp == ((what & TCP) != 0);
}

uint32_t relay_ports_taken(const struct relay_ports *p)
{
	return p->taken;
}

static uint8_t owner(const struct relay_ports *p)
{
	return (uint8_t)(p->range.slot + 1);
}

static int bind_at(const struct relay_ports *p, int i, uint16_t port, bool tcp)
{
	struct addr a = p->at[i].local;
	addr_set_port(&a, port);
	return tcp ? tcp_bind(&a) : udp_bind(&a);
}

static void mark(struct relay_ports *p, int i, uint32_t port, uint8_t what)
{
	p->used[i][port] = what;
	p->taken = what ? p->taken + 1 : p->taken - 1;
}

static bool is_fit(const struct relay_ports *p, int i, uint32_t port, const struct relay_want *w)
{
	if (p->used[i][port] || (w->even && port % 2 != 0))
		return false;
	return !w->pair || (port < p->range.last && !p->used[i][port + 1]);
}

/* Another program must not have it, or it would be missed later. */
static bool is_free(const struct relay_ports *p, int i, uint16_t port)
{
	int fd = bind_at(p, i, port, false);
	if (fd >= 0)
		(void)close(fd);
	return fd >= 0;
}

/* -EADDRINUSE: another program has it, or the next one of a pair. */
static int open_at(struct relay_ports *p, int i, uint16_t port, const struct relay_want *w,
                   struct relay_opened *ret)
{
	if (w->pair && !is_free(p, i, (uint16_t)(port + 1)))
		return -EADDRINUSE;
	struct relay_opened o = { .fd = bind_at(p, i, port, w->tcp),
		                  .external = p->at[i].external };
	if (o.fd < 0)
		return o.fd;
	addr_set_port(&o.external, port);
	mark(p, i, port, owner(p) | (w->tcp ? TCP : 0));
	if (w->pair)
		mark(p, i, port + 1u, owner(p) | KEPT);
	*ret = o;
	return 0;
}

/* It may be in the part of another process, which has kept it. */
static int open_kept(struct relay_ports *p, int i, uint16_t port, struct relay_opened *ret)
{
	static const struct relay_want want = { .exactly = 0 };
	if (!(p->used[i][port] & KEPT))
		return -EADDRINUSE;
	return open_at(p, i, port, &want, ret);
}

int relay_ports_open(struct relay_ports *p, const struct relay_want *want, struct relay_opened *ret)
{
	int i = want->family == AF_INET6, err = -EADDRINUSE;
	unsigned tries = 0;
	if (p->at[i].local.sa.sa_family == AF_UNSPEC)
		return -EAFNOSUPPORT;
	if (want->exactly)
		return open_kept(p, i, want->exactly, ret);
	uint32_t begin = (uint32_t)rand_below(p->n);
	for (uint32_t k = 0; k < p->n && err == -EADDRINUSE && tries < RELAY_PORT_TRIES; k++) {
		uint16_t port = (uint16_t)(p->range.first + (begin + k) % p->n);
		if (!is_fit(p, i, port, want))
			continue;
		err = open_at(p, i, port, want, ret);
		tries++;
	}
	return err;
}

void relay_ports_closed(struct relay_ports *p, const struct addr *external)
{
	int i = external->sa.sa_family == AF_INET6;
	if ((p->used[i][addr_port(external)] & ~TCP) == owner(p))
		mark(p, i, addr_port(external), 0);
}

void relay_ports_unkeep(struct relay_ports *p, const struct addr *external)
{
	int i = external->sa.sa_family == AF_INET6;
	if (p->used[i][addr_port(external)] == (owner(p) | KEPT))
		mark(p, i, addr_port(external), 0);
	else
		p->taken--; /* it is another's now, or was */
}
