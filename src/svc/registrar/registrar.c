#include "svc/registrar/registrar.h"

#include <errno.h>
#include <stdlib.h>

#include "loop/ticks.h"
#include "svc/registrar/contact.h"

/* clang-format off */
const struct setting registrar_settings[] = {
	SETTING_U32("max-endpoints", SET_UINT, struct registrar_config, max_endpoints,
		    .min = 1, .max = REGISTRAR_ENDPOINTS_MAX, .def = "8",
		    .help = "endpoints that one user can sign in at the same time"),
	SETTING_U32("min-expires", SET_SECONDS, struct registrar_config, min_expires_s,
		    .min = 60, .max = 86400, .def = "300 s",
		    .help = "shortest registration granted; less is raised to it"),
	SETTING_U32("max-expires", SET_SECONDS, struct registrar_config, max_expires_s,
		    .min = 60, .max = 86400, .def = "900 s",
		    .help = "longest registration granted"),
	SETTING_U32("default-expires", SET_SECONDS, struct registrar_config, default_expires_s,
		    .min = 60, .max = 86400, .def = "600 s",
		    .help = "registration granted when the client asks for nothing"),
	SETTING_END
};
/* clang-format on */

struct registrar {
	struct loop *loop;
	struct registrar_config cfg;
	const struct token_key *key;
	struct registrar_ops ops;
	void *arg;
	struct ticks *expiry;
	struct map users, flows;
	size_t n_bindings;
};

static void on_expiry(void *arg, struct tick *t);

struct registrar *registrar_new(struct loop *l, const struct registrar_config *cfg,
                                const struct token_key *k, const struct registrar_ops *ops,
                                void *arg)
{
	struct registrar *r = xnew(struct registrar);
	r->loop = l;
	r->cfg = *cfg;
	r->key = k;
	r->ops = *ops;
	r->arg = arg;
	r->expiry = ticks_new(l, on_expiry, r);
	map_init(&r->users);
	map_init(&r->flows);
	return r;
}

void registrar_configure(struct registrar *r, const struct registrar_config *cfg)
{
	r->cfg = *cfg;
}

static uint64_t user_hash(const struct registrar *r, uint64_t account)
{
	return hash_bytes(&r->users.key, &account, sizeof(account));
}

struct home_user *registrar_user(struct registrar *r, uint64_t account)
{
	uint64_t h = user_hash(r, account);
	for (struct map_node *n = map_first(&r->users, h); n; n = map_next(n)) {
		struct home_user *u = container_of(n, struct home_user, node);
		if (u->account == account)
			return u;
	}
	return NULL;
}

static struct home_user *user_get(struct registrar *r, uint64_t account, struct str aor)
{
	struct home_user *u = registrar_user(r, account);
	if (u)
		return u;
	aor = str_sub(aor, 0, UINT16_MAX);
	u = xcalloc(1, sizeof(*u) + aor.len);
	u->account = account;
	u->aor_len = (uint16_t)aor.len;
	if (aor.len)
		memcpy(u->aor, aor.p, aor.len);
	map_add(&r->users, &u->node, user_hash(r, account));
	return u;
}

static void user_drop_if_empty(struct registrar *r, struct home_user *u)
{
	if (u->n > 0)
		return;
	map_del(&r->users, &u->node);
	free(u);
}

static uint64_t flow_hash(const struct registrar *r, uint32_t slot, uint64_t flow)
{
	uint64_t part[2] = { slot, flow };
	return hash_bytes(&r->flows.key, part, sizeof(part));
}

static void index_flow(struct registrar *r, struct binding *b)
{
	if (b->reach == TOKEN_STREAM)
		map_add(&r->flows, &b->stream.by_flow, flow_hash(r, b->slot, b->stream.flow));
}

static void unindex_flow(struct registrar *r, struct binding *b)
{
	if (b->reach == TOKEN_STREAM)
		map_del(&r->flows, &b->stream.by_flow);
}

static void unlink_binding(struct home_user *u, struct binding *b)
{
	struct binding **at = &u->first;
	while (*at != b)
		at = &(*at)->next;
	*at = b->next;
	u->n--;
}

/* Out of the user's list and freed; the user may be gone afterwards. */
static void binding_drop(struct registrar *r, struct binding *b)
{
	struct home_user *u = b->user;
	tick_stop(&b->expiry);
	unindex_flow(r, b);
	unlink_binding(u, b);
	r->n_bindings--;
	free(b);
	user_drop_if_empty(r, u);
}

static void binding_remove(struct registrar *r, struct binding *b, const char *why)
{
	if (why)
		r->ops.event(r->arg, b, BINDING_GONE, why);
	binding_drop(r, b);
}

static void binding_lost(struct registrar *r, struct binding *b, const char *why)
{
	r->ops.event(r->arg, b, BINDING_LOST, why);
	binding_drop(r, b);
}

