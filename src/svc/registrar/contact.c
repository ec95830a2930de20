#include "svc/registrar/contact.h"

#include <errno.h>

#include "svc/access/dialect.h"
#include "svc/access/gruu.h"
#include "svc/registrar/lync.h"

enum { FLOW_TIMER_S = 120 };

/* The parameters of a Contact that mean something here: of each the first. */
enum parameter { PARAM_Q, PARAM_EXPIRES, PARAM_REG_ID, PARAM_INSTANCE, N_PARAMS };
struct parameters {
	bool given[N_PARAMS];
	struct str value[N_PARAMS];
};

static void read_parameters(struct parameters *ret, struct str params)
{
	static const struct str names[N_PARAMS] = {
		[PARAM_Q] = STR_INIT("q"),
		[PARAM_EXPIRES] = STR_INIT("expires"),
		[PARAM_REG_ID] = STR_INIT("reg-id"),
		[PARAM_INSTANCE] = STR_INIT("+sip.instance"),
	};
	struct str name, value;
	*ret = (struct parameters){ .given = { false } };
	for (int i = 0; i < SIP_PARAMS_MAX && sip_param_next(&params, &name, &value); i++)
		for (int k = 0; k < N_PARAMS; k++)
			if (!ret->given[k] && str_ieq(name, names[k])) {
				ret->given[k] = true;
				ret->value[k] = value;
			}
}

/* q=0.725 as thousandths; 1000 if absent or broken. */
static uint16_t parse_q(struct str v)
{
	struct str whole, part;
	uint32_t w = 1, f = 0;
	if (v.len == 0)
		return 1000;
	(void)str_cut(v, '.', &whole, &part);
	part = str_sub(part, 0, 3);
	if (str_to_u32(whole, 1, &w) < 0 || (part.len && str_to_u32(part, 999, &f) < 0))
		return 1000;
	for (size_t i = part.len; i < 3; i++)
		f *= 10;
	return (uint16_t)MIN(w * 1000 + f, 1000U);
}

/* What is asked for, brought within the bounds; 0 stays 0. */
static uint32_t grant(const struct registrar_config *cfg, struct str asked, uint32_t otherwise)
{
	uint32_t s;
	if (asked.len == 0 || str_to_u32(asked, UINT32_MAX, &s) < 0)
		s = otherwise;
	return s == 0 ? 0 : CLAMP(s, cfg->min_expires_s, cfg->max_expires_s);
}

static int parse_one(struct contact *c, const struct sip_addr *a, const struct parameters *p,
                     const struct token_key *k, const char **ret_reason)
{
	struct sip_uri u;
	*c = (struct contact){ .addr = *a, .q = parse_q(p->value[PARAM_Q]) };
	*ret_reason = "Bad Contact";
	if (a->uri.len > REGISTRAR_CONTACT_MAX || sip_uri_parse(&u, a->uri) < 0)
		return 400;
	if (u.scheme != SIP_SCHEME_SIP && u.scheme != SIP_SCHEME_SIPS) {
		*ret_reason = "Contact Is No SIP Address";
		return 400;
	}
	c->instance = str_sub(p->value[PARAM_INSTANCE], 0, REGISTRAR_TEXT_MAX);
	if (c->instance.len && p->given[PARAM_REG_ID] &&
	    str_to_u32(p->value[PARAM_REG_ID], INT32_MAX, &c->reg_id) < 0)
		return 400;
	c->endpoint = token_endpoint_of(k, a, p->value[PARAM_INSTANCE]);
	return 0;
}

/* "*" stands alone, and only to sign off (RFC 3261 section 10.3 step 6). */
static int check_star(const struct contacts *cs, size_t n_values, uint32_t expires,
                      const char **ret_reason)
{
	if (!cs->star || (n_values == 1 && expires == 0))
		return 0;
	*ret_reason = "Contact * Needs Expires 0";
	return 400;
}

static int parse_values(struct contacts *ret, const struct sip_msg *m,
                        const struct registrar_config *cfg, const struct token_key *k,
                        const char **ret_reason)
{
	struct str header = sip_value(m, SIP_H_EXPIRES);
	struct parameters p;
	uint32_t all = grant(cfg, header, cfg->default_expires_s);
	struct sip_contacts it = { 0 };
	struct sip_addr a;
	size_t n_values = 0;
	int r, code;
	for (; (r = sip_contact_next(m, &it, &a)) > 0; n_values++) {
		if (a.star) {
			ret->star = true;
			continue;
		}
		if (ret->n == REGISTRAR_CONTACTS_MAX) {
			*ret_reason = "Too Many Contacts";
			return 400;
		}
		struct contact *c = &ret->c[ret->n++];
		read_parameters(&p, a.params);
		if ((code = parse_one(c, &a, &p, k, ret_reason)) != 0)
			return code;
		c->lync = ret->lync;
		c->gruu = ret->gruu && c->instance.len > 0;
		c->expires_s = grant(cfg, p.value[PARAM_EXPIRES], all);
	}
	if (r < 0) {
		*ret_reason = "Bad Contact";
		return 400;
	}
	return check_star(ret, n_values, all, ret_reason);
}

