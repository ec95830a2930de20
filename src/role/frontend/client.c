#include <errno.h>

#include "role/frontend/fe.h"
#include "svc/access/dialect.h"

/* Requests from clients: routes, authentication, and the table of what is served here. */

enum { ROUTES_MAX = 10 };

static int read_token(struct task *t, struct str user)
{
	struct token end;
	int r = token_get(&end, &t->fe->key, user);
	if (r == -EBADMSG)
		return 403;
	if (r < 0)
		return 0; /* our plain address: an outbound proxy setting */
	if (t->has_peer) {
		t->self_end = t->peer_end;
		t->has_self = true;
	}
	t->peer_end = end;
	t->has_peer = true;
	return 0;
}

/* Ours: a token that stands for an end behind the web role has the name of that link, wherever the
 * dialog's other end is.  Who may make tokens, their MAC says. */
static bool is_our_host(const struct task *t, const struct sip_uri *u)
{
	return t->from_link || target_is_self(&t->fe->self, u->host, u->host_is_v6) ||
	       str_ends(u->host, STR("." FE_LINK_DOMAIN));
}

int fe_read_routes(struct task *t)
{
	const struct sip_msg *m = t->msg;
	for (const struct sip_hdr *h = sip_first(m, SIP_H_ROUTE); h; h = sip_next(m, h)) {
		struct str rest = sip_hdr_value(m, h);
		struct sip_addr a;
		struct sip_uri u;
		int r;
		while ((r = sip_addr_next(&rest, &a)) > 0) {
			if (sip_uri_parse(&u, a.uri) < 0 || t->pop_routes == ROUTES_MAX)
				return 400;
			if (!is_our_host(t, &u))
				return 403;
			t->pop_routes++;
			t->secure |= u.scheme == SIP_SCHEME_SIPS;
			if ((r = read_token(t, u.user)) != 0)
				return r;
		}
		if (r < 0)
			return 400;
	}
	return 0;
}

static void no_such_method(struct task *t)
{
	task_refuse(t, REFUSE_METHOD, STR("Allow: " FE_METHODS "\r\n"));
}

/* What is done with a request outside a dialog, by method: the table of contents of this box.
 * Everything that is not here goes to the user it is for. */
/* clang-format off */
static void (*const served[SIP_N_METHODS])(struct task *t) = {
	[SIP_REGISTER]  = fe_register,
	[SIP_BENOTIFY]  = no_such_method,
};
/* clang-format on */

/* The sender may speak only for itself (RFC 3261 section 22, RFC 3325). */
static bool is_own(const struct task *t, const struct sip_uri *u)
{
	char text[ACCESS_URI_MAX + 8];
	struct buf b = BUF_ON(text);
	return t->who.uri.len > 0 && str_ieq(sip_bare_aor(u, &b), t->who.uri);
}

/* P-Preferred-Identity may name the user's number besides (RFC 3325 section 9.2); the number is
 * not passed on. */
static bool prefers_own(const struct task *t)
{
	struct str rest = sip_value(t->msg, SIP_H_P_PREFERRED_IDENTITY), one;
	struct sip_addr a;
	struct sip_uri u;
	while (sip_list_next(&rest, &one))
		if (!str_istarts(one, STR("<tel:")) && !str_istarts(one, STR("tel:")) &&
		    (sip_addr_parse(&a, one) < 0 || sip_uri_parse(&u, a.uri) < 0 || !is_own(t, &u)))
			return false;
	return true;
}

/* The endpoint that sends, when the connection does not tell: by its Contact. */
static void find_endpoint(struct task *t)
{
	const struct sip_addr *a = sip_contact(t->msg);
	if (t->who.endpoint == 0 && a && !a->star)
		t->who.endpoint = token_endpoint(&t->fe->key, a);
}

/* A conference of hers has her address with a parameter: what bears that comes from an MCU. */
static bool speaks_for_itself(const struct task *t)
{
	return is_own(t, sip_from_uri(t->msg)) && !fe_is_of_conference(t->msg) &&
	       (t->msg->method != SIP_REGISTER || is_own(t, sip_to_uri(t->msg))) && prefers_own(t);
}

