#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/rand.h"
#include "role/frontend/far.h"
#include "role/frontend/focus.h"
#include "role/gate.h"

/* MCUs of other hosts: lines to them for SIP and for the commands of the focus, and a port where
 * they notify it.
 *
 * The processes of a front end share that port, so what an MCU says may reach another one than it
 * is for: it is passed on by a link between the two, before it is acknowledged. */

enum { RUN_LEN = 20 };

/* An MCU on another host. */
struct far {
	struct frontend *fe;
	uint32_t slot; /* as an MCU of this host would have */
	size_t peer;   /* of env->peers */
	struct fe_far sip;
	struct line *c3p;
};

struct fe_hosts {
	struct frontend *fe;
	struct peer_tls tls;
	struct gate *gate;
	struct c3p_link *pass; /* with the other front-end processes */
	struct far fars[FE_SLOTS_MAX];
	uint32_t n_fars;
	char run[C3P_LINK_RUN_MAX + 1]; /* of this process, and no other */
};

static const struct topo_role *role_of(const struct frontend *fe, size_t peer)
{
	return fe->env->peers[peer].at;
}

void fe_hosts_put_name(const struct frontend *fe, struct buf *b, uint32_t slot)
{
	const struct fe_hosts *h = fe->hosts;
	if (slot < h->n_fars)
		peer_put_name(b, role_of(fe, h->fars[slot].peer), 0);
}

void fe_hosts_sip_lost(struct frontend *fe, const struct sip_flow *flow, const char *why)
{
	fe_far_lost(&fe->hosts->fars[flow->sock - FE_MCU_SOCK].sip, flow, why);
}

/* --- C3P ------------------------------------------------------------------------------------ */

static void on_c3p_line(void *arg, struct stream *s)
{
	struct far *f = arg;
	const struct frontend *fe = f->fe;
	struct c3p_far far = { .authority = role_of(fe, f->peer)->fqdn,
		               .number = fe->env->slot + 1,
		               .run = str_of(fe->hosts->run) };
	c3p_link_reach(fe->focus->c3p, f->slot, s, &far);
}

void fe_hosts_c3p_opened(struct frontend *fe, uint32_t slot)
{
	line_good(fe->hosts->fars[slot].c3p);
	focus_tell_all(fe->focus, slot);
}

void fe_hosts_c3p_lost(struct frontend *fe, uint32_t slot, const char *why)
{
	line_lost(fe->hosts->fars[slot].c3p, why);
}

bool fe_hosts_is_our_run(const struct frontend *fe, struct str run)
{
	return !fe->hosts || str_eq(run, str_of(fe->hosts->run));
}

int fe_hosts_find(const struct frontend *fe, uint32_t number)
{
	if (!fe->hosts || number > fe->env->n_slots)
		return -ENOENT;
	return number == fe->env->slot + 1 ? 0 : (int)number;
}

/* An MCU comes to notify. */
static bool on_news(void *arg, size_t peer, struct stream *s)
{
	const struct fe_hosts *h = arg;
	for (uint32_t i = 0; i < h->n_fars; i++)
		if (h->fars[i].peer == peer)
			return c3p_link_admit(h->fe->focus->c3p, i, s);
	return false;
}

/* Another process had it: it is of the MCU with this number. */
static void on_passed(void *arg, uint32_t peer, struct str document, struct buf *answer)
{
	const struct fe_hosts *h = arg;
	focus_c3p_ops.document(h->fe->focus, peer, document, answer);
}

static int find_mcu(void *arg, uint32_t *peer, uint32_t number)
{
	const struct fe_hosts *h = arg;
	if (number > h->n_fars)
		return -ENOENT;
	*peer = number - 1;
	return 0;
}

/* The label of the link by which this process sends to that one. */
static struct str label_to(const struct frontend *fe, uint32_t slot)
{
	return fe->env->slot < slot ? STR("c3p-up") : STR("c3p-down");
}

static void on_pass_lost(void *arg, uint32_t slot, const char *why UNUSED)
{
	const struct fe_hosts *h = arg;
	const struct frontend *fe = h->fe;
	role_link_lost(fe->env,
	               role_link_index(fe->env, STR("frontend"), slot, label_to(fe, slot)));
}

static const struct c3p_link_ops pass_ops = { .document = on_passed,
	                                      .find = find_mcu,
	                                      .lost = on_pass_lost };

void fe_hosts_link(struct frontend *fe, const struct role_link *l)
{
	if (!fe->hosts) /* another role is on another host, not the MCUs */
		(void)close(l->fd);
	else if (str_eq(l->label, label_to(fe, l->slot)))
		c3p_link_open(fe->hosts->pass, l->slot, l->fd);
	else
		c3p_link_serve(fe->hosts->pass, l->slot, l->fd);
}

