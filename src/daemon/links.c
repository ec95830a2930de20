#include "daemon/links.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

struct end {
	struct slot *slot;
	uint32_t index; /* of this link among the slot's */
	int waiting;    /* the descriptor for a process that has not been started yet, or -1 */
};

struct links {
	struct link {
		struct end ends[2];
	} * list;
	size_t n;
};

static bool names(const struct role *a, const struct role *b)
{
	for (const char *const *l = a->links; l && *l; l++)
		if (strcmp(*l, b->name) == 0)
			return true;
	return false;
}

static bool drawn(const struct slot *a, const struct slot *b)
{
	return names(a->role, b->role) || names(b->role, a->role);
}

size_t links_of(const struct links *l, const struct slot *s)
{
	size_t n = 0;
	for (size_t i = 0; i < l->n; i++)
		n += l->list[i].ends[0].slot == s || l->list[i].ends[1].slot == s;
	return n;
}

static void add(struct links *l, struct slot *a, struct slot *b)
{
	struct link k = { .ends = { { a, (uint32_t)links_of(l, a), -1 },
		                    { b, (uint32_t)links_of(l, b), -1 } } };
	l->list = xrealloc(l->list, (l->n + 1) * sizeof *l->list);
	l->list[l->n++] = k;
}

struct links *links_new(struct slot *slots, size_t n)
{
	struct links *l = xnew(struct links);
	for (size_t i = 0; i < n; i++)
		for (size_t j = i + 1; j < n; j++)
			if (drawn(&slots[i], &slots[j]))
				add(l, &slots[i], &slots[j]);
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

static void hand_over(struct end *to, const struct end *from, int fd)
{
	slot_send(to->slot, &(struct channel_msg){ .type = CHANNEL_LINK,
	                                           .a = to->index,
	                                           .b = from->slot->number,
	                                           .text = str_of(from->slot->role->name),
	                                           .fd = fd });
	(void)close(fd);
}

/* `mine` is being started. */
static int renew(struct end *mine, struct end *theirs)
{
	int fds[2];
	if (mine->waiting >= 0) {
		hand_over(mine, theirs, take_fd(&mine->waiting));
		return 0;
	}
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) < 0)
		return -errno;
	hand_over(mine, theirs, fds[0]);
	drop(&theirs->waiting);
	if (slot_is_up(theirs->slot))
		hand_over(theirs, mine, fds[1]);
	else
		theirs->waiting = fds[1];
	return 0;
}

int links_prepare(struct links *l, struct slot *s)
{
	int r = 0;
	for (size_t i = 0; i < l->n && r == 0; i++) {
		struct end *ends = l->list[i].ends;
		if (ends[0].slot == s)
			r = renew(&ends[0], &ends[1]);
		else if (ends[1].slot == s)
			r = renew(&ends[1], &ends[0]);
	}
	return r;
}
