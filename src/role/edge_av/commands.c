#include <errno.h>
#include <inttypes.h>

#include "base/code.h"
#include "role/edge_av/ea.h"

/* What `dialtone` asks of the A/V edge. */

enum { ANSWER_MAX = CTL_LINE_MAX - 4096, LIFE_MIN_S = 1 };

#define NO_ADDRESS "A user's address is wanted, of at most %d bytes."

static void put_addr(struct buf *b, const struct addr *a)
{
	buf_char(b, '"');
	addr_put(b, a);
	buf_char(b, '"');
}

/* --- allocations ----------------------------------------------------------------------------- */

static void put_allocation(struct edge_av *ea, struct buf *b, const struct relay_info *i)
{
	usec_t now = loop_now(ea->env->loop);
	buf_printf(b, "%s{\"id\":\"%u.%" PRIu64 "\",\"user\":", b->len > 1 ? "," : "",
	           ea->env->slot + 1, i->number);
	json_put_str(b, i->user);
	buf_lit(b, ",\"client\":");
	put_addr(b, &i->client);
	buf_printf(b, ",\"transport\":\"%s\",\"dialect\":\"%s\",\"relayed\":\"", ea_transport(i),
	           i->lync ? "lync" : "turn");
	ea_put_relayed(b, i, " ");
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

/* --- the relay as a whole -------------------------------------------------------------------- */

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
		           f->face.udp ? "udp" : "tcp");
		put_addr(b, &f->face.local);
		buf_char(b, '}');
	}
	buf_char(b, ']');
}

static void put_denied(struct buf *b, const struct relay_stats *s)
{
	buf_printf(b, ",\"challenged\":%" PRIu64 ",\"denied\":{", s->challenged);
	for (int i = 0; i < RELAY_N_DENIALS; i++)
		buf_printf(b, "%s\"%s\":%" PRIu64, i ? "," : "", ea_denials[i], s->denied[i]);
	buf_printf(b, "},\"revoked\":%u", s->barred);
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
	put_denied(&b, s);
	put_ports(ea, &b);
	json_put_member(&b, "realm", ea->env->topo->realm);
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
	buf_printf(&b, "{\"draining\":%s,\"allocations\":%u}",
	           relay_is_draining(ea->relay) ? "true" : "false",
	           relay_stats(ea->relay)->allocations);
	call->ok(call, buf_view(&b));
}

static void relay_revoke_user(void *state, struct ctl_call *call)
{
	struct edge_av *ea = state;
	struct str user = ctl_text(call->args, "user");
	char text[64];
	struct buf b = BUF_ON(text);
	int r = relay_bar(ea->relay, user);
	if (r == -ENOSPC) {
		call->fail(call,
		           "The relay refuses %d users already.  `dialtone relay allow` takes one "
		           "of `dialtone relay revoked` back.",
		           RELAY_BARS_MAX);
		return;
	}
	if (r < 0) {
		call->fail(call, NO_ADDRESS, RELAY_USER_MAX);
		return;
	}
	log_info(NULL, "credentials-revoked", "user=%s allocations=%d", log_esc(user), r);
	buf_printf(&b, "{\"ended\":%d}", r);
	call->ok(call, buf_view(&b));
}

static void relay_allow(void *state, struct ctl_call *call)
{
	struct edge_av *ea = state;
	struct str user = ctl_text(call->args, "user");
	bool was = relay_admit(ea->relay, user);
	if (was)
		log_info(NULL, "credentials-allowed", "user=%s", log_esc(user));
	call->ok(call, was ? STR("{\"allowed\":true}") : STR("{\"allowed\":false}"));
}

static void relay_revoked(void *state, struct ctl_call *call)
{
	const struct edge_av *ea = state;
	auto_(buf_free) struct buf b = buf_of(ANSWER_MAX);
	usec_t now = loop_now(ea->env->loop), until = now;
	struct str user = STR("");
	buf_char(&b, '[');
	while ((user = relay_next_barred(ea->relay, user, &until)).len > 0) {
		if (until <= now)
			continue;
		buf_str(&b, b.len > 1 ? STR(",{\"user\":") : STR("{\"user\":"));
		json_put_str(&b, user);
		buf_printf(&b, ",\"left_s\":%" PRIu64 "}", (until - now) / USEC_PER_SEC);
	}
	buf_char(&b, ']');
	if (b.full)
		call->fail(call, "there are too many for one answer");
	else
		call->ok(call, buf_view(&b));
}

/* --- credentials ----------------------------------------------------------------------------- */

static const struct setting life_row = {
	.name = "--life", .type = SET_SECONDS, .min = LIFE_MIN_S, .max = RELAY_LIFE_MAX_S
};

