#include "base/code.h"
#include "role/web/visit.h"
#include "svc/oidc/flow.h"

/* Sign-in by the company's OpenID provider (docs/protocols/oidc.md): the browser goes there, and
 * comes back with a code.  accounts alone speaks with the provider and believes it; here what the
 * browser brings is passed on, and cookies are set. */

#define COOKIE "__Host-dialtone-oidc"
/* Lax: it comes back from another site. */
#define COOKIE_FLAGS "; Path=/; Secure; HttpOnly; SameSite=Lax"
#define CALLBACK "/api/v1/oidc/callback"

enum { AGENT_MAX = 200, PLACE_MAX = 64 };

/* --- answers --------------------------------------------------------------------------------- */

static void put_cookie(struct buf *head, struct str value)
{
	char text[FLOW_COOKIE_MAX + 128];
	struct buf b = BUF_ON(text);
	buf_lit(&b, COOKIE "=");
	buf_str(&b, value);
	buf_printf(&b, "; Max-Age=%d" COOKIE_FLAGS, value.len > 0 ? FLOW_LIFE_S : 0);
	http_put_field(head, STR("Set-Cookie"), buf_view(&b));
}

/* The address had the code in it. */
static void put_quiet(struct buf *head)
{
	http_put_field(head, STR("Cache-Control"), STR("no-store"));
	http_put_field(head, STR("Referrer-Policy"), STR("no-referrer"));
	http_put_field(head, STR("Content-Security-Policy"),
	               STR("default-src 'none'; base-uri 'none'; frame-ancestors 'none'"));
}

/* On to our own page by a page that goes there by itself: the cookie of the log-in is for requests
 * of our own site alone, and where a redirect leads from another site's page is none. */
static void go(struct visit *v, struct str place, struct str ticket)
{
	static const struct str page =
	        STR_INIT("<!doctype html><html lang=\"en\"><title>Dialtone</title>"
	                 "<p><a href=\"/\">Dialtone</a></p></html>");
	char text[PLACE_MAX + 16];
	struct buf b = BUF_ON(text);
	struct http_exchange *x = take(&v->x);
	struct buf *head = http_begin(x, 200);
	buf_lit(&b, "0; url=/");
	buf_str(&b, place);
	http_put_field(head, STR("Refresh"), buf_view(&b));
	http_put_field(head, STR("Content-Type"), STR("text/html; charset=utf-8"));
	put_quiet(head);
	put_cookie(head, STR(""));
	if (ticket.len > 0)
		visit_put_cookie(head, ticket);
	http_finish(x, page);
	visit_free(v);
}

/* The browser client says it in words. */
static void go_back(struct visit *v, struct str word)
{
	char text[PLACE_MAX];
	struct buf b = BUF_ON(text);
	buf_lit(&b, "#/signin/oidc_");
	buf_str(&b, word);
	v->web->stats.refused++;
	go(v, b.full ? STR("#/signin/oidc_failed") : buf_view(&b), STR(""));
}

static void go_on(struct visit *v, const struct accounts_auth *r)
{
	struct str cookie, url;
	(void)str_cut(str_from_bytes(r->blob), ' ', &cookie, &url);
	struct http_exchange *x = take(&v->x);
	struct buf *head = http_begin(x, 302);
	http_put_field(head, STR("Location"), url);
	put_quiet(head);
	put_cookie(head, cookie);
	http_finish(x, STR(""));
	visit_free(v);
}

static void on_auth(void *arg, const struct accounts_auth *r)
{
	struct visit *v = arg;
	v->asking = NULL;
	switch (r->verdict) {
	case ACCOUNTS_CONTINUE:
		go_on(v, r);
		break;
	case ACCOUNTS_ACCEPT:
		go(v, r->blob.len > 0 ? STR("") : STR("#/settings/security"),
		   str_from_bytes(r->blob));
		break;
	case ACCOUNTS_REFUSE:
		go_back(v, str_from_bytes(r->blob));
		break;
	case ACCOUNTS_SLOW:
		go_back(v, STR("slow"));
		break;
	case ACCOUNTS_FAILED:
		go_back(v, STR("failed"));
		break;
	}
}

/* --- requests -------------------------------------------------------------------------------- */

void web_sign_in_ways(struct web *w, struct http_exchange *x)
{
	struct visit *v = visit_new(w, x);
	auto_(buf_free) struct buf b = buf_of(WEB_USER_MAX);
	if (w->oidc_name.len > 0) {
		buf_lit(&b, "\"oidc\":{\"name\":");
		json_put_str(&b, w->oidc_name);
		buf_char(&b, '}');
	}
	visit_answer(v, buf_view(&b), NULL);
}

/* With `?prove` the log-in that there is shall be proved. */
void web_oidc_begin(struct web *w, struct http_exchange *x)
{
	struct visit *v = visit_new(w, x);
	char space[FLOW_REDIRECT_MAX + 1];
	struct buf redirect = BUF_ON(space);
	bool proves = str_eq(http_request(x)->query, STR("prove"));
	web_put_origin(&redirect, http_request(x));
	buf_lit(&redirect, CALLBACK);
	if (redirect.full || (proves && !visit_ticket(v))) {
		go_back(v, proves ? STR("unproved") : STR("failed"));
		return;
	}
	struct accounts_leg leg = { .mech = ACCOUNTS_OIDC,
		                    .user = proves ? str_of(v->who.ticket) : STR(""),
		                    .blob = bytes_of(buf_view(&redirect)),
		                    .peer = &v->client };
	v->asking = accounts_auth(w->accounts, &leg, on_auth, v);
}

void web_oidc_callback(struct web *w, struct http_exchange *x)
{
	struct visit *v = visit_new(w, x);
	const struct http_msg *m = http_request(x);
	struct str cookie = visit_cookie(m, STR(COOKIE));
	auto_(buf_free) struct buf blob = buf_of(ACCT_BLOB_MAX);
	if (cookie.len > FLOW_COOKIE_MAX || m->query.len > OIDC_QUERY_MAX) {
		go_back(v, STR("failed"));
		return;
	}
	buf_str(&blob, cookie);
	buf_char(&blob, ' ');
	buf_str(&blob, m->query);
	struct accounts_leg leg = { .mech = ACCOUNTS_OIDC_BACK,
		                    .blob = bytes_of(buf_view(&blob)),
		                    .agent =
		                            str_sub(http_value(m, HTTP_H_USER_AGENT), 0, AGENT_MAX),
		                    .peer = &v->client };
	w->stats.logins++;
	v->asking = accounts_auth(w->accounts, &leg, on_auth, v);
	wipe(blob.p, blob.len);
}
