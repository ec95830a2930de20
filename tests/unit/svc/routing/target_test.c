#include "svc/routing/target.h"

#include "tap.h"

static const char topology[] = "[deployment]\ndomains = example.test, other.test\n"
                               "[host main]\nname = pc.example.test\naddresses = 192.0.2.1\n"
                               "[role accounts]\n"
                               "[role frontend]\nname = sip.example.test\nudp = none\n"
                               "tcp = none\n";

struct world {
	struct topo *topo;
	struct addr addrs[2];
	struct target_self self;
	struct token_key key;
	struct target t;
};

static void world_start(struct world *w)
{
	static const uint8_t raw[32] = { 3 };
	auto_(buf_free) struct buf errors = buf_of(4096);
	w->topo = topo_parse(str_of(topology), STR("[local]\nhost = main\n"), "/etc/dt", &errors);
	EQ_STR(buf_view(&errors), "");
	OK(w->topo != NULL);
	EQ(addr_parse(&w->addrs[0], STR("192.0.2.1"), 5060), 0);
	EQ(addr_parse(&w->addrs[1], STR("2001:db8::1"), 5061), 0);
	w->self = (struct target_self){ w->topo, w->addrs, ARRAY_SIZE(w->addrs) };
	token_key_init(&w->key, raw);
}

static void world_end(struct world *w)
{
	topo_free(&w->topo);
}

static enum target_kind reads(struct world *w, const char *uri)
{
	target_read(&w->t, &w->self, &w->key, str_of(uri));
	return w->t.kind;
}

static void a_user_is_looked_up_by_address_without_what_does_not_count(void)
{
	static const char *const uris[] = {
		"sip:alice@example.test",
		"sip:Alice@EXAMPLE.test",
		"sip:%61lice@example.test:5080;transport=tls",
		"sips:alice@example.test",
		"sip:alice@sip.example.test", /* our host's names and addresses */
		"sip:alice@pc.example.test",
		"sip:alice@192.0.2.1:5060",
		"sip:alice@[2001:db8::1]",
	};
	struct world w;
	world_start(&w);
	for (size_t i = 0; i < ARRAY_SIZE(uris); i++) {
		EQ(reads(&w, uris[i]), TARGET_USER);
		EQ(w.t.n_keys, 1);
		EQ_STR(w.t.keys[0], "alice@example.test");
		EQ(w.t.secure, str_starts(str_of(uris[i]), STR("sips:")));
	}
	EQ(reads(&w, "sip:alice@other.test"), TARGET_USER);
	EQ_STR(w.t.keys[0], "alice@other.test");
	world_end(&w);
}

static void a_number_is_looked_up_without_its_separators(void)
{
	struct world w;
	world_start(&w);
	EQ(reads(&w, "tel:+49-30-(123)4.5"), TARGET_USER);
	EQ(w.t.n_keys, 1);
	EQ_STR(w.t.keys[0], "+493012345");
	EQ(reads(&w, "tel:4711;phone-context=example.test"), TARGET_USER);
	EQ_STR(w.t.keys[0], "4711");
	EQ(reads(&w, "tel:letters"), TARGET_USER);
	EQ(w.t.n_keys, 0); /* nobody has that */
	world_end(&w);
}

static void a_sip_address_that_is_a_number_is_tried_as_both(void)
{
	struct world w;
	world_start(&w);
	EQ(reads(&w, "sip:+493012345@example.test;user=phone"), TARGET_USER);
	EQ(w.t.n_keys, 2);
	EQ_STR(w.t.keys[0], "+493012345@example.test");
	EQ_STR(w.t.keys[1], "+493012345");
	EQ(reads(&w, "sip:4711@192.0.2.1"), TARGET_USER);
	EQ_STR(w.t.keys[1], "4711");
	EQ(reads(&w, "sip:*21#@example.test"), TARGET_BAD); /* "#" must be escaped */
	EQ(reads(&w, "sip:+@example.test"), TARGET_USER);
	EQ(w.t.n_keys, 1); /* a plus alone is no number */
	world_end(&w);
}