/* --- life ----------------------------------------------------------------------------------- */

static void add_far(struct fe_hosts *h, size_t peer)
{
	struct far *f = &h->fars[h->n_fars];
	*f = (struct far){ .fe = h->fe, .slot = h->n_fars++, .peer = peer };
	f->sip = (struct fe_far){ .fe = h->fe,
		                  .peer = peer,
		                  .sock = (uint16_t)(FE_MCU_SOCK + f->slot),
		                  .good = &h->fe->mcus[f->slot] };
	struct line_config c3p = { .env = h->fe->env,
		                   .peer = peer,
		                   .proto = TOPO_HTTPS,
		                   .what = "C3P",
		                   .tls = h->tls.client,
		                   .open = on_c3p_line,
		                   .arg = f };
	fe_far_open(&f->sip, h->tls.client);
	f->c3p = line_new(&c3p);
}

static void open_gate(struct fe_hosts *h)
{
	struct gate_config cfg = { .env = h->fe->env,
		                   .proto = TOPO_HTTPS,
		                   .what = "C3P",
		                   .tls = h->tls.server,
		                   .enter = on_news,
		                   .arg = h,
		                   .refusal = gate_http_refusal };
	h->gate = gate_new(&cfg);
}

int fe_hosts_start(struct frontend *fe, struct buf *why)
{
	const struct role_env *env = fe->env;
	if (peer_count(env, STR("mcu-im")) == 0)
		return 0;
	struct fe_hosts *h = xnew(struct fe_hosts);
	struct buf run = BUF_ON(h->run);
	rand_token(&run, RUN_LEN);
	h->fe = fe;
	fe->hosts = h;
	h->pass = c3p_link_new(fe->loop, &pass_ops, h);
	c3p_link_pass_by(fe->focus->c3p, h->pass);
	int r = peer_tls_new(&h->tls, env, why);
	if (r < 0)
		return r;
	for (size_t i = 0; i < env->n_peers; i++)
		if (str_eq(env->peers[i].at->role, STR("mcu-im")))
			add_far(h, i);
	open_gate(h);
	return 0;
}

int fe_hosts_reload(struct frontend *fe, struct buf *why)
{
	struct fe_hosts *h = fe->hosts;
	struct peer_tls tls;
	if (!h)
		return 0;
	int r = peer_tls_new(&tls, fe->env, why);
	if (r < 0)
		return r;
	gate_set_tls(h->gate, tls.server);
	for (uint32_t i = 0; i < h->n_fars; i++) {
		line_set_tls(h->fars[i].sip.line, tls.client);
		line_set_tls(h->fars[i].c3p, tls.client);
	}
	peer_tls_done(&h->tls);
	h->tls = tls;
	return 0;
}

/* The stack and the focus have been freed before. */
void fe_hosts_free(struct frontend *fe)
{
	struct fe_hosts *h = take(&fe->hosts);
	if (!h)
		return;
	gate_free(&h->gate);
	c3p_link_free(&h->pass);
	for (uint32_t i = 0; i < h->n_fars; i++) {
		fe_far_close(&h->fars[i].sip);
		line_free(&h->fars[i].c3p);
	}
	peer_tls_done(&h->tls);
	free(h);
}

/* --- figures -------------------------------------------------------------------------------- */

uint64_t fe_hosts_connections(const struct frontend *fe)
{
	uint64_t n = 0;
	for (uint32_t i = 0; fe->hosts && i < fe->hosts->n_fars; i++)
		n += fe_far_is_open(&fe->hosts->fars[i].sip);
	return n;
}

void fe_hosts_metrics(const struct frontend *fe, struct buf *b)
{
	const struct fe_hosts *h = fe->hosts;
	if (!h)
		return;
	for (uint32_t i = 0; i < h->n_fars; i++) {
		line_put_metric(b, h->fars[i].sip.line);
		line_put_metric(b, h->fars[i].c3p);
	}
	gate_put_metric_head(b);
	gate_put_metric(b, h->gate);
}

void fe_hosts_status(const struct frontend *fe, struct buf *b)
{
	const struct fe_hosts *h = fe->hosts;
	for (uint32_t i = 0; h && i < h->n_fars; i++) {
		line_put_status(b, h->fars[i].sip.line);
		buf_char(b, ',');
		line_put_status(b, h->fars[i].c3p);
		buf_char(b, ',');
	}
}
