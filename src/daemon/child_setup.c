#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/child_own.h"
#include "daemon/config.h"
#include "daemon/roles.h"

enum { SOCKETS_MAX = TOPO_LISTENS_MAX, LINKS_MAX = 1024, NAME_MAX_LEN = 31 };

void generation_done(struct generation *g)
{
	topo_free(&g->topo);
	bundle_done(&g->bundle);
}

int child_generation(struct child *c, int fd, struct generation *ret, struct buf *why)
{
	struct generation g = { .topo = NULL };
	int r = fd < 0 ? -EBADMSG : bundle_read(fd, &g.bundle);
	if (fd >= 0)
		(void)close(fd);
	if (r < 0) {
		buf_printf(why, "the configuration did not arrive: %s", strerror(-r));
		return r;
	}
	auto_(buf_free) struct buf dir = buf_of(4096);
	buf_str(&dir, g.bundle.config_dir);
	buf_char(&dir, '\0');
	g.topo = config_topo(g.bundle.topology, g.bundle.local, dir.p, c->roles, why);
	if (!g.topo || !topo_role_here(g.topo, str_of(c->role->name))) {
		generation_done(&g);
		return -EINVAL;
	}
	*ret = g;
	return 0;
}

static void find_peers(struct child *c)
{
	struct role_env *e = &c->env;
	e->n_peers = 0;
	for (size_t i = 0; i < e->topo->n_roles && e->n_peers < ROLE_PEERS_MAX; i++) {
		const struct topo_role *r = &e->topo->roles[i];
		const struct role *peer = roles_find(c->roles, r->role);
		if (role_speaks_with(c->role, e->topo, e->self, r))
			e->peers[e->n_peers++] = (struct role_peer){
				.at = r, .right = role_right_to(peer, str_of(c->role->name))
			};
	}
}

void child_use(struct child *c, const struct generation *g)
{
	struct role_env *e = &c->env;
	c->now = *g;
	e->topo = g->topo;
	e->self = topo_role_here(g->topo, str_of(c->role->name));
	find_peers(c);
	e->certs = c->now.bundle.certs;
	e->n_certs = c->now.bundle.n_certs;
	e->ca_pem = c->now.bundle.ca_pem;
}

static int take_config(struct child *c, const struct channel_msg *m, struct buf *why)
{
	struct generation g;
	struct role_env *e = &c->env;
	c->role = roles_find(c->roles, m->text);
	if (!c->role || c->now.topo)
		return -EBADMSG;
	int r = child_generation(c, m->fd, &g, why);
	if (r < 0)
		return r;
	child_use(c, &g);
	e->role = c->role;
	e->slot = m->a;
	e->n_slots = m->b;
	memcpy(e->pool_key, g.bundle.pool_key, sizeof e->pool_key);
	memcpy(e->seal_key, g.bundle.seal_key, sizeof e->seal_key);
	memcpy(e->ticket_key, g.bundle.ticket_key, sizeof e->ticket_key);
	c->data_dir = str_dup(g.topo->data_dir);
	e->data_dir = c->data_dir;
	(void)snprintf(c->name, sizeof c->name, "%s/%u", c->role->name, e->slot + 1);
	wipe(&g, sizeof g); /* c->now has it */
	return 0;
}

static int take_socket(struct child *c, uint32_t proto, int fd)
{
	struct role_env *e = &c->env;
	struct sockaddr_storage ss;
	socklen_t len = sizeof ss;
	struct role_socket s = { .proto = proto, .fd = fd };
	if (fd < 0 || proto >= TOPO_N_PROTOS || e->n_sockets == SOCKETS_MAX)
		return -EBADMSG;
	if (getsockname(fd, (struct sockaddr *)&ss, &len) < 0)
		return -errno;
	int r = addr_from_sockaddr(&s.addr, (struct sockaddr *)&ss, len);
	if (r < 0)
		return r;
	e->sockets = xrealloc(e->sockets, (e->n_sockets + 1) * sizeof s);
	e->sockets[e->n_sockets++] = s;
	return 0;
}

/* Where others are bound for us. */
static void add_behind(struct role_env *e)
{
	for (size_t i = 0; i < e->self->n_listens; i++) {
		const struct topo_listen *l = &e->self->listens[i];
		if (!l->is_behind || e->n_sockets == SOCKETS_MAX)
			continue;
		e->sockets = xrealloc(e->sockets, (e->n_sockets + 1) * sizeof *e->sockets);
		e->sockets[e->n_sockets++] =
		        (struct role_socket){ .proto = l->proto, .addr = l->addr, .fd = -1 };
	}
}

bool child_take_link(struct child *c, const struct channel_msg *m)
{
	struct role_env *e = &c->env;
	if (m->a < e->n_links) {
		struct role_link *l = &e->links[m->a];
		l->fd = m->fd;
		l->process = m->c;
		l->number = m->d;
		return true;
	}
	if (m->a != e->n_links || m->a >= LINKS_MAX) {
		(void)close(m->fd);
		return false;
	}
	struct str name, label;
	(void)str_cut(m->text, ':', &name, &label);
	const struct role *peer = roles_find(c->roles, name);
	e->links = xrealloc(e->links, (e->n_links + 1) * sizeof *e->links);
	e->links[e->n_links++] = (struct role_link){
		.role = { str_dup(name), name.len },
		.label = { str_dup(label), label.len },
		.slot = m->b,
		.fd = m->fd,
		.process = m->c,
		.number = m->d,
		.right = peer ? role_right_to(peer, str_of(c->role->name)) : NULL,
	};
	return false;
}

static int take_link(struct child *c, const struct channel_msg *m)
{
	if (m->fd < 0)
		return -EBADMSG;
	/* The process at the other end was started twice before we were told to start. */
	int old = m->a < c->env.n_links ? c->env.links[m->a].fd : -1;
	if (child_take_link(c, m))
		(void)close(old);
	return 0;
}

static int take_message(struct child *c, const struct channel_msg *m, struct buf *why)
{
	if (!c->role && m->type != CHANNEL_CONFIG)
		return -EBADMSG;
	if (m->type == CHANNEL_CONFIG)
		return take_config(c, m, why);
	if (m->type == CHANNEL_SOCKET)
		return take_socket(c, m->a, m->fd);
	if (m->type == CHANNEL_LINK)
		return take_link(c, m);
	if (m->type == CHANNEL_CTL)
		c->ctl_fd = m->fd;
	else if (m->type == CHANNEL_METRICS)
		c->metrics_fd = m->fd;
	else if (m->type != CHANNEL_START)
		return -EBADMSG;
	return 0;
}

int child_receive(struct child *c, struct buf *why)
{
	struct channel_msg m = { .fd = -1 };
	char text[CHANNEL_TEXT_MAX];
	int r = channel_set_blocking(c->channel, true);
	while (r == 0 && m.type != CHANNEL_START) {
		r = channel_recv(c->channel, &m, text);
		r = r == 1 ? take_message(c, &m, why) : r == 0 ? -EPIPE : r;
	}
	if (r == 0 && !c->role)
		r = -EBADMSG;
	if (r == 0)
		add_behind(&c->env);
	if (r == 0)
		r = channel_set_blocking(c->channel, false);
	if (r < 0 && why->len == 0)
		buf_printf(why, "the supervisor's messages: %s", strerror(-r));
	return r;
}
