#include "role/web/visit.h"

#include <stdlib.h>

#include "base/code.h"
#include "wire/ctl/ctl.h"

#define COOKIE "__Host-dialtone"
#define TOKEN_SCHEME "Bearer"
#define TOKEN_PREFIX "dtk_" /* of app tokens, which accounts makes */
#define COOKIE_FLAGS "; Path=/; Secure; HttpOnly; SameSite=Strict"

enum { COOKIE_LIFE_S = 400 * 86400, ERROR_MAX = 4096, ANSWER_MAX = 1024 * 1024 + 4096 };

/* --- life ------------------------------------------------------------------------------------ */

void visit_free(struct visit *v)
{
	accounts_req_free(&v->asking);
	buf_free(&v->user);
	wipe(v->asked.p, v->asked.len);
	buf_free(&v->asked);
	wipe(v->who.ticket, sizeof(v->who.ticket));
	free(v);
}

static void on_gone(void *user)
{
	struct visit *v = user;
	v->x = NULL;
	visit_free(v);
}

struct visit *visit_new(struct web *w, struct http_exchange *x)
{
	struct visit *v = xnew(struct visit);
	v->web = w;
	v->x = x;
	v->client = web_client(w, x);
	v->user = buf_of(WEB_USER_MAX);
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

void visit_error(struct http_exchange *x, unsigned status, const char *code, const char *text,
                 const char *remedy)
{
	auto_(buf_free) struct buf b = buf_of(ERROR_MAX);
	put_error(&b, code, text, remedy);
	buf_lit(&b, "}}");
	struct buf *head = http_begin(x, status);
	put_no_store(head);
	if (status == 401)
		http_put_field(head, STR("WWW-Authenticate"), STR(TOKEN_SCHEME));
	http_finish(x, buf_view(&b));
}

void visit_unknown(struct http_exchange *x)
{
	visit_error(x, 404, "unknown_op", "There is no such thing here.", "");
}

void visit_json(struct http_exchange *x, struct str json)
{
	put_no_store(http_begin(x, 200));
	http_finish(x, json);
}

void visit_refuse(struct visit *v, unsigned status, const char *code, const char *text,
                  const char *remedy)
{
	visit_error(take(&v->x), status, code, text, remedy);
	visit_free(v);
}

/* Somebody follows the link of a file: signed in he gets it. */
static bool follows_link(const struct http_msg *m)
{
	return m->method == HTTP_GET && wb_is_download(m) &&
	       str_find(http_value(m, HTTP_H_ACCEPT), STR("text/html")) >= 0;
}

static void send_to_page(struct visit *v)
{
	auto_(buf_free) struct buf to = buf_of(WEB_PATH_MAX);
	struct http_exchange *x = take(&v->x);
	buf_lit(&to, "/#");
	buf_str(&to, http_request(x)->path);
	struct buf *head = http_begin(x, 303);
	http_put_field(head, STR("Location"), to.full ? STR("/") : buf_view(&to));
	http_put_field(head, STR("Cache-Control"), STR("no-store"));
	http_finish(x, STR(""));
	visit_free(v);
}

void visit_signed_out(struct visit *v)
{
	if (follows_link(http_request(v->x))) {
		send_to_page(v);
		return;
	}
	visit_refuse(v, 401, "signed_out", "You are not signed in.", "Sign in.");
}

void visit_no_server(struct visit *v)
{
	visit_refuse(v, 503, "no_server", "The server cannot look accounts up at the moment.",
	             "Try again in a moment.");
}

void visit_slow(struct visit *v, const char *code, const char *text, uint32_t retry_s)
{
	auto_(buf_free) struct buf b = buf_of(ERROR_MAX);
	struct http_exchange *x = take(&v->x);
	put_error(&b, code, text, "Wait, then try again.");
	buf_printf(&b, ",\"retry_s\":%u}}", retry_s);
	struct buf *head = http_begin(x, 429);
	put_no_store(head);
	http_put_number(head, STR("Retry-After"), retry_s);
	http_finish(x, buf_view(&b));
	visit_free(v);
}

void visit_put_cookie(struct buf *head, struct str ticket)
{
	char text[WEB_TICKET_MAX + 128];
	struct buf b = BUF_ON(text);
	buf_lit(&b, COOKIE "=");
	buf_str(&b, ticket);
	buf_printf(&b, "; Max-Age=%d" COOKIE_FLAGS, ticket.len > 0 ? COOKIE_LIFE_S : 0);
	http_put_field(head, STR("Set-Cookie"), buf_view(&b));
	wipe(text, sizeof(text));
}

void visit_answer(struct visit *v, struct str members, const char *cookie)
{
	auto_(buf_free) struct buf b = buf_of(ANSWER_MAX);
	struct http_exchange *x = take(&v->x);
	buf_char(&b, '{');
	buf_str(&b, members);
	buf_char(&b, '}');
	struct buf *head = http_begin(x, 200);
	put_no_store(head);
	if (cookie)
		visit_put_cookie(head, str_of(cookie));
	http_finish(x, buf_view(&b));
	wipe(b.p, b.len);
	visit_free(v);
}

/* --- the cookie, the app token --------------------------------------------------------------- */

static bool is_ticket_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       strchr("-_.~+/=", c) != NULL;
}

