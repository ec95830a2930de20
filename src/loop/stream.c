#include "loop/stream.h"

#include <assert.h>
#include <errno.h>
#include <linux/sockios.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/un.h>
#include <unistd.h>

#include <openssl/err.h>

#include "loop/inside.h"
#include "loop/tls_inside.h"

/* A stream's life: CONNECTING -> HANDSHAKE -> OPEN -> CLOSING (-> LINGERING) -> ENDED; each may end
 * at once. */
enum state { CONNECTING, HANDSHAKE, OPEN, CLOSING, LINGERING, ENDED };

enum { CLOSE_MAX_S = 5, SPARE_MAX = 256 * 1024 };

struct stream {
	uv_poll_t poll;
	struct loop *loop;
	int fd;
	uint8_t state; /* enum state */
	bool paused;
	bool want_write; /* the kernel, or TLS, waits for room */
	bool started;    /* TLS server: the first part of the handshake is done */
	bool queued;     /* for the handshake turn */
	bool is_tls;
	bool early;   /* something was sent before the end of this turn */
	bool told;    /* closed() has been called */
	bool more;    /* the owner wants data() again */
	int watching; /* events that libuv watches */
	SSL *ssl;
	struct tls_server *server; /* until the handshake is done */
	struct tls_peer *peer_cert;
	const struct stream_ops *ops;
	void *arg;
	struct stream_limits lim;
	struct addr peer, local;
	struct buf in;     /* what the owner has not used yet */
	struct buf out;    /* what has not been sent yet */
	size_t sent;       /* of `out` */
	size_t room;       /* below this many unsent bytes the owner is told; 0: it did not ask */
	usec_t linger;     /* how long, once all is sent */
	struct defer turn; /* end of the turn: send, report the end */
	struct list node;  /* of the handshake queue */
	struct timer limit;
	int err;
	const char *why;
};

static void watch(struct stream *s);

/* The end comes from the loop, once. */
static void end(struct stream *s, int err, const char *why)
{
	if (s->state == ENDED)
		return;
	s->state = ENDED;
	s->err = err;
	s->why = why;
	timer_stop(&s->limit);
	watch(s);
	loop_defer(s->loop, &s->turn);
}

static void on_limit(void *arg)
{
	struct stream *s = arg;
	if (s->state == CLOSING || s->state == LINGERING)
		end(s, 0, "closed here");
	else
		end(s, -ETIMEDOUT,
		    s->state == CONNECTING ? "connect timed out" : "handshake timed out");
}

/* Reading. */

/* Gives the owner what there is; keeps what it leaves. */
static void deliver(struct stream *s, struct str fresh)
{
	struct str all = fresh;
	if (s->in.len > 0) {
		buf_str(&s->in, fresh);
		all = buf_view(&s->in);
	}
	ssize_t used = s->ops->data(s->arg, all);
	if (s->state == ENDED)
		return;
	if (used < 0) {
		end(s, (int)used, used == -EMSGSIZE ? "too much unused data" : "refused");
		return;
	}
	assert((size_t)used <= all.len);
	if (s->in.len > 0)
		buf_drop(&s->in, (size_t)used);
	else
		buf_put(&s->in, all.p + used, all.len - (size_t)used);
	if (s->in.len > s->lim.read_max)
		end(s, -EMSGSIZE, "too much unused data");
	else if (s->in.len == 0 && s->in.p)
		buf_free(&s->in);
}

static void read_plain(struct stream *s)
{
	ssize_t n = read(s->fd, s->loop->read_buf, LOOP_READ_SIZE);
	if (n > 0)
		deliver(s, str_n(s->loop->read_buf, (size_t)n));
	else if (n == 0)
		end(s, 0, "closed by the other side");
	else if (errno != EAGAIN && errno != EINTR)
		end(s, -errno, "connection broken");
}

static void tls_failed(struct stream *s, int r)
{
	switch (SSL_get_error(s->ssl, r)) {
	case SSL_ERROR_WANT_READ:
		break;
	case SSL_ERROR_WANT_WRITE:
		s->want_write = true;
		break;
	case SSL_ERROR_ZERO_RETURN:
		end(s, 0, "closed by the other side");
		break;
	case SSL_ERROR_SYSCALL:
		end(s, errno ? -errno : 0,
		    errno ? "connection broken" : "closed by the other side");
		break;
	default:
		end(s, -EPROTO, tls_failure_text(s->ssl));
		break;
	}
}

