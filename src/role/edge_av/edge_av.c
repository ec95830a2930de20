#include "role/edge_av/edge_av.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rand.h"
#include "role/edge_av/ea.h"
#include "svc/relay/live.h"

/* The life of the role: start, faces, reload, stop. */

/* clang-format off */
static const struct role_port ports[] = {
	{ .name = "TURN", .proto = TOPO_UDP, .port = 3478, .open = true,
	  .purpose = "STUN and TURN of clients on the Internet and on the own network" },
	{ .name = "TURN", .proto = TOPO_TCP, .port = 443, .open = true,
	  .can_be_behind = true,
	  .purpose = "the same over TCP and TLS, for clients whose networks let nothing else through" },
	{ .name = "SIP", .proto = TOPO_TLS, .port = 5062, .across = "frontend",
	  .purpose = "relay authentication, for front ends of other hosts" },
	{ .name = NULL },
};
/* clang-format on */
static const struct setting *const settings[] = { relay_settings, NULL };
static const char *const links[] = { "frontend", "edge-av", NULL };

/* --- what the engine wants ------------------------------------------------------------------- */

static int on_open(void *arg, const struct relay_want *want, struct relay_opened *ret)
{
	struct edge_av *ea = arg;
	return relay_ports_open(ea->ports, want, ret);
}

static void on_port_closed(void *arg, const struct addr *external)
{
	struct edge_av *ea = arg;
	relay_ports_closed(ea->ports, external);
}

static void on_unkeep(void *arg, const struct addr *external)
{
	struct edge_av *ea = arg;
	relay_ports_unkeep(ea->ports, external);
}

static bool is_live(void *arg, const struct addr *external, bool tcp)
{
	const struct edge_av *ea = arg;
	return relay_ports_is_live(ea->ports, external, tcp);
}

static const struct relay_ops relay_ops = { .open = on_open,
	                                    .closed = on_port_closed,
	                                    .unkeep = on_unkeep,
	                                    .is_live = is_live,
	                                    .began = ea_began,
	                                    .ended = ea_ended,
	                                    .denied = ea_denied,
	                                    .to_stream = ea_conn_send,
	                                    .has_room = ea_conn_has_room,
	                                    .pause = ea_conn_pause,
	                                    .hang_up = ea_conn_hang_up,
	                                    .pass = ea_conn_pass };

static void on_packet(void *arg, struct packet_port *port UNUSED, const struct addr *from,
                      struct packet data)
{
	struct ea_face *f = arg;
	relay_datagram(f->ea->relay, &f->face, from, data);
}

/* --- start ----------------------------------------------------------------------------------- */

static int check(const struct topo *t, const struct topo_role *r, struct buf *why)
{
	struct relay_setup s;
	if (relay_setup_read(&s, t, r, 0, r->processes, why) < 0)
		return -EINVAL;
	for (size_t i = 0; i < r->n_listens; i++)
		if (r->listens[i].proto == TOPO_UDP || r->listens[i].proto == TOPO_TCP)
			return 0;
	buf_lit(why, "`udp` and `tcp` are none: no client can come; take one of the lines away\n");
	return -EINVAL;
}

/* Into ea->setup: its lists point to its own arrays. */
static int read_setup(struct edge_av *ea, struct buf *why)
{
	const struct role_env *env = ea->env;
	int r = relay_setup_read(&ea->setup, env->topo, env->self, env->slot, env->n_slots, why);
	ea->setup.engine.realm = env->topo->realm;
	ea->setup.engine.pool_key = env->pool_key;
	return r;
}

/* 0, with NULL if there is no certificate. */
static int make_tls(const struct role_env *env, struct tls_server **ret, struct buf *why)
{
	*ret = env->n_certs ? role_tls_server(env, "the A/V edge", why) : NULL;
	return *ret || env->n_certs == 0 ? 0 : -EINVAL;
}

static int open_live(struct edge_av *ea, struct buf *why)
{
	auto_(buf_free) struct buf path = buf_of(4096);
	buf_printf(&path, "%s/edge-av-live", ea->env->data_dir);
	buf_char(&path, '\0');
	ea->live = relay_live_open(path.p);
	if (ea->live)
		return 0;
	buf_printf(why, "%s: %s\n", path.p, strerror(errno));
	return -EIO;
}

static void open_face(struct edge_av *ea, const struct role_socket *s)
{
	struct ea_face *f = &ea->faces[ea->n_faces++];
	f->ea = ea;
	f->face.local = s->addr;
	if (s->proto == TOPO_UDP)
		f->face.udp = packet_port_new(ea->packets, s->fd, on_packet, f);
	else if (s->fd >= 0)
		f->listener =
		        listener_new(ea->env->loop, s->fd, EA_ACCEPTS_PER_TURN, ea_conn_accept, f);
}

static void open_faces(struct edge_av *ea)
{
	for (size_t i = 0; i < ea->env->n_sockets && ea->n_faces < EA_FACES_MAX; i++) {
		const struct role_socket *s = &ea->env->sockets[i];
		if (s->proto == TOPO_UDP || s->proto == TOPO_TCP)
			open_face(ea, s);
	}
}

