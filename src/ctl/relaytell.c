#include "ctl/relaytell.h"

#include <errno.h>

#include "ctl/finding.h"

static const char *const way_names[TURN_N_WAYS] = {
	[TURN_BY_UDP] = "udp",
	[TURN_BY_TCP] = "tcp",
	[TURN_BY_TLS] = "tls",
	[TURN_BY_PSEUDO_TLS] = "pseudo-tls",
};

static const char *transport_of(enum turn_way way)
{
	return way == TURN_BY_UDP ? "udp" : "tcp";
}

static const char *at_opening(const struct relay_tell *t, const struct relay_target *g,
                              const struct trial *trial)
{
	unsigned port = addr_port(&g->at);
	if (g->way == TURN_BY_PSEUDO_TLS && trial->failure.err == -EBADMSG)
		return "Another program answers there, or a proxy that ends TLS stands before the "
		       "relay: it must pass TCP on as it is.";
	if (trial->failure.err == -EPROTO)
		return arena_printf(t->arena,
		                    "`dialtone cert check` looks at the certificates; that of "
		                    "edge-av must be good for %" STR_FMT ".",
		                    STR_ARG(t->name))
		        .p;
	if (trial->failure.err == -ECONNREFUSED)
		return arena_printf(t->arena,
		                    "Nobody listens there: `dialtone role list` shows whether "
		                    "edge-av runs; `tcp` in [role edge-av] names its ports (here "
		                    "%u).",
		                    port)
		        .p;
	return arena_printf(t->arena,
	                    "A firewall in between drops it, or the address is wrong: TCP %u must "
	                    "be let in to the relay.",
	                    port)
	        .p;
}

static const char *no_answer(const struct relay_tell *t, const struct relay_target *g)
{
	return arena_printf(t->arena,
	                    "A firewall drops it, or nobody listens there: let %s %u in to the "
	                    "relay; `dialtone role list` shows whether edge-av runs, `%s` in [role "
	                    "edge-av] names its ports.",
	                    g->way == TURN_BY_UDP ? "UDP" : "TCP", addr_port(&g->at),
	                    transport_of(g->way))
	        .p;
}

/* 401. */
static const char *at_credentials(const struct relay_tell *t)
{
	if (t->given)
		return "The relay does not take these credentials: they are mistyped, expired or "
		       "revoked, or of another relay.  Its log says which (allocation-refused); "
		       "`dialtone relay credential USER` there makes new ones.";
	return "The credentials are of this host's relay.  That one has another key, or another "
	       "clock: the hosts of one edge need the same edge-av-pool.key in their data "
	       "directories, and their clocks set (timedatectl set-ntp true).";
}

/* 486. */
static const char *at_no_more(const struct relay_tell *t)
{
	if (t->draining)
		return "The relay is draining: `dialtone relay drain off` ends that.";
	return "The user has too many allocations (`dialtone allocation list`, "
	       "`user-allocations-max` in [role edge-av]), or the relay takes no new ones "
	       "(`dialtone relay drain off` there).";
}

/* What a relay refuses, and who can change it. */
static const char *at_refusal(const struct relay_tell *t, unsigned code)
{
	static const struct {
		unsigned code;
		const char *way;
	} ways[] = {
		{ 300, "That relay takes nobody any more (`dialtone relay drain off` there)." },
		{ 403,
		  "The relay must not reach its own relayed address: is `closed-peers` in "
		  "[role edge-av] too wide?  A private address can be opened in `open-peers`." },
		{ 440,
		  "The relay has no relayed address of that family: `relay-addresses` in [role "
		  "edge-av]." },
		{ 437, "The relay has forgotten the allocation: was it restarted?" },
		{ 508, "No relayed port is free: `relay-port-min`, `relay-port-max` and "
		       "`allocations-max` in [role edge-av]; `dialtone relay status` shows how "
		       "many are taken." },
	};
	if (code == 401)
		return at_credentials(t);
	if (code == 486)
		return at_no_more(t);
	for (size_t i = 0; i < ARRAY_SIZE(ways); i++)
		if (ways[i].code == code)
			return ways[i].way;
	return "The log of edge-av says more, with log-level = debug in local.conf.";
}

