#include "ctl/relaytest.h"

#include <errno.h>
#include <stdlib.h>

#include "base/arena.h"
#include "ctl/certs.h"
#include "ctl/file.h"
#include "ctl/finding.h"
#include "ctl/relaytrial.h"
#include "ctl/remote.h"
#include "loop/dns.h"
#include "svc/relay/settings.h"

enum {
	TRIALS_MAX = 32,
	ADDRS_MAX = 4, /* of a host that is named */
	UDP_PORT = 3478,
	TCP_PORT = 443,
	CA_MAX = 4 * 1024 * 1024,
	CLEAN_TURNS = 20, /* of 50 ms, for releases */
};

/* Whose credentials are used if nobody is named: no account has it. */
static const char nobody[] = "relay-test";
static const char system_ca[] = "/etc/ssl/certs/ca-certificates.crt";

static const char *const way_names[TURN_N_WAYS] = {
	[TURN_BY_UDP] = "udp",
	[TURN_BY_TCP] = "tcp",
	[TURN_BY_TLS] = "tls",
	[TURN_BY_PSEUDO_TLS] = "pseudo-tls",
};

struct test {
	struct tool *tool;
	struct arena *arena;
	const struct topo *topo;
	const struct topo_role *role;
	struct relay_settings settings;
	struct loop *loop;
	cJSON *credential;
	struct tls_client *tls;
	struct str name; /* that the certificate must be good for */
	struct target {
		struct addr at;
		enum turn_way way;
	} targets[TRIALS_MAX];
	size_t n_targets;
	struct trial trials[TRIALS_MAX];
	cJSON *findings;
};

/* --- where to -------------------------------------------------------------------------- */

static void add_target(struct test *t, const struct addr *at, enum turn_way way)
{
	if (t->n_targets < TRIALS_MAX)
		t->targets[t->n_targets++] = (struct target){ *at, way };
}

static void add_face(struct test *t, struct addr at, bool udp)
{
	const struct addr loopback = { .in4 = { .sin_family = AF_INET,
		                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK) } };
	uint16_t port = addr_port(&at);
	if (addr_is_any(&at) && at.sa.sa_family == AF_INET) {
		at = loopback;
		addr_set_port(&at, port);
	}
	if (udp) {
		add_target(t, &at, TURN_BY_UDP);
		return;
	}
	for (int way = TURN_BY_TCP; way < TURN_N_WAYS; way++)
		add_target(t, &at, (enum turn_way)way);
}

static bool is_face(const cJSON *face, const char *transport, struct addr *ret)
{
	return str_eq(ctl_text(face, "transport"), str_of(transport)) &&
	       addr_parse_port(ret, ctl_text(face, "address")) == 0;
}

/* Of the first process that answers: all have the same. */
static void add_faces(struct test *t, const cJSON *faces)
{
	struct addr at;
	const cJSON *face;
	cJSON_ArrayForEach(face, faces)
	{
		if (is_face(face, "udp", &at))
			add_face(t, at, true);
		else if (is_face(face, "tcp", &at))
			add_face(t, at, false);
	}
}

/* The port of that transport; the well-known one if it has no face. */
static uint16_t port_of(const cJSON *faces, const char *transport, uint16_t otherwise)
{
	struct addr at;
	const cJSON *face;
	cJSON_ArrayForEach(face, faces)
	{
		if (is_face(face, transport, &at))
			return addr_port(&at);
	}
	return otherwise;
}

struct lookup {
	struct addr addrs[ADDRS_MAX];
	size_t n;
	int err;
	bool answered;
};

static void on_addrs(void *arg, const struct dns_answer *a)
{
	struct lookup *l = arg;
	l->answered = true;
	l->err = a->err;
	l->n = a->err ? 0 : MIN(a->n, (size_t)ADDRS_MAX);
	memcpy(l->addrs, a->addrs, l->n * sizeof(l->addrs[0]));
}

