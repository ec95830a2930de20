#include "base/code.h"
#include "role/web/visit.h"
#include "wire/http/forwarded.h"

/* Log-ins: the password is shown to accounts, which issues a ticket; the browser keeps it in a
 * cookie that no script can read.  What changes something must come from our own page. */

#define API "/api/v1/"

enum { AGENT_MAX = 200 };

/* --- answers --------------------------------------------------------------------------------- */

static void say_who(struct visit *v, bool cookie)
{
	if (v->limited)
		buf_lit(&v->user, ",\"needs\":\"second_factor\"");
	visit_answer(v, buf_view(&v->user), cookie ? v->who.ticket : NULL);
}

static void say_signed_in(struct visit *v)
{
	say_who(v, true);
}

static void say_session(struct visit *v)
{
	say_who(v, false);
}

static void say_proved(struct visit *v)
{
	visit_answer(v, STR(""), NULL);
}

/* Is the password typed again? */
static bool proves(const struct visit *v)
{
	return v->then == say_proved || v->then == web_own_password;
}

static void open_socket(struct visit *v)
{
	if (v->limited) {
		visit_refuse(v, 403, "second_factor_needed",
		             "This account must have a second factor.", "Set it up first.");
		return;
	}
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
	if (acc && acc->photo.len > 0)
		json_put_member(&v->user, "photo", acc->photo);
	if (acc && acc->admin)
		buf_lit(&v->user, ",\"admin\":true");
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

static void welcome(struct visit *v, const struct accounts_auth *r)
{
	if (r->blob.len > 0 && r->blob.len <= WEB_TICKET_MAX)
		memcpy(v->who.ticket, r->blob.p, r->blob.len);
	v->limited = r->verdict == ACCOUNTS_CONTINUE;
	if (!take_who(v, r) || !v->who.ticket[0])
		visit_no_server(v);
	else if (proves(v))
		v->then(v);
	else if (v->bare && v->limited)
		visit_refuse(v, 403, "second_factor_needed",
		             "This account must have a second factor.", "Set it up first.");
	else if (v->bare)
		v->then(v);
	else
		greet(v);
}

/* The same whether the password is wrong or the code. */
static void turn_away(struct visit *v)
{
	v->web->stats.refused++;
	if (v->then != say_signed_in && !proves(v))
		visit_signed_out(v);
	else
		visit_refuse(v, 401, "wrong_login", "The name, the password or the code is wrong.",
		             "Check them; after several wrong attempts you have to wait.");
}

static void on_auth(void *arg, const struct accounts_auth *r)
{
	struct visit *v = arg;
	v->asking = NULL;
	switch (r->verdict) {
	case ACCOUNTS_ACCEPT:
		welcome(v, r);
		break;
	case ACCOUNTS_SLOW:
		visit_slow(v, "too_many_attempts", "There were too many wrong attempts.",
		           r->retry_s);
		break;
	case ACCOUNTS_REFUSE:
		turn_away(v);
		break;
	case ACCOUNTS_CONTINUE:
		if (r->session != 0)
			welcome(v, r);
		else
			visit_refuse(v, 401, "code_needed",
			             "A code of the second factor is needed.",
			             "Send it with name and password.");
		break;
	case ACCOUNTS_FAILED:
		visit_no_server(v);
		break;
	}
}

static void ask_ticket(struct visit *v)
{
	struct web *w = v->web;
	if (!visit_ticket(v)) {
		visit_signed_out(v);
		return;
	}
	struct accounts_leg leg = { .mech = ACCOUNTS_TICKET,
		                    .blob = bytes_of(str_of(v->who.ticket)),
		                    .peer = &v->client };
	v->asking = accounts_auth(w->accounts, &leg, on_auth, v);
}

static void by_ticket(struct web *w, struct http_exchange *x, void (*then)(struct visit *v))
{
	struct visit *v = visit_new(w, x);
	v->then = then;
	ask_ticket(v);
}

void visit_signed_in(struct web *w, struct http_exchange *x, void (*then)(struct visit *v))
{
	struct visit *v = visit_new(w, x);
	v->then = then;
	v->bare = true;
	ask_ticket(v);
}

/* --- log in and out -------------------------------------------------------------------------- */

static void ask_password(struct visit *v, const cJSON *body)
{
	bool again = proves(v);
	struct str user = again ? str_of(v->who.uri) : web_text(body, "user");
	struct str password = web_text(body, "password"), code = web_text(body, "code");
	struct str agent = http_value(http_request(v->x), HTTP_H_USER_AGENT);
	if (user.len == 0 || user.len > ACCT_TEXT_MAX || password.len == 0 ||
	    password.len > ACCT_TEXT_MAX || code.len > ACCT_CODE_MAX) {
		visit_refuse(v, 400, "bad_request", "user and password must be there.", "");
		return;
	}
	struct accounts_leg leg = { .mech = again ? ACCOUNTS_PROVE : ACCOUNTS_LOGIN,
		                    .session = v->who.number,
		                    .user = user,
		                    .code = code,
		                    .blob = bytes_of(password),
		                    .agent = str_sub(agent, 0, AGENT_MAX),
		                    .peer = &v->client };
	v->web->stats.logins++;
	v->asking = accounts_auth(v->web->accounts, &leg, on_auth, v);
}

static void login(struct web *w, struct http_exchange *x)
{
	struct visit *v = visit_new(w, x);
	v->then = say_signed_in;
	visit_read(v, ask_password);
}

/* The ticket is good; now the password. */
static void read_proof(struct visit *v)
{
	v->then = say_proved;
	visit_read(v, ask_password);
}

static void prove(struct web *w, struct http_exchange *x)
{
	by_ticket(w, x, read_proof);
}

/* The new one is looked at first: one that will not do costs no try, and no code. */
static void ask_change(struct visit *v, const cJSON *body)
{
	v->then = web_own_password;
	if (web_own_password_read(v, body))
		ask_password(v, body);
}

static void read_change(struct visit *v)
{
	visit_read(v, ask_change);
}

static void change_password(struct web *w, struct http_exchange *x)
{
	by_ticket(w, x, read_change);
}

static void on_ended(void *arg, const struct accounts_auth *r)
{
	struct visit *v = arg;
	v->asking = NULL;
	if (r->verdict != ACCOUNTS_ACCEPT) {
		visit_no_server(v);
		return;
	}
	visit_answer(v, STR(""), "");
}

static void logout(struct web *w, struct http_exchange *x)
{
	struct visit *v = visit_new(w, x);
	if (!visit_ticket(v)) {
		visit_signed_out(v);
		return;
	}
	struct accounts_leg leg = { .mech = ACCOUNTS_TICKET_END,
		                    .blob = bytes_of(str_of(v->who.ticket)),
		                    .peer = &v->client };
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
	{ HTTP_GET,  API "sign-in", false, false, web_sign_in_ways },
	{ HTTP_GET,  API "oidc/begin", false, false, web_oidc_begin },
	{ HTTP_GET,  API "oidc/callback", false, false, web_oidc_callback },
	{ HTTP_GET,  API "ws",      true,  false, websocket },
	{ HTTP_GET,  API "logins",  false, false, web_own_logins },
	{ HTTP_POST, API "logins/end", true, true, web_own_login_end },
	{ HTTP_GET,  API "devices", false, false, web_own_devices },
	{ HTTP_POST, API "devices/add", true, true, web_own_device_add },
	{ HTTP_POST, API "devices/remove", true, true, web_own_device_remove },
	{ HTTP_POST, API "prove", true, true, prove },
	{ HTTP_POST, API "password", true, true, change_password },
	{ HTTP_GET,  API "push", false, false, web_own_push },
	{ HTTP_POST, API "push/subscribe", true, true, web_own_push_add },
	{ HTTP_POST, API "push/unsubscribe", true, true, web_own_push_end },
	{ HTTP_GET,  API "second-factor", false, false, web_own_factor },
	{ HTTP_POST, API "second-factor/begin", true, true, web_own_factor_begin },
	{ HTTP_POST, API "second-factor/confirm", true, true, web_own_factor_confirm },
	{ HTTP_POST, API "second-factor/codes", true, true, web_own_factor_codes },
	{ HTTP_POST, API "second-factor/end", true, true, web_own_factor_end },
	{ HTTP_POST, API "files", true, false, wb_upload },
	{ HTTP_GET,  API "tokens", false, false, web_own_tokens },
	{ HTTP_POST, API "tokens/add", true, true, web_own_token_add },
	{ HTTP_POST, API "tokens/remove", true, true, web_own_token_remove },
	{ HTTP_POST, API "photo", true, false, web_own_photo_set },
	{ HTTP_POST, API "photo/remove", true, true, web_own_photo_remove },
	{ HTTP_POST, API "admin", true, true, web_admin },
};
/* clang-format on */

void web_put_origin(struct buf *b, const struct http_msg *m)
{
	buf_lit(b, "https://");
	buf_str(b, m->host);
	if (m->port.len > 0 && !str_eq(m->port, STR("443"))) {
		buf_char(b, ':');
		buf_str(b, m->port);
	}
}

/* The page that it comes from is ours. */
static bool is_same_origin(const struct http_msg *m)
{
	char text[HTTP_HOST_MAX + 32];
	struct buf own = BUF_ON(text);
	web_put_origin(&own, m);
	return !own.full && str_ieq(http_value(m, HTTP_H_ORIGIN), buf_view(&own));
}

static bool is_json(const struct http_msg *m)
{
	struct str type, rest;
	(void)str_cut(http_value(m, HTTP_H_CONTENT_TYPE), ';', &type, &rest);
	return str_ieq(str_trim(type), STR("application/json"));
}

/* What programs may ask too, by an app token. */
static bool is_for_programs(const struct page *p)
{
	return p->fn == session || p->fn == websocket || p->fn == wb_upload;
}

/* No page makes a browser show an app token; a program has no Origin, or ours. */
static bool is_foreign(const struct page *p, const struct http_msg *m)
{
	bool says = http_first(m, HTTP_H_ORIGIN) != NULL;
	return p->own && (says || !visit_has_token(m)) && !is_same_origin(m);
}

static void serve(struct web *w, struct http_exchange *x, const struct page *p)
{
	const struct http_msg *m = http_request(x);
	if (visit_has_token(m) && !is_for_programs(p))
		visit_error(x, 403, "refused", "An app token is not good for this.",
		            "Sign in with the password.");
	else if (is_foreign(p, m))
		visit_error(x, 403, "foreign_origin", "This request comes from another site.", "");
	else if (p->json && !is_json(m))
		visit_error(x, 415, "bad_request", "The body is application/json.", "");
	else
		p->fn(w, x);
}

/* A proxy of ours has it without TLS: what stands in it was open to read, and so would be the
 * answer's. */
static void came_plain(struct http_exchange *x)
{
	visit_error(x, 403, "not_encrypted", "This server is reached by HTTPS alone.",
	            "Begin the address with https://.");
}

void web_http_request(void *arg, struct http_exchange *x)
{
	struct web *w = arg;
	const struct http_msg *m = http_request(x);
	bool known = false;
	if (web_is_forwarded(w, x) && http_came_plain(m)) {
		came_plain(x);
		return;
	}
	if (web_is_discovery(m)) {
		web_discover(w, x);
		return;
	}
	if (wb_is_download(m)) {
		wb_download(w, x);
		return;
	}
	if (wb_is_photo(m)) {
		wb_photo(w, x);
		return;
	}
	if (wb_is_ticket_service(m)) {
		wb_ticket_service(w, x);
		return;
	}
	if (wb_is_entries(m)) {
		wb_entries(w, x);
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
		visit_error(x, 405, "bad_request", "Another method is needed here.", "");
	else if (str_starts(m->path, STR("/api/")))
		visit_unknown(x);
	else
		web_files(w, x);
}
