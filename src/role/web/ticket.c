#include <errno.h>
#include <stdlib.h>

#include "base/code.h"
#include "base/rand.h"
#include "base/rd.h"
#include "role/web/wb.h"
#include "wire/ntlm/ntlm.h"
#include "wire/webticket/webticket.h"

/* Web tickets ([MS-OCAUTHWS] section 3.1; docs/protocols/lync.md, "Web services"): a Lync client
 * signs in by NTLM over HTTPS and gets a text that it shows to the other services for an hour.
 *
 * NTLM over HTTP is of a connection, which each of its two legs comes by.  Here the second leg
 * proves its own request and nothing else: no connection is signed in afterwards.  accounts checks
 * it as it does that of SIP, and counts failures together. */

#define MEX "/mex"
#define BY_NTLM WEB_TICKETS "/Auth"

enum {
	CHALLENGES_MAX = 1024, /* that wait for their answers; another one takes the cell */
	CHALLENGE_S = 30,
	TICKET_S = 3600,
	PACES = 1024,
	ASK_EVERY_MS = 100, /* of an account; ... */
	ASK_BURST = 100,    /* a client may ask for each of its contacts when it signs in */
	TICKET_VERSION = 1,
	LINES_PER_S = 20, /* of the log, of tickets: a client may ask all the time */
	PLAIN_MAX = WEB_URI_MAX + 64,
	LEG_MAX = NTLM_CHALLENGE_LEN + NTLM_AUTH_MAX,
	TOKEN_MAX = 2 * NTLM_AUTH_MAX, /* characters of base64 */
	ANSWER_MAX = 16 * 1024,
	ADDRESS_MAX = HTTP_HOST_MAX + 128,
};

struct challenge {
	struct addr peer; /* with its port: the connection */
	uint8_t server[NTLM_CHALLENGE_LEN];
	usec_t until; /* 0: none */
};

/* Two accounts that share a cell begin anew in turn. */
struct pace {
	uint64_t account;
	usec_t full;
};

struct web_tickets {
	struct hash_key key;
	struct challenge cell[CHALLENGES_MAX];
	struct pace pace[PACES];
	struct log_limit lines;
};

void wb_tickets_new(struct web *w)
{
	w->tickets = xnew(struct web_tickets);
	rand_bytes(&w->tickets->key, sizeof(w->tickets->key));
}

void wb_tickets_free(struct web *w)
{
	free(take(&w->tickets));
}

/* --- the proof ------------------------------------------------------------------------------- */

static struct bytes row(void)
{
	return bytes_of(STR("web-ticket"));
}

struct claim {
	enum web_service service;
	uint64_t account;
	usec_t until;
	struct str uri;
};

static void put_proof(const struct web *w, struct buf *b, const struct claim *c)
{
	auto_(buf_free) struct buf plain = buf_of(PLAIN_MAX), sealed = buf_of(2 * PLAIN_MAX);
	buf_u8(&plain, TICKET_VERSION);
	buf_u8(&plain, (uint8_t)c->service);
	buf_u64(&plain, c->account);
	buf_u64(&plain, c->until);
	buf_str16(&plain, c->uri);
	seal_put(w->seal, &sealed, row(), bytes_of(buf_view(&plain)));
	base64url_put(b, sealed.p, sealed.len);
}

/* The text lies in plain. */
static int open_proof(const struct web *w, struct str proof, struct claim *ret, struct buf *plain)
{
	auto_(buf_free) struct buf sealed = buf_of(2 * PLAIN_MAX);
	if (base64url_get(proof, &sealed) < 0 || sealed.len <= SEAL_OVERHEAD)
		return -EBADMSG;
	size_t n = sealed.len - SEAL_OVERHEAD;
	char *to = buf_room(plain, n);
	if (!to || seal_get(w->seal, (uint8_t *)to, row(), bytes_of(buf_view(&sealed))) < 0)
		return -EBADMSG;
	struct rd r = rd_of(bytes_of(str_n(to, n)));
	uint8_t version = rd_u8(&r);
	ret->service = (enum web_service)rd_u8(&r);
	ret->account = rd_u64(&r);
	ret->until = rd_u64(&r);
	ret->uri = rd_str16(&r);
	return version != TICKET_VERSION || r.bad || rd_left(&r) > 0 ? -EBADMSG : 0;
}

bool wb_ticket_check(const struct web *w, struct str proof, enum web_service service,
                     uint64_t *ret_account, char ret_uri[WEB_URI_MAX + 1])
{
	auto_(buf_free) struct buf plain = buf_of(2 * PLAIN_MAX);
	struct claim c;
	if (proof.len == 0 || open_proof(w, proof, &c, &plain) < 0 || c.service != service ||
	    c.until <= loop_wall(w->env->loop) || c.uri.len > WEB_URI_MAX)
		return false;
	*ret_account = c.account;
	memcpy(ret_uri, c.uri.p, c.uri.len);
	ret_uri[c.uri.len] = '\0';
	return true;
}

