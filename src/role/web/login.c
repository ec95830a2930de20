#include <stdlib.h>

#include "base/code.h"
#include "role/web/wb.h"
#include "wire/ctl/ctl.h"

/* Log-ins: the password is shown to accounts, which issues a ticket; the browser keeps it in a
 * cookie that no script can read.  What changes something must come from our own page. */

#define API "/api/v1/"
#define COOKIE "__Host-dialtone"
#define COOKIE_FLAGS "; Path=/; Secure; HttpOnly; SameSite=Strict"

enum { COOKIE_LIFE_S = 400 * 86400, AGENT_MAX = 200, USER_MAX = 8 * 1024 };

/* A request that waits for accounts. */
struct visit {
	struct web *web;
	struct http_exchange *x; /* NULL: its peer has gone */
	struct accounts_req *asking;
	void (*then)(struct visit *v);
	struct web_login who;
	struct buf user; /* "user":{...}, of who it is */
};

static void visit_free(struct visit *v)
{
	accounts_req_free(&v->asking);
	buf_free(&v->user);
	wipe(v->who.ticket, sizeof(v->who.ticket));
	free(v);
}

static void on_gone(void *user)
{
	struct visit *v = user;
	v->x = NULL;
	visit_free(v);
}

static struct visit *visit_new(struct web *w, struct http_exchange *x)
{
	struct visit *v = xnew(struct visit);
	v->web = w;
	v->x = x;
	v->user = buf_of(USER_MAX);
	http_set_user(x, v, on_gone);
	return v;
}

/* --- answers --------------------------------------------------------------------------------- */

static void put_no_store(struct buf *head)
{
	http_put_field(head, STR("Content-Type"), STR("application/json"));
	http_put_field(head, STR("Cache-Control"), STR("no-store"));
}

static void put_error(struct buf *b, const char *code, const char *text, const char *remedy)
{
	buf_printf(b, "{\"error\":{\"code\":\"%s\",\"text\":", code);
	json_put_str(b, str_of(text));
	json_put_member(b, "remedy", str_of(remedy));
}

static void http_error(struct http_exchange *x, unsigned status, const char *code, const char *text,
                       const char *remedy)
{
	auto_(buf_free) struct buf b = buf_of(4096);
	put_error(&b, code, text, remedy);
	buf_lit(&b, "}}");
	put_no_store(http_begin(x, status));
	http_finish(x, buf_view(&b));
}

static void refuse(struct visit *v, unsigned status, const char *code, const char *text,
                   const char *remedy)
{
	http_error(take(&v->x), status, code, text, remedy);
	visit_free(v);
}

static void signed_out(struct visit *v)
{
	refuse(v, 401, "signed_out", "You are not signed in.", "Sign in.");
}

static void no_server(struct visit *v)
{
	refuse(v, 503, "no_server", "The server cannot look accounts up at the moment.",
	       "Try again in a moment.");
}

static void slow_down(struct visit *v, uint32_t retry_s)
{
	auto_(buf_free) struct buf b = buf_of(1024);
	struct http_exchange *x = take(&v->x);
	put_error(&b, "too_many_attempts", "There were too many wrong attempts.",
	          "Wait, then try again.");
	buf_printf(&b, ",\"retry_s\":%u}}", retry_s);
	struct buf *head = http_begin(x, 429);
	put_no_store(head);
	http_put_number(head, STR("Retry-After"), retry_s);
	http_finish(x, buf_view(&b));
	visit_free(v);
}

static void put_cookie(struct buf *head, struct str ticket, uint32_t life_s)
{
	char text[WEB_TICKET_MAX + 128];
	struct buf b = BUF_ON(text);
	buf_lit(&b, COOKIE "=");
	buf_str(&b, ticket);
	buf_printf(&b, "; Max-Age=%u" COOKIE_FLAGS, life_s);
	http_put_field(head, STR("Set-Cookie"), buf_view(&b));
	wipe(text, sizeof(text));
}

static void say_who(struct visit *v, bool cookie)
{
	auto_(buf_free) struct buf b = buf_of(USER_MAX + 2);
	struct http_exchange *x = take(&v->x);
	buf_char(&b, '{');
	buf_str(&b, buf_view(&v->user));
	buf_char(&b, '}');
	struct buf *head = http_begin(x, 200);
	put_no_store(head);
	if (cookie)
		put_cookie(head, str_of(v->who.ticket), COOKIE_LIFE_S);
	http_finish(x, buf_view(&b));
	visit_free(v);
}

static void say_signed_in(struct visit *v)
{
	say_who(v, true);
}

static void say_session(struct visit *v)
{
	say_who(v, false);
}

