#include "base/code.h"
#include "role/web/wb.h"
#include "wire/http/target.h"
#include "wire/webticket/webticket.h"
#include "wire/xml/xml.h"

/* Autodiscover ([MS-OCDISCWS] section 3.1): where a client signs in, by a name below the domain of
 * its user.  The first answer says it at once, for what it says the DNS says too; and it says the
 * same of everybody, so nobody learns who exists. */

#define PAGE "/Autodiscover/AutodiscoverService.svc/root" /* in any case of its letters */
#define USER_PAGE PAGE "/user"
#define KIND "application/vnd.microsoft.rtc.autodiscover"
#define OPAQUE "opaque="
#define XML_HEAD                                                                   \
	"<?xml version=\"1.0\" encoding=\"utf-8\"?>\r\n<AutodiscoverResponse "     \
	"xmlns=\"http://schemas.microsoft.com/rtc/2010/09/AutodiscoverResponse\" " \
	"AccessLocation=\"%s\">"

enum { ANSWER_MAX = 8 * 1024, LINK_MAX = 8 * HTTP_URL_MAX };

static const char *const faces[] = { "SipServerInternalAccess", "SipServerExternalAccess",
	                             "SipClientInternalAccess", "SipClientExternalAccess" };

/* Which of the two names it was asked by. */
static bool is_below(struct str host, struct str label)
{
	return str_istarts(host, label);
}

static bool is_inside(const struct http_msg *m)
{
	return is_below(m->host, STR("lyncdiscoverinternal."));
}

bool web_is_discovery(const struct http_msg *m)
{
	bool named = is_inside(m) || is_below(m->host, STR("lyncdiscover."));
	return str_ieq(m->path, STR(PAGE)) || str_ieq(m->path, STR(USER_PAGE)) ||
	       (named && str_eq(m->path, STR("/")));
}

static bool is_own_name(const struct web *w, struct str host, struct str label)
{
	return str_istarts(host, label) &&
	       topo_is_our_domain(w->env->topo, str_sub(host, label.len, host.len));
}

bool web_is_discovery_host(const struct web *w, struct str host)
{
	return is_own_name(w, host, STR("lyncdiscover.")) ||
	       is_own_name(w, host, STR("lyncdiscoverinternal."));
}

/* The domain of the user whom it is asked for; the main one if it names nobody.  Empty: another's.
 */
static struct str domain_of(const struct web *w, const struct http_msg *m, struct buf *space)
{
	struct str rest = m->query, name, value, user, domain;
	while (rest.p && http_query_next(&rest, &name, &value)) {
		if (!str_ieq(name, STR("sipuri")))
			continue;
		if (http_query_decode(space, value) < 0 || space->full ||
		    !str_cut(buf_view(space), '@', &user, &domain))
			return STR("");
		return topo_is_our_domain(w->env->topo, domain) ? domain : STR("");
	}
	return w->env->topo->domains[0];
}

/* A front end that Lync clients reach, and its port; NULL: there is none. */
static const struct topo_role *find_frontend(const struct topo *t, uint16_t *ret_port)
{
	struct addr at[TOPO_LISTENS_MAX];
	for (size_t i = 0; i < t->n_roles; i++) {
		const struct topo_role *r = &t->roles[i];
		if (!str_eq(r->role, STR("frontend")) ||
		    topo_reach(r, TOPO_TLS, at, ARRAY_SIZE(at)) == 0)
			continue;
		*ret_port = addr_port(&at[0]);
		return r;
	}
	return NULL;
}

/* What its certificate names, and clients of that domain believe: as the DNS has it. */
static void put_name(struct buf *b, struct str fqdn, struct str domain)
{
	bool below = fqdn.len > domain.len + 1 && str_ends(fqdn, domain) &&
	             fqdn.p[fqdn.len - domain.len - 1] == '.';
	if (!below)
		buf_lit(b, "sip.");
	buf_str(b, below ? fqdn : domain);
}

static void put_xml(struct buf *b, struct str name, uint16_t port, bool inside)
{
	buf_printf(b, XML_HEAD "<User>", inside ? "Internal" : "External");
	for (size_t i = 0; i < ARRAY_SIZE(faces); i++) {
		buf_printf(b, "<%s", faces[i]);
		xml_put_attr(b, "fqdn", name);
		buf_printf(b, " port=\"%u\"/>", port);
	}
	buf_lit(b, "</User></AutodiscoverResponse>");
}

static void put_json(struct buf *b, struct str name, uint16_t port, bool inside)
{
	buf_printf(b, "{\"AccessLocation\":\"%s\",\"User\":{", inside ? "Internal" : "External");
	for (size_t i = 0; i < ARRAY_SIZE(faces); i++) {
		buf_printf(b, "%s\"%s\":{\"fqdn\":", i ? "," : "", faces[i]);
		json_put_str(b, name);
		buf_printf(b, ",\"port\":\"%u\"}", port);
	}
	buf_lit(b, "}}");
}

