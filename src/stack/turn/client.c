#include "stack/turn/client.h"

#include <errno.h>
#include <stdlib.h>

#include "base/code.h"
#include "stack/turn/inside.h"

/* The life of a client, and of its allocation. */

enum { CREDENTIAL_MAX = 1024, REASON_MAX = 100, TRIES_MAX = 10 };

/* --- what is told ---------------------------------------------------------------------- */

/* The words of a relay are anybody's bytes. */
static void put_words(struct buf *b, struct str s)
{
	for (size_t i = 0; i < MIN(s.len, (size_t)REASON_MAX); i++)
		buf_char(b, s.p[i] >= ' ' && s.p[i] < 0x7f ? s.p[i] : '?');
}

static const char *describe(struct turn_client *c, const struct outcome *o)
{
	struct buf b = { .p = c->why, .cap = sizeof(c->why) - 1, .max = sizeof(c->why) - 1 };
	if (o->code) {
		buf_printf(&b, "the relay refuses: %u ", o->code);
		put_words(&b, o->reason.len > 0 ? o->reason : stun_reason(o->code));
	} else if (o->err == -ETIMEDOUT && !o->why) {
		buf_lit(&b, "the relay does not answer");
	} else {
		put_words(&b, str_of(o->why));
	}
	c->why[b.len] = '\0';
	return c->why;
}

void client_failed(struct turn_client *c, struct turn_failure f, const struct outcome *o)
{
	f.code = o->code;
	f.err = o->code ? 0 : o->err;
	f.why = describe(c, o);
	c->ops->failed(c->arg, &f);
}

void client_data(struct turn_client *c, const struct addr *peer, struct str data)
{
	c->stats.received++;
	if (c->ops->data)
		c->ops->data(c->arg, peer, data);
}

/* --- the edges ------------------------------------------------------------------------- */

static int tell_opened(struct turn_client *c, const struct outcome *o UNUSED)
{
	if (c->ops->opened)
		c->ops->opened(c->arg);
	return 0;
}

static int ask_allocate(struct turn_client *c, const struct outcome *o UNUSED)
{
	return ask_start(&c->main, ASK_ALLOCATE);
}

static int ask_refresh(struct turn_client *c, const struct outcome *o UNUSED)
{
	return ask_start(&c->main, ASK_REFRESH);
}

static int ask_release(struct turn_client *c, const struct outcome *o UNUSED)
{
	int r = ask_start(&c->main, ASK_RELEASE);
	if (r == 0)
		timer_stop(&c->due);
	return r;
}

static void allocation_ends(struct turn_client *c)
{
	timer_stop(&c->due);
	timer_stop(&c->alive);
	ask_stop(&c->main);
	bonds_end(c);
}

static void over(struct turn_client *c, enum turn_where where, const struct outcome *o)
{
	const struct turn_failure f = { .where = where, .over = true };
	allocation_ends(c);
	ask_stop(&c->binding);
	client_failed(c, f, o);
}

static int not_opened(struct turn_client *c, const struct outcome *o)
{
	over(c, TURN_AT_OPENING, o);
	return 0;
}

static int not_greeted(struct turn_client *c, const struct outcome *o UNUSED)
{
	const struct outcome late = { .err = -ETIMEDOUT,
		                      .why = "what answers there has no pseudo-TLS: it says "
		                             "nothing" };
	over(c, TURN_AT_OPENING, &late);
	return 0;
}

static int lost(struct turn_client *c, const struct outcome *o)
{
	over(c, TURN_AT_CONNECTION, o);
	return 0;
}

static int not_allocated(struct turn_client *c, const struct outcome *o)
{
	over(c, TURN_AT_ALLOCATE, o);
	return 0;
}

static int not_refreshed(struct turn_client *c, const struct outcome *o)
{
	over(c, TURN_AT_REFRESH, o);
	return 0;
}

