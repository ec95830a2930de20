#include "daemon/links.h"

#include <stdlib.h>
#include <unistd.h>

#include "await.h"

/* Two slots whose processes are the test itself: it holds the other ends of their channels. */

static const char *const to_b[] = { "b", NULL };
static const struct role role_a = { .name = "a", .links = to_b }, role_b = { .name = "b" };

struct got {
	int fd; /* -1: none yet */
	uint32_t process, number;
};

struct pair {
	struct loop *loop;
	struct slot slots[2];
	int far[2];
	struct got got[2];
	struct links *links;
};

static void start(struct pair *p)
{
	*p = (struct pair){ .loop = loop_new() };
	for (int i = 0; i < 2; i++) {
		int ends[2];
		EQ(channel_pair(ends), 0);
		p->slots[i] = (struct slot){ .role = i ? &role_b : &role_a,
			                     .state = SLOT_RUNNING,
			                     .channel = ends[0] };
		p->far[i] = ends[1];
		p->got[i].fd = -1;
	}
	p->links = links_new(p->loop, p->slots, 2);
}

/* The next LINK that a process is sent. */
static bool receive(struct pair *p, int i)
{
	struct channel_msg m;
	char text[CHANNEL_TEXT_MAX];
	if (channel_recv(p->far[i], &m, text) != 1)
		return false;
	EQ(m.type, CHANNEL_LINK);
	if (p->got[i].fd >= 0)
		(void)close(p->got[i].fd);
	p->got[i] = (struct got){ m.fd, m.c, m.d };
	return true;
}

static void await_link(struct pair *p, int i)
{
	bool got = false;
	AWAIT(p->loop, got || (got = receive(p, i)));
}

static bool are_connected(const struct pair *p)
{
	char c = 0;
	return write(p->got[0].fd, "x", 1) == 1 && read(p->got[1].fd, &c, 1) == 1 && c == 'x';
}

static void draw(struct pair *p)
{
	EQ(links_prepare(p->links, &p->slots[0]), 0);
	OK(receive(p, 0) && receive(p, 1) && are_connected(p));
}

static void end(struct pair *p)
{
	for (int i = 0; i < 2; i++) {
		if (p->got[i].fd >= 0)
			(void)close(p->got[i].fd);
		(void)close(p->far[i]);
		(void)close(p->slots[i].channel);
	}
	links_free(&p->links);
	loop_free(&p->loop);
}

static void a_link_that_ended_is_made_again_once_and_not_at_once(void)
{
	struct pair p;
	start(&p);
	draw(&p);
	struct got old = p.got[0];
	links_lost(p.links, &p.slots[0], 0, old.number);
	links_lost(p.links, &p.slots[1], 0, old.number);
	loop_turn(p.loop, 0);
	OK(!receive(&p, 0) && !receive(&p, 1));
	await_link(&p, 0);
	OK(receive(&p, 1) && are_connected(&p));
	OK(p.got[0].number == old.number + 1 && p.got[0].process == old.process);
	EQ(p.got[1].number, p.got[0].number);
	/* Told late: it has another already. */
	links_lost(p.links, &p.slots[1], 0, old.number);
	links_lost(p.links, &p.slots[1], 1, p.got[1].number);
	draw(&p);
	OK(!receive(&p, 0) && !receive(&p, 1));
	end(&p);
}

static void the_start_of_a_process_makes_the_link_that_was_waited_for(void)
{
	struct pair p;
	start(&p);
	draw(&p);
	struct got old = p.got[1];
	links_lost(p.links, &p.slots[1], 0, old.number);
	p.slots[0].restarts++;
	draw(&p);
	EQ(p.got[1].process, old.process + 1);
	EQ(p.got[0].process, 1);
	/* The pause of this loss ends after the one that is not waited for any more. */
	links_lost(p.links, &p.slots[0], 0, p.got[0].number);
	await_link(&p, 0);
	EQ(p.got[0].number, old.number + 2);
	end(&p);
}

static void no_link_is_made_to_a_process_that_has_ended(void)
{
	struct pair p;
	start(&p);
	draw(&p);
	links_lost(p.links, &p.slots[0], 0, p.got[0].number);
	p.slots[1].state = SLOT_DOWN;
	usec_t over = loop_now(p.loop) + (LINK_PAUSE_MIN_MS + 1) * USEC_PER_MSEC;
	AWAIT(p.loop, loop_now(p.loop) > over);
	OK(!receive(&p, 0) && !receive(&p, 1));
	p.slots[1].state = SLOT_STARTING;
	EQ(links_prepare(p.links, &p.slots[1]), 0);
	OK(receive(&p, 1) && receive(&p, 0) && are_connected(&p));
	end(&p);
}

/* Rows of both tables; a row that both have is one link. */
static void a_row_with_a_label_is_one_more_link(void)
{
	static const char *const of_a[] = { "b", "b:more", NULL };
	static const char *const of_b[] = { "a", "a:more", "a:other", NULL };
	static const char *const texts[] = { "b", "b:more", "b:other" };
	const struct role a = { .name = "a", .links = of_a }, b = { .name = "b", .links = of_b };
	struct pair p;
	struct channel_msg m;
	char text[CHANNEL_TEXT_MAX];
	start(&p);
	links_free(&p.links);
	p.slots[0].role = &a;
	p.slots[1].role = &b;
	p.links = links_new(p.loop, p.slots, 2);
	EQ(links_of(p.links, &p.slots[0]), 3);
	EQ(links_of(p.links, &p.slots[1]), 3);
	EQ(links_prepare(p.links, &p.slots[0]), 0);
	for (uint32_t i = 0; i < 3; i++) {
		EQ(channel_recv(p.far[0], &m, text), 1);
		EQ(m.a, i);
		OK(str_eq(m.text, str_of(texts[i])));
		(void)close(m.fd);
	}
	end(&p);
}

int main(void)
{
	RUN(a_row_with_a_label_is_one_more_link);
	RUN(a_link_that_ended_is_made_again_once_and_not_at_once);
	RUN(the_start_of_a_process_makes_the_link_that_was_waited_for);
	RUN(no_link_is_made_to_a_process_that_has_ended);
	return tap_done();
}
