#include "role/frontend/far.h"

#include "base/rand.h"

static void on_answer(void *arg, struct sip_ctx *t, struct sip_msg *m)
{
	struct fe_far *f = arg;
	if (m->status < 200)
		return;
	sip_ctx_forget(t);
	f->refused = m->status / 100 != 2;
	if (f->refused) {
		sip_flow_close(f->flow);
		return;
	}
	*f->good = take(&f->flow);
	line_good(f->line);
}

static void on_failed(void *arg, struct sip_ctx *t UNUSED, enum sip_fail why)
{
	struct fe_far *f = arg;
	if (why == SIP_FAIL_TIMEOUT && f->flow)
		sip_flow_close(f->flow);
}

static void on_ended(void *arg UNUSED, struct sip_ctx *t UNUSED)
{
}

static const struct sip_ctx_ops hello_ops = { .response = on_answer,
	                                      .failed = on_failed,
	                                      .ended = on_ended };

/* The first request of a connection says which process of ours has it, and the answer that we are
 * heard: with TLS 1.3 a client does not know that its certificate was taken. */
static void say_hello(struct fe_far *f)
{
	struct frontend *fe = f->fe;
	char branch[SIP_BRANCH_LEN + 1];
	struct buf *b = sip_transport_out(fe->tp);
	sip_branch_make(fe->stack, 0, branch);
	buf_lit(b, "OPTIONS sip:" FE_LINK_DOMAIN " SIP/2.0\r\nVia: ");
	sip_via_put(b, f->flow, branch);
	buf_printf(b, "\r\nFrom: <sip:%u@" FE_LINK_DOMAIN ">;tag=", fe->env->slot + 1);
	rand_token(b, 8);
	buf_lit(b, "\r\nTo: <sip:" FE_LINK_DOMAIN ">\r\nCall-ID: ");
	rand_token(b, 20);
	buf_lit(b, "\r\nCSeq: 1 OPTIONS\r\nMax-Forwards: 1\r\n");
	sip_put_body(b, STR(""), STR(""));
	(void)sip_ctx_new(fe->stack, f->flow, buf_view(b), SIP_OPTIONS, branch, &hello_ops, f);
}

static void on_line(void *arg, struct stream *s)
{
	struct fe_far *f = arg;
	f->refused = false;
	f->flow = sip_transport_adopt(f->fe->tp, f->sock, s);
	say_hello(f);
}

void fe_far_lost(struct fe_far *f, const struct sip_flow *flow, const char *why)
{
	if (f->refused)
		why = "it does not expect this process; is topology.conf the same there?";
	if (f->flow == flow)
		f->flow = NULL;
	else if (*f->good == flow)
		*f->good = NULL;
	else
		return;
	line_lost(f->line, why);
}

void fe_far_open(struct fe_far *f, struct tls_client *tls)
{
	struct line_config cfg = { .env = f->fe->env,
		                   .peer = f->peer,
		                   .proto = TOPO_TLS,
		                   .what = "SIP",
		                   .tls = tls,
		                   .open = on_line,
		                   .arg = f };
	f->line = line_new(&cfg);
}

void fe_far_close(struct fe_far *f)
{
	line_free(&f->line);
}
