#include "svc/conference/dialog.h"

#include <errno.h>

/* The value of From without its tag. */
static struct str without_tag(struct arena *a, const struct sip_addr *from)
{
	auto_(buf_free) struct buf b = buf_of(SIP_HEAD_MAX);
	struct str rest = from->params, name, value;
	buf_char(&b, '<');
	buf_str(&b, from->uri);
	buf_char(&b, '>');
	while (sip_param_next(&rest, &name, &value)) {
		if (str_ieq(name, STR("tag")))
			continue;
		buf_char(&b, ';');
		buf_str(&b, name);
		if (value.p) {
			buf_char(&b, '=');
			buf_str(&b, value);
		}
	}
	return arena_str(a, buf_view(&b));
}

/* All Record-Route values, as they stand: the route set of the end that was called. */
static struct str route_of(struct arena *a, const struct sip_msg *m)
{
	auto_(buf_free) struct buf b = buf_of(CONFINFO_ROUTE_MAX);
	for (const struct sip_hdr *h = sip_first(m, SIP_H_RECORD_ROUTE); h; h = sip_next(m, h)) {
		if (b.len > 0)
			buf_lit(&b, ", ");
		buf_str(&b, sip_hdr_value(m, h));
	}
	return arena_str(a, buf_view(&b));
}

int conf_dialog_of(struct confinfo_leg *ret, struct arena *a, const struct sip_msg *m,
                   struct str tag)
{
	const struct sip_addr *from = sip_from(m), *contact = sip_contact(m);
	if (!from || !contact || contact->star)
		return -EBADMSG;
	*ret = (struct confinfo_leg){
		.call_id = arena_str(a, m->call_id),
		.local_tag = arena_str(a, tag),
		.remote_tag = arena_str(a, sip_tag(from)),
		.remote = without_tag(a, from),
		.contact = arena_str(a, contact->uri),
		.route = route_of(a, m),
		.remote_cseq = m->cseq,
	};
	return 0;
}

bool conf_dialog_has(const struct confinfo_leg *leg, const struct sip_msg *m)
{
	return str_eq(leg->call_id, m->call_id) && str_eq(leg->remote_tag, sip_tag(sip_from(m))) &&
	       str_eq(leg->local_tag, sip_tag(sip_to(m)));
}

static void put_from(struct buf *b, const struct confinfo_leg *leg, const struct conf_request *r)
{
	buf_lit(b, "From: ");
	if (r->display.len > 0) {
		sip_put_quoted(b, r->display);
		buf_char(b, ' ');
	}
	buf_printf(b, "<%" STR_FMT ">;tag=%" STR_FMT "\r\n", STR_ARG(r->local),
	           STR_ARG(leg->local_tag));
}

/* Phones that have one pager message take another of the same Call-ID for its copy. */
static void put_call_id(struct buf *b, const struct confinfo_leg *leg, const struct conf_request *r)
{
	buf_lit(b, "Call-ID: ");
	if (leg->pager) {
		buf_dec(b, r->cseq);
		buf_char(b, '-');
	}
	buf_str(b, leg->call_id);
	buf_lit(b, "\r\n");
}

void conf_dialog_put(struct buf *b, const struct confinfo_leg *leg, const struct conf_request *r)
{
	struct str method = sip_method_name(r->method);
	buf_str(b, method);
	buf_char(b, ' ');
	buf_str(b, leg->contact);
	buf_lit(b, " SIP/2.0\r\nVia: ");
	sip_via_put(b, r->flow, r->branch);
	buf_lit(b, "\r\nMax-Forwards: 70\r\n");
	if (r->route.len > 0)
		sip_put_hdr(b, STR("Route"), r->route);
	if (leg->route.len > 0)
		sip_put_hdr(b, STR("Route"), leg->route);
	put_from(b, leg, r);
	buf_printf(b, "To: %" STR_FMT, STR_ARG(leg->remote));
	if (!leg->pager)
		buf_printf(b, ";tag=%" STR_FMT, STR_ARG(leg->remote_tag));
	buf_lit(b, "\r\n");
	put_call_id(b, leg, r);
	buf_lit(b, "CSeq: ");
	buf_dec(b, r->cseq);
	buf_char(b, ' ');
	buf_str(b, method);
	buf_lit(b, "\r\n");
}
