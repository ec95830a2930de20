#include "topo/topo.h"

#include <errno.h>

#include "tap.h"
#include "topo/conf.h"

#define LOCAL "[local]\n"
#define DEPLOYMENT "[deployment]\ndomains = Example.test, other.test\n"
#define HOST "[host main]\nname = pc.example.test\naddresses = 127.0.0.1, ::1\n"

static struct topo *parse(const char *topology, const char *local)
{
	auto_(buf_free) struct buf errors = buf_of(CONF_ERRORS_MAX);
	struct topo *t = topo_parse(str_of(topology), str_of(local), "/etc/dt", &errors);
	EQ_STR(buf_view(&errors), "");
	return t;
}

static void expect_error(const char *topology, const char *local, const char *want)
{
	auto_(buf_free) struct buf errors = buf_of(CONF_ERRORS_MAX);
	auto_(topo_free) struct topo *t =
	        topo_parse(str_of(topology), str_of(local), "/etc/dt", &errors);
	OK(t == NULL);
	EQ_STR(buf_view(&errors), want);
}

static void a_small_topology_is_read(void)
{
	auto_(topo_free) struct topo *t = parse(
	        DEPLOYMENT HOST "[role accounts]\n[role frontend]\nname = sip.example.test\n"
	                        "processes = 2\nudp = 127.0.0.1:5060, [::1]:5060\ntls = none\n",
	        LOCAL);
	if (!OK(t != NULL))
		return;
	EQ(t->n_domains, 2);
	EQ_STR(t->domains[0], "example.test");
	EQ_STR(t->realm, "example.test");
	OK(topo_is_our_domain(t, STR("OTHER.test")));
	OK(!topo_is_our_domain(t, STR("test")));
	OK(t->self && t->n_hosts == 1 && t->self == &t->hosts[0]);
	EQ_STR(t->data_dir, "/etc/dt/data");
	EQ_STR(t->run_dir, "/etc/dt/run");
	EQ(t->log_level, LOG_INFO);
	const struct topo_role *r = topo_role_here(t, STR("frontend"));
	if (!OK(r != NULL))
		return;
	EQ(r->processes, 2);
	EQ_STR(r->fqdn, "sip.example.test");
	EQ(r->n_listens, 2);
	EQ(addr_port(&r->listens[1].addr), 5060);
	OK(r->listens_given[TOPO_UDP] && r->listens_given[TOPO_TLS] && !r->listens_given[TOPO_TCP]);
	EQ_STR(topo_role_here(t, STR("accounts"))->fqdn, "pc.example.test");
	OK(topo_role_here(t, STR("edge")) == NULL);
}

static void the_local_file_is_applied(void)
{
	auto_(topo_free) struct topo *t =
	        parse(DEPLOYMENT HOST "[host two]\nname = two.example.test\naddresses = 10.0.0.2\n"
	                              "[role frontend]\nhost = two\nudp = 10.0.0.2:5060\n",
	              LOCAL "host = two\nport-offset = 10000\ndata = /var/lib/dialtone\n"
	                    "user = nobody\nlog-level = debug\n");
	if (!OK(t != NULL))
		return;
	EQ_STR(t->self->id, "two");
	EQ(addr_port(&topo_role_here(t, STR("frontend"))->listens[0].addr), 15060);
	EQ_STR(t->data_dir, "/var/lib/dialtone");
	EQ_STR(t->user, "nobody");
	EQ(t->log_level, LOG_DEBUG);
}

static void an_installation_of_the_system_keeps_its_data_outside_of_etc(void)
{
	auto_(buf_free) struct buf errors = buf_of(4096), run = buf_of(256);
	struct str topology = STR(DEPLOYMENT HOST "[role accounts]\n");
	auto_(topo_free) struct topo *t =
	        topo_parse(topology, STR(LOCAL), "/etc/dialtone", &errors);
	if (!OK(t != NULL))
		return;
	EQ_STR(t->data_dir, "/var/lib/dialtone");
	EQ_STR(t->run_dir, "/run/dialtone");
	EQ_STR(t->cert_dir, "/etc/dialtone/certs");
	topo_put_run_dir(&run, "/etc/dialtone");
	EQ_STR(buf_view(&run), "/run/dialtone");
	topo_free(&t);
	t = topo_parse(topology, STR(LOCAL "data = d\nrun = r\n"), "/etc/dialtone", &errors);
	if (!OK(t != NULL))
		return;
	EQ_STR(t->data_dir, "/etc/dialtone/d");
	EQ_STR(t->run_dir, "/etc/dialtone/r");
}

static void equal_texts_have_equal_versions(void)
{
	auto_(topo_free) struct topo *a = parse(DEPLOYMENT HOST, LOCAL);
	auto_(topo_free) struct topo *b = parse(DEPLOYMENT HOST, LOCAL "port-offset = 1\n");
	auto_(topo_free) struct topo *c = parse(DEPLOYMENT HOST "#\n", LOCAL);
	OK(a && b && c && a->version == b->version && a->version != c->version);
}

