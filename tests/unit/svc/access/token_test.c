#include <errno.h>

#include "svc/access/token.h"
#include "tap.h"

static struct token_key key_of(uint8_t fill)
{
	uint8_t raw[32];
	struct token_key k;
	memset(raw, fill, sizeof(raw));
	raw[31] = 7;
	token_key_init(&k, raw);
	return k;
}

static struct token udp_token(void)
{
	struct token t = { .account = 42, .endpoint = 0xdeadbeefcafeULL };
	t.hint = (struct token_hint){ .reach = TOKEN_UDP, .slot = 1, .sock = 3 };
	EQ(addr_parse(&t.hint.peer, STR("[2001:db8::5]"), 5080), 0);
	return t;
}

static void a_token_comes_back_as_it_was(void)
{
	struct token_key k = key_of(1);
	struct token in = udp_token(), out;
	char text[TOKEN_TEXT_MAX + 1];
	struct buf b = BUF_ON(text);
	token_put(&b, &k, &in);
	OK(!b.full);
	EQ(token_get(&out, &k, buf_view(&b)), 0);
	EQ(out.account, 42);
	OK(out.endpoint == in.endpoint);
	OK(token_hint_eq(&out.hint, &in.hint));
}

static void a_changed_token_is_refused_at_every_byte(void)
{
	struct token_key k = key_of(1);
	struct token in = { .account = 7, .hint = { .reach = TOKEN_STREAM, .flow = 99 } }, out;
	char text[TOKEN_TEXT_MAX + 1];
	struct buf b = BUF_ON(text);
	token_put(&b, &k, &in);
	unsigned accepted = 0;
	for (size_t i = 2; i < b.len; i++) {
		char was = text[i];
		text[i] = was == 'A' ? 'B' : 'A';
		accepted += token_get(&out, &k, buf_view(&b)) == 0;
		text[i] = was;
	}
	EQ(accepted, 0);
	EQ(token_get(&out, &k, buf_view(&b)), 0);
}

static void another_pools_token_is_refused(void)
{
	struct token_key k = key_of(1), other = key_of(2);
	struct token in = udp_token(), out;
	char text[TOKEN_TEXT_MAX + 1];
	struct buf b = BUF_ON(text);
	token_put(&b, &k, &in);
	EQ(token_get(&out, &other, buf_view(&b)), -EBADMSG);
	EQ(token_get(&out, &k, STR("alice")), -ENOENT);
	EQ(token_get(&out, &k, STR("d.")), -EBADMSG);
}

static void temporary_gruus_differ_and_mean_the_same(void)
{
	struct token_key k = key_of(3);
	char t1[TOKEN_TEXT_MAX + 1], t2[TOKEN_TEXT_MAX + 1];
	struct buf a = BUF_ON(t1), b = BUF_ON(t2);
	uint64_t account, endpoint;
	token_put_gruu(&a, &k, 5, 6);
	token_put_gruu(&b, &k, 5, 6);
	OK(!str_eq(buf_view(&a), buf_view(&b)));
	EQ(token_get_gruu(&account, &endpoint, &k, buf_view(&b)), 0);
	EQ(account, 5);
	EQ(endpoint, 6);
	t1[8] ^= 1;
	EQ(token_get_gruu(&account, &endpoint, &k, buf_view(&a)), -EBADMSG);
}

static uint64_t endpoint_of(const char *contact)
{
	struct token_key k = key_of(3);
	struct sip_addr a;
	EQ(sip_addr_parse(&a, str_of(contact)), 0);
	return token_endpoint(&k, &a);
}

static void an_endpoint_is_its_instance_or_its_address(void)
{
	uint64_t one = endpoint_of("<sip:a@h:1>;+sip.instance=\"<urn:uuid:1>\"");
	OK(one == endpoint_of("<sip:other@x>;+sip.instance=\"<URN:uuid:1>\""));
	OK(one != endpoint_of("<sip:a@h:1>;+sip.instance=\"<urn:uuid:2>\""));
	OK(endpoint_of("<sip:a@H:1>") == endpoint_of("<sip:a@h:1;transport=tcp>;q=1"));
	OK(endpoint_of("<sip:a@h:1>") != endpoint_of("<sip:a@h:2>"));
}

int main(void)
{
	RUN(a_token_comes_back_as_it_was);
	RUN(a_changed_token_is_refused_at_every_byte);
	RUN(another_pools_token_is_refused);
	RUN(temporary_gruus_differ_and_mean_the_same);
	RUN(an_endpoint_is_its_instance_or_its_address);
	return tap_done();
}
