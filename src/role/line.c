#include "role/line.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { WHY_MAX = 256, EARLY_MAX = 16 * 1024 };

enum state { WAITING, DIALING, OPEN, GOOD };

struct line {
	struct line_config cfg;
	struct loop *loop;
	struct tls_client *tls;
	enum state state;
	struct stream *stream; /* while DIALING */
	struct timer timer;
	uint32_t pause_ms;
	unsigned n_tried; /* addresses, in turn */
	usec_t since;     /* of the state */
	usec_t said;      /* when the reason was logged last */
	struct addr to;
	const char *veto;  /* ours, against the connection that is being made; NULL: none */
	char why[WHY_MAX]; /* it is not GOOD; empty: it never failed */
};

static const struct topo_role *role_of(const struct line *l)
{
	return l->cfg.env->peers[l->cfg.peer].at;
}

static void put_name(struct buf *b, const struct line *l)
{
	peer_put_name(b, role_of(l), l->cfg.process);
}

static void enter(struct line *l, enum state s)
{
	l->state = s;
	l->since = loop_now(l->loop);
}

/* --- why not -------------------------------------------------------------------------------- */

/* What TLS says, for people: %s is the other end's name. */
static const struct {
	const char *text, *people;
} reasons[] = {
	{ "hostname mismatch", "its certificate is not good for %s" },
	{ "certificate has expired", "its certificate has expired" },
	{ "not yet valid", "its certificate is not valid yet; are both clocks right?" },
	{ "issuer certificate", "its certificate is not of the CA in our ca.pem" },
	{ "self-signed", "its certificate is not of the CA in our ca.pem" },
	{ "self signed", "its certificate is not of the CA in our ca.pem" },
	{ "signature failure", "its certificate is not of the CA in our ca.pem" },
	{ "alert certificate required", "it asks for a certificate, and got none" },
	{ "alert certificate expired", "it says that our certificate has expired" },
	{ "alert unknown ca", "our certificate is not of the CA in its ca.pem" },
};

static bool has_text(const char *why, const char *text)
{
	return strcasestr(why, text) != NULL;
}

static void put_reason(struct buf *b, const struct line *l, int err, const char *why)
{
	for (size_t i = 0; i < ARRAY_SIZE(reasons); i++) {
		struct str before, after;
		if (!has_text(why, reasons[i].text))
			continue;
		(void)str_cut(str_of(reasons[i].people), '%', &before, &after);
		buf_str(b, before);
		if (after.len > 0) {
			buf_str(b, role_of(l)->fqdn);
			buf_str(b, str_sub(after, 1, SIZE_MAX));
		}
		return;
	}
	if (err < 0 && err != -EPROTO && err != -ETIMEDOUT)
		buf_str(b, str_of(strerror(-err))); /* more than "connect failed" */
	else
		buf_str(b, str_of(why));
}

static void say(struct line *l)
{
	char name[PEER_NAME_MAX], at[80];
	struct buf nb = BUF_ON(name), ab = BUF_ON(at);
	l->said = loop_now(l->loop);
	put_name(&nb, l);
	addr_put(&ab, &l->to);
	log_warning(NULL, "peer-not-reached", "peer=%s link=%s address=%" STR_FMT " reason=%s",
	            log_esc(buf_view(&nb)), l->cfg.what, STR_ARG(buf_view(&ab)),
	            log_text(str_of(l->why)));
}

/* A reason is logged when it is new, and now and then while it stays. */
static void remember(struct line *l, int err, const char *why)
{
	char text[WHY_MAX];
	struct buf b = BUF_ON(text);
	put_reason(&b, l, err, why);
	text[b.len] = '\0';
	bool is_new = strcmp(text, l->why) != 0;
	memcpy(l->why, text, b.len + 1);
	if (is_new || loop_now(l->loop) - l->said > LINE_SAY_AGAIN_S * USEC_PER_SEC)
		say(l);
}

/* --- dialing -------------------------------------------------------------------------------- */

static void pause_for(struct line *l, bool was_stable)
{
	if (was_stable || l->pause_ms == 0)
		l->pause_ms = LINE_PAUSE_MIN_MS;
	else
		l->pause_ms = MIN(l->pause_ms * 2, LINE_PAUSE_MAX_MS);
	enter(l, WAITING);
	timer_set(&l->timer, l->since + l->pause_ms * USEC_PER_MSEC);
}

static void hang_up(struct line *l)
{
	struct stream *s = take(&l->stream);
	stream_free(&s);
}

