#include "daemon/links.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"

struct end {
	struct slot *slot;
	uint32_t index; /* of this link among the slot's */
	int waiting;    /* the descriptor for a process that has not been started yet, or -1 */
};

struct link {
	struct end ends[2];
	struct str label; /* of the tables; empty: the first between the two */
	struct loop *loop;
	uint32_t number; /* how many times it was made: the loss of an older one says nothing */
	usec_t made;
	uint32_t pause_ms; /* of the last loss */
	bool is_lost;      /* the timer runs */
	struct timer timer;
};

struct links {
	struct loop *loop;
	struct link *list;
	size_t n;
};

static struct end *end_of(struct link *k, const struct slot *s)
{
	return k->ends[0].slot == s ? &k->ends[0] : k->ends[1].slot == s ? &k->ends[1] : NULL;
}

size_t links_of(const struct links *l, const struct slot *s)
{
	size_t n = 0;
	for (size_t i = 0; i < l->n; i++)
		n += end_of(&l->list[i], s) != NULL;
	return n;
}

static bool is_drawn(struct links *l, const struct slot *a, const struct slot *b, struct str label)
{
	for (size_t i = 0; i < l->n; i++)
		if (end_of(&l->list[i], a) && end_of(&l->list[i], b) &&
		    str_eq(l->list[i].label, label))
			return true;
	return false;
}

static void add(struct links *l, struct slot *a, struct slot *b, struct str label)
{
	struct link k = { .ends = { { a, (uint32_t)links_of(l, a), -1 },
		                    { b, (uint32_t)links_of(l, b), -1 } },
		          .label = label };
	l->list = xrealloc(l->list, (l->n + 1) * sizeof *l->list);
	l->list[l->n++] = k;
}

/* What a table of a's role says of b's: "frontend", or "frontend:label" for one more. */
static void draw(struct links *l, struct slot *a, struct slot *b, const char *const *row)
{
	for (; row && *row; row++) {
		struct str name, label;
		(void)str_cut(str_of(*row), ':', &name, &label);
		if (str_eq(name, str_of(b->role->name)) && !is_drawn(l, a, b, label))
			add(l, a, b, label);
	}
}

static void on_pause_over(void *arg);

struct links *links_new(struct loop *loop, struct slot *slots, size_t n)
{
	struct links *l = xnew(struct links);
	l->loop = loop;
	for (size_t i = 0; i < n; i++)
		for (size_t j = i + 1; j < n; j++) {
			draw(l, &slots[i], &slots[j], slots[i].role->links);
			draw(l, &slots[j], &slots[i], slots[j].role->links);
			if (slots[i].across)
				draw(l, &slots[i], &slots[j], slots[i].role->links_across);
		}
	for (size_t i = 0; i < l->n; i++) {
		l->list[i].loop = loop;
		timer_init(&l->list[i].timer, loop, on_pause_over, &l->list[i]);
	}
	return l;
}

static void drop(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
	*fd = -1;
}

void links_free(struct links **lp)
{
	struct links *l = *lp;
	*lp = NULL;
	if (!l)
		return;
	for (size_t i = 0; i < l->n; i++) {
		drop(&l->list[i].ends[0].waiting);
		drop(&l->list[i].ends[1].waiting);
		timer_stop(&l->list[i].timer);
	}
	free(l->list);
	free(l);
}

static int take_fd(int *fd)
{
	int r = *fd;
	*fd = -1;
	return r;
}

static void hand_over(const struct link *k, struct end *to, const struct end *from, int fd)
{
	char text[96];
	struct buf b = BUF_ON(text);
	buf_str(&b, str_of(from->slot->role->name));
	if (k->label.len > 0)
		buf_char(&b, ':');
	buf_str(&b, k->label);
	slot_send(to->slot, &(struct channel_msg){ .type = CHANNEL_LINK,
	                                           .a = to->index,
	                                           .b = from->slot->number,
	                                           .c = from->slot->restarts + 1,
	                                           .d = k->number,
	                                           .text = buf_view(&b),
	                                           .fd = fd });
	(void)close(fd);
}

static int make_pair(struct link *k, int ret_fds[2])
{
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ret_fds) < 0)
		return -errno;
	k->number++;
	k->made = loop_now(k->loop);
	k->is_lost = false;
	timer_stop(&k->timer);
	return 0;
}

/* `mine` is being started: whatever ended the links of its predecessor is over. */
static int renew(struct link *k, struct end *mine, struct end *theirs)
{
	int fds[2];
	k->pause_ms = 0;
	if (mine->waiting >= 0) {
		hand_over(k, mine, theirs, take_fd(&mine->waiting));
		return 0;
	}
	int r = make_pair(k, fds);
	if (r < 0)
		return r;
	hand_over(k, mine, theirs, fds[0]);
	drop(&theirs->waiting);
	if (slot_is_up(theirs->slot))
		hand_over(k, theirs, mine, fds[1]);
	else
		theirs->waiting = fds[1];
	return 0;
}

int links_prepare(struct links *l, struct slot *s)
{
	int r = 0;
	for (size_t i = 0; i < l->n && r == 0; i++) {
		struct link *k = &l->list[i];
		struct end *mine = end_of(k, s);
		if (mine)
			r = renew(k, mine, mine == &k->ends[0] ? &k->ends[1] : &k->ends[0]);
	}
	return r;
}

/* A link that ended at once ends at once again: longer and longer. */
static void wait_again(struct link *k)
{
	usec_t now = loop_now(k->loop);
	if (k->pause_ms == 0 || now - k->made >= LINK_STABLE_S * USEC_PER_SEC)
		k->pause_ms = LINK_PAUSE_MIN_MS;
	else
		k->pause_ms = MIN(k->pause_ms * 2, LINK_PAUSE_MAX_MS);
	k->is_lost = true;
	timer_set(&k->timer, now + k->pause_ms * USEC_PER_MSEC);
}

/* If a process has ended meanwhile, its next start makes the link. */
static void on_pause_over(void *arg)
{
	struct link *k = arg;
	struct end *a = &k->ends[0], *b = &k->ends[1];
	int fds[2];
	k->is_lost = false;
	if (!slot_is_up(a->slot) || !slot_is_up(b->slot))
		return;
	int r = make_pair(k, fds);
	if (r < 0) {
		wait_again(k);
		log_error(NULL, "link-not-made", "between=%s and=%s reason=%s", a->slot->name,
		          b->slot->name, log_text(str_of(strerror(-r))));
		return;
	}
	log_info(NULL, "link-made-again", "between=%s and=%s pause_ms=%u", a->slot->name,
	         b->slot->name, k->pause_ms);
	hand_over(k, a, b, fds[0]);
	hand_over(k, b, a, fds[1]);
}

void links_lost(struct links *l, const struct slot *s, uint32_t index, uint32_t number)
{
	for (size_t i = 0; i < l->n; i++) {
		struct link *k = &l->list[i];
		const struct end *e = end_of(k, s);
		if (e && e->index == index && k->number == number && !k->is_lost)
			wait_again(k);
	}
}
