#include "daemon/config.h"

#include "daemon/roles.h"
#include "tap.h"
#include "topo/conf.h"

/* Which ports of roles that speak from host to host are bound, and what is wrong about them. */

#define DEPLOYMENT "[deployment]\ndomains = example.test\n"
#define HOSTS                                                                \
	"[host a]\nname = a.example.test\naddresses = 10.0.0.1, 127.0.0.1\n" \
	"[host b]\nname = b.example.test\naddresses = 10.0.0.2, 10.0.0.3, 127.0.0.1\n"
#define ON_A "[role accounts]\nhost = a\n[role frontend]\nhost = a\n"
#define MCU_ON_B "[role mcu-im]\nhost = b\n"

/* host: what stands in local.conf behind "host =". */
static struct topo *read_as(const char *topology, const char *host, struct buf *errors)
{
	char local[64];
	(void)snprintf(local, sizeof(local), "[local]\nhost = %s\n", host);
	return config_topo(str_of(topology), str_of(local), "/etc/dt", roles_all, errors);
}

static struct topo *parse(const char *topology, const char *host)
{
	auto_(buf_free) struct buf errors = buf_of(CONF_ERRORS_MAX);
	struct topo *t = read_as(topology, host, &errors);
	EQ_STR(buf_view(&errors), "");
	return t;
}

static void expect_error(const char *topology, const char *want)
{
	auto_(buf_free) struct buf errors = buf_of(CONF_ERRORS_MAX);
	auto_(topo_free) struct topo *t = read_as(topology, "a", &errors);
	OK(t == NULL);
	OK(str_find(buf_view(&errors), str_of(want)) >= 0);
	if (str_find(buf_view(&errors), str_of(want)) < 0)
		EQ_STR(buf_view(&errors), want);
}

static const struct topo_role *role_on(const struct topo *t, const char *host, const char *role)
{
	for (size_t i = 0; i < t->n_roles; i++)
		if (str_eq(t->roles[i].host->id, str_of(host)) &&
		    str_eq(t->roles[i].role, str_of(role)))
			return &t->roles[i];
	return NULL;
}

/* How many addresses it listens on with that port. */
static unsigned listens(const struct topo *t, const char *host, const char *role,
                        enum topo_proto proto, uint16_t port)
{
	const struct topo_role *r = role_on(t, host, role);
	unsigned n = 0;
	for (size_t i = 0; r && i < r->n_listens; i++)
		n += r->listens[i].proto == proto && addr_port(&r->listens[i].addr) == port;
	return n;
}

/* As the role would say it when it starts. */
static void settings_that_do_not_go_together_are_told(void)
{
	static const char *const bad[][2] = {
		{ "[role edge-av]\nrelay-port-min = 50000\nrelay-port-max = 50000\n",
		  "[role edge-av] relay-port-min to relay-port-max" },
		{ "[role edge-av]\nexternal-addresses = here\n", "\"here\" is no IP address" },
		{ "[role edge-av]\nexternal-name = av example\n",
		  "\"av example\" is neither a DNS name nor an IP address" },
		{ "[role media-bridge]\nmedia-port-min = 50000\n", "media-port-max (49999)" },
		{ "[role frontend]\nmin-expires = 2 h\nmax-expires = 1 h\n", "ascending order" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		char text[512];
		(void)snprintf(text, sizeof(text),
		               DEPLOYMENT "[host a]\nname = a.example.test\n"
		                          "addresses = 10.0.0.1\n%s",
		               bad[i][0]);
		expect_error(text, bad[i][1]);
	}
	auto_(topo_free) struct topo *t =
	        parse(DEPLOYMENT "[host a]\nname = a.example.test\naddresses = 10.0.0.1\n"
	                         "[role edge-av]\nexternal-name = AV.example.test\n"
	                         "internal-name = 10.0.0.1\n",
	              "a");
	OK(t != NULL);
}

static void one_host_binds_nothing_for_other_hosts(void)
{
	auto_(topo_free) struct topo *t =
	        parse(DEPLOYMENT "[host a]\nname = a.example.test\naddresses = 10.0.0.1\n"
	                         "[role accounts]\n[role frontend]\n[role mcu-im]\nprocesses = 2\n",
	              "a");
	if (!OK(t != NULL))
		return;
	EQ(listens(t, "a", "frontend", TOPO_TLS, 5061), 1);
	EQ(listens(t, "a", "frontend", TOPO_HTTPS, 444), 0);
	EQ(role_on(t, "a", "mcu-im")->n_listens, 0);
}

#define WEB_ON_A                                                                  \
	DEPLOYMENT "[host a]\nname = a.example.test\naddresses = 10.0.0.1, ::1\n" \
	           "[role accounts]\n[role frontend]\n[role web]\n"

/* Port 80 is there where 443 is, and nowhere else unless it is said. */
static void plain_http_stands_beside_https(void)
{
	static const struct {
		const char *lines;
		size_t http_80, http_8080;
	} row[] = {
		{ "", 0, 0 },
		{ "https = 10.0.0.1:443\n", 1, 0 },
		{ "https = 10.0.0.1:443, [::1]:443, 10.0.0.1:4443\n", 2, 0 },
		{ "https = 10.0.0.1:443\nhttp = none\n", 0, 0 },
		{ "https = 10.0.0.1:443\nhttp = 10.0.0.1:8080\n", 0, 1 },
		{ "http = 10.0.0.1:80\n", 1, 0 },
	};
	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		char text[1024];
		(void)snprintf(text, sizeof(text), WEB_ON_A "%s", row[i].lines);
		auto_(topo_free) struct topo *t = parse(text, "a");
		if (!OK(t != NULL))
			return;
		EQ(listens(t, "a", "web", TOPO_HTTP, 80), row[i].http_80);
		EQ(listens(t, "a", "web", TOPO_HTTP, 8080), row[i].http_8080);
	}
	expect_error(WEB_ON_A "https = none\nhttp = 10.0.0.1:80\n",
	             "there is no https to send browsers to");
	expect_error(WEB_ON_A "wss = 10.0.0.1:7443\n", "has no use for \"wss\"");
}

