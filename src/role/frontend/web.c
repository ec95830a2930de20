#include <stdlib.h>

#include "role/frontend/fe.h"

/* Browsers, behind the web role (design section 3): a link on which many users' endpoints are, each
 * request with the log-in's ticket that `accounts` issued.  Who that is, accounts says; it is
 * remembered here until it may have changed.
 *
 * From then on it is a client's request like any other: its flow is the link, which an endpoint is
 * reached by at its Contact. */

enum {
	LOGINS_MAX = 20000, /* remembered; then all are forgotten */
	TICKET_MAX = 128,   /* characters */
	REMEMBER_S = 600,   /* then accounts is asked again, which so hears that it is used */
};

#define SCHEME "Dialtone"

struct web_login {
	struct map_node by_ticket;
	struct access_identity id;
	uint64_t number; /* of the log-in */
	usec_t until;    /* then they may sign off alone, before accounts is asked again */
	bool ended;      /* its endpoints may sign off, and no more */
	char uri[ACCESS_URI_MAX];
	size_t len;
	char ticket[];
};

bool fe_is_web(const struct sip_flow *f)
{
	return f->client && f->kind == SIP_LINK;
}

void fe_web_up(struct frontend *fe, uint32_t slot, int fd)
{
	fe->webs[slot] = sip_transport_trunk(fe->tp, (uint16_t)slot, fd);
}

void fe_web_down(struct frontend *fe, const struct sip_flow *f, const char *why)
{
	if (fe->webs[f->sock] != f)
		return; /* another one has taken its place */
	log_warning(NULL, "link-down", "peer=web/%u reason=%s", f->sock + 1, log_esc(str_of(why)));
	fe->webs[f->sock] = NULL;
	role_link_lost(fe->env, role_link_index(fe->env, STR("web"), f->sock, STR("")));
}

/* --- who has which ticket -------------------------------------------------------------------- */

static uint64_t hash_of(const struct frontend *fe, struct str ticket)
{
	return hash_bytes(&fe->key.mac, ticket.p, ticket.len);
}

static struct web_login *find(const struct frontend *fe, struct str ticket)
{
	for (struct map_node *n = map_first(&fe->web_logins, hash_of(fe, ticket)); n;
	     n = map_next(n)) {
		struct web_login *l = container_of(n, struct web_login, by_ticket);
		if (l->len == ticket.len && same_secret(l->ticket, ticket.p, ticket.len))
			return l;
	}
	return NULL;
}

static void forget(struct frontend *fe, struct web_login *l)
{
	map_del(&fe->web_logins, &l->by_ticket);
	wipe(l->ticket, l->len);
	free(l);
}

void fe_web_forget(struct frontend *fe, uint64_t account)
{
	size_t at = 0;
	struct map_node *after = NULL;
	for (struct map_node *n; (n = map_walk(&fe->web_logins, &at, &after)) != NULL;) {
		struct web_login *l = container_of(n, struct web_login, by_ticket);
		if (account == 0 || l->id.account == account)
			forget(fe, l);
	}
}

void fe_web_doubt(struct frontend *fe, uint64_t account)
{
	size_t at = 0;
	struct map_node *after = NULL;
	for (struct map_node *n; (n = map_walk(&fe->web_logins, &at, &after)) != NULL;) {
		struct web_login *l = container_of(n, struct web_login, by_ticket);
		if (l->id.account == account)
			l->until = 0;
	}
}

void fe_web_ended(struct frontend *fe, uint64_t account, uint64_t number)
{
	size_t at = 0;
	struct map_node *after = NULL;
	for (struct map_node *n; (n = map_walk(&fe->web_logins, &at, &after)) != NULL;) {
		struct web_login *l = container_of(n, struct web_login, by_ticket);
		if (l->id.account == account && (number == 0 || l->number == number))
			l->ended = true;
	}
}

void fe_web_free(struct frontend *fe)
{
	fe_web_forget(fe, 0);
	map_done(&fe->web_logins);
}