int contacts_parse(struct contacts *ret, const struct sip_msg *m,
                   const struct registrar_config *cfg, const struct token_key *k,
                   const char **ret_reason)
{
	ret->n = 0;
	ret->star = false;
	ret->outbound = sip_has_token(m, SIP_H_SUPPORTED, STR("outbound"));
	ret->gruu = sip_has_token(m, SIP_H_SUPPORTED, STR("gruu"));
	ret->lync = dialect_of(m) == DIALECT_LYNC;
	return parse_values(ret, m, cfg, k, ret_reason);
}

void contact_binding(struct binding_data *ret, const struct contact *c,
                     const struct registrar_request *rq)
{
	*ret = (struct binding_data){
		.lync = c->lync,
		.gruu = c->gruu,
		.endpoint = c->endpoint,
		.hint = rq->hint,
		.credential = rq->credential,
		.cseq = rq->msg->cseq,
		.reg_id = c->reg_id,
		.q = c->q,
		.text = {
			[BINDING_CONTACT] = c->addr.uri,
			[BINDING_INSTANCE] = c->instance,
			[BINDING_CALL_ID] = str_sub(rq->msg->call_id, 0, REGISTRAR_TEXT_MAX),
			[BINDING_USER_AGENT] = str_sub(sip_value(rq->msg, SIP_H_USER_AGENT), 0,
			                               REGISTRAR_TEXT_MAX),
			[BINDING_PATH] = rq->path,
		},
	};
}

static void put_gruus(struct buf *b, const struct binding *bd, const struct home_user *u,
                      const struct token_key *k)
{
	struct str user, host;
	struct str bare = binding_text(bd, BINDING_INSTANCE);
	(void)str_cut(home_user_aor(u), '@', &user, &host);
	if (bare.len > 2 && bare.p[0] == '<')
		bare = str_sub(bare, 1, bare.len - 2);
	buf_lit(b, ";pub-gruu=\"sip:");
	buf_str(b, home_user_aor(u));
	buf_lit(b, ";gr=");
	sip_escape_user(b, bare);
	buf_lit(b, "\";temp-gruu=\"sip:");
	token_put_gruu(b, k, u->account, bd->endpoint);
	buf_char(b, '@');
	buf_str(b, host);
	buf_lit(b, ";gr\"");
}

static void put_lync_gruu(struct buf *b, const struct binding *bd, const struct home_user *u)
{
	size_t before = b->len;
	buf_lit(b, ";gruu=\"");
	if (gruu_put(b, home_user_aor(u), binding_text(bd, BINDING_INSTANCE)) < 0)
		b->len = before;
	else
		buf_char(b, '"');
}

static void put_contact(struct buf *b, const struct binding *bd, const struct home_user *u,
                        const struct contacts *cs, const struct token_key *k, usec_t now)
{
	struct str instance = binding_text(bd, BINDING_INSTANCE);
	buf_lit(b, "Contact: <");
	buf_str(b, binding_text(bd, BINDING_CONTACT));
	buf_lit(b, ">;expires=");
	buf_dec(b, binding_left_s(bd, now));
	if (bd->q != 1000)
		buf_printf(b, ";q=0.%03u", bd->q);
	if (instance.len) {
		buf_lit(b, ";+sip.instance=\"");
		buf_str(b, instance);
		buf_char(b, '"');
		if (bd->reg_id) {
			buf_lit(b, ";reg-id=");
			buf_dec(b, bd->reg_id);
		}
		if (cs->gruu)
			put_gruus(b, bd, u, k);
		if (cs->lync)
			put_lync_gruu(b, bd, u);
	}
	buf_lit(b, "\r\n");
}

static bool asks_outbound(const struct contacts *cs)
{
	for (size_t i = 0; cs->outbound && i < cs->n; i++)
		if (cs->c[i].reg_id)
			return true;
	return false;
}

void contacts_put_lines(struct buf *b, struct home_user *u, const struct contacts *cs,
                        const struct token_key *k, usec_t now)
{
	binding_for(bd, u) put_contact(b, bd, u, cs, k, now);
	if (cs->lync && cs->n > 0)
		registrar_put_lync(b, cs->c[0].expires_s, cs->c[0].refreshed);
	if (asks_outbound(cs)) {
		buf_lit(b, "Require: outbound\r\nFlow-Timer: ");
		buf_dec(b, FLOW_TIMER_S);
		buf_lit(b, "\r\n");
	}
}
