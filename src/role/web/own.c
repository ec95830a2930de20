#include "auth/password.h"
#include "base/code.h"
#include "base/isotime.h"
#include "role/web/visit.h"
#include "wire/ctl/ctl.h"
#include "wire/push/push_sub.h"

/* What users ask and change of their own accounts (docs/protocols/web-api.md, "The own account").
 * accounts decides by the ticket. */

enum { TOKEN_DAYS_MAX = 3650 };

/* Up to here JSON's numbers are exact. */
static const double number_max = 9007199254740991.0;

/* --- asking ---------------------------------------------------------------------------------- */

static void say(struct visit *v, const struct accounts_owned *o)
{
	auto_(buf_free) struct buf b = buf_of(WEB_DOC_MAX);
	if (v->put)
		v->put(&b, o);
	if (v->op == ACCT_OWN_PUSH)
		web_push_put(v->web, &b);
	visit_answer(v, buf_view(&b), NULL);
	wipe(b.p, b.len);
}

/* clang-format off */
static const struct {
	unsigned http;
	const char *code, *text, *remedy;
} refusals[] = {
	[ACCT_OWN_NONE]     = { 404, "not_found", "It is not there any more.", "" },
	[ACCT_OWN_BAD] = { 400, "bad_request", "A name has 1 to 64 bytes on one line.", "" },
	[ACCT_OWN_FULL] = { 409, "full", "There are as many as there may be.",
	                    "Remove one that is not used any more." },
	[ACCT_OWN_EXISTS]   = { 409, "exists", "It is there already.", "" },
	[ACCT_OWN_WRONG]    = { 403, "wrong_code", "The code is wrong.",
	                        "Take the one that is shown now; check the clock of the telephone." },
	[ACCT_OWN_REFUSED]  = { 403, "refused", "The policy of this server does not allow it.", "" },
	[ACCT_OWN_UNPROVED] = { 403, "prove", "The password must be typed again first.",
	                        "POST it to prove." },
};
/* clang-format on */

static void refuse_photo(struct visit *v, unsigned status)
{
	visit_refuse(v, status, "bad_photo",
	             "A photo is a JPEG, PNG or GIF of at most 30 kB and 1024 x 1024 pixels.",
	             "Take a smaller picture.");
}

static void refuse_password(struct visit *v, const char *why)
{
	visit_refuse(v, 400, "bad_password", why, "");
}

static void on_owned(void *arg, const struct accounts_owned *o)
{
	struct visit *v = arg;
	enum acct_own_status s = o->end.status;
	v->asking = NULL;
	if (s == ACCT_OWN_DONE)
		say(v, o);
	else if (s == ACCT_OWN_SIGNED_OUT)
		visit_signed_out(v);
	else if (s == ACCT_OWN_SLOW)
		visit_slow(v, "too_many", "There were too many requests.", o->end.retry_s);
	else if (s == ACCT_OWN_BAD && v->op == ACCT_OWN_PHOTO_SET)
		refuse_photo(v, 400);
	else if (s == ACCT_OWN_BAD && v->op == ACCT_OWN_PASSWORD)
		refuse_password(v, "The new password will not do; choose another one.");
	else if (s < ARRAY_SIZE(refusals) && refusals[s].code)
		visit_refuse(v, refusals[s].http, refusals[s].code, refusals[s].text,
		             refusals[s].remedy);
	else
		visit_no_server(v);
}

static void ask(struct visit *v, struct acct_own *own)
{
	own->op = v->op;
	own->ticket = str_of(v->who.ticket);
	own->peer = v->client;
	v->asking = accounts_own(v->web->accounts, own, on_owned, v);
}

static void on_body(struct visit *v, const cJSON *body)
{
	struct acct_own own = { .number = 0 };
	if (!v->read || v->read(v, body, &own))
		ask(v, &own);
}

/* NULL: there is no ticket, which is answered. */
static struct visit *begin(struct web *w, struct http_exchange *x, enum acct_own_op op)
{
	struct visit *v = visit_new(w, x);
	v->op = op;
	if (visit_ticket(v) && strlen(v->who.ticket) <= ACCT_TICKET_MAX)
		return v;
	visit_signed_out(v);
	return NULL;
}

