#include "torture.h"

#include "wire/sip/compose.h"

/* Parser and check with the messages of RFC 4475 and RFC 5118: each is handled as its text says. */

static int outcome(struct str text, struct sip_msg *m)
{
	return sip_parse(m, text) < 0 ? TORTURE_DROP : sip_check(m).code;
}

/* Reads the message of this name, which is fine. */
static void fine(struct buf *b, const char *name, struct sip_msg *m)
{
	torture_put(b, name);
	EQ(outcome(buf_view(b), m), 0);
}

static void each_message_is_handled_as_the_rfc_says(void)
{
	auto_(torture_free) struct torture *t = torture_new();
	for (size_t i = 0; i < t->n; i++) {
		struct sip_msg m;
		auto_(buf_free) struct buf b = torture_message(t->rows[i].name);
		torture_eq(&t->rows[i], outcome(buf_view(&b), &m), t->rows[i].check);
	}
}

/* What is accepted passes on byte for byte but for what a proxy changes, and is accepted again. */
static void what_is_accepted_can_be_passed_on(void)
{
	struct addr peer;
	auto_(torture_free) struct torture *t = torture_new();
	EQ(addr_parse(&peer, STR("192.0.2.77"), 5061), 0);
	for (size_t i = 0; i < t->n; i++) {
		struct sip_msg m, again;
		auto_(buf_free) struct buf text = torture_message(t->rows[i].name);
		auto_(buf_free) struct buf b = buf_of(65536);
		struct sip_edit e = { .push_via = STR("SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKa"),
			              .received = &peer,
			              .max_forwards = 69 };
		if (t->rows[i].check != 0)
			continue;
		EQ(sip_parse(&m, buf_view(&text)), 0);
		sip_put_edited(&b, &m, &e);
		torture_eq(&t->rows[i], outcome(buf_view(&b), &again), 0);
		OK(str_eq(again.uri, m.uri) && str_eq(again.call_id, m.call_id));
		OK(again.cseq == m.cseq && str_eq(again.body, m.body));
	}
}

static unsigned count_vias(const struct sip_msg *m, struct sip_via *last)
{
	unsigned n = 0;
	for (const struct sip_hdr *h = sip_first(m, SIP_H_VIA); h; h = sip_next(m, h)) {
		struct str rest = sip_hdr_value(m, h);
		while (sip_via_next(&rest, last) > 0)
			n++;
	}
	return n;
}

static void wsinv_is_read_through_its_folds_and_blanks(void)
{
	struct sip_msg m;
	struct sip_addr a;
	struct sip_via v = { 0 };
	struct str tag;
	auto_(buf_free) struct buf b = buf_of(TORTURE_MAX);
	fine(&b, "wsinv", &m);
	EQ(m.cseq, 9);
	EQ(m.body.len, 150);
	EQ(sip_addr_parse(&a, sip_value(&m, SIP_H_TO)), 0);
	OK(sip_param(a.params, STR("tag"), &tag));
	EQ_STR(tag, "1918181833n");
	EQ(sip_addr_parse(&a, sip_value(&m, SIP_H_FROM)), 0);
	EQ_STR(a.uri, "sip:jdrosen@example.com");
	EQ(count_vias(&m, &v), 3);
	EQ_STR(v.branch, "z9hG4bK30239");
}

static void longreq_has_no_part_that_is_too_long(void)
{
	struct sip_msg m;
	struct sip_via v = { 0 };
	struct sip_addr a;
	struct str tag;
	auto_(buf_free) struct buf b = buf_of(TORTURE_MAX);
	fine(&b, "longreq", &m);
	EQ(count_vias(&m, &v), 34);
	OK(v.branch.len > 100);
	EQ(m.cseq, 3882340);
	EQ(sip_addr_parse(&a, sip_value(&m, SIP_H_FROM)), 0);
	OK(sip_param(a.params, STR("tag"), &tag) && tag.len > 100);
}

/* In a datagram what stands behind the body is not looked at (3.1.1.8). */
static void dblreq_is_one_request(void)
{
	struct sip_msg m;
	auto_(buf_free) struct buf b = buf_of(TORTURE_MAX);
	fine(&b, "dblreq", &m);
	EQ(m.method, SIP_REGISTER);
	EQ(m.body.len, 0);
	EQ_STR(m.call_id, "dblreq.one");
}

