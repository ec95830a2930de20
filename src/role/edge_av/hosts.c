#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "role/edge_av/ea.h"

/* Front ends: those of this host by local links, those of others by TLS on 5062, both ends with
 * certificates of the deployment.  Whoever asks is answered on the spot, so nothing is kept of
 * them. */

enum { FLOWS_MAX = 8 * EA_SLOTS_MAX, FAR = UINT16_MAX /* sock of a front end of another host */ };

#define LINK_DOMAIN "edge-av.invalid"

static size_t link_to(const struct edge_av *ea, const struct sip_flow *f)
{
	return role_link_index(ea->env, STR("frontend"), f->sock, STR(""));
}

const struct role_right *ea_right_of(const struct edge_av *ea, const struct sip_flow *f)
{
	const struct role_env *env = ea->env;
	if (f->sock == FAR)
		return env->peers[(uintptr_t)f->user - 1].right;
	size_t i = link_to(ea, f);
	return i < env->n_links ? env->links[i].right : NULL;
}

static bool on_opened(void *arg UNUSED, struct sip_flow *f)
{
	return f->server;
}

static void on_closed(void *arg, struct sip_flow *f, const char *why)
{
	struct edge_av *ea = arg;
	if (f->sock == FAR || ea->fes[f->sock] != f)
		return; /* another one has taken its place */
	log_warning(NULL, "link-down", "peer=frontend/%u reason=%s", f->sock + 1,
	            log_esc(str_of(why ? why : "")));
	ea->fes[f->sock] = NULL;
	role_link_lost(ea->env, link_to(ea, f));
}

static const struct sip_stack_ops stack_ops = { .request = ea_request,
	                                        .opened = on_opened,
	                                        .closed = on_closed };

void ea_link_up(void *state, size_t i)
{
	struct edge_av *ea = state;
	struct role_link *l = &ea->env->links[i];
	if (by_door_link_up(ea->by_door, i))
		return;
	if (l->slot >= EA_SLOTS_MAX)
		(void)close(l->fd);
	else if (str_eq(l->role, STR("edge-av")))
		ea_pass_link(ea, l);
	else
		ea->fes[l->slot] = sip_transport_link(sip_stack_transport(ea->stack),
		                                      (uint16_t)l->slot, l->fd);
}

/* user: whose certificate it was, + 1. */
static bool on_sip(void *arg, size_t peer, struct stream *s)
{
	struct edge_av *ea = arg;
	struct sip_transport *tp = sip_stack_transport(ea->stack);
	if (sip_transport_stats(tp)->flows[SIP_TLS] >= FLOWS_MAX)
		return false;
	struct sip_flow *f = sip_transport_adopt(tp, FAR, s);
	f->user = (void *)(peer + 1);
	return true;
}

static int open_gate(struct edge_av *ea, struct buf *why)
{
	int r = peer_tls_new(&ea->peer_tls, ea->env, why);
	if (r < 0)
		return r;
	struct gate_config cfg = { .env = ea->env,
		                   .proto = TOPO_TLS,
		                   .what = "SIP",
		                   .tls = ea->peer_tls.server,
		                   .enter = on_sip,
		                   .arg = ea };
	ea->gate = gate_new(&cfg);
	return 0;
}

int ea_hosts_start(struct edge_av *ea, struct buf *why)
{
	struct role_env *env = ea->env;
	char name[64];
	(void)snprintf(name, sizeof(name), "edge-av-%u." LINK_DOMAIN, env->slot + 1);
	struct sip_transport_config cfg = { .client_max = SIP_CLIENT_MAX, .link_name = name };
	ea->stack = sip_stack_new(env->loop, &cfg, &stack_ops, ea);
	for (size_t i = 0; i < env->n_links; i++)
		ea_link_up(ea, i);
	return env->n_peers > 0 ? open_gate(ea, why) : 0;
}

int ea_hosts_reload(struct edge_av *ea, struct buf *why)
{
	struct peer_tls tls;
	if (!ea->gate)
		return 0;
	int r = peer_tls_new(&tls, ea->env, why);
	if (r < 0)
		return r;
	gate_set_tls(ea->gate, tls.server);
	peer_tls_done(&ea->peer_tls);
	ea->peer_tls = tls;
	return 0;
}

void ea_hosts_free(struct edge_av *ea)
{
	sip_stack_free(&ea->stack);
	gate_free(&ea->gate);
	peer_tls_done(&ea->peer_tls);
}
