#include "load.h"

#define BODY_TEXT "The quick brown fox jumps over the lazy dog, and nobody looks up."
#define BODY_SDP                                                                             \
	"v=0\r\no=- 3950000000 3950000000 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\n" \
	"t=0 0\r\nm=audio 40000 RTP/AVP 0 8 101\r\na=rtpmap:0 PCMU/8000\r\n"                 \
	"a=rtpmap:8 PCMA/8000\r\na=rtpmap:101 telephone-event/8000\r\na=sendrecv\r\n"
#define BODY_IM                                                                           \
	"v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=session\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n" \
	"m=message 5061 sip null\r\na=accept-types:text/plain text/html\r\n"

const struct str text_body = { BODY_TEXT, sizeof(BODY_TEXT) - 1 };
static const struct str sdp_body = { BODY_SDP, sizeof(BODY_SDP) - 1 };
static const struct str im_body = { BODY_IM, sizeof(BODY_IM) - 1 };

struct str compose_offer(const struct load *l)
{
	return l->o.lync ? im_body : sdp_body;
}

const struct str method_names[] = {
	[M_REGISTER] = { "REGISTER", 8 }, [M_MESSAGE] = { "MESSAGE", 7 },
	[M_INVITE] = { "INVITE", 6 },     [M_ACK] = { "ACK", 3 },
	[M_BYE] = { "BYE", 3 },
};

void compose_user(const struct load *l, const struct user *u, struct out *o)
{
	out_str(o, str_of(l->o.prefix));
	out_u32(o, u->number);
}

/* "sip:user1@bench.test" */
static void put_address(const struct load *l, const struct user *u, struct out *o)
{
	out_lit(o, "sip:");
	compose_user(l, u, o);
	out_lit(o, "@");
	out_str(o, str_of(l->o.domain));
}

static void put_transport(const struct load *l, struct out *o)
{
	static const struct str names[] = { [TCP] = { "tcp", 3 }, [TLS] = { "tls", 3 } };
	if (l->o.net.transport == UDP)
		return;
	out_lit(o, ";transport=");
	out_str(o, names[l->o.net.transport]);
}

void compose_contact(const struct load *l, const struct user *u, const struct conn *c,
                     struct out *o)
{
	if (u->lync && u->lync->gruu[0]) {
		out_lit(o, "<");
		out_str(o, str_of(u->lync->gruu));
		out_lit(o, ">");
		return;
	}
	out_lit(o, "<sip:");
	compose_user(l, u, o);
	out_lit(o, "@");
	out_str(o, str_of(c->local));
	put_transport(l, o);
	out_lit(o, ">");
}

static void put_id(const struct load *l, const struct op *op, struct out *o)
{
	out_hex(o, l->run);
	out_lit(o, ".");
	out_hex(o, op->slot);
	out_lit(o, ".");
	out_hex(o, op->generation);
}

static bool is_kept(const struct op *op)
{
	return op->kind == OP_DIALOG || op->kind == OP_CHAT;
}

static void put_via(const struct load *l, const struct op *op, struct out *o, uint32_t txn)
{
	static const struct str names[] = {
		[UDP] = { "UDP", 3 }, [TCP] = { "TCP", 3 }, [TLS] = { "TLS", 3 }
	};
	out_lit(o, "Via: SIP/2.0/");
	out_str(o, names[l->o.net.transport]);
	out_lit(o, " ");
	out_str(o, str_of(op->from->local));
	out_lit(o, ";rport;branch=z9hG4bK");
	put_id(l, op, o);
	out_lit(o, ".");
	out_hex(o, txn);
	out_lit(o, "\r\n");
}

/* The URI of the request: the domain, B's address, or what B's Contact said. */
static struct str request_uri(const struct load *l, const struct op *op, enum method m,
                              bool in_dialog, struct out *o)
{
	size_t at = o->n;
	if (in_dialog) {
		out_str(o, str_of(op->d.target));
	} else if (m == M_REGISTER) {
		out_lit(o, "sip:");
		out_str(o, str_of(l->o.domain));
	} else {
		put_address(l, op->b, o);
	}
	return (struct str){ o->p + at, o->n - at };
}

/* Twelve digits that tell the users apart. */
static void put_digits(const struct user *u, struct out *o)
{
	char digits[13];
	for (unsigned i = 0, v = u->number; i < 12; i++, v /= 10)
		digits[11 - i] = (char)('0' + v % 10);
	digits[12] = '\0';
	out_str(o, str_of(digits));
}

static void put_epid(const struct user *u, struct out *o)
{
	out_lit(o, ";epid=");
	put_digits(u, o);
}

static void put_from_tag(const struct op *op, struct out *o)
{
	out_lit(o, ">;tag=");
	if (is_kept(op)) {
		out_lit(o, "k");
		out_u32(o, op->a->number);
	} else {
		out_lit(o, "a");
		out_hex(o, op->slot);
		out_lit(o, ".");
		out_hex(o, op->generation);
	}
	if (op->a->lync)
		put_epid(op->a, o);
}

static void put_parties(const struct load *l, const struct op *op, struct out *o)
{
	out_lit(o, "From: <");
	put_address(l, op->a, o);
	put_from_tag(op, o);
	out_lit(o, "\r\nTo: <");
	put_address(l, op->b ? op->b : op->a, o);
	out_lit(o, ">");
	if (op->d.to_tag[0]) {
		out_lit(o, ";tag=");
		out_str(o, str_of(op->d.to_tag));
	}
	out_lit(o, "\r\n");
}

