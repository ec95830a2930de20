#include <errno.h>
#include <stdlib.h>

#include "base/rand.h"
#include "svc/relay/inside.h"

/* Allocations: whose they are, how long they live, whom they may reach. */

/* --- rates ----------------------------------------------------------------------------- */

static int64_t per_second(uint32_t kbps)
{
	return (int64_t)kbps * 1000 / 8;
}

void bucket_set(struct bucket *b, uint32_t kbps, usec_t now)
{
	*b = (struct bucket){ kbps, now, per_second(kbps) };
}

/* Until it is full: what is owed has to be waited for as well. */
static usec_t missing(const struct bucket *b, int64_t full)
{
	return (usec_t)((full - b->left) * (int64_t)USEC_PER_SEC / full + 1);
}

bool bucket_take(struct bucket *b, size_t bytes, usec_t now)
{
	if (b->kbps == 0)
		return true;
	int64_t full = per_second(b->kbps);
	usec_t passed = MIN(now - b->at, missing(b, full));
	b->left = MIN(b->left + full * (int64_t)passed / (int64_t)USEC_PER_SEC, full);
	b->at = now;
	if (b->left < (int64_t)bytes)
		return false;
	b->left -= (int64_t)bytes;
	return true;
}

usec_t bucket_owe(struct bucket *b, size_t bytes, usec_t now)
{
	if (b->kbps == 0 || bucket_take(b, bytes, now))
		return 0;
	b->left -= (int64_t)bytes;
	return b->left < 0 ? (usec_t)(-b->left * (int64_t)USEC_PER_SEC / per_second(b->kbps)) : 0;
}

/* --- users ----------------------------------------------------------------------------- */

struct relay_user *user_find(const struct relay *r, struct str name)
{
	struct map_node *n = map_first(&r->users, hash_lower(&r->users.key, name));
	for (; n; n = map_next(n)) {
		struct relay_user *u = container_of(n, struct relay_user, node);
		if (str_ieq(str_n(u->name, u->len), name))
			return u;
	}
	return NULL;
}

/* 0: as much as comes. */
static uint32_t user_kbps(const struct relay *r, const struct relay_grant *g)
{
	if (g->user_kbps == RELAY_OF_SERVER)
		return 0;
	return g->user_kbps ? g->user_kbps : r->cfg.user_kbps;
}

static struct relay_user *user_get(struct relay *r, const struct relay_grant *g)
{
	struct relay_user *u = user_find(r, g->user);
	if (u)
		return u;
	u = xcalloc(1, sizeof(*u) + g->user.len);
	u->len = g->user.len;
	memcpy(u->name, g->user.p, g->user.len);
	u->is_server = g->user_kbps == RELAY_OF_SERVER;
	bucket_set(&u->bucket, user_kbps(r, g), loop_now(r->loop));
	map_add(&r->users, &u->node, hash_lower(&r->users.key, g->user));
	r->stats.users++;
	return u;
}

void user_put(struct relay *r, struct relay_user *u)
{
	if (u->n > 0 || u->n_tcp > 0)
		return;
	map_del(&r->users, &u->node);
	r->stats.users--;
	free(u);
}

/* --- by client ------------------------------------------------------------------------- */

static uint64_t client_hash(const struct relay *r, const struct relay_face *f,
                            const struct addr *client)
{
	uint8_t bytes[18 + sizeof(f)];
	size_t n = addr_pack(client, bytes);
	memcpy(bytes + n, &f, sizeof(f));
	return hash_bytes(&r->by_client.key, bytes, n + sizeof(f));
}

struct relay_alloc *alloc_of(const struct relay *r, const struct relay_face *f,
                             const struct addr *client)
{
	struct map_node *n = map_first(&r->by_client, client_hash(r, f, client));
	for (; n; n = map_next(n)) {
		struct relay_alloc *a = container_of(n, struct relay_alloc, by_client);
		if (a->face == f && addr_eq(&a->client, client))
			return a;
	}
	return NULL;
}

/* --- begin and end --------------------------------------------------------------------- */

static void on_expired(void *arg)
{
	alloc_end(arg, RELAY_EXPIRED);
}