static void on_closed(void *arg, int err, const char *why)
{
	struct line *l = arg;
	remember(l, l->veto ? 0 : err, l->veto ? l->veto : why ? why : "");
	hang_up(l);
	pause_for(l, false);
}

static void on_opened(void *arg)
{
	struct line *l = arg;
	if (!peer_has_cert(role_of(l), stream_tls_peer(l->stream))) {
		l->veto = "its certificate is that of another role";
		stream_close(l->stream); /* closed() follows */
		return;
	}
	struct stream *s = take(&l->stream);
	enter(l, OPEN);
	l->cfg.open(l->cfg.arg, s);
}

/* Only of one that was opened and is the wrong one. */
static ssize_t on_data(void *arg UNUSED, struct str in)
{
	return (ssize_t)in.len;
}

static const struct stream_ops ops = { .opened = on_opened, .data = on_data, .closed = on_closed };

static void dial(void *arg)
{
	struct line *l = arg;
	const struct topo_role *r = role_of(l);
	struct addr at[PEER_ADDRS_MAX];
	size_t n = topo_reach(r, l->cfg.proto, at, PEER_ADDRS_MAX);
	struct stream_limits lim = { .read_max = EARLY_MAX,
		                     .write_max = EARLY_MAX,
		                     .open_max = PEER_OPEN_MAX_S * USEC_PER_SEC,
		                     .probe_after = PEER_PROBE_S * USEC_PER_SEC };
	if (n == 0) {
		remember(l, 0, "the topology gives it no address");
		pause_for(l, false);
		return;
	}
	l->to = at[l->n_tried++ % n];
	l->veto = NULL;
	enter(l, DIALING);
	l->stream = stream_connect(l->loop, &l->to, l->tls, r->fqdn, &lim, &ops, l);
}

/* --- for its owner -------------------------------------------------------------------------- */

struct line *line_new(const struct line_config *cfg)
{
	struct line *l = xnew(struct line);
	l->cfg = *cfg;
	l->loop = cfg->env->loop;
	l->tls = tls_client_ref(cfg->tls);
	l->to.sa.sa_family = AF_UNSPEC;
	timer_init(&l->timer, l->loop, dial, l);
	timer_set(&l->timer, loop_now(l->loop));
	return l;
}

void line_free(struct line **lp)
{
	struct line *l = take(lp);
	if (!l)
		return;
	timer_stop(&l->timer);
	hang_up(l);
	tls_client_unref(&l->tls);
	free(l);
}

void line_good(struct line *l)
{
	char name[PEER_NAME_MAX], at[80];
	struct buf nb = BUF_ON(name), ab = BUF_ON(at);
	enter(l, GOOD);
	l->why[0] = '\0';
	put_name(&nb, l);
	addr_put(&ab, &l->to);
	log_info(NULL, "peer-reached", "peer=%s link=%s address=%" STR_FMT, log_esc(buf_view(&nb)),
	         l->cfg.what, STR_ARG(buf_view(&ab)));
}

void line_lost(struct line *l, const char *why)
{
	bool stable =
	        l->state == GOOD && loop_now(l->loop) - l->since >= LINE_STABLE_S * USEC_PER_SEC;
	if (l->state < OPEN)
		return;
	remember(l, 0, why && why[0] ? why : "the connection ended");
	pause_for(l, stable);
}

bool line_is_good(const struct line *l)
{
	return l->state == GOOD;
}

void line_set_tls(struct line *l, struct tls_client *tls)
{
	tls_client_unref(&l->tls);
	l->tls = tls_client_ref(tls);
}

void line_put_status(struct buf *b, const struct line *l)
{
	char name[PEER_NAME_MAX];
	struct buf nb = BUF_ON(name);
	put_name(&nb, l);
	struct peer_state s = { .peer = buf_view(&nb),
		                .link = l->cfg.what,
		                .to = l->to.sa.sa_family == AF_UNSPEC ? NULL : &l->to,
		                .is_up = l->state == GOOD,
		                .why = l->why[0] ? str_of(l->why) : STR("it is being tried") };
	peer_put_status(b, l->cfg.env, &s);
}

void line_put_metric_head(struct buf *b)
{
	buf_lit(b, "# HELP dialtone_peer_up connections to roles of other hosts: 1 if up\n"
	           "# TYPE dialtone_peer_up gauge\n");
}

void line_put_metric(struct buf *b, const struct line *l)
{
	buf_lit(b, "dialtone_peer_up{peer=\"");
	put_name(b, l);
	buf_printf(b, "\",link=\"%s\"} %d\n", l->cfg.what, l->state == GOOD);
}