static void look_up(struct test *t, struct lookup *l, struct str host)
{
	if (addr_parse(&l->addrs[0], host, 0) == 0) {
		l->n = 1;
		return;
	}
	t->name = host;
	struct dns *dns = dns_new(t->loop, NULL);
	(void)dns_ask(dns, DNS_ADDRS, host, on_addrs, l);
	while (!l->answered)
		loop_turn(t->loop, USEC_PER_SEC / 10);
	dns_free(&dns);
}

/* HOST, HOST:PORT, ADDRESS, [ADDRESS]:PORT. */
static int split(struct str to, struct str *host, uint32_t *port)
{
	struct addr a;
	ssize_t colon = str_rchr(to, ':');
	*host = to;
	*port = 0;
	if (colon < 0 || addr_parse(&a, to, 0) == 0)
		return 0;
	*host = str_sub(to, 0, (size_t)colon);
	return str_to_u32(str_sub(to, (size_t)colon + 1, to.len), UINT16_MAX, port);
}

static int add_host(struct test *t, struct str to, const cJSON *faces)
{
	struct lookup l = { .n = 0 };
	struct str host;
	uint32_t port;
	if (split(to, &host, &port) < 0 || host.len == 0)
		return tool_fail("--to is a host, such as av.example.net or 192.0.2.7, or one with "
		                 "a port: 192.0.2.7:443.");
	look_up(t, &l, host);
	if (l.n == 0)
		return tool_fail("The DNS has no address of %" STR_FMT ": %s.", STR_ARG(host),
		                 strerror(-l.err));
	for (size_t i = 0; i < l.n; i++) {
		struct addr *a = &l.addrs[i];
		addr_set_port(a, port ? (uint16_t)port : port_of(faces, "udp", UDP_PORT));
		add_face(t, *a, true);
		addr_set_port(a, port ? (uint16_t)port : port_of(faces, "tcp", TCP_PORT));
		add_face(t, *a, false);
	}
	return EXIT_FINE;
}

static int find_targets(struct test *t, struct str to)
{
	cJSON *status = NULL;
	int r = remote_get(t->tool, "edge-av", "relay status", NULL, &status);
	const cJSON *faces =
	        cJSON_GetObjectItemCaseSensitive(cJSON_GetArrayItem(status, 0), "faces");
	if (r == EXIT_FINE && to.len > 0)
		r = add_host(t, to, faces);
	else if (r == EXIT_FINE)
		add_faces(t, faces);
	cJSON_Delete(status);
	if (r == EXIT_FINE && t->n_targets == 0)
		r = tool_fail(
		        "The role edge-av has neither `udp` nor `tcp`: nobody can come to it.");
	return r;
}

/* --- with what ------------------------------------------------------------------------- */

static int get_credential(struct test *t, struct str user)
{
	cJSON *args = cJSON_CreateObject();
	cJSON_AddStringToObject(args, "user", user.len > 0 ? user.p : nobody);
	int r = remote_get(t->tool, "edge-av", "relay credential", args, &t->credential);
	cJSON_Delete(args);
	return r;
}

/* Clients trust the deployment's own CA or the public ones. */
static int make_tls(struct test *t)
{
	auto_(buf_free) struct buf pem = buf_of(CA_MAX);
	const char *why = "";
	if (file_read(certs_path(t->arena, t->topo, STR("ca"), ".pem"), &pem) == 0)
		buf_char(&pem, '\n');
	(void)!file_read(system_ca, &pem);
	struct tls_client_config cfg = { .ca_pem = buf_view(&pem) };
	t->tls = tls_client_new(&cfg, &why);
	return t->tls ? EXIT_FINE : tool_fail("No CA can be used: %s.", why);
}

