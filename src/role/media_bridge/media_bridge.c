#include "role/media_bridge/media_bridge.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "role/media_bridge/mb.h"
#include "svc/bridge/route.h"
#include "svc/bridge/settings.h"

/* The life of the role: start, links, reload, stop. */

static const struct role_port ports[] = { { .name = NULL } };
static const struct setting *const settings[] = { bridge_settings, NULL };
static const char *const links[] = { "frontend", NULL };
static const char *const of_frontend[] = { "INVITE", "ACK",    "CANCEL",  "BYE",
	                                   "PRACK",  "UPDATE", "SERVICE", NULL };
static const char *const link_fields[] = { "P-Asserted-Identity", NULL };
static const struct role_right rights[] = {
	{ .of = "frontend",
	  .who = ROLE_AS_OUR_USERS,
	  .requests = of_frontend,
	  .fields = link_fields },
	{ .of = NULL },
};

/* A client that names an address of this very host is believed where we are told that there are
 * such: else the media could be aimed at whatever listens here. */
static void read_host(const struct role_env *env, struct bridge_config *ret)
{
	const struct topo_host *host = env->self->host;
	(void)!addr_parse(&ret->own, STR("127.0.0.1"), 0);
	if (!host || host->n_addrs == 0) {
		ret->loopback = true;
		return;
	}
	ret->own = host->addrs[0];
	for (size_t i = 0; i < host->n_addrs; i++)
		ret->loopback = ret->loopback || addr_is_loopback(&host->addrs[i]);
}

/* Each process has its own part of the ports. */
static int read_settings(const struct role_env *env, struct bridge_config *ret, struct buf *why)
{
	struct bridge_settings s;
	if (bridge_settings_read(&s, env->topo, env->self, env->n_slots, why) < 0)
		return -EINVAL;
	uint32_t each = (s.port_max + 1 - s.port_min) / env->n_slots & ~1u;
	uint32_t first = s.port_min + env->slot * each;
	*ret = (struct bridge_config){ .port_min = (uint16_t)first,
		                       .port_max = (uint16_t)(first + each - 1),
		                       .all_min = (uint16_t)s.port_min,
		                       .all_max = (uint16_t)s.port_max,
		                       .calls_max = s.calls_max,
		                       .user_calls_max = s.user_calls_max };
	read_host(env, ret);
	return 0;
}

static int check(const struct topo *t, const struct topo_role *r, struct buf *why)
{
	struct bridge_settings s;
	return bridge_settings_read(&s, t, r, r->processes, why);
}

static void on_request(void *arg, struct sip_req *rq)
{
	mb_request(arg, rq);
}

static bool on_opened(void *arg UNUSED, struct sip_flow *f)
{
	return f->server;
}

static void on_closed(void *arg, struct sip_flow *f, const char *why)
{
	struct media_bridge *mb = arg;
	log_warning(NULL, "link-down", "peer=frontend/%u reason=%s", f->sock + 1,
	            log_esc(str_of(why ? why : "")));
	if (mb->fes[f->sock] != f)
		return; /* another one has taken its place */
	mb->fes[f->sock] = NULL;
	role_link_lost(mb->env, role_link_index(mb->env, STR("frontend"), f->sock, STR("")));
}

static const struct sip_stack_ops stack_ops = { .request = on_request,
	                                        .opened = on_opened,
	                                        .closed = on_closed };

static void link_up(void *state, size_t i)
{
	struct media_bridge *mb = state;
	struct role_link *l = &mb->env->links[i];
	if (l->slot < MB_SLOTS_MAX)
		mb->fes[l->slot] = sip_transport_link(sip_stack_transport(mb->stack),
		                                      (uint16_t)l->slot, l->fd);
}

static int start(struct role_env *env, void **ret_state)
{
	auto_(buf_free) struct buf why = buf_of(8192);
	char name[64];
	struct bridge_config cfg;
	if (read_settings(env, &cfg, &why) < 0) {
		log_error(NULL, "not-started", "why=%s", log_text(buf_view(&why)));
		return -EINVAL;
	}
	struct media_bridge *mb = xnew(struct media_bridge);
	(void)snprintf(name, sizeof(name), "media-bridge-%u." BRIDGE_LINK_DOMAIN, env->slot + 1);
	struct sip_transport_config tcfg = { .client_max = SIP_CLIENT_MAX, .link_name = name };
	mb->env = env;
	mb->stack = sip_stack_new(env->loop, &tcfg, &stack_ops, mb);
	mb->bridge = bridge_new(env->loop, &cfg);
	for (size_t i = 0; i < env->n_links; i++)
		link_up(mb, i);
	mb->relay = mb_relay_new(mb);
	log_info(NULL, "started", "media-ports=%u-%u", cfg.port_min, cfg.port_max);
	*ret_state = mb;
	return 0;
}

static int reload(void *state, struct buf *why)
{
	struct media_bridge *mb = state;
	struct bridge_config cfg;
	if (read_settings(mb->env, &cfg, why) < 0)
		return -EINVAL;
	bridge_configure(mb->bridge, &cfg);
	mb_relay_configure(mb->relay);
	return 0;
}

static void tell_stopped(void *arg)
{
	struct media_bridge *mb = arg;
	void (*fn)(void *) = mb->on_stopped;
	void *fn_arg = mb->on_stopped_arg;
	free(mb);
	fn(fn_arg);
}

static void stop(void *state, void (*done)(void *arg), void *arg)
{
	struct media_bridge *mb = state;
	mb->on_stopped = done;
	mb->on_stopped_arg = arg;
	mb_relay_quit(mb->relay);
	sip_stack_free(&mb->stack);
	bridge_free(&mb->bridge);
	mb_relay_free(&mb->relay);
	defer_init(&mb->stopped, tell_stopped, mb);
	loop_defer(mb->env->loop, &mb->stopped);
}

const struct role role_media_bridge = {
	.name = "media-bridge",
	.box = "Media Bridge",
	.ports = ports,
	.links = links,
	.rights = rights,
	.settings = settings,
	.commands = mb_commands,
	.check = check,
	.max_processes = MB_SLOTS_MAX,
	.metrics_port = 9126, /* from 9061 on are those of the front ends */
	.start = start,
	.reload = reload,
	.link_up = link_up,
	.stop = stop,
	.metrics = mb_metrics,
	.status = mb_status,
};