static void mistakes_are_named_with_their_line(void)
{
	expect_error(DEPLOYMENT "[host main]\nname = pc.test\nadresses = ::1\n", LOCAL,
	             "topology.conf:5: unknown key \"adresses\" in [host main]; did you mean "
	             "\"addresses\"?\n"
	             "topology.conf:3: [host main] needs \"addresses\"\n"
	             "topology.conf: there is no section [host ...]\n");
	expect_error(DEPLOYMENT HOST "[rule frontend]\n", LOCAL,
	             "topology.conf:6: unknown kind of section [rule]; did you mean [role]?\n");
	expect_error(HOST, LOCAL, "topology.conf: the section [deployment] is missing\n");
	expect_error(DEPLOYMENT HOST, "", "local.conf: the section [local] is missing\n");
	expect_error(DEPLOYMENT HOST "[host main]\nname = x\naddresses = ::1\n", LOCAL,
	             "topology.conf:6: a second [host main]\n");
	expect_error(DEPLOYMENT HOST "[role frontend]\n[role frontend]\n", LOCAL,
	             "topology.conf:7: a second [role frontend] on that host\n");
	expect_error(DEPLOYMENT HOST "[role frontend]\nhost = two\n", LOCAL,
	             "topology.conf:7: there is no [host two]\n");
	expect_error(DEPLOYMENT HOST "[role frontend]\nudp = 5060\n", LOCAL,
	             "topology.conf:7: \"udp\": not an address with port (1.2.3.4:5060, "
	             "[::1]:5060): \"5060\"\n");
	expect_error(DEPLOYMENT HOST "[role frontend]\nudp = 0.0.0.0:5060\n", LOCAL,
	             "topology.conf:7: \"udp\": give the host's addresses themselves instead of "
	             "\"0.0.0.0:5060\"\n");
	expect_error(DEPLOYMENT HOST "[role frontend]\nprocesses = 0\n", LOCAL,
	             "topology.conf:7: \"processes\" must be 1 to 64\n");
	expect_error("[deployment]\ndomains = exa mple\n" HOST, LOCAL,
	             "topology.conf:2: \"domains\": not a DNS name: exa mple\n");
	expect_error(DEPLOYMENT HOST, LOCAL "port-offst = 1\n",
	             "local.conf:2: unknown key \"port-offst\" in [local]; did you mean "
	             "\"port-offset\"?\n");
}

static void a_list_beyond_its_limit_is_refused(void)
{
	auto_(buf_free) struct buf b = buf_of(CONF_TEXT_MAX), errors = buf_of(CONF_ERRORS_MAX);
	buf_lit(&b, DEPLOYMENT HOST "[role frontend]\nudp = 127.0.0.1:1");
	for (int i = 0; i < TOPO_LISTENS_MAX; i++)
		buf_printf(&b, ",127.0.0.1:%d", i + 2);
	auto_(topo_free) struct topo *t = topo_parse(buf_view(&b), STR(LOCAL), "/etc/dt", &errors);
	OK(t == NULL);
	EQ_STR(buf_view(&errors), "topology.conf:7: more than 32 listeners\n");
}

static void default_ports_keep_plain_transports_private(void)
{
	auto_(buf_free) struct buf errors = buf_of(CONF_ERRORS_MAX);
	auto_(topo_free) struct topo *t =
	        parse(DEPLOYMENT "[host main]\nname = pc.test\naddresses = 192.0.2.1, 10.1.1.1\n"
	                         "[role frontend]\ntcp = none\n",
	              LOCAL "port-offset = 10\n");
	if (!OK(t != NULL))
		return;
	const struct topo_role *r = &t->roles[0];
	EQ(topo_add_default_port(t, r, TOPO_UDP, 5060, false, &errors), 0);
	EQ(topo_add_default_port(t, r, TOPO_TCP, 5060, false, &errors), 0);
	EQ(topo_add_default_port(t, r, TOPO_TLS, 5061, false, &errors), 0);
	EQ(r->n_listens, 3);
	EQ(r->listens[0].proto, TOPO_UDP);
	OK(addr_is_private(&r->listens[0].addr) && addr_port(&r->listens[0].addr) == 5070);
	EQ(r->listens[1].proto, TOPO_TLS);
	EQ(r->listens[2].proto, TOPO_TLS);
	EQ(topo_add_default_port(t, r, TOPO_TLS, 65530, false, &errors), -EINVAL);
}

