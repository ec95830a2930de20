#include <assert.h>
#include <stdlib.h>

#include "wire/sip/compose.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void inside(const struct sip_msg *m, struct str s)
{
	assert(s.len == 0 || (s.p >= m->base && s.p + s.len <= m->base + m->len));
}

static unsigned n_equal;

static void walk_addrs(const struct sip_msg *m, enum sip_hdr_id id)
{
	for (const struct sip_hdr *h = sip_first(m, id); h; h = sip_next(m, h)) {
		struct str rest = sip_hdr_value(m, h), name, value;
		struct sip_addr a;
		struct sip_uri u;
		while (sip_addr_next(&rest, &a) > 0) {
			struct str params = a.params;
			inside(m, a.uri);
			inside(m, a.display);
			while (sip_param_next(&params, &name, &value))
				inside(m, value);
			if (sip_uri_parse(&u, a.uri) == 0) {
				auto_(buf_free) struct buf b = buf_of(100000);
				inside(m, u.host);
				/* One with a parameter twice equals none, not even itself. */
				n_equal += sip_uri_eq(&u, &u);
				if (sip_uri_aor(&u, &b) == 0)
					assert(b.len > 4);
			}
		}
	}
}

/* What is kept in the message is what reading each field again gives. */
static void walk_parts(const struct sip_msg *m)
{
	struct sip_contacts it = { 0 };
	struct sip_addr one, same;
	int r = 1;
	for (const struct sip_hdr *h = sip_first(m, SIP_H_CONTACT); h && r >= 0;
	     h = sip_next(m, h)) {
		struct str rest = sip_hdr_value(m, h);
		while ((r = sip_addr_next(&rest, &one)) > 0) {
			assert(sip_contact_next(m, &it, &same) == 1);
			assert(one.all.p == same.all.p && one.all.len == same.all.len);
			assert(one.star == same.star && str_eq(one.uri, same.uri));
		}
	}
	assert(sip_contact_next(m, &it, &same) == MIN(r, 0));
	if (sip_from_uri(m))
		inside(m, sip_from_uri(m)->host);
	if (sip_to_uri(m))
		inside(m, sip_to_uri(m)->host);
	if (sip_top_via(m))
		inside(m, sip_top_via(m)->branch);
}

static void walk(const struct sip_msg *m)
{
	walk_parts(m);
	struct sip_auth au;
	struct str value;
	inside(m, m->body);
	for (unsigned i = 0; i < m->n_hdrs; i++) {
		inside(m, sip_hdr_name(m, &m->hdrs[i]));
		inside(m, sip_hdr_value(m, &m->hdrs[i]));
	}
	for (int id = 1; id < SIP_H_N_IDS; id++)
		walk_addrs(m, (enum sip_hdr_id)id);
	for (const struct sip_hdr *h = sip_first(m, SIP_H_VIA); h; h = sip_next(m, h)) {
		struct str rest = sip_hdr_value(m, h);
		struct sip_via v;
		while (sip_via_next(&rest, &v) > 0)
			inside(m, v.branch);
	}
	if (sip_auth_parse(&au, sip_value(m, SIP_H_AUTHORIZATION)) == 0 &&
	    sip_auth_param(&au, STR("nonce"), &value))
		inside(m, value);
}

/* What passes the check can be passed on, and is then a message that passes again. */
static void pass_on(const struct sip_msg *m)
{
	__attribute__((uninitialized)) struct sip_msg again;
	struct addr peer;
	auto_(buf_free) struct buf b = buf_of(4 * SIP_SERVER_MAX);
	struct sip_edit e = { .push_via = STR("SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKx"),
		              .received = &peer,
		              .max_forwards = 69,
		              .pop_routes = 1,
		              .record_route = STR("<sip:192.0.2.1;lr>") };
	assert(addr_parse(&peer, STR("192.0.2.9"), 5060) == 0);
	sip_put_edited(&b, m, &e);
	assert(!b.full && sip_parse(&again, buf_view(&b)) == 0);
	assert(again.n_hdrs > SIP_HEADERS_MAX - 4 || sip_check(&again).code == 0);
	assert(str_eq(again.body, m->body));
	b.len = 0;
	sip_put_response(&b, m, 200, STR("OK"), STR("tag"), &peer);
	sip_put_body(&b, STR(""), STR(""));
	assert(sip_parse(&again, buf_view(&b)) == 0 && again.status == 200);
	assert(again.cseq == m->cseq && str_eq(again.call_id, m->call_id));
}

static void copied(const struct sip_msg *m)
{
	void *block;
	struct sip_msg *c = sip_msg_copy(m, 24, &block);
	assert(c->base != m->base && str_eq(c->call_id, m->call_id) && str_eq(c->body, m->body));
	walk(c);
	free(block);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	__attribute__((uninitialized)) struct sip_msg m;
	if (sip_parse(&m, str_n((const char *)data, size)) < 0)
		return 0;
	walk(&m);
	copied(&m);
	if (sip_check(&m).code == 0 && m.is_request)
		pass_on(&m);
	return 0;
}
