/* A message with fields of the sign-in schemes: what is read of them lies in the message, and the
 * text to be signed is made of it, with nothing but what stands there. */
#include <stdlib.h>

#include "wire/sip/sign.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void check(bool ok)
{
	if (!ok)
		abort();
}

static void inside(const struct sip_msg *m, struct str s)
{
	check(s.len == 0 || (s.p >= m->base && s.p + s.len <= m->base + m->len));
}

static void check_text(const struct sip_msg *m, const struct sip_sign *s)
{
	enum { FIELDS = 15 };
	struct buf b = buf_of(SIP_SIGN_TEXT_MAX);
	size_t n = 0;
	sip_put_sign_text(&b, m, s);
	for (size_t i = 0; i < b.len; i++)
		n += b.p[i] == '<';
	check(b.full || n >= FIELDS + (m->is_request ? 0U : 1U));
	buf_free(&b);
}

static void walk(const struct sip_msg *m, enum sip_hdr_id id)
{
	for (const struct sip_hdr *h = sip_first(m, id); h; h = sip_next(m, h)) {
		struct sip_sign s;
		if (sip_sign_parse(&s, sip_hdr_value(m, h)) < 0)
			continue;
		const struct str all[] = { s.scheme,      s.qop,  s.opaque, s.realm, s.target,
			                   s.gssapi_data, s.rand, s.num,    s.mic };
		for (size_t i = 0; i < ARRAY_SIZE(all); i++)
			inside(m, all[i]);
		check_text(m, &s);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct sip_msg m;
	if (sip_parse(&m, str_from_bytes((struct bytes){ p, n })) < 0)
		return 0;
	walk(&m, SIP_H_AUTHORIZATION);
	walk(&m, SIP_H_AUTHENTICATION_INFO);
	walk(&m, SIP_H_WWW_AUTHENTICATE);
	return 0;
}
