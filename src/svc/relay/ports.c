#include "svc/relay/ports.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/rand.h"
#include "loop/udp.h"

struct relay_ports {
	struct relay_address at[2];
	struct relay_port_range range;
	uint32_t n, taken;
	uint8_t *used[2]; /* by port; of other processes too */
};

/* The range may have been another one before: what is outside it belongs to the first process. */
static void clear(uint8_t *used, const struct relay_port_range *g)
{
	memset(used + g->first, 0, (size_t)(g->last - g->first) + 1);
	if (g->first != g->all_first)
		return;
	memset(used, 0, g->all_first);
	memset(used + g->all_last + 1, 0, (size_t)(UINT16_MAX - g->all_last));
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

void relay_ports_free(struct relay_ports **pp)
{
	free(take(pp));
}

bool relay_ports_is_live(const struct relay_ports *p, const struct addr *external)
{
	return p->used[external->sa.sa_family == AF_INET6][addr_port(external)] != 0;
}

uint32_t relay_ports_taken(const struct relay_ports *p)
{
	return p->taken;
}

static int bind_at(struct relay_ports *p, int i, uint32_t at)
{
	struct addr a = p->at[i].local;
	addr_set_port(&a, (uint16_t)(p->range.first + at));
	return udp_bind(&a);
}

static void mark(struct relay_ports *p, int i, uint32_t at, bool used)
{
	p->used[i][p->range.first + at] = used;
	p->taken = used ? p->taken + 1 : p->taken - 1;
}

static bool is_fit(const struct relay_ports *p, int i, uint32_t at, const struct relay_want *w)
{
	if (p->used[i][p->range.first + at] || (w->even && (p->range.first + at) % 2 != 0))
		return false;
	return !w->pair || (at + 1 < p->n && !p->used[i][p->range.first + at + 1]);
}

/* Binds it, and the next one of a pair.  -EADDRINUSE: another program has it. */
static int open_at(struct relay_ports *p, int i, uint32_t at, const struct relay_want *w,
                   struct relay_opened *ret)
{
	struct relay_opened o = { .next_fd = -1, .external = p->at[i].external };
	o.fd = bind_at(p, i, at);
	if (o.fd < 0)
		return o.fd;
	o.next_fd = w->pair ? bind_at(p, i, at + 1) : -1;
	if (w->pair && o.next_fd < 0) {
		(void)close(o.fd);
		return o.next_fd;
	}
	addr_set_port(&o.external, (uint16_t)(p->range.first + at));
	mark(p, i, at, true);
	if (w->pair)
		mark(p, i, at + 1, true);
	*ret = o;
	return 0;
}

int relay_ports_open(struct relay_ports *p, const struct relay_want *want, struct relay_opened *ret)
{
	int i = want->family == AF_INET6, err = -EADDRINUSE;
	unsigned tries = 0;
	if (p->at[i].local.sa.sa_family == AF_UNSPEC)
		return -EAFNOSUPPORT;
	uint32_t begin = (uint32_t)rand_below(p->n);
	for (uint32_t k = 0; k < p->n && err == -EADDRINUSE && tries < RELAY_PORT_TRIES; k++) {
		uint32_t at = (begin + k) % p->n;
		if (!is_fit(p, i, at, want))
			continue;
		err = open_at(p, i, at, want, ret);
		tries++;
	}
	return err;
}

void relay_ports_closed(struct relay_ports *p, const struct addr *external)
{
	int i = external->sa.sa_family == AF_INET6;
	uint32_t at = (uint32_t)addr_port(external) - p->range.first;
	if (at < p->n && p->used[i][p->range.first + at])
		mark(p, i, at, false);
}
