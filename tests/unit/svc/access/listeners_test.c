#include "svc/access/listeners.h"

#include <errno.h>

#include "tap.h"

static struct topo *topology(struct buf *errors)
{
	return topo_parse(STR("[deployment]\ndomains = example.test\n"
	                      "[host main]\nname = sip.example.test\naddresses = 192.0.2.1\n"
	                      "[role frontend]\nudp = 192.0.2.1:5060\ntcp = 192.0.2.1:5060\n"
	                      "tls = [::]:5061, 192.0.2.1:5071\n"),
	                  STR("[local]\nport-offset = 1000\n"), "/nowhere", errors);
}

static int read(struct access_listeners *ret, const char *list, struct buf *errors)
{
	auto_(topo_free) struct topo *t = topology(errors);
	OK(t != NULL);
	return access_listeners_read(ret, t, topo_role_here(t, STR("frontend")), str_of(list),
	                             errors);
}

static bool has(const struct access_listeners *l, const char *local)
{
	struct addr a;
	EQ(addr_parse_port(&a, str_of(local)), 0);
	return access_listeners_have(l, &a);
}

static void without_a_list_no_listener_has_the_policy(void)
{
	auto_(buf_free) struct buf errors = buf_of(1000);
	struct access_listeners l;
	EQ(read(&l, "", &errors), 0);
	EQ(l.n, 0);
	OK(!has(&l, "192.0.2.1:6060"));
}

static void listeners_are_known_by_address_and_port_with_the_offset(void)
{
	auto_(buf_free) struct buf errors = buf_of(1000);
	struct access_listeners l;
	EQ(read(&l, "192.0.2.1:5060, [::]:5061", &errors), 0);
	EQ(errors.len, 0);
	OK(has(&l, "192.0.2.1:6060"));
	OK(!has(&l, "192.0.2.1:5060"));
	OK(!has(&l, "192.0.2.2:6060"));
	OK(has(&l, "[2001:db8::1]:6061"));
	OK(!has(&l, "192.0.2.1:6071"));
}

static void what_is_no_listener_of_the_role_is_an_error(void)
{
	static const char *const bad[] = { "192.0.2.1", "192.0.2.1:5099",  "192.0.2.9:5060",
		                           "tls",       "192.0.2.1:5060,", "192.0.2.1:65000" };
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		auto_(buf_free) struct buf errors = buf_of(1000);
		struct access_listeners l = { .n = 7 };
		EQ(read(&l, bad[i], &errors), -EINVAL);
		OK(str_find(buf_view(&errors), STR("sha256-listeners")) >= 0);
		EQ(l.n, 7);
	}
}

int main(void)
{
	RUN(without_a_list_no_listener_has_the_policy);
	RUN(listeners_are_known_by_address_and_port_with_the_offset);
	RUN(what_is_no_listener_of_the_role_is_an_error);
	return tap_done();
}