void registrar_free(struct registrar **rp)
{
	struct registrar *r = take(rp);
	if (!r)
		return;
	size_t slot = 0;
	struct map_node *after = NULL;
	for (struct home_user *u; (u = registrar_walk(r, &slot, &after)) != NULL;) {
		u->n++; /* kept until its bindings are gone */
		binding_for(b, u) binding_remove(r, b, NULL);
		u->n--;
		user_drop_if_empty(r, u);
	}
	map_done(&r->users);
	map_done(&r->flows);
	ticks_free(&r->expiry);
	free(r);
}

static void on_expiry(void *arg, struct tick *t)
{
	struct registrar *r = arg;
	struct binding *b = container_of(t, struct binding, expiry);
	r->ops.event(r->arg, b, BINDING_EXPIRED, "expired");
	binding_drop(r, b);
}

static void expire_in(struct registrar *r, struct binding *b, uint32_t s)
{
	tick_set(r->expiry, &b->expiry, loop_now(r->loop) + s * USEC_PER_SEC);
}

static struct binding *binding_add(struct registrar *r, struct home_user *u,
                                   const struct binding_data *d, uint32_t expires_s)
{
	struct binding *b = binding_new(d), **end = &u->first;
	while (*end)
		end = &(*end)->next;
	*end = b;
	b->user = u;
	u->n++;
	r->n_bindings++;
	expire_in(r, b, expires_s);
	index_flow(r, b);
	return b;
}

struct binding *registrar_restore(struct registrar *r, const struct binding_data *d,
                                  uint64_t account, struct str aor, uint32_t expires_s)
{
	return binding_add(r, user_get(r, account, aor), d, expires_s);
}

struct binding *registrar_endpoint(struct home_user *u, uint64_t endpoint)
{
	struct binding *found = NULL;
	binding_for(b, u) if (b->endpoint == endpoint) found = b;
	return found;
}

struct binding *registrar_contact(struct home_user *u, struct str uri)
{
	binding_for(b, u) if (str_eq(binding_text(b, BINDING_CONTACT), uri)) return b;
	return NULL;
}

struct home_user *registrar_walk(struct registrar *r, size_t *slot, struct map_node **after)
{
	struct map_node *n = map_walk(&r->users, slot, after);
	return n ? container_of(n, struct home_user, node) : NULL;
}

size_t registrar_count(const struct registrar *r)
{
	return r->n_bindings;
}

/* Removes the user's bindings that match; 0 matches all. */
static unsigned remove_matching(struct registrar *r, uint64_t account, uint64_t endpoint,
                                uint64_t credential, const char *why)
{
	struct home_user *u = registrar_user(r, account);
	unsigned n = 0;
	if (!u)
		return 0;
	u->n++; /* kept until the last one is gone */
	binding_for(b, u)
	{
		if ((endpoint == 0 || b->endpoint == endpoint) &&
		    (credential == 0 || b->credential == credential)) {
			binding_remove(r, b, why);
			n++;
		}
	}
	u->n--;
	user_drop_if_empty(r, u);
	return n;
}

unsigned registrar_kick(struct registrar *r, uint64_t account, uint64_t endpoint, const char *why)
{
	return remove_matching(r, account, endpoint, 0, why);
}

unsigned registrar_revoke(struct registrar *r, uint64_t account, uint64_t credential,
                          const char *why)
{
	return remove_matching(r, account, 0, credential, why);
}

static void slot_lost(struct registrar *r, uint32_t lost)
{
	size_t slot = 0;
	struct map_node *after = NULL;
	for (struct home_user *u; (u = registrar_walk(r, &slot, &after)) != NULL;) {
		u->n++;
		binding_for(b, u)
		{
			if (b->reach == TOKEN_STREAM && b->slot == lost)
				binding_lost(r, b, "the process that held its connection ended");
		}
		u->n--;
		user_drop_if_empty(r, u);
	}
}

void registrar_flow_lost(struct registrar *r, uint32_t slot, uint64_t flow)
{
	if (flow == 0) {
		slot_lost(r, slot);
		return;
	}
	uint64_t h = flow_hash(r, slot, flow);
	for (struct map_node *n = map_first(&r->flows, h), *next; n; n = next) {
		struct binding *b = container_of(n, struct binding, stream.by_flow);
		next = map_next(n);
		if (b->slot == slot && b->stream.flow == flow)
			binding_lost(r, b, "connection closed");
	}
}

/* REGISTER. */

/* The binding that a contact speaks of (RFC 5626 section 6: instance and reg-id), or NULL. */
static struct binding *find_same(struct home_user *u, const struct contact *c)
{
	binding_for(b, u) if (b->endpoint == c->endpoint && b->reg_id == c->reg_id) return b;
	return NULL;
}

/* RFC 3261 section 10.3 step 7: an old request that overtook a newer one changes nothing. */
static bool out_of_order(const struct binding *b, const struct sip_msg *m)
{
	return m->cseq <= b->cseq &&
	       str_eq(binding_text(b, BINDING_CALL_ID), str_sub(m->call_id, 0, REGISTRAR_TEXT_MAX));
}

