#include "wire/opening/opening.h"

#include "tap.h"
#include "wire/turn/turn.h"

/* A ClientHello as it is written here, and how it is cut into records. */
struct hello {
	const char *name;            /* NULL: no such extension */
	const char *const *alpn;     /* NULL-terminated; NULL: no such extension */
	size_t padding, record_size; /* 0: none; one record */
};

static void put_name(struct buf *b, const char *name)
{
	size_t n = strlen(name);
	buf_u16(b, 0);
	buf_u16(b, (uint16_t)(n + 5));
	buf_u16(b, (uint16_t)(n + 3));
	buf_u8(b, 0);
	buf_str16(b, str_of(name));
}

static void put_alpn(struct buf *b, const char *const *alpn)
{
	auto_(buf_free) struct buf list = buf_of(1000);
	for (; *alpn; alpn++) {
		buf_u8(&list, (uint8_t)strlen(*alpn));
		buf_str(&list, str_of(*alpn));
	}
	buf_u16(b, 16);
	buf_u16(b, (uint16_t)(list.len + 2));
	buf_str16(b, buf_view(&list));
}

static void put_padding(struct buf *b, size_t n)
{
	buf_u16(b, 21);
	buf_u16(b, (uint16_t)n);
	while (n-- > 0)
		buf_u8(b, 0);
}

static void put_message(struct buf *b, const struct hello *h)
{
	auto_(buf_free) struct buf body = buf_of(40000), ext = buf_of(40000);
	if (h->padding > 0)
		put_padding(&ext, h->padding);
	if (h->alpn)
		put_alpn(&ext, h->alpn);
	if (h->name)
		put_name(&ext, h->name);
	buf_u16(&body, 0x0303);
	for (int i = 0; i < 32; i++)
		buf_u8(&body, 0xaa);
	buf_u8(&body, 0);
	buf_str16(&body, STR("\x13\x01"));
	buf_u8(&body, 1);
	buf_u8(&body, 0);
	if (ext.len > 0)
		buf_str16(&body, buf_view(&ext));
	buf_u8(b, 1);
	buf_u8(b, (uint8_t)(body.len >> 16));
	buf_u16(b, (uint16_t)body.len);
	buf_str(b, buf_view(&body));
}

static void put_hello(struct buf *b, const struct hello *h)
{
	auto_(buf_free) struct buf m = buf_of(40000);
	put_message(&m, h);
	size_t size = h->record_size > 0 ? h->record_size : m.len;
	for (size_t at = 0; at < m.len; at += size) {
		buf_u8(b, 22);
		buf_u16(b, 0x0301);
		buf_str16(b, str_sub(buf_view(&m), at, size));
	}
}

static enum opening_kind look(struct opening *o, const struct hello *h)
{
	auto_(buf_free) struct buf b = buf_of(60000);
	put_hello(&b, h);
	return opening_look(bytes_of(buf_view(&b)), o);
}

static void relay_traffic_is_known_at_once(void)
{
	static const uint8_t stun[] = { 0, 3, 0, 0, 0x21, 0x12, 0xa4, 0x42 };
	struct opening o;
	for (size_t n = 0; n < sizeof(stun); n++) {
		EQ(opening_look((struct bytes){ stun, n }, &o), OPENING_MORE);
		EQ(o.need, n + 1);
	}
	EQ(opening_look((struct bytes){ stun, sizeof(stun) }, &o), OPENING_RELAY);
	EQ(opening_look((struct bytes){ turn_ms_hello, TURN_MS_HELLO_LEN - 1 }, &o), OPENING_MORE);
	EQ(opening_look((struct bytes){ turn_ms_hello, TURN_MS_HELLO_LEN }, &o), OPENING_RELAY);
}

static void name_and_protocols_are_read(void)
{
	static const char *const alpn[] = { "h2", "http/1.1", "x", NULL };
	static const char *const turn[] = { "stun.turn", NULL }, *const sip[] = { "sip/2", NULL };
	struct opening o;
	EQ(look(&o, &(struct hello){ .name = "Chat.Example.TEST.", .alpn = alpn }), OPENING_TLS);
	OK(str_eq(opening_name(&o), STR("chat.example.test")));
	EQ(o.protocols, OPENING_HTTP);
	EQ(look(&o, &(struct hello){ .alpn = turn }), OPENING_TLS);
	EQ(o.protocols, OPENING_TURN);
	EQ(o.name_len, 0);
	EQ(look(&o, &(struct hello){ .alpn = sip }), OPENING_TLS);
	EQ(o.protocols, OPENING_SIP);
	EQ(look(&o, &(struct hello){ .padding = 0 }), OPENING_TLS);
	EQ(o.protocols, 0);
	EQ(o.name_len, 0);
}

