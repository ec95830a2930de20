#include <errno.h>

#include "wire/sip/msg.h"
#include "wire/sip/uri.h"

/* Parameters, comma lists and the structured header values made of them. */

const struct charset sip_token_chars = {
	CHARSET_DIGITS | CHARSET_ONE('-') | CHARSET_ONE('.') | CHARSET_ONE('!') | CHARSET_ONE('%') |
	        CHARSET_ONE('*') | CHARSET_ONE('+') | CHARSET_ONE('\''),
	CHARSET_LETTERS | CHARSET_ONE('_') | CHARSET_ONE('`') | CHARSET_ONE('~')
};

/* Behind the quoted string that begins at p (a quote); NULL if it does not end. */
static const char *skip_quoted(const char *p, const char *end)
{
	while (++p < end) {
		const char *quote = memchr(p, '"', (size_t)(end - p));
		const char *slash = quote ? memchr(p, '\\', (size_t)(quote - p)) : NULL;
		if (!slash)
			return quote ? quote + 1 : NULL;
		p = slash + 1; /* the byte behind it is what it is */
	}
	return NULL;
}

/* The first comma outside quotes and brackets; end if there is none; NULL if a quote or a bracket
 * does not end. */
static const char *find_comma(const char *p, const char *end)
{
	if (p < end && *p != '<' && *p != '"') { /* without brackets there are no quotes mostly */
		const char *comma = memchr(p, ',', (size_t)(end - p));
		size_t n = (size_t)((comma ? comma : end) - p);
		if (!memchr(p, '<', n) && !memchr(p, '"', n))
			return p + n;
	}
	while (p < end && *p != ',') {
		if (*p == '"')
			p = skip_quoted(p, end);
		else if (*p == '<')
			p = memchr(p, '>', (size_t)(end - p));
		else
			p++;
		if (!p)
			return NULL;
	}
	return p;
}

/* The first of `stop` outside quotes; end if there is none; NULL if a quote does not end. */
static const char *find_stop(const char *p, const char *end, char stop)
{
	while (p < end && *p != stop) {
		p = *p == '"' ? skip_quoted(p, end) : p + 1;
		if (!p)
			return NULL;
	}
	return p;
}

bool sip_list_next(struct str *rest, struct str *ret)
{
	while (rest->len > 0) {
		const char *end = rest->p + rest->len;
		const char *comma = find_comma(rest->p, end);
		if (!comma)
			comma = end;
		struct str one = str_trim(str_n(rest->p, (size_t)(comma - rest->p)));
		*rest = comma == end ? str_n(end, 0) : str_n(comma + 1, (size_t)(end - comma - 1));
		if (one.len > 0) {
			*ret = one;
			return true;
		}
	}
	return false;
}

static struct str unquote(struct str v)
{
	if (v.len >= 2 && v.p[0] == '"' && v.p[v.len - 1] == '"')
		return str_sub(v, 1, v.len - 2);
	return v;
}

/* The first semicolon outside quotes; end if there is none; NULL if a quote does not end. */
static const char *find_param_end(const char *p, const char *end)
{
	const char *semi = memchr(p, ';', (size_t)(end - p));
	size_t n = (size_t)((semi ? semi : end) - p);
	return memchr(p, '"', n) ? find_stop(p, end, ';') : p + n;
}

bool sip_param_next(struct str *rest, struct str *name, struct str *value)
{
	if (rest->len == 0)
		return false;
	const char *p = rest->p, *end = rest->p + rest->len;
	while (p < end && str_is_space(*p))
		p++;
	if (p == end) {
		*rest = str_n(end, 0);
		return false;
	}
	if (*p != ';')
		return false;
	const char *from = ++p;
	if (!(p = find_param_end(from, end)))
		return false;
	const char *equals = find_stop(from, p, '=');
	if (equals < p)
		*value = unquote(str_trim(str_n(equals + 1, (size_t)(p - equals - 1))));
	else
		*value = (struct str){ NULL, 0 };
	*name = str_trim(str_n(from, (size_t)(equals - from)));
	*rest = str_n(p, (size_t)(end - p));
	return true;
}

bool sip_param(struct str params, struct str name, struct str *ret)
{
	struct str n, v;
	for (int i = 0; i < SIP_PARAMS_MAX && sip_param_next(&params, &n, &v); i++) {
		if (n.len == name.len && str_ieq(n, name)) {
			if (ret)
				*ret = v;
			return true;
		}
	}
	return false;
}

/* Every parameter readable, to the end. */
static bool params_fine(struct str params)
{
	struct str n, v;
	for (int i = 0; sip_param_next(&params, &n, &v); i++)
		if (n.len == 0 || i == SIP_PARAMS_MAX)
			return false;
	return params.len == 0;
}

static int split_addr(struct sip_addr *a, struct str s)
{
	const char *end = s.p + s.len, *open = find_stop(s.p, end, '<');
	*a = (struct sip_addr){ .all = s };
	if (!open)
		return -EBADMSG;
	if (open < end) {
		const char *close = memchr(open, '>', (size_t)(end - open));
		if (!close)
			return -EBADMSG;
		a->display = unquote(str_trim(str_n(s.p, (size_t)(open - s.p))));
		a->uri = str_n(open + 1, (size_t)(close - open - 1));
		a->params = str_trim(str_n(close + 1, (size_t)(end - close - 1)));
	} else {
		/* addr-spec: parameters are the field's, not the URI's, and there may be no
		 * question mark (RFC 3261 section 20). */
		ssize_t semi = str_chr(s, ';');
		a->uri = str_trim(semi < 0 ? s : str_sub(s, 0, (size_t)semi));
		a->params = semi < 0 ? STR("") : str_sub(s, (size_t)semi, s.len);
	}
	for (size_t i = 0; i < a->uri.len; i++)
		if (str_is_space(a->uri.p[i]) || (open == end && a->uri.p[i] == '?'))
			return -EBADMSG;
	return a->uri.len > 0 && params_fine(a->params) ? 0 : -EBADMSG;
}