uint32_t alloc_extend(struct relay_alloc *a, uint32_t life_s)
{
	struct relay *r = a->relay;
	usec_t now = loop_now(r->loop);
	uint64_t left = a->grant_until > now ? (a->grant_until - now) / USEC_PER_SEC : 0;
	life_s = (uint32_t)MIN((uint64_t)life_s, left);
	a->until = now + life_s * USEC_PER_SEC;
	timer_set(&a->expiry, a->until);
	return life_s;
}

uint32_t alloc_left(const struct relay_alloc *a)
{
	usec_t now = loop_now(a->relay->loop);
	return a->until > now ? (uint32_t)((a->until - now) / USEC_PER_SEC) : 0;
}

static void end_open(struct relay_alloc *a, int i, const struct relay_opened *o)
{
	struct relayed *e = &a->ends[i];
	e->alloc = a;
	e->external = o->external;
	e->open = true;
	if (a->tcp)
		return;
	e->port = packet_port_new(a->relay->packets, o->fd, data_from_peer, e);
	packet_port_let_fragment(e->port);
}

static void close_ends(struct relay_alloc *a, bool cut)
{
	tcp_close(a, cut);
	for (int i = 0; i < 2; i++) {
		if (!a->ends[i].open)
			continue;
		packet_port_free(&a->ends[i].port);
		a->ends[i].open = false;
		a->relay->ops->closed(a->relay->arg, &a->ends[i].external);
	}
}

/* One socket; of a pair the next port is kept.  0 or -errno. */
static int open_end(struct relay_alloc *a, int i, const struct relay_want *want)
{
	struct relay *r = a->relay;
	struct relay_opened o;
	int err = r->ops->open(r->arg, want, &o);
	if (err < 0)
		return err;
	if (want->tcp && (err = tcp_open(a, &o)) < 0) {
		r->ops->closed(r->arg, &o.external);
		return err;
	}
	end_open(a, i, &o);
	if (want->pair)
		a->token = reserve(r, a->user, &o.external);
	return 0;
}

static unsigned open_kept(struct relay_alloc *a, uint64_t token)
{
	struct relay_want want = { .family = AF_INET };
	if (reserve_claim(a->relay, a->user, token, &want.family, &want.exactly) < 0)
		return 508;
	return open_end(a, want.family == AF_INET6, &want) < 0 ? 508 : 0;
}

/* The sockets that are wanted.  An error code: none is open. */
static unsigned open_ends(struct relay_alloc *a, const struct alloc_want *w)
{
	if (w->token)
		return open_kept(a, w->token);
	for (int i = 0; i < 2; i++) {
		struct relay_want want = { .family = i ? AF_INET6 : AF_INET,
			                   .tcp = w->tcp,
			                   .even = w->even,
			                   .pair = w->pair };
		int err = w->family[i] ? open_end(a, i, &want) : 0;
		if (err < 0 && i > 0 && a->ends[0].open) {
			a->lacks = true;
			return 0;
		}
		if (err < 0) {
			close_ends(a, true);
			return err == -EAFNOSUPPORT ? 440 : 508;
		}
	}
	return 0;
}

static bool is_full(const struct relay *r, const struct relay_user *u)
{
	return (u->n >= r->cfg.user_allocations && !u->is_server) ||
	       r->stats.allocations >= r->cfg.allocations_max;
}

static void alloc_free(struct relay_alloc *a)
{
	timer_stop(&a->expiry);
	free(a->permissions);
	free(a->channels);
	free(a->lync);
	wipe(a->key, sizeof(a->key));
	free(a);
}

/* By a clock that nobody sets: who is being served goes on though the host's time is put right. */
static usec_t end_of_grant(const struct relay *r, const struct relay_grant *g)
{
	usec_t wall = loop_wall(r->loop), end = g->expires_s * USEC_PER_SEC;
	return loop_now(r->loop) + (end > wall ? end - wall : 0);
}

