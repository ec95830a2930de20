#include "loop/hand.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "await.h"

/* here hands over, there takes; what is wrong is written by the test itself, beside `here`. */

enum { GOT_MAX = 100 /* more than are taken in a turn */ };
_Static_assert((int)GOT_MAX > (int)HAND_PER_TURN, "so it is");

struct world {
	struct loop *loop;
	struct hand *here, *there;
	int link; /* here's descriptor */
	int got[GOT_MAX];
	unsigned n_got, n_lost, n_full;
	uint8_t text[HAND_LEN]; /* of the last one */
	unsigned before;        /* descriptors of this process */
};

static unsigned count_descriptors(void)
{
	unsigned n = 0;
	DIR *d = opendir("/proc/self/fd");
	while (d && readdir(d))
		n++;
	if (d)
		(void)closedir(d);
	return n;
}

static void on_got(void *arg, int fd, const uint8_t text[HAND_LEN])
{
	struct world *w = arg;
	w->got[w->n_got++] = fd;
	memcpy(w->text, text, HAND_LEN);
}

static void on_full(void *arg)
{
	struct world *w = arg;
	w->n_full++;
}

static void on_lost(void *arg)
{
	struct world *w = arg;
	w->n_lost++;
	w->there = NULL; /* it is freed behind this */
}

static void on_nothing(void *arg, int fd, const uint8_t text[HAND_LEN] UNUSED)
{
	(void)arg;
	(void)close(fd);
}

static void on_here_lost(void *arg)
{
	struct world *w = arg;
	w->here = NULL;
}

static void start(struct world *w)
{
	static const struct hand_ops there = { .got = on_got, .full = on_full, .lost = on_lost };
	static const struct hand_ops here = { .got = on_nothing, .lost = on_here_lost };
	int fds[2];
	*w = (struct world){ .loop = loop_new() };
	loop_clock_move(w->loop, USEC_PER_SEC);
	w->before = count_descriptors();
	EQ(hand_pair(fds), 0);
	w->link = fds[0];
	w->here = hand_new(w->loop, fds[0], &here, w);
	w->there = hand_new(w->loop, fds[1], &there, w);
}

/* All that came is closed; then there are as many descriptors as before. */
static void stop(struct world *w)
{
	for (unsigned i = 0; i < w->n_got; i++)
		EQ(close(w->got[i]), 0);
	hand_free(&w->here);
	hand_free(&w->there);
	EQ(count_descriptors(), w->before);
	loop_free(&w->loop);
}

/* A pipe of which one end is handed over with this text: the other end, from which is read. */
static int hand_one(struct world *w, uint8_t text)
{
	uint8_t t[HAND_LEN] = { text, 1, 2, 3 };
	int fds[2];
	t[HAND_LEN - 1] = text;
	EQ(pipe2(fds, O_CLOEXEC), 0);
	EQ(hand_over(w->here, fds[1], t), 0);
	EQ(fcntl(fds[1], F_GETFD), -1); /* it is not ours any more */
	return fds[0];
}

static void a_descriptor_arrives_with_its_text(void)
{
	struct world w;
	char byte = 0;
	start(&w);
	int end = hand_one(&w, 7);
	EQ(w.n_got, 0);
	AWAIT(w.loop, w.n_got == 1);
	EQ(w.text[0], 7);
	EQ(w.text[1], 1);
	EQ(w.text[HAND_LEN - 1], 7);
	OK(fcntl(w.got[0], F_GETFD) & FD_CLOEXEC);
	EQ(write(w.got[0], "x", 1), 1);
	EQ(read(end, &byte, 1), 1);
	EQ(byte, 'x');
	(void)close(end);
	stop(&w);
}

static void several_arrive_apart_and_in_order(void)
{
	struct world w;
	int ends[GOT_MAX];
	start(&w);
	for (uint8_t i = 0; i < GOT_MAX; i++)
		ends[i] = hand_one(&w, i);
	AWAIT(w.loop, w.n_got == GOT_MAX);
	EQ(w.text[0], GOT_MAX - 1);
	for (int i = 0; i < GOT_MAX; i++) {
		char byte = 0;
		EQ(write(w.got[i], &(char){ (char)i }, 1), 1);
		EQ(read(ends[i], &byte, 1), 1);
		EQ(byte, i);
		(void)close(ends[i]);
	}
	EQ(w.n_lost, 0);
	stop(&w);
}

