#include "wire/sip/compose.h"

void sip_put_hdr(struct buf *b, struct str name, struct str value)
{
	buf_str(b, name);
	buf_lit(b, ": ");
	buf_str(b, value);
	buf_lit(b, "\r\n");
}

void sip_put_quoted(struct buf *b, struct str text)
{
	buf_char(b, '"');
	for (size_t i = 0; i < text.len; i++) {
		char c = text.p[i];
		if (c == '"' || c == '\\')
			buf_char(b, '\\');
		buf_char(b, (unsigned char)c < ' ' || c == 0x7f ? ' ' : c);
	}
	buf_char(b, '"');
}

void sip_put_body(struct buf *b, struct str type, struct str body)
{
	if (type.len)
		sip_put_hdr(b, STR("Content-Type"), type);
	buf_lit(b, "Content-Length: ");
	buf_dec(b, body.len);
	buf_lit(b, "\r\n\r\n");
	buf_str(b, body);
}

/* A Via value with what RFC 3261 section 18.2.1 and RFC 3581 section 4 add at the server: received
 * where the address differs (or rport asks), rport's value. */
static void put_via(struct buf *b, const struct sip_via *v, const struct addr *peer)
{
	struct addr said;
	struct str rest = v->params, name, value;
	bool differs = addr_parse(&said, v->host, 0) < 0 || !addr_eq_host(&said, peer);
	if (!v->rport && !differs) {
		buf_str(b, v->all);
		return;
	}
	buf_put(b, v->all.p, v->all.len - v->params.len);
	while (sip_param_next(&rest, &name, &value)) {
		if (str_ieq(name, STR("received")) || str_ieq(name, STR("rport")))
			continue;
		const char *end = rest.p;
		buf_char(b, ';');
		buf_put(b, name.p, (size_t)(end - name.p));
	}
	if (peer->sa.sa_family == AF_UNSPEC)
		return; /* a local link has no address */
	buf_lit(b, ";received=");
	addr_put_bare(b, peer);
	if (v->rport) {
		buf_lit(b, ";rport=");
		buf_dec(b, addr_port(peer));
	}
}

/* The topmost field with its first value completed; the other values as they are. */
static void put_top_via(struct buf *b, const struct sip_msg *m, const struct addr *peer)
{
	const struct sip_via *v = peer ? sip_top_via(m) : NULL;
	struct str value = sip_value(m, SIP_H_VIA);
	if (!v) {
		buf_str(b, value);
		return;
	}
	put_via(b, v, peer);
	struct str rest = sip_list_behind(value, v->all);
	if (rest.len > 0) {
		buf_lit(b, ", ");
		buf_str(b, rest);
	}
}

static void put_vias(struct buf *b, const struct sip_msg *m, const struct addr *peer)
{
	const struct sip_hdr *h = sip_first(m, SIP_H_VIA);
	if (!h)
		return;
	buf_lit(b, "Via: ");
	put_top_via(b, m, peer);
	buf_lit(b, "\r\n");
	while ((h = sip_next(m, h)) != NULL)
		sip_put_hdr(b, STR("Via"), sip_hdr_value(m, h));
}

static bool wants_record_route(const struct sip_msg *req, int code)
{
	bool dialog = req->method == SIP_INVITE || req->method == SIP_SUBSCRIBE ||
	              req->method == SIP_REFER || req->method == SIP_NOTIFY;
	return dialog && code > 100 && code < 300;
}

static void put_to(struct buf *b, const struct sip_msg *req, int code, struct str to_tag)
{
	const struct sip_addr *to = sip_to(req);
	buf_lit(b, "To: ");
	buf_str(b, sip_value(req, SIP_H_TO));
	if (code != 100 && to_tag.len && !(to && sip_param(to->params, STR("tag"), NULL))) {
		buf_lit(b, ";tag=");
		buf_str(b, to_tag);
	}
	buf_lit(b, "\r\n");
}

void sip_put_response(struct buf *b, const struct sip_msg *req, int code, struct str reason,
                      struct str to_tag, const struct addr *peer)
{
	buf_lit(b, "SIP/2.0 ");
	buf_dec(b, (uint64_t)code);
	buf_char(b, ' ');
	buf_str(b, reason);
	buf_lit(b, "\r\n");
	put_vias(b, req, peer);
	if (wants_record_route(req, code))
		for (const struct sip_hdr *h = sip_first(req, SIP_H_RECORD_ROUTE); h;
		     h = sip_next(req, h))
			sip_put_hdr(b, STR("Record-Route"), sip_hdr_value(req, h));
	sip_put_hdr(b, STR("From"), sip_value(req, SIP_H_FROM));
	put_to(b, req, code, to_tag);
	sip_put_hdr(b, STR("Call-ID"), req->call_id);
	sip_put_hdr(b, STR("CSeq"), sip_value(req, SIP_H_CSEQ));
	if (code == 100 && sip_first(req, SIP_H_TIMESTAMP))
		sip_put_hdr(b, STR("Timestamp"), sip_value(req, SIP_H_TIMESTAMP));
}

