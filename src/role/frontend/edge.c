#include <stdlib.h>

#include "role/frontend/far.h"
#include "svc/access/trust.h"
#include "wire/mrasp/mrasp.h"
#include "wire/xml/xml.h"

/* The A/V edges, which give signed-in users and this host's media bridges credentials for the relay
 * ([MS-AVEDGEA]): those of this host by local links, or those of others.  Any of them serves
 * anybody, for what one issued the others accept. */

struct fe_edges {
	struct sip_flow *links[FE_SLOTS_MAX]; /* NULL: down */
	uint32_t n;
	/* of other hosts */
	struct peer_tls tls;
	struct fe_far fars[FE_SLOTS_MAX];
	uint32_t n_fars;
};

bool fe_is_edge(const struct sip_flow *f)
{
	return f->server && f->sock >= FE_EDGE_SOCK;
}

static struct fe_edges *edges_get(struct frontend *fe)
{
	if (!fe->edges)
		fe->edges = xnew(struct fe_edges);
	return fe->edges;
}

void fe_edge_up(struct frontend *fe, uint32_t slot, int fd)
{
	struct fe_edges *e = edges_get(fe);
	e->links[slot] = sip_transport_link(fe->tp, (uint16_t)(FE_EDGE_SOCK + slot), fd);
	e->n = MAX(e->n, slot + 1);
}

struct sip_flow **fe_edge_links(const struct frontend *fe)
{
	return fe->edges->links;
}

void fe_edge_put_name(const struct frontend *fe, struct buf *b, uint32_t slot)
{
	const struct fe_edges *e = fe->edges;
	if (slot < e->n_fars)
		peer_put_name(b, fe->env->peers[e->fars[slot].peer].at, 0);
	else
		buf_printf(b, "edge-av/%u", slot + 1);
}

/* --- of other hosts ------------------------------------------------------------------------- */

static void add_far(struct frontend *fe, size_t peer)
{
	struct fe_edges *e = fe->edges;
	uint32_t slot = e->n_fars++;
	e->fars[slot] = (struct fe_far){ .fe = fe,
		                         .peer = peer,
		                         .sock = (uint16_t)(FE_EDGE_SOCK + slot),
		                         .good = &e->links[slot] };
	e->n = e->n_fars;
	fe_far_open(&e->fars[slot], e->tls.client);
}

int fe_edges_start(struct frontend *fe, struct buf *why)
{
	const struct role_env *env = fe->env;
	if (peer_count(env, STR("edge-av")) == 0)
		return 0;
	int r = peer_tls_new(&edges_get(fe)->tls, env, why);
	if (r < 0)
		return r;
	for (size_t i = 0; i < env->n_peers && fe->edges->n_fars < FE_SLOTS_MAX; i++)
		if (str_eq(env->peers[i].at->role, STR("edge-av")))
			add_far(fe, i);
	return 0;
}

int fe_edges_reload(struct frontend *fe, struct buf *why)
{
	struct fe_edges *e = fe->edges;
	struct peer_tls tls;
	if (!e || e->n_fars == 0)
		return 0;
	int r = peer_tls_new(&tls, fe->env, why);
	if (r < 0)
		return r;
	for (uint32_t i = 0; i < e->n_fars; i++)
		line_set_tls(e->fars[i].line, tls.client);
	peer_tls_done(&e->tls);
	e->tls = tls;
	return 0;
}

/* The stack has been freed before. */
void fe_edges_free(struct frontend *fe)
{
	struct fe_edges *e = take(&fe->edges);
	if (!e)
		return;
	for (uint32_t i = 0; i < e->n_fars; i++)
		fe_far_close(&e->fars[i]);
	peer_tls_done(&e->tls);
	free(e);
}

bool fe_edge_far_lost(struct frontend *fe, const struct sip_flow *f, const char *why)
{
	uint32_t slot = f->sock - FE_EDGE_SOCK;
	if (!fe->edges || slot >= fe->edges->n_fars)
		return false;
	fe_far_lost(&fe->edges->fars[slot], f, why);
	return true;
}

