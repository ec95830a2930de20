#include <inttypes.h>

#include "base/code.h"
#include "role/edge_av/ea.h"

/* What `dialtone` asks of the A/V edge, what it counts, and its log lines of allocations. */

enum { ANSWER_MAX = CTL_LINE_MAX - 4096, LIFE_MIN_S = 1 };

static const char *const ends[RELAY_N_ENDS] = {
	[RELAY_RELEASED] = "released",     [RELAY_EXPIRED] = "expired",
	[RELAY_GONE] = "connection ended", [RELAY_REVOKED] = "by command",
	[RELAY_STOPPED] = "stopped",
};

/* --- texts ----------------------------------------------------------------------------------- */

static void put_addr(struct buf *b, const struct addr *a)
{
	buf_char(b, '"');
	addr_put(b, a);
	buf_char(b, '"');
}

static const char *transport_of(const struct relay_info *i)
{
	return i->owner ? ea_conn_transport(i->owner) : "udp";
}

static void put_relayed(struct buf *b, const struct relay_info *i, const char *between)
{
	addr_put(b, &i->relayed[0]);
	if (i->relayed[1].sa.sa_family == AF_UNSPEC)
		return;
	buf_printf(b, "%s", between);
	addr_put(b, &i->relayed[1]);
}

/* --- the log --------------------------------------------------------------------------------- */

static void log_allocation(struct edge_av *ea, const char *event, const struct relay_info *i,
                           struct str more)
{
	char text[2][128];
	struct buf client = BUF_ON(text[0]), relayed = BUF_ON(text[1]);
	if (!log_allow(&ea->alloc_limit, loop_now(ea->env->loop), EA_ALLOCATION_LINES_PER_S))
		return;
	addr_put(&client, &i->client);
	put_relayed(&relayed, i, ",");
	log_info(NULL, event,
	         "id=%u.%" PRIu64 " user=%s client=%s transport=%s relayed=%s%" STR_FMT,
	         ea->env->slot + 1, i->number, log_esc(i->user), log_esc(buf_view(&client)),
	         transport_of(i), log_esc(buf_view(&relayed)), STR_ARG(more));
}

void ea_began(void *arg, const struct relay_info *info)
{
	struct edge_av *ea = arg;
	log_allocation(ea, "allocation-began", info,
	               info->lync ? STR(" dialect=lync") : STR(" dialect=turn"));
}

void ea_ended(void *arg, const struct relay_info *info, enum relay_end why)
{
	struct edge_av *ea = arg;
	char text[256];
	struct buf more = BUF_ON(text);
	buf_printf(&more,
	           " why=\"%s\" seconds=%" PRIu64 " peers=%u packets-in=%" PRIu64
	           " packets-out=%" PRIu64 " bytes-in=%" PRIu64 " bytes-out=%" PRIu64
	           " dropped=%" PRIu64,
	           ends[why], (loop_now(ea->env->loop) - info->began) / USEC_PER_SEC, info->peers,
	           info->packets_in, info->packets_out, info->bytes_in, info->bytes_out,
	           info->dropped);
	log_allocation(ea, "allocation-ended", info, buf_view(&more));
	ea_conn_ended(info->owner, why);
}

/* --- commands -------------------------------------------------------------------------------- */

static void put_allocation(struct edge_av *ea, struct buf *b, const struct relay_info *i)
{
	usec_t now = loop_now(ea->env->loop);
	buf_printf(b, "%s{\"id\":\"%u.%" PRIu64 "\",\"user\":", b->len > 1 ? "," : "",
	           ea->env->slot + 1, i->number);
	json_put_str(b, i->user);
	buf_lit(b, ",\"client\":");
	put_addr(b, &i->client);
	buf_printf(b, ",\"transport\":\"%s\",\"dialect\":\"%s\",\"relayed\":\"", transport_of(i),
	           i->lync ? "lync" : "turn");
	put_relayed(b, i, " ");
	buf_printf(b,
	           "\",\"peers\":%u,\"channels\":%u,\"packets_in\":%" PRIu64
	           ",\"packets_out\":%" PRIu64 ",\"bytes_in\":%" PRIu64 ",\"bytes_out\":%" PRIu64
	           ",\"dropped\":%" PRIu64 ",\"seconds\":%" PRIu64 ",\"seconds_left\":%" PRIu64 "}",
	           i->peers, i->channels, i->packets_in, i->packets_out, i->bytes_in, i->bytes_out,
	           i->dropped, (now - i->began) / USEC_PER_SEC,
	           i->until > now ? (i->until - now) / USEC_PER_SEC : 0);
}

