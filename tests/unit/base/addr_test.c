#include "base/addr.h"

#include <arpa/inet.h>
#include <errno.h>

#include "tap.h"

static struct addr addr(const char *text)
{
	struct addr a = { .in6 = { .sin6_family = AF_UNSPEC } };
	EQ(addr_parse_port(&a, str_of(text)), 0);
	return a;
}

static void text_goes_both_ways(void)
{
	static const char *const text[] = {
		"1.2.3.4:5", "127.0.0.1:65535", "0.0.0.0:0", "[::1]:5060", "[2001:db8::a:b]:1",
	};
	for (size_t i = 0; i < ARRAY_SIZE(text); i++) {
		auto_(buf_free) struct buf b = buf_of(100);
		struct addr a = addr(text[i]);
		addr_put(&b, &a);
		EQ_STR(buf_view(&b), text[i]);
	}
}

static void anything_else_is_refused(void)
{
	static const char *const bad[] = {
		"",
		":",
		"1.2.3.4",
		"1.2.3.4:",
		"1.2.3:5",
		"1.2.3.4:65536",
		"::1:5",
		"[::1]",
		"[::1:5",
		"::1]:5",
		"[1.2.3.4]:5",
		"host:5",
		"[]:5",
		"01.2.3.400:5",
		"1.2.3.4 :5",
		"1.2.3.4:-1",
		"[::1%lo]:5",
		"[[::1]]:5",
		"[0000:0000:0000:0000:0000:0000:0000:0000:0000:0000]:5",
	};
	struct addr a = addr("9.9.9.9:9");
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		EQ(addr_parse_port(&a, str_of(bad[i])), -EINVAL);
	EQ(addr_parse_port(&a, STR("1.2.3.4\0:5")), -EINVAL);
	EQ(addr_port(&a), 9);
}

static void numbers_are_read_as_by_inet_pton(void)
{
	static const char *const text[] = {
		"0.0.0.0",    "255.255.255.255", "192.0.2.10", "1.22.133.4", "256.0.0.1",
		"1.2.3.1000", "01.2.3.4",        "1.00.3.4",   "1.2.3",      "1.2.3.",
		"1.2.3.4.",   "1.2.3.4.5",       ".1.2.3.4",   "1..2.3",     "1.2.3.4x",
		"1.2.3.-4",   "1.2.3.+4",        " 1.2.3.4",   "1.2.3.4 ",   "0x1.2.3.4",
		"4294967295", "1.2.3.999",       "9.99.199.0", "...",        "",
	};
	for (size_t i = 0; i < ARRAY_SIZE(text); i++) {
		struct in_addr want;
		struct addr a;
		auto_(buf_free) struct buf b = buf_of(100);
		bool good = inet_pton(AF_INET, text[i], &want) == 1;
		EQ(addr_parse(&a, str_of(text[i]), 0), good ? 0 : -EINVAL);
		if (!good)
			continue;
		OK(memcmp(&a.in4.sin_addr, &want, sizeof(want)) == 0);
		addr_put_bare(&b, &a);
		EQ_STR(buf_view(&b), text[i]);
	}
}

static void host_may_stand_with_or_without_brackets(void)
{
	struct addr a, b;
	EQ(addr_parse(&a, STR("::1"), 7), 0);
	EQ(addr_parse(&b, STR("[::1]"), 7), 0);
	OK(addr_eq(&a, &b));
	EQ(addr_parse(&a, STR("10.0.0.1"), 7), 0);
	EQ(addr_parse(&a, STR("[10.0.0.1]"), 7), -EINVAL);
	EQ(addr_parse(&a, STR("[::1"), 7), -EINVAL);
}

static void equal_means_host_and_port(void)
{
	struct addr a = addr("1.2.3.4:5"), b = addr("1.2.3.4:6"), c = addr("1.2.3.5:5");
	OK(addr_eq(&a, &a));
	OK(!addr_eq(&a, &b));
	OK(addr_eq_host(&a, &b));
	OK(!addr_eq_host(&a, &c));
	addr_set_port(&b, 5);
	OK(addr_eq(&a, &b));
}

