#include "svc/relay/ports.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/rand.h"
#include "loop/udp.h"

struct relay_ports {
	struct relay_address at[2];
	uint16_t first;
	uint32_t n, taken;
	bool *used[2]; /* by port */
};

struct relay_ports *relay_ports_new(const struct relay_address addresses[2], uint16_t first,
                                    uint16_t last)
{
	struct relay_ports *p = xnew(struct relay_ports);
	memcpy(p->at, addresses, sizeof(p->at));
	p->first = first;
	p->n = last >= first ? (uint32_t)(last - first) + 1 : 0;
	for (int i = 0; i < 2; i++)
		p->used[i] = xcalloc(p->n + 1, sizeof(bool));
	return p;
}

void relay_ports_free(struct relay_ports **pp)
{
	struct relay_ports *p = take(pp);
	if (!p)
		return;
	free(p->used[0]);
	free(p->used[1]);
	free(p);
}

uint32_t relay_ports_taken(const struct relay_ports *p)
{
	return p->taken;
}

static int bind_at(struct relay_ports *p, int i, uint32_t at)
{
	struct addr a = p->at[i].local;
	addr_set_port(&a, (uint16_t)(p->first + at));
	return udp_bind(&a);
}

static void mark(struct relay_ports *p, int i, uint32_t at, bool used)
{
	p->used[i][at] = used;
	p->taken = used ? p->taken + 1 : p->taken - 1;
}

static bool is_fit(const struct relay_ports *p, int i, uint32_t at, const struct relay_want *w)
{
	if (p->used[i][at] || (w->even && (p->first + at) % 2 != 0))
		return false;
	return !w->pair || (at + 1 < p->n && !p->used[i][at + 1]);
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
	addr_set_port(&o.external, (uint16_t)(p->first + at));
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
	if (p->n == 0)
		return err;
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
	uint32_t at = (uint32_t)addr_port(external) - p->first;
	if (at < p->n && p->used[i][at])
		mark(p, i, at, false);
}