static void allocation_list(void *state, struct ctl_call *call)
{
	struct edge_av *ea = state;
	struct str user = ctl_text(call->args, "user");
	auto_(buf_free) struct buf b = buf_of(ANSWER_MAX);
	struct relay_info i;
	buf_char(&b, '[');
	for (struct relay_alloc *a = relay_next(ea->relay, NULL); a; a = relay_next(ea->relay, a)) {
		relay_describe(a, &i);
		if (user.len == 0 || str_ieq(user, i.user))
			put_allocation(ea, &b, &i);
	}
	buf_char(&b, ']');
	if (b.full)
		call->fail(call, "there are too many allocations for one answer; name a user");
	else
		call->ok(call, buf_view(&b));
}

/* "2.17" is number 17 of process 2.  -1: of another process. */
static int64_t number_of(const struct edge_av *ea, struct str id)
{
	struct str process, number;
	uint32_t p, n;
	if (!str_cut(id, '.', &process, &number) || str_to_u32(process, EA_SLOTS_MAX, &p) < 0 ||
	    str_to_u32(number, UINT32_MAX, &n) < 0 || p != ea->env->slot + 1 || n == 0)
		return -1;
	return n;
}

static void allocation_end(void *state, struct ctl_call *call)
{
	struct edge_av *ea = state;
	struct str id = ctl_text(call->args, "id");
	int64_t number = id.len ? number_of(ea, id) : 0;
	char text[64];
	struct buf b = BUF_ON(text);
	struct str user = ctl_text(call->args, "user");
	unsigned n = 0;
	if (user.len == 0) {
		call->fail(call, "say whose allocations");
		return;
	}
	if (number >= 0)
		n = relay_revoke(ea->relay, user, (uint64_t)number);
	buf_printf(&b, "{\"ended\":%u}", n);
	call->ok(call, buf_view(&b));
}

static void put_ports(const struct edge_av *ea, struct buf *b)
{
	buf_printf(b, ",\"relay_ports\":\"%u-%u\",\"relayed_addresses\":\"", ea->setup.ports.first,
	           ea->setup.ports.last);
	for (int i = 0, n = 0; i < 2; i++) {
		const struct relay_address *own = &ea->setup.engine.own[i];
		if (own->local.sa.sa_family == AF_UNSPEC)
			continue;
		buf_str(b, n++ ? STR(" ") : STR(""));
		addr_put_bare(b, &own->external);
		if (addr_eq_host(&own->local, &own->external))
			continue;
		buf_lit(b, " (here ");
		addr_put_bare(b, &own->local);
		buf_char(b, ')');
	}
	buf_char(b, '"');
}

static void put_faces(const struct edge_av *ea, struct buf *b)
{
	buf_lit(b, ",\"faces\":[");
	for (size_t i = 0; i < ea->n_faces; i++) {
		const struct ea_face *f = &ea->faces[i];
		buf_printf(b, "%s{\"transport\":\"%s\",\"address\":", i ? "," : "",
		           f->listener ? "tcp" : "udp");
		put_addr(b, &f->face.local);
		buf_char(b, '}');
	}
	buf_char(b, ']');
}

static void relay_status(void *state, struct ctl_call *call)
{
	struct edge_av *ea = state;
	const struct relay_stats *s = relay_stats(ea->relay);
	auto_(buf_free) struct buf b = buf_of(ANSWER_MAX);
	buf_printf(&b,
	           "[{\"process\":%u,\"allocations\":%u,\"users\":%u,\"connections\":%u,"
	           "\"draining\":%s,\"allocated\":%" PRIu64 ",\"packets\":%" PRIu64
	           ",\"bytes\":%" PRIu64 ",\"dropped\":%" PRIu64 ",\"refused\":%" PRIu64,
	           ea->env->slot + 1, s->allocations, s->users, ea->n_conns,
	           relay_is_draining(ea->relay) ? "true" : "false", s->allocated,
	           s->relayed_packets, s->relayed_bytes, s->dropped, s->refused);
	put_ports(ea, &b);
	buf_lit(&b, ",\"realm\":");
	json_put_str(&b, ea->env->topo->realm);
	put_faces(ea, &b);
	buf_lit(&b, "}]");
	call->ok(call, buf_view(&b));
}