static int check_order(struct home_user *u, const struct contacts *cs, const struct sip_msg *m)
{
	if (!u)
		return 0;
	binding_for(b, u) if (cs->star && out_of_order(b, m)) return -EALREADY;
	for (size_t i = 0; i < cs->n; i++) {
		const struct binding *b = find_same(u, &cs->c[i]);
		if (b && out_of_order(b, m))
			return -EALREADY;
	}
	return 0;
}

/* A refresh that changes nothing costs no memory and no row. */
static void refresh(struct registrar *r, struct binding *b, const struct binding_data *want,
                    uint32_t expires_s)
{
	struct token_hint before = binding_hint(b);
	bool moved = !token_hint_eq(&before, &want->hint);
	b->cseq = want->cseq;
	b->credential = want->credential;
	b->q = want->q;
	expire_in(r, b, expires_s);
	if (moved) {
		unindex_flow(r, b);
		binding_set_hint(b, &want->hint);
		index_flow(r, b);
		r->ops.event(r->arg, b, BINDING_MOVED, "refreshed from elsewhere");
	}
}

static void push_out_oldest(struct registrar *r, struct home_user *u, uint32_t max)
{
	while (u->n > MAX(max, 1U)) {
		struct binding *b = u->first;
		r->ops.event(r->arg, b, BINDING_PUSHED_OUT, "pushed out: too many endpoints");
		binding_drop(r, b);
	}
}

static void apply(struct registrar *r, const struct registrar_request *rq, struct home_user *u,
                  struct contact *c)
{
	struct binding *b = find_same(u, c);
	struct binding_data want;
	c->refreshed = b != NULL;
	if (c->expires_s == 0) {
		if (b)
			binding_remove(r, b, "signed off");
		return;
	}
	contact_binding(&want, c, rq);
	if (b && binding_has_texts(b, &want)) {
		refresh(r, b, &want, c->expires_s);
		return;
	}
	want.since = b ? b->since : loop_wall(r->loop);
	want.stored = b && b->stored;
	struct binding *added = binding_add(r, u, &want, c->expires_s);
	r->ops.event(r->arg, added, b ? BINDING_MOVED : BINDING_ADDED, "registered");
	if (b)
		binding_remove(r, b, NULL);
}

static size_t n_staying(const struct contacts *cs)
{
	size_t n = 0;
	for (size_t i = 0; i < cs->n; i++)
		n += cs->c[i].expires_s > 0;
	return n;
}

int registrar_register(struct registrar *r, const struct registrar_request *rq,
                       struct registrar_answer *ret)
{
	RAW_MEMORY struct contacts cs;
	int code = contacts_parse(&cs, rq->msg, &r->cfg, r->key, &ret->reason);
	if (code)
		return code;
	if (check_order(registrar_user(r, rq->account), &cs, rq->msg) < 0) {
		ret->reason = "CSeq Out of Order";
		return 400;
	}
	struct home_user *u = user_get(r, rq->account, rq->aor);
	u->n++;
	binding_for(b, u) if (cs.star) binding_remove(r, b, "signed off");
	for (size_t i = 0; i < cs.n; i++)
		apply(r, rq, u, &cs.c[i]);
	u->n--;
	push_out_oldest(r, u, rq->max_endpoints ? rq->max_endpoints : r->cfg.max_endpoints);
	contacts_put_lines(ret->lines, u, &cs, r->key, loop_now(r->loop));
	size_t n = n_staying(&cs);
	ret->signs_off = n == 0 && (cs.star || cs.n > 0);
	ret->bound = n > 0 && n == cs.n;
	user_drop_if_empty(r, u);
	return 200;
}

/* A moment ago, by this very request from the same place. */
static bool is_made_by(const struct registrar *r, const struct binding *b, const struct contact *c,
                       const struct registrar_request *rq)
{
	usec_t at = b->expiry.deadline - c->expires_s * USEC_PER_SEC, now = loop_now(r->loop);
	struct token_hint hint = binding_hint(b);
	return b->cseq == rq->msg->cseq && out_of_order(b, rq->msg) && c->expires_s > 0 &&
	       str_eq(binding_text(b, BINDING_CONTACT), c->addr.uri) &&
	       token_hint_eq(&hint, &rq->hint) && at <= now &&
	       now - at <= REGISTRAR_AGAIN_S * USEC_PER_SEC;
}

bool registrar_again(struct registrar *r, const struct registrar_request *rq, struct buf *lines)
{
	RAW_MEMORY struct contacts cs;
	const char *reason;
	struct home_user *u = registrar_user(r, rq->account);
	if (!u || contacts_parse(&cs, rq->msg, &r->cfg, r->key, &reason) || cs.n == 0 || cs.star)
		return false;
	for (size_t i = 0; i < cs.n; i++) {
		const struct binding *b = find_same(u, &cs.c[i]);
		if (!b || !is_made_by(r, b, &cs.c[i], rq))
			return false;
		cs.c[i].refreshed = true;
	}
	contacts_put_lines(lines, u, &cs, r->key, loop_now(r->loop));
	return true;
}