static void mapped_address_is_the_ipv4_one(void)
{
	auto_(buf_free) struct buf b = buf_of(100);
	struct addr a = addr("[::ffff:10.1.2.3]:80"), four = addr("10.1.2.3:80");
	uint8_t x[18], y[18];
	OK(addr_eq(&a, &four));
	OK(addr_is_private(&a));
	EQ(addr_pack(&a, x), 6);
	EQ(addr_pack(&four, y), 6);
	OK(memcmp(x, y, 6) == 0);
	addr_put(&b, &a);
	EQ_STR(buf_view(&b), "10.1.2.3:80");
}

static void classes_of_addresses(void)
{
	static const struct {
		const char *text;
		bool loopback, private, any;
	} row[] = {
		{ "127.0.0.1:1", true, true, false },
		{ "127.9.9.9:1", true, true, false },
		{ "[::1]:1", true, true, false },
		{ "10.0.0.1:1", false, true, false },
		{ "172.15.0.1:1", false, false, false },
		{ "172.16.0.1:1", false, true, false },
		{ "172.31.0.1:1", false, true, false },
		{ "172.32.0.1:1", false, false, false },
		{ "192.168.3.4:1", false, true, false },
		{ "192.169.0.1:1", false, false, false },
		{ "169.254.1.1:1", false, true, false },
		{ "8.8.8.8:1", false, false, false },
		{ "0.0.0.0:1", false, false, true },
		{ "[::]:1", false, false, true },
		{ "[fc00::1]:1", false, true, false },
		{ "[fdff::1]:1", false, true, false },
		{ "[fe80::1]:1", false, true, false },
		{ "[fec0::1]:1", false, false, false },
		{ "[2001:db8::1]:1", false, false, false },
		{ "[::ffff:127.0.0.1]:1", true, true, false },
	};
	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		struct addr a = addr(row[i].text);
		EQ(addr_is_loopback(&a), row[i].loopback);
		EQ(addr_is_private(&a), row[i].private);
		EQ(addr_is_any(&a), row[i].any);
	}
}

static void hosts_of_the_internet_are_public(void)
{
	static const char *const good[] = { "8.8.8.8:1", "172.32.0.1:1", "[2001:db8::1]:1",
		                            "[2606:4700::1]:1", "100.128.0.1:1" };
	static const char *const bad[] = {
		"127.0.0.1:1",
		"10.0.0.1:1",
		"169.254.169.254:1",
		"0.0.0.0:1",
		"0.1.2.3:1",
		"100.64.0.1:1",
		"192.0.0.8:1",
		"198.18.0.1:1",
		"224.0.0.1:1",
		"240.0.0.1:1",
		"255.255.255.255:1",
		"[::]:1",
		"[::1]:1",
		"[fe80::1]:1",
		"[fec0::1]:1",
		"[fd00::1]:1",
		"[ff02::1]:1",
		"[::ffff:8.8.8.8]:1",
		"[::8.8.8.8]:1",
		"[64:ff9b::10.0.0.1]:1",
		"[2002:a00:1::1]:1",
		"[2001:0:1:2::3]:1",
		"[::ffff:0:10.0.0.1]:1",
	};
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		struct addr a = addr(good[i]);
		if (!OK(addr_is_public(&a)))
			(void)fprintf(stderr, "# %s\n", good[i]);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct addr a = addr(bad[i]);
		if (!OK(!addr_is_public(&a)))
			(void)fprintf(stderr, "# %s\n", bad[i]);
	}
}

static void sockaddr_is_checked(void)
{
	struct addr a, b = addr("[2001:db8::1]:5061");
	EQ(addr_from_sockaddr(&a, &b.sa, addr_len(&b)), 0);
	OK(addr_eq(&a, &b));
	EQ(addr_from_sockaddr(&a, &b.sa, sizeof(struct sockaddr_in)), -EINVAL);
	EQ(addr_from_sockaddr(&a, &b.sa, 0), -EINVAL);
	b = addr("1.2.3.4:5");
	EQ(addr_len(&b), sizeof(struct sockaddr_in));
	EQ(addr_from_sockaddr(&a, &b.sa, addr_len(&b)), 0);
	OK(addr_eq(&a, &b));
	b.sa.sa_family = AF_UNIX;
	EQ(addr_from_sockaddr(&a, &b.sa, sizeof(b)), -EINVAL);
}

