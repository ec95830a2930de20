#include "role/frontend/fe.h"
#include "svc/access/trust.h"

/* What comes in over a link is held against the rights of the role at its other end: this role's
 * own table, or, from a media bridge, an IM MCU or the web role, the one that came with its links.
 */

static struct str method_name(int m)
{
	struct str name = sip_method_name((enum sip_method)m);
	return name.len ? name : STR("other");
}

static void read_right(struct fe_rights *ret, const struct role_right *r)
{
	const uint8_t *guarded = trust_strip_from(TRUST_CLIENT);
	size_t n = 0;
	ret->who = r ? r->who : ROLE_AS_NOBODY;
	for (int m = 0; m < SIP_N_METHODS; m++)
		ret->method[m] = role_may_ask(r, method_name(m));
	/* What clients may not set, servers may if they have the right. */
	for (int id = 1; id < SIP_H_N_IDS; id++)
		if (guarded[id] && !role_may_set(r, sip_hdr_id_name((enum sip_hdr_id)id)))
			ret->refused[n++] = (uint8_t)id;
}

const struct role_right *fe_right_of(const struct frontend *fe, struct str role)
{
	const struct role_env *env = fe->env;
	for (size_t i = 0; i < env->n_links; i++)
		if (str_eq(env->links[i].role, role))
			return env->links[i].right;
	for (size_t i = 0; i < env->n_peers; i++)
		if (str_eq(env->peers[i].at->role, role))
			return env->peers[i].right;
	return NULL;
}

void fe_rights_init(struct frontend *fe)
{
	const struct role *role = fe->env->role;
	read_right(&fe->rights, role_right_to(role, str_of(role->name)));
	read_right(&fe->bridge_rights, fe_right_of(fe, STR("media-bridge")));
	read_right(&fe->mcu_rights, fe_right_of(fe, STR("mcu-im")));
	read_right(&fe->edge_rights, fe_right_of(fe, STR("edge-av")));
	read_right(&fe->web_rights, fe_right_of(fe, STR("web")));
}

static const struct fe_rights *rights_of(const struct task *t)
{
	if (fe_is_mcu(t->flow))
		return &t->fe->mcu_rights;
	if (fe_is_web(t->flow))
		return &t->fe->web_rights;
	if (fe_is_edge(t->flow))
		return &t->fe->edge_rights;
	return fe_is_bridge(t->flow) ? &t->fe->bridge_rights : &t->fe->rights;
}

/* In whose name: the host of this field's address is a domain of ours, or there is no field. */
static bool is_ours(const struct task *t, enum sip_hdr_id id)
{
	struct sip_addr a;
	struct sip_uri u;
	struct str rest = sip_value(t->msg, id);
	if (rest.len == 0)
		return true;
	enum role_identity who = rights_of(t)->who;
	if (who == ROLE_AS_NOBODY || sip_addr_next(&rest, &a) <= 0 || sip_uri_parse(&u, a.uri) < 0)
		return false;
	if (who == ROLE_AS_CONFERENCES && !conf_uri_is_for_phones(a.uri))
		return false;
	return topo_is_our_domain(t->fe->env->topo, u.host);
}

static const char *wrong(const struct task *t)
{
	const struct fe_rights *r = rights_of(t);
	const struct sip_msg *m = t->msg;
	if (!r->method[m->method])
		return "method";
	for (size_t i = 0; r->refused[i]; i++)
		if (sip_first(m, (enum sip_hdr_id)r->refused[i]))
			return "header field";
	if (!is_ours(t, SIP_H_P_ASSERTED_IDENTITY) ||
	    (m->method == SIP_REGISTER && !is_ours(t, SIP_H_FROM)))
		return "identity";
	return NULL;
}

bool fe_has_right(const struct task *t)
{
	const char *what = wrong(t);
	char text[128];
	struct buf peer = BUF_ON(text);
	if (!what)
		return true;
	fe_put_link_name(t->fe, &peer, t->flow);
	log_warning(NULL, "request-without-right", "peer=%s method=%s wrong=%s",
	            log_esc(buf_view(&peer)), log_esc(t->msg->method_name), log_text(str_of(what)));
	return false;
}
