#include "svc/conversation/sender.h"

#include <stdlib.h>

struct im_sender {
	struct map_node node;
	unsigned sessions;
	char *uri;
};

void im_senders_init(struct im_senders *all)
{
	map_init(&all->by_uri);
}

void im_senders_done(struct im_senders *all)
{
	map_done(&all->by_uri);
}

static struct im_sender *find(const struct im_senders *all, struct str uri)
{
	uint64_t h = hash_lower(&all->by_uri.key, uri);
	for (struct map_node *n = map_first(&all->by_uri, h); n; n = map_next(n)) {
		struct im_sender *s = container_of(n, struct im_sender, node);
		if (str_ieq(str_of(s->uri), uri))
			return s;
	}
	return NULL;
}

struct im_sender *im_sender_take(struct im_senders *all, struct str uri)
{
	struct im_sender *s = find(all, uri);
	if (!s) {
		s = xnew(struct im_sender);
		s->uri = str_dup(uri);
		map_add(&all->by_uri, &s->node, hash_lower(&all->by_uri.key, uri));
	}
	s->sessions++;
	return s;
}

void im_sender_give(struct im_senders *all, struct im_sender **sp)
{
	struct im_sender *s = take(sp);
	if (--s->sessions > 0)
		return;
	map_del(&all->by_uri, &s->node);
	free(s->uri);
	free(s);
}

unsigned im_sender_sessions(const struct im_senders *all, struct str uri)
{
	const struct im_sender *s = find(all, uri);
	return s ? s->sessions : 0;
}