bool wb_ticket_may_ask(struct web *w, uint64_t account)
{
	const usec_t every = ASK_EVERY_MS * USEC_PER_MSEC, now = loop_now(w->env->loop);
	struct pace *p = &w->tickets->pace[account % PACES];
	if (p->account != account)
		*p = (struct pace){ .account = account };
	usec_t full = MAX(p->full, now) + every;
	if (full > now + ASK_BURST * every)
		return false;
	p->full = full;
	return true;
}

/* --- NTLM ------------------------------------------------------------------------------------ */

static struct challenge *cell_of(const struct web *w, const struct http_exchange *x)
{
	uint8_t packed[18 + 2];
	const struct addr *peer = http_peer(x);
	size_t n = peer->sa.sa_family == AF_UNSPEC ? 0 : addr_pack(peer, packed);
	uint64_t h = hash_bytes(&w->tickets->key, packed, n);
	return &w->tickets->cell[h % CHALLENGES_MAX];
}

/* The one that this connection was given, once. */
static bool take_challenge(const struct web *w, const struct http_exchange *x, struct buf *b)
{
	struct challenge *c = cell_of(w, x);
	if (c->until <= loop_now(w->env->loop) || !addr_eq(&c->peer, http_peer(x)))
		return false;
	buf_put(b, c->server, sizeof(c->server));
	c->until = 0;
	return true;
}

static void put_label(char ret[NTLM_LABEL_MAX + 1], struct str name)
{
	struct str label = ntlm_label(name);
	for (size_t i = 0; i < label.len; i++)
		ret[i] = (char)(label.p[i] >= 'a' && label.p[i] <= 'z' ? label.p[i] - 32
		                                                       : label.p[i]);
	ret[label.len] = '\0';
}

static void put_challenge(const struct web *w, const struct http_exchange *x, struct buf *b)
{
	char label[NTLM_LABEL_MAX + 1], computer[NTLM_LABEL_MAX + 1];
	struct challenge *c = cell_of(w, x);
	*c = (struct challenge){ .peer = *http_peer(x),
		                 .until = loop_now(w->env->loop) + CHALLENGE_S * USEC_PER_SEC };
	rand_bytes(c->server, sizeof(c->server));
	put_label(label, w->env->topo->domains[0]);
	put_label(computer, w->env->self->fqdn);
	struct ntlm_challenge n = { .plain = true,
		                    .label = str_of(label),
		                    .computer = str_of(computer),
		                    .domain = w->env->topo->domains[0],
		                    .computer_fqdn = w->env->self->fqdn,
		                    .now = loop_wall(w->env->loop) };
	memcpy(n.server, c->server, sizeof(n.server));
	ntlm_put_challenge(b, &n);
}

/* "alice@example.test", or the domain that was meant before it. */
static int put_name(const struct web *w, struct buf *b, const struct ntlm_auth *auth)
{
	char user_space[ACCT_TEXT_MAX + 1], domain_space[ACCT_TEXT_MAX + 1];
	struct buf user = BUF_ON(user_space), domain = BUF_ON(domain_space);
	if (ntlm_put_utf8(&user, auth->user) < 0 || ntlm_put_utf8(&domain, auth->domain) < 0 ||
	    user.full || domain.full || user.len == 0)
		return -EBADMSG;
	bool full = str_chr(buf_view(&user), '@') >= 0;
	if (!full && domain.len > 0) {
		buf_str(b, buf_view(&domain));
		buf_char(b, '\\');
	}
	buf_str(b, buf_view(&user));
	if (!full && domain.len == 0) {
		buf_char(b, '@');
		buf_str(b, w->env->topo->domains[0]);
	}
	return b->full ? -EBADMSG : 0;
}

/* The bytes behind "NTLM "; false: it says nothing of that kind. */
static bool read_token(const struct http_msg *m, struct buf *ret)
{
	struct str scheme, token, value = http_value(m, HTTP_H_AUTHORIZATION);
	return str_cut(value, ' ', &scheme, &token) && str_ieq(scheme, STR("NTLM")) &&
	       token.len <= TOKEN_MAX && base64_get(str_trim(token), ret) == 0 && !ret->full;
}

static bool is_negotiate(struct str token)
{
	return str_starts(token, STR("NTLMSSP\0\x01\0\0\0"));
}

/* --- where it is ----------------------------------------------------------------------------- */