/* Until TLS holds nothing more, or the turn's share is used up: the rest comes in the next turn. */
static void read_tls(struct stream *s)
{
	size_t total = 0;
	while ((s->state == OPEN || s->state == CLOSING) && total < STREAM_READ_TURN_MAX) {
		ERR_clear_error();
		errno = 0;
		int n = SSL_read(s->ssl, s->loop->read_buf, LOOP_READ_SIZE);
		if (n <= 0) {
			tls_failed(s, n);
			return;
		}
		total += (size_t)n;
		if (s->state == OPEN)
			deliver(s, str_n(s->loop->read_buf, (size_t)n));
		if (s->paused)
			break;
		/* Another call would cost a system call only to hear that there is nothing. */
		if (!SSL_has_pending(s->ssl))
			return;
	}
	if (s->state == OPEN && SSL_has_pending(s->ssl) && !s->paused)
		loop_again(s->loop, &s->turn);
}

/* Writing. */

/* What is sent at once needs memory for this turn alone.  It is handed on: large blocks that come
 * and go would be given back to the kernel each time, and be made anew page by page. */
static void take_spare(struct stream *s)
{
	struct buf *spare = &s->loop->spare;
	if (!spare->p || spare->cap > s->out.max)
		return;
	s->out.p = take(&spare->p);
	s->out.cap = spare->cap;
}

static void give_spare(struct stream *s)
{
	struct buf *spare = &s->loop->spare;
	if (spare->p || s->out.cap > SPARE_MAX) {
		buf_free(&s->out);
		return;
	}
	spare->p = take(&s->out.p);
	spare->cap = s->out.cap;
	s->out.len = s->out.cap = 0;
}

static ssize_t write_some(struct stream *s)
{
	const char *p = s->out.p + s->sent;
	size_t n = s->out.len - s->sent;
	if (!s->ssl) {
		ssize_t r = send(s->fd, p, n, MSG_NOSIGNAL | MSG_DONTWAIT);
		return r < 0 ? -errno : r;
	}
	ERR_clear_error();
	errno = 0;
	int r = SSL_write(s->ssl, p, (int)MIN(n, (size_t)INT32_MAX));
	if (r > 0)
		return r;
	int e = SSL_get_error(s->ssl, r);
	if (e == SSL_ERROR_WANT_WRITE || e == SSL_ERROR_WANT_READ)
		return -EAGAIN;
	return errno ? -errno : -EPROTO;
}

static void flush(struct stream *s)
{
	while (s->sent < s->out.len) {
		ssize_t n = write_some(s);
		if (n == -EAGAIN || n == -EINTR) {
			s->want_write = true;
			watch(s);
			return;
		}
		if (n < 0) {
			end(s, (int)n, "connection broken");
			return;
		}
		s->sent += (size_t)n;
	}
	give_spare(s);
	s->sent = 0;
	if (s->want_write) {
		s->want_write = false;
		watch(s);
	}
}

static void finish_closing(struct stream *s)
{
	if (s->out.len > s->sent)
		return; /* on_limit() ends it if the peer does not read */
	if (s->ssl)
		(void)SSL_shutdown(s->ssl);
	(void)shutdown(s->fd, SHUT_WR);
	if (s->linger == 0) {
		end(s, 0, "closed here");
		return;
	}
	s->state = LINGERING;
	timer_set(&s->limit, loop_now(s->loop) + s->linger);
	watch(s);
}

static void read_and_drop(struct stream *s)
{
	ssize_t n = read(s->fd, s->loop->read_buf, LOOP_READ_SIZE);
	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
		end(s, 0, "closed here");
}

static void tell_room(struct stream *s)
{
	if (s->state != OPEN || s->room == 0 || stream_unsent(s) >= s->room)
		return;
	s->room = 0;
	s->ops->room(s->arg);
}

/* The end of a turn in which something happened. */
static void on_turn(void *arg)
{
	struct stream *s = arg;
	s->early = false;
	if ((s->state == OPEN || s->state == CLOSING) && s->out.len > s->sent)
		flush(s);
	if (s->state == CLOSING)
		finish_closing(s);
	tell_room(s);
	if (s->state == OPEN && s->more) {
		s->more = false;
		deliver(s, STR(""));
	}
	if (s->state == OPEN && s->ssl && SSL_has_pending(s->ssl) && !s->paused)
		read_tls(s);
	if (s->state == ENDED && !s->told) {
		s->told = true;
		s->ops->closed(s->arg, s->err, s->why);
	}
}

