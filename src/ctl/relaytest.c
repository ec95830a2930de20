#include "ctl/relaytest.h"

#include <errno.h>
#include <stdlib.h>

#include "base/arena.h"
#include "ctl/certs.h"
#include "ctl/file.h"
#include "ctl/finding.h"
#include "ctl/password.h"
#include "ctl/relaytell.h"
#include "ctl/relayuse.h"
#include "ctl/remote.h"
#include "svc/relay/settings.h"

enum {
	CA_MAX = 4 * 1024 * 1024,
	CLEAN_TURNS = 20, /* of 50 ms, for releases */
	AT_ONCE = 4,
};

/* Whose credentials are used if nobody is named: no account has it. */
static const char nobody[] = "relay-test";
static const char system_ca[] = "/etc/ssl/certs/ca-certificates.crt";

struct test {
	struct tool *tool;
	const struct topo *topo;      /* NULL: there is none here, and credentials are given */
	const struct topo_role *role; /* NULL: not on this host */
	struct loop *loop;
	cJSON *credential;
	struct tls_client *tls;
	struct relay_targets targets;
	struct trial trials[RELAY_TARGETS_MAX];
	struct relay_tell tell;
	bool far;  /* a host was named, of which nothing is known */
	bool ipv6; /* relayed addresses of that family are tried */
};

/* --- what is known here ---------------------------------------------------------------- */

static int tell_where(const struct test *t)
{
	auto_(buf_free) struct buf b = buf_of(4096);
	if (t->topo && remote_put_where(&b, t->topo, "edge-av", NULL))
		return tool_fail("This host has no A/V edge: %" STR_FMT ".  Run this there; or "
		                 "here with --to and that host, and --username of what `dialtone "
		                 "relay credential` prints there.",
		                 STR_ARG(buf_view(&b)));
	return tool_fail("No host has an A/V edge: there is no section [role edge-av] in "
	                 "topology.conf.");
}

/* A host that only looks at a relay from outside has no topology. */
static bool has_topology(const struct tool *t)
{
	auto_(arena_free) struct arena *a = arena_new();
	return file_exists(arena_printf(a, "%s/topology.conf", t->config_dir).p);
}

static int read_settings(struct test *t, const cJSON *args)
{
	auto_(buf_free) struct buf why = buf_of(4096);
	struct relay_settings s;
	uint32_t offset = 0;
	t->far = ctl_text(args, "to").len > 0;
	t->ipv6 = t->far;
	t->tell.given = ctl_text(args, "username").len > 0;
	if (!t->tell.given || has_topology(t->tool))
		t->topo = tool_topo(t->tool);
	if (!t->topo && (!t->tell.given || has_topology(t->tool)))
		return EXIT_FAILED;
	t->role = t->topo ? topo_role_here(t->topo, STR("edge-av")) : NULL;
	if (!t->role && !(t->tell.given && t->far))
		return t->tell.given ? tool_fail("Which relay?  --to names its host.")
		                     : tell_where(t);
	relay_settings_default(&s);
	if (t->role && topo_settings(t->topo, t->role, relay_settings, &s, &why) < 0)
		return tool_fail("%" STR_FMT, STR_ARG(str_trim(buf_view(&why))));
	if (t->role) {
		offset = t->topo->port_offset;
		t->tell.name = s.internal_name.len ? s.internal_name : t->role->fqdn;
	}
	t->tell.first_port = s.port_min + offset;
	t->tell.last_port = s.port_max + offset;
	return EXIT_FINE;
}

/* False, told: it is no port.  *ret 0: it is not given. */
static bool read_port(const cJSON *args, const char *name, uint32_t *ret)
{
	double v = ctl_number(args, name, 0);
	if (cJSON_HasObjectItem(args, name) && !(v >= 1 && v <= UINT16_MAX)) {
		(void)tool_fail("--%s is a number from 1 to %d.", name, UINT16_MAX);
		return false;
	}
	*ret = (uint32_t)v;
	return true;
}

static int find_targets(struct test *t, const cJSON *args)
{
	cJSON *status = NULL;
	int r = t->role ? remote_get(t->tool, "edge-av", "relay status", NULL, &status) : EXIT_FINE;
	const cJSON *process = cJSON_GetArrayItem(status, 0);
	struct relay_where w = {
		.to = ctl_text(args, "to"),
		.faces = cJSON_GetObjectItemCaseSensitive(process, "faces"),
	};
	if (r == EXIT_FINE &&
	    !(read_port(args, "udp-port", &w.udp_port) && read_port(args, "tcp-port", &w.tcp_port)))
		r = EXIT_FAILED;
	if (r == EXIT_FINE)
		r = relay_targets_find(&t->targets, t->loop, &w);
	if (!t->far) {
		t->tell.draining = ctl_flag(process, "draining");
		t->ipv6 = str_chr(ctl_text(process, "relayed_addresses"), ':') >= 0;
	}
	if (t->targets.is_name || !t->role)
		t->tell.name = t->targets.host;
	cJSON_Delete(status);
	return r;
}

/* --- with what ------------------------------------------------------------------------- */

static int tell_no_password(int err)
{
	if (err == -ENOTTY)
		return tool_fail("There is no terminal to ask for the password on.  Say "
		                 "--password-stdin and give it on standard input.");
	if (err == -ECANCELED)
		return tool_fail("Interrupted.");
	return tool_fail("That is no password of `dialtone relay credential`.");
}

