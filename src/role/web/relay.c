#include "base/arena.h"
#include "base/code.h"
#include "role/web/wb.h"
#include "wire/mrasp/mrasp.h"

/* Credentials of the relay, which a browser's calls need where the ways between two networks are
 * closed: asked of the A/V edge in the user's name, as any client does ([MS-AVEDGEA]), and told as
 * a browser takes them (RTCIceServer). */

enum { BODY_MAX = 4096, MINUTE_S = 60 };

static void put_service(const struct web *w, struct buf *b)
{
	mrasp_put_service(b, w->env->self->fqdn, w->env->topo->domains[0]);
}

static void put_url(struct buf *b, const char *scheme, const struct mrasp_relay *r, uint16_t port,
                    const char *transport)
{
	bool v6 = str_find(r->host, STR(":")) >= 0;
	auto_(buf_free) struct buf url = buf_of(2 * MRASP_TEXT_MAX);
	if (port == 0)
		return;
	buf_printf(&url, "%s:%s%" STR_FMT "%s:%u?transport=%s", scheme, v6 ? "[" : "",
	           STR_ARG(r->host), v6 ? "]" : "", port, transport);
	if (b->len > 0)
		buf_char(b, ',');
	json_put_str(b, buf_view(&url));
}

static void put_urls(struct buf *b, const struct mrasp_relay *r)
{
	put_url(b, "turn", r, r->udp, "udp");
	put_url(b, "turn", r, r->tcp, "tcp");
	put_url(b, "turns", r, r->tcp, "tcp");
}

/* The face of the internet first; the other one if it is elsewhere. */
static void put_servers(struct buf *b, const struct mrasp_answer *m)
{
	auto_(buf_free) struct buf urls = buf_of(WEB_BODY_MAX);
	put_urls(&urls, &m->relay);
	if (m->other.host.len > 0 && !str_ieq(m->other.host, m->relay.host))
		put_urls(&urls, &m->other);
	buf_lit(b, "\"servers\":[{\"urls\":[");
	buf_str(b, buf_view(&urls));
	buf_lit(b, "]");
	json_put_member(b, "username", m->granted.user);
	json_put_member(b, "credential", m->granted.password);
	buf_printf(b, "}],\"life_s\":%u", m->granted.duration * MINUTE_S);
}

static void on_answer(struct session *s, void *arg, int code, const struct sip_msg *m)
{
	uint64_t number = (uint64_t)(uintptr_t)arg;
	auto_(arena_free) struct arena *a = arena_new();
	auto_(buf_free) struct buf b = buf_of(WEB_BODY_MAX);
	struct mrasp_answer answer;
	if (code >= 500 || code == 408) {
		web_fail_sip(s, number, 503);
	} else if (code / 100 != 2 || mrasp_parse_response(&answer, a, m->body) < 0) {
		web_fail(s, number, "no_relay", "There is no relay for calls here.",
		         "Calls work where the two devices reach each other directly.");
	} else {
		put_servers(&b, &answer);
		web_ok(s, number, buf_view(&b));
		wipe(b.p, b.len);
	}
}

void web_relay_get(struct session *s, uint64_t number, const cJSON *args UNUSED)
{
	auto_(buf_free) struct buf body = buf_of(BODY_MAX);
	char service[2 * WEB_SIP_URI_MAX], space[WEB_SIP_URI_MAX + 1];
	struct buf sb = BUF_ON(service);
	put_service(s->web, &sb);
	struct mrasp_request rq = { .id = STR("1"),
		                    .version = STR(MRASP_VERSION),
		                    .from = web_sip_uri(str_of(s->who.uri), space),
		                    .to = buf_view(&sb),
		                    .n_wanted = 1 };
	rq.wanted[0] = (struct mrasp_wanted){ .id = STR("1"),
		                              .identity = rq.from,
		                              .location = MRASP_INTERNET,
		                              .duration = MRASP_DURATION_DEFAULT };
	mrasp_put_request(&body, &rq);
	struct web_out o = { .method = SIP_SERVICE,
		             .uri = buf_view(&sb),
		             .type = STR(MRASP_TYPE),
		             .body = buf_view(&body) };
	web_send(s, &o, on_answer, (void *)(uintptr_t)number);
}