/* Opening. */

static void opened(struct stream *s)
{
	s->state = OPEN;
	timer_stop(&s->limit);
	tls_server_unref(&s->server);
	watch(s);
	s->ops->opened(s->arg);
	if (s->state == OPEN && s->out.len)
		loop_defer(s->loop, &s->turn);
	if (s->state == OPEN && s->ssl && SSL_has_pending(s->ssl))
		read_tls(s);
}

/* Nothing is read: TLS is to have it all. */
static bool speaks_plainly(const struct stream *s)
{
	char first;
	return s->ops->plain && recv(s->fd, &first, 1, MSG_PEEK | MSG_DONTWAIT) == 1 &&
	       first >= 'A' && first <= 'Z';
}

static void go_without_tls(struct stream *s)
{
	SSL_free(take(&s->ssl));
	tls_server_unref(&s->server);
	s->is_tls = false;
	s->state = OPEN;
	timer_stop(&s->limit);
	watch(s);
	s->ops->plain(s->arg);
}

static void handshake(struct stream *s)
{
	ERR_clear_error();
	errno = 0;
	s->started = true;
	s->want_write = false;
	int r = SSL_do_handshake(s->ssl);
	if (r == 1) {
		opened(s);
		return;
	}
	tls_failed(s, r);
	watch(s);
}

/* A bounded number of handshakes is begun in a turn; the others wait in the order they came, so
 * that those who are signed in are served in between. */
static void on_handshake_turn(void *arg)
{
	struct loop *l = arg;
	for (unsigned i = 0; i < l->handshakes_per_turn && !list_empty(&l->handshakes); i++) {
		struct stream *s = list_entry(l->handshakes.next, struct stream, node);
		list_del(&s->node);
		s->queued = false;
		handshake(s);
	}
	if (!list_empty(&l->handshakes))
		loop_again(l, &l->handshake_turn);
}

void stream_set_handshakes(struct loop *l, unsigned per_turn)
{
	l->handshakes_per_turn = per_turn;
}

static void queue_handshake(struct stream *s)
{
	struct loop *l = s->loop;
	if (!l->handshake_turn.fn)
		defer_init(&l->handshake_turn, on_handshake_turn, l);
	s->queued = true;
	list_add(&l->handshakes, &s->node);
	watch(s);
	loop_again(l, &l->handshake_turn);
}

static void connected(struct stream *s)
{
	int err = loop_socket_error(s->fd, 0);
	if (err) {
		end(s, err, "connect failed");
		return;
	}
	s->local = loop_socket_addr(s->fd, false);
	if (s->ssl) {
		s->state = HANDSHAKE;
		handshake(s);
	} else {
		opened(s);
	}
}

/* A peer that closes with bytes of ours unread resets the connection; what it had sent before that
 * is still to be read, and the error comes behind it. */
static void on_error(struct stream *s, int status)
{
	s->watching = 0; /* libuv has stopped */
	if (s->state != OPEN || s->paused) {
		end(s, loop_socket_error(s->fd, status),
		    s->state == CONNECTING ? "connect failed" : "connection broken");
		return;
	}
	if (s->ssl)
		read_tls(s);
	else
		read_plain(s);
	watch(s);
}

static void on_event(uv_poll_t *h, int status, int events)
{
	struct stream *s = h->data;
	loop_note_wake(s->loop);
	if (status < 0) {
		on_error(s, status);
		return;
	}
	switch ((enum state)s->state) {
	case CONNECTING:
		connected(s);
		break;
	case HANDSHAKE:
		if (s->server && !s->started && speaks_plainly(s))
			go_without_tls(s);
		else if (s->server && !s->started)
			queue_handshake(s);
		else
			handshake(s);
		break;
	case OPEN:
	case CLOSING:
		if (events & UV_WRITABLE) {
			flush(s);
			loop_defer(s->loop, &s->turn);
		}
		if ((events & UV_READABLE) && s->ssl)
			read_tls(s);
		else if ((events & UV_READABLE) && s->state == OPEN)
			read_plain(s);
		break;
	case LINGERING:
		read_and_drop(s);
		break;
	case ENDED:
		break;
	}
}