static void get(struct web *w, struct http_exchange *x, enum acct_own_op op,
                void (*put)(struct buf *b, const struct accounts_owned *o))
{
	struct visit *v = begin(w, x, op);
	if (!v)
		return;
	v->put = put;
	ask(v, &(struct acct_own){ .number = 0 });
}

static void post(struct web *w, struct http_exchange *x, enum acct_own_op op,
                 bool (*read)(struct visit *v, const cJSON *body, struct acct_own *ret),
                 void (*put)(struct buf *b, const struct accounts_owned *o))
{
	struct visit *v = begin(w, x, op);
	if (!v)
		return;
	v->read = read;
	v->put = put;
	visit_read(v, on_body);
}

/* --- log-ins --------------------------------------------------------------------------------- */

/* The member, or null for never. */
static void put_time(struct buf *b, const char *name, int64_t at)
{
	buf_printf(b, ",\"%s\":", name);
	if (at <= 0) {
		buf_lit(b, "null");
		return;
	}
	buf_char(b, '"');
	isotime_put(b, (usec_t)at * USEC_PER_SEC);
	buf_char(b, '"');
}

static void put_logins(struct buf *b, const struct accounts_owned *o)
{
	buf_lit(b, "\"logins\":[");
	for (size_t i = 0; i < o->n; i++) {
		const struct acct_own_row *r = &o->rows[i];
		buf_printf(b, "%s{\"number\":%llu", i > 0 ? "," : "",
		           (unsigned long long)r->number);
		put_time(b, "made_at", r->made_at);
		put_time(b, "used_at", r->used_at);
		json_put_member(b, "from", r->from);
		json_put_member(b, "agent", r->name);
		buf_printf(b, ",\"this\":%s}", r->number == o->end.number ? "true" : "false");
	}
	buf_char(b, ']');
}

void web_own_logins(struct web *w, struct http_exchange *x)
{
	get(w, x, ACCT_OWN_LOGINS, put_logins);
}

/* A whole number of 1 or more. */
static bool read_number(const cJSON *body, uint64_t *ret)
{
	double number = ctl_number(body, "number", 0);
	if (!(number >= 1 && number <= number_max) || (double)(uint64_t)number != number)
		return false;
	*ret = (uint64_t)number;
	return true;
}

/* One, or all others: neither may pass for the other by a slip. */
static bool read_end(struct visit *v, const cJSON *body, struct acct_own *ret)
{
	bool others = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(body, "others"));
	if (read_number(body, &ret->number) != others)
		return true;
	visit_refuse(v, 400, "bad_request", "Either number or others must be there.", "");
	return false;
}

void web_own_login_end(struct web *w, struct http_exchange *x)
{
	post(w, x, ACCT_OWN_LOGIN_END, read_end, NULL);
}

/* --- the second factor ----------------------------------------------------------------------- */

static void put_flag(struct buf *b, const char *name, bool on)
{
	buf_printf(b, ",\"%s\":%s", name, on ? "true" : "false");
}

static void put_factor(struct buf *b, const struct accounts_owned *o)
{
	buf_printf(b, "\"recovery_left\":%llu", (unsigned long long)o->end.number);
	put_flag(b, "on", o->end.flags & ACCT_OWN_ON);
	put_flag(b, "required", o->end.flags & ACCT_OWN_REQUIRED);
}

static void put_secret(struct buf *b, const struct accounts_owned *o)
{
	struct str secret, uri;
	(void)str_cut(o->end.text, ' ', &secret, &uri);
	buf_lit(b, "\"secret\":");
	json_put_str(b, secret);
	json_put_member(b, "uri", uri);
}

static void put_codes(struct buf *b, const struct accounts_owned *o)
{
	struct str one, rest = o->end.text;
	buf_lit(b, "\"recovery\":[");
	for (const char *before = ""; rest.len > 0; before = ",") {
		(void)str_cut(rest, ' ', &one, &rest);
		buf_printf(b, "%s", before);
		json_put_str(b, one);
	}
	buf_char(b, ']');
}

