#include "auth/cert_names.h"

#include "tap.h"
#include "topo/conf.h"

static const char topology[] = "[deployment]\ndomains = example.test, other.test\n"
                               "[host main]\nname = pc.example.test\naddresses = 192.0.2.1, ::1\n"
                               "[role accounts]\n"
                               "[role frontend]\nname = pool.example.test\n"
                               "tls = 192.0.2.1:5061, 192.0.2.2:5061\n";

static struct topo *read_topo(const char *text)
{
	auto_(buf_free) struct buf errors = buf_of(CONF_ERRORS_MAX);
	struct topo *t = topo_parse(str_of(text), STR("[local]\n"), "/etc/dt", &errors);
	EQ_STR(buf_view(&errors), "");
	return t;
}

static bool has(const struct ca_names *n, const char *name)
{
	for (size_t i = 0; i < n->n_dns; i++) {
		if (str_eq(n->dns[i], str_of(name)))
			return true;
	}
	return false;
}

/* Poster row CT-05, for each of the domains. */
static void front_end_has_the_names_of_the_poster(void)
{
	auto_(topo_free) struct topo *t = read_topo(topology);
	auto_(arena_free) struct arena *a = arena_new();
	struct ca_names n = cert_names_of(a, t, topo_role_here(t, STR("frontend")));
	static const char *const want[] = {
		"pool.example.test", "pc.example.test",     "example.test",
		"fe.example.test",   "sip.example.test",    "sipinternal.example.test",
		"meet.example.test", "dialin.example.test", "other.test",
		"fe.other.test",     "sip.other.test",      "sipinternal.other.test",
		"meet.other.test",   "dialin.other.test",
	};
	EQ_STR(n.common_name, "pool.example.test");
	EQ(n.n_dns, ARRAY_SIZE(want));
	for (size_t i = 0; i < ARRAY_SIZE(want); i++)
		OK(has(&n, want[i]));
	EQ(n.n_ips, 3);
}

static void accounts_has_the_host_alone(void)
{
	auto_(topo_free) struct topo *t = read_topo(topology);
	auto_(arena_free) struct arena *a = arena_new();
	struct ca_names n = cert_names_of(a, t, topo_role_here(t, STR("accounts")));
	EQ_STR(n.uri, "urn:dialtone:role:accounts");
	EQ(n.n_dns, 1);
	EQ_STR(n.dns[0], "pc.example.test");
}

static void a_host_named_by_its_address_has_that_once(void)
{
	auto_(topo_free) struct topo *t =
	        read_topo("[deployment]\ndomains = example.test\n"
	                  "[host main]\nname = 127.0.0.1\naddresses = 127.0.0.1\n"
	                  "[role frontend]\ntls = 127.0.0.1:5061\n");
	auto_(arena_free) struct arena *a = arena_new();
	struct ca_names n = cert_names_of(a, t, topo_role_here(t, STR("frontend")));
	OK(!has(&n, "127.0.0.1") && has(&n, "example.test"));
	EQ(n.n_ips, 1);
}

static void file_names_tell_role_and_key(void)
{
	auto_(arena_free) struct arena *a = arena_new();
	EQ_STR(cert_file_name(a, STR("frontend"), CA_P256), "frontend-p256");
	EQ_STR(cert_file_name(a, STR("accounts"), CA_RSA2048), "accounts-rsa2048");
}

int main(void)
{
	RUN(front_end_has_the_names_of_the_poster);
	RUN(accounts_has_the_host_alone);
	RUN(a_host_named_by_its_address_has_that_once);
	RUN(file_names_tell_role_and_key);
	return tap_done();
}