static int wanted_events(const struct stream *s)
{
	int e = s->want_write ? UV_WRITABLE : 0;
	switch ((enum state)s->state) {
	case CONNECTING:
		return UV_WRITABLE;
	case HANDSHAKE:
		return s->queued ? 0 : e | UV_READABLE;
	case OPEN:
		return s->paused ? e : e | UV_READABLE;
	case CLOSING:
		return e;
	case LINGERING:
		return UV_READABLE;
	case ENDED:
		break;
	}
	return 0;
}

static void watch(struct stream *s)
{
	int e = wanted_events(s);
	if (e == s->watching)
		return;
	s->watching = e;
	if (e)
		(void)uv_poll_start(&s->poll, e, on_event);
	else
		(void)uv_poll_stop(&s->poll);
}

/* The object. */

static struct stream *stream_new(struct loop *l, int fd, const struct stream_limits *lim,
                                 const struct stream_ops *ops, void *arg)
{
	struct stream *s = xnew(struct stream);
	s->loop = l;
	s->fd = fd;
	s->lim = *lim;
	s->ops = ops;
	s->arg = arg;
	/* One read on top of what was kept: the limit is for what the owner leaves of both. */
	s->in = buf_of((size_t)lim->read_max + LOOP_READ_SIZE);
	s->out = buf_of(lim->write_max);
	s->poll.data = s;
	list_init(&s->node);
	defer_init(&s->turn, on_turn, s);
	timer_init(&s->limit, l, on_limit, s);
	if (uv_poll_init(&l->uv, &s->poll, fd) < 0)
		end(s, -EBADF, "no usable descriptor");
	return s;
}

struct stream *stream_accept(struct loop *l, int fd, struct tls_server *tls,
                             const struct stream_limits *lim, const struct stream_ops *ops,
                             void *arg)
{
	struct stream *s = stream_new(l, fd, lim, ops, arg);
	s->peer = loop_socket_addr(fd, true);
	s->local = loop_socket_addr(fd, false);
	if (s->peer.sa.sa_family != AF_UNSPEC)
		loop_set_tcp_options(fd, lim->probe_after);
	s->state = s->state == ENDED ? ENDED : HANDSHAKE;
	s->is_tls = tls != NULL;
	if (tls) {
		s->server = tls_server_ref(tls);
		s->ssl = tls_server_ssl(tls, fd);
		if (!s->ssl)
			end(s, -ENOMEM, "no TLS");
		timer_set(&s->limit, loop_now(l) + lim->open_max);
	} else if (s->state != ENDED) {
		s->state = OPEN;
	}
	watch(s);
	return s;
}

static void dial(struct stream *s, const struct addr *to)
{
	s->peer = *to;
	s->local.sa.sa_family = AF_UNSPEC;
	if (s->state != ENDED) {
		loop_set_tcp_options(s->fd, s->lim.probe_after);
		if (connect(s->fd, &to->sa, addr_len(to)) < 0 && errno != EINPROGRESS)
			end(s, -errno, "connect failed");
		else
			timer_set(&s->limit, loop_now(s->loop) + s->lim.open_max);
	}
	watch(s);
}

struct stream *stream_connect(struct loop *l, const struct addr *to, struct tls_client *tls,
                              struct str server_name, const struct stream_limits *lim,
                              const struct stream_ops *ops, void *arg)
{
	int fd = socket(to->sa.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	struct stream *s = stream_new(l, fd, lim, ops, arg);
	s->is_tls = tls != NULL;
	if (fd < 0)
		end(s, -EMFILE, "no descriptor is left");
	else if (tls && (s->ssl = tls_client_ssl(tls, fd, server_name)) == NULL)
		end(s, -EINVAL, "no TLS to that name");
	dial(s, to);
	return s;
}

struct stream *stream_dial(struct loop *l, int fd, const struct addr *to,
                           const struct stream_limits *lim, const struct stream_ops *ops, void *arg)
{
	struct stream *s = stream_new(l, fd, lim, ops, arg);
	dial(s, to);
	return s;
}

/* It is there at once or not at all: the kernel queues connections of Unix sockets. */
static int dial_path(int fd, struct str path)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	if (path.len >= sizeof(to.sun_path))
		return -ENAMETOOLONG;
	memcpy(to.sun_path, path.p, path.len);
	return connect(fd, (const struct sockaddr *)&to, sizeof(to)) < 0 ? -errno : 0;
}

struct stream *stream_connect_path(struct loop *l, struct str path, const struct stream_limits *lim,
                                   const struct stream_ops *ops, void *arg)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int r = fd < 0 ? -errno : dial_path(fd, path);
	struct stream *s = stream_accept(l, fd, NULL, lim, ops, arg);
	if (r < 0)
		end(s, r, "connect failed");
	return s;
}