/* Whatever the relay says of it, it is neither left to run out nor asked for all the time. */
static int keep(struct turn_client *c, const struct outcome *o)
{
	uint32_t life_s = o->answer->life_s;
	uint32_t early_s = MIN(life_s / 2, (uint32_t)TURN_CLIENT_EARLY_S);
	uint32_t in_s = CLAMP(life_s - early_s, (uint32_t)TURN_CLIENT_REFRESH_MIN_S,
	                      (uint32_t)TURN_CLIENT_REFRESH_MAX_S);
	timer_set(&c->due, loop_now(c->loop) + in_s * USEC_PER_SEC);
	return 0;
}

static void stay_alive(struct turn_client *c)
{
	if (c->udp && !c->cfg.lync)
		timer_set(&c->alive, c->sent_at + TURN_CLIENT_ALIVE_S * USEC_PER_SEC);
}

static int allocated(struct turn_client *c, const struct outcome *o)
{
	const struct turn_allocation a = { .relayed = o->answer->relayed,
		                           .mapped = o->answer->mapped,
		                           .life_s = o->answer->life_s };
	c->sequence = o->answer->sequence;
	(void)keep(c, o);
	stay_alive(c);
	if (c->ops->allocated)
		c->ops->allocated(c->arg, &a);
	return 0;
}

static int tell_released(struct turn_client *c, const struct outcome *o UNUSED)
{
	allocation_ends(c);
	if (c->ops->released)
		c->ops->released(c->arg);
	return 0;
}

typedef int action_fn(struct turn_client *c, const struct outcome *o);

/* clang-format off */
static const struct {
	action_fn *act;
	enum client_state next;
} edges[CLIENT_N_STATES][CLIENT_N_EVENTS] = {
	[CLIENT_OPENING][CLIENT_OPENED]    = { tell_opened,   CLIENT_READY },
	[CLIENT_OPENING][CLIENT_DUE]       = { not_greeted,   CLIENT_OVER },
	[CLIENT_OPENING][CLIENT_LOST]      = { not_opened,    CLIENT_OVER },
	[CLIENT_READY][CLIENT_ALLOCATE]    = { ask_allocate,  CLIENT_ASKING },
	[CLIENT_READY][CLIENT_LOST]        = { lost,          CLIENT_OVER },
	[CLIENT_ASKING][CLIENT_GRANTED]    = { allocated,     CLIENT_OPEN },
	[CLIENT_ASKING][CLIENT_REFUSED]    = { not_allocated, CLIENT_OVER },
	[CLIENT_ASKING][CLIENT_LOST]       = { lost,          CLIENT_OVER },
	[CLIENT_OPEN][CLIENT_DUE]          = { ask_refresh,   CLIENT_OPEN },
	[CLIENT_OPEN][CLIENT_GRANTED]      = { keep,          CLIENT_OPEN },
	[CLIENT_OPEN][CLIENT_REFUSED]      = { not_refreshed, CLIENT_OVER },
	[CLIENT_OPEN][CLIENT_RELEASE]      = { ask_release,   CLIENT_RELEASING },
	[CLIENT_OPEN][CLIENT_LOST]         = { lost,          CLIENT_OVER },
	[CLIENT_RELEASING][CLIENT_GRANTED] = { tell_released, CLIENT_READY },
	[CLIENT_RELEASING][CLIENT_REFUSED] = { tell_released, CLIENT_READY },
	[CLIENT_RELEASING][CLIENT_LOST]    = { lost,          CLIENT_OVER },
};
/* clang-format on */

int client_feed(struct turn_client *c, enum client_event ev, const struct outcome *o)
{
	enum client_state before = c->state;
	action_fn *act = edges[before][ev].act;
	if (!act)
		return -EINVAL;
	c->state = edges[before][ev].next;
	int r = act(c, o);
	if (r < 0) /* it has told nobody */
		c->state = before;
	return r;
}

/* --- what feeds them ------------------------------------------------------------------- */

static bool makes_sense(const struct turn_client *c, const struct answer *answer)
{
	int family = c->cfg.family == AF_INET6 ? AF_INET6 : AF_INET;
	const struct addr *a = &answer->relayed;
	return a->sa.sa_family == family && addr_port(a) != 0 && !addr_is_any(a) &&
	       !addr_is_multicast(a) && answer->mapped.sa.sa_family != AF_UNSPEC &&
	       answer->life_s > 0;
}

