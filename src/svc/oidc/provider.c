#include "svc/oidc/provider.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/list.h"
#include "stack/http/fetch.h"

enum { FORM_MAX = 16 * 1024, WHY_MAX = 256 };

/* A document of the provider's that is kept. */
struct kept {
	struct http_fetch *fetch; /* it is being asked for */
	usec_t at;                /* when it came; 0: it is not there */
	int err;                  /* of the last try */
	char why[WHY_MAX];
};

struct provider {
	struct loop *loop;
	struct oidc_settings set;
	char *texts[5]; /* what set borrows */
	char *secret;
	struct dns *dns;
	struct tls_client *tls;
	struct kept meta_kept, keys_kept;
	struct oidc_meta *meta;
	struct buf keys;
	struct list asks;
	size_t n_asks;
};

struct provider_ask {
	struct list node;
	struct provider *owner; /* NULL: has gone */
	provider_fn *fn;
	void *arg;
	struct timer deadline;
	struct defer begin;
	bool redeems;
	bool waits;   /* for the keys */
	bool renewed; /* newer ones were asked for */
	char *code, *nonce, *verifier, *redirect;
	struct http_fetch *fetch;
	struct buf token; /* the ID token, once it is there */
};

static void step(struct provider_ask *a);

/* --- asks ------------------------------------------------------------------------------------ */

static void free_secret(char **text)
{
	if (*text)
		wipe(*text, strlen(*text));
	free(take(text));
}

static void leave(struct provider_ask *a)
{
	struct provider *p = take(&a->owner);
	list_del(&a->node);
	timer_stop(&a->deadline);
	defer_cancel(&a->begin);
	http_fetch_free(&a->fetch);
	if (p)
		p->n_asks--;
}

static void free_ask(struct provider_ask *a)
{
	free_secret(&a->code);
	free_secret(&a->verifier);
	free(a->nonce);
	free(a->redirect);
	wipe(a->token.p, a->token.len);
	buf_free(&a->token);
	free(a);
}

void provider_ask_free(struct provider_ask **ap)
{
	struct provider_ask *a = take(ap);
	if (!a)
		return;
	if (a->owner)
		leave(a);
	free_ask(a);
}

static void tell(struct provider_ask *a, const struct provider_answer *answer)
{
	leave(a);
	a->fn(a->arg, answer);
	free_ask(a);
}

static void fail(struct provider_ask *a, int err, const char *why)
{
	tell(a, &(struct provider_answer){ .err = err, .why = why });
}

static void on_deadline(void *arg)
{
	fail(arg, -ETIMEDOUT, "the provider did not answer in time");
}

/* Each goes on as far as it can; those that come meanwhile go by themselves. */
static void step_all(struct provider *p)
{
	struct list all;
	list_init(&all);
	while (!list_empty(&p->asks)) {
		struct list *n = p->asks.next;
		list_del(n);
		list_add(&all, n);
	}
	while (!list_empty(&all)) {
		struct list *n = all.next;
		list_del(n);
		list_add(&p->asks, n);
		step(list_entry(n, struct provider_ask, node));
	}
}

/* --- documents that are kept ----------------------------------------------------------------- */

static bool is_fresh(const struct provider *p, const struct kept *k)
{
	return k->at > 0 && loop_now(p->loop) < k->at + PROVIDER_KEPT_S * USEC_PER_SEC;
}

/* 0, or what is wrong with an answer. */
static int check_answer(const struct http_result *r, const char *what, char why[WHY_MAX])
{
	if (r->err < 0)
		(void)snprintf(why, WHY_MAX, "%s: %s", what, r->why ? r->why : strerror(-r->err));
	else if (r->msg->status != 200)
		(void)snprintf(why, WHY_MAX, "%s: status %u", what, r->msg->status);
	else
		return 0;
	return r->err < 0 ? r->err : -EBADMSG;
}

static void came(struct provider *p, struct kept *k, int err)
{
	k->err = err;
	if (err == 0)
		k->at = MAX(loop_now(p->loop), (usec_t)1);
	step_all(p);
}