/* On a stream it is two (3.1.1.8 speaks of datagrams alone). */
static void dblreq_on_a_stream_is_two_requests(void)
{
	static const int want[] = { SIP_FRAME_MSG, SIP_FRAME_PONG, SIP_FRAME_MSG };
	auto_(buf_free) struct buf b = torture_message("dblreq");
	struct str rest = buf_view(&b);
	struct sip_framer f = { 0 };
	for (size_t i = 0; i < ARRAY_SIZE(want); i++) {
		uint32_t len = 0;
		EQ(sip_frame(&f, rest, 128 * 1024, &len), want[i]);
		rest = str_sub(rest, len, rest.len);
	}
}

static void mpart01_keeps_every_byte_of_its_body(void)
{
	struct sip_msg m;
	auto_(buf_free) struct buf b = buf_of(TORTURE_MAX);
	fine(&b, "mpart01", &m);
	EQ(m.head_len + m.body.len, m.len);
	OK(str_find(m.body, (struct str){ "\0\1\2\3", 4 }) > 0);
	OK(str_find(m.body, STR("\xfe\xff")) > 0);
	EQ_STR(sip_value(&m, SIP_H_CONTENT_TYPE), "multipart/mixed;boundary=7a9cbec02ceef655");
}

static void the_reason_phrase_may_be_empty_or_in_any_tongue(void)
{
	struct sip_msg m;
	auto_(buf_free) struct buf empty = buf_of(TORTURE_MAX);
	fine(&empty, "noreason", &m);
	EQ(m.status, 100);
	EQ(m.reason.len, 0);
	auto_(buf_free) struct buf tongue = buf_of(TORTURE_MAX);
	fine(&tongue, "unreason", &m);
	EQ(m.status, 200);
	OK(str_starts(m.reason, STR("= 2**3 * 5**2 \xd0\xbd\xd0\xbe ")));
}

static void a_parameter_belongs_to_the_address_only_inside_its_brackets(void)
{
	struct sip_msg m;
	struct sip_addr a;
	auto_(buf_free) struct buf field = buf_of(TORTURE_MAX);
	fine(&field, "cparam01", &m);
	EQ(sip_addr_parse(&a, sip_value(&m, SIP_H_CONTACT)), 0);
	EQ_STR(a.uri, "sip:+19725552222@gw1.example.net");
	EQ_STR(a.params, ";unknownparam");
	auto_(buf_free) struct buf uri = buf_of(TORTURE_MAX);
	fine(&uri, "cparam02", &m);
	EQ(sip_addr_parse(&a, sip_value(&m, SIP_H_CONTACT)), 0);
	EQ_STR(a.uri, "sip:+19725552222@gw1.example.net;unknownparam");
	EQ(a.params.len, 0);
}

/* RFC 3261 section 20: with a question mark the address must stand in brackets. */
static void a_question_mark_needs_brackets(void)
{
	struct sip_msg m;
	struct sip_addr a;
	struct sip_uri u;
	auto_(buf_free) struct buf bare = buf_of(TORTURE_MAX);
	fine(&bare, "regbadct", &m);
	OK(sip_addr_parse(&a, sip_value(&m, SIP_H_CONTACT)) < 0);
	auto_(buf_free) struct buf inside = buf_of(TORTURE_MAX);
	fine(&inside, "regescrt", &m);
	EQ(sip_addr_parse(&a, sip_value(&m, SIP_H_CONTACT)), 0);
	EQ(sip_uri_parse(&u, a.uri), 0);
	EQ_STR(u.headers, "Route=%3Csip:sip.example.com%3E");
}