static void on_main(struct ask *a, const struct outcome *o)
{
	struct turn_client *c = a->client;
	const struct outcome nonsense = { .err = -EBADMSG,
		                          .why = "the relay's answer lacks a relayed address of "
		                                 "the family that was asked for, or ours" };
	if (o->answer && a->kind == ASK_ALLOCATE && !makes_sense(c, o->answer))
		o = &nonsense;
	(void)client_feed(c, o->answer ? CLIENT_GRANTED : CLIENT_REFUSED, o);
}

static void on_due(void *arg)
{
	struct turn_client *c = arg;
	struct outcome o = { .why = "the request is too long" };
	o.err = client_feed(c, CLIENT_DUE, NULL);
	if (o.err < 0)
		(void)client_feed(c, CLIENT_REFUSED, &o);
}

/* A Binding indication is not answered: it keeps the NAT's mapping (RFC 8489 section 2). */
static void on_alive(void *arg)
{
	struct turn_client *c = arg;
	static const uint8_t id[STUN_ID_LEN];
	struct stun_out o;
	if (loop_now(c->loop) >= c->sent_at + TURN_CLIENT_ALIVE_S * USEC_PER_SEC) {
		stun_begin(&o, STUN_INDICATION, STUN_BINDING, id);
		stun_end(&o, STUN_STANDARD, (struct str){ NULL, 0 });
		carrier_message(c, stun_text(&o));
	}
	stay_alive(c);
}

static void on_binding(struct ask *a, const struct outcome *o)
{
	struct turn_client *c = a->client;
	const struct turn_failure f = { .where = TURN_AT_BINDING };
	const struct outcome nonsense = { .err = -EBADMSG,
		                          .why = "the relay's answer has no address" };
	if (!o->answer)
		client_failed(c, f, o);
	else if (o->answer->mapped.sa.sa_family == AF_UNSPEC)
		client_failed(c, f, &nonsense);
	else if (c->ops->mapped)
		c->ops->mapped(c->arg, &o->answer->mapped);
}

/* --- its life -------------------------------------------------------------------------- */

/* What Lync's dialect hashes are the bytes behind the text. */
static void take_credential(struct turn_client *c, struct buf *to, struct str text)
{
	*to = buf_of(CREDENTIAL_MAX);
	if (!c->cfg.lync)
		buf_str(to, text);
	else if (base64_get(text, to) < 0)
		c->begin_err = -EINVAL;
	if (to->full)
		c->begin_err = -EINVAL;
	if (c->begin_err)
		c->begin_why = "the credentials are too long, or no base64";
}

static void set_default(uint32_t *v, uint32_t otherwise)
{
	*v = *v ? *v : otherwise;
}

static struct turn_client *client_new(struct loop *l, const struct turn_client_config *cfg,
                                      const struct turn_client_ops *ops, void *arg)
{
	struct turn_client *c = xnew(struct turn_client);
	c->loop = l;
	c->ops = ops;
	c->arg = arg;
	c->cfg = *cfg;
	c->cfg.lync = cfg->lync || cfg->way == TURN_BY_PSEUDO_TLS;
	c->cfg.tls = cfg->way == TURN_BY_TLS ? tls_client_ref(cfg->tls) : NULL;
	c->server_name = str_dup(cfg->server_name);
	c->cfg.server_name = str_of(c->server_name);
	set_default(&c->cfg.open_s, TURN_CLIENT_OPEN_S);
	set_default(&c->cfg.tries, TURN_CLIENT_TRIES);
	c->cfg.tries = MIN(c->cfg.tries, (uint32_t)TRIES_MAX);
	take_credential(c, &c->user, cfg->user);
	take_credential(c, &c->password, cfg->password);
	c->dialect = c->cfg.lync ? &turn_dialect_lync : &turn_dialect_standard;
	list_init(&c->asks);
	list_init(&c->bonds);
	ask_init(&c->main, c, on_main);
	ask_init(&c->binding, c, on_binding);
	timer_init(&c->due, l, on_due, c);
	timer_init(&c->alive, l, on_alive, c);
	defer_init(&c->begin, carrier_begin, c);
	return c;
}

