#include "wire/sip/sign.h"

#include <errno.h>

#include "wire/sip/uri.h"

/* --- fields -------------------------------------------------------------------------- */

/* clang-format off */
static const struct {
	struct str name;
	size_t member;
} known[] = {
	{ STR_INIT("qop"),         offsetof(struct sip_sign, qop) },
	{ STR_INIT("opaque"),      offsetof(struct sip_sign, opaque) },
	{ STR_INIT("realm"),       offsetof(struct sip_sign, realm) },
	{ STR_INIT("targetname"),  offsetof(struct sip_sign, target) },
	{ STR_INIT("gssapi-data"), offsetof(struct sip_sign, gssapi_data) },
	{ STR_INIT("crand"),       offsetof(struct sip_sign, rand) },
	{ STR_INIT("srand"),       offsetof(struct sip_sign, rand) },
	{ STR_INIT("cnum"),        offsetof(struct sip_sign, num) },
	{ STR_INIT("snum"),        offsetof(struct sip_sign, num) },
	{ STR_INIT("response"),    offsetof(struct sip_sign, mic) },
	{ STR_INIT("rspauth"),     offsetof(struct sip_sign, mic) },
};
/* clang-format on */

/* The member for a parameter; NULL for one that we do not know. */
static struct str *member(struct sip_sign *s, struct str name)
{
	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (known[i].name.len == name.len && str_ieq(known[i].name, name))
			return (struct str *)(void *)((char *)s + known[i].member);
	return NULL;
}

static struct str unquote(struct str v)
{
	bool quoted = v.len >= 2 && v.p[0] == '"' && v.p[v.len - 1] == '"';
	return quoted ? str_sub(v, 1, v.len - 2) : v;
}

int sip_sign_parse(struct sip_sign *ret, struct str value)
{
	struct sip_auth auth;
	struct sip_sign s = { .version = 0 };
	struct str one, name, version = { NULL, 0 };
	if (sip_auth_parse(&auth, value) < 0)
		return -EBADMSG;
	s.scheme = auth.scheme;
	for (int n = 0; sip_list_next(&auth.params, &one); n++) {
		if (!str_cut(one, '=', &name, &one) || n == SIP_PARAMS_MAX)
			return -EBADMSG;
		name = str_trim(name);
		struct str *to = str_ieq(name, STR("version")) ? &version : member(&s, name);
		if (to && to->p)
			return -EBADMSG;
		if (to)
			*to = unquote(str_trim(one));
	}
	if (version.p && str_to_u32(version, UINT32_MAX, &s.version) < 0)
		return -EBADMSG;
	*ret = s;
	return 0;
}

/* --- the text ------------------------------------------------------------------------ */

static void put(struct buf *b, struct str s)
{
	char *to = buf_room(b, s.len + 2);
	if (!to)
		return;
	to[0] = '<';
	if (s.p)
		memcpy(to + 1, s.p, s.len);
	to[s.len + 1] = '>';
	b->len += s.len + 2;
}

/* What stands behind `before`, up to `end` or the end of s; empty without `before`. */
static struct str part(struct str s, struct str before, char end)
{
	struct str rest;
	ssize_t at = str_find(s, before);
	if (at < 0)
		return STR("");
	s = str_sub(s, (size_t)at + before.len, s.len);
	(void)str_cut(s, end, &s, &rest);
	return s;
}

/* Between the first < and >, whatever stands before it: both sides read it without a parser. */
static struct str uri_of(struct str value)
{
	struct str rest;
	if (str_chr(value, '<') >= 0)
		return part(value, STR("<"), '>');
	(void)str_cut(value, ';', &value, &rest);
	return value;
}

static struct str tag_of(struct str value)
{
	return part(value, STR(";tag="), ';');
}

/* The first sip: and the first tel: URI of P-Asserted-Identity, or else of P-Preferred-Identity. */
static void put_identity(struct buf *b, const struct sip_msg *m)
{
	struct str rest = sip_value(m, SIP_H_P_ASSERTED_IDENTITY), one;
	struct str sip = { NULL, 0 }, tel = { NULL, 0 };
	if (!rest.p)
		rest = sip_value(m, SIP_H_P_PREFERRED_IDENTITY);
	if (str_istarts(rest, STR("tel:"))) {
		tel = rest;
		rest.len = 0;
	}
	while (rest.len > 0) {
		(void)str_cut(rest, ',', &one, &rest);
		one = part(one, STR("<"), '>');
		if (!sip.p && str_istarts(one, STR("sip:")))
			sip = one;
		else if (!tel.p && str_istarts(one, STR("tel:")))
			tel = one;
	}
	put(b, sip);
	put(b, tel);
}

void sip_put_sign_text(struct buf *b, const struct sip_msg *m, const struct sip_sign *s)
{
	struct str from = sip_value(m, SIP_H_FROM), to = sip_value(m, SIP_H_TO);
	struct str number, method;
	(void)str_cut(sip_value(m, SIP_H_CSEQ), ' ', &number, &method);
	put(b, s->scheme);
	put(b, s->rand);
	put(b, s->num);
	put(b, s->realm);
	put(b, s->target);
	put(b, sip_value(m, SIP_H_CALL_ID));
	put(b, number);
	put(b, str_trim(method));
	put(b, uri_of(from));
	put(b, tag_of(from));
	put(b, uri_of(to));
	put(b, tag_of(to));
	put_identity(b, m);
	put(b, sip_value(m, SIP_H_EXPIRES));
	if (!m->is_request) {
		buf_char(b, '<');
		buf_dec(b, m->status);
		buf_char(b, '>');
	}
}