int sip_addr_next(struct str *rest, struct sip_addr *ret)
{
	struct str one;
	if (str_eq(str_trim(*rest), STR("*"))) {
		*ret = (struct sip_addr){ .all = str_trim(*rest), .star = true };
		*rest = str_sub(*rest, rest->len, 0);
		return 1;
	}
	if (!sip_list_next(rest, &one))
		return 0;
	return split_addr(ret, one) < 0 ? -EBADMSG : 1;
}

int sip_addr_parse(struct sip_addr *ret, struct str s)
{
	struct str rest = str_trim(s);
	if (rest.len == 0)
		return -EBADMSG;
	/* A bare addr-spec may not hold a comma, a display name only in quotes: one element. */
	int r = sip_addr_next(&rest, ret);
	return r > 0 && str_trim(rest).len == 0 ? 0 : -EBADMSG;
}

static struct str take_token(struct str *s, char stop)
{
	struct str head;
	(void)str_cut(*s, stop, &head, s);
	return str_trim(head);
}

static int split_via(struct sip_via *v, struct str one)
{
	struct str rest = one, value;
	*v = (struct sip_via){ .all = one };
	struct str name = take_token(&rest, '/'), version = take_token(&rest, '/');
	rest = str_trim(rest);
	size_t i = 0;
	while (i < rest.len && !str_is_space(rest.p[i]))
		i++;
	v->transport = str_sub(rest, 0, i);
	rest = str_trim(str_sub(rest, i, rest.len));
	ssize_t semi = str_chr(rest, ';');
	struct str by = semi < 0 ? rest : str_sub(rest, 0, (size_t)semi);
	v->params = semi < 0 ? STR("") : str_sub(rest, (size_t)semi, rest.len);
	if (!str_ieq(name, STR("SIP")) || !str_eq(version, STR("2.0")) || v->transport.len == 0 ||
	    sip_host_port_parse(str_trim(by), &v->host, &v->host_is_v6, &v->port) < 0)
		return -EBADMSG;
	struct str params = v->params, n;
	while (sip_param_next(&params, &n, &value)) {
		if (str_ieq(n, STR("branch")))
			v->branch = value;
		else if (str_ieq(n, STR("received")))
			v->received = value;
		else if (str_ieq(n, STR("rport"))) {
			v->rport = true;
			v->rport_value = value;
		}
	}
	return params.len == 0 ? 0 : -EBADMSG;
}

int sip_via_next(struct str *rest, struct sip_via *ret)
{
	struct str one;
	if (!sip_list_next(rest, &one))
		return 0;
	return split_via(ret, one) < 0 ? -EBADMSG : 1;
}

int sip_auth_parse(struct sip_auth *ret, struct str s)
{
	size_t i = 0;
	s = str_trim(s);
	while (i < s.len && !str_is_space(s.p[i]))
		i++;
	*ret = (struct sip_auth){ str_sub(s, 0, i), str_trim(str_sub(s, i, s.len)) };
	return ret->scheme.len ? 0 : -EBADMSG;
}

bool sip_auth_param(const struct sip_auth *a, struct str name, struct str *ret)
{
	if (a->params.len == 0)
		return false;
	const char *p = a->params.p, *end = p + a->params.len;
	for (int i = 0; p < end && i < SIP_PARAMS_MAX; i++) {
		const char *stop = find_stop(p, end, ',');
		struct str n, v;
		if (!stop)
			return false;
		(void)str_cut(str_n(p, (size_t)(stop - p)), '=', &n, &v);
		if (str_ieq(str_trim(n), name)) {
			*ret = unquote(str_trim(v));
			return true;
		}
		p = stop < end ? stop + 1 : end;
	}
	return false;
}

bool sip_has_token(const struct sip_msg *m, enum sip_hdr_id id, struct str token)
{
	for (const struct sip_hdr *h = sip_first(m, id); h; h = sip_next(m, h)) {
		struct str rest = sip_hdr_value(m, h), one;
		while (sip_list_next(&rest, &one))
			if (str_ieq(one, token))
				return true;
	}
	return false;
}

struct str sip_bare_aor(const struct sip_uri *u, struct buf *b)
{
	b->len = 0;
	b->full = false;
	if (!u || (u->scheme != SIP_SCHEME_SIP && u->scheme != SIP_SCHEME_SIPS) ||
	    sip_uri_aor(u, b) < 0 || b->full)
		return STR("");
	return str_sub(buf_view(b), 4, b->len);
}

struct str sip_value_aor(struct str value, struct buf *b)
{
	struct sip_addr a;
	struct sip_uri u;
	bool good = sip_addr_parse(&a, value) == 0 && sip_uri_parse(&u, a.uri) == 0;
	return sip_bare_aor(good ? &u : NULL, b);
}
