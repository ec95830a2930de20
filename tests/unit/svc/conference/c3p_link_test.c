#include "svc/conference/c3p_link.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "await.h"
#include "stack/http/client.h"

/* Both ends in one loop. */
struct end {
	struct c3p_link *link;
	unsigned n_got, n_answers, n_lost, n_opened, n_hellos;
	uint32_t peer;
	char got[64], why[200], run[64];
	struct str answer;
	uint32_t self; /* the number in paths that is ours; others are passed on */
};
struct pair {
	struct loop *loop;
	struct end focus, mcu;
};

static void on_document(void *arg, uint32_t peer, struct str document, struct buf *answer)
{
	struct end *e = arg;
	struct buf b = BUF_ON(e->got);
	buf_str(&b, document);
	e->got[b.len] = '\0';
	e->peer = peer;
	e->n_got++;
	buf_str(answer, e->answer);
}

static void on_answer(void *arg, uint32_t peer, struct str document)
{
	struct end *e = arg;
	EQ(peer, 5);
	EQ_STR(document, "<response/>");
	e->n_answers++;
}

static void on_lost(void *arg, uint32_t peer UNUSED, const char *why)
{
	struct end *e = arg;
	e->n_lost++;
	(void)snprintf(e->why, sizeof(e->why), "%s", why);
}

static void on_opened(void *arg, uint32_t peer UNUSED)
{
	struct end *e = arg;
	e->n_opened++;
}

static int find(void *arg, uint32_t *peer UNUSED, uint32_t number)
{
	const struct end *e = arg;
	return number == e->self ? 0 : number > 4 ? -ENOENT : (int)number;
}

static void on_hello(void *arg, uint32_t peer, struct str run)
{
	struct end *e = arg;
	struct buf b = BUF_ON(e->run);
	e->peer = peer;
	buf_str(&b, run);
	e->run[b.len] = '\0';
	e->n_hellos++;
}

static const struct c3p_link_ops ops = {
	.document = on_document,
	.answer = on_answer,
	.lost = on_lost,
	.opened = on_opened,
	.find = find,
	.hello = on_hello,
};

/* A connection by which `from`, who is number 3 there, sends to `to`, number 5 here. */
static void connect_ends(struct end *from, struct end *to)
{
	int fds[2];
	EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
	c3p_link_open(from->link, 5, fds[0]);
	c3p_link_serve(to->link, 3, fds[1]);
}

static void start(struct pair *p)
{
	*p = (struct pair){ .loop = loop_new() };
	p->focus.answer = p->mcu.answer = STR("");
	p->focus.link = c3p_link_new(p->loop, &ops, &p->focus);
	p->mcu.link = c3p_link_new(p->loop, &ops, &p->mcu);
	connect_ends(&p->focus, &p->mcu);
	connect_ends(&p->mcu, &p->focus);
}

static void end(struct pair *p)
{
	c3p_link_free(&p->focus.link);
	c3p_link_free(&p->mcu.link);
	loop_free(&p->loop);
}

static void documents_go_both_ways_in_their_order(void)
{
	struct pair p;
	start(&p);
	p.mcu.answer = STR("<response/>");
	c3p_link_send(p.focus.link, 5, STR("<one/>"));
	c3p_link_send(p.focus.link, 5, STR("<two/>"));
	c3p_link_send(p.mcu.link, 5, STR("<news/>"));
	AWAIT(p.loop, p.mcu.n_got == 2 && p.focus.n_got == 1 && p.focus.n_answers == 2);
	EQ(p.mcu.n_answers, 0); /* an empty one is none */
	EQ_STR(str_of(p.mcu.got), "<two/>");
	EQ_STR(str_of(p.focus.got), "<news/>");
	EQ(p.mcu.peer, 3);
	end(&p);
}

static void nothing_is_sent_to_a_peer_that_is_not_there(void)
{
	struct pair p;
	start(&p);
	OK(c3p_link_is_open(p.focus.link, 5));
	OK(!c3p_link_is_open(p.focus.link, 6));
	OK(!c3p_link_is_open(p.focus.link, C3P_LINK_PEERS_MAX));
	c3p_link_send(p.focus.link, 6, STR("<one/>"));
	c3p_link_send(p.focus.link, 5, STR("<two/>"));
	AWAIT(p.loop, p.mcu.n_got == 1);
	end(&p);
}