static void fields_that_a_proxy_does_not_know_are_no_fault(void)
{
	static const struct {
		const char *message, *field, *value;
	} rows[] = {
		{ "baddate", "Date", "Fri, 01 Jan 2010 16:00:00 EST" },
		{ "invut", "Content-Type", "application/unknownformat" },
		{ "sdp01", "Accept", "text/nobodyKnowsThis" },
		{ "regaut01", "Authorization", "NoOneKnowsThisScheme opaque-data=here" },
		{ "bext01", "Require", "nothingSupportsThis, nothingSupportsThisEither" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct sip_msg m;
		auto_(buf_free) struct buf b = buf_of(TORTURE_MAX);
		fine(&b, rows[i].message, &m);
		EQ_STR(sip_value_named(&m, str_of(rows[i].field)), rows[i].value);
	}
}

/* RFC 5118 sections 4.3, 4.4 and 4.10. */
static void an_ipv6_address_and_its_port_are_told_apart_by_brackets(void)
{
	static const struct {
		const char *message, *host;
		uint16_t port;
	} rows[] = {
		{ "ipv6-good", "2001:db8::10", 0 },
		{ "port-ambiguous", "2001:db8::10:5070", 0 },
		{ "port-unambiguous", "2001:db8::10", 5070 },
		{ "ipv6-in-sdp", "2001:db8::10", 0 },
		{ "ipv6-correct-abnf-2-colons", "2001:db8::192.0.2.1", 0 },
		{ "ipv6-bug-abnf-3-colons", "2001:db8:::192.0.2.1", 0 },
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct sip_msg m;
		struct sip_uri u = { 0 };
		auto_(buf_free) struct buf b = buf_of(TORTURE_MAX);
		fine(&b, rows[i].message, &m);
		EQ(sip_uri_parse(&u, m.uri), 0);
		OK(u.host_is_v6);
		EQ_STR(u.host, rows[i].host);
		EQ(u.port, rows[i].port);
	}
}

/* RFC 5118 section 4.5: with brackets, as some write it, or without, as RFC 3261 has it. */
static void received_is_read_in_both_forms(void)
{
	static const char *const names[] = { "via-received-param-with-delim",
		                             "via-received-param-no-delim" };
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		struct sip_msg m;
		struct sip_via v = { 0 };
		struct addr got, want;
		auto_(buf_free) struct buf b = buf_of(TORTURE_MAX);
		fine(&b, names[i], &m);
		EQ(count_vias(&m, &v), 1);
		EQ_STR(v.host, "2001:db8::9:1");
		EQ(addr_parse(&got, v.received, 0), 0);
		EQ(addr_parse(&want, STR("2001:db8::9:255"), 0), 0);
		OK(addr_eq(&got, &want));
	}
}

/* RFC 5118 sections 4.7 and 4.9. */
static void both_kinds_of_addresses_stand_in_one_message(void)
{
	struct sip_msg m;
	struct sip_via v = { 0 };
	auto_(buf_free) struct buf mixed = buf_of(TORTURE_MAX);
	fine(&mixed, "mult-ip-in-header", &m);
	EQ(count_vias(&m, &v), 3);
	EQ_STR(v.host, "2001:db8::9:255");
	EQ_STR(v.received, "192.0.2.200");
	auto_(buf_free) struct buf mapped = buf_of(TORTURE_MAX);
	fine(&mapped, "ipv4-mapped-ipv6", &m);
	EQ(count_vias(&m, &v), 1);
	EQ_STR(v.host, "::ffff:192.0.2.10");
	EQ(v.port, 19823);
}

int main(void)
{
	RUN(each_message_is_handled_as_the_rfc_says);
	RUN(what_is_accepted_can_be_passed_on);
	RUN(wsinv_is_read_through_its_folds_and_blanks);
	RUN(longreq_has_no_part_that_is_too_long);
	RUN(dblreq_is_one_request);
	RUN(dblreq_on_a_stream_is_two_requests);
	RUN(mpart01_keeps_every_byte_of_its_body);
	RUN(the_reason_phrase_may_be_empty_or_in_any_tongue);
	RUN(a_parameter_belongs_to_the_address_only_inside_its_brackets);
	RUN(a_question_mark_needs_brackets);
	RUN(fields_that_a_proxy_does_not_know_are_no_fault);
	RUN(an_ipv6_address_and_its_port_are_told_apart_by_brackets);
	RUN(received_is_read_in_both_forms);
	RUN(both_kinds_of_addresses_stand_in_one_message);
	return tap_done();
}