static void roles_on_two_hosts_listen_for_each_other(void)
{
	struct addr at[4];
	auto_(topo_free) struct topo *t = parse(DEPLOYMENT HOSTS ON_A MCU_ON_B, "a");
	if (!OK(t != NULL))
		return;
	EQ(listens(t, "a", "frontend", TOPO_HTTPS, 444), 2);
	EQ(listens(t, "b", "mcu-im", TOPO_HTTPS, 444), 3);
	EQ(listens(t, "b", "mcu-im", TOPO_TLS, 5062), 3);
	/* Other hosts do not reach it on loopback. */
	EQ(topo_reach(role_on(t, "b", "mcu-im"), TOPO_TLS, at, ARRAY_SIZE(at)), 2);
	EQ(addr_port(&at[1]), 5062);
	EQ(topo_reach(role_on(t, "b", "mcu-im"), TOPO_TLS, at, 1), 1);
}

static void a_front_end_uses_the_mcus_of_its_own_host_if_there_are_some(void)
{
	auto_(topo_free) struct topo *t =
	        parse(DEPLOYMENT HOSTS ON_A "[role mcu-im]\nhost = a\n" MCU_ON_B, "a");
	if (!OK(t != NULL))
		return;
	EQ(listens(t, "a", "frontend", TOPO_HTTPS, 444), 0);
	EQ(role_on(t, "b", "mcu-im")->n_listens, 0);
	OK(!topo_meet(t, role_on(t, "a", "frontend"), role_on(t, "b", "mcu-im")));
}

static void addresses_can_be_given(void)
{
	struct addr at[4];
	auto_(topo_free) struct topo *t = parse(
	        DEPLOYMENT HOSTS ON_A "https = 10.0.0.1:4444\n" MCU_ON_B "tls = 0.0.0.0:7000\n",
	        "a");
	if (!OK(t != NULL))
		return;
	EQ(listens(t, "a", "frontend", TOPO_HTTPS, 4444), 1);
	EQ(listens(t, "a", "frontend", TOPO_HTTPS, 444), 0);
	EQ(topo_reach(role_on(t, "b", "mcu-im"), TOPO_TLS, at, ARRAY_SIZE(at)), 2);
	EQ(addr_port(&at[0]), 7000);
}

static void the_offset_is_added_on_every_host(void)
{
	struct addr at[4];
	auto_(topo_free) struct topo *t =
	        parse(DEPLOYMENT HOSTS ON_A MCU_ON_B, "b\nport-offset = 1000");
	if (!OK(t != NULL))
		return;
	EQ(listens(t, "b", "mcu-im", TOPO_HTTPS, 1444), 3);
	EQ(topo_reach(role_on(t, "a", "frontend"), TOPO_HTTPS, at, ARRAY_SIZE(at)), 1);
	EQ(addr_port(&at[0]), 1444);
}

static unsigned behind(const struct topo *t, const char *host, const char *role)
{
	const struct topo_role *r = role_on(t, host, role);
	unsigned n = 0;
	for (size_t i = 0; r && i < r->n_listens; i++)
		n += r->listens[i].is_behind;
	return n;
}

