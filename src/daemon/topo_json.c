#include "daemon/topo_json.h"

#include "base/code.h"
#include "daemon/roles.h"
#include "topo/conf.h"

static void put_listens(struct buf *b, const struct topo_role *r, enum topo_proto proto)
{
	auto_(buf_free) struct buf list = buf_of(4096);
	for (size_t i = 0; i < r->n_listens; i++) {
		if (r->listens[i].proto != proto)
			continue;
		if (list.len > 0)
			buf_lit(&list, ", ");
		addr_put(&list, &r->listens[i].addr);
	}
	json_put_member(b, topo_proto_name(proto), buf_view(&list));
}

static void put_role(struct buf *b, const struct topo_role *r)
{
	buf_lit(b, "{\"role\":");
	json_put_str(b, r->role);
	json_put_member(b, "host", r->host->id);
	json_put_member(b, "name", r->fqdn);
	buf_printf(b, ",\"processes\":%u", r->processes);
	for (enum topo_proto p = 0; p < TOPO_N_PROTOS; p++)
		put_listens(b, r, p);
	buf_printf(b, ",\"metrics_port\":%u}", r->metrics_port);
}

void topo_json_roles(struct buf *b, const struct topo *t)
{
	buf_char(b, '[');
	for (size_t i = 0; i < t->n_roles; i++) {
		if (i > 0)
			buf_char(b, ',');
		put_role(b, &t->roles[i]);
	}
	buf_char(b, ']');
}

static void put_host(struct buf *b, const struct topo_host *h)
{
	buf_lit(b, "{\"host\":");
	json_put_str(b, h->id);
	json_put_member(b, "name", h->name);
	buf_lit(b, ",\"addresses\":[");
	for (size_t i = 0; i < h->n_addrs; i++) {
		auto_(buf_free) struct buf a = buf_of(80);
		addr_put_host(&a, &h->addrs[i]);
		if (i > 0)
			buf_char(b, ',');
		json_put_str(b, buf_view(&a));
	}
	buf_lit(b, "]}");
}

void topo_json_all(struct buf *b, const struct topo *t)
{
	buf_printf(b, "{\"version\":\"%016llx\",\"domains\":[", (unsigned long long)t->version);
	for (size_t i = 0; i < t->n_domains; i++) {
		if (i > 0)
			buf_char(b, ',');
		json_put_str(b, t->domains[i]);
	}
	buf_char(b, ']');
	json_put_member(b, "realm", t->realm);
	buf_lit(b, ",\"hosts\":[");
	for (size_t i = 0; i < t->n_hosts; i++) {
		if (i > 0)
			buf_char(b, ',');
		put_host(b, &t->hosts[i]);
	}
	buf_char(b, ']');
	json_put_member(b, "self", t->self->id);
	json_put_member(b, "data", t->data_dir);
	json_put_member(b, "certificates", t->cert_dir);
	json_put_member(b, "run", t->run_dir);
	buf_printf(b, ",\"port_offset\":%u,\"roles\":", t->port_offset);
	topo_json_roles(b, t);
	buf_char(b, '}');
}

/* As the file would have it: without the offset, which is added to every port. */
static struct str metrics_default(const struct topo *t, const struct topo_role *r,
                                  struct buf *space)
{
	buf_printf(space, "%u", r->metrics_port ? r->metrics_port - t->port_offset : 0);
	return buf_view(space);
}

static void put_rows(struct buf *b, const struct topo *t, const struct topo_role *r,
                     const struct setting *table, const char *label)
{
	for (; table->name; table++) {
		char number[16];
		struct buf space = BUF_ON(number);
		const struct conf_entry *e = conf_get(r->section, str_of(table->name));
		struct str def = str_of(table->def);
		if (str_eq(str_of(table->name), STR("metrics-port")))
			def = metrics_default(t, r, &space);
		if (b->p[b->len - 1] != '[')
			buf_char(b, ',');
		buf_lit(b, "{\"section\":");
		json_put_str(b, str_of(label));
		json_put_member(b, "key", str_of(table->name));
		json_put_member(b, "value", e ? e->value : def);
		json_put_member(b, "from", e ? STR("file") : STR("default"));
		buf_char(b, '}');
	}
}

void topo_json_settings(struct buf *b, const struct topo *t, const struct role *const *roles,
                        const char *only_role)
{
	buf_char(b, '[');
	for (size_t i = 0; i < t->n_roles; i++) {
		const struct topo_role *r = &t->roles[i];
		const struct role *role = roles_find(roles, r->role);
		if (r->host != t->self || !role ||
		    (only_role && strcmp(only_role, role->name) != 0))
			continue;
		auto_(buf_free) struct buf label = buf_of(100);
		buf_printf(&label, "role %s%c", role->name, '\0');
		put_rows(b, t, r, topo_own_settings("role"), label.p);
		for (const struct setting *const *l = role->settings; l && *l; l++)
			put_rows(b, t, r, *l, label.p);
	}
	buf_char(b, ']');
}