void fe_identified(struct task *t)
{
	t->stranger = false;
	if (!speaks_for_itself(t)) {
		task_refuse(t, REFUSE_NOT_OWN_FROM, STR(""));
		return;
	}
	if (t->msg->method != SIP_REGISTER)
		find_endpoint(t);
	if (served[t->msg->method])
		served[t->msg->method](t);
	else if (fe_is_for_edge(t))
		fe_to_edge(t);
	else
		fe_originate(t);
}

/* Credentials that were used before let nobody do anything, but who sent them may hear again what
 * became of it. */
static bool answered_again(struct task *t, const struct access_result *r)
{
	if (!r->repeated)
		return false;
	task_set_who(t, &r->id);
	return speaks_for_itself(t) && fe_register_again(t);
}

static void on_identified(void *arg, const struct access_result *r)
{
	struct task *t = arg;
	if (r->verdict != ACCESS_OK) {
		if (answered_again(t, r))
			return;
		t->detail = r->detail;
		if (r->why)
			task_log_refusal(t, r->why);
		task_reply(t, r->code, r->reason, r->lines);
		return;
	}
	task_set_who(t, &r->id);
	fe_identified(t);
}

static void identify(struct task *t)
{
	struct access *a = t->fe->access;
	struct access_result res;
	struct access_identity id;
	char text[ACCESS_URI_MAX + 8];
	struct buf b = BUF_ON(text);
	if (fe_is_web(t->flow)) {
		fe_web_identify(t);
		return;
	}
	if (t->msg->method != SIP_REGISTER && t->flow->kind != SIP_UDP &&
	    access_vouched(a, t->flow, sip_bare_aor(sip_from_uri(t->msg), &b), &id)) {
		task_set_who(t, &id);
		fe_identified(t);
		return;
	}
	t->stranger = true;
	struct access_wait *wait;
	if (access_identify(a, t->flow, t->msg, &res, on_identified, &wait) != ACCESS_WAIT) {
		on_identified(t, &res);
		return;
	}
	t = task_keep(t);
	t->wait = wait;
	access_wait_for(wait, t);
}

/* A request to the server itself; harmless, and answered to anybody. */
static bool is_own_options(struct task *t)
{
	if (t->msg->method != SIP_OPTIONS)
		return false;
	target_read(&t->target, &t->fe->self, &t->fe->key, t->msg->uri);
	return t->target.kind == TARGET_SELF;
}

static void answer_options(struct task *t)
{
	task_reply(t, 200, STR(""),
	           STR("Allow: " FE_METHODS "\r\nAllow-Events: " FE_EVENTS "\r\n"
	               "Accept: application/sdp, text/plain, application/pidf+xml, "
	               "application/resource-lists+xml\r\n"
	               "Supported: path, outbound, gruu, eventlist, "
	               "recipient-list-subscribe\r\n"));
}

/* Extensions that a proxy (Proxy-Require) or the registrar (Require) would have to know. */
static bool is_known_extension(enum sip_hdr_id id, struct str tag)
{
	if (id == SIP_H_PROXY_REQUIRE)
		return str_ieq(tag, STR("ms-benotify")); /* [MS-SIP] section 2.2 */
	return str_ieq(tag, STR("path")) || str_ieq(tag, STR("outbound")) ||
	       str_ieq(tag, STR("gruu"));
}

static bool unknown_extension(struct task *t, enum sip_hdr_id id, struct buf *lines)
{
	const struct sip_msg *m = t->msg;
	size_t before = lines->len;
	for (const struct sip_hdr *h = sip_first(m, id); h; h = sip_next(m, h)) {
		struct str rest = sip_hdr_value(m, h), tag;
		while (sip_list_next(&rest, &tag))
			if (!is_known_extension(id, tag))
				sip_put_hdr(lines, STR("Unsupported"), tag);
	}
	return lines->len > before;
}

