#include "svc/routing/target.h"

#include <ctype.h>

#include "svc/access/gruu.h"

bool target_is_self(const struct target_self *self, struct str host, bool v6)
{
	struct addr a;
	if (host.len == 0)
		return false;
	if (v6 || (isdigit((unsigned char)host.p[host.len - 1]) && host.p[0] != '.')) {
		if (addr_parse(&a, host, 0) == 0) {
			for (size_t i = 0; i < self->n_addrs; i++)
				if (addr_eq_host(&self->addrs[i], &a))
					return true;
			return false;
		}
	}
	if (topo_is_our_domain(self->topo, host))
		return true;
	for (size_t i = 0; i < self->topo->n_roles; i++)
		if (str_ieq(self->topo->roles[i].fqdn, host))
			return true;
	return self->topo->self && str_ieq(self->topo->self->name, host);
}

/* Digits, '*' and '#', after an optional '+'. */
static bool is_number(struct str s)
{
	size_t i = s.len && s.p[0] == '+';
	if (i == s.len)
		return false;
	for (; i < s.len; i++)
		if (!isdigit((unsigned char)s.p[i]) && s.p[i] != '*' && s.p[i] != '#')
			return false;
	return true;
}

static void add_key(struct target *t, struct buf *b, size_t from)
{
	if (!b->full && b->len > from)
		t->keys[t->n_keys++] = str_n(b->p + from, b->len - from);
}

/* The number without visual separators (RFC 3966 section 5.1.1). */
static void add_number(struct target *t, struct buf *b, struct str number)
{
	size_t from = b->len;
	for (size_t i = 0; i < number.len; i++)
		if (!strchr("-.() ", number.p[i]))
			buf_char(b, number.p[i]);
	if (is_number(str_n(b->p + from, b->len - from)))
		add_key(t, b, from);
}

/* A public GRUU names the instance: in `gr` (RFC 5627 section 3.1.1), or as Lync clients know it.
 */
static void read_gr(struct target *t, const struct token_key *k, const struct sip_uri *u)
{
	char text[TARGET_KEY_MAX];
	struct buf b = BUF_ON(text);
	struct str gr;
	buf_lit(&b, ";+sip.instance=\"");
	if (sip_param(u->params, STR("gr"), &gr) && gr.len > 0) {
		buf_char(&b, '<');
		if (sip_unescape(gr, &b) < 0)
			return;
		buf_char(&b, '>');
	} else if (gruu_get(u, &b) < 0) {
		return;
	}
	buf_char(&b, '"');
	struct sip_addr contact = { .params = buf_view(&b) };
	if (!b.full)
		t->endpoint = token_endpoint(k, &contact);
}

static void read_user(struct target *t, const struct token_key *k, const struct sip_uri *u,
                      struct buf *b)
{
	size_t from = b->len;
	if (token_get_gruu(&t->account, &t->endpoint, k, u->user) == 0) {
		t->kind = TARGET_GRUU;
		return;
	}
	t->kind = TARGET_USER;
	if (sip_uri_aor(u, b) < 0 || b->full || b->len - from < 5) {
		t->kind = TARGET_BAD;
		return;
	}
	/* "sip:alice@example.test" without its scheme. */
	add_key(t, b, from + 4);
	if (is_number(u->user))
		add_number(t, b, u->user);
	read_gr(t, k, u);
}

void target_read(struct target *ret, const struct target_self *self, const struct token_key *k,
                 struct str uri)
{
	struct sip_uri u;
	struct buf b = BUF_ON(ret->text);
	ret->kind = TARGET_BAD;
	ret->secure = false;
	ret->n_keys = 0;
	ret->account = ret->endpoint = 0;
	if (sip_uri_parse(&u, uri) < 0)
		return;
	ret->secure = u.scheme == SIP_SCHEME_SIPS;
	if (u.scheme == SIP_SCHEME_TEL) {
		ret->kind = TARGET_USER;
		add_number(ret, &b, u.user);
	} else if (u.scheme == SIP_SCHEME_OTHER) {
		return;
	} else if (!target_is_self(self, u.host, u.host_is_v6)) {
		ret->kind = TARGET_FOREIGN;
	} else if (u.user.len == 0) {
		ret->kind = TARGET_SELF;
	} else {
		struct sip_uri own = u;
		if (!topo_is_our_domain(self->topo, u.host)) /* dialled by our address */
			own.host = self->topo->domains[0];
		read_user(ret, k, &own, &b);
	}
}
