#include <inttypes.h>

#include "role/edge_av/ea.h"

/* What the A/V edge writes down and counts. */

static const char *const ends[RELAY_N_ENDS] = {
	[RELAY_RELEASED] = "released",     [RELAY_EXPIRED] = "expired",
	[RELAY_GONE] = "connection ended", [RELAY_REVOKED] = "by command",
	[RELAY_STOPPED] = "stopped",
};

const char *const ea_denials[RELAY_N_DENIALS] = {
	[RELAY_DENIED_EXPIRED] = "expired",
	[RELAY_DENIED_PASSWORD] = "wrong password",
	[RELAY_DENIED_KEY] = "unknown key",
	[RELAY_DENIED_REVOKED] = "revoked",
};

/* --- texts ----------------------------------------------------------------------------------- */

const char *ea_transport(const struct relay_info *i)
{
	return i->owner ? ea_conn_transport(i->owner) : "udp";
}

void ea_put_relayed(struct buf *b, const struct relay_info *i, const char *between)
{
	addr_put(b, &i->relayed[0]);
	if (i->relayed[1].sa.sa_family == AF_UNSPEC)
		return;
	buf_printf(b, "%s", between);
	addr_put(b, &i->relayed[1]);
}

/* --- the log --------------------------------------------------------------------------------- */

/* Each user first: what one causes takes no lines from the others. */
static bool may_log(struct edge_av *ea, struct str user)
{
	usec_t now = loop_now(ea->env->loop);
	struct log_limit *l = &ea->user_limits[hash_lower(&ea->host_key, user) % EA_USER_LIMITS];
	if (!log_allow(l, now, EA_USER_LINES_PER_S) ||
	    !log_allow(&ea->alloc_limit, now, EA_ALLOCATION_LINES_PER_S))
		return false;
	if (l->suppressed > 0)
		log_info(NULL, "lines-left-out", "n=%u user=%s why=\"too many allocations\"",
		         l->suppressed, log_esc(user));
	l->suppressed = 0;
	return true;
}

static void log_allocation(struct edge_av *ea, const char *event, const struct relay_info *i,
                           struct str more)
{
	char text[2][128];
	struct buf client = BUF_ON(text[0]), relayed = BUF_ON(text[1]);
	if (!may_log(ea, i->user))
		return;
	addr_put(&client, &i->client);
	ea_put_relayed(&relayed, i, ",");
	log_info(NULL, event,
	         "id=%u.%" PRIu64 " user=%s client=%s transport=%s relayed=%s%" STR_FMT,
	         ea->env->slot + 1, i->number, log_esc(i->user), log_esc(buf_view(&client)),
	         ea_transport(i), log_esc(buf_view(&relayed)), STR_ARG(more));
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

/* The user is what a stranger says: her name alone, if that can be read. */
void ea_denied(void *arg, const struct addr *client, struct str user, enum relay_denial why)
{
	struct edge_av *ea = arg;
	char text[64];
	struct buf at = BUF_ON(text);
	if (!log_allow(&ea->denied_limit, loop_now(ea->env->loop), EA_LINES_PER_S))
		return;
	addr_put(&at, client);
	log_info(NULL, "allocation-refused", "client=%s user=%s why=%s", log_esc(buf_view(&at)),
	         log_esc(user), log_text(str_of(ea_denials[why])));
}

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

static void put_denied(struct buf *b, const struct relay_stats *s)
{
	head(b, "denied_total", "counter", "Credentials that were not taken, by the reason.");
	for (int i = 0; i < RELAY_N_DENIALS; i++)
		buf_printf(b, "dialtone_relay_denied_total{why=\"%s\"} %" PRIu64 "\n",
		           ea_denials[i], s->denied[i]);
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
	put_denied(b, s);
	put(b, "revoked", "gauge", "Users whose credentials are refused.", s->barred);
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
