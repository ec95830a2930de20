#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "role/gate.h"
#include "role/line.h"
#include "role/mcu_im/mi.h"

/* Front ends of other hosts: they come in by SIP and with the commands of the focus, and are
 * notified by lines to their hosts, one for each of their processes.
 *
 * A process behind another host's port has a slot here as one of this host would have: those of the
 * first host in the topology, then those of the second ... */

struct seat {
	struct mi_hosts *all;
	uint32_t slot;
	size_t peer;      /* of env->peers */
	uint32_t process; /* from 1 */
	struct line *line;
	char run[C3P_LINK_RUN_MAX + 1];
};

struct mi_hosts {
	struct mcu_im *mi;
	struct peer_tls tls;
	struct gate *sip, *c3p;
	struct seat seats[MI_SLOTS_MAX];
	uint32_t n_seats;
};

static const struct topo_role *role_of(const struct mi_hosts *h, size_t peer)
{
	return h->mi->env->peers[peer].at;
}

/* The seat of that process of a front end; NULL: it has not so many. */
static const struct seat *seat_of(const struct mi_hosts *h, size_t peer, uint32_t process)
{
	for (uint32_t i = 0; i < h->n_seats; i++)
		if (h->seats[i].peer == peer && h->seats[i].process == process)
			return &h->seats[i];
	return NULL;
}

const struct role_right *mi_hosts_right(const struct mcu_im *mi, uint32_t slot)
{
	const struct mi_hosts *h = mi->hosts;
	return slot < h->n_seats ? mi->env->peers[h->seats[slot].peer].right : NULL;
}

bool mi_is_same_host(const struct mcu_im *mi, uint32_t a, uint32_t b)
{
	const struct mi_hosts *h = mi->hosts;
	return !h || (a < h->n_seats && b < h->n_seats && h->seats[a].peer == h->seats[b].peer);
}

void mi_hosts_put_name(const struct mcu_im *mi, struct buf *b, uint32_t slot)
{
	const struct mi_hosts *h = mi->hosts;
	const struct seat *s = slot < h->n_seats ? &h->seats[slot] : NULL;
	if (s)
		peer_put_name(b, role_of(h, s->peer), s->process);
}

/* --- SIP ------------------------------------------------------------------------------------ */

/* UNKNOWN: sock of a flow whose process has not said which one it is. */
enum { UNKNOWN = UINT16_MAX, FLOWS_MAX = 8 * MI_SLOTS_MAX };

/* user: whose certificate it was, + 1. */
static bool on_sip(void *arg, size_t peer, struct stream *s)
{
	struct mi_hosts *h = arg;
	struct sip_transport *tp = sip_stack_transport(h->mi->stack);
	if (sip_transport_stats(tp)->flows[SIP_TLS] >= FLOWS_MAX)
		return false;
	struct sip_flow *f = sip_transport_adopt(tp, UNKNOWN, s);
	f->user = (void *)(peer + 1);
	return true;
}

bool mi_hosts_knows(const struct sip_flow *f)
{
	return f->sock != UNKNOWN;
}

/* From: <sip:2@...>: process 2 of its role. */
static const struct seat *read_hello(const struct mi_hosts *h, const struct sip_req *rq)
{
	const struct sip_uri *from = sip_from_uri(rq->msg);
	uint32_t process;
	if (rq->msg->method != SIP_OPTIONS || !from ||
	    str_to_u32(from->user, MI_SLOTS_MAX, &process) < 0)
		return NULL;
	return seat_of(h, (uintptr_t)rq->flow->user - 1, process);
}