void wb_service_origin(const struct web *w, const struct http_exchange *x, struct buf *b)
{
	struct addr at[TOPO_LISTENS_MAX];
	const struct http_msg *m = http_request(x);
	size_t n = topo_reach(w->env->self, TOPO_HTTPS, at, ARRAY_SIZE(at));
	web_put_origin(b, m);
	if (m->port.len == 0 && n > 0 && addr_port(&at[0]) != 443 && !web_is_forwarded(w, x))
		buf_printf(b, ":%u", addr_port(&at[0]));
}

/* --- the answer ------------------------------------------------------------------------------ */

void wb_soap_answer(struct http_exchange *x, unsigned status, struct str body)
{
	struct buf *head = http_begin(x, status);
	http_put_field(head, STR("Content-Type"), STR("text/xml; charset=utf-8"));
	http_put_field(head, STR("Cache-Control"), STR("no-store"));
	http_put_field(head, STR("X-Content-Type-Options"), STR("nosniff"));
	http_finish(x, body);
}

void wb_soap_refuse(struct http_exchange *x, const char *code, const char *text)
{
	auto_(buf_free) struct buf b = buf_of(ANSWER_MAX);
	soap_put_fault(&b, &(struct soap_fault){ .code = str_of(code), .text = str_of(text) });
	wb_soap_answer(x, 500, buf_view(&b));
}

/* token empty: from the begin. */
static void ask_sign_in(struct http_exchange *x, struct str token)
{
	auto_(buf_free) struct buf value = buf_of(TOKEN_MAX);
	buf_lit(&value, "NTLM");
	if (token.len > 0) {
		buf_char(&value, ' ');
		base64_put(&value, token.p, token.len);
	}
	struct buf *head = http_begin(x, 401);
	http_put_field(head, STR("WWW-Authenticate"), buf_view(&value));
	http_put_field(head, STR("Cache-Control"), STR("no-store"));
	http_finish(x, STR(""));
}

/* Who asks for a ticket. */
struct asking {
	struct web *web;
	struct http_exchange *x; /* NULL: its peer has gone */
	struct accounts_req *req;
	enum web_service service;
	char service_at[ADDRESS_MAX], user[WEB_SIP_URI_MAX + 1];
};

static void asking_free(struct asking *a)
{
	accounts_req_free(&a->req);
	free(a);
}

static void on_gone(void *user)
{
	asking_free(user);
}

static struct http_exchange *let_go(struct asking *a)
{
	struct http_exchange *x = take(&a->x);
	http_set_user(x, NULL, NULL);
	asking_free(a);
	return x;
}

static void refuse(struct asking *a, const char *code, const char *text)
{
	wb_soap_refuse(let_go(a), code, text);
}

static void issue(struct asking *a, uint64_t account, struct str uri)
{
	char issuer[ADDRESS_MAX], space[WEB_SIP_URI_MAX + 1];
	struct buf at = BUF_ON(issuer);
	auto_(buf_free) struct buf b = buf_of(ANSWER_MAX), proof = buf_of(WEBTICKET_PROOF_MAX);
	usec_t now = loop_wall(a->web->env->loop);
	struct claim c = { a->service, account, now + TICKET_S * USEC_PER_SEC, uri };
	struct webticket t = { .service = str_of(a->service_at),
		               .user = web_sip_uri(uri, space),
		               .from = now,
		               .until = c.until };
	uint8_t id[WEBTICKET_ID_LEN / 2];
	struct buf text = BUF_ON(t.id);
	rand_bytes(id, sizeof(id));
	hex_put(&text, id, sizeof(id));
	put_proof(a->web, &proof, &c);
	if (log_allow(&a->web->tickets->lines, loop_now(a->web->env->loop), LINES_PER_S))
		log_info(NULL, "web-ticket", "user=%s service=%s", log_esc(uri),
		         a->service == WEB_SERVICE_ENTRIES ? "entries" : "discovery");
	wb_service_origin(a->web, a->x, &at);
	buf_lit(&at, WEB_TICKETS);
	t.issuer = buf_view(&at);
	t.proof = buf_view(&proof);
	webticket_put_issued(&b, &t);
	wb_soap_answer(let_go(a), 200, buf_view(&b));
}