static void open_socket(struct visit *v)
{
	struct http_exchange *x = take(&v->x);
	http_set_user(x, NULL, NULL);
	browser_new(v->web, x, &v->who, &v->user);
	visit_free(v);
}

/* --- who it is ------------------------------------------------------------------------------- */

static void on_account(void *arg, int err UNUSED, const struct account *acc)
{
	struct visit *v = arg;
	v->asking = NULL;
	buf_lit(&v->user, "\"user\":{\"uri\":");
	json_put_str(&v->user, str_of(v->who.uri));
	json_put_member(&v->user, "name", acc ? acc->display_name : STR(""));
	json_put_member(&v->user, "phone", acc ? acc->phone : STR(""));
	buf_char(&v->user, '}');
	v->then(v);
}

static bool take_who(struct visit *v, const struct accounts_auth *r)
{
	if (r->uri.len == 0 || r->uri.len > WEB_URI_MAX)
		return false;
	v->who.account = r->account;
	v->who.credential = r->credential;
	v->who.number = r->session;
	memcpy(v->who.uri, r->uri.p, r->uri.len);
	v->who.uri[r->uri.len] = '\0';
	return true;
}

/* Found: its name, then on. */
static void greet(struct visit *v)
{
	v->asking = accounts_lookup(v->web->accounts, str_of(v->who.uri), on_account, v);
}

static void on_auth(void *arg, const struct accounts_auth *r)
{
	struct visit *v = arg;
	bool by_password = r->blob.len > 0;
	v->asking = NULL;
	switch (r->verdict) {
	case ACCOUNTS_ACCEPT:
		if (by_password && r->blob.len <= WEB_TICKET_MAX)
			memcpy(v->who.ticket, r->blob.p, r->blob.len);
		if (take_who(v, r) && v->who.ticket[0])
			greet(v);
		else
			no_server(v);
		break;
	case ACCOUNTS_SLOW:
		slow_down(v, r->retry_s);
		break;
	case ACCOUNTS_REFUSE:
		v->web->stats.refused++;
		if (v->then != say_signed_in)
			signed_out(v);
		else
			refuse(v, 401, "wrong_login", "The name or the password is wrong.",
			       "Check both; after several wrong attempts you have to wait.");
		break;
	case ACCOUNTS_CONTINUE:
	case ACCOUNTS_FAILED:
		no_server(v);
		break;
	}
}

/* --- the cookie ------------------------------------------------------------------------------ */

static bool is_ticket_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       strchr("-_.~+/=", c) != NULL;
}

static struct str cookie_of(const struct http_msg *m)
{
	for (const struct http_hdr *h = http_first(m, HTTP_H_COOKIE); h; h = http_next(m, h)) {
		struct str one, rest = http_hdr_value(m, h), name, value;
		while (rest.len > 0) {
			(void)str_cut(rest, ';', &one, &rest);
			if (str_cut(str_trim(one), '=', &name, &value) &&
			    str_eq(name, STR(COOKIE)) && value.len <= WEB_TICKET_MAX)
				return value;
		}
	}
	return STR("");
}

/* Copies it; false: there is none that could be a ticket. */
static bool read_ticket(struct visit *v)
{
	struct str t = cookie_of(http_request(v->x));
	for (size_t i = 0; i < t.len; i++)
		if (t.p[i] == '\0' || !is_ticket_char(t.p[i]))
			return false;
	memcpy(v->who.ticket, t.p, t.len);
	v->who.ticket[t.len] = '\0';
	return t.len > 0;
}

static void by_ticket(struct web *w, struct http_exchange *x, void (*then)(struct visit *v))
{
	struct visit *v = visit_new(w, x);
	v->then = then;
	if (!read_ticket(v)) {
		signed_out(v);
		return;
	}
	struct accounts_leg leg = { .mech = ACCOUNTS_TICKET,
		                    .blob = bytes_of(str_of(v->who.ticket)),
		                    .peer = http_peer(x) };
	v->asking = accounts_auth(w->accounts, &leg, on_auth, v);
}

/* --- log in and out -------------------------------------------------------------------------- */

static void ask_password(struct visit *v, const cJSON *body)
{
	struct str user = web_text(body, "user"), password = web_text(body, "password");
	struct str agent = http_value(http_request(v->x), HTTP_H_USER_AGENT);
	if (user.len == 0 || user.len > ACCT_TEXT_MAX || password.len == 0 ||
	    password.len > ACCT_TEXT_MAX) {
		refuse(v, 400, "bad_request", "user and password must be there.", "");
		return;
	}
	struct accounts_leg leg = { .mech = ACCOUNTS_LOGIN,
		                    .user = user,
		                    .blob = bytes_of(password),
		                    .agent = str_sub(agent, 0, AGENT_MAX),
		                    .peer = http_peer(v->x) };
	v->web->stats.logins++;
	v->asking = accounts_auth(v->web->accounts, &leg, on_auth, v);
}