static void the_server_itself_has_no_user_part(void)
{
	static const char *const uris[] = { "sip:example.test", "sip:192.0.2.1:5060",
		                            "sips:sip.example.test", "sip:[2001:db8::1]:5061" };
	struct world w;
	world_start(&w);
	for (size_t i = 0; i < ARRAY_SIZE(uris); i++)
		EQ(reads(&w, uris[i]), TARGET_SELF);
	world_end(&w);
}

static void other_domains_and_addresses_are_foreign(void)
{
	static const char *const uris[] = {
		"sip:alice@example.org",      "sip:alice@example.test.evil.org",
		"sip:alice@sub.example.test", "sip:192.0.2.2",
		"sip:alice@[2001:db8::2]",    "sip:alice@1.example.test",
	};
	struct world w;
	world_start(&w);
	for (size_t i = 0; i < ARRAY_SIZE(uris); i++)
		EQ(reads(&w, uris[i]), TARGET_FOREIGN);
	world_end(&w);
}

static void a_scheme_that_is_not_served_is_bad(void)
{
	static const char *const uris[] = { "http://example.test",
		                            "mailto:alice@example.test",
		                            "",
		                            "sip:",
		                            "sip:@example.test",
		                            "example.test",
		                            "sip:%zz@example.test",
		                            "urn:service:sos" };
	struct world w;
	world_start(&w);
	for (size_t i = 0; i < ARRAY_SIZE(uris); i++)
		EQ(reads(&w, uris[i]), TARGET_BAD);
	world_end(&w);
}

static void a_temporary_gruu_names_one_endpoint(void)
{
	char text[256];
	struct buf b = BUF_ON(text);
	struct world w;
	world_start(&w);
	buf_lit(&b, "sip:");
	token_put_gruu(&b, &w.key, 42, 4711);
	buf_lit(&b, "@example.test;gr");
	buf_char(&b, '\0');
	EQ(reads(&w, text), TARGET_GRUU);
	EQ(w.t.account, 42);
	EQ(w.t.endpoint, 4711);
	/* One letter off is no GRUU of ours: a user's name like any other. */
	text[4 + 10] = text[4 + 10] == 'a' ? 'b' : 'a';
	EQ(reads(&w, text), TARGET_USER);
	EQ(w.t.endpoint, 0);
	world_end(&w);
}

static void a_public_gruu_names_the_user_and_the_endpoint_of_its_instance(void)
{
	struct world w;
	struct sip_addr contact;
	world_start(&w);
	EQ(sip_addr_parse(&contact, STR("<sip:alice@192.0.2.9>;+sip.instance=\"<urn:uuid:0001>\"")),
	   0);
	EQ(reads(&w, "sip:alice@example.test;gr=urn:uuid:0001"), TARGET_USER);
	EQ_STR(w.t.keys[0], "alice@example.test");
	OK(w.t.endpoint != 0 && w.t.endpoint == token_endpoint(&w.key, &contact));
	EQ(reads(&w, "sip:alice@example.test;gr"), TARGET_USER);
	EQ(w.t.endpoint, 0);
	world_end(&w);
}

static void a_name_that_is_too_long_is_bad(void)
{
	char uri[1200];
	struct buf b = BUF_ON(uri);
	struct world w;
	world_start(&w);
	buf_lit(&b, "sip:");
	for (int i = 0; i < 1000; i++)
		buf_char(&b, 'a');
	buf_lit(&b, "@example.test");
	buf_char(&b, '\0');
	EQ(reads(&w, uri), TARGET_BAD);
	world_end(&w);
}

int main(void)
{
	RUN(a_user_is_looked_up_by_address_without_what_does_not_count);
	RUN(a_number_is_looked_up_without_its_separators);
	RUN(a_sip_address_that_is_a_number_is_tried_as_both);
	RUN(the_server_itself_has_no_user_part);
	RUN(other_domains_and_addresses_are_foreign);
	RUN(a_scheme_that_is_not_served_is_bad);
	RUN(a_temporary_gruu_names_one_endpoint);
	RUN(a_public_gruu_names_the_user_and_the_endpoint_of_its_instance);
	RUN(a_name_that_is_too_long_is_bad);
	return tap_done();
}