static void relay_drain_on_off(void *state, struct ctl_call *call)
{
	struct edge_av *ea = state;
	struct str word = ctl_text(call->args, "on");
	char text[64];
	struct buf b = BUF_ON(text);
	if (!str_eq(word, STR("on")) && !str_eq(word, STR("off"))) {
		call->fail(call, "say on or off");
		return;
	}
	relay_drain(ea->relay, str_eq(word, STR("on")));
	log_info(NULL, "drain", "on=%s allocations=%u", relay_is_draining(ea->relay) ? "yes" : "no",
	         relay_stats(ea->relay)->allocations);
	buf_printf(&b, "{\"allocations\":%u}", relay_stats(ea->relay)->allocations);
	call->ok(call, buf_view(&b));
}

static const struct setting life_row = {
	.name = "--life", .type = SET_SECONDS, .min = LIFE_MIN_S, .max = RELAY_LIFE_MAX_S
};

static void relay_credential(void *state, struct ctl_call *call)
{
	struct edge_av *ea = state;
	struct str user = ctl_text(call->args, "user");
	struct setting_value life = { .u = ea->setup.s.credential_life_s };
	auto_(buf_free) struct buf b = buf_of(ANSWER_MAX), why = buf_of(1000);
	struct ea_grant g;
	if (ctl_text(call->args, "life").len > 0 &&
	    setting_parse(&life_row, ctl_text(call->args, "life"), &life, &why) < 0) {
		call->fail(call, "%.*s", STR_ARG(buf_view(&why)));
		return;
	}
	if (ea_grant(ea, user, life.u, &g) < 0) {
		call->fail(call, "the user's address is longer than %d bytes", RELAY_USER_MAX);
		return;
	}
	log_info(NULL, "credentials-granted", "user=%s life=%us by=command", log_esc(user),
	         g.life_s);
	buf_printf(&b, "{\"username\":\"%s\",\"password\":\"%s\",\"realm\":", g.user, g.password);
	json_put_str(&b, ea->env->topo->realm);
	buf_printf(&b, ",\"ttl\":%u}", g.life_s);
	call->ok(call, buf_view(&b));
	wipe(&g, sizeof(g));
}

/* clang-format off */
const struct ctl_command ea_commands[] = {
	{ .noun = "relay", .verb = "status", .fn = relay_status,
	  .help = "Faces, relayed addresses and figures of the A/V edge." },
	{ .noun = "relay", .verb = "credential", .fn = relay_credential,
	  .args = { { "user", CTL_TEXT, true, true, "whose: a user's address" },
	            { "life", CTL_TEXT, false, false, "how long they are good, as 8 h" } },
	  .help = "Credentials of the relay for a user." },
	{ .noun = "relay", .verb = "drain", .fn = relay_drain_on_off,
	  .args = { { "on", CTL_TEXT, true, true, "on or off" } },
	  .help = "Takes no new allocations, or takes them again; those there are go on." },
	{ .noun = "allocation", .verb = "list", .fn = allocation_list,
	  .args = { { "user", CTL_TEXT, true, false, "only this user's" } },
	  .help = "Allocations of the relay." },
	{ .noun = "allocation", .verb = "end", .fn = allocation_end,
	  .args = { { "user", CTL_TEXT, true, true, "whose" },
	            { "id", CTL_TEXT, true, false, "which one; all if left out" } },
	  .help = "Ends allocations." },
	{ .noun = NULL },
};
/* clang-format on */

/* --- figures --------------------------------------------------------------------------------- */

static void head(struct buf *b, const char *name, const char *kind, const char *help)
{
	buf_printf(b, "# HELP dialtone_relay_%s %s\n# TYPE dialtone_relay_%s %s\n", name, help,
	           name, kind);
}

