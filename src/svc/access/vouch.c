#include <stdlib.h>

#include "svc/access/inside.h"

/* "This connection is alice": until it closes, signs off or her password changes. */
struct vouch {
	struct map_node node;
	struct list of_conn;
	struct sip_flow *flow; /* borrowed: the connection outlives it */
	uint64_t account, credential, endpoint;
	usec_t since; /* the endpoint signed in */
	uint8_t uri_len;
	char uri[];
};

static uint64_t vouch_hash(const struct access *a, const struct sip_flow *f, struct str uri)
{
	uint64_t part[2] = { f->id, hash_lower(&a->vouches.key, uri) };
	return hash_bytes(&a->vouches.key, part, sizeof(part));
}

static struct vouch *find(struct access *a, const struct sip_flow *f, struct str uri)
{
	uint64_t h = vouch_hash(a, f, uri);
	for (struct map_node *n = map_first(&a->vouches, h); n; n = map_next(n)) {
		struct vouch *v = container_of(n, struct vouch, node);
		if (v->flow == f && str_ieq(str_n(v->uri, v->uri_len), uri))
			return v;
	}
	return NULL;
}

static void drop(struct access *a, struct vouch *v)
{
	struct access_conn *c = v->flow->user;
	map_del(&a->vouches, &v->node);
	list_del(&v->of_conn);
	c->n_vouches--;
	a->stats.vouches--;
	free(v);
}

static void on_wrong(void *arg, const struct sip_flow *f, const struct sip_msg *m, const char *why)
{
	struct access *a = arg;
	a->stats.wrong_signatures++;
	if (a->wrong)
		a->wrong(a->wrong_arg, f, m, why);
}

bool access_opened(struct access *a, struct sip_flow *f)
{
	struct access_conn *c = xnew(struct access_conn);
	list_init(&c->vouches);
	sa_list_init(&c->sas, a->loop, on_wrong, a);
	c->opened = loop_now(a->loop);
	f->user = c;
	return true;
}

void access_closed(struct access *a, struct sip_flow *f)
{
	struct access_conn *c = f->user;
	if (!c)
		return;
	list_for(it, &c->vouches) drop(a, list_entry(it, struct vouch, of_conn));
	sa_list_done(&c->sas);
	f->sec = NULL;
	f->user = NULL;
	free(c);
}

bool access_is_known(const struct sip_flow *f)
{
	const struct access_conn *c = f->user;
	return c && c->n_vouches > 0;
}

bool access_vouched(struct access *a, const struct sip_flow *f, struct str uri,
                    struct access_identity *ret)
{
	struct vouch *v = f->user ? find(a, f, uri) : NULL;
	if (!v)
		return false;
	*ret = (struct access_identity){
		.account = v->account,
		.credential = v->credential,
		.endpoint = v->endpoint,
		.uri = str_n(v->uri, v->uri_len),
	};
	return true;
}

void access_vouch(struct access *a, struct sip_flow *f, const struct access_identity *id)
{
	struct access_conn *c = f->user;
	if (!c || f->closed || !id->account || id->uri.len == 0 || id->uri.len > ACCESS_URI_MAX)
		return;
	struct vouch *v = find(a, f, id->uri);
	if (!v) {
		if (c->n_vouches >= ACCESS_VOUCHES_MAX)
			return; /* further users of it are challenged each time */
		v = xcalloc(1, sizeof(*v) + id->uri.len);
		v->flow = f;
		v->uri_len = (uint8_t)id->uri.len;
		memcpy(v->uri, id->uri.p, id->uri.len);
		map_add(&a->vouches, &v->node, vouch_hash(a, f, id->uri));
		list_add(&c->vouches, &v->of_conn);
		c->n_vouches++;
		a->stats.vouches++;
	}
	if (v->since == 0 || v->endpoint != id->endpoint)
		v->since = loop_now(a->loop);
	v->account = id->account;
	v->credential = id->credential;
	v->endpoint = id->endpoint;
}

void access_unvouch(struct access *a, struct sip_flow *f, struct str uri)
{
	struct vouch *v = f->user ? find(a, f, uri) : NULL;
	if (v)
		drop(a, v);
}

/* Associations of users who signed off meanwhile would let them in again. */
static void revoke_associations(struct access *a, uint64_t account, uint64_t credential)
{
	for (struct sip_flow *f = sip_flow_next(a->tp, NULL); f; f = sip_flow_next(a->tp, f)) {
		struct access_conn *c = f->user;
		if (c)
			sa_revoke(&c->sas, account, credential);
	}
}

void access_revoke(struct access *a, uint64_t account, uint64_t credential, enum refusal why)
{
	size_t slot = 0;
	struct map_node *after = NULL;
	for (struct map_node *n; (n = map_walk(&a->vouches, &slot, &after)) != NULL;) {
		struct vouch *v = container_of(n, struct vouch, node);
		if ((account && v->account != account) ||
		    (credential && v->credential != credential))
			continue;
		struct sip_flow *f = v->flow;
		struct access_conn *c = f->user;
		drop(a, v);
		if (c->n_vouches == 0)
			access_deregister(a, f, why);
	}
	revoke_associations(a, account, credential);
}

/* Ends those that vouch for somebody since then; lync: whose messages are signed, too. */
static unsigned end_some(struct access *a, usec_t since, bool lync, access_is_fn *is, void *arg)
{
	size_t slot = 0;
	unsigned n = 0;
	struct map_node *after = NULL;
	for (struct map_node *it; (it = map_walk(&a->vouches, &slot, &after)) != NULL;) {
		struct vouch *v = container_of(it, struct vouch, node);
		bool chosen = v->since >= since || (lync && v->flow->sec);
		if (!chosen || v->flow->closed || !is(arg, v->account))
			continue;
		sip_flow_close(v->flow);
		n++;
	}
	return n;
}

unsigned access_end_since(struct access *a, usec_t since, access_is_fn *is, void *arg)
{
	return end_some(a, since, false, is, arg);
}

unsigned access_end_lync(struct access *a, access_is_fn *is, void *arg)
{
	return end_some(a, USEC_INFINITY, true, is, arg);
}
