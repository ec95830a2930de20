#include "accounts/harness.h"

#include <errno.h>
#include <stdarg.h>
#include <sys/socket.h>

static const char topology[] = "[deployment]\n"
                               "domains = example.test, example.org\n"
                               "realm = realm.test\n"
                               "[host main]\n"
                               "name = pc.example.test\n"
                               "addresses = 127.0.0.1\n"
                               "[role accounts]\n";

/* --- the role and its link
 * ------------------------------------------------------------------------ */

static void on_event(void *arg, enum accounts_event ev, uint64_t account, uint64_t credential)
{
	struct harness *h = arg;
	if (h->n_news < NEWS_MAX)
		h->news[h->n_news++] = (struct news){ ev, account, credential };
}

bool harness_told(const struct harness *h, enum accounts_event event, uint64_t account)
{
	for (size_t i = 0; i < h->n_news; i++)
		if (h->news[i].event == event && h->news[i].account == account)
			return true;
	return false;
}

uint64_t harness_checks(struct harness *h)
{
	auto_(buf_free) struct buf b = buf_of(64 * 1024);
	uint64_t n = 0;
	role_accounts.metrics(h->role, &b);
	ssize_t at = str_find(buf_view(&b), STR("\ndialtone_accounts_checks_total "));
	struct str s = str_sub(buf_view(&b), (size_t)at + 32, b.len);
	OK(at > 0 && str_cut(s, '\n', &s, &(struct str){ NULL, 0 }) &&
	   str_to_u64(s, UINT64_MAX, &n) == 0);
	return n;
}

static const char *const all_requests[] = { "lookup",  "auth",   "log-in",  "known",
	                                    "changes", "search", "members", NULL };

static void make_link(struct harness *h, int *ret_other_end)
{
	int fds[2];
	EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
	if (!h->right.requests)
		h->right.requests = all_requests;
	h->link = (struct role_link){ .role = STR("frontend"), .fd = fds[0], .right = &h->right };
	*ret_other_end = fds[1];
}

void harness_start_role(struct harness *h)
{
	h->role = NULL;
	EQ(role_accounts.start(&h->env, &h->role), 0);
}

void harness_link(struct harness *h)
{
	int fd;
	make_link(h, &fd);
	role_accounts.link_up(h->role, 0);
	accounts_link_up(h->accounts, fd);
}

static void set_flag(void *arg)
{
	*(bool *)arg = true;
}

void harness_stop_role(struct harness *h)
{
	bool stopped = false;
	role_accounts.stop(h->role, set_flag, &stopped);
	AWAIT(h->l, stopped);
	h->role = NULL;
	h->link.fd = -1;
}

static void read_topology(struct harness *h)
{
	auto_(buf_free) struct buf local = buf_of(1000), errors = buf_of(10000);
	buf_printf(&local, "[local]\nhost = main\n");
	h->topo = topo_parse(str_of(topology), buf_view(&local), h->dir.path, &errors);
	if (!OK(h->topo != NULL))
		(void)fprintf(stderr, "# %.*s\n", (int)errors.len, errors.p);
}

struct harness *harness_start(void)
{
	static const uint8_t pool_key[32] = { 7 };
	struct harness *h = xnew(struct harness);
	int fd;
	h->l = loop_new();
	tmpdir_make(&h->dir);
	read_topology(h);
	make_link(h, &fd);
	h->env = (struct role_env){ .loop = h->l,
		                    .role = &role_accounts,
		                    .n_slots = 1,
		                    .topo = h->topo,
		                    .self = topo_role_here(h->topo, STR("accounts")),
		                    .links = &h->link,
		                    .n_links = 1,
		                    .seal_key = { 1, 2, 3 },
		                    .data_dir = h->dir.path };
	harness_start_role(h);
	h->accounts = accounts_new(h->l, fd, on_event, h);
	h->digest = digest_new(STR("realm.test"), pool_key);
	h->mech = mech_digest_new(h->digest, h->accounts, DIGEST_MD5);
	return h;
}

void harness_end(struct harness *h)
{
	if (h->role)
		harness_stop_role(h);
	accounts_free(&h->accounts);
	mech_digest_free(&h->mech);
	digest_free(&h->digest);
	topo_free(&h->topo);
	loop_free(&h->l);
	tmpdir_remove(&h->dir, "users.db");
	free(h);
}

/* --- commands
 * ------------------------------------------------------------------------------------- */

struct fake_call {
	struct ctl_call call; /* first: it is what the role sees */
	unsigned answers;
	struct buf *out;
};

static void call_ok(struct ctl_call *c, struct str result)
{
	struct fake_call *f = (struct fake_call *)c;
	f->answers++;
	buf_str(f->out, result);
}

static void PRINTF_LIKE(2, 3) call_fail(struct ctl_call *c, const char *fmt, ...)
{
	struct fake_call *f = (struct fake_call *)c;
	char text[4096];
	va_list ap;
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	f->answers++;
	buf_char(f->out, '!');
	buf_str(f->out, str_of(text));
}

