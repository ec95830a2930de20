#include "role/media_bridge/relay.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/rand.h"
#include "loop/dns.h"
#include "role/media_bridge/mb.h"
#include "wire/mrasp/mrasp.h"

enum { BODY_MAX = 4096, MINUTE_S = 60 };

enum relay_state {
	RELAY_NONE,    /* there is no edge */
	RELAY_RESTING, /* until it is asked again */
	RELAY_ASKING,
	RELAY_LOOKING, /* for the address of the edge's name */
	RELAY_HELD,
	RELAY_N_STATES
};
enum relay_event {
	RELAY_WANTED,   /* there is an edge */
	RELAY_UNWANTED, /* there is none any more */
	RELAY_DUE,
	RELAY_GRANTED, /* the answer has come, and where it leads has to be found */
	RELAY_FOUND,
	RELAY_FAILED, /* no answer, a refusal, no address */
	RELAY_GONE,   /* what there was is of no use any more */
	RELAY_N_EVENTS
};

struct mb_relay {
	struct media_bridge *mb;
	struct relays *pairs;
	enum relay_state state;
	struct timer due;
	struct sip_ctx *ctx; /* ASKING */
	struct dns *dns;
	struct dns_query *query; /* LOOKING */
	struct buf user, password, host;
	uint16_t port;
	uint32_t life_s, pause_s;
	unsigned n_failed; /* in a row */
	uint32_t turn;     /* which front end is asked next */
	const char *why;   /* of the last failure; static, or in `text` */
	char text[32];
	struct addr server;
	struct log_limit full_limit;
};

static void feed(struct mb_relay *r, enum relay_event ev);

static void forget(struct buf *b)
{
	if (b->p)
		wipe(b->p, b->len);
	b->len = 0;
}

static void wipe_texts(struct mb_relay *r)
{
	forget(&r->user);
	forget(&r->password);
	r->host.len = 0;
}

/* --- asking ---------------------------------------------------------------------------- */

/* Each in turn, so that one without an edge of its own does not stop us. */
static struct sip_flow *next_frontend(struct mb_relay *r)
{
	for (uint32_t i = 0; i < MB_SLOTS_MAX; i++) {
		struct sip_flow *f = r->mb->fes[r->turn++ % MB_SLOTS_MAX];
		if (f && !f->closed)
			return f;
	}
	return NULL;
}

static void put_own(const struct mb_relay *r, struct buf *b)
{
	const struct role_env *env = r->mb->env;
	buf_lit(b, "sip:");
	role_put_address(b, env->self, env->slot);
}

static void put_service(const struct mb_relay *r, struct buf *b)
{
	const struct role_env *env = r->mb->env;
	mrasp_put_service(b, env->self->fqdn, env->topo->domains[0]);
}

static void put_body(const struct mb_relay *r, struct buf *ret)
{
	char own[ROLE_ADDRESS_MAX + 8], service[2 * ROLE_ADDRESS_MAX];
	struct buf ob = BUF_ON(own), sb = BUF_ON(service);
	struct mrasp_request rq = { .id = STR("1"), .version = STR(MRASP_VERSION), .n_wanted = 1 };
	put_own(r, &ob);
	put_service(r, &sb);
	rq.from = buf_view(&ob);
	rq.to = buf_view(&sb);
	rq.wanted[0] = (struct mrasp_wanted){ .id = STR("1"),
		                              .identity = rq.from,
		                              .location = MRASP_INTRANET,
		                              .duration = MRASP_DURATION_DEFAULT };
	mrasp_put_request(ret, &rq);
}

static void put_request(const struct mb_relay *r, struct buf *b, struct sip_flow *f,
                        const char *branch)
{
	auto_(buf_free) struct buf body = buf_of(BODY_MAX);
	put_body(r, &body);
	buf_lit(b, "SERVICE ");
	put_service(r, b);
	buf_lit(b, " SIP/2.0\r\nVia: ");
	sip_via_put(b, f, branch);
	buf_lit(b, "\r\nFrom: <");
	put_own(r, b);
	buf_lit(b, ">;tag=");
	rand_token(b, 8);
	buf_lit(b, "\r\nTo: <");
	put_service(r, b);
	buf_lit(b, ">\r\nCall-ID: ");
	rand_token(b, 20);
	buf_lit(b, "\r\nCSeq: 1 SERVICE\r\nMax-Forwards: 10\r\n");
	sip_put_body(b, STR(MRASP_TYPE), buf_view(&body));
}

static void fails(struct mb_relay *r, const char *why)
{
	r->why = why;
	feed(r, RELAY_FAILED);
}

static void on_response(void *arg, struct sip_ctx *t, struct sip_msg *m);

static void on_no_response(void *arg, struct sip_ctx *t UNUSED, enum sip_fail why)
{
	struct mb_relay *r = arg;
	fails(r, why == SIP_FAIL_TIMEOUT ? "the front end does not answer"
	                                 : "the link to the front end has ended");
}