static void the_end_of_a_connection_is_told_and_another_one_takes_its_place(void)
{
	struct pair p;
	start(&p);
	c3p_link_free(&p.mcu.link);
	AWAIT(p.loop, p.focus.n_lost == 1);
	OK(!c3p_link_is_open(p.focus.link, 5));
	p.mcu.link = c3p_link_new(p.loop, &ops, &p.mcu);
	connect_ends(&p.focus, &p.mcu);
	c3p_link_send(p.focus.link, 5, STR("<again/>"));
	AWAIT(p.loop, p.mcu.n_got == 1);
	EQ_STR(str_of(p.mcu.got), "<again/>");
	EQ(p.focus.n_lost, 1);
	end(&p);
}

/* --- other hosts ---------------------------------------------------------------------------- */

static ssize_t on_early(void *arg UNUSED, struct str in UNUSED)
{
	return 0;
}
static void on_stream_opened(void *arg UNUSED)
{
}
static void on_stream_closed(void *arg UNUSED, int err UNUSED, const char *why UNUSED)
{
}
static const struct stream_ops early_ops = { .opened = on_stream_opened,
	                                     .data = on_early,
	                                     .closed = on_stream_closed };
static const struct stream_limits early_limits = { .read_max = 1000, .write_max = 1000 };

/* Streams that are open, as those with the roles of other hosts are when they are handed over. */
static void open_streams(struct loop *l, struct stream *ret[2])
{
	int fds[2];
	EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
	for (int i = 0; i < 2; i++)
		ret[i] = stream_accept(l, fds[i], NULL, &early_limits, &early_ops, NULL);
}

/* `from` sends as process `number`; `to` knows it as the host with the number 7. */
static void reach(struct pair *p, struct end *from, struct end *to, uint32_t number)
{
	struct stream *s[2];
	open_streams(p->loop, s);
	OK(c3p_link_admit(to->link, 7, s[1]));
	struct c3p_far far = { .authority = STR("b.example.test"),
		               .number = number,
		               .run = STR("x1Y2") };
	c3p_link_reach(from->link, 5, s[0], &far);
}

/* Without local links. */
static void start_far(struct pair *p)
{
	*p = (struct pair){ .loop = loop_new() };
	p->focus.answer = p->mcu.answer = STR("");
	p->mcu.self = p->focus.self = 2;
	p->focus.link = c3p_link_new(p->loop, &ops, &p->focus);
	p->mcu.link = c3p_link_new(p->loop, &ops, &p->mcu);
}

static void a_connection_to_another_host_begins_with_a_hello(void)
{
	struct pair p;
	start_far(&p);
	reach(&p, &p.focus, &p.mcu, 2);
	c3p_link_send(p.focus.link, 5, STR("<early/>")); /* waits */
	OK(!c3p_link_is_open(p.focus.link, 5));
	AWAIT(p.loop, p.focus.n_opened == 1);
	EQ(p.mcu.n_hellos, 1);
	EQ(p.mcu.peer, 7);
	EQ_STR(str_of(p.mcu.run), "x1Y2");
	AWAIT(p.loop, p.mcu.n_got == 1);
	EQ_STR(str_of(p.mcu.got), "<early/>");
	c3p_link_send(p.focus.link, 5, STR("<one/>"));
	AWAIT(p.loop, p.mcu.n_got == 2);
	EQ_STR(str_of(p.mcu.got), "<one/>");
	EQ(p.focus.n_lost, 0);
	end(&p);
}

static void a_process_that_does_not_exist_is_not_reached(void)
{
	struct pair p;
	start_far(&p);
	reach(&p, &p.focus, &p.mcu, 9);
	c3p_link_send(p.focus.link, 5, STR("<early/>"));
	AWAIT(p.loop, p.focus.n_lost == 1);
	EQ(p.mcu.n_got, 0);
	EQ(p.focus.n_opened, 0);
	EQ_STR(str_of(p.focus.why),
	       "it answers 404: There is no such process in the topology here.");
	OK(!c3p_link_is_open(p.focus.link, 5));
	end(&p);
}

/* The other front-end processes of `p->focus`. */
struct passers {
	struct c3p_link *near;
	struct end other;
};

static void start_passing(struct pair *p, struct passers *g)
{
	int fds[2];
	*g = (struct passers){ .other = { .answer = STR(""), .self = 8 } };
	g->near = c3p_link_new(p->loop, &ops, &g->other);
	g->other.link = c3p_link_new(p->loop, &ops, &g->other);
	c3p_link_pass_by(p->focus.link, g->near);
	EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
	c3p_link_open(g->near, 2, fds[0]); /* process 3 */
	c3p_link_serve(g->other.link, 0, fds[1]);
}