static bool refused_extension(struct task *t)
{
	char text[512];
	struct buf lines = BUF_ON(text);
	bool bad = unknown_extension(t, SIP_H_PROXY_REQUIRE, &lines);
	if (t->msg->method == SIP_REGISTER)
		bad |= unknown_extension(t, SIP_H_REQUIRE, &lines);
	if (bad)
		task_refuse(t, REFUSE_EXTENSION, lines.full ? STR("") : buf_view(&lines));
	return bad;
}

enum refusal fe_path_refusal(int code)
{
	switch (code) {
	case 403:
		return REFUSE_FOREIGN_ROUTE;
	case 482:
		return REFUSE_LOOP;
	case 483:
		return REFUSE_TOO_MANY_HOPS;
	default:
		return REFUSE_BAD_ROUTE;
	}
}

bool fe_is_sips(struct str uri)
{
	return str_istarts(uri, STR("sips:"));
}

bool fe_has_to_tag(const struct sip_msg *m)
{
	const struct sip_addr *to = sip_to(m);
	return to && sip_param(to->params, STR("tag"), NULL);
}

/* Packages of the server's own: the processes tell one another by them (lost.c, news.c), and
 * believe what comes by a link.  A client notifies nobody of them, by whatever way. */
static bool speaks_as_server(const struct sip_msg *m)
{
	return (m->method == SIP_NOTIFY || m->method == SIP_BENOTIFY) &&
	       str_istarts(sip_value(m, SIP_H_EVENT), STR("dialtone-"));
}

/* Inside a dialog with a conference: where it goes, its Request-URI says (svc/conference), and who
 * sends is asked as for any other request.  The 2xx that an ACK is for went over a stream. */
static void to_conference(struct task *t)
{
	t->has_self = t->has_peer = false;
	if (t->msg->method == SIP_ACK)
		sip_ignore(t->rq);
	else
		identify(t);
}

/* A subscription is refreshed by its user as it was made. */
static void to_dialog(struct task *t, const struct token *end)
{
	if (t->msg->method != SIP_SUBSCRIBE) {
		fe_own_dialog(t, end);
		return;
	}
	t->has_peer = t->has_self = false; /* the route that it came by: it ends at the home */
	identify(t);
}

void fe_from_client(struct frontend *fe, struct sip_req *rq)
{
	struct task t = { .fe = fe, .rq = rq, .msg = rq->msg, .flow = rq->flow, .stranger = true };
	t.secure = fe_is_sips(rq->msg->uri);
	int code = sip_proxy_check(rq, &t.max_forwards);
	if (code == 0 || code == 483) {
		int bad = fe_read_routes(&t);
		code = bad ? bad : code;
	}
	if (code == 483 && is_own_options(&t))
		code = 0;
	struct token own;
	if (code)
		task_refuse(&t, fe_path_refusal(code), STR(""));
	else if (!fe_is_safe(&t, t.flow))
		task_refuse(&t, REFUSE_INSECURE, STR(""));
	else if (t.msg->method == SIP_REGISTER && fe_has_to_tag(t.msg))
		task_refuse(&t, REFUSE_NO_DIALOG, STR("")); /* there is no such dialog */
	else if (speaks_as_server(t.msg))
		task_refuse(&t, REFUSE_EVENT, STR("Allow-Events: " FE_EVENTS "\r\n"));
	else if (fe_has_to_tag(t.msg) && fe_names_dialog(&t, &own))
		to_dialog(&t, &own);
	else if (fe_has_to_tag(t.msg) && fe_is_conference(&t))
		to_conference(&t);
	else if (t.has_peer && fe_has_to_tag(t.msg))
		fe_in_dialog(&t);
	else if (t.msg->method == SIP_ACK)
		sip_ignore(rq);
	else if (fe_has_to_tag(t.msg))
		task_refuse(&t, REFUSE_NO_DIALOG, STR(""));
	else if (is_own_options(&t))
		answer_options(&t);
	else if (!refused_extension(&t) && !fe_refused_by_load(&t))
		identify(&t);
}
