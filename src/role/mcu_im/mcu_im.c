#include "role/mcu_im/mcu_im.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "role/mcu_im/mi.h"
#include "svc/bridge/route.h"

/* The life of the role: start, links, stop. */

/* clang-format off */
static const struct role_port ports[] = {
	{ .name = "SIP", .proto = TOPO_TLS, .port = 5062, .across = "frontend",
	  .purpose = "messages of group conversations, from front ends of other hosts" },
	{ .name = "C3P", .proto = TOPO_HTTPS, .port = 444, .across = "frontend",
	  .purpose = "the focus commands, from front ends of other hosts" },
	{ .name = NULL },
};
/* clang-format on */
/* SIP; the focus commands; it is told. */
static const char *const links[] = { "frontend", "frontend:c3p", "frontend:news", NULL };
static const char *const of_frontend[] = { "MESSAGE", "BYE", "notify", NULL };
static const char *const fields[] = { "P-Asserted-Identity", NULL };
static const struct role_right rights[] = {
	{ .of = "frontend", .who = ROLE_AS_CONFERENCES, .requests = of_frontend, .fields = fields },
	{ .of = NULL },
};

void mi_put_peer(const struct mcu_im *mi, struct buf *b, uint32_t slot)
{
	if (mi->hosts)
		mi_hosts_put_name(mi, b, slot);
	else
		buf_printf(b, "frontend/%u", slot + 1);
}

size_t mi_link(const struct mcu_im *mi, uint32_t slot, struct str label)
{
	return role_link_index(mi->env, STR("frontend"), slot, label);
}

bool mi_has_right(const struct mcu_im *mi, uint32_t slot, struct str request)
{
	size_t i = mi_link(mi, slot, STR(""));
	if (mi->hosts)
		return role_may_ask(mi_hosts_right(mi, slot), request);
	return i < mi->env->n_links && role_may_ask(mi->env->links[i].right, request);
}

static void on_request(void *arg, struct sip_req *rq)
{
	struct mcu_im *mi = arg;
	if (mi->hosts && !mi_hosts_knows(rq->flow))
		mi_hosts_hello(mi, rq);
	else if (mi_has_right(mi, rq->flow->sock, rq->msg->method_name))
		mi_request(mi, rq);
	else if (rq->msg->method == SIP_ACK)
		sip_ignore(rq);
	else
		sip_reply(rq, 403, STR("No Right"), STR(""), STR(""), STR(""));
}

static bool on_opened(void *arg UNUSED, struct sip_flow *f)
{
	return f->server;
}

static void on_closed(void *arg, struct sip_flow *f, const char *why)
{
	struct mcu_im *mi = arg;
	if (mi->hosts) {
		mi_hosts_closed(mi, f, why ? why : "");
		return;
	}
	log_warning(NULL, "link-down", "peer=frontend/%u reason=%s", f->sock + 1,
	            log_esc(str_of(why ? why : "")));
	if (mi->fes[f->sock] != f)
		return; /* another one has taken its place */
	mi->fes[f->sock] = NULL;
	role_link_lost(mi->env, mi_link(mi, f->sock, STR("")));
}

static const struct sip_stack_ops stack_ops = { .request = on_request,
	                                        .opened = on_opened,
	                                        .closed = on_closed };

static void link_up(void *state, size_t i)
{
	struct mcu_im *mi = state;
	struct role_link *l = &mi->env->links[i];
	if (l->slot >= MI_SLOTS_MAX) {
		(void)close(l->fd);
	} else if (str_eq(l->label, STR("c3p"))) {
		c3p_link_serve(mi->c3p, l->slot, l->fd);
		/* What the focus said on the connection before, perhaps nobody heard. */
		mi_tell_all(mi, l->slot);
	} else if (str_eq(l->label, STR("news"))) {
		c3p_link_open(mi->c3p, l->slot, l->fd);
		/* Another focus may be there, which knows nothing of its rooms yet. */
		mi_tell_all(mi, l->slot);
	} else {
		mi->fes[l->slot] = sip_transport_link(sip_stack_transport(mi->stack),
		                                      (uint16_t)l->slot, l->fd);
		mi_part_again(mi);
	}
}

static void mi_free(struct mcu_im *mi)
{
	sip_stack_free(&mi->stack);
	mi_free_held(mi);
	c3p_link_free(&mi->c3p);
	mi_hosts_free(mi);
	mi_out_free(mi);
	immcu_free(&mi->engine);
}

static int start(struct role_env *env, void **ret_state)
{
	char name[64];
	auto_(buf_free) struct buf why = buf_of(2048);
	struct mcu_im *mi = xnew(struct mcu_im);
	(void)snprintf(name, sizeof(name), "mcu-im-%u." BRIDGE_LINK_DOMAIN, env->slot + 1);
	struct sip_transport_config tcfg = { .client_max = SIP_CLIENT_MAX, .link_name = name };
	mi->env = env;
	list_init(&mi->held);
	mi->stack = sip_stack_new(env->loop, &tcfg, &stack_ops, mi);
	/* No room has so many messages as milliseconds, so no number comes again after a restart.
	 */
	mi->engine = immcu_new(&mi_ops, mi, loop_wall(env->loop) / USEC_PER_MSEC);
	mi->c3p = c3p_link_new(env->loop, &mi_c3p_ops, mi);
	mi_out_init(mi);
	for (size_t i = 0; i < env->n_links; i++)
		link_up(mi, i);
	int r = mi_hosts_start(mi, &why);
	if (r < 0) {
		log_error(NULL, "not-started", "why=%s", log_text(str_trim(buf_view(&why))));
		mi_free(mi);
		free(mi);
		return r;
	}
	*ret_state = mi;
	return 0;
}

static int reload(void *state, struct buf *why)
{
	return mi_hosts_reload(state, why);
}

static void tell_stopped(void *arg)
{
	struct mcu_im *mi = arg;
	void (*fn)(void *) = mi->on_stopped;
	void *fn_arg = mi->on_stopped_arg;
	free(mi);
	fn(fn_arg);
}

static void stop(void *state, void (*done)(void *arg), void *arg)
{
	struct mcu_im *mi = state;
	mi->on_stopped = done;
	mi->on_stopped_arg = arg;
	mi_free(mi);
	defer_init(&mi->stopped, tell_stopped, mi);
	loop_defer(mi->env->loop, &mi->stopped);
}

const struct role role_mcu_im = {
	.name = "mcu-im",
	.box = "IM MCU",
	.ports = ports,
	.links = links,
	.rights = rights,
	.commands = mi_commands,
	.max_processes = MI_SLOTS_MAX,
	.alone_across = true,
	.metrics_port = 9191, /* from 9126 on are those of the media bridges */
	.start = start,
	.reload = reload,
	.link_up = link_up,
	.stop = stop,
	.metrics = mi_metrics,
	.status = mi_status,
};