bool fe_edge_is_far(const struct frontend *fe, struct str name)
{
	for (uint32_t i = 0; fe->edges && i < fe->edges->n_fars; i++) {
		char text[PEER_NAME_MAX];
		struct buf b = BUF_ON(text);
		fe_edge_put_name(fe, &b, i);
		if (str_eq(buf_view(&b), name))
			return true;
	}
	return false;
}

uint64_t fe_edges_connections(const struct frontend *fe)
{
	uint64_t n = 0;
	for (uint32_t i = 0; fe->edges && i < fe->edges->n_fars; i++)
		n += fe_far_is_open(&fe->edges->fars[i]);
	return n;
}

void fe_edges_metrics(const struct frontend *fe, struct buf *b)
{
	const struct fe_edges *e = fe->edges;
	if (e && e->n_fars > 0 && !fe->hosts)
		line_put_metric_head(b);
	for (uint32_t i = 0; e && i < e->n_fars; i++)
		line_put_metric(b, e->fars[i].line);
}

void fe_edges_status(const struct frontend *fe, struct buf *b)
{
	for (uint32_t i = 0; fe->edges && i < fe->edges->n_fars; i++) {
		line_put_status(b, fe->edges->fars[i].line);
		buf_char(b, ',');
	}
}

/* --- requests of clients -------------------------------------------------------------------- */

void fe_put_mras_uri(const struct frontend *fe, struct buf *b)
{
	if (!fe->edges)
		return;
	buf_lit(b, "<mrasUri>sip:");
	xml_put_text(b, fe->env->self->fqdn);
	buf_char(b, '@');
	xml_put_text(b, fe->env->topo->domains[0]);
	buf_lit(b, ";gruu;opaque=" MRASP_OPAQUE "</mrasUri>");
}

bool fe_is_for_edge(const struct task *t)
{
	struct sip_uri u;
	struct str opaque;
	return t->fe->edges && t->msg->method == SIP_SERVICE &&
	       sip_uri_parse(&u, t->msg->uri) == 0 &&
	       topo_is_our_domain(t->fe->env->topo, u.host) &&
	       sip_param(u.params, STR("opaque"), &opaque) &&
	       str_istarts(opaque, STR(MRASP_OPAQUE));
}

/* The same edge for a user each time, as long as it is there. */
static struct sip_flow *edge_for(const struct task *t)
{
	const struct fe_edges *e = t->fe->edges;
	uint64_t h = hash_lower(&t->fe->key.mask, t->who.uri);
	for (uint32_t i = 0; i < e->n; i++) {
		struct sip_flow *f = e->links[(h + i) % e->n];
		if (f && !f->closed)
			return f;
	}
	return NULL;
}

void fe_to_edge(struct task *t)
{
	char lines[ACCESS_URI_MAX + 64];
	struct buf lb = BUF_ON(lines);
	struct sip_branch_spec b = { .flow = edge_for(t), .lost_code = 500 };
	if (!b.flow) {
		task_retry(t, fe_to_edge);
		return;
	}
	fe_edit(t, &b.edit, false);
	b.edit.strip = trust_strip_from(TRUST_CLIENT);
	buf_lit(&lb, "P-Asserted-Identity: <sip:");
	buf_str(&lb, t->who.uri);
	buf_lit(&lb, ">\r\n");
	b.edit.add = buf_view(&lb);
	fe_send(t, &b);
}

/* Which of them it is, the link says. */
void fe_bridge_to_edge(struct task *t)
{
	const struct topo_role *at = topo_role_here(t->fe->env->topo, STR("media-bridge"));
	char text[ROLE_ADDRESS_MAX];
	struct buf b = BUF_ON(text);
	if (at)
		role_put_address(&b, at, t->flow->sock - FE_BRIDGE_SOCK);
	if (b.len == 0 || b.full || t->pop_routes || t->has_peer || !fe_is_for_edge(t)) {
		task_refuse(t, REFUSE_NO_RIGHT, STR(""));
		return;
	}
	task_set_who(t, &(struct access_identity){ .uri = buf_view(&b) });
	fe_to_edge(t);
}