static bool read_code(struct visit *v, const cJSON *body, struct acct_own *ret)
{
	ret->text = web_text(body, "code");
	if (ret->text.len > 0 && ret->text.len <= ACCT_CODE_MAX)
		return true;
	visit_refuse(v, 400, "bad_request", "code must be there.", "");
	return false;
}

void web_own_factor(struct web *w, struct http_exchange *x)
{
	get(w, x, ACCT_OWN_FACTOR, put_factor);
}

void web_own_factor_begin(struct web *w, struct http_exchange *x)
{
	post(w, x, ACCT_OWN_FACTOR_BEGIN, NULL, put_secret);
}

void web_own_factor_confirm(struct web *w, struct http_exchange *x)
{
	post(w, x, ACCT_OWN_FACTOR_CONFIRM, read_code, put_codes);
}

void web_own_factor_codes(struct web *w, struct http_exchange *x)
{
	post(w, x, ACCT_OWN_FACTOR_CODES, NULL, put_codes);
}

void web_own_factor_end(struct web *w, struct http_exchange *x)
{
	post(w, x, ACCT_OWN_FACTOR_END, NULL, NULL);
}

/* --- passwords of phones --------------------------------------------------------------------- */

/* Those that have a name: passwords of phones, app tokens. */
static void put_named(struct buf *b, const struct accounts_owned *o, const char *what, bool end)
{
	buf_printf(b, "\"%s\":[", what);
	for (size_t i = 0; i < o->n; i++) {
		const struct acct_own_row *r = &o->rows[i];
		buf_printf(b, "%s{\"number\":%llu", i > 0 ? "," : "",
		           (unsigned long long)r->number);
		json_put_member(b, "name", r->name);
		put_time(b, "made_at", r->made_at);
		put_time(b, "used_at", r->used_at);
		if (end)
			put_time(b, "ends_at", r->ends_at);
		buf_char(b, '}');
	}
	buf_char(b, ']');
}

static void put_devices(struct buf *b, const struct accounts_owned *o)
{
	put_named(b, o, "devices", false);
}

static void put_password(struct buf *b, const struct accounts_owned *o)
{
	buf_lit(b, "\"password\":");
	json_put_str(b, o->end.text);
}

static bool read_name(struct visit *v, const cJSON *body, struct acct_own *ret)
{
	ret->text = web_text(body, "name");
	if (ret->text.len > 0 && ret->text.len <= ACCT_TEXT_MAX)
		return true;
	visit_refuse(v, 400, "bad_request", "name must be there.", "");
	return false;
}

static bool read_numbered(struct visit *v, const cJSON *body, struct acct_own *ret)
{
	if (read_number(body, &ret->number))
		return true;
	visit_refuse(v, 400, "bad_request", "number must be there.", "");
	return false;
}

void web_own_devices(struct web *w, struct http_exchange *x)
{
	get(w, x, ACCT_OWN_DEVICES, put_devices);
}

void web_own_device_add(struct web *w, struct http_exchange *x)
{
	post(w, x, ACCT_OWN_DEVICE_ADD, read_name, put_password);
}

void web_own_device_remove(struct web *w, struct http_exchange *x)
{
	post(w, x, ACCT_OWN_DEVICE_REMOVE, read_numbered, NULL);
}

/* --- app tokens ------------------------------------------------------------------------------ */

static void put_tokens(struct buf *b, const struct accounts_owned *o)
{
	put_named(b, o, "tokens", true);
}

static void put_token(struct buf *b, const struct accounts_owned *o)
{
	buf_lit(b, "\"token\":");
	json_put_str(b, o->end.text);
}

/* A name, and perhaps a life in whole days. */
static bool read_token(struct visit *v, const cJSON *body, struct acct_own *ret)
{
	double days = ctl_number(body, "days", 0);
	if (cJSON_HasObjectItem(body, "days") &&
	    !(days >= 1 && days <= TOKEN_DAYS_MAX && days == (double)(uint64_t)days)) {
		visit_refuse(v, 400, "bad_request", "days is a whole number from 1 to 3650.", "");
		return false;
	}
	ret->number = (uint64_t)days * 86400;
	return read_name(v, body, ret);
}