static void free_stream(uv_handle_t *h)
{
	free(h->data);
}

void stream_free(struct stream **sp)
{
	struct stream *s = take(sp);
	if (!s)
		return;
	timer_stop(&s->limit);
	defer_cancel(&s->turn);
	list_del(&s->node);
	SSL_free(s->ssl);
	tls_server_unref(&s->server);
	tls_peer_free(&s->peer_cert);
	buf_free(&s->in);
	buf_free(&s->out);
	if (s->fd < 0) {
		free(s);
		return;
	}
	(void)uv_poll_stop(&s->poll);
	(void)close(s->fd);
	uv_close((uv_handle_t *)&s->poll, free_stream);
}

void stream_close(struct stream *s)
{
	if (s->state >= CLOSING)
		return;
	if (s->state != OPEN) {
		end(s, 0, "closed here");
		return;
	}
	s->state = CLOSING;
	timer_set(&s->limit, loop_now(s->loop) + CLOSE_MAX_S * USEC_PER_SEC);
	watch(s);
	loop_defer(s->loop, &s->turn);
}

void stream_close_late(struct stream *s, usec_t max)
{
	if (s->state < CLOSING)
		s->linger = max;
	stream_close(s);
}

void stream_more(struct stream *s)
{
	s->more = true;
	loop_defer(s->loop, &s->turn);
}

void stream_want_room(struct stream *s, size_t below)
{
	s->room = below;
	loop_defer(s->loop, &s->turn);
}

/* Much goes at once: memory that is still in the processor's cache is sent for less, and serves the
 * next stream in this turn.  Once a turn: a fast reader does not keep the others waiting. */
static void send_soon(struct stream *s)
{
	loop_defer(s->loop, &s->turn);
	if (s->early || s->want_write || stream_unsent(s) < STREAM_MUCH)
		return;
	s->early = true;
	flush(s);
}

void stream_write(struct stream *s, struct str data)
{
	if (s->state >= CLOSING)
		return;
	if (s->sent > 0 && s->sent == s->out.len)
		s->sent = s->out.len = 0;
	if (s->sent > 0 && s->out.len + data.len > s->out.cap) { /* before it grows */
		buf_drop(&s->out, s->sent);
		s->sent = 0;
	}
	if (!s->out.p)
		take_spare(s);
	buf_str(&s->out, data);
	if (s->out.full)
		end(s, -EPIPE, "the other side reads too slowly");
	else if (s->state == OPEN)
		send_soon(s);
}

void stream_set_ops(struct stream *s, const struct stream_ops *ops, void *arg)
{
	s->ops = ops;
	s->arg = arg;
}

void stream_set_limits(struct stream *s, const struct stream_limits *lim)
{
	s->lim.read_max = lim->read_max;
	s->lim.write_max = lim->write_max;
	s->in.max = (size_t)lim->read_max + LOOP_READ_SIZE;
	s->out.max = lim->write_max;
}

void stream_pause(struct stream *s, bool paused)
{
	s->paused = paused;
	watch(s);
	if (!paused)
		loop_defer(s->loop, &s->turn);
}

bool stream_is_idle(const struct stream *s)
{
	int unread = 0, unsent = 0;
	if (s->in.len > 0 || s->out.len > s->sent || (s->ssl && SSL_has_pending(s->ssl)))
		return false;
	return ioctl(s->fd, FIONREAD, &unread) == 0 && unread == 0 &&
	       ioctl(s->fd, SIOCOUTQ, &unsent) == 0 && unsent == 0;
}

size_t stream_unsent(const struct stream *s)
{
	return s->out.len - s->sent;
}

bool stream_is_tls(const struct stream *s)
{
	return s->is_tls;
}

struct str stream_alpn(const struct stream *s)
{
	return s->ssl ? tls_alpn_of(s->ssl) : STR("");
}

const struct addr *stream_peer(const struct stream *s)
{
	return &s->peer;
}

const struct addr *stream_local(const struct stream *s)
{
	return &s->local;
}

const struct tls_peer *stream_tls_peer(const struct stream *s)
{
	struct stream *m = (struct stream *)(uintptr_t)s;
	if (!m->peer_cert && m->ssl && m->state == OPEN)
		m->peer_cert = tls_peer_of(m->ssl);
	return m->peer_cert;
}
