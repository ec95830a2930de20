#include "sipmsg.h"

#include <errno.h>

ssize_t sip_frame(struct str in)
{
	const char *end = in.n > 0 ? memmem(in.p, in.n, "\r\n\r\n", 4) : NULL;
	if (!end)
		return in.n > SIP_HEADER_MAX ? -E2BIG : 0;
	struct str head = { in.p, (size_t)(end - in.p) + 4 }, rest = head;
	uint32_t body = 0;
	while (rest.n > 0) {
		struct str value = str_cut(&rest, '\n'), name = str_trim(str_cut(&value, ':'));
		if (!str_ieq(name, STR("Content-Length")) && !str_ieq(name, STR("l")))
			continue;
		if (!str_u32(str_trim(value), 10, &body) || body > SIP_MSG_MAX)
			return -EBADMSG;
	}
	return head.n + body <= in.n ? (ssize_t)(head.n + body) : 0;
}

static int add_line(struct sip_list *list, struct str value)
{
	if (list->n == SIP_VALUES_MAX)
		return -EBADMSG;
	list->line[list->n++] = value;
	return 0;
}

static int read_cseq(struct sip_msg *m, struct str value)
{
	struct str number = str_cut(&value, ' ');
	m->cseq_method = str_trim(value);
	return str_u32(number, 10, &m->cseq) ? 0 : -EBADMSG;
}

static int read_challenge(struct sip_msg *m, struct str value, bool proxy)
{
	m->is_proxy_challenge = proxy;
	return add_line(&m->challenge, value);
}

/* Long and compact names. */
static bool is(struct str name, struct str full, struct str compact)
{
	return str_ieq(name, full) || (compact.n > 0 && str_ieq(name, compact));
}

/* Headers that stand once and have no compact name. */
static void read_plain(struct sip_msg *m, struct str name, struct str v)
{
	struct {
		struct str name;
		struct str *to;
	} known[] = {
		{ STR("Retry-After"), &m->retry_after },
		{ STR("Route"), &m->route },
		{ STR("Expires"), &m->expires },
		{ STR("Authentication-Info"), &m->auth_info },
		{ STR("P-Asserted-Identity"), &m->asserted },
		{ STR("SIP-ETag"), &m->etag },
	};
	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (str_ieq(name, known[i].name))
			*known[i].to = v;
}

static int read_header(struct sip_msg *m, struct str name, struct str v)
{
	if (is(name, STR("Via"), STR("v")))
		return add_line(&m->via, v);
	if (str_ieq(name, STR("Record-Route")))
		return add_line(&m->record_route, v);
	if (str_ieq(name, STR("WWW-Authenticate")))
		return read_challenge(m, v, false);
	if (str_ieq(name, STR("Proxy-Authenticate")))
		return read_challenge(m, v, true);
	if (str_ieq(name, STR("CSeq")))
		return read_cseq(m, v);
	if (is(name, STR("From"), STR("f")))
		m->from = v;
	else if (is(name, STR("To"), STR("t")))
		m->to = v;
	else if (is(name, STR("Call-ID"), STR("i")))
		m->call_id = v;
	else if (is(name, STR("Contact"), STR("m")))
		m->contact = v;
	else
		read_plain(m, name, v);
	return 0;
}

static int read_start(struct sip_msg *m, struct str line)
{
	line = str_trim(line);
	struct str first = str_cut(&line, ' ');
	if (str_eq(first, STR("SIP/2.0")))
		return str_u32(str_cut(&line, ' '), 10, &m->status) && m->status >= 100 ? 0
		                                                                        : -EBADMSG;
	m->is_request = true;
	m->method = first;
	m->uri = str_cut(&line, ' ');
	return str_eq(line, STR("SIP/2.0")) && m->uri.n > 0 ? 0 : -EBADMSG;
}