static void on_meta(void *arg, const struct http_result *r)
{
	struct provider *p = arg;
	struct kept *k = &p->meta_kept;
	const char *why = NULL;
	k->fetch = NULL;
	int err = check_answer(r, "its metadata", k->why);
	struct oidc_meta *m = err == 0 ? oidc_meta_parse(r->body, p->set.issuer, &why) : NULL;
	if (err == 0 && !m) {
		(void)snprintf(k->why, sizeof(k->why), "its metadata: %s", why);
		err = -EBADMSG;
	}
	if (m) {
		oidc_meta_free(&p->meta);
		p->meta = m;
	}
	came(p, k, err);
}

static void on_keys(void *arg, const struct http_result *r)
{
	struct provider *p = arg;
	struct kept *k = &p->keys_kept;
	k->fetch = NULL;
	int err = check_answer(r, "its keys", k->why);
	if (err == 0) {
		p->keys.len = 0;
		buf_str(&p->keys, r->body);
	}
	came(p, k, err);
}

static struct http_fetch *get(struct provider *p, struct str url, http_fetch_fn *fn)
{
	static const struct http_field accept = { STR_INIT("Accept"),
		                                  STR_INIT("application/json") };
	struct http_fetch_config cfg = { .dns = p->dns,
		                         .tls = p->tls,
		                         .url = url,
		                         .call = { .method = STR("GET"),
		                                   .fields = &accept,
		                                   .n_fields = 1,
		                                   .body_max = OIDC_DOC_MAX,
		                                   .timeout = PROVIDER_WAIT_S * USEC_PER_SEC } };
	return http_fetch_new(p->loop, &cfg, fn, p);
}

/* Asks for it unless it is under way. */
static void want(struct provider *p, struct kept *k, struct str url, http_fetch_fn *fn)
{
	if (!k->fetch)
		k->fetch = get(p, url, fn);
}

static void want_meta(struct provider *p)
{
	auto_(buf_free) struct buf url = buf_of(OIDC_URL_MAX);
	oidc_put_meta_url(&url, p->set.issuer);
	want(p, &p->meta_kept, buf_view(&url), on_meta);
}

/* --- the token ------------------------------------------------------------------------------- */

static struct oidc_flow flow_of(const struct provider_ask *a)
{
	return (struct oidc_flow){ .client = a->owner->set.client,
		                   .redirect = str_of(a->redirect),
		                   .nonce = str_of(a->nonce),
		                   .verifier = str_of(a->verifier) };
}

/* An error that names the code is the browser's; others are the provider's, or of the settings. */
static void refused(struct provider_ask *a, const struct http_result *r)
{
	char space[OIDC_ERROR_MAX + 1], why[WHY_MAX];
	struct buf error = BUF_ON(space);
	oidc_error_parse(&error, r->body);
	if (str_eq(buf_view(&error), STR("invalid_grant"))) {
		fail(a, -EACCES, "it does not know the code");
		return;
	}
	(void)snprintf(why, sizeof(why), "its token endpoint: status %u %.*s", r->msg->status,
	               STR_ARG(buf_view(&error)));
	fail(a, -EBADMSG, why);
}

static void on_token(void *arg, const struct http_result *r)
{
	struct provider_ask *a = arg;
	char text[WHY_MAX];
	const char *why = NULL;
	a->fetch = NULL;
	if (r->err == 0 && r->msg->status != 200) {
		refused(a, r);
		return;
	}
	int err = check_answer(r, "its token endpoint", text);
	if (err == 0 && (err = oidc_token_parse(&a->token, r->body, &why)) < 0)
		(void)snprintf(text, sizeof(text), "its token endpoint: %s", why);
	if (err < 0)
		fail(a, err, text);
	else
		step(a);
}