void mi_hosts_hello(struct mcu_im *mi, struct sip_req *rq)
{
	const struct seat *s = read_hello(mi->hosts, rq);
	if (!s) {
		if (rq->msg->method == SIP_ACK)
			sip_ignore(rq);
		else
			sip_reply(rq, 403, STR("Who Are You"), STR(""), STR(""), STR(""));
		return;
	}
	struct sip_flow *old = mi->fes[s->slot];
	rq->flow->sock = (uint16_t)s->slot;
	mi->fes[s->slot] = rq->flow;
	if (old)
		sip_flow_close(old); /* of this process, or of one before it */
	sip_reply(rq, 200, STR(""), STR(""), STR(""), STR(""));
	mi_part_again(mi);
	char text[PEER_NAME_MAX];
	struct buf name = BUF_ON(text);
	mi_hosts_put_name(mi, &name, s->slot);
	log_info(NULL, "peer-came", "peer=%s link=SIP", log_esc(buf_view(&name)));
}

void mi_hosts_closed(struct mcu_im *mi, const struct sip_flow *f, const char *why)
{
	char text[PEER_NAME_MAX];
	struct buf name = BUF_ON(text);
	if (!mi_hosts_knows(f) || mi->fes[f->sock] != f)
		return; /* another one has taken its place */
	mi->fes[f->sock] = NULL;
	mi_hosts_put_name(mi, &name, f->sock);
	log_warning(NULL, "peer-gone", "peer=%s link=SIP reason=%s", log_esc(buf_view(&name)),
	            log_text(str_of(why)));
}

/* --- C3P ------------------------------------------------------------------------------------ */

static bool on_commands(void *arg, size_t peer, struct stream *s)
{
	struct mi_hosts *h = arg;
	return c3p_link_admit(h->mi->c3p, (uint32_t)peer, s);
}

/* A connection is a front end's; which of its processes sends stands in the path. */
int mi_hosts_find(void *arg, uint32_t *peer, uint32_t number)
{
	struct mcu_im *mi = arg;
	const struct seat *s = mi->hosts ? seat_of(mi->hosts, *peer, number) : NULL;
	if (!s)
		return -ENOENT;
	*peer = s->slot;
	return 0;
}

/* It may be another process than before, which knows nothing of its rooms yet; or the same one, and
 * what it said last has not been heard. */
void mi_hosts_said_hello(void *arg, uint32_t slot, struct str run)
{
	struct mcu_im *mi = arg;
	struct seat *s = mi->hosts ? &mi->hosts->seats[slot] : NULL;
	if (!s)
		return;
	memcpy(s->run, run.p, run.len);
	s->run[run.len] = '\0';
	mi_tell_all(mi, slot);
}

struct str mi_hosts_run(const struct mcu_im *mi, uint32_t slot)
{
	return mi->hosts ? str_of(mi->hosts->seats[slot].run) : STR("");
}

void mi_hosts_opened(void *arg, uint32_t slot)
{
	struct mcu_im *mi = arg;
	line_good(mi->hosts->seats[slot].line);
	mi_tell_all(mi, slot);
}

void mi_hosts_lost(struct mcu_im *mi, uint32_t slot, const char *why)
{
	line_lost(mi->hosts->seats[slot].line, why);
}

static void on_news_line(void *arg, struct stream *s)
{
	struct seat *seat = arg;
	const struct mi_hosts *h = seat->all;
	struct c3p_far far = { .authority = role_of(h, seat->peer)->fqdn, .number = seat->process };
	c3p_link_reach(h->mi->c3p, seat->slot, s, &far);
}

/* --- life ----------------------------------------------------------------------------------- */

static int add_seats(struct mi_hosts *h, size_t peer, struct buf *why)
{
	const struct topo_role *r = role_of(h, peer);
	for (uint32_t i = 0; i < r->processes; i++) {
		if (h->n_seats == MI_SLOTS_MAX) {
			buf_printf(why, "more than %d front-end processes on other hosts\n",
			           MI_SLOTS_MAX);
			return -E2BIG;
		}
		struct seat *s = &h->seats[h->n_seats];
		*s = (struct seat){
			.all = h, .slot = h->n_seats++, .peer = peer, .process = i + 1
		};
		struct line_config cfg = { .env = h->mi->env,
			                   .peer = peer,
			                   .process = s->process,
			                   .proto = TOPO_HTTPS,
			                   .what = "C3P",
			                   .tls = h->tls.client,
			                   .open = on_news_line,
			                   .arg = s };
		s->line = line_new(&cfg);
	}
	return 0;
}

