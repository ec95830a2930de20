#include <stdlib.h>
#include <unistd.h>

#include "role/door/dr.h"

/* A connection of which the first bytes are awaited.  They are looked at and left where they are:
 * the role gets the connection as if it had accepted it.
 *
 * Each that waits costs a descriptor and a few hundred bytes; who sends nothing, or slowly, costs
 * no more than that, for a bounded time.  Beyond the limit of an address its next ones are refused,
 * and beyond that of all the oldest goes of the address that has most: whoever floods pushes itself
 * out. */

_Static_assert((int)PEEK_MAX >= (int)OPENING_MAX, "all that may be needed is seen");

struct visitor {
	struct list node;
	struct door *door;
	struct door_face *face;
	struct addr peer;
	uint16_t host; /* which of DOOR_HOSTS */
	struct peek *peek;
};

static void visitor_free(struct visitor *v)
{
	struct door *d = v->door;
	list_del(&v->node);
	peek_free(&v->peek);
	d->waiting_of[v->host]--;
	d->n_waiting--;
	free(v);
}

void door_free_visitors(struct door *d)
{
	list_for(it, &d->waiting) visitor_free(list_entry(it, struct visitor, node));
}

static void end(struct visitor *v, enum door_end why)
{
	v->door->ended[why]++;
	visitor_free(v);
}

static void log_refused(struct visitor *v, const char *why)
{
	struct door *d = v->door;
	char text[64];
	struct buf peer = BUF_ON(text);
	if (!log_allow(&d->limit, loop_now(d->env->loop), DOOR_LINES_PER_S))
		return;
	addr_put(&peer, &v->peer);
	log_info(NULL, "connection-refused", "peer=%s why=%s", log_esc(buf_view(&peer)),
	         log_text(str_of(why)));
}

static void decide(struct visitor *v, enum opening_kind kind, const struct opening *o)
{
	struct door *d = v->door;
	enum door_to to = door_route(&d->rules, v->face->there, kind, o);
	if (to == DOOR_NOBODY) {
		log_refused(v, kind == OPENING_OTHER
		                       ? "it speaks neither TLS nor TURN nor Lync's dialect of it"
		                       : "whom it is for is not behind this address");
		end(v, DOOR_FOREIGN);
		return;
	}
	const struct door_face *f = v->face;
	int fd = peek_take(&v->peek);
	visitor_free(v);
	door_pass(d, f, to, fd);
}

static void on_first(void *arg, struct peek *p, struct bytes first, int err)
{
	struct visitor *v = arg;
	struct opening o;
	if (err < 0) {
		v->peek = NULL; /* it is freed behind this */
		end(v, DOOR_SILENT);
		return;
	}
	enum opening_kind kind = opening_look(first, &o);
	if (kind == OPENING_MORE)
		peek_want(p, o.need);
	else
		decide(v, kind, &o);
}

/* --- limits ---------------------------------------------------------------------------------- */

/* IPv6: its /64, for it changes the rest by itself. */
static uint16_t share_of(const struct door *d, const struct addr *peer)
{
	uint8_t host[18];
	size_t n = addr_pack(peer, host) - sizeof(in_port_t);
	return (uint16_t)(hash_bytes(&d->host_key, host, MIN(n, (size_t)8)) % DOOR_HOSTS);
}

static struct visitor *surplus(const struct door *d)
{
	struct visitor *most = list_entry(d->waiting.next, struct visitor, node);
	list_for(it, &d->waiting)
	{
		struct visitor *v = list_entry(it, struct visitor, node);
		if (d->waiting_of[v->host] > d->waiting_of[most->host])
			most = v;
	}
	return most;
}

void door_accept(void *arg, struct listener *ls UNUSED, int fd, const struct addr *peer)
{
	struct door_face *f = arg;
	struct door *d = f->door;
	uint16_t host = share_of(d, peer);
	if (d->waiting_of[host] >= d->set.waiting_of_address) {
		d->ended[DOOR_CROWDED]++;
		(void)close(fd);
		return;
	}
	if (d->n_waiting >= d->set.waiting_max)
		end(surplus(d), DOOR_CROWDED);
	struct visitor *v = xnew(struct visitor);
	v->door = d;
	v->face = f;
	v->peer = *peer;
	v->host = host;
	d->waiting_of[host]++;
	d->n_waiting++;
	list_add(&d->waiting, &v->node);
	v->peek = peek_new(d->env->loop, fd, d->set.opening_s * USEC_PER_SEC, on_first, v);
}
