#include "role/role.h"

const struct role_right *role_right_to(const struct role *asking, struct str asked)
{
	for (const struct role_right *r = asking->rights; r && r->of; r++)
		if (str_eq(str_of(r->of), asked))
			return r;
	return NULL;
}

size_t role_link_index(const struct role_env *env, struct str role, uint32_t slot, struct str label)
{
	size_t i = 0;
	while (i < env->n_links &&
	       (env->links[i].slot != slot || !str_eq(env->links[i].role, role) ||
	        !str_eq(env->links[i].label, label)))
		i++;
	return i;
}

struct tls_server *role_tls_server(const struct role_env *env, const char *what, struct buf *why)
{
	return role_tls_server_for(env, what, NULL, 0, why);
}

struct tls_server *role_tls_server_for(const struct role_env *env, const char *what,
                                       const struct str *alpn, size_t n_alpn, struct buf *why)
{
	const char *text = NULL;
	struct tls_server_config cfg = {
		.certs = env->certs,
		.n_certs = env->n_certs,
		.verify = TLS_VERIFY_NONE,
		.ticket_key = { env->ticket_key, sizeof(env->ticket_key) },
		.alpn = alpn,
		.n_alpn = n_alpn,
	};
	struct tls_server *t = tls_server_new(&cfg, &text);
	if (!t)
		buf_printf(why, "certificate of %s: %s; `dialtone cert check` says more\n", what,
		           text ? text : "unusable");
	return t;
}

void role_link_lost(const struct role_env *env, size_t i)
{
	if (env->link_lost)
		env->link_lost(env->link_lost_arg, i);
}

void role_put_address(struct buf *b, const struct topo_role *at, uint32_t slot)
{
	buf_printf(b, "%" STR_FMT "/%u@%" STR_FMT, STR_ARG(at->role), slot + 1, STR_ARG(at->fqdn));
}

static bool has_address(const struct topo_role *at, struct str address)
{
	struct str user, host, role, number;
	uint32_t n;
	return str_cut(address, '@', &user, &host) && str_ieq(host, at->fqdn) &&
	       str_cut(user, '/', &role, &number) && str_ieq(role, at->role) &&
	       str_to_u32(number, at->processes, &n) == 0 && n > 0;
}

const struct topo_role *role_at_address(const struct topo *t, struct str role, struct str address)
{
	for (size_t i = 0; i < t->n_roles; i++)
		if (str_eq(t->roles[i].role, role) && has_address(&t->roles[i], address))
			return &t->roles[i];
	return NULL;
}

static bool is_in(const char *const *names, struct str name)
{
	for (; names && *names; names++)
		if (str_eq(str_of(*names), name))
			return true;
	return false;
}

bool role_is_open(const struct role *role, enum topo_proto proto)
{
	for (const struct role_port *p = role->ports; p && p->name; p++)
		if (p->open && p->proto == proto)
			return true;
	return false;
}

bool role_speaks_with(const struct role *role, const struct topo *t, const struct topo_role *self,
                      const struct topo_role *other)
{
	for (const struct role_port *p = role->ports; p && p->name; p++)
		if (p->across && str_eq(str_of(p->across), other->role))
			return topo_meet(t, self, other);
	return is_in(role->reaches, other->role) && topo_meet(t, self, other);
}

bool role_speaks_across(const struct role *role, const struct topo *t, const struct topo_role *self)
{
	for (size_t i = 0; i < t->n_roles; i++)
		if (role_speaks_with(role, t, self, &t->roles[i]))
			return true;
	return false;
}

bool role_may_ask(const struct role_right *r, struct str request)
{
	return r && is_in(r->requests, request);
}

bool role_may_set(const struct role_right *r, struct str field)
{
	return r && is_in(r->fields, field);
}

static void put_list(struct buf *b, const char *before, const char *const *names)
{
	for (; names && *names; names++, before = ", ")
		buf_printf(b, "%s%s", before, *names);
}

void role_put_right(struct buf *b, const struct role_right *r)
{
	static const char *const whose[] = {
		[ROLE_AS_NOBODY] = "",
		[ROLE_AS_OUR_USERS] = "for our users: ",
		[ROLE_AS_CONFERENCES] = "for conferences: ",
		[ROLE_AS_USERS_AND_BRIDGES] = "for our users and the media bridges: ",
	};
	buf_str(b, str_of(whose[r->who]));
	put_list(b, "", r->requests);
	put_list(b, "; with ", r->fields);
}

void role_put_rights(struct buf *b, const struct role *role)
{
	for (const struct role_right *r = role->rights; r && r->of; r++) {
		buf_printf(b, "%s%s (", r == role->rights ? "" : ", ", r->of);
		role_put_right(b, r);
		buf_char(b, ')');
	}
}
