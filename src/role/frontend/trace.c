#include <inttypes.h>
#include <stdlib.h>

#include "base/code.h"
#include "role/frontend/fe.h"

/* `dialtone trace`: SIP as it passes, to whoever listens on the control socket. */

enum { EVENT_MAX = 64 * 1024, SHOWN_MAX = 16 * 1024, PEER_SHOWN_MAX = 100 };

/* Whose messages are shown: an address, of any port if that is 0, or another process. */
struct trace_peer {
	bool any;
	struct str process; /* "frontend/2", "mcu-im on host b"; empty: an address */
	struct addr addr;
};

struct tracer {
	struct list node;
	struct frontend *fe; /* NULL: has ended before the control socket */
	struct ctl_call *c;
	char *user; /* substring of From or To; NULL: all */
	char *process;
	struct trace_peer peer;
};

static void tracer_gone(void *arg)
{
	struct tracer *tr = arg;
	struct frontend *fe = tr->fe;
	list_del(&tr->node);
	free(tr->user);
	free(tr->process);
	free(tr);
	if (fe && list_empty(&fe->tracers))
		sip_stack_tap(fe->stack, false);
}

void fe_trace_stop(struct frontend *fe)
{
	list_for(it, &fe->tracers)
	{
		struct tracer *tr = list_entry(it, struct tracer, node);
		list_del(&tr->node);
		tr->fe = NULL;
	}
}

/* "mcu-im on host b": there is one. */
static bool is_on_other_host(const struct frontend *fe, struct str s)
{
	for (uint32_t i = 0; i < fe->n_mcus; i++) {
		char text[PEER_SHOWN_MAX];
		struct buf name = BUF_ON(text);
		fe_mcu_put_name(fe, &name, i);
		if (str_eq(buf_view(&name), s))
			return true;
	}
	return fe_edge_is_far(fe, s);
}

/* The name of a process as it stands in the lines of a trace. */
static bool is_process(const struct frontend *fe, struct str s)
{
	struct str role, number;
	uint32_t n;
	if (is_on_other_host(fe, s))
		return true;
	return str_cut(s, '/', &role, &number) && str_to_u32(number, FE_SLOTS_MAX, &n) == 0 &&
	       n > 0 &&
	       (str_eq(role, STR("frontend")) || str_eq(role, STR("mcu-im")) ||
	        str_eq(role, STR("media-bridge")) || str_eq(role, STR("edge-av")));
}

/* Borrows s. */
static int read_peer(const struct frontend *fe, struct trace_peer *ret, struct str s)
{
	ret->any = s.len == 0;
	ret->process = is_process(fe, s) ? s : STR("");
	if (ret->any || ret->process.len)
		return 0;
	return addr_parse_port(&ret->addr, s) == 0 ? 0 : addr_parse(&ret->addr, s, 0);
}

static bool is_peer(const struct trace_peer *p, const struct sip_flow *f, struct str where)
{
	if (p->any || p->process.len)
		return p->any || str_eq(where, p->process);
	if (f->kind == SIP_LINK)
		return false;
	return addr_port(&p->addr) ? addr_eq(&p->addr, &f->peer) : addr_eq_host(&p->addr, &f->peer);
}

void fe_trace(struct frontend *fe, struct ctl_call *c)
{
	unsigned n = 0;
	struct str user = ctl_text(c->args, "user"), peer = ctl_text(c->args, "peer");
	struct trace_peer from = { .any = true };
	list_for(it, &fe->tracers) n++;
	if (n >= FE_TRACERS_MAX) {
		c->fail(c, "%u traces are running already; end one first", n);
		return;
	}
	if (read_peer(fe, &from, peer) < 0) {
		c->fail(c,
		        "\"%" STR_FMT "\" is no address of a peer: expected is an IP address, with "
		        "or without a port (192.0.2.7, 192.0.2.7:5060, 2001:db8::7, "
		        "[2001:db8::7]:5060), or another process (frontend/2, mcu-im/1, "
		        "media-bridge/1, edge-av/1, mcu-im on host NAME)",
		        STR_ARG(str_sub(peer, 0, PEER_SHOWN_MAX)));
		return;
	}
	struct tracer *tr = xnew(struct tracer);
	tr->fe = fe;
	tr->c = c;
	tr->user = user.len ? str_dup(user) : NULL;
	tr->peer = from;
	tr->process = from.process.len ? str_dup(from.process) : NULL;
	tr->peer.process = tr->process ? str_of(tr->process) : STR("");
	list_add(&fe->tracers, &tr->node);
	c->on_close(c, tracer_gone, tr);
	sip_stack_tap(fe->stack, true);
}

