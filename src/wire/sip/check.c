#include <errno.h>

#include "wire/sip/msg.h"
#include "wire/sip/uri.h"

/* What every message must satisfy before anyone acts on it. */

#define FINE ((struct sip_fault){ 0, NULL })

static struct sip_fault fault(int code, const char *reason)
{
	return (struct sip_fault){ code, reason };
}

/* Fields that may stand once only (RFC 3261 section 7.3.1 and table 2). */
static const uint8_t single[] = {
	SIP_H_CALL_ID,        SIP_H_CSEQ,         SIP_H_FROM,    SIP_H_TO,    SIP_H_MAX_FORWARDS,
	SIP_H_CONTENT_LENGTH, SIP_H_CONTENT_TYPE, SIP_H_EXPIRES, SIP_H_EVENT, SIP_H_REFER_TO,
};

static struct sip_fault check_single(const struct sip_msg *m)
{
	for (size_t i = 0; i < ARRAY_SIZE(single); i++) {
		const struct sip_hdr *h = sip_first(m, single[i]);
		if (h && sip_next(m, h))
			return fault(400, "Duplicate Header Field");
	}
	return FINE;
}

static bool is_token(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if (!sip_is_token_char(s.p[i]))
			return false;
	return s.len > 0;
}

static bool has_blank(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if ((unsigned char)s.p[i] <= ' ' || s.p[i] == '<' || s.p[i] == '>')
			return true;
	return false;
}

static struct sip_fault check_start(const struct sip_msg *m)
{
	struct sip_uri u;
	if (!m->is_request)
		return FINE;
	struct str version =
	        str_sub(m->start, m->method_name.len + 1 + m->uri.len + 1, m->start.len);
	if (!str_istarts(version, STR("SIP/")))
		return fault(400, "Bad Request Line");
	if (!str_ieq(version, STR("SIP/2.0")))
		return fault(505, "Version Not Supported");
	if (!is_token(m->method_name))
		return fault(400, "Bad Method");
	if (m->uri.len > SIP_URI_MAX)
		return fault(414, "Request-URI Too Long");
	if (m->uri.len == 0 || has_blank(m->uri) || sip_uri_parse(&u, m->uri) < 0)
		return fault(400, "Bad Request-URI");
	if (u.scheme == SIP_SCHEME_OTHER)
		return fault(416, "Unsupported URI Scheme");
	if (u.headers.len)
		return fault(400, "Headers In Request-URI");
	return FINE;
}

static struct sip_fault check_cseq(const struct sip_msg *m)
{
	uint32_t n;
	struct str name;
	if (sip_cseq_parse(sip_value(m, SIP_H_CSEQ), &n, &name) < 0 || n > INT32_MAX)
		return fault(400, "Bad CSeq");
	if (m->is_request && !str_eq(name, m->method_name))
		return fault(400, "CSeq Method Does Not Match");
	return FINE;
}

static struct sip_fault check_parties(const struct sip_msg *m)
{
	if (!sip_from_uri(m))
		return fault(400, "Bad From");
	if (!sip_to_uri(m))
		return fault(400, "Bad To");
	return FINE;
}

static struct sip_fault check_numbers(const struct sip_msg *m)
{
	uint32_t n;
	struct str mf = sip_value(m, SIP_H_MAX_FORWARDS);
	struct str cl = sip_value(m, SIP_H_CONTENT_LENGTH);
	if (sip_first(m, SIP_H_MAX_FORWARDS) && str_to_u32(mf, 255, &n) < 0)
		return fault(400, "Bad Max-Forwards");
	if (!sip_first(m, SIP_H_CONTENT_LENGTH))
		return FINE;
	if (str_to_u32(cl, UINT32_MAX, &n) < 0)
		return fault(400, "Bad Content-Length");
	if (n > m->len - m->head_len)
		return fault(400, "Body Shorter Than Content-Length");
	return FINE;
}

/* Contact of the requests that must have a usable one (RFC 3261 section 8.1.1.8). */
static struct sip_fault check_contact(const struct sip_msg *m)
{
	if (m->method == SIP_REGISTER && m->is_request)
		return FINE; /* the registrar reads them all, and refuses what it cannot */
	struct sip_contacts it = { 0 };
	struct sip_addr a;
	int r = 1;
	for (int n = 0; n <= SIP_LIST_MAX && r > 0; n++)
		r = sip_contact_next(m, &it, &a);
	return r == 0 ? FINE : fault(400, "Bad Contact");
}

static struct sip_fault check_shape(const struct sip_msg *m)
{
	if (m->too_many)
		return fault(400, "Too Many Header Fields");
	if (m->broken_line)
		return fault(400, "Bad Header Line");
	if (m->head_len > SIP_HEAD_MAX)
		return fault(400, "Header Too Long");
	if (m->call_id.len == 0)
		return fault(400, "Missing Call-ID");
	return FINE;
}

struct sip_fault sip_check(const struct sip_msg *m)
{
	struct sip_fault f;
	if (!sip_top_via(m))
		return fault(400, "Bad Via");
	if ((f = check_start(m)).code || (f = check_shape(m)).code || (f = check_single(m)).code ||
	    (f = check_cseq(m)).code || (f = check_parties(m)).code ||
	    (f = check_numbers(m)).code || (f = check_contact(m)).code)
		return f;
	return FINE;
}