static void end_passing(struct pair *p, struct passers *g)
{
	c3p_link_free(&p->focus.link);
	c3p_link_free(&g->near);
	c3p_link_free(&g->other.link);
	end(p);
}

static void what_is_for_another_process_is_passed_on_with_its_sender(void)
{
	struct pair p;
	struct passers g;
	start_far(&p);
	start_passing(&p, &g);
	reach(&p, &p.mcu, &p.focus, 3);
	AWAIT(p.loop, p.mcu.n_opened == 1);
	EQ(g.other.n_hellos, 1);
	c3p_link_send(p.mcu.link, 5, STR("<one/>"));
	c3p_link_send(p.mcu.link, 5, STR("<two/>"));
	AWAIT(p.loop, g.other.n_got == 2);
	EQ_STR(str_of(g.other.got), "<two/>");
	EQ(p.focus.n_got, 0);
	end_passing(&p, &g);
}

static void what_cannot_be_passed_on_is_not_acknowledged(void)
{
	struct pair p;
	struct passers g;
	start_far(&p);
	start_passing(&p, &g);
	reach(&p, &p.mcu, &p.focus, 3);
	AWAIT(p.loop, p.mcu.n_opened == 1);
	c3p_link_free(&g.other.link);
	c3p_link_send(p.mcu.link, 5, STR("<one/>"));
	c3p_link_send(p.mcu.link, 5, STR("<two/>"));
	AWAIT(p.loop, p.mcu.n_lost == 1);
	OK(str_starts(str_of(p.mcu.why), STR("it answers 503: ")));
	reach(&p, &p.mcu, &p.focus, 3); /* it is not there yet */
	AWAIT(p.loop, p.mcu.n_lost == 2);
	EQ(p.mcu.n_opened, 1);
	end_passing(&p, &g);
}

/* A request of a stranger's making; the status of the answer. */
struct asking {
	unsigned status;
	bool done;
};

static void on_asked(void *arg, const struct http_result *r)
{
	struct asking *a = arg;
	a->done = true;
	a->status = r->msg ? r->msg->status : 0;
}

static void ask(struct pair *p, const char *method, const char *target, unsigned want)
{
	static const struct http_call_ops call_ops = { .done = on_asked };
	struct http_client_config cfg = { .authority = STR("x") };
	struct http_call_config call = { .method = str_of(method), .target = str_of(target) };
	struct asking a = { .done = false };
	struct stream *s[2];
	struct http_client *c = http_client_new(p->loop, &cfg);
	open_streams(p->loop, s);
	OK(c3p_link_admit(p->mcu.link, 7, s[1]));
	http_client_adopt(c, s[0], NULL, NULL);
	OK(http_call_new(c, &call, &call_ops, &a) != NULL);
	AWAIT(p->loop, a.done);
	EQ(a.status, want);
	http_client_free(&c);
}

static void other_paths_and_methods_are_refused(void)
{
	struct pair p;
	start_far(&p);
	ask(&p, "GET", "/", 404);
	ask(&p, "POST", "/c3p", 404); /* of which process? */
	ask(&p, "GET", "/c3p", 405);
	ask(&p, "POST", "/c3p/", 404);
	ask(&p, "POST", "/c3p/0", 404);
	ask(&p, "POST", "/c3p/-2", 404);
	ask(&p, "POST", "/c3p/2/3", 404);
	ask(&p, "POST", "/c3p/99999999999", 404);
	ask(&p, "POST", "/c3p/3", 503); /* there are no others here */
	ask(&p, "PUT", "/c3p/2", 405);
	EQ(p.mcu.n_got, 0);
	EQ(p.mcu.n_hellos, 0);
	ask(&p, "POST", "/c3p/2", 204);
	EQ(p.mcu.n_got, 1);
	end(&p);
}

int main(void)
{
	RUN(documents_go_both_ways_in_their_order);
	RUN(nothing_is_sent_to_a_peer_that_is_not_there);
	RUN(the_end_of_a_connection_is_told_and_another_one_takes_its_place);
	RUN(a_connection_to_another_host_begins_with_a_hello);
	RUN(a_process_that_does_not_exist_is_not_reached);
	RUN(what_is_for_another_process_is_passed_on_with_its_sender);
	RUN(what_cannot_be_passed_on_is_not_acknowledged);
	RUN(other_paths_and_methods_are_refused);
	return tap_done();
}