/* Microsoft's form of an answer that has nothing but one link. */
static void put_link(struct buf *b, struct str href, bool json, bool inside)
{
	const char *where = inside ? "Internal" : "External";
	if (json) {
		buf_printf(b, "{\"AccessLocation\":\"%s\",\"Root\":{\"Links\":[{\"href\":", where);
		json_put_str(b, href);
		buf_lit(b, ",\"token\":\"Redirect\"}]}}");
		return;
	}
	buf_printf(b, XML_HEAD "<Root><Link token=\"Redirect\"", where);
	xml_put_attr(b, "href", href);
	buf_lit(b, "/></Root></AutodiscoverResponse>");
}

static bool wants_json(const struct http_msg *m)
{
	struct str accept = http_value(m, HTTP_H_ACCEPT);
	return str_find(accept, STR("json")) >= 0 && str_find(accept, STR("xml")) < 0;
}

static void answer(struct http_exchange *x, struct str body, bool json)
{
	struct buf *head = http_begin(x, 200);
	http_put_field(head, STR("Content-Type"),
	               json ? STR(KIND "+json; v=1") : STR(KIND "+xml; v=1"));
	http_put_field(head, STR("Cache-Control"), STR("no-store"));
	http_put_field(head, STR("X-Content-Type-Options"), STR("nosniff"));
	http_finish(x, body);
}

bool web_is_discovery_address(struct str address)
{
	struct str path = STR(USER_PAGE);
	for (size_t i = 0; i + path.len <= address.len; i++)
		if (str_ieq(str_sub(address, i, path.len), path))
			return true;
	return false;
}

/* Section 3.1.5.3: the user's own page is for who shows a ticket, and says where to get one.  It
 * has what the first page has. */
static bool has_ticket(const struct web *w, const struct http_msg *m)
{
	auto_(arena_free) struct arena *a = arena_new();
	auto_(buf_free) struct buf assertion = buf_of(WEB_BODY_MAX);
	char uri[WEB_URI_MAX + 1];
	uint64_t account;
	struct str value = http_value_named(m, STR("X-MS-WebTicket"));
	if (!str_istarts(value, STR(OPAQUE)) ||
	    base64_get(str_sub(value, strlen(OPAQUE), value.len), &assertion) < 0)
		return false;
	return wb_ticket_check(w, webticket_of_text(a, buf_view(&assertion)), WEB_SERVICE_DISCOVERY,
	                       &account, uri);
}

static void ask_ticket(const struct web *w, struct http_exchange *x)
{
	auto_(buf_free) struct buf at = buf_of(LINK_MAX);
	wb_service_origin(w, x, &at);
	buf_lit(&at, WEB_TICKETS);
	struct buf *head = http_begin(x, 401);
	http_put_field(head, STR("X-MS-WebTicketURL"), buf_view(&at));
	http_put_field(head, STR("Cache-Control"), STR("no-store"));
	http_finish(x, STR(""));
}

void web_discover(struct web *w, struct http_exchange *x)
{
	const struct http_msg *m = http_request(x);
	char space[2 * WEB_URI_MAX], text[WEB_URI_MAX + 8];
	struct buf sb = BUF_ON(space), nb = BUF_ON(text);
	auto_(buf_free) struct buf b = buf_of(ANSWER_MAX);
	struct str domain = domain_of(w, m, &sb);
	uint16_t port = 0;
	const struct topo_role *r = domain.len ? find_frontend(w->env->topo, &port) : NULL;
	bool json = wants_json(m);
	if (m->method != HTTP_GET && m->method != HTTP_HEAD) {
		http_refuse(x, 405, "Another method is needed here.");
		return;
	}
	if (!r) {
		http_refuse(x, 404, "Users of this domain do not sign in here.");
		return;
	}
	if (str_ieq(m->path, STR(USER_PAGE)) && !has_ticket(w, m)) {
		ask_ticket(w, x);
		return;
	}
	put_name(&nb, r->fqdn, domain);
	(json ? put_json : put_xml)(&b, buf_view(&nb), port, is_inside(m));
	answer(x, buf_view(&b), json);
}

/* By HTTP without TLS nobody is told more than where HTTPS is ([MS-OCDISCWS] section 3.1.5.2): who
 * believes more there can be told anything. */
void web_discover_elsewhere(struct http_exchange *x, struct str origin)
{
	const struct http_msg *m = http_request(x);
	auto_(buf_free) struct buf b = buf_of(LINK_MAX), href = buf_of(LINK_MAX);
	bool json = wants_json(m);
	buf_str(&href, origin);
	buf_lit(&href, PAGE);
	if (m->query.len > 0) {
		buf_char(&href, '?');
		buf_str(&href, m->query);
	}
	put_link(&b, buf_view(&href), json, is_inside(m));
	answer(x, buf_view(&b), json);
}
