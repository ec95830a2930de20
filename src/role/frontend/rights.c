#include "role/frontend/fe.h"
#include "svc/access/trust.h"

/* What comes in over a link is held against the rights of the role at its other end.  All links
 * that speak SIP are between processes of this role, so its own table says it. */

static struct str method_name(int m)
{
	struct str name = sip_method_name((enum sip_method)m);
	return name.len ? name : STR("other");
}

void fe_rights_init(struct frontend *fe)
{
	const struct role *role = fe->env->role;
	const struct role_right *r = role_right_to(role, str_of(role->name));
	const uint8_t *guarded = trust_strip_from(TRUST_CLIENT);
	size_t n = 0;
	fe->rights.who = r ? r->who : ROLE_AS_NOBODY;
	for (int m = 0; m < SIP_N_METHODS; m++)
		fe->rights.method[m] = role_may_ask(r, method_name(m));
	/* What clients may not set, servers may if they have the right. */
	for (int id = 1; id < SIP_H_N_IDS; id++)
		if (guarded[id] && !role_may_set(r, sip_hdr_id_name((enum sip_hdr_id)id)))
			fe->rights.refused[n++] = (uint8_t)id;
}

/* In whose name: the host of this field's address is a domain of ours, or there is no field. */
static bool is_ours(const struct task *t, enum sip_hdr_id id)
{
	struct sip_addr a;
	struct sip_uri u;
	struct str rest = sip_value(t->msg, id);
	if (rest.len == 0)
		return true;
	if (t->fe->rights.who != ROLE_AS_OUR_USERS || sip_addr_next(&rest, &a) <= 0 ||
	    sip_uri_parse(&u, a.uri) < 0)
		return false;
	return topo_is_our_domain(t->fe->env->topo, u.host);
}

static const char *wrong(const struct task *t)
{
	const struct fe_rights *r = &t->fe->rights;
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
	if (what)
		log_warning(NULL, "request-without-right", "slot=%u method=%s wrong=\"%s\"",
		            t->flow->sock + 1, log_esc(t->msg->method_name), what);
	return !what;
}