static void what_is_no_name_is_none(void)
{
	struct opening o;
	EQ(look(&o, &(struct hello){ .name = "a b" }), OPENING_TLS);
	EQ(o.name_len, 0);
	EQ(look(&o, &(struct hello){ .name = "" }), OPENING_TLS);
	EQ(o.name_len, 0);
}

/* However it is cut, and whatever came of it by then: at each length either what it says or how
 * many bytes to wait for, which are never more than there will be. */
static void a_hello_in_pieces_is_read(void)
{
	static const char *const alpn[] = { "http/1.1", NULL };
	static const size_t sizes[] = { 0, 300, 200 };
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct hello h = {
			.name = "a.example", .alpn = alpn, .padding = 2000, .record_size = sizes[i]
		};
		auto_(buf_free) struct buf b = buf_of(4000);
		struct opening o;
		put_hello(&b, &h);
		for (size_t n = 0; n < b.len; n++) {
			EQ(opening_look((struct bytes){ (uint8_t *)b.p, n }, &o), OPENING_MORE);
			OK(o.need > n && o.need <= b.len);
		}
		EQ(opening_look(bytes_of(buf_view(&b)), &o), OPENING_TLS);
		OK(str_eq(opening_name(&o), STR("a.example")));
	}
}

static void what_is_beyond_the_limits_is_nobodys(void)
{
	struct opening o;
	EQ(look(&o, &(struct hello){ .padding = 16000 }), OPENING_TLS);
	EQ(look(&o, &(struct hello){ .padding = 16000, .record_size = 15000 }), OPENING_TLS);
	EQ(look(&o, &(struct hello){ .padding = 17000 }), OPENING_OTHER);
	EQ(look(&o, &(struct hello){ .padding = 17000, .record_size = 9000 }), OPENING_OTHER);
	EQ(look(&o, &(struct hello){ .padding = 500, .record_size = 20 }), OPENING_OTHER);
}

static void other_things_are_told_apart(void)
{
	static const char *const texts[] = { "OPTIONS sip:a SIP/2.0\r\n", "GET x", "SSH-2.0-x\r\n",
		                             "\x16\x02\x01\x01\x01", "\x16\x03\x01\x00\x00" };
	struct opening o;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		size_t len = texts[i][0] == 0x16 ? 5 : strlen(texts[i]);
		EQ(opening_look(bytes_of(str_n(texts[i], len)), &o), OPENING_OTHER);
	}
	/* ServerHello; a length in it that is longer than it. */
	auto_(buf_free) struct buf b = buf_of(1000);
	put_hello(&b, &(struct hello){ .name = "a.example" });
	b.p[5] = 2;
	EQ(opening_look(bytes_of(buf_view(&b)), &o), OPENING_OTHER);
	b.p[5] = 1;
	b.p[5 + 4 + 2 + 32] = (char)200;
	EQ(opening_look(bytes_of(buf_view(&b)), &o), OPENING_OTHER);
}

static void a_request_of_http_without_tls_is_known(void)
{
	static const char *const texts[] = { "GET /", "HEAD / HTTP/1.1\r\n", "POST /x" };
	struct opening o;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct str s = str_of(texts[i]);
		size_t whole = (size_t)str_chr(s, '/') + 1;
		for (size_t n = 1; n < whole; n++) {
			EQ(opening_look(bytes_of(str_sub(s, 0, n)), &o), OPENING_MORE);
			EQ(o.need, n + 1);
		}
		EQ(opening_look(bytes_of(str_sub(s, 0, whole)), &o), OPENING_PLAIN);
		EQ(opening_look(bytes_of(s), &o), OPENING_PLAIN);
	}
}

int main(void)
{
	RUN(relay_traffic_is_known_at_once);
	RUN(name_and_protocols_are_read);
	RUN(what_is_no_name_is_none);
	RUN(a_hello_in_pieces_is_read);
	RUN(what_is_beyond_the_limits_is_nobodys);
	RUN(other_things_are_told_apart);
	RUN(a_request_of_http_without_tls_is_known);
	return tap_done();
}
