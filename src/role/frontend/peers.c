#include <errno.h>
#include <sys/socket.h>

#include "base/log.h"
#include "role/frontend/fe.h"

/* The links to the other front-end processes, and the one to ourselves: made, ended, made anew.
 *
 * While a link is down nobody knows whether the process at its other end has gone with all its
 * connections or only the link has.  So their bindings stay, unreachable, until the next link says
 * which process is there now; the same one is asked which of its connections it still holds. */

/* What a Lync client published, and what it watches, was in the memory of its home.  It says all of
 * that anew when it signs in, which is what the end of its connection makes it do.
 *
 * Another process went: the bindings of its last moment (STORE_BEHIND_MS and the commit) may not be
 * on its disk.  Whoever signed in with it then, on a connection that is here, would be signed in
 * without being reachable; so the connection ends and its client comes again. */
enum { UNSURE_S = 2 };

/* Between the end of our link to ourselves and the next one. */
enum { OWN_LINK_PAUSE_MS = 200 };

struct home_of {
	const struct frontend *fe;
	uint32_t slot;
};

static bool is_at_home(void *arg, uint64_t account)
{
	const struct home_of *h = arg;
	return fe_owner(h->fe, account) == h->slot;
}

static void end_unsure(struct frontend *fe, uint32_t slot, usec_t went)
{
	struct home_of h = { fe, slot };
	unsigned n = access_end_since(fe->access, went - UNSURE_S * USEC_PER_SEC, is_at_home, &h);
	n += access_end_lync(fe->access, is_at_home, &h);
	if (n > 0)
		log_info(NULL, "connections-ended", "n=%u why=\"signed in as process %u ended\"", n,
		         slot + 1);
}

/* Another process is at the other end: what its predecessor held has gone with it. */
static void take_leave(struct frontend *fe, const struct fe_peer *p, uint32_t slot)
{
	registrar_flow_lost(fe->registrar, slot, 0);
	fe_focus_flow_lost(fe, slot, 0);
	if (!fe->stopping)
		end_unsure(fe, slot, p->down ? p->down : loop_now(fe->loop));
}

void fe_peer_up(struct frontend *fe, const struct role_link *l)
{
	struct fe_peer *p = &fe->peers[l->slot];
	if (p->process && p->process != l->process)
		take_leave(fe, p, l->slot);
	p->process = l->process;
	p->down = 0;
	p->link = sip_transport_link(fe->tp, (uint16_t)l->slot, l->fd);
	fe_check_flows(fe, l->slot);
	fe_people_peer_up(fe, l->slot);
}

void fe_put_link_name(const struct frontend *fe, struct buf *b, const struct sip_flow *f)
{
	if (fe_is_mcu(f))
		fe_mcu_put_name(fe, b, f->sock % FE_SLOTS_MAX);
	else if (fe_is_edge(f))
		fe_edge_put_name(fe, b, f->sock % FE_SLOTS_MAX);
	else if (fe_is_bridge(f))
		buf_printf(b, "media-bridge/%u", f->sock % FE_SLOTS_MAX + 1);
	else if (fe_is_web(f))
		buf_printf(b, "web/%u", f->sock + 1);
	else
		buf_printf(b, "%s/%u", fe->env->role->name, f->sock + 1);
}

static void wait_for_own(struct frontend *fe)
{
	timer_set(&fe->own_timer, loop_now(fe->loop) + OWN_LINK_PAUSE_MS * USEC_PER_MSEC);
}

static void on_own_pause_over(void *arg)
{
	struct frontend *fe = arg;
	if (fe_own_link_open(fe) < 0)
		wait_for_own(fe);
}

int fe_own_link_open(struct frontend *fe)
{
	int fds[2];
	timer_init(&fe->own_timer, fe->loop, on_own_pause_over, fe);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) < 0)
		return -errno;
	for (int i = 0; i < 2; i++)
		fe->own[i] = sip_transport_link(fe->tp, (uint16_t)fe->env->slot, fds[i]);
	return 0;
}

/* Both ends are ours: the first that ends takes the other one with it. */
static void own_link_down(struct frontend *fe, const struct sip_flow *f)
{
	if (f != fe->own[0] && f != fe->own[1])
		return;
	fe->own[0] = fe->own[1] = NULL;
	if (!fe->stopping)
		wait_for_own(fe);
}

/* A link to another role. */
static void role_down(struct frontend *fe, const char *role, struct sip_flow **links,
                      const struct sip_flow *f, const char *why)
{
	uint32_t slot = f->sock % FE_SLOTS_MAX;
	log_warning(NULL, "link-down", "peer=%s/%u reason=%s", role, slot + 1,
	            log_esc(str_of(why)));
	if (links[slot] != f)
		return; /* another one has taken its place */
	links[slot] = NULL;
	role_link_lost(fe->env, role_link_index(fe->env, str_of(role), slot, STR("")));
}

void fe_link_down(struct frontend *fe, const struct sip_flow *f, const char *why)
{
	if (fe_is_bridge(f)) {
		role_down(fe, "media-bridge", fe->bridges, f, why);
		return;
	}
	if (fe_is_edge(f)) {
		if (!fe_edge_far_lost(fe, f, why))
			role_down(fe, "edge-av", fe_edge_links(fe), f, why);
		return;
	}
	if (fe_is_mcu(f) && fe->hosts) {
		fe_hosts_sip_lost(fe, f, why);
		return;
	}
	if (fe_is_mcu(f)) {
		role_down(fe, "mcu-im", fe->mcus, f, why);
		return;
	}
	log_warning(NULL, "link-down", "peer=%s/%u reason=%s", fe->env->role->name, f->sock + 1,
	            log_esc(str_of(why)));
	if (f->sock == fe->env->slot) {
		own_link_down(fe, f);
		return;
	}
	struct fe_peer *p = &fe->peers[f->sock];
	if (p->link != f)
		return; /* another one has taken its place */
	p->link = NULL;
	p->down = loop_now(fe->loop);
	role_link_lost(fe->env,
	               role_link_index(fe->env, str_of(fe->env->role->name), f->sock, STR("")));
}