static const char *remedy_of(const struct relay_tell *t, const struct relay_target *g,
                             const struct trial *trial)
{
	if (trial->failure.err == -EINVAL) /* no base64 */
		return at_credentials(t);
	if (trial->failure.where == TURN_AT_OPENING)
		return at_opening(t, g, trial);
	if (trial->failure.code)
		return at_refusal(t, trial->failure.code);
	if (trial->failure.err == -ETIMEDOUT)
		return no_answer(t, g);
	return "Does another program answer there?  `ss -lnp` on that host names it.";
}

/* The last finding gets what programs want to know. */
static void add_fields(cJSON *findings, const struct relay_target *g, const struct trial *trial)
{
	auto_(buf_free) struct buf at = buf_of(64), relayed = buf_of(64);
	cJSON *f = cJSON_GetArrayItem(findings, cJSON_GetArraySize(findings) - 1);
	addr_put(&at, &g->at);
	buf_char(&at, '\0');
	cJSON_AddStringToObject(f, "transport", way_names[g->way]);
	cJSON_AddStringToObject(f, "address", at.p);
	cJSON_AddStringToObject(f, "family", g->family == AF_INET6 ? "ipv6" : "ipv4");
	if (trial->state != TRIAL_WORKS)
		return;
	addr_put(&relayed, &trial->sides[0].allocation.relayed);
	buf_char(&relayed, '\0');
	cJSON_AddStringToObject(f, "relayed", relayed.p);
}

static void tell_works(const struct relay_tell *t, const char *about, const struct trial *trial)
{
	auto_(buf_free) struct buf b = buf_of(256);
	addr_put(&b, &trial->sides[0].allocation.relayed);
	buf_lit(&b, " (the relay sees us as ");
	addr_put(&b, &trial->sides[0].allocation.mapped);
	buf_lit(&b, ")");
	finding_add(t->findings, FINDING_OK, about, NULL, "works, relayed at %" STR_FMT,
	            STR_ARG(buf_view(&b)));
}

static void tell_no_data(const struct relay_tell *t, const char *about, const struct trial *trial)
{
	auto_(buf_free) struct buf b = buf_of(256);
	bool there = trial->state == TRIAL_NO_ANSWER_CAME;
	addr_put(&b, &trial->sides[!there].allocation.relayed);
	const char *remedy =
	        arena_printf(t->arena,
	                     "A firewall of the relay's host closes the relayed ports: let UDP "
	                     "and TCP %u to %u in and out; or `external-addresses` in [role "
	                     "edge-av] is not "
	                     "what peers see.",
	                     t->first_port, t->last_port)
	                .p;
	finding_add(t->findings, FINDING_ERROR, about, remedy,
	            "allocations are made, but %s data come out at %" STR_FMT,
	            there ? "no answering" : "no", STR_ARG(buf_view(&b)));
}

void relay_tell(const struct relay_tell *t, const struct relay_target *g, const struct trial *trial)
{
	auto_(buf_free) struct buf about = buf_of(128);
	buf_printf(&about, "%s ", way_names[g->way]);
	addr_put(&about, &g->at);
	buf_str(&about, g->family == AF_INET6 ? STR(", relayed by IPv6") : STR(""));
	buf_char(&about, '\0');
	if (trial->state == TRIAL_WORKS)
		tell_works(t, about.p, trial);
	else if (trial->state == TRIAL_FAILED)
		finding_add(t->findings, FINDING_ERROR, about.p, remedy_of(t, g, trial), "%s%s",
		            trial->failure.err == -EPROTO ? "TLS fails: " : "", trial->why);
	else
		tell_no_data(t, about.p, trial);
	add_fields(t->findings, g, trial);
}
