#include "auth/fake_accounts.h"

#include <stdlib.h>
#include <sys/socket.h>

#include "loop/stream.h"

static struct str keep(struct fake_accounts *f, struct str s)
{
	return arena_str(f->texts, s);
}

static void take_msg(struct fake_accounts *f, const struct acct_msg *m)
{
	if (f->n_asked == FAKE_ASKED_MAX)
		abort();
	struct acct_msg *k = &f->asked[f->n_asked++];
	*k = *m;
	f->n_feeds += m->type == ACCT_FEED;
	if (m->type == ACCT_LOOKUP)
		k->lookup.key = keep(f, m->lookup.key);
	if (m->type == ACCT_AUTH) {
		k->auth.user = keep(f, m->auth.user);
		k->auth.blob = bytes_of(keep(f, str_from_bytes(m->auth.blob)));
	}
	if (f->serve)
		f->serve(f, k);
}

static ssize_t on_data(void *arg, struct str in)
{
	struct fake_accounts *f = arg;
	struct acct_msg m;
	size_t used = 0, len;
	int r;
	f->reads++;
	while ((r = acct_get(&m, &len, str_sub(in, used, in.len))) == 1) {
		take_msg(f, &m);
		used += len;
	}
	f->broken |= r < 0;
	return (ssize_t)used;
}

static void on_opened(void *arg UNUSED)
{
}

static void on_closed(void *arg, int err UNUSED, const char *why UNUSED)
{
	struct fake_accounts *f = arg;
	stream_free(&f->link);
}

static const struct stream_ops ops = { .opened = on_opened, .data = on_data, .closed = on_closed };
static const struct stream_limits limits = { .read_max = 1024 * 1024,
	                                     .write_max = 1024 * 1024,
	                                     .open_max = USEC_PER_SEC };

void fake_accounts_again(struct fake_accounts *f, int *ret_fd)
{
	int fds[2];
	stream_free(&f->link);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) < 0)
		abort();
	f->link = stream_accept(f->loop, fds[0], NULL, &limits, &ops, f);
	*ret_fd = fds[1];
}

void fake_accounts_start(struct fake_accounts *f, struct loop *l, int *ret_fd)
{
	*f = (struct fake_accounts){ .loop = l, .texts = arena_new() };
	fake_accounts_again(f, ret_fd);
}

void fake_accounts_die(struct fake_accounts *f)
{
	stream_free(&f->link);
}

void fake_accounts_end(struct fake_accounts *f)
{
	stream_free(&f->link);
	arena_free(&f->texts);
}

void fake_accounts_send(struct fake_accounts *f, const struct acct_msg *m)
{
	auto_(buf_free) struct buf b = buf_of(ACCT_FRAME_MAX);
	acct_put(&b, m);
	stream_write(f->link, buf_view(&b));
}

void fake_accounts_feed(struct fake_accounts *f, uint64_t number, bool gap)
{
	fake_accounts_send(f, &(struct acct_msg){ .type = ACCT_FED, .fed = { number, gap } });
}