static void on_ended(void *arg, struct sip_ctx *t)
{
	struct mb_relay *r = arg;
	if (r->ctx == t)
		r->ctx = NULL;
}

static const struct sip_ctx_ops ctx_ops = { .response = on_response,
	                                    .failed = on_no_response,
	                                    .ended = on_ended };

static void ask(struct mb_relay *r)
{
	struct sip_flow *f = next_frontend(r);
	char branch[SIP_BRANCH_LEN + 1];
	if (!f) {
		fails(r, "no front end is there");
		return;
	}
	struct buf *b = sip_transport_out(sip_stack_transport(r->mb->stack));
	sip_branch_make(r->mb->stack, 0, branch);
	put_request(r, b, f, branch);
	r->ctx = sip_ctx_new(r->mb->stack, f, buf_view(b), SIP_SERVICE, branch, &ctx_ops, r);
}

/* --- the answer ------------------------------------------------------------------------ */

static int read_answer(struct mb_relay *r, struct str body)
{
	auto_(arena_free) struct arena *a = arena_new();
	struct mrasp_answer m;
	if (mrasp_parse_response(&m, a, body) < 0 || m.relay.udp == 0)
		return -EBADMSG;
	wipe_texts(r);
	buf_str(&r->user, m.granted.user);
	buf_str(&r->password, m.granted.password);
	buf_str(&r->host, m.relay.host);
	r->port = m.relay.udp;
	r->life_s = m.granted.duration * MINUTE_S;
	return 0;
}

static void on_response(void *arg, struct sip_ctx *t, struct sip_msg *m)
{
	struct mb_relay *r = arg;
	if (m->status < 200 || r->ctx != t)
		return;
	sip_ctx_forget(t);
	r->ctx = NULL;
	if (m->status / 100 != 2) {
		(void)snprintf(r->text, sizeof(r->text), "refused: %d", m->status);
		fails(r, r->text);
	} else if (read_answer(r, m->body) < 0) {
		fails(r, "the edge's answer makes no sense, or it has no UDP");
	} else {
		feed(r, RELAY_GRANTED);
	}
}

/* --- where it is ----------------------------------------------------------------------- */

static void found(struct mb_relay *r, const struct addr *a)
{
	r->server = *a;
	addr_set_port(&r->server, r->port);
	feed(r, RELAY_FOUND);
}

static void on_addrs(void *arg, const struct dns_answer *a)
{
	struct mb_relay *r = arg;
	r->query = NULL;
	size_t i = 0;
	if (a->err < 0 || a->n == 0) {
		fails(r, "the edge's name has no address");
		return;
	}
	while (i < a->n && a->addrs[i].sa.sa_family != AF_INET)
		i++;
	found(r, &a->addrs[i < a->n ? i : 0]);
}

static void look_up(struct mb_relay *r)
{
	struct addr a;
	r->life_s = MAX(r->life_s, (uint32_t)MINUTE_S);
	if (addr_parse(&a, buf_view(&r->host), 0) == 0) {
		found(r, &a);
		return;
	}
	if (!r->dns)
		r->dns = dns_new(r->mb->env->loop, NULL);
	r->query = dns_ask(r->dns, DNS_ADDRS, buf_view(&r->host), on_addrs, r);
}

/* --- what becomes of it ---------------------------------------------------------------- */

static void set_due(struct mb_relay *r, uint32_t s)
{
	struct loop *l = r->mb->env->loop;
	timer_set(&r->due, loop_now(l) + s * USEC_PER_SEC);
}

static void begin(struct mb_relay *r)
{
	r->n_failed = r->pause_s = 0;
	bridge_set_relays(r->mb->bridge, r->pairs);
	set_due(r, 0);
}

static void drop_asked(struct mb_relay *r)
{
	if (r->ctx)
		sip_ctx_forget(r->ctx);
	r->ctx = NULL;
	dns_query_free(&r->query);
	timer_stop(&r->due);
}

static void end(struct mb_relay *r)
{
	drop_asked(r);
	relays_stop(r->pairs);
	bridge_set_relays(r->mb->bridge, NULL);
	wipe_texts(r);
}

/* What is held stays while new credentials are not to be had. */
static void rest(struct mb_relay *r)
{
	if (++r->n_failed == MB_RELAY_TELL)
		log_warning(NULL, "relay-unavailable", "why=%s", log_text(str_of(r->why)));
	r->pause_s = CLAMP(2 * r->pause_s, (uint32_t)MB_RELAY_PAUSE_MIN_S,
	                   (uint32_t)MB_RELAY_PAUSE_MAX_S);
	set_due(r, r->pause_s);
}

