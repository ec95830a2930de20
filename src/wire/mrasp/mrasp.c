#include "wire/mrasp/mrasp.h"

#include <errno.h>

#define SPACE "http://schemas.microsoft.com/2006/09/sip/mrasp"

/* --- the request ---------------------------------------------------------------------- */

static bool is_long(struct str s)
{
	return s.len > MRASP_TEXT_MAX;
}

/* What is no number is what clients ask for that say nothing. */
static uint32_t read_duration(struct str s)
{
	uint32_t v;
	if (s.len == 0 || str_to_u32(s, UINT32_MAX, &v) < 0)
		return MRASP_DURATION_DEFAULT;
	return MIN(MAX(v, MRASP_DURATION_MIN), MRASP_DURATION_MAX);
}

static int read_wanted(struct mrasp_wanted *ret, const struct xml *e)
{
	struct str location = xml_child_text(e, "location");
	*ret = (struct mrasp_wanted){
		.id = xml_attr(e, "credentialsRequestID"),
		.identity = xml_child_text(e, "identity"),
		.location = str_ieq(location, STR("internet")) ? MRASP_INTERNET : MRASP_INTRANET,
		.duration = read_duration(xml_child_text(e, "duration")),
	};
	if (ret->id.len == 0 || ret->identity.len == 0)
		return -EBADMSG;
	return is_long(ret->id) || is_long(ret->identity) ? -E2BIG : 0;
}

int mrasp_parse(struct mrasp_request *ret, struct arena *a, struct str in)
{
	struct xml *root;
	int r = xml_parse(&root, a, in);
	if (r < 0)
		return r;
	struct mrasp_request m = {
		.id = xml_attr(root, "requestID"),
		.from = xml_attr(root, "from"),
		.to = xml_attr(root, "to"),
		.version = xml_attr(root, "version"),
		.direct = str_ieq(xml_attr(root, "route"), STR("directIP")),
	};
	if (!xml_is(root, "request") || m.id.len == 0)
		return -EBADMSG;
	if (is_long(m.id) || is_long(m.from) || is_long(m.to) || is_long(m.version))
		return -E2BIG;
	const struct xml *e = xml_child(root, "credentialsRequest");
	for (; r == 0 && e; e = xml_again(e))
		r = m.n_wanted == MRASP_WANTED_MAX ? -E2BIG
		                                   : read_wanted(&m.wanted[m.n_wanted++], e);
	if (r < 0)
		return r;
	if (m.n_wanted == 0)
		return -EBADMSG;
	*ret = m;
	return 0;
}

/* --- the response --------------------------------------------------------------------- */

struct str mrasp_phrase(enum mrasp_reason why)
{
	/* clang-format off */
	static const struct str phrases[MRASP_N_REASONS] = {
		[MRASP_OK]            = STR_INIT("OK"),
		[MRASP_MALFORMED]     = STR_INIT("Request Malformed"),
		[MRASP_TOO_LARGE]     = STR_INIT("Request Too Large"),
		[MRASP_NOT_SUPPORTED] = STR_INIT("Not Supported"),
		[MRASP_BUSY]          = STR_INIT("Server Busy"),
		[MRASP_FORBIDDEN]     = STR_INIT("Forbidden"),
		[MRASP_FAILURE]       = STR_INIT("Other Failure"),
	};
	/* clang-format on */
	return phrases[why];
}

static struct str location_name(enum mrasp_location l)
{
	return l == MRASP_INTERNET ? STR("internet") : STR("intranet");
}

static void put_number(struct buf *b, const char *name, uint32_t v)
{
	buf_printf(b, "<%s>%u</%s>", name, v, name);
}

static void put_relays(struct buf *b, const struct mrasp_response *r)
{
	buf_lit(b, "<mediaRelayList>");
	for (size_t i = 0; i < r->n_relays; i++) {
		buf_lit(b, "<mediaRelay>");
		xml_put_element(b, "location", location_name(r->relays[i].location));
		xml_put_element(b, "hostName", r->relays[i].host);
		put_number(b, "udpPort", r->relays[i].udp);
		put_number(b, "tcpPort", r->relays[i].tcp);
		buf_lit(b, "</mediaRelay>");
	}
	buf_lit(b, "</mediaRelayList>");
}