static void remember(struct frontend *fe, struct str ticket, const struct accounts_auth *r)
{
	if (fe->web_logins.n >= LOGINS_MAX)
		fe_web_forget(fe, 0);
	struct web_login *l = xmalloc(sizeof(*l) + ticket.len);
	*l = (struct web_login){ .id = { .account = r->account },
		                 .number = r->session,
		                 .until = loop_now(fe->loop) + REMEMBER_S * USEC_PER_SEC,
		                 .len = ticket.len };
	memcpy(l->ticket, ticket.p, ticket.len);
	l->id.uri = str_n(l->uri, MIN(r->uri.len, sizeof(l->uri)));
	memcpy(l->uri, r->uri.p, l->id.uri.len);
	map_add(&fe->web_logins, &l->by_ticket, hash_of(fe, ticket));
}

/* --- requests -------------------------------------------------------------------------------- */

static struct str ticket_of(const struct sip_msg *m)
{
	struct sip_auth a;
	struct str ticket;
	if (sip_auth_parse(&a, sip_value(m, SIP_H_AUTHORIZATION)) < 0 ||
	    !str_ieq(a.scheme, STR(SCHEME)) || !sip_auth_param(&a, STR("ticket"), &ticket) ||
	    ticket.len > TICKET_MAX)
		return STR("");
	return ticket;
}

/* No credential: an endpoint goes when the web role signs it off, for a log-in may outlive the
 * password that it was made with. */
static void on_ticket(void *arg, const struct accounts_auth *r)
{
	struct task *t = arg;
	t->lookup = NULL;
	if (r->verdict == ACCOUNTS_ACCEPT) {
		struct access_identity id = { .account = r->account, .uri = r->uri };
		remember(t->fe, ticket_of(t->msg), r);
		task_set_who(t, &id);
		fe_identified(t);
	} else if (r->verdict == ACCOUNTS_REFUSE) {
		task_refuse(t, REFUSE_TICKET, STR(""));
	} else {
		task_refuse(t, REFUSE_SIGN_IN_DOWN, STR("Retry-After: 5\r\n"));
	}
}

void fe_web_identify(struct task *t)
{
	struct str ticket = ticket_of(t->msg);
	struct web_login *l = ticket.len ? find(t->fe, ticket) : NULL;
	bool off = t->msg->method == SIP_REGISTER && fe_signs_off(t->msg);
	if (l && loop_now(t->fe->loop) > l->until && !l->ended && !off) {
		forget(t->fe, l);
		l = NULL;
	}
	if (ticket.len == 0 || !fe_has_right(t)) {
		task_refuse(t, ticket.len ? REFUSE_NO_RIGHT : REFUSE_TICKET, STR(""));
		return;
	}
	if (l && l->ended && !off) {
		task_refuse(t, REFUSE_TICKET, STR(""));
		return;
	}
	if (l) {
		task_set_who(t, &l->id);
		fe_identified(t);
		return;
	}
	struct accounts_leg leg = { .mech = ACCOUNTS_TICKET,
		                    .blob = bytes_of(ticket),
		                    .peer = &t->flow->peer };
	t = task_keep(t);
	t->lookup = accounts_auth(t->fe->accounts, &leg, on_ticket, t);
}

/* --- where the web is ------------------------------------------------------------------------- */

bool fe_put_web_origin(const struct frontend *fe, struct buf *b)
{
	struct addr at[TOPO_LISTENS_MAX];
	const struct topo *t = fe->env->topo;
	for (size_t i = 0; i < t->n_roles; i++) {
		const struct topo_role *r = &t->roles[i];
		if (!str_eq(r->role, STR("web")) ||
		    topo_reach(r, TOPO_HTTPS, at, ARRAY_SIZE(at)) == 0)
			continue;
		buf_lit(b, "https://");
		buf_str(b, r->fqdn);
		if (addr_port(&at[0]) != 443)
			buf_printf(b, ":%u", addr_port(&at[0]));
		return true;
	}
	return false;
}

void fe_put_photo_url(const struct frontend *fe, struct buf *b, struct str name)
{
	if (!fe_put_web_origin(fe, b))
		return;
	buf_lit(b, "/photos/");
	buf_str(b, name);
}
