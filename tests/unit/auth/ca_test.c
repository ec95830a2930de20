#include "auth/ca.h"

#include <errno.h>

#include "auth/cert.h"
#include "tap.h"

enum { NOW = 1800000000, DAY = 86400 };

static struct ca *new_ca(void)
{
	struct ca *ca = NULL;
	EQ(ca_new(&ca, STR("Test CA"), NOW), 0);
	return ca;
}

static struct ca_names names_of(const struct str *dns, size_t n, const struct addr *ip)
{
	return (struct ca_names){
		.common_name = dns[0], .dns = dns, .n_dns = n, .ips = ip, .n_ips = ip ? 1 : 0
	};
}

static struct cert_chain *chain_of(const struct buf *pem)
{
	struct cert_chain *c = NULL;
	EQ(cert_chain_read(&c, buf_view(pem)), 0);
	return c;
}

static void root_lives_ten_years(void)
{
	auto_(ca_free) struct ca *ca = new_ca();
	auto_(buf_free) struct buf pem = buf_of(CA_PEM_MAX);
	EQ(ca_put_cert(ca, &pem), 0);
	auto_(cert_chain_free) struct cert_chain *c = chain_of(&pem);
	const struct cert_info *i = cert_chain_info(c, 0);
	EQ_STR(i->subject, "CN=Test CA");
	EQ_STR(i->issuer, "CN=Test CA");
	EQ(i->key, CERT_EC);
	EQ(i->key_bits, 256);
	EQ(i->not_before, NOW - 3600);
	EQ((i->not_after - NOW) / DAY, 3652);
}

static void leaf_carries_its_names(enum ca_key_type type)
{
	auto_(ca_free) struct ca *ca = new_ca();
	auto_(buf_free) struct buf cert = buf_of(CA_PEM_MAX), key = buf_of(CA_PEM_MAX);
	auto_(buf_free) struct buf root = buf_of(CA_PEM_MAX);
	struct str dns[] = { STR("pool.example.test"), STR("sip.example.test") };
	struct addr ip, other;
	EQ(addr_parse(&ip, STR("2001:db8::7"), 5061), 0);
	EQ(addr_parse(&other, STR("2001:db8::8"), 0), 0);
	struct ca_names names = names_of(dns, 2, &ip);
	EQ(ca_issue(ca, type, &names, NOW, &cert, &key), 0);
	auto_(cert_chain_free) struct cert_chain *c = chain_of(&cert);
	const struct cert_info *i = cert_chain_info(c, 0);
	EQ_STR(i->subject, "CN=pool.example.test");
	EQ(i->n_names, 3);
	EQ_STR(i->names[2], "[2001:db8::7]");
	EQ(i->key, type == CA_P256 ? CERT_EC : CERT_RSA);
	EQ(i->key_bits, type == CA_P256 ? 256 : 2048);
	EQ(i->not_after, NOW + (time_t)CA_LEAF_DAYS * DAY);
	OK(cert_covers_name(c, STR("SIP.example.test")));
	OK(!cert_covers_name(c, STR("example.test")));
	OK(cert_covers_addr(c, &ip));
	OK(!cert_covers_addr(c, &other));
	EQ(cert_check_key(c, buf_view(&key)), 0);
	EQ(ca_put_cert(ca, &root), 0);
	auto_(cert_chain_free) struct cert_chain *r = chain_of(&root);
	OK(cert_is_below(c, r));
}

static void p256_leaf_carries_its_names(void)
{
	leaf_carries_its_names(CA_P256);
}

static void rsa_leaf_carries_its_names(void)
{
	leaf_carries_its_names(CA_RSA2048);
}

static void addresses_can_stand_as_names_too(void)
{
	auto_(ca_free) struct ca *ca = new_ca();
	auto_(buf_free) struct buf cert = buf_of(CA_PEM_MAX), key = buf_of(CA_PEM_MAX);
	struct str dns[] = { STR("a.test") };
	struct addr ip;
	EQ(addr_parse(&ip, STR("192.0.2.7"), 0), 0);
	struct ca_names names = names_of(dns, 1, &ip);
	names.ips_as_names = true;
	EQ(ca_issue(ca, CA_P256, &names, NOW, &cert, &key), 0);
	auto_(cert_chain_free) struct cert_chain *c = chain_of(&cert);
	EQ(cert_chain_info(c, 0)->n_names, 3);
	OK(cert_covers_addr(c, &ip));
	OK(cert_covers_name(c, STR("192.0.2.7")));
}