static void post_code(struct provider_ask *a)
{
	struct provider *p = a->owner;
	struct oidc_flow f = flow_of(a);
	struct str secret = str_of(p->secret);
	bool basic = secret.len > 0 && !p->meta->post;
	auto_(buf_free) struct buf form = buf_of(FORM_MAX), authorization = buf_of(FORM_MAX);
	oidc_put_exchange(&form, &f, str_of(a->code), basic ? STR("") : secret);
	if (basic)
		oidc_put_basic(&authorization, p->set.client, secret);
	const struct http_field fields[] = {
		{ STR("Accept"), STR("application/json") },
		{ STR("Authorization"), buf_view(&authorization) },
	};
	struct http_fetch_config cfg = {
		.dns = p->dns,
		.tls = p->tls,
		.url = str_of(p->meta->token),
		.call = { .method = STR("POST"),
		          .fields = fields,
		          .n_fields = basic ? 2 : 1,
		          .body = buf_view(&form),
		          .type = STR("application/x-www-form-urlencoded"),
		          .body_max = OIDC_DOC_MAX,
		          .timeout = PROVIDER_WAIT_S * USEC_PER_SEC },
	};
	if (!form.full && !authorization.full)
		a->fetch = http_fetch_new(p->loop, &cfg, on_token, a);
	wipe(form.p, form.len);
	wipe(authorization.p, authorization.len);
	if (!a->fetch)
		fail(a, -EBADMSG, "its token endpoint: the request is too large");
}

/* A key that is not known may be a new one: then the set is asked for again, though not at once for
 * everybody who makes up a name of a key. */
static bool may_renew(const struct provider_ask *a)
{
	const struct provider *p = a->owner;
	return !a->renewed &&
	       loop_now(p->loop) >= p->keys_kept.at + PROVIDER_KEYS_AGAIN_S * USEC_PER_SEC;
}

static void verify(struct provider_ask *a)
{
	struct provider *p = a->owner;
	struct idtoken token;
	struct idtoken_want wanted = { .issuer = p->set.issuer,
		                       .client = p->set.client,
		                       .nonce = str_of(a->nonce),
		                       .now_s = (int64_t)(loop_wall(p->loop) / USEC_PER_SEC) };
	char text[WHY_MAX];
	const char *why = "";
	int r = idtoken_verify(&token, buf_view(&a->token), buf_view(&p->keys), &wanted, &why);
	if (r == -ENOKEY && may_renew(a)) {
		a->renewed = true;
		p->keys_kept.at = 0;
		step(a);
		return;
	}
	(void)snprintf(text, sizeof(text), "its ID token: %s", why);
	if (r < 0)
		fail(a, -EBADMSG, text);
	else
		tell(a, &(struct provider_answer){ .meta = p->meta, .token = &token });
}

/* --- from what there is to what is needed next -------------------------------------------------
 */

static bool has_failed(const struct kept *k)
{
	return k->err < 0 && !k->fetch;
}

static void fail_with(struct provider_ask *a, const struct kept *k)
{
	char why[WHY_MAX]; /* who is told may ask again */
	memcpy(why, k->why, sizeof(why));
	fail(a, k->err, why);
}

/* Another ask's failure is none of this one, if it has not waited. */
static void want_keys(struct provider_ask *a)
{
	struct provider *p = a->owner;
	struct kept *k = &p->keys_kept;
	if (a->waits && has_failed(k)) {
		fail_with(a, k);
		return;
	}
	a->waits = true;
	if (!k->fetch)
		k->err = 0;
	want(p, k, str_of(p->meta->keys), on_keys);
}

static void step(struct provider_ask *a)
{
	struct provider *p = a->owner;
	bool met = is_fresh(p, &p->meta_kept);
	if (!met && has_failed(&p->meta_kept))
		fail_with(a, &p->meta_kept);
	else if (!met)
		want_meta(p);
	else if (!a->redeems)
		tell(a, &(struct provider_answer){ .meta = p->meta });
	else if (a->fetch)
		return; /* its token is on its way */
	else if (a->token.len == 0)
		post_code(a);
	else if (is_fresh(p, &p->keys_kept))
		verify(a);
	else
		want_keys(a);
}