int sip_parse(struct sip_msg *ret, struct str in)
{
	struct sip_msg m = { 0 };
	const char *end = in.n > 0 ? memmem(in.p, in.n, "\r\n\r\n", 4) : NULL;
	if (!end)
		return -EBADMSG;
	struct str head = { in.p, (size_t)(end - in.p) + 2 };
	m.body = (struct str){ end + 4, in.n - head.n - 2 };
	int r = read_start(&m, str_cut(&head, '\n'));
	while (r == 0 && head.n > 0) {
		struct str value = str_cut(&head, '\n');
		if (value.n == 0 || value.p[0] == ' ' || value.p[0] == '\t')
			return -EBADMSG; /* nobody here should fold lines */
		struct str name = str_trim(str_cut(&value, ':'));
		r = read_header(&m, name, str_trim(value));
	}
	if (r < 0 || m.via.n == 0 || m.from.n == 0 || m.to.n == 0 || m.call_id.n == 0 ||
	    m.cseq_method.n == 0)
		return -EBADMSG;
	*ret = m;
	return 0;
}

struct str sip_uri(struct str value)
{
	const char *open = value.n > 0 ? memchr(value.p, '<', value.n) : NULL;
	if (!open)
		return str_trim(str_cut(&value, ';'));
	struct str rest = { open + 1, value.n - (size_t)(open - value.p) - 1 };
	return str_cut(&rest, '>');
}

struct str sip_uri_user(struct str uri)
{
	(void)str_cut(&uri, ':');
	if (uri.n == 0 || !memchr(uri.p, '@', uri.n))
		return (struct str){ uri.p, 0 };
	return str_cut(&uri, '@');
}

struct str sip_param(struct str value, struct str name)
{
	const char *close = value.n > 0 ? memrchr(value.p, '>', value.n) : NULL;
	if (close)
		value = (struct str){ close + 1, value.n - (size_t)(close - value.p) - 1 };
	(void)str_cut(&value, ';');
	while (value.n > 0) {
		struct str v = str_cut(&value, ';'), n = str_trim(str_cut(&v, '='));
		if (str_ieq(n, name))
			return str_trim(v);
	}
	return (struct str){ value.p, 0 };
}

struct str sip_unquote(struct str s)
{
	if (s.n >= 2 && s.p[0] == '"' && s.p[s.n - 1] == '"')
		return (struct str){ s.p + 1, s.n - 2 };
	return s;
}

struct str sip_auth_param(struct str value, struct str name)
{
	struct str one;
	(void)str_cut(&value, ' ');
	while (sip_element(&value, &one)) {
		struct str word = str_trim(str_cut(&one, '='));
		if (str_ieq(word, name))
			return sip_unquote(str_trim(one));
	}
	return STR("");
}

bool sip_element(struct str *line, struct str *ret)
{
	size_t i = 0;
	bool in_angle = false, in_quote = false;
	*ret = *line;
	if (line->n == 0)
		return false;
	for (; i < line->n && (in_angle || in_quote || line->p[i] != ','); i++) {
		char c = line->p[i];
		if (c == '"')
			in_quote = !in_quote;
		else if (!in_quote && (c == '<' || c == '>'))
			in_angle = c == '<';
	}
	*ret = str_trim((struct str){ line->p, i });
	size_t taken = i < line->n ? i + 1 : i;
	*line = (struct str){ line->p + taken, line->n - taken };
	return ret->n > 0;
}

bool sip_route_set(char *ret, size_t cap, const struct sip_list *record_route)
{
	struct str hop[SIP_VALUES_MAX], one;
	size_t n = 0;
	struct out o = { ret, 0, cap - 1, false };
	for (size_t i = 0; i < record_route->n; i++) {
		struct str line = record_route->line[i];
		while (sip_element(&line, &one)) {
			if (n == SIP_VALUES_MAX || !memmem(one.p, one.n, ";lr", 3))
				return false;
			hop[n++] = one;
		}
	}
	while (n > 0) {
		out_str(&o, hop[--n]);
		if (n > 0)
			out_lit(&o, ", ");
	}
	ret[o.n] = '\0';
	return !o.full;
}