static void log_held(const struct mb_relay *r)
{
	char text[80];
	struct buf b = BUF_ON(text);
	addr_put(&b, &r->server);
	log_info(NULL, "relay-credentials", "edge=%" STR_FMT " life=%us", STR_ARG(buf_view(&b)),
	         r->life_s);
}

static void hold(struct mb_relay *r)
{
	struct relays_config cfg = { .server = r->server,
		                     .user = buf_view(&r->user),
		                     .password = buf_view(&r->password) };
	int err = relays_use(r->pairs, &cfg);
	wipe_texts(r);
	if (err < 0) {
		fails(r, "the credentials are too long");
		return;
	}
	log_held(r);
	r->n_failed = 0;
	set_due(r, r->life_s / 2);
}

typedef void action_fn(struct mb_relay *r);

/* clang-format off */
static const struct {
	action_fn *act; /* NULL: nothing of that kind happens here */
	enum relay_state next;
} edges[RELAY_N_STATES][RELAY_N_EVENTS] = {
	[RELAY_NONE][RELAY_WANTED]      = { begin,   RELAY_RESTING },
	[RELAY_RESTING][RELAY_DUE]      = { ask,     RELAY_ASKING },
	[RELAY_RESTING][RELAY_UNWANTED] = { end,     RELAY_NONE },
	[RELAY_ASKING][RELAY_GRANTED]   = { look_up, RELAY_LOOKING },
	[RELAY_ASKING][RELAY_FAILED]    = { rest,    RELAY_RESTING },
	[RELAY_ASKING][RELAY_UNWANTED]  = { end,     RELAY_NONE },
	[RELAY_LOOKING][RELAY_FOUND]    = { hold,    RELAY_HELD },
	[RELAY_LOOKING][RELAY_FAILED]   = { rest,    RELAY_RESTING },
	[RELAY_LOOKING][RELAY_UNWANTED] = { end,     RELAY_NONE },
	[RELAY_HELD][RELAY_DUE]         = { ask,     RELAY_ASKING },
	[RELAY_HELD][RELAY_FAILED]      = { rest,    RELAY_RESTING },
	[RELAY_HELD][RELAY_GONE]        = { rest,    RELAY_RESTING },
	[RELAY_HELD][RELAY_UNWANTED]    = { end,     RELAY_NONE },
};
/* clang-format on */

static void feed(struct mb_relay *r, enum relay_event ev)
{
	action_fn *act = edges[r->state][ev].act;
	if (!act)
		return;
	r->state = edges[r->state][ev].next;
	act(r);
}

/* --- what feeds it --------------------------------------------------------------------- */

static void on_due(void *arg)
{
	feed(arg, RELAY_DUE);
}

static void on_lost(void *arg, const char *why)
{
	struct mb_relay *r = arg;
	r->why = "the relay was lost";
	log_warning(NULL, "relay-lost", "why=%s", log_text(str_of(why)));
	feed(r, RELAY_GONE);
}

enum { FULL_LINES_PER_S = 1 };

static void on_full(void *arg, const char *why)
{
	struct mb_relay *r = arg;
	if (log_allow(&r->full_limit, loop_now(r->mb->env->loop), FULL_LINES_PER_S))
		log_warning(NULL, "relay-full", "why=%s", log_text(str_of(why)));
}

static const struct relays_ops relays_ops = { .lost = on_lost, .full = on_full };

static bool has_edge(const struct topo *t)
{
	for (size_t i = 0; i < t->n_roles; i++)
		if (str_eq(t->roles[i].role, STR("edge-av")))
			return true;
	return false;
}

void mb_relay_configure(struct mb_relay *r)
{
	feed(r, has_edge(r->mb->env->topo) ? RELAY_WANTED : RELAY_UNWANTED);
}

struct mb_relay *mb_relay_new(struct media_bridge *mb)
{
	struct mb_relay *r = xnew(struct mb_relay);
	r->mb = mb;
	r->user = r->password = r->host = buf_of(MRASP_TEXT_MAX);
	r->pairs = relays_new(mb->env->loop, &relays_ops, r);
	timer_init(&r->due, mb->env->loop, on_due, r);
	mb_relay_configure(r);
	return r;
}

void mb_relay_quit(struct mb_relay *r)
{
	feed(r, RELAY_UNWANTED);
}

void mb_relay_free(struct mb_relay **rp)
{
	struct mb_relay *r = take(rp);
	if (!r)
		return;
	wipe_texts(r);
	buf_free(&r->user);
	buf_free(&r->password);
	buf_free(&r->host);
	dns_free(&r->dns);
	relays_free(&r->pairs);
	free(r);
}

const char *mb_relay_state(const struct mb_relay *r)
{
	if (r->state == RELAY_NONE)
		return "no edge";
	if (relays_is_on(r->pairs))
		return "there";
	return r->n_failed ? "unavailable" : "asking";
}

const struct relays *mb_relay_pairs(const struct mb_relay *r)
{
	return r->pairs;
}