static void on_verdict(void *arg, const struct accounts_auth *v)
{
	struct asking *a = arg;
	char space[WEB_SIP_URI_MAX + 1];
	a->req = NULL;
	switch (v->verdict) {
	case ACCOUNTS_ACCEPT:
		if (a->user[0] && !str_ieq(str_of(a->user), web_sip_uri(v->uri, space)))
			refuse(a, "Client.FailedAuthentication",
			       "The ticket is asked for in another user's name.");
		else
			issue(a, v->account, v->uri);
		break;
	case ACCOUNTS_REFUSE:
		a->web->stats.refused++;
		ask_sign_in(let_go(a), STR(""));
		break;
	case ACCOUNTS_SLOW:
		http_refuse(let_go(a), 429,
		            "There were too many wrong attempts; wait, then try again.");
		break;
	case ACCOUNTS_CONTINUE:
	case ACCOUNTS_FAILED:
		http_refuse(let_go(a), 503,
		            "The server cannot look accounts up at the moment; try again.");
		break;
	}
}

/* --- the request ----------------------------------------------------------------------------- */

static bool copy(char *to, size_t size, struct str s)
{
	if (s.len >= size)
		return false;
	if (s.len > 0)
		memcpy(to, s.p, s.len);
	to[s.len] = '\0';
	return true;
}

/* By the path of its address; how our host is named there is the client's matter. */
static bool find_service(struct str address, enum web_service *ret)
{
	if (str_find(address, STR(WEB_ENTRIES)) >= 0)
		*ret = WEB_SERVICE_ENTRIES;
	else if (web_is_discovery_address(address))
		*ret = WEB_SERVICE_DISCOVERY;
	else
		return false;
	return true;
}

/* NULL, or what is wrong with it. */
static const char *read_ask(struct asking *a, struct str body)
{
	auto_(arena_free) struct arena *arena = arena_new();
	struct webticket_ask ask;
	struct soap s;
	if (soap_read(&s, arena, body) < 0 || webticket_read_ask(&ask, &s) < 0)
		return "This is no request for a web ticket.";
	if (!find_service(ask.service, &a->service) ||
	    !copy(a->service_at, sizeof(a->service_at), ask.service))
		return "There is no such service here.";
	return copy(a->user, sizeof(a->user), ask.user) ? NULL : "The user's name is too long.";
}

static void on_body(void *user, struct http_exchange *x, struct str body)
{
	struct asking *a = user;
	auto_(buf_free) struct buf leg = buf_of(LEG_MAX), name = buf_of(ACCT_TEXT_MAX);
	struct ntlm_auth auth;
	struct addr peer = web_client(a->web, x);
	const char *wrong = read_ask(a, body);
	if (wrong) {
		refuse(a, "Client", wrong);
		return;
	}
	if (!take_challenge(a->web, x, &leg) || !read_token(http_request(x), &leg) ||
	    ntlm_get_auth(&auth, bytes_of(str_sub(buf_view(&leg), NTLM_CHALLENGE_LEN, leg.len))) <
	            0 ||
	    put_name(a->web, &name, &auth) < 0) {
		ask_sign_in(let_go(a), STR(""));
		return;
	}
	struct accounts_leg l = { .mech = ACCOUNTS_NTLM,
		                  .user = buf_view(&name),
		                  .blob = bytes_of(buf_view(&leg)),
		                  .peer = &peer };
	a->req = accounts_auth(a->web->accounts, &l, on_verdict, a);
}

static void sign_in(struct web *w, struct http_exchange *x)
{
	auto_(buf_free) struct buf token = buf_of(LEG_MAX), challenge = buf_of(TOKEN_MAX);
	if (!read_token(http_request(x), &token)) {
		ask_sign_in(x, STR(""));
	} else if (is_negotiate(buf_view(&token))) {
		put_challenge(w, x, &challenge);
		ask_sign_in(x, buf_view(&challenge));
	} else {
		struct asking *a = xnew(struct asking);
		a->web = w;
		a->x = x;
		http_set_user(x, a, on_gone);
		http_read_all(x, WEB_BODY_MAX, on_body);
	}
}

static void say_where(const struct web *w, struct http_exchange *x)
{
	auto_(buf_free) struct buf b = buf_of(ANSWER_MAX), at = buf_of(ADDRESS_MAX);
	wb_service_origin(w, x, &at);
	buf_lit(&at, BY_NTLM);
	webticket_put_issuer(&b, buf_view(&at));
	wb_soap_answer(x, 200, buf_view(&b));
}

bool wb_is_ticket_service(const struct http_msg *m)
{
	return str_istarts(m->path, STR(WEB_TICKETS));
}

void wb_ticket_service(struct web *w, struct http_exchange *x)
{
	const struct http_msg *m = http_request(x);
	bool get = m->method == HTTP_GET || m->method == HTTP_HEAD;
	if (get && str_ieq(m->path, STR(WEB_TICKETS MEX)))
		say_where(w, x);
	else if (m->method == HTTP_POST && str_ieq(m->path, STR(BY_NTLM)))
		sign_in(w, x);
	else
		http_refuse(x, 404, "There is no such service here.");
}