static void on_begin(void *arg)
{
	struct provider_ask *a = arg;
	struct kept *k = &a->owner->meta_kept;
	if (!k->fetch)
		k->err = 0; /* of those before */
	step(a);
}

static struct provider_ask *ask_new(struct provider *p, provider_fn *fn, void *arg)
{
	if (p->n_asks >= PROVIDER_ASKS_MAX)
		return NULL;
	struct provider_ask *a = xnew(struct provider_ask);
	a->owner = p;
	a->fn = fn;
	a->arg = arg;
	a->token = buf_of(OIDC_TOKEN_MAX);
	list_init(&a->node);
	list_add(&p->asks, &a->node);
	p->n_asks++;
	defer_init(&a->begin, on_begin, a);
	timer_init(&a->deadline, p->loop, on_deadline, a);
	timer_set(&a->deadline, loop_now(p->loop) + PROVIDER_WAIT_S * USEC_PER_SEC);
	loop_defer(p->loop, &a->begin);
	return a;
}

struct provider_ask *provider_meet(struct provider *p, provider_fn *fn, void *arg)
{
	return ask_new(p, fn, arg);
}

struct provider_ask *provider_redeem(struct provider *p, const struct oidc_flow *f, struct str code,
                                     provider_fn *fn, void *arg)
{
	struct provider_ask *a = ask_new(p, fn, arg);
	if (!a)
		return NULL;
	a->redeems = true;
	a->code = str_dup(code);
	a->nonce = str_dup(f->nonce);
	a->verifier = str_dup(f->verifier);
	a->redirect = str_dup(f->redirect);
	return a;
}

/* --- life ------------------------------------------------------------------------------------ */

static void copy_settings(struct provider *p, const struct oidc_settings *s)
{
	struct str *const texts[] = { &p->set.issuer, &p->set.client, &p->set.secret_file,
		                      &p->set.ca_file, &p->set.name };
	p->set = *s;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		p->texts[i] = str_dup(*texts[i]);
		*texts[i] = str_of(p->texts[i]);
	}
}

static int read_files(struct provider *p, struct buf *why)
{
	auto_(buf_free) struct buf secret = buf_of(OIDC_SECRET_MAX), ca = buf_of(OIDC_CA_MAX + 2);
	const char *text = "";
	if (oidc_settings_secret(&p->set, &secret, why) < 0 ||
	    oidc_settings_ca(&p->set, &ca, why) < 0)
		return -EINVAL;
	p->secret = str_dup(buf_view(&secret));
	wipe(secret.p, secret.len);
	struct tls_client_config cfg = { .ca_pem = buf_view(&ca), .wildcards = true };
	p->tls = tls_client_new(&cfg, &text);
	if (!p->tls)
		buf_printf(why, "oidc-ca-file: %s\n", text);
	return p->tls ? 0 : -EINVAL;
}

struct provider *provider_new(struct loop *l, const struct oidc_settings *s, struct buf *why)
{
	struct provider *p = xnew(struct provider);
	p->loop = l;
	p->keys = buf_of(OIDC_DOC_MAX);
	list_init(&p->asks);
	copy_settings(p, s);
	if (read_files(p, why) < 0)
		provider_free(&p);
	else
		p->dns = dns_new(l, NULL);
	return p;
}

void provider_free(struct provider **pp)
{
	struct provider *p = take(pp);
	if (!p)
		return;
	while (!list_empty(&p->asks))
		leave(list_entry(p->asks.next, struct provider_ask, node));
	http_fetch_free(&p->meta_kept.fetch);
	http_fetch_free(&p->keys_kept.fetch);
	oidc_meta_free(&p->meta);
	buf_free(&p->keys);
	dns_free(&p->dns);
	tls_client_unref(&p->tls);
	free_secret(&p->secret);
	for (size_t i = 0; i < ARRAY_SIZE(p->texts); i++)
		free(p->texts[i]);
	free(p);
}

const struct oidc_settings *provider_settings(const struct provider *p)
{
	return &p->set;
}