static void the_door_has_a_port_for_those_behind_it(void)
{
	auto_(buf_free) struct buf errors = buf_of(CONF_ERRORS_MAX);
	auto_(topo_free) struct topo *t = parse(
	        DEPLOYMENT HOST "[role a]\ntcp = 127.0.0.1:443\n[role b]\nhttps = 127.0.0.1:443\n",
	        LOCAL);
	if (!OK(t != NULL))
		return;
	topo_set_behind(t, &t->roles[0], 0, false);
	topo_set_behind(t, &t->roles[1], 0, false);
	EQ(topo_check_ports(t, &errors), -EINVAL);
	EQ_STR(buf_view(&errors),
	       "topology.conf:8: https 127.0.0.1:443 of [role b] is already used by tcp of [role "
	       "a] "
	       "(line 6); give one of them another address or port, or have both served there by a "
	       "[role door] with that in its \"tcp\"\n");
	topo_set_behind(t, &t->roles[0], 0, true);
	topo_set_behind(t, &t->roles[1], 0, true);
	EQ(topo_check_ports(t, &errors), 0);
}

static void one_port_for_two_roles_is_an_error_with_a_remedy(void)
{
	auto_(buf_free) struct buf errors = buf_of(CONF_ERRORS_MAX);
	auto_(topo_free) struct topo *t = parse(
	        DEPLOYMENT HOST "[role a]\ntcp = 0.0.0.0:5061\n"
	                        "[role b]\ntls = 127.0.0.1:5061, [::1]:5061\nudp = 127.0.0.1:5061\n"
	                        "[role c]\nmetrics-port = 5060\nprocesses = 2\n",
	        LOCAL);
	if (!OK(t != NULL))
		return;
	EQ(topo_check_ports(t, &errors), -EINVAL);
	EQ_STR(buf_view(&errors),
	       "topology.conf:8: tls 127.0.0.1:5061 of [role b] is already used by tcp of [role a] "
	       "(line 6); give one of them another address or port\n"
	       "topology.conf:11: metrics 127.0.0.1:5061 of [role c] is already used by tcp of "
	       "[role a] (line 6); give one of them another address or port\n"
	       "topology.conf:11: metrics 127.0.0.1:5061 of [role c] is already used by tls of "
	       "[role b] (line 8); give one of them another address or port\n");
}

static void a_role_reads_its_settings_and_unknown_ones_are_refused(void)
{
	struct cfg {
		uint32_t max_endpoints;
	} cfg = { 0 };
	static const struct setting table[] = { SETTING_U32("max-endpoints", SET_UINT, struct cfg,
		                                            max_endpoints, .min = 1, .max = 100,
		                                            .def = "8", .help = ""),
		                                SETTING_END };
	const struct setting *const tables[] = { table, NULL };
	auto_(buf_free) struct buf errors = buf_of(CONF_ERRORS_MAX);
	auto_(topo_free) struct topo *t =
	        parse(DEPLOYMENT HOST "[role a]\nmax-endpoints = 9\n[role b]\nmax-endpoint = 9\n"
	                              "[role c]\nmax-endpoints = 0\n[role d]\n",
	              LOCAL);
	if (!OK(t != NULL))
		return;
	EQ(topo_check_keys(t, &t->roles[0], tables, &errors), 0);
	EQ(topo_settings(t, &t->roles[0], table, &cfg, &errors), 0);
	EQ(cfg.max_endpoints, 9);
	EQ(topo_settings(t, &t->roles[3], table, &cfg, &errors), 0);
	EQ(cfg.max_endpoints, 8);
	EQ(topo_check_keys(t, &t->roles[1], tables, &errors), -EINVAL);
	EQ(topo_check_keys(t, &t->roles[2], tables, &errors), -EINVAL);
	EQ_STR(buf_view(&errors),
	       "topology.conf:9: unknown key \"max-endpoint\" in [role b]; did you mean "
	       "\"max-endpoints\"?\n"
	       "topology.conf:11: \"max-endpoints\" must be 1 to 100\n");
}

static void missing_files_are_named(void)
{
	auto_(buf_free) struct buf errors = buf_of(CONF_ERRORS_MAX);
	auto_(topo_free) struct topo *t = topo_read("/nonexistent", &errors);
	OK(t == NULL);
	EQ_STR(buf_view(&errors),
	       "topology.conf: cannot read /nonexistent/topology.conf: No such file or directory\n"
	       "local.conf: cannot read /nonexistent/local.conf: No such file or directory\n");
}

int main(void)
{
	RUN(a_small_topology_is_read);
	RUN(the_local_file_is_applied);
	RUN(an_installation_of_the_system_keeps_its_data_outside_of_etc);
	RUN(equal_texts_have_equal_versions);
	RUN(mistakes_are_named_with_their_line);
	RUN(a_list_beyond_its_limit_is_refused);
	RUN(default_ports_keep_plain_transports_private);
	RUN(the_door_has_a_port_for_those_behind_it);
	RUN(one_port_for_two_roles_is_an_error_with_a_remedy);
	RUN(a_role_reads_its_settings_and_unknown_ones_are_refused);
	RUN(missing_files_are_named);
	return tap_done();
}