static struct relay_alloc *make(const struct from *f, const struct alloc_want *w,
                                struct relay_user *u)
{
	struct relay *r = f->relay;
	struct relay_alloc *a = xnew(struct relay_alloc);
	a->relay = r;
	a->user = u;
	a->face = f->face;
	a->stream = f->stream;
	a->client = *f->peer;
	a->began = loop_now(r->loop);
	a->grant_until = end_of_grant(r, w->grant);
	memcpy(a->key, w->key, sizeof(a->key));
	if (w->id)
		memcpy(a->id, w->id, sizeof(a->id));
	if (w->lync) {
		a->lync = xnew(struct lync);
		rand_bytes(a->lync->connection, sizeof(a->lync->connection));
	}
	bucket_set(&a->bucket, w->grant->port_kbps ? w->grant->port_kbps : r->cfg.port_kbps,
	           a->began);
	timer_init(&a->expiry, r->loop, on_expired, a);
	return a;
}

static void begin(struct relay_alloc *a)
{
	struct relay *r = a->relay;
	struct relay_info info;
	a->number = ++r->last_number;
	a->user->n++;
	list_add(&r->allocs, &a->node);
	if (a->stream)
		a->stream->alloc = a;
	else
		map_add(&r->by_client, &a->by_client, client_hash(r, a->face, &a->client));
	r->stats.allocations++;
	r->stats.allocated++;
	relay_describe(a, &info);
	r->ops->began(r->arg, &info);
}

unsigned alloc_new(const struct from *f, const struct alloc_want *w, struct relay_alloc **ret)
{
	struct relay *r = f->relay;
	struct relay_user *u = user_get(r, w->grant);
	struct relay_alloc *a = NULL;
	unsigned code = is_full(r, u) || r->draining ? 486 : 0;
	if (!code) {
		a = make(f, w, u);
		code = open_ends(a, w);
	}
	if (code) {
		if (a)
			alloc_free(a);
		user_put(r, u);
		return code;
	}
	begin(a);
	(void)alloc_extend(a, w->life_s);
	*ret = a;
	return 0;
}

void alloc_end(struct relay_alloc *a, enum relay_end why)
{
	struct relay *r = a->relay;
	struct relay_user *u = a->user;
	struct relay_info info;
	relay_describe(a, &info);
	close_ends(a, why == RELAY_REVOKED || why == RELAY_STOPPED);
	list_del(&a->node);
	if (a->stream)
		a->stream->alloc = NULL;
	else
		map_del(&r->by_client, &a->by_client);
	r->stats.allocations--;
	r->stats.ended[why]++;
	r->ops->ended(r->arg, &info, why);
	alloc_free(a);
	u->n--;
	user_put(r, u);
}

struct relayed *alloc_end_of(struct relay_alloc *a, int family)
{
	struct relayed *e = &a->ends[family == AF_INET6];
	return e->open ? e : NULL;
}

/* --- permissions ----------------------------------------------------------------------- */

static struct permission *permission_of(struct relay_alloc *a, const struct addr *peer)
{
	struct permission *p = a->permissions;
	if (a->last_permission < a->n_permissions &&
	    addr_eq_host(&p[a->last_permission].peer, peer))
		return &p[a->last_permission];
	for (uint8_t i = 0; i < a->n_permissions; i++) {
		if (!addr_eq_host(&p[i].peer, peer))
			continue;
		a->last_permission = i;
		return &p[i];
	}
	return NULL;
}

/* The place of one that is over, or a new one; NULL: there are too many. */
static struct permission *permission_new(struct relay_alloc *a, usec_t now)
{
	for (uint8_t i = 0; i < a->n_permissions; i++)
		if (a->permissions[i].until <= now)
			return &a->permissions[i];
	if (a->n_permissions == RELAY_PERMISSIONS_MAX)
		return NULL;
	if ((a->n_permissions & (a->n_permissions - 1)) == 0) /* grows by doubling */
		a->permissions =
		        xrealloc(a->permissions, (a->n_permissions ? 2u * a->n_permissions : 1u) *
		                                         sizeof(*a->permissions));
	return &a->permissions[a->n_permissions++];
}

static unsigned check_peer(struct relay_alloc *a, const struct addr *peer)
{
	if (!alloc_end_of(a, peer->sa.sa_family))
		return 443;
	return peer_is_refused(a->relay, peer) ? 403 : 0;
}

