#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "loop/hand.h"
#include "role/edge_av/ea.h"

/* A client's connection that has come to one process of the edge for what another one has (RFC 6062
 * section 4.4): the other process is handed one end of a socket pair, says "1" if what was wanted
 * waits there, and from then on bytes pass through both.
 *
 *     client -- stream -- ferry in this process -- socket pair -- pipe in that process -- peer */

struct link_to {
	struct edge_av *ea;
	uint32_t slot;
	struct hand *hand; /* NULL: down */
};

struct ferry {
	struct list node;
	struct pipe *pipe;
};

struct ea_passing {
	struct link_to links[EA_SLOTS_MAX];
	struct list ferries;
};

/* --- here the client is ---------------------------------------------------------------------- */

static usec_t on_passed(void *arg UNUSED, enum pipe_end from UNUSED, size_t bytes UNUSED)
{
	return 0; /* the other process counts, and keeps the limits */
}

static void ferry_free(struct ferry *f)
{
	list_del(&f->node);
	pipe_free(&f->pipe);
	free(f);
}

static void on_over(void *arg, enum pipe_end by UNUSED)
{
	struct ferry *f = arg;
	f->pipe = NULL;
	ferry_free(f);
}

static const struct pipe_ops ferry_ops = { .passed = on_passed, .ended = on_over };

void ea_ferry(struct edge_av *ea, struct stream *client, struct stream *far)
{
	struct ferry *f = xnew(struct ferry);
	list_add(&ea->passing->ferries, &f->node);
	f->pipe = pipe_new(ea->env->loop, client, far, &ferry_ops, f);
}

int ea_pass(struct edge_av *ea, uint32_t slot, const struct relay_pass *what)
{
	uint8_t text[HAND_LEN] = { 0 };
	int fds[2];
	_Static_assert(sizeof(*what) <= sizeof(text), "it fits");
	if (slot >= EA_SLOTS_MAX || !ea->passing->links[slot].hand || hand_pair(fds) < 0)
		return -ENOENT;
	memcpy(text, what, sizeof(*what));
	int r = hand_over(ea->passing->links[slot].hand, fds[1], text);
	wipe(text, sizeof(text));
	if (r == 0)
		return fds[0];
	(void)close(fds[0]);
	return r;
}

/* --- here the peer is ------------------------------------------------------------------------ */

static void on_nothing(void *arg UNUSED)
{
}

static ssize_t on_early(void *arg UNUSED, struct str in UNUSED)
{
	return 0;
}

static void on_closed(void *arg UNUSED, int err UNUSED, const char *why UNUSED)
{
}

static const struct stream_ops waiting_ops = { .opened = on_nothing,
	                                       .data = on_early,
	                                       .closed = on_closed };
const struct stream_limits ea_pass_limits = { .read_max = PIPE_BROUGHT_MAX,
	                                      .write_max = PIPE_BROUGHT_MAX };

static void on_got(void *arg, int fd, const uint8_t text[HAND_LEN])
{
	struct link_to *l = arg;
	struct edge_av *ea = l->ea;
	struct relay_pass what;
	memcpy(&what, text, sizeof(what));
	struct stream *s =
	        stream_accept(ea->env->loop, fd, NULL, &ea_pass_limits, &waiting_ops, NULL);
	if (relay_join(ea->relay, &what, s))
		stream_write(s, STR("1"));
	else
		stream_free(&s);
	wipe(&what, sizeof(what));
}

/* --- links ----------------------------------------------------------------------------------- */

static void on_lost(void *arg)
{
	struct link_to *l = arg;
	const struct role_env *env = l->ea->env;
	l->hand = NULL; /* it is freed behind this */
	log_warning(NULL, "link-down", "peer=edge-av/%u", l->slot + 1);
	role_link_lost(env, role_link_index(env, STR("edge-av"), l->slot, STR("")));
}

static const struct hand_ops hand_ops = { .got = on_got, .lost = on_lost };

void ea_pass_link(struct edge_av *ea, const struct role_link *link)
{
	struct link_to *l = &ea->passing->links[link->slot];
	hand_free(&l->hand);
	l->ea = ea;
	l->slot = link->slot;
	l->hand = hand_new(ea->env->loop, link->fd, &hand_ops, l);
}

void ea_pass_start(struct edge_av *ea)
{
	ea->passing = xnew(struct ea_passing);
	list_init(&ea->passing->ferries);
}

void ea_pass_stop(struct edge_av *ea)
{
	struct ea_passing *p = take(&ea->passing);
	if (!p)
		return;
	list_for(it, &p->ferries) ferry_free(list_entry(it, struct ferry, node));
	for (size_t i = 0; i < EA_SLOTS_MAX; i++)
		hand_free(&p->links[i].hand);
	free(p);
}