static int read_settings(struct test *t)
{
	auto_(buf_free) struct buf why = buf_of(4096);
	t->role = topo_role_here(t->topo, STR("edge-av"));
	if (!t->role)
		return tool_fail(
		        "This host has no A/V edge: there is no section [role edge-av] for "
		        "it in topology.conf.");
	if (topo_settings(t->topo, t->role, relay_settings, &t->settings, &why) < 0)
		return tool_fail("%" STR_FMT, STR_ARG(str_trim(buf_view(&why))));
	t->name = t->settings.internal_name.len ? t->settings.internal_name : t->role->fqdn;
	return EXIT_FINE;
}

/* --- what is said ---------------------------------------------------------------------- */

static const char *transport_of(enum turn_way way)
{
	return way == TURN_BY_UDP ? "udp" : "tcp";
}

static const char *at_opening(struct test *t, const struct target *g, const struct trial *trial)
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

static const char *no_answer(struct test *t, const struct target *g)
{
	return arena_printf(t->arena,
	                    "A firewall drops it, or nobody listens there: let %s %u in to the "
	                    "relay; `dialtone role list` shows whether edge-av runs, `%s` in [role "
	                    "edge-av] names its ports.",
	                    g->way == TURN_BY_UDP ? "UDP" : "TCP", addr_port(&g->at),
	                    transport_of(g->way))
	        .p;
}

/* What a relay refuses, and who can change it. */
static const char *at_refusal(unsigned code)
{
	static const struct {
		unsigned code;
		const char *way;
	} ways[] = {
		{ 300, "That relay takes nobody any more (`dialtone relay drain off` there)." },
		{ 401, "The credentials are of this host's relay.  That one has another key, or "
		       "another clock: the hosts of one edge need the same edge-av-pool.key in "
		       "their data directories, and their clocks set (timedatectl set-ntp true)." },
		{ 403,
		  "The relay must not reach its own relayed address: is `closed-peers` in "
		  "[role edge-av] too wide?  A private address can be opened in `open-peers`." },
		{ 440,
		  "The relay has no relayed address of that family: `relay-addresses` in [role "
		  "edge-av]." },
		{ 437, "The relay has forgotten the allocation: was it restarted?" },
		{ 486, "The user has too many allocations (`dialtone allocation list`, "
		       "`user-allocations-max` in [role edge-av]), or the relay takes no new ones "
		       "(`dialtone relay drain off`)." },
		{ 508, "No relayed port is free: `relay-port-min`, `relay-port-max` and "
		       "`allocations-max` in [role edge-av]; `dialtone relay status` shows how "
		       "many are taken." },
	};
	for (size_t i = 0; i < ARRAY_SIZE(ways); i++)
		if (ways[i].code == code)
			return ways[i].way;
	return "The log of edge-av says more, with log-level = debug in local.conf.";
}

static const char *remedy_of(struct test *t, const struct target *g, const struct trial *trial)
{
	if (trial->failure.where == TURN_AT_OPENING)
		return at_opening(t, g, trial);
	if (trial->failure.code)
		return at_refusal(trial->failure.code);
	if (trial->failure.err == -ETIMEDOUT)
		return no_answer(t, g);
	return "Does another program answer there?  `ss -lnp` on that host names it.";
}

/* The last finding gets what programs want to know. */
static void add_fields(cJSON *findings, const struct target *g, const struct trial *trial)
{
	auto_(buf_free) struct buf at = buf_of(64), relayed = buf_of(64);
	cJSON *f = cJSON_GetArrayItem(findings, cJSON_GetArraySize(findings) - 1);
	addr_put(&at, &g->at);
	buf_char(&at, '\0');
	cJSON_AddStringToObject(f, "transport", way_names[g->way]);
	cJSON_AddStringToObject(f, "address", at.p);
	if (trial->state != TRIAL_WORKS)
		return;
	addr_put(&relayed, &trial->sides[0].allocation.relayed);
	buf_char(&relayed, '\0');
	cJSON_AddStringToObject(f, "relayed", relayed.p);
}