static void put_granted(struct buf *b, const struct mrasp_response *r, size_t i)
{
	buf_lit(b, "<credentialsResponse");
	xml_put_attr(b, "credentialsRequestID", r->to->wanted[i].id);
	buf_lit(b, "><credentials>");
	xml_put_element(b, "username", r->granted[i].user);
	xml_put_element(b, "password", r->granted[i].password);
	put_number(b, "duration", r->granted[i].duration);
	buf_lit(b, "</credentials>");
	put_relays(b, r);
	buf_lit(b, "</credentialsResponse>");
}

/* from and to are those of the request, as they stood there. */
void mrasp_put(struct buf *b, const struct mrasp_response *r)
{
	buf_lit(b, "<?xml version=\"1.0\"?><response");
	if (r->to) {
		xml_put_attr(b, "requestID", r->to->id);
		xml_put_attr(b, "to", r->to->to);
		xml_put_attr(b, "from", r->to->from);
	}
	buf_lit(b, " version=\"1.0\" serverVersion=\"2.0\"");
	xml_put_attr(b, "reasonPhrase", mrasp_phrase(r->why));
	xml_put_attr(b, "xmlns", STR(SPACE));
	buf_char(b, '>');
	for (size_t i = 0; r->why == MRASP_OK && i < r->to->n_wanted; i++)
		put_granted(b, r, i);
	buf_lit(b, "</response>");
}

/* --- who asks -------------------------------------------------------------------------- */

void mrasp_put_request(struct buf *b, const struct mrasp_request *rq)
{
	const struct mrasp_wanted *w = &rq->wanted[0];
	buf_lit(b, "<?xml version=\"1.0\"?><request");
	xml_put_attr(b, "requestID", rq->id);
	xml_put_attr(b, "version", rq->version);
	xml_put_attr(b, "to", rq->to);
	xml_put_attr(b, "from", rq->from);
	xml_put_attr(b, "xmlns", STR(SPACE));
	buf_lit(b, "><credentialsRequest");
	xml_put_attr(b, "credentialsRequestID", w->id);
	buf_char(b, '>');
	xml_put_element(b, "identity", w->identity);
	xml_put_element(b, "location", location_name(w->location));
	put_number(b, "duration", w->duration);
	buf_lit(b, "</credentialsRequest></request>");
}

void mrasp_put_service(struct buf *b, struct str host, struct str domain)
{
	buf_printf(b, "sip:%" STR_FMT "@%" STR_FMT ";gruu;opaque=" MRASP_OPAQUE, STR_ARG(host),
	           STR_ARG(domain));
}

static int read_port(uint16_t *ret, const struct xml *relay, const char *name)
{
	uint32_t v;
	if (str_to_u32(xml_child_text(relay, name), UINT16_MAX, &v) < 0)
		return -EBADMSG;
	*ret = (uint16_t)v;
	return 0;
}

static int read_relay(struct mrasp_relay *ret, const struct xml *e)
{
	struct str location = xml_child_text(e, "location");
	ret->location = str_ieq(location, STR("internet")) ? MRASP_INTERNET : MRASP_INTRANET;
	ret->host = xml_child_text(e, "hostName");
	if (ret->host.len == 0 || read_port(&ret->udp, e, "udpPort") < 0 ||
	    read_port(&ret->tcp, e, "tcpPort") < 0)
		return -EBADMSG;
	return is_long(ret->host) ? -E2BIG : 0;
}

static int read_granted(struct mrasp_granted *ret, const struct xml *e)
{
	ret->user = xml_child_text(e, "username");
	ret->password = xml_child_text(e, "password");
	ret->duration = read_duration(xml_child_text(e, "duration"));
	if (ret->user.len == 0 || ret->password.len == 0)
		return -EBADMSG;
	return is_long(ret->user) || is_long(ret->password) ? -E2BIG : 0;
}

int mrasp_parse_response(struct mrasp_answer *ret, struct arena *a, struct str in)
{
	struct xml *root;
	struct mrasp_answer m = { .other.host = STR_INIT("") };
	int r = xml_parse(&root, a, in);
	if (r < 0)
		return r;
	if (!xml_is(root, "response"))
		return -EBADMSG;
	if (!str_eq(xml_attr(root, "reasonPhrase"), mrasp_phrase(MRASP_OK)))
		return -EACCES;
	const struct xml *e = xml_child(root, "credentialsResponse");
	r = read_granted(&m.granted, xml_child(e, "credentials"));
	const struct xml *relay = xml_child(xml_child(e, "mediaRelayList"), "mediaRelay");
	if (r == 0)
		r = read_relay(&m.relay, relay);
	if (r == 0 && xml_again(relay))
		r = read_relay(&m.other, xml_again(relay));
	if (r == 0)
		*ret = m;
	return r;
}