static void open_gates(struct mi_hosts *h)
{
	struct gate_config sip = { .env = h->mi->env,
		                   .proto = TOPO_TLS,
		                   .what = "SIP",
		                   .tls = h->tls.server,
		                   .enter = on_sip,
		                   .arg = h };
	struct gate_config c3p = { .env = h->mi->env,
		                   .proto = TOPO_HTTPS,
		                   .what = "C3P",
		                   .tls = h->tls.server,
		                   .enter = on_commands,
		                   .arg = h,
		                   .refusal = gate_http_refusal };
	h->sip = gate_new(&sip);
	h->c3p = gate_new(&c3p);
}

int mi_hosts_start(struct mcu_im *mi, struct buf *why)
{
	if (mi->env->n_peers == 0)
		return 0;
	struct mi_hosts *h = xnew(struct mi_hosts);
	h->mi = mi;
	mi->hosts = h;
	int r = peer_tls_new(&h->tls, mi->env, why);
	for (size_t i = 0; i < mi->env->n_peers && r == 0; i++)
		r = add_seats(h, i, why);
	if (r == 0)
		open_gates(h);
	return r;
}

int mi_hosts_reload(struct mcu_im *mi, struct buf *why)
{
	struct mi_hosts *h = mi->hosts;
	struct peer_tls tls;
	if (!h)
		return 0;
	int r = peer_tls_new(&tls, mi->env, why);
	if (r < 0)
		return r;
	gate_set_tls(h->sip, tls.server);
	gate_set_tls(h->c3p, tls.server);
	for (uint32_t i = 0; i < h->n_seats; i++)
		line_set_tls(h->seats[i].line, tls.client);
	peer_tls_done(&h->tls);
	h->tls = tls;
	return 0;
}

/* The stack and the C3P connections have been freed before. */
void mi_hosts_free(struct mcu_im *mi)
{
	struct mi_hosts *h = take(&mi->hosts);
	if (!h)
		return;
	gate_free(&h->sip);
	gate_free(&h->c3p);
	for (uint32_t i = 0; i < h->n_seats; i++)
		line_free(&h->seats[i].line);
	peer_tls_done(&h->tls);
	free(h);
}

/* --- figures -------------------------------------------------------------------------------- */

void mi_hosts_metrics(const struct mcu_im *mi, struct buf *b)
{
	const struct mi_hosts *h = mi->hosts;
	if (!h)
		return;
	line_put_metric_head(b);
	for (uint32_t i = 0; i < h->n_seats; i++)
		line_put_metric(b, h->seats[i].line);
	gate_put_metric_head(b);
	gate_put_metric(b, h->sip);
	gate_put_metric(b, h->c3p);
}

static void put_sip_status(const struct mcu_im *mi, struct buf *b, uint32_t slot)
{
	char text[PEER_NAME_MAX];
	struct buf name = BUF_ON(text);
	mi_hosts_put_name(mi, &name, slot);
	struct peer_state s = { .peer = buf_view(&name),
		                .link = "SIP",
		                .is_up = mi->fes[slot] != NULL,
		                .why = STR("it has not come; the log of its host says why") };
	peer_put_status(b, mi->env, &s);
}

void mi_hosts_status(const struct mcu_im *mi, struct buf *b)
{
	const struct mi_hosts *h = mi->hosts;
	if (!h)
		return;
	buf_lit(b, ",\"peers\":[");
	for (uint32_t i = 0; i < h->n_seats; i++) {
		buf_str(b, i > 0 ? STR(",") : STR(""));
		put_sip_status(mi, b, i);
		buf_char(b, ',');
		line_put_status(b, h->seats[i].line);
	}
	buf_char(b, ']');
}