static void leaf_does_not_outlive_the_root(void)
{
	auto_(ca_free) struct ca *ca = new_ca();
	auto_(buf_free) struct buf cert = buf_of(CA_PEM_MAX), key = buf_of(CA_PEM_MAX);
	struct str dns[] = { STR("a.test") };
	struct ca_names names = names_of(dns, 1, NULL);
	time_t late = NOW + (time_t)3600 * DAY;
	EQ(ca_issue(ca, CA_P256, &names, late, &cert, &key), 0);
	auto_(cert_chain_free) struct cert_chain *c = chain_of(&cert);
	EQ((cert_chain_info(c, 0)->not_after - NOW) / DAY, 3652);
}

static void names_that_are_none_are_refused(void)
{
	auto_(ca_free) struct ca *ca = new_ca();
	auto_(buf_free) struct buf cert = buf_of(CA_PEM_MAX), key = buf_of(CA_PEM_MAX);
	static const char *const bad[] = { "",   "a b", "-a.test", "a..b",
		                           ".a", "a.",  "a,DNS:b", "a\nb" };
	struct ca_names none = { .n_dns = 0 };
	EQ(ca_issue(ca, CA_P256, &none, NOW, &cert, &key), -EINVAL);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct str dns[] = { str_of(bad[i]) };
		struct ca_names names = names_of(dns, 1, NULL);
		EQ(ca_issue(ca, CA_P256, &names, NOW, &cert, &key), -EINVAL);
	}
}

static void long_name_stands_in_the_alternative_names_alone(void)
{
	auto_(ca_free) struct ca *ca = new_ca();
	auto_(buf_free) struct buf cert = buf_of(CA_PEM_MAX), key = buf_of(CA_PEM_MAX);
	struct str dns[] = { STR("a-quite-long-label-of-a-host.in-a-quite-long-subdomain."
		                 "of-a-domain.example.test") };
	struct ca_names names = names_of(dns, 1, NULL);
	EQ(ca_issue(ca, CA_P256, &names, NOW, &cert, &key), 0);
	auto_(cert_chain_free) struct cert_chain *c = chain_of(&cert);
	EQ_STR(cert_chain_info(c, 0)->subject, "");
	OK(cert_covers_name(c, dns[0]));
}

static void ca_comes_back_from_its_files(void)
{
	auto_(ca_free) struct ca *ca = new_ca(), *again = NULL, *other = new_ca();
	auto_(buf_free) struct buf cert = buf_of(CA_PEM_MAX), key = buf_of(CA_PEM_MAX);
	auto_(buf_free) struct buf other_key = buf_of(CA_PEM_MAX);
	EQ(ca_put_cert(ca, &cert), 0);
	EQ(ca_put_key(ca, &key), 0);
	EQ(ca_put_key(other, &other_key), 0);
	EQ(ca_load(&again, buf_view(&cert), buf_view(&other_key), NOW), -EBADMSG);
	EQ(ca_load(&again, STR("nothing"), buf_view(&key), NOW), -EBADMSG);
	EQ(ca_load(&again, buf_view(&cert), buf_view(&key), NOW + (time_t)4000 * DAY),
	   -EKEYEXPIRED);
	OK(again == NULL);
	EQ(ca_load(&again, buf_view(&cert), buf_view(&key), NOW), 0);
	OK(again != NULL);
}

static void leaf_is_no_ca(void)
{
	auto_(ca_free) struct ca *ca = new_ca(), *bad = NULL;
	auto_(buf_free) struct buf cert = buf_of(CA_PEM_MAX), key = buf_of(CA_PEM_MAX);
	struct str dns[] = { STR("a.test") };
	struct ca_names names = names_of(dns, 1, NULL);
	EQ(ca_issue(ca, CA_P256, &names, NOW, &cert, &key), 0);
	EQ(ca_load(&bad, buf_view(&cert), buf_view(&key), NOW), -EBADMSG);
}

int main(void)
{
	RUN(root_lives_ten_years);
	RUN(p256_leaf_carries_its_names);
	RUN(rsa_leaf_carries_its_names);
	RUN(addresses_can_stand_as_names_too);
	RUN(leaf_does_not_outlive_the_root);
	RUN(names_that_are_none_are_refused);
	RUN(long_name_stands_in_the_alternative_names_alone);
	RUN(ca_comes_back_from_its_files);
	RUN(leaf_is_no_ca);
	return tap_done();
}