static void start_engine(struct edge_av *ea)
{
	struct relay_setup *s = &ea->setup;
	ea->packets = packets_new(ea->env->loop);
	ea->ports = relay_ports_new(s->engine.own, &s->ports, ea->live);
	ea->relay = relay_new(ea->env->loop, ea->packets, &s->engine, &relay_ops, ea);
	ea->keys = relay_keys_new(ea->env->pool_key);
	rand_bytes(&ea->host_key, sizeof(ea->host_key));
}

static void log_started(const struct edge_av *ea)
{
	char text[128];
	struct buf b = BUF_ON(text);
	for (int i = 0; i < 2; i++) {
		if (ea->setup.engine.own[i].local.sa.sa_family == AF_UNSPEC)
			continue;
		buf_str(&b, b.len ? STR(",") : STR(""));
		addr_put_bare(&b, &ea->setup.engine.own[i].external);
	}
	log_info(NULL, "started", "faces=%zu relayed=%s ports=%u-%u tls=%s", ea->n_faces,
	         log_esc(buf_view(&b)), ea->setup.ports.first, ea->setup.ports.last,
	         ea->tls ? "yes" : "no");
}

static void ea_free(struct edge_av *ea)
{
	by_door_free(&ea->by_door);
	ea_conn_free_all(ea);
	ea_pass_stop(ea);
	relay_free(&ea->relay);
	for (size_t i = 0; i < ea->n_faces; i++) {
		packet_port_free(&ea->faces[i].face.udp);
		listener_free(&ea->faces[i].listener);
	}
	packets_free(&ea->packets);
	relay_ports_free(&ea->ports);
	relay_live_close(&ea->live);
	relay_keys_free(&ea->keys);
	tls_server_unref(&ea->tls);
	if (ea->stack)
		ea_hosts_free(ea);
}

static int start_parts(struct edge_av *ea, struct buf *why)
{
	int r = read_setup(ea, why);
	if (r == 0)
		r = relay_setup_try(&ea->setup, why);
	if (r == 0)
		r = make_tls(ea->env, &ea->tls, why);
	if (r == 0)
		r = open_live(ea, why);
	if (r < 0)
		return r;
	start_engine(ea);
	ea_pass_start(ea);
	ea->by_door = by_door_new(ea->env, ea_conn_by_door, ea);
	r = ea_hosts_start(ea, why);
	if (r == 0)
		open_faces(ea);
	return r;
}

static int start(struct role_env *env, void **ret_state)
{
	auto_(buf_free) struct buf why = buf_of(8192);
	struct edge_av *ea = xnew(struct edge_av);
	ea->env = env;
	list_init(&ea->waiting);
	list_init(&ea->conns);
	int r = start_parts(ea, &why);
	if (r < 0) {
		log_error(NULL, "not-started", "why=%s", log_text(str_trim(buf_view(&why))));
		ea_free(ea);
		free(ea);
		return r;
	}
	log_started(ea);
	*ret_state = ea;
	return 0;
}

/* --- reload and stop ------------------------------------------------------------------------- */

/* Allocations go on with what they began with; their certificates too. */
static int reload(void *state, struct buf *why)
{
	struct edge_av *ea = state;
	struct relay_setup old = ea->setup;
	struct tls_server *tls = NULL;
	if (read_setup(ea, why) < 0 || make_tls(ea->env, &tls, why) < 0 ||
	    ea_hosts_reload(ea, why) < 0) {
		ea->setup = old;
		tls_server_unref(&tls);
		return -EINVAL;
	}
	tls_server_unref(&ea->tls);
	ea->tls = tls;
	/* What needs a restart stays. */
	memcpy(ea->setup.engine.own, old.engine.own, sizeof(old.engine.own));
	ea->setup.ports = old.ports;
	relay_configure(ea->relay, &ea->setup.engine);
	return 0;
}

static void tell_stopped(void *arg)
{
	struct edge_av *ea = arg;
	void (*fn)(void *) = ea->on_stopped;
	void *fn_arg = ea->on_stopped_arg;
	free(ea);
	fn(fn_arg);
}

static void stop(void *state, void (*done)(void *arg), void *arg)
{
	struct edge_av *ea = state;
	ea->on_stopped = done;
	ea->on_stopped_arg = arg;
	ea_free(ea);
	defer_init(&ea->stopped, tell_stopped, ea);
	loop_defer(ea->env->loop, &ea->stopped);
}

const struct role role_edge_av = {
	.name = "edge-av",
	.box = "A/V Edge Server",
	.ports = ports,
	.links = links,
	.settings = settings,
	.commands = ea_commands,
	.check = check,
	.max_processes = EA_SLOTS_MAX,
	.metrics_port = 9256, /* from 9191 on are those of the IM MCUs */
	.start = start,
	.reload = reload,
	.link_up = ea_link_up,
	.stop = stop,
	.metrics = ea_metrics,
	.status = ea_status,
	.load = ea_load,
};