/* A user's registrations share one Call-ID. */
static void put_call_id(const struct load *l, const struct op *op, enum method m, struct out *o)
{
	out_lit(o, "Call-ID: ");
	if (m == M_REGISTER || is_kept(op)) {
		out_str(o, m == M_REGISTER ? STR("r") : STR("k"));
		out_hex(o, l->run);
		out_lit(o, ".");
		out_u32(o, op->a->number);
	} else {
		put_id(l, op, o);
	}
	out_lit(o, "@127.0.0.1\r\nCSeq: ");
	out_u32(o, m == M_ACK ? op->invite_cseq : op->cseq);
	out_lit(o, " ");
	out_str(o, method_names[m]);
	out_lit(o, "\r\n");
}

static void put_credentials(struct load *l, struct op *op, enum method m, struct str uri,
                            struct out *o)
{
	char name[64];
	struct out user = { name, 0, sizeof(name), false };
	compose_user(l, op->a, &user);
	if (op->auth_www && !op->a->lync) {
		out_lit(o, "Authorization: ");
		digest_write(l->digest, o, &op->a->www, out_view(&user), method_names[m], uri);
		out_lit(o, "\r\n");
	}
	if (op->auth_proxy) {
		out_lit(o, "Proxy-Authorization: ");
		digest_write(l->digest, o, &op->a->proxy, out_view(&user), method_names[m], uri);
		out_lit(o, "\r\n");
	}
}

static void put_instance(const struct user *u, struct out *o)
{
	out_lit(o, ";+sip.instance=\"<urn:uuid:00000000-0000-4000-8000-");
	put_digits(u, o);
	out_lit(o, ">\"\r\nSupported: ");
}

/* As pidgin-sipe registers. */
static void put_lync_contact(const struct load *l, const struct op *op, struct out *o)
{
	out_lit(o, "Contact: <sip:");
	out_str(o, str_of(op->from->local));
	put_transport(l, o);
	out_lit(o, ";ms-opaque=d3470f2e1d>;proxy=replace");
	put_instance(op->a, o);
	out_lit(o, "gruu-10, adhoclist, msrtc-event-categories\r\n"
	           "Event: registration\r\nms-keep-alive: UAC;hop-hop=yes");
}

static void put_contact(const struct load *l, const struct op *op, enum method m, struct out *o)
{
	if (m == M_REGISTER && op->a->lync) {
		put_lync_contact(l, op, o);
	} else {
		out_lit(o, "Contact: ");
		compose_contact(l, op->a, op->from, o);
		if (m == M_REGISTER && l->o.outbound) {
			out_lit(o, ";reg-id=1");
			put_instance(op->a, o);
			out_lit(o, "path, outbound");
		}
	}
	out_lit(o, "\r\n");
	if (m == M_REGISTER) {
		out_lit(o, "Expires: ");
		out_u32(o, l->o.expires);
		out_lit(o, "\r\n");
	}
}

static void put_body(struct out *o, struct str type, struct str body)
{
	if (body.n > 0) {
		out_lit(o, "Content-Type: ");
		out_str(o, type);
		out_lit(o, "\r\n");
	}
	out_lit(o, "Content-Length: ");
	out_u32(o, (uint32_t)body.n);
	out_lit(o, "\r\n\r\n");
	out_str(o, body);
}

void compose_request(struct load *l, struct op *op, enum method m, uint32_t txn, struct out *o)
{
	bool in_dialog = op->d.target[0] && (m == M_ACK || m == M_BYE || op->kind == OP_CHAT);
	out_str(o, method_names[m]);
	out_lit(o, " ");
	struct str uri = request_uri(l, op, m, in_dialog, o);
	out_lit(o, " SIP/2.0\r\n");
	put_via(l, op, o, txn);
	if (in_dialog && op->d.route[0]) {
		out_lit(o, "Route: ");
		out_str(o, str_of(op->d.route));
		out_lit(o, "\r\n");
	}
	out_lit(o, "Max-Forwards: 70\r\n");
	put_parties(l, op, o);
	put_call_id(l, op, m, o);
	if (m == M_REGISTER || m == M_MESSAGE || m == M_INVITE)
		put_credentials(l, op, m, uri, o);
	if (m == M_REGISTER || m == M_INVITE)
		put_contact(l, op, m, o);
	out_lit(o, "User-Agent: sipload\r\n");
	if (m == M_MESSAGE)
		put_body(o, STR("text/plain"), text_body);
	else if (m == M_INVITE)
		put_body(o, STR("application/sdp"), compose_offer(l));
	else
		put_body(o, STR(""), STR(""));
}

static void put_lines(struct out *o, struct str name, const struct sip_list *list)
{
	for (size_t i = 0; i < list->n; i++) {
		out_str(o, name);
		out_str(o, list->line[i]);
		out_lit(o, "\r\n");
	}
}

void compose_response(const struct sip_msg *m, struct out *o, struct str status, struct str to_tag,
                      struct str contact, struct str body)
{
	out_lit(o, "SIP/2.0 ");
	out_str(o, status);
	out_lit(o, "\r\n");
	put_lines(o, STR("Via: "), &m->via);
	put_lines(o, STR("Record-Route: "), &m->record_route);
	out_lit(o, "From: ");
	out_str(o, m->from);
	out_lit(o, "\r\nTo: ");
	out_str(o, m->to);
	if (sip_param(m->to, STR("tag")).n == 0) {
		out_lit(o, ";tag=");
		out_str(o, to_tag);
	}
	out_lit(o, "\r\nCall-ID: ");
	out_str(o, m->call_id);
	out_lit(o, "\r\nCSeq: ");
	out_u32(o, m->cseq);
	out_lit(o, " ");
	out_str(o, m->cseq_method);
	out_lit(o, "\r\n");
	if (contact.n > 0) {
		out_lit(o, "Contact: ");
		out_str(o, contact);
		out_lit(o, "\r\n");
	}
	put_body(o, STR("application/sdp"), body);
}
