#include "daemon/material.h"

#include <errno.h>
#include <stdlib.h>

#include "auth/cert_names.h"

static bool has_tls(const struct topo_role *r, const struct role *role)
{
	for (size_t i = 0; i < r->n_listens && cert_is_for(r->role); i++)
		if (topo_is_encrypted(r->listens[i].proto) ||
		    (r->listens[i].proto == TOPO_TCP && role_is_open(role, TOPO_TCP)))
			return true;
	return false;
}

/* Whom the roles of other hosts are to be known by. */
static int check_ca(const struct certs *c, const struct topo *t, const struct topo_role *r,
                    const struct role *role, struct buf *errors)
{
	if (c->ca_pem.len > 0 || !role_speaks_across(role, t, r))
		return 0;
	buf_printf(errors,
	           "%s/ca.pem: missing; without it [role %s] cannot know the roles of other hosts; "
	           "copy it from the host with the CA\n",
	           t->cert_dir.p, role->name);
	return -ENOENT;
}

static int load_certs(struct material *m, const struct role *const *roles, struct buf *errors)
{
	const struct topo *t = m->config->topo;
	int bad = 0;
	for (size_t i = 0; i < m->n_roles; i++) {
		const struct topo_role *r = topo_role_here(t, str_of(roles[i]->name));
		if (!r)
			continue;
		bool needed = has_tls(r, roles[i]);
		bad |= certs_load(&m->certs[i], t->cert_dir.p, roles[i]->name, needed, errors);
		if (!bad)
			bad = check_ca(&m->certs[i], t, r, roles[i], errors);
	}
	return bad;
}

struct material *material_load(const char *dir, const struct role *const *roles,
                               uint32_t generation, struct buf *errors)
{
	auto_(material_free) struct material *m = xnew(struct material);
	m->generation = generation;
	while (roles[m->n_roles])
		m->n_roles++;
	m->certs = xcalloc(m->n_roles + 1, sizeof *m->certs);
	m->config = config_load(dir, roles, errors);
	if (!m->config || load_certs(m, roles, errors) < 0)
		return NULL;
	return take(&m);
}

void material_free(struct material **mp)
{
	struct material *m = *mp;
	*mp = NULL;
	if (!m)
		return;
	for (size_t i = 0; i < m->n_roles; i++)
		certs_done(&m->certs[i]);
	free(m->certs);
	config_free(&m->config);
	free(m);
}

int material_bundle(const struct material *m, size_t i, const struct role_keys *keys, int *ret_fd)
{
	const struct certs *c = &m->certs[i];
	struct bundle b = { .topology = buf_view(&m->config->topology),
		            .local = buf_view(&m->config->local),
		            .config_dir = str_of(m->config->dir),
		            .ca_pem = c->ca_pem,
		            .n_certs = c->n_certs };
	for (size_t k = 0; k < c->n_certs; k++)
		b.certs[k] = c->certs[k];
	memcpy(b.pool_key, keys->pool, sizeof b.pool_key);
	memcpy(b.seal_key, keys->seal, sizeof b.seal_key);
	memcpy(b.ticket_key, keys->ticket, sizeof b.ticket_key);
	int r = bundle_write(&b, ret_fd);
	bundle_done(&b);
	return r;
}