/* By the address, and on its own host alone. */
static void who_has_a_door_s_port_is_behind_it(void)
{
	auto_(topo_free) struct topo *t = parse(
	        DEPLOYMENT HOSTS ON_A "[role web]\nhost = a\nhttps = 10.0.0.1:443, 10.0.0.1:4443\n"
	                              "[role edge-av]\nhost = a\n[role door]\nhost = a\n"
	                              "[role edge-av]\nhost = b\n",
	        "a");
	EQ(behind(t, "a", "web"), 1);
	EQ(behind(t, "a", "edge-av"), 2);
	EQ(behind(t, "b", "edge-av"), 0);
	EQ(behind(t, "a", "door"), 0);
	EQ(behind(t, "a", "frontend"), 0);
	EQ(listens(t, "a", "web", TOPO_HTTP, 80), 1);
	expect_error(DEPLOYMENT HOSTS ON_A "[role edge-av]\nhost = a\ntcp = 10.0.0.1:443\n"
	                                   "[role door]\nhost = a\n",
	             "nobody is behind 127.0.0.1:443 of [role door]");
	expect_error(DEPLOYMENT HOSTS ON_A "[role edge-av]\nhost = a\n[role door]\nhost = a\n"
	                                   "tcp = none\n",
	             "`tcp` is none");
	expect_error(DEPLOYMENT HOSTS ON_A "[role edge-av]\nhost = a\n"
	                                   "[role web]\nhost = a\nhttps = 10.0.0.1:443\n",
	             "or have both served there by a [role door]");
}

static void what_cannot_work_is_an_error_with_its_remedy(void)
{
	expect_error(DEPLOYMENT HOSTS "[role accounts]\nhost = a\n[role frontend]\nhost = b\n",
	             "[role frontend] is on host b, but [role accounts], which it speaks with, is "
	             "on host a; give both the same host");
	expect_error(DEPLOYMENT HOSTS ON_A "[role media-bridge]\nhost = b\n",
	             "[role media-bridge] is on host b, but [role frontend]");
	expect_error(DEPLOYMENT HOSTS ON_A "name = 10.0.0.1\n" MCU_ON_B,
	             "needs a DNS name for its certificate, not the address 10.0.0.1");
	expect_error(DEPLOYMENT HOSTS ON_A MCU_ON_B "processes = 2\n",
	             "[role mcu-im] serves other hosts and can have one process; set \"processes = "
	             "1\"");
	expect_error(DEPLOYMENT HOSTS ON_A MCU_ON_B "https = none\n",
	             "[role mcu-im] must listen over https for the role frontend of another host");
	expect_error(DEPLOYMENT HOSTS ON_A MCU_ON_B "name = a.example.test\n",
	             "of another host have the same name, a.example.test");
	expect_error(DEPLOYMENT HOSTS ON_A "name = b.example.test\n" MCU_ON_B,
	             "of another host have the same name, b.example.test");
	expect_error(
	        DEPLOYMENT HOSTS ON_A "https = 10.0.0.1:444\n",
	        "\"https\" of [role frontend] is for the role mcu-im of another host, and there "
	        "is none");
	expect_error(DEPLOYMENT HOSTS ON_A "[role mcu-im]\nhost = a\ntls = 10.0.0.1:5062\n",
	             "\"tls\" of [role mcu-im] is for the role frontend of another host");
}

static struct config config_of(const char *topology, struct topo **ret)
{
	*ret = parse(topology, "a");
	return (struct config){ .topo = *ret };
}

/* What a reload would have to be refused for. */
static void expect_restart(const char *now, const char *next, const char *want)
{
	auto_(buf_free) struct buf why = buf_of(4096);
	struct topo *a, *b;
	struct config ca = config_of(now, &a), cb = config_of(next, &b);
	int n = config_restart_reasons(&ca, &cb, roles_all, &why);
	EQ(n, want[0] ? 1 : 0);
	EQ_STR(buf_view(&why), want);
	topo_free(&a);
	topo_free(&b);
}

static void changes_of_the_other_host_need_a_restart_here(void)
{
#define TWO DEPLOYMENT HOSTS ON_A MCU_ON_B
	expect_restart(TWO, TWO, "");
	expect_restart(TWO, TWO "metrics-port = 0\n", "");
	expect_restart(TWO, TWO "tls = 10.0.0.2:7000\n",
	               "[role frontend] roles of other hosts that it speaks with\n");
	expect_restart(TWO, TWO "name = mcu.example.test\n",
	               "[role frontend] roles of other hosts that it speaks with\n");
}

int main(void)
{
	RUN(settings_that_do_not_go_together_are_told);
	RUN(one_host_binds_nothing_for_other_hosts);
	RUN(plain_http_stands_beside_https);
	RUN(roles_on_two_hosts_listen_for_each_other);
	RUN(a_front_end_uses_the_mcus_of_its_own_host_if_there_are_some);
	RUN(addresses_can_be_given);
	RUN(the_offset_is_added_on_every_host);
	RUN(who_has_a_door_s_port_is_behind_it);
	RUN(what_cannot_work_is_an_error_with_its_remedy);
	RUN(changes_of_the_other_host_need_a_restart_here);
	return tap_done();
}