const char *run(struct harness *h, const char *cmd, const char *args)
{
	static char answer[4][64 * 1024];
	static unsigned turn;
	char *ret = answer[turn++ % 4];
	auto_(buf_free) struct buf out = buf_of(sizeof(answer[0]) - 1), why = buf_of(1000);
	const char *bad = NULL;
	cJSON *json = ctl_parse_json(str_of(args), &bad);
	const struct ctl_command *row = ctl_find(role_accounts.commands, str_of(cmd));
	struct fake_call f = { .call = { .args = json, .ok = call_ok, .fail = call_fail },
		               .out = &out };
	OK(row && json && ctl_check_args(row, json, &why) == 0);
	row->fn(h->role, &f.call);
	AWAIT(h->l, f.answers == 1);
	loop_turn(h->l, 0);
	EQ(f.answers, 1);
	memcpy(ret, out.p, out.len);
	ret[out.len] = 0;
	cJSON_Delete(json);
	return ret;
}

void add_user(struct harness *h, const char *user, const char *password)
{
	char args[512];
	(void)snprintf(args, sizeof(args), "{\"user\":\"%s\",\"password\":\"%s\"}", user, password);
	OK(run(h, "user add", args)[0] == '{');
}

/* --- phones
 * --------------------------------------------------------------------------------------- */

void phone_start(struct phone *p, struct harness *h, const char *user, const char *password,
                 const char *at)
{
	*p = (struct phone){ .h = h, .user = user, .password = password };
	EQ(addr_parse(&p->at, str_of(at), 5060), 0);
	p->assoc = mech_digest.begin(h->mech, &p->at);
}

void phone_end(struct phone *p)
{
	mech_digest.free(p->h->mech, &p->assoc);
}

static void take_challenge(struct phone *p, struct str s)
{
	struct str nonce, rest;
	ssize_t at = str_find(s, STR("nonce=\""));
	OK(at > 0);
	(void)str_cut(str_sub(s, (size_t)at + 7, s.len), '"', &nonce, &rest);
	(void)snprintf(p->nonce, sizeof(p->nonce), "%.*s", (int)nonce.len, nonce.p);
	(void)snprintf(p->challenge, sizeof(p->challenge), "%.*s", (int)s.len, s.p);
	p->alg = str_find(s, STR("SHA-256")) > 0 ? DIGEST_SHA256 : DIGEST_MD5;
	p->nc = 0;
}

static void on_result(void *arg, const struct auth_result *r)
{
	struct phone *p = arg;
	p->calls++;
	p->kind = r->kind;
	p->account = r->account;
	p->credential = r->credential;
	p->retry_s = r->retry_s;
	OK(r->why && r->why[0]);
	(void)snprintf(p->identity, sizeof(p->identity), "%.*s", (int)r->uri.len,
	               r->uri.p ? r->uri.p : "");
	if (r->challenge.len > 0)
		take_challenge(p, r->challenge);
}

static void put_creds(struct phone *p, struct buf *b)
{
	struct digest_creds c = { .alg = p->alg,
		                  .username = str_of(p->user),
		                  .realm = STR("realm.test"),
		                  .nonce = str_of(p->nonce),
		                  .uri = STR("sip:example.test"),
		                  .cnonce = STR("c"),
		                  .qop = STR("auth") };
	uint8_t ha1[DIGEST_HA1_MAX];
	char hex[DIGEST_HEX_MAX], nc[9];
	size_t n;
	(void)snprintf(nc, sizeof(nc), "%08x", ++p->nc);
	c.nc = str_of(nc);
	digest_ha1(ha1, c.alg, c.username, c.realm, str_of(p->password));
	digest_response(hex, &n, &c, STR("REGISTER"), ha1, STR(""));
	buf_printf(b,
	           "Digest username=\"%s\", realm=\"realm.test\", nonce=\"%s\","
	           " uri=\"sip:example.test\", response=\"%.*s\", algorithm=%s, cnonce=\"c\","
	           " qop=auth, nc=%s",
	           p->user, p->nonce, (int)n, hex, p->alg == DIGEST_MD5 ? "MD5" : "SHA-256", nc);
}

int phone_send(struct phone *p)
{
	auto_(buf_free) struct buf msg = buf_of(4096), creds = buf_of(2048), offer = buf_of(1024);
	usec_t now = loop_wall(p->h->l);
	struct sip_msg m;
	if (!p->nonce[0]) {
		mech_digest.offer(p->h->mech, p->assoc, &offer, false, now);
		take_challenge(p, buf_view(&offer));
	}
	put_creds(p, &creds);
	buf_printf(&msg,
	           "REGISTER sip:example.test SIP/2.0\r\nFrom: <sip:x@%s>;tag=1\r\n"
	           "To: <sip:x@example.test>\r\nCall-ID: 1\r\nCSeq: 1 REGISTER\r\n"
	           "Content-Length: 0\r\n\r\n",
	           p->uri ? p->uri : "example.test");
	EQ(sip_parse(&m, buf_view(&msg)), 0);
	return mech_digest.step(p->h->mech, p->assoc, &m, buf_view(&creds), now, on_result, p);
}

enum auth_result_kind phone_try(struct phone *p)
{
	for (int i = 0; i < 3; i++) {
		unsigned calls = p->calls;
		int r = phone_send(p);
		OK(r == 0 ? p->calls == calls + 1 : r == -EINPROGRESS && p->calls == calls);
		AWAIT(p->h->l, p->calls == calls + 1);
		if (p->kind != AUTH_CHALLENGE)
			break;
	}
	return p->kind;
}