static void put_host(struct buf *b, struct str host)
{
	bool v6 = str_chr(host, ':') >= 0;
	buf_printf(b, "%s%" STR_FMT "%s", v6 ? "[" : "", STR_ARG(host), v6 ? "]" : "");
}

/* RFC 7065: one for each way. */
static void put_uri(struct buf *b, const char *scheme, struct str host, uint16_t port,
                    const char *transport)
{
	if (port == 0)
		return;
	buf_printf(b, "%s\"%s:", b->p[b->len - 1] == '[' ? "" : ",", scheme);
	put_host(b, host);
	buf_printf(b, ":%u?transport=%s\"", port, transport);
}

static void put_uris(const struct edge_av *ea, struct buf *b, const struct mrasp_relay *r)
{
	put_uri(b, "turn", r->host, r->udp, "udp");
	put_uri(b, "turn", r->host, r->tcp, "tcp");
	put_uri(b, "turns", r->host, ea->tls ? r->tcp : 0, "tcp");
}

static void put_server(const struct edge_av *ea, struct buf *b, const struct mrasp_relay *r)
{
	buf_lit(b, "{\"host\":");
	json_put_str(b, r->host);
	buf_printf(b, ",\"udp\":%u,\"tcp\":%u,\"tls\":%u}", r->udp, r->tcp, ea->tls ? r->tcp : 0);
}

/* Where these credentials are good, outside first; a port 0: it is not there. */
static void put_servers(const struct edge_av *ea, struct buf *b)
{
	struct mrasp_relay relays[2];
	size_t n = ea_list_relays(ea, MRASP_INTERNET, relays);
	buf_lit(b, ",\"servers\":[");
	for (size_t i = 0; i < n; i++) {
		buf_str(b, i ? STR(",") : STR(""));
		put_server(ea, b, &relays[i]);
	}
	buf_lit(b, "],\"uris\":[");
	for (size_t i = 0; i < n; i++)
		put_uris(ea, b, &relays[i]);
	buf_char(b, ']');
}

static bool read_life(const struct edge_av *ea, struct ctl_call *call, uint32_t *ret_s)
{
	struct str text = ctl_text(call->args, "life");
	struct setting_value life = { .u = ea->setup.s.credential_life_s };
	auto_(buf_free) struct buf why = buf_of(1000);
	if (text.len > 0 && setting_parse(&life_row, text, &life, &why) < 0) {
		call->fail(call, "%.*s", STR_ARG(buf_view(&why)));
		return false;
	}
	*ret_s = (uint32_t)life.u;
	return true;
}

static void tell_not_granted(struct ctl_call *call, struct str user, int err)
{
	if (err == -EACCES)
		call->fail(call,
		           "The credentials of %" STR_FMT
		           " are revoked.  `dialtone relay allow %" STR_FMT "` ends that.",
		           STR_ARG(user), STR_ARG(user));
	else
		call->fail(call, NO_ADDRESS, RELAY_USER_MAX);
}

static void relay_credential(void *state, struct ctl_call *call)
{
	struct edge_av *ea = state;
	struct str user = ctl_text(call->args, "user");
	auto_(buf_free) struct buf b = buf_of(ANSWER_MAX);
	struct ea_grant g;
	uint32_t life_s;
	if (!read_life(ea, call, &life_s))
		return;
	int r = ea_grant(ea, user, life_s, &g);
	if (r < 0) {
		tell_not_granted(call, user, r);
		return;
	}
	log_info(NULL, "credentials-granted", "user=%s life=%us by=command", log_esc(user),
	         g.life_s);
	buf_printf(&b, "{\"username\":\"%s\",\"password\":\"%s\",\"realm\":", g.user, g.password);
	json_put_str(&b, ea->env->topo->realm);
	buf_printf(&b, ",\"ttl\":%u", g.life_s);
	put_servers(ea, &b);
	buf_char(&b, '}');
	call->ok(call, buf_view(&b));
	wipe(b.p, b.len);
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
	{ .noun = "relay", .verb = "revoke", .fn = relay_revoke_user,
	  .args = { { "user", CTL_TEXT, true, true, "whose: a user's address" } },
	  .help = "Ends a user's allocations and refuses the user's credentials." },
	{ .noun = "relay", .verb = "allow", .fn = relay_allow,
	  .args = { { "user", CTL_TEXT, true, true, "whose: a user's address" } },
	  .help = "Takes the credentials of a user again." },
	{ .noun = "relay", .verb = "revoked", .fn = relay_revoked,
	  .help = "Users whose credentials are refused, and how long yet." },
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