static void put(struct buf *b, const char *name, const char *kind, const char *help, uint64_t value)
{
	head(b, name, kind, help);
	buf_printf(b, "dialtone_relay_%s %" PRIu64 "\n", name, value);
}

static void put_ended(struct buf *b, const struct relay_stats *s)
{
	head(b, "allocations_ended_total", "counter", "Allocations that ended, by the reason.");
	for (int i = 0; i < RELAY_N_ENDS; i++)
		buf_printf(b, "dialtone_relay_allocations_ended_total{why=\"%s\"} %" PRIu64 "\n",
		           ends[i], s->ended[i]);
}

static void put_connections(struct buf *b, const struct edge_av *ea)
{
	put(b, "connections", "gauge", "TCP and TLS connections of clients.", ea->n_conns);
	put(b, "connections_total", "counter", "Those that were taken.", ea->conn_stats.taken);
	put(b, "connections_refused_total", "counter",
	    "Connections without room, or TLS without a certificate.", ea->conn_stats.refused);
	put(b, "connections_silent_total", "counter",
	    "Connections that ended for want of an allocation.", ea->conn_stats.silent);
	put(b, "connections_foreign_total", "counter", "Connections that spoke something else.",
	    ea->conn_stats.foreign);
	put(b, "slow_dropped_total", "counter", "Packets that a slow connection did not take.",
	    ea->conn_stats.dropped);
}

void ea_metrics(void *state, struct buf *b)
{
	struct edge_av *ea = state;
	const struct relay_stats *s = relay_stats(ea->relay);
	const struct packet_stats *p = packets_stats(ea->packets);
	put(b, "allocations", "gauge", "Allocations.", s->allocations);
	put(b, "allocations_max", "gauge", "Allocations that this process takes.",
	    ea->setup.s.allocations_max);
	put(b, "users", "gauge", "Users who have them.", s->users);
	put(b, "ports_taken", "gauge", "Relayed ports in use.", relay_ports_taken(ea->ports));
	put(b, "allocations_total", "counter", "Allocations since the start.", s->allocated);
	put_ended(b, s);
	put(b, "packets_total", "counter", "Packets that were relayed.", s->relayed_packets);
	put(b, "bytes_total", "counter", "Their payloads.", s->relayed_bytes);
	put(b, "dropped_total", "counter",
	    "Packets without a permission, above a limit or to a refused peer.", s->dropped);
	put(b, "send_failed_total", "counter", "Packets that the kernel did not take.", p->failed);
	put(b, "send_calls_total", "counter", "System calls that sent packets.", p->calls);
	put(b, "refused_total", "counter", "Requests that were refused.", s->refused);
	put(b, "challenged_total", "counter", "Requests answered 401 or 438.", s->challenged);
	put(b, "unanswered_total", "counter", "Strangers' requests above their rate.",
	    s->unanswered);
	put_connections(b, ea);
	put(b, "credentials_total", "counter", "Credentials that were granted.", ea->granted);
	put(b, "credentials_refused_total", "counter", "Requests for them that were not.",
	    ea->not_granted);
	if (ea->gate) {
		gate_put_metric_head(b);
		gate_put_metric(b, ea->gate);
	}
}

void ea_status(void *state, struct buf *b)
{
	struct edge_av *ea = state;
	const struct relay_stats *s = relay_stats(ea->relay);
	buf_printf(b, "\"allocations\":%u,\"users\":%u,\"connections\":%u,\"packets\":%" PRIu64,
	           s->allocations, s->users, ea->n_conns, s->relayed_packets);
	if (relay_is_draining(ea->relay))
		buf_lit(b, ",\"draining\":true");
}

enum role_load ea_load(void *state)
{
	struct edge_av *ea = state;
	const struct relay_stats *s = relay_stats(ea->relay);
	if (relay_is_draining(ea->relay) || s->allocations >= ea->setup.s.allocations_max)
		return ROLE_FULL;
	return s->allocations >= ea->setup.s.allocations_max / 10 * 9 ? ROLE_BUSY : ROLE_CALM;
}