void web_own_tokens(struct web *w, struct http_exchange *x)
{
	get(w, x, ACCT_OWN_TOKENS, put_tokens);
}

void web_own_token_add(struct web *w, struct http_exchange *x)
{
	post(w, x, ACCT_OWN_TOKEN_ADD, read_token, put_token);
}

void web_own_token_remove(struct web *w, struct http_exchange *x)
{
	post(w, x, ACCT_OWN_TOKEN_REMOVE, read_numbered, NULL);
}

/* --- push ------------------------------------------------------------------------------------ */

static void put_push(struct buf *b, const struct accounts_owned *o)
{
	buf_printf(b, "\"subscribed\":%s,", o->end.flags & ACCT_OWN_ON ? "true" : "false");
}

/* What a browser's PushSubscription says of itself. */
static bool read_push(struct visit *v, const cJSON *body, struct acct_own *ret)
{
	struct str url = web_text(body, "endpoint");
	struct push_sub s;
	if (!web_push_is_on(v->web)) {
		visit_refuse(v, 404, "no_push", "This server tells nothing by push.", "");
		return false;
	}
	if (push_url_read(&s, url) < 0 ||
	    push_keys_read(&s.to, web_text(body, "p256dh"), web_text(body, "auth")) < 0) {
		visit_refuse(v, 400, "bad_request",
		             "endpoint, p256dh and auth are those of a push service.", "");
		return false;
	}
	v->asked = buf_of(PUSH_SUB_MAX);
	push_sub_put(&v->asked, url, &s.to);
	ret->text = buf_view(&v->asked);
	return true;
}

void web_own_push(struct web *w, struct http_exchange *x)
{
	get(w, x, ACCT_OWN_PUSH, put_push);
}

void web_own_push_add(struct web *w, struct http_exchange *x)
{
	post(w, x, ACCT_OWN_PUSH_ADD, read_push, NULL);
}

void web_own_push_end(struct web *w, struct http_exchange *x)
{
	post(w, x, ACCT_OWN_PUSH_END, NULL, NULL);
}

/* --- the photo ------------------------------------------------------------------------------- */

static void put_photo(struct buf *b, const struct accounts_owned *o)
{
	buf_lit(b, "\"photo\":");
	json_put_str(b, o->end.text);
}

/* The body is the picture; what it says of its kind is not looked at. */
static void on_photo(void *user, struct http_exchange *x UNUSED, struct str body)
{
	ask(user, &(struct acct_own){ .text = body });
}

void web_own_photo_set(struct web *w, struct http_exchange *x)
{
	struct str size = http_value(http_request(x), HTTP_H_CONTENT_LENGTH);
	struct visit *v = begin(w, x, ACCT_OWN_PHOTO_SET);
	uint64_t n;
	if (!v)
		return;
	v->put = put_photo;
	if (size.len > 0 && str_to_u64(size, ACCT_PHOTO_MAX, &n) < 0)
		refuse_photo(v, 413);
	else
		http_read_all(x, ACCT_PHOTO_MAX, on_photo);
}

void web_own_photo_remove(struct web *w, struct http_exchange *x)
{
	post(w, x, ACCT_OWN_PHOTO_END, NULL, put_photo);
}

/* --- the password ---------------------------------------------------------------------------- */

bool web_own_password_read(struct visit *v, const cJSON *body)
{
	struct str new = web_text(body, "new"), local, domain;
	const char *why;
	(void)str_cut(str_of(v->who.uri), '@', &local, &domain);
	if (password_check(new, local, &why) < 0) {
		refuse_password(v, why);
		return false;
	}
	v->asked = buf_of(PASSWORD_MAX);
	buf_str(&v->asked, new);
	return true;
}

void web_own_password(struct visit *v)
{
	v->op = ACCT_OWN_PASSWORD;
	ask(v, &(struct acct_own){ .text = buf_view(&v->asked) });
}