unsigned alloc_permit(struct relay_alloc *a, const struct addr *peer, unsigned seconds)
{
	usec_t now = loop_now(a->relay->loop);
	unsigned code = check_peer(a, peer);
	struct permission *p = code ? NULL : permission_of(a, peer);
	if (!code && !p) {
		p = permission_new(a, now);
		code = p ? 0 : 508;
	}
	if (code)
		return code;
	*p = (struct permission){ *peer, now + seconds * USEC_PER_SEC };
	if (is_lync_tcp(a))
		tcp_lync_permitted(a, peer);
	return 0;
}

/* Those who have one already, or stand in front of it in the list, need no place. */
static bool is_new(struct relay_alloc *a, const struct addr *peers, unsigned i, usec_t now)
{
	for (unsigned k = 0; k < i; k++)
		if (addr_eq_host(&peers[k], &peers[i]))
			return false;
	return !alloc_permits(a, &peers[i], now);
}

/* Is there room for all of them? */
static bool has_places(struct relay_alloc *a, const struct addr *peers, unsigned n)
{
	usec_t now = loop_now(a->relay->loop);
	unsigned wanted = 0;
	for (uint8_t i = 0; i < a->n_permissions; i++)
		wanted += a->permissions[i].until > now;
	for (unsigned i = 0; i < n; i++)
		wanted += is_new(a, peers, i, now);
	return wanted <= RELAY_PERMISSIONS_MAX;
}

unsigned alloc_permit_all(struct relay_alloc *a, const struct addr *peers, unsigned n,
                          unsigned seconds)
{
	unsigned code = 0;
	for (unsigned i = 0; !code && i < n; i++)
		code = check_peer(a, &peers[i]);
	if (!code && !has_places(a, peers, n))
		code = 508;
	for (unsigned i = 0; !code && i < n; i++)
		code = alloc_permit(a, &peers[i], seconds);
	return code;
}

bool alloc_permits(struct relay_alloc *a, const struct addr *peer, usec_t now)
{
	const struct permission *p = permission_of(a, peer);
	return p && p->until > now;
}

/* --- channels -------------------------------------------------------------------------- */

/* One that has lapsed may still stand in front of the one that was bound anew. */
static bool is_channel(const struct channel *c, uint16_t number, usec_t now)
{
	return c->number == number && c->until > now;
}

struct channel *channel_numbered(struct relay_alloc *a, uint16_t number, usec_t now)
{
	struct channel *c = a->channels;
	if (a->last_channel < a->n_channels && is_channel(&c[a->last_channel], number, now))
		return &c[a->last_channel];
	for (uint8_t i = 0; i < a->n_channels; i++) {
		if (!is_channel(&c[i], number, now))
			continue;
		a->last_channel = i;
		return &c[i];
	}
	return NULL;
}

struct channel *channel_to(struct relay_alloc *a, const struct addr *peer, usec_t now)
{
	for (uint8_t i = 0; i < a->n_channels; i++)
		if (a->channels[i].until > now && addr_eq(&a->channels[i].peer, peer))
			return &a->channels[i];
	return NULL;
}

static struct channel *channel_new(struct relay_alloc *a, usec_t now)
{
	for (uint8_t i = 0; i < a->n_channels; i++)
		if (a->channels[i].until <= now)
			return &a->channels[i];
	if (a->n_channels == RELAY_CHANNELS_MAX)
		return NULL;
	if ((a->n_channels & (a->n_channels - 1)) == 0)
		a->channels = xrealloc(a->channels, (a->n_channels ? 2u * a->n_channels : 1u) *
		                                            sizeof(*a->channels));
	return &a->channels[a->n_channels++];
}

/* RFC 8656 section 12.2: neither the number nor the peer may be bound otherwise. */
unsigned alloc_bind(struct relay_alloc *a, uint16_t number, const struct addr *peer)
{
	usec_t now = loop_now(a->relay->loop);
	struct channel *have = channel_numbered(a, number, now), *other = channel_to(a, peer, now);
	unsigned code = check_peer(a, peer);
	if (code)
		return code;
	if (have != other || addr_port(peer) == 0)
		return 400;
	code = alloc_permit(a, peer, RELAY_PERMISSION_S);
	if (!code && !have)
		have = channel_new(a, now);
	if (!code && !have)
		return 508;
	if (!code)
		*have = (struct channel){ *peer, now + RELAY_CHANNEL_S * USEC_PER_SEC, number };
	return code;
}