struct str visit_cookie(const struct http_msg *m, struct str wanted)
{
	for (const struct http_hdr *h = http_first(m, HTTP_H_COOKIE); h; h = http_next(m, h)) {
		struct str one, rest = http_hdr_value(m, h), name, value;
		while (rest.len > 0) {
			(void)str_cut(rest, ';', &one, &rest);
			if (str_cut(str_trim(one), '=', &name, &value) && str_eq(name, wanted))
				return value;
		}
	}
	return STR("");
}

/* What stands behind "Bearer "; empty: there is none, or there are two. */
static struct str token_of(const struct http_msg *m)
{
	struct str scheme, token;
	const struct http_hdr *h = http_first(m, HTTP_H_AUTHORIZATION);
	if (!h || http_next(m, h) || !str_cut(http_hdr_value(m, h), ' ', &scheme, &token) ||
	    !str_ieq(scheme, STR(TOKEN_SCHEME)))
		return STR("");
	token = str_trim(token);
	return token.len <= WEB_TICKET_MAX ? token : STR("");
}

bool visit_has_token(const struct http_msg *m)
{
	return http_first(m, HTTP_H_AUTHORIZATION) != NULL;
}

bool visit_ticket(struct visit *v)
{
	const struct http_msg *m = http_request(v->x);
	bool token = visit_has_token(m);
	struct str t = token ? token_of(m) : visit_cookie(m, STR(COOKIE));
	/* Neither passes for the other: what a browser sends by itself has other rules. */
	if (t.len > WEB_TICKET_MAX || str_starts(t, STR(TOKEN_PREFIX)) != token)
		return false;
	for (size_t i = 0; i < t.len; i++)
		if (t.p[i] == '\0' || !is_ticket_char(t.p[i]))
			return false;
	memcpy(v->who.ticket, t.p, t.len);
	v->who.ticket[t.len] = '\0';
	return t.len > 0;
}

/* --- the body -------------------------------------------------------------------------------- */

static void wipe_json(cJSON *v)
{
	static const char *const secrets[] = { "password", "code", "new" };
	cJSON *args = cJSON_GetObjectItemCaseSensitive(v, "args");
	cJSON *inner = cJSON_GetObjectItemCaseSensitive(args, secrets[0]);
	if (cJSON_IsString(inner))
		wipe(inner->valuestring, strlen(inner->valuestring));
	for (size_t i = 0; i < ARRAY_SIZE(secrets); i++) {
		cJSON *p = cJSON_GetObjectItemCaseSensitive(v, secrets[i]);
		if (cJSON_IsString(p))
			wipe(p->valuestring, strlen(p->valuestring));
	}
	cJSON_Delete(v);
}

static void on_body(void *user, struct http_exchange *x UNUSED, struct str body)
{
	struct visit *v = user;
	visit_body_fn *fn = v->body;
	const char *why;
	cJSON *json = ctl_parse_json(body, &why);
	if (cJSON_IsObject(json))
		fn(v, json);
	else
		visit_refuse(v, 400, "bad_request", "The body is one JSON object.", "");
	wipe_json(json);
}

void visit_read(struct visit *v, visit_body_fn *fn)
{
	v->body = fn;
	http_read_all(v->x, WEB_BODY_MAX, on_body);
}