/* Passing on. */

struct edit_run {
	struct buf *b;
	const struct sip_msg *m;
	const struct sip_edit *e;
	bool via_done;       /* the old top Via has been dealt with */
	unsigned pop_routes; /* still to take off */
};

static void put_start(struct edit_run *r)
{
	const struct sip_msg *m = r->m;
	if (!m->is_request || !r->e->uri.p) {
		buf_str(r->b, m->start);
	} else {
		buf_str(r->b, m->method_name);
		buf_char(r->b, ' ');
		buf_str(r->b, r->e->uri);
		buf_lit(r->b, " SIP/2.0");
	}
	buf_lit(r->b, "\r\n");
}

static void put_new_fields(struct edit_run *r)
{
	const struct sip_edit *e = r->e;
	if (e->push_via.len)
		sip_put_hdr(r->b, STR("Via"), e->push_via);
	if (e->push_routes.len)
		sip_put_hdr(r->b, STR("Route"), e->push_routes);
	if (e->record_route.len)
		sip_put_hdr(r->b, STR("Record-Route"), e->record_route);
	if (e->max_forwards >= 0 && r->m->is_request && !sip_first(r->m, SIP_H_MAX_FORWARDS)) {
		buf_lit(r->b, "Max-Forwards: ");
		buf_dec(r->b, (uint64_t)e->max_forwards);
		buf_lit(r->b, "\r\n");
	}
}

/* The first Via field of the message that came. */
static void put_old_via(struct edit_run *r, struct str value)
{
	struct str rest = value, top;
	r->via_done = true;
	if (r->e->pop_via) {
		(void)sip_list_next(&rest, &top);
		rest = str_trim(rest);
		if (rest.len)
			sip_put_hdr(r->b, STR("Via"), rest);
		return;
	}
	buf_lit(r->b, "Via: ");
	put_top_via(r->b, r->m, r->e->received);
	buf_lit(r->b, "\r\n");
}

static void put_route(struct edit_run *r, struct str value)
{
	struct str one;
	while (r->pop_routes > 0 && sip_list_next(&value, &one))
		r->pop_routes--;
	value = str_trim(value);
	if (value.len)
		sip_put_hdr(r->b, STR("Route"), value);
}

static void put_as_it_is(struct edit_run *r, const struct sip_hdr *h)
{
	const char *base = r->m->base;
	buf_put(r->b, base + h->name, h->end - h->name);
	buf_lit(r->b, "\r\n");
}

static void put_field(struct edit_run *r, const struct sip_hdr *h)
{
	const struct sip_edit *e = r->e;
	if (e->strip && e->strip[h->id])
		return;
	if (h->id == SIP_H_VIA && !r->via_done && (e->pop_via || e->received)) {
		put_old_via(r, sip_hdr_value(r->m, h));
	} else if (h->id == SIP_H_ROUTE && r->pop_routes > 0) {
		put_route(r, sip_hdr_value(r->m, h));
	} else if (h->id == SIP_H_MAX_FORWARDS && e->max_forwards >= 0) {
		buf_lit(r->b, "Max-Forwards: ");
		buf_dec(r->b, (uint64_t)e->max_forwards);
		buf_lit(r->b, "\r\n");
	} else if (e->body && (h->id == SIP_H_CONTENT_TYPE || h->id == SIP_H_CONTENT_LENGTH)) {
		return;
	} else {
		put_as_it_is(r, h);
	}
}

void sip_put_edited(struct buf *b, const struct sip_msg *m, const struct sip_edit *e)
{
	struct edit_run r = { .b = b, .m = m, .e = e, .pop_routes = e->pop_routes };
	put_start(&r);
	put_new_fields(&r);
	for (unsigned i = 0; i < m->n_hdrs; i++)
		put_field(&r, &m->hdrs[i]);
	buf_str(b, e->add);
	if (e->body) {
		sip_put_body(b, e->body_type, *e->body);
		return;
	}
	/* A datagram may come without Content-Length; on a stream it is needed. */
	if (!sip_first(m, SIP_H_CONTENT_LENGTH)) {
		sip_put_body(b, STR(""), m->body);
		return;
	}
	buf_lit(b, "\r\n");
	buf_str(b, m->body);
}