static void wipe_json(cJSON *v)
{
	cJSON *p = cJSON_GetObjectItemCaseSensitive(v, "password");
	if (cJSON_IsString(p))
		wipe(p->valuestring, strlen(p->valuestring));
	cJSON_Delete(v);
}

static void on_login_body(void *user, struct http_exchange *x UNUSED, struct str body)
{
	struct visit *v = user;
	const char *why;
	cJSON *json = ctl_parse_json(body, &why);
	if (cJSON_IsObject(json))
		ask_password(v, json);
	else
		refuse(v, 400, "bad_request", "The body is one JSON object.", "");
	wipe_json(json);
}

static void login(struct web *w, struct http_exchange *x)
{
	struct visit *v = visit_new(w, x);
	v->then = say_signed_in;
	http_read_all(x, WEB_BODY_MAX, on_login_body);
}

static void on_ended(void *arg, const struct accounts_auth *r)
{
	struct visit *v = arg;
	v->asking = NULL;
	if (r->verdict != ACCOUNTS_ACCEPT) {
		no_server(v);
		return;
	}
	struct http_exchange *x = take(&v->x);
	struct buf *head = http_begin(x, 200);
	put_no_store(head);
	put_cookie(head, STR(""), 0);
	http_finish(x, STR("{}"));
	visit_free(v);
}

static void logout(struct web *w, struct http_exchange *x)
{
	struct visit *v = visit_new(w, x);
	if (!read_ticket(v)) {
		signed_out(v);
		return;
	}
	struct accounts_leg leg = { .mech = ACCOUNTS_TICKET_END,
		                    .blob = bytes_of(str_of(v->who.ticket)),
		                    .peer = http_peer(x) };
	v->asking = accounts_auth(w->accounts, &leg, on_ended, v);
}

static void session(struct web *w, struct http_exchange *x)
{
	by_ticket(w, x, say_session);
}

static void websocket(struct web *w, struct http_exchange *x)
{
	by_ticket(w, x, open_socket);
}

/* --- the table ------------------------------------------------------------------------------- */

/* clang-format off */
static const struct page {
	enum http_method method;
	const char *path;
	bool own; /* from our own page alone */
	bool json;
	void (*fn)(struct web *w, struct http_exchange *x);
} pages[] = {
	{ HTTP_POST, API "login",   true,  true,  login },
	{ HTTP_POST, API "logout",  true,  true,  logout },
	{ HTTP_GET,  API "session", false, false, session },
	{ HTTP_GET,  API "ws",      true,  false, websocket },
};
/* clang-format on */

/* "https://HOST:PORT" of the host that the request was sent to: the page that it comes from is
 * ours.
 */
static bool is_same_origin(const struct http_msg *m)
{
	char text[HTTP_HOST_MAX + 32];
	struct buf own = BUF_ON(text);
	buf_lit(&own, "https://");
	buf_str(&own, m->host);
	if (m->port.len > 0 && !str_eq(m->port, STR("443"))) {
		buf_char(&own, ':');
		buf_str(&own, m->port);
	}
	return !own.full && str_ieq(http_value(m, HTTP_H_ORIGIN), buf_view(&own));
}

static bool is_json(const struct http_msg *m)
{
	struct str type, rest;
	(void)str_cut(http_value(m, HTTP_H_CONTENT_TYPE), ';', &type, &rest);
	return str_ieq(str_trim(type), STR("application/json"));
}

static void serve(struct web *w, struct http_exchange *x, const struct page *p)
{
	const struct http_msg *m = http_request(x);
	if (p->own && !is_same_origin(m))
		http_error(x, 403, "foreign_origin", "This request comes from another site.", "");
	else if (p->json && !is_json(m))
		http_error(x, 415, "bad_request", "The body is application/json.", "");
	else
		p->fn(w, x);
}

void web_http_request(void *arg, struct http_exchange *x)
{
	struct web *w = arg;
	const struct http_msg *m = http_request(x);
	bool known = false;
	if (web_is_discovery(m)) {
		web_discover(w, x);
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(pages); i++) {
		if (!str_eq(m->path, str_of(pages[i].path)))
			continue;
		known = true;
		if (m->method == pages[i].method) {
			serve(w, x, &pages[i]);
			return;
		}
	}
	if (known)
		http_error(x, 405, "bad_request", "Another method is needed here.", "");
	else if (str_starts(m->path, STR("/api/")))
		http_error(x, 404, "unknown_op", "There is no such thing here.", "");
	else
		web_files(w, x);
}