static void tell_works(struct test *t, const char *about, const struct trial *trial)
{
	auto_(buf_free) struct buf b = buf_of(256);
	addr_put(&b, &trial->sides[0].allocation.relayed);
	buf_lit(&b, " (the relay sees us as ");
	addr_put(&b, &trial->sides[0].allocation.mapped);
	buf_lit(&b, ")");
	finding_add(t->findings, FINDING_OK, about, NULL, "works, relayed at %" STR_FMT,
	            STR_ARG(buf_view(&b)));
}

static void tell_no_data(struct test *t, const char *about, const struct trial *trial)
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
	                     t->settings.port_min + t->topo->port_offset,
	                     t->settings.port_max + t->topo->port_offset)
	                .p;
	finding_add(t->findings, FINDING_ERROR, about, remedy,
	            "allocations are made, but %s data come out at %" STR_FMT,
	            there ? "no answering" : "no", STR_ARG(buf_view(&b)));
}

static void tell(struct test *t, const struct target *g, const struct trial *trial)
{
	auto_(buf_free) struct buf about = buf_of(128);
	buf_printf(&about, "%s ", way_names[g->way]);
	addr_put(&about, &g->at);
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

/* --- the whole ------------------------------------------------------------------------- */

/* Those of one host and of one kind at a time: a relay answers strangers at a limited rate. */
static void try_some(struct test *t, size_t from, size_t n)
{
	bool over = false, clean = false;
	for (size_t i = from; i < from + n; i++) {
		struct turn_client_config cfg = {
			.server = t->targets[i].at,
			.way = t->targets[i].way,
			.tls = t->tls,
			.server_name = t->name,
			.user = ctl_text(t->credential, "username"),
			.password = ctl_text(t->credential, "password"),
		};
		trial_start(&t->trials[i], t->loop, &cfg);
	}
	while (!over) {
		loop_turn(t->loop, USEC_PER_SEC / 10);
		over = true;
		for (size_t i = from; i < from + n; i++)
			over &= trial_is_over(&t->trials[i]);
	}
	for (int turns = 0; turns < CLEAN_TURNS && !clean; turns++) {
		clean = true;
		for (size_t i = from; i < from + n; i++)
			clean &= trial_is_clean(&t->trials[i]);
		loop_turn(t->loop, clean ? 0 : 50 * USEC_PER_MSEC);
	}
}

enum { AT_ONCE = 4 };

static int try_all(struct test *t)
{
	t->findings = cJSON_CreateArray();
	for (size_t from = 0; from < t->n_targets; from += AT_ONCE) {
		size_t n = MIN((size_t)AT_ONCE, t->n_targets - from);
		try_some(t, from, n);
		for (size_t i = from; i < from + n; i++) {
			tell(t, &t->targets[i], &t->trials[i]);
			trial_free(&t->trials[i]);
		}
	}
	return finding_show(t->tool, t->findings, false);
}

static int prepare(struct test *t, const cJSON *args)
{
	int r = read_settings(t);
	if (r == EXIT_FINE)
		r = find_targets(t, ctl_text(args, "to"));
	if (r == EXIT_FINE)
		r = get_credential(t, ctl_text(args, "user"));
	return r == EXIT_FINE ? make_tls(t) : r;
}

int relay_test(struct tool *tool, cJSON *args)
{
	auto_(arena_free) struct arena *arena = arena_new();
	struct test *t = xnew(struct test);
	t->tool = tool;
	t->arena = arena;
	t->topo = tool_topo(tool);
	int r = t->topo ? remote_name_user(tool, args, "user") : EXIT_FAILED;
	t->loop = loop_new();
	if (r == EXIT_FINE)
		r = prepare(t, args);
	if (r == EXIT_FINE)
		r = try_all(t);
	if (t->credential)
		remote_forget(t->credential);
	tls_client_unref(&t->tls);
	loop_free(&t->loop);
	free(t);
	return r;
}