/* Brought from where the relay is. */
static int read_given(struct test *t, const cJSON *args)
{
	struct buf password = buf_of(PASSWORD_MAX + 2);
	enum password_source from =
	        ctl_flag(args, "password-stdin") ? PASSWORD_STDIN : PASSWORD_ASK_ONCE;
	int r = password_get(&password, from, "these credentials");
	if (r == 0) {
		t->credential = cJSON_CreateObject();
		cJSON_AddStringToObject(t->credential, "username", ctl_text(args, "username").p);
		cJSON_AddStringToObject(t->credential, "password", password.p);
	}
	if (password.p)
		wipe(password.p, password.len);
	buf_free(&password);
	return r < 0 ? tell_no_password(r) : EXIT_FINE;
}

static int get_credential(struct test *t, const cJSON *args)
{
	struct str user = ctl_text(args, "user");
	if (t->tell.given)
		return read_given(t, args);
	cJSON *asked = cJSON_CreateObject();
	cJSON_AddStringToObject(asked, "user", user.len > 0 ? user.p : nobody);
	int r = remote_get(t->tool, "edge-av", "relay credential", asked, &t->credential);
	cJSON_Delete(asked);
	return r;
}

/* Clients trust the deployment's own CA, the one that is named, and the public ones. */
static int make_tls(struct test *t, const cJSON *args)
{
	auto_(buf_free) struct buf pem = buf_of(CA_MAX);
	const char *why = "";
	struct str ca = ctl_text(args, "ca");
	int r = ca.len > 0 ? file_read(ca.p, &pem) : 0;
	if (r < 0)
		return tool_fail("%s cannot be read: %s.", ca.p, strerror(-r));
	buf_char(&pem, '\n');
	if (t->topo && file_read(certs_path(t->tell.arena, t->topo, STR("ca"), ".pem"), &pem) == 0)
		buf_char(&pem, '\n');
	(void)!file_read(system_ca, &pem);
	struct tls_client_config cfg = { .ca_pem = buf_view(&pem) };
	t->tls = tls_client_new(&cfg, &why);
	return t->tls ? EXIT_FINE : tool_fail("No CA can be used: %s.", why);
}

/* --- the whole ------------------------------------------------------------------------- */

/* Those of one host and of one kind at a time: a relay answers strangers at a limited rate. */
static void try_some(struct test *t, size_t from, size_t n)
{
	bool over = false, clean = false;
	for (size_t i = from; i < from + n; i++) {
		struct turn_client_config cfg = {
			.server = t->targets.list[i].at,
			.way = t->targets.list[i].way,
			.family = t->targets.list[i].family,
			.tls = t->tls,
			.server_name = t->tell.name,
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

/* Where UDP works with a relayed address of IPv4, the same with one of IPv6 is tried behind. */
static void add_ipv6(struct test *t, size_t i)
{
	struct relay_target one = t->targets.list[i];
	if (!t->ipv6 || one.way != TURN_BY_UDP || one.family == AF_INET6 ||
	    t->trials[i].state != TRIAL_WORKS)
		return;
	one.family = AF_INET6;
	relay_targets_add(&t->targets, &one);
}

/* Nobody has said that a relay elsewhere has IPv6. */
static bool is_to_be_told(const struct test *t, size_t i)
{
	return !(t->far && t->targets.list[i].family == AF_INET6 &&
	         t->trials[i].failure.code == 440);
}

/* For people: what helps against several in a row stands below the last of them. */
static void say_remedies_once(cJSON *findings)
{
	cJSON *f;
	cJSON_ArrayForEach(f, findings)
	{
		if (f->next && str_eq(ctl_text(f, "remedy"), ctl_text(f->next, "remedy")))
			cJSON_DeleteItemFromObjectCaseSensitive(f, "remedy");
	}
}

static int try_all(struct test *t)
{
	t->tell.findings = cJSON_CreateArray();
	for (size_t from = 0; from < t->targets.n;) {
		size_t n = MIN((size_t)AT_ONCE, t->targets.n - from);
		try_some(t, from, n);
		for (size_t i = from; i < from + n; i++) {
			if (is_to_be_told(t, i))
				relay_tell(&t->tell, &t->targets.list[i], &t->trials[i]);
			add_ipv6(t, i);
			trial_free(&t->trials[i]);
		}
		from += n;
	}
	if (!t->tool->json)
		say_remedies_once(t->tell.findings);
	return finding_show(t->tool, t->tell.findings, false);
}

static int prepare(struct test *t, cJSON *args)
{
	int r = read_settings(t, args);
	if (r == EXIT_FINE && !t->tell.given && ctl_flag(args, "password-stdin"))
		r = tool_fail("--password-stdin goes with --username.");
	if (r == EXIT_FINE && !t->tell.given && cJSON_HasObjectItem(args, "user"))
		r = relayuse_account(t->tool, args);
	if (r == EXIT_FINE)
		r = find_targets(t, args);
	if (r == EXIT_FINE)
		r = get_credential(t, args);
	return r == EXIT_FINE ? make_tls(t, args) : r;
}

int relay_test(struct tool *tool, cJSON *args)
{
	auto_(arena_free) struct arena *arena = arena_new();
	struct test *t = xnew(struct test);
	t->tool = tool;
	t->tell.arena = arena;
	t->loop = loop_new();
	int r = prepare(t, args);
	if (r == EXIT_FINE)
		r = try_all(t);
	if (t->credential)
		remote_forget(t->credential);
	tls_client_unref(&t->tls);
	loop_free(&t->loop);
	free(t);
	return r;
}
