#include "stack/sip/orphan.h"

#include "stack/sip/stack.h"

enum { ROUTES_MAX = 32 };

/* The route set of the caller: the Record-Route values from the last to the first. */
static void put_routes(struct buf *b, const struct sip_msg *ok, unsigned n_ours)
{
	struct str routes[ROUTES_MAX];
	size_t n = 0;
	for (const struct sip_hdr *h = sip_first(ok, SIP_H_RECORD_ROUTE); h; h = sip_next(ok, h)) {
		struct str rest = sip_hdr_value(ok, h);
		while (n < ROUTES_MAX && sip_list_next(&rest, &routes[n]))
			n++;
	}
	for (size_t i = n; i-- > 0;)
		if (n - i > n_ours)
			sip_put_hdr(b, STR("Route"), routes[i]);
}

/* The remote target: Contact of the 2xx, else the address we called. */
static struct str target(const struct sip_msg *ok, const struct sip_msg *invite)
{
	const struct sip_addr *contact = sip_contact(ok);
	return contact && !contact->star ? contact->uri : invite->uri;
}

struct str orphan_request(struct sip_stack *s, struct sip_flow *f, struct str invite,
                          const struct sip_msg *ok, enum sip_method method, unsigned n_ours,
                          const char *branch)
{
	char via[256];
	struct buf vb = BUF_ON(via);
	struct buf *b = sip_transport_out(s->tp);
	RAW_MEMORY struct sip_msg m;
	struct str name = sip_method_name(method);
	if (sip_parse(&m, invite) < 0)
		return STR("");
	sip_via_put(&vb, f, branch);
	buf_str(b, name);
	buf_char(b, ' ');
	buf_str(b, target(ok, &m));
	buf_lit(b, " SIP/2.0\r\n");
	sip_put_hdr(b, STR("Via"), buf_view(&vb));
	put_routes(b, ok, n_ours);
	sip_put_hdr(b, STR("From"), sip_value(&m, SIP_H_FROM));
	sip_put_hdr(b, STR("To"), sip_value(ok, SIP_H_TO));
	sip_put_hdr(b, STR("Call-ID"), m.call_id);
	buf_lit(b, "CSeq: ");
	buf_dec(b, m.cseq + (method == SIP_BYE));
	buf_char(b, ' ');
	buf_str(b, name);
	buf_lit(b, "\r\nMax-Forwards: 70\r\n");
	if (method == SIP_BYE)
		buf_lit(b, "Reason: SIP;cause=487;text=\"Caller has gone\"\r\n");
	sip_put_body(b, STR(""), STR(""));
	return buf_view(b);
}