static void packing_goes_both_ways(void)
{
	static const char *const text[] = { "1.2.3.4:513", "[2001:db8::a:b]:5061" };
	for (size_t i = 0; i < ARRAY_SIZE(text); i++) {
		uint8_t p[18];
		struct addr a = addr(text[i]), back;
		size_t n = addr_pack(&a, p);
		EQ(n, i == 0 ? 6 : 18);
		EQ(addr_unpack(&back, (struct bytes){ p, n }), 0);
		OK(addr_eq(&a, &back));
		EQ(addr_unpack(&back, (struct bytes){ p, n - 1 }), -EINVAL);
	}
}

static void unset_address_is_harmless(void)
{
	auto_(buf_free) struct buf b = buf_of(100);
	struct addr none = { .in6 = { .sin6_family = AF_UNSPEC } }, four = addr("0.0.0.0:0");
	uint8_t p[18];
	OK(!addr_eq(&none, &four));
	OK(!addr_is_loopback(&none));
	OK(!addr_is_private(&none));
	OK(!addr_is_any(&none));
	EQ(addr_pack(&none, p), 2);
	addr_put(&b, &none);
	EQ_STR(buf_view(&b), "-:0");
}

static void groups_are_told_from_hosts(void)
{
	static const struct {
		const char *host;
		bool group;
	} row[] = {
		{ "223.255.255.255", false }, { "224.0.0.1", true },
		{ "239.255.255.255", true },  { "240.0.0.1", false },
		{ "255.255.255.255", true },  { "ff02::1", true },
		{ "fe80::1", false },         { "::ffff:224.0.0.1", true },
		{ "::ffff:10.0.0.1", false },
	};
	struct addr none = { 0 };
	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		struct addr a;
		EQ(addr_parse(&a, str_of(row[i].host), 1), 0);
		EQ(addr_is_multicast(&a), row[i].group);
	}
	OK(!addr_is_multicast(&none));
}

static void networks_have_their_hosts(void)
{
	static const struct {
		const char *net, *host;
		bool has;
	} row[] = {
		{ "10.0.0.0/8", "10.255.0.1", true },
		{ "10.0.0.0/8", "11.0.0.1", false },
		{ "10.0.0.0/8", "::ffff:10.0.0.1", true },
		{ "10.0.0.0/8", "a00::1", false },
		{ "192.0.2.1", "192.0.2.1", true },
		{ "192.0.2.1/32", "192.0.2.2", false },
		{ "192.0.2.128/25", "192.0.2.127", false },
		{ "192.0.2.128/25", "192.0.2.129", true },
		{ "0.0.0.0/0", "255.1.2.3", true },
		{ "0.0.0.0/0", "::1", false },
		{ "2001:db8::/33", "2001:db8:7fff::1", true },
		{ "2001:db8::/33", "2001:db8:8000::1", false },
		{ "::1", "::1", true },
	};
	static const char *const bad[] = {
		"",   "10.0.0.0/33", "::/129",      "10.0.0.0/",    "10.0.0/8",
		"/8", "10.0.0.0/-1", "10.0.0.0/8x", "10.0.0.0/8/8", "x"
	};
	struct addr_range g;
	struct addr a, none = { 0 };
	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		EQ(addr_range_parse(&g, str_of(row[i].net)), 0);
		EQ(addr_parse(&a, str_of(row[i].host), 99), 0);
		EQ(addr_range_has(&g, &a), row[i].has);
		OK(!addr_range_has(&g, &none));
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		EQ(addr_range_parse(&g, str_of(bad[i])), -EINVAL);
}

int main(void)
{
	RUN(text_goes_both_ways);
	RUN(anything_else_is_refused);
	RUN(numbers_are_read_as_by_inet_pton);
	RUN(host_may_stand_with_or_without_brackets);
	RUN(equal_means_host_and_port);
	RUN(mapped_address_is_the_ipv4_one);
	RUN(classes_of_addresses);
	RUN(hosts_of_the_internet_are_public);
	RUN(sockaddr_is_checked);
	RUN(packing_goes_both_ways);
	RUN(unset_address_is_harmless);
	RUN(groups_are_told_from_hosts);
	RUN(networks_have_their_hosts);
	return tap_done();
}