/* What lets somebody sign in is not shown: the values of these parameters, wherever they stand and
 * however they are written. */
static const struct str secrets[] = { STR_INIT("response="), STR_INIT("cnonce="),
	                              STR_INIT("gssapi-data="), STR_INIT("crand="),
	                              STR_INIT("ticket=") };

/* The length of the value at the start of s: a quoted one, or up to a separator. */
static size_t value_len(struct str s)
{
	size_t n = 0;
	if (s.len > 0 && s.p[0] == '"') {
		ssize_t quote = str_chr(str_sub(s, 1, s.len), '"');
		return quote < 0 ? s.len : (size_t)quote + 2;
	}
	while (n < s.len && !strchr(", ;\t", s.p[n]))
		n++;
	return n;
}

static const struct str *secret_at(struct str s)
{
	for (size_t i = 0; i < ARRAY_SIZE(secrets); i++) {
		if (str_istarts(s, secrets[i]))
			return &secrets[i];
	}
	return NULL;
}

static void put_masked_line(struct buf *b, struct str line)
{
	for (size_t i = 0; i < line.len;) {
		const struct str *name = secret_at(str_sub(line, i, line.len));
		if (!name) {
			buf_char(b, line.p[i++]);
			continue;
		}
		buf_str(b, str_sub(line, i, name->len));
		buf_lit(b, "***");
		i += name->len;
		i += value_len(str_sub(line, i, line.len));
	}
}

/* Bodies are what people say to each other: their length is shown, not they. */
static void put_masked(struct buf *b, const struct sip_msg *m)
{
	struct str line, rest = str_n(m->base, m->head_len);
	while (str_cut(rest, '\n', &line, &rest)) {
		line = str_trim(line);
		put_masked_line(b, line);
		buf_lit(b, "\r\n");
	}
	if (m->body.len)
		buf_printf(b, "[%zu bytes of body]\r\n", m->body.len);
}

static bool wanted(const struct tracer *tr, const struct sip_msg *m)
{
	struct str from = sip_value(m, SIP_H_FROM), to = sip_value(m, SIP_H_TO);
	return !tr->user || str_find(from, str_of(tr->user)) >= 0 ||
	       str_find(to, str_of(tr->user)) >= 0;
}

void fe_tap(void *arg, const struct sip_flow *f, bool out, struct str raw)
{
	struct frontend *fe = arg;
	RAW_MEMORY struct sip_msg m;
	char text[160];
	struct buf where = BUF_ON(text);
	auto_(buf_free) struct buf shown = buf_of(SHOWN_MAX), ev = buf_of(EVENT_MAX);
	if (sip_parse(&m, raw) < 0)
		return;
	if (f->server)
		fe_put_link_name(fe, &where, f);
	else
		addr_put(&where, &f->peer);
	put_masked(&shown, &m);
	buf_printf(&ev,
	           "{\"time\":%" PRIu64 ",\"role\":\"frontend/%u\",\"way\":\"%s\",\"kind\":\"%s\","
	           "\"connection\":%" PRIu64 ",\"peer\":",
	           loop_wall(fe->loop), fe->env->slot + 1, out ? "out" : "in",
	           sip_kind_name((enum sip_kind)f->kind), f->id);
	json_put_str(&ev, buf_view(&where));
	buf_lit(&ev, ",\"message\":");
	json_put_str(&ev, buf_view(&shown));
	buf_char(&ev, '}');
	list_for(it, &fe->tracers)
	{
		struct tracer *tr = list_entry(it, struct tracer, node);
		if (!ev.full && is_peer(&tr->peer, f, buf_view(&where)) && wanted(tr, &m))
			tr->c->event(tr->c, buf_view(&ev));
	}
}