static void a_link_that_takes_no_more_costs_no_descriptor(void)
{
	static const uint8_t text[HAND_LEN];
	struct world w;
	start(&w);
	int r = 0;
	for (int i = 0; i < 100000 && r == 0; i++)
		r = hand_over(w.here, dup(w.link), text);
	OK(r < 0);
	hand_free(&w.there); /* with all that is on its way */
	hand_free(&w.here);
	stop(&w);
}

static void the_end_of_the_link_is_told_once(void)
{
	struct world w;
	start(&w);
	int end = hand_one(&w, 1);
	hand_free(&w.here);
	AWAIT(w.loop, w.n_lost == 1);
	EQ(w.n_got, 1); /* what was sent before it came */
	loop_turn(w.loop, 0);
	EQ(w.n_lost, 1);
	(void)close(end);
	stop(&w);
}

static void a_hand_that_is_freed_says_nothing(void)
{
	struct world w;
	start(&w);
	int end = hand_one(&w, 1);
	hand_free(&w.there);
	OK(w.there == NULL);
	AWAIT(w.loop, w.here == NULL); /* the other end of the link sees it */
	EQ(w.n_got + w.n_lost, 0);
	(void)close(end);
	stop(&w);
}

/* Its other end sees that, and the link goes on. */
static void a_descriptor_for_which_there_is_no_room_is_refused_alone(void)
{
	struct world w;
	struct rlimit before, none;
	char byte;
	start(&w);
	EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
	none = before;
	int end = hand_one(&w, 1);
	none.rlim_cur = 0;
	EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
	for (int i = 0; i < 10; i++)
		loop_turn(w.loop, USEC_PER_MSEC);
	EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
	EQ(w.n_got + w.n_lost, 0);
	EQ(w.n_full, 1);
	EQ(read(end, &byte, 1), 0);
	(void)close(end);
	end = hand_one(&w, 2);
	AWAIT(w.loop, w.n_got == 1);
	EQ(w.text[0], 2);
	(void)close(end);
	stop(&w);
}

/* --- what is no message ---------------------------------------------------------------- */

/* So many bytes with so many descriptors, as one message. */
static void send_raw(struct world *w, size_t bytes, unsigned fds)
{
	uint8_t text[2 * HAND_LEN] = { 0 };
	int copies[4];
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(sizeof(copies))];
	} c = { .space = { 0 } };
	struct iovec iov = { text, bytes };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };
	for (unsigned i = 0; i < fds; i++)
		copies[i] = dup(w->link);
	if (fds > 0) {
		m.msg_control = c.space;
		m.msg_controllen = CMSG_SPACE(fds * sizeof(int));
		struct cmsghdr *head = CMSG_FIRSTHDR(&m);
		head->cmsg_level = SOL_SOCKET;
		head->cmsg_type = SCM_RIGHTS;
		head->cmsg_len = CMSG_LEN(fds * sizeof(int));
		memcpy(CMSG_DATA(head), copies, fds * sizeof(int));
	}
	EQ(sendmsg(w->link, &m, MSG_NOSIGNAL), (ssize_t)bytes);
	for (unsigned i = 0; i < fds; i++)
		(void)close(copies[i]);
}

static void what_is_no_message_ends_the_link(void)
{
	static const struct {
		size_t bytes;
		unsigned fds;
	} rows[] = {
		{ HAND_LEN, 0 }, { HAND_LEN - 1, 1 }, { 1, 1 }, { 1, 0 },
		{ HAND_LEN, 2 }, { HAND_LEN, 4 },     { 1, 3 },
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct world w;
		start(&w);
		send_raw(&w, rows[i].bytes, rows[i].fds);
		AWAIT(w.loop, w.n_lost == 1);
		EQ(w.n_got, 0);
		stop(&w);
	}
}

static void more_bytes_than_a_message_are_none_of_the_next(void)
{
	struct world w;
	start(&w);
	send_raw(&w, HAND_LEN + 1, 1);
	AWAIT(w.loop, w.n_lost == 1);
	EQ(w.n_got, 1);
	stop(&w);
}

int main(void)
{
	RUN(a_descriptor_arrives_with_its_text);
	RUN(several_arrive_apart_and_in_order);
	RUN(a_link_that_takes_no_more_costs_no_descriptor);
	RUN(the_end_of_the_link_is_told_once);
	RUN(a_hand_that_is_freed_says_nothing);
	RUN(a_descriptor_for_which_there_is_no_room_is_refused_alone);
	RUN(what_is_no_message_ends_the_link);
	RUN(more_bytes_than_a_message_are_none_of_the_next);
	return tap_done();
}