struct turn_client *turn_client_new(struct loop *l, const struct turn_client_config *cfg,
                                    const struct turn_client_ops *ops, void *arg)
{
	struct turn_client *c = client_new(l, cfg, ops, arg);
	carrier_open(c);
	return c;
}

struct turn_client *client_new_on(struct loop *l, int fd, const struct turn_client_config *cfg,
                                  const struct turn_client_ops *ops, void *arg)
{
	struct turn_client *c = client_new(l, cfg, ops, arg);
	carrier_take(c, fd);
	return c;
}

void turn_client_learn(struct turn_client *c, const struct turn_client *other)
{
	const struct answer known = { .realm = str_n(other->realm, other->realm_len),
		                      .nonce = str_n(other->nonce, other->nonce_len) };
	if (c->cfg.lync == other->cfg.lync && c->user.len > 0)
		(void)ask_learn(c, &known);
}

static void forget_secret(struct buf *b)
{
	if (b->p)
		wipe(b->p, b->len);
	buf_free(b);
}

void turn_client_free(struct turn_client **cp)
{
	struct turn_client *c = take(cp);
	if (!c)
		return;
	allocation_ends(c);
	ask_stop(&c->binding);
	carrier_close(c);
	tls_client_unref(&c->cfg.tls);
	forget_secret(&c->user);
	forget_secret(&c->password);
	free(c->server_name);
	wipe(c->key, sizeof(c->key));
	free(c);
}

/* --- what its owner wants -------------------------------------------------------------- */

int turn_client_binding(struct turn_client *c)
{
	if (c->cfg.lync)
		return -EOPNOTSUPP;
	if (c->state == CLIENT_OPENING || c->state == CLIENT_OVER)
		return -EINVAL;
	return ask_runs(&c->binding) ? -EALREADY : ask_start(&c->binding, ASK_BINDING);
}

int turn_client_allocate(struct turn_client *c)
{
	return client_feed(c, CLIENT_ALLOCATE, NULL);
}

int turn_client_release(struct turn_client *c)
{
	return client_feed(c, CLIENT_RELEASE, NULL);
}

int turn_client_refresh(struct turn_client *c)
{
	if (c->state != CLIENT_OPEN)
		return -EINVAL;
	return ask_runs(&c->main) ? -EALREADY : client_feed(c, CLIENT_DUE, NULL);
}

int turn_client_permit(struct turn_client *c, const struct addr *peer)
{
	if (c->cfg.lync)
		return -EOPNOTSUPP;
	return c->state == CLIENT_OPEN ? bond_new(c, peer, false) : -EINVAL;
}

int turn_client_bind(struct turn_client *c, const struct addr *peer)
{
	return c->state == CLIENT_OPEN ? bond_new(c, peer, true) : -EINVAL;
}

void turn_client_forget(struct turn_client *c, const struct addr *peer)
{
	struct bond *channel = bond_to(c, peer, true), *permission = bond_to(c, peer, false);
	if (channel)
		(void)bond_feed(channel, BOND_FORGET, NULL);
	if (permission)
		(void)bond_feed(permission, BOND_FORGET, NULL);
}

int turn_client_send(struct turn_client *c, const struct addr *peer, struct str data)
{
	if (c->state != CLIENT_OPEN)
		return -ENOTCONN;
	if (data.len > TURN_CLIENT_DATA_MAX)
		return -EMSGSIZE;
	if (c->stream && stream_unsent(c->stream) > TURN_CLIENT_UNSENT_MAX)
		return -ENOBUFS;
	int r = c->dialect->send(c, peer, data);
	c->stats.sent += r == 0;
	return r;
}

const struct turn_client_stats *turn_client_stats(const struct turn_client *c)
{
	return &c->stats;
}

struct addr turn_client_local(const struct turn_client *c)
{
	static const struct addr none;
	return c->udp ? *udp_local(c->udp) : c->stream ? *stream_local(c->stream) : none;
}
