#include "svc/conference/c3p_link.h"

#include <sys/socket.h>
#include <unistd.h>

#include "await.h"

/* Both ends in one loop. */
struct end {
	struct c3p_link *link;
	unsigned n_got, n_answers, n_lost;
	uint32_t peer;
	char got[64];
	struct str answer;
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

static void on_lost(void *arg, uint32_t peer UNUSED)
{
	struct end *e = arg;
	e->n_lost++;
}

static const struct c3p_link_ops ops = { .document = on_document,
	                                 .answer = on_answer,
	                                 .lost = on_lost };

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

int main(void)
{
	RUN(documents_go_both_ways_in_their_order);
	RUN(nothing_is_sent_to_a_peer_that_is_not_there);
	RUN(the_end_of_a_connection_is_told_and_another_one_takes_its_place);
	return tap_done();
}
