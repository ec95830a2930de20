#include <errno.h>
#include <stdlib.h>

#include "svc/relay/inside.h"

/* Ports that are kept for the second allocation of a pair (RFC 8656 section 7.2, EVEN-PORT).
 *
 * The second client address may lead to another process of the edge than the first.  So the token
 * says all that is needed: the port, until when, and a MAC of that, of the user and of the edge's
 * relayed addresses (another edge has other ports kept); whoever gets it opens the port. */

enum { UNTIL_BITS = 15 /* seconds, modulo */ };

static uint32_t second_of(const struct relay *r)
{
	return (uint32_t)(loop_wall(r->loop) / USEC_PER_SEC) & ((1u << UNTIL_BITS) - 1);
}

static uint64_t edge_hash(const struct relay *r)
{
	uint8_t bytes[2 * 18];
	size_t n = 0;
	for (int i = 0; i < 2; i++)
		if (r->cfg.own[i].external.sa.sa_family != AF_UNSPEC)
			n += addr_pack(&r->cfg.own[i].external, bytes + n) - sizeof(in_port_t);
	return hash_bytes(&r->nonce_key, bytes, n);
}

/* Port, family, time: the upper half of a token; the lower one is the MAC. */
static uint64_t seal(const struct relay *r, const struct relay_user *u, uint32_t head)
{
	uint64_t of[3] = { hash_lower(&r->nonce_key, str_n(u->name, u->len)), head, edge_hash(r) };
	uint64_t mac = hash_bytes(&r->nonce_key, of, sizeof(of));
	return (uint64_t)head << 32 | (uint32_t)mac;
}

static void reservation_free(struct reservation *v)
{
	list_del(&v->node);
	timer_stop(&v->expiry);
	free(v);
}

/* Somebody came for the port, or not. */
static void on_over(void *arg)
{
	struct reservation *v = arg;
	struct relay *r = v->relay;
	struct relay_user *u = v->user;
	for (; v->times > 0; v->times--)
		r->ops->unkeep(r->arg, &v->external);
	reservation_free(v);
	u->n--;
	user_put(r, u);
}

/* The port was kept before, was somebody's in between, and is kept again: the end of that time does
 * not count any more.  How many such times there are. */
static unsigned take_over(struct relay *r, const struct addr *external)
{
	list_for(it, &r->reservations)
	{
		struct reservation *v = list_entry(it, struct reservation, node);
		if (!addr_eq(&v->external, external))
			continue;
		unsigned times = v->times;
		v->times = 0;
		on_over(v);
		return times;
	}
	return 0;
}

uint64_t reserve(struct relay *r, struct relay_user *u, const struct addr *before)
{
	struct reservation *v = xnew(struct reservation);
	uint16_t port = (uint16_t)(addr_port(before) + 1);
	uint32_t until = (second_of(r) + RELAY_RESERVATION_S) & ((1u << UNTIL_BITS) - 1);
	u->n++; /* it counts as an allocation while it is kept */
	v->relay = r;
	v->user = u;
	v->external = *before;
	addr_set_port(&v->external, port);
	v->times = 1 + take_over(r, &v->external);
	timer_init(&v->expiry, r->loop, on_over, v);
	timer_set(&v->expiry, loop_now(r->loop) + RELAY_RESERVATION_S * USEC_PER_SEC);
	list_add(&r->reservations, &v->node);
	bool v6 = before->sa.sa_family == AF_INET6;
	return seal(r, u, (uint32_t)port << 16 | (uint32_t)v6 << UNTIL_BITS | until);
}

int reserve_claim(const struct relay *r, const struct relay_user *u, uint64_t token,
                  int *ret_family, uint16_t *ret_port)
{
	uint32_t head = (uint32_t)(token >> 32), until = head & ((1u << UNTIL_BITS) - 1);
	uint64_t want = seal(r, u, head);
	uint32_t left = (until - second_of(r)) & ((1u << UNTIL_BITS) - 1);
	if (!same_secret(&want, &token, sizeof(want)) || left > RELAY_RESERVATION_S)
		return -ENOENT;
	*ret_family = head >> UNTIL_BITS & 1 ? AF_INET6 : AF_INET;
	*ret_port = (uint16_t)(head >> 16);
	return 0;
}

void reservations_end(struct relay *r)
{
	list_for(it, &r->reservations)
	{
		on_over(list_entry(it, struct reservation, node));
	}
}
