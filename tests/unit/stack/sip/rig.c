#include "rig.h"

#include <netinet/tcp.h>
#include <stdlib.h>
#include <unistd.h>

enum { STEP_MS = 50, TURNS = 4, DRAIN_S = 600 };

/* The stack's side. */

static void on_request(void *arg, struct sip_req *rq)
{
	struct rig *r = arg;
	r->n_requests++;
	r->handle(r, rq);
}

static bool on_opened(void *arg, struct sip_flow *f)
{
	struct rig *r = arg;
	r->opened = f;
	return true;
}

static void on_closed(void *arg, struct sip_flow *f, const char *why UNUSED)
{
	struct rig *r = arg;
	r->n_closed++;
	if (r->opened == f)
		r->opened = NULL;
}

static int listen_on(int type, struct addr *ret)
{
	int fd = socket(AF_INET, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	socklen_t len = sizeof(ret->in4);
	OK(addr_parse(ret, STR("127.0.0.1"), 0) == 0);
	OK(bind(fd, &ret->sa, len) == 0);
	OK(type == SOCK_DGRAM || listen(fd, 64) == 0);
	OK(getsockname(fd, &ret->sa, &len) == 0);
	return fd;
}

void rig_start(struct rig *r, void (*handle)(struct rig *r, struct sip_req *rq), void *user)
{
	struct sip_transport_config cfg = { .client_max = 128 * 1024, .max_flows = 100 };
	struct sip_stack_ops ops = { .request = on_request,
		                     .opened = on_opened,
		                     .closed = on_closed };
	*r = (struct rig){ .loop = loop_new(), .handle = handle, .user = user };
	/* Whole milliseconds: timers, which are set to them, are due to the point. */
	loop_clock_move(r->loop, USEC_PER_MSEC - loop_now(r->loop) % USEC_PER_MSEC);
	r->stack = sip_stack_new(r->loop, &cfg, &ops, r);
	r->tp = sip_stack_transport(r->stack);
	sip_transport_listen(r->tp, SIP_UDP, listen_on(SOCK_DGRAM, &r->udp_at));
	sip_transport_listen(r->tp, SIP_TCP, listen_on(SOCK_STREAM, &r->tcp_at));
}

void rig_stop(struct rig *r)
{
	sip_stack_free(&r->stack);
	loop_free(&r->loop);
}

void rig_turn(struct rig *r)
{
	for (int i = 0; i < TURNS; i++)
		loop_turn(r->loop, 0);
}

void rig_pass(struct rig *r, unsigned ms)
{
	rig_turn(r);
	for (unsigned past = 0; past < ms; past += STEP_MS) {
		loop_clock_move(r->loop, MIN(ms - past, STEP_MS) * USEC_PER_MSEC);
		loop_turn(r->loop, 0);
	}
	rig_turn(r);
}

void rig_drain(struct rig *r)
{
	const struct sip_stack_stats *st = sip_stack_stats(r->stack);
	for (int s = 0; st->stx + st->ctx > 0 && s < DRAIN_S; s++) {
		loop_clock_move(r->loop, USEC_PER_SEC);
		loop_turn(r->loop, 0);
	}
	EQ(st->stx + st->ctx, 0);
	rig_turn(r);
}

/* The other side. */

struct peer *peer_open(struct rig *r, enum sip_kind kind)
{
	struct peer *p = xnew(struct peer);
	socklen_t len = sizeof(p->at.in4);
	int one = 1;
	const struct addr *to = kind == SIP_UDP ? &r->udp_at : &r->tcp_at;
	p->rig = r;
	p->kind = kind;
	p->fd = socket(AF_INET, (kind == SIP_UDP ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC, 0);
	OK(addr_parse(&p->at, STR("127.0.0.1"), 0) == 0);
	OK(bind(p->fd, &p->at.sa, len) == 0);
	OK(connect(p->fd, &to->sa, len) == 0);
	OK(getsockname(p->fd, &p->at.sa, &len) == 0);
	if (kind == SIP_TCP) {
		/* What is sent is there at once. */
		OK(setsockopt(p->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)) == 0);
		r->opened = NULL;
		AWAIT(r->loop, r->opened != NULL);
	}
	return p;
}

void peer_close(struct peer **pp)
{
	struct peer *p = take(pp);
	(void)close(p->fd);
	rig_turn(p->rig);
	free(p);
}

void peer_send(struct peer *p, struct str bytes)
{
	OK(send(p->fd, bytes.p, bytes.len, 0) == (ssize_t)bytes.len);
	rig_turn(p->rig);
}

static void put_via(struct buf *b, const struct peer *p, const struct ask *a)
{
	buf_lit(b, "Via: ");
	if (a->via) {
		buf_str(b, str_of(a->via));
	} else {
		buf_printf(b, "SIP/2.0/%s ", sip_kind_name(p->kind));
		addr_put(b, &p->at);
		buf_printf(b, ";branch=%s", a->branch ? a->branch : "z9hG4bKone");
	}
	buf_lit(b, "\r\n");
}

void peer_ask(struct peer *p, const struct ask *a)
{
	auto_(buf_free) struct buf b = buf_of(PEER_MAX);
	const char *method = a->method ? a->method : "OPTIONS";
	const char *body = a->body ? a->body : "";
	buf_printf(&b, "%s %s SIP/2.0\r\n", method, a->uri ? a->uri : "sip:bob@example.test");
	put_via(&b, p, a);
	if (!a->lines || !strstr(a->lines, "Max-Forwards"))
		buf_lit(&b, "Max-Forwards: 70\r\n");
	buf_lit(&b, "From: \"Alice\" <sip:alice@example.test>;tag=a1\r\n");
	buf_lit(&b, "To: <sip:bob@example.test>");
	if (a->to_tag)
		buf_printf(&b, ";tag=%s", a->to_tag);
	buf_printf(&b, "\r\nCall-ID: %s\r\nCSeq: %u %s\r\n", a->call_id ? a->call_id : "call-1",
	           a->cseq ? a->cseq : 1, method);
	if (a->lines)
		buf_str(&b, str_of(a->lines));
	buf_printf(&b, "Content-Length: %zu\r\n\r\n%s", strlen(body), body);
	peer_send(p, buf_view(&b));
}

static ssize_t hear(struct peer *p, struct heard *h)
{
	if (p->kind == SIP_UDP)
		return recv(p->fd, h->text, PEER_MAX, MSG_DONTWAIT);
	struct sip_framer f = { 0 };
	uint32_t len = 0;
	ssize_t n = recv(p->fd, p->in + p->n_in, sizeof(p->in) - p->n_in, MSG_DONTWAIT);
	p->n_in += n > 0 ? (size_t)n : 0;
	if (sip_frame(&f, str_n(p->in, p->n_in), PEER_MAX, &len) != SIP_FRAME_MSG)
		return -1;
	memcpy(h->text, p->in, len);
	memmove(p->in, p->in + len, p->n_in - len);
	p->n_in -= len;
	return len;
}

bool peer_hears(struct peer *p)
{
	struct heard *h = &p->last;
	ssize_t n;
	if ((n = hear(p, h)) <= 0) {
		rig_turn(p->rig);
		n = hear(p, h);
	}
	if (n <= 0)
		return false;
	h->len = (size_t)n;
	h->text[n] = '\0';
	OK(sip_parse(&h->msg, str_n(h->text, h->len)) == 0);
	/* A refusal repeats what was wrong. */
	OK(h->msg.status >= 400 || sip_check(&h->msg).code == 0);
	if (h->msg.is_request && h->msg.method == SIP_INVITE) {
		memcpy(p->invite.text, h->text, h->len + 1);
		p->invite.len = h->len;
		OK(sip_parse(&p->invite.msg, str_n(p->invite.text, h->len)) == 0);
	}
	return true;
}

bool peer_hears_start(struct peer *p, const char *start)
{
	if (!peer_hears(p)) {
		(void)fprintf(stderr, "# nothing came, wanted \"%s\"\n", start);
		return false;
	}
	if (str_starts(p->last.msg.start, str_of(start)))
		return true;
	(void)fprintf(stderr, "# got \"%.*s\", wanted \"%s\"\n", (int)p->last.msg.start.len,
	              p->last.msg.start.p, start);
	return false;
}

unsigned peer_count(struct peer *p, const char *start)
{
	unsigned n = 0;
	while (peer_hears(p))
		n += str_starts(p->last.msg.start, str_of(start));
	return n;
}

void peer_answer(struct peer *p, const struct heard *req, int code, const char *lines)
{
	auto_(buf_free) struct buf b = buf_of(PEER_MAX);
	struct str tag = code == 100 ? STR("") : STR("b2");
	sip_put_response(&b, &req->msg, code, str_of(sip_reason(code)), tag, NULL);
	buf_str(&b, str_of(lines ? lines : ""));
	sip_put_body(&b, STR(""), STR(""));
	peer_send(p, buf_view(&b));
}

struct str peer_field(const struct peer *p, enum sip_hdr_id id)
{
	return sip_value(&p->last.msg, id);
}

struct sip_flow *peer_flow(struct peer *p)
{
	struct sip_transport *tp = p->rig->tp;
	if (p->kind == SIP_UDP)
		return sip_flow_udp(tp, 0, &p->at);
	for (struct sip_flow *f = sip_flow_next(tp, NULL); f; f = sip_flow_next(tp, f))
		if (addr_eq(&f->peer, &p->at))
			return sip_flow_ref(f);
	return NULL;
}
