#include "loop/packet.h"

#include <assert.h>
#include <errno.h>
#include <netinet/udp.h>
#include <stdlib.h>
#include <unistd.h>

#include "loop/inside.h"

enum {
	OUT_MAX = PACKET_OUT_MAX * PACKET_BATCH,
	TAILROOM = 4,
	/* A port that had one datagram so many times is asked for one alone; and after some more
	 * for as many as there may be. */
	SINGLE_AFTER = 4,
	SINGLE_UNTIL = 20,
	/* What the kernel takes as one (UDP_MAX_SEGMENTS; the length of an IP packet). */
	SEGMENTS_MAX = 64,
	SEGMENTED_MAX = 65000,
};

struct cell {
	uint8_t head[PACKET_HEADROOM];
	uint8_t data[PACKET_MAX + TAILROOM];
};

struct out {
	struct addr to;
	struct packet data;
	uint8_t next; /* of the same port, + 1; 0: the last */
};

struct packets {
	struct loop *loop;
	bool receiving;
	struct defer turn_end;
	unsigned n_in;               /* cells with bytes that wait to go out */
	unsigned n_out;              /* messages of these bytes */
	struct packet_port *touched; /* those with something to send */
	struct packet_port *closed;  /* to be closed when that has gone */
	struct packet_stats stats;
	struct out out[OUT_MAX];
	struct mmsghdr in[PACKET_BATCH];
	struct iovec in_iov[PACKET_BATCH];
	struct sockaddr_storage from[PACKET_BATCH];
	struct cell cells[PACKET_BATCH]; /* its pages come into being when used */
};

struct packet_port {
	uv_poll_t poll;
	struct packets *all;
	int fd;
	bool closed;
	uint8_t first, last; /* in all->out, + 1; 0: nothing */
	uint8_t singles;     /* how many times it had one datagram; from SINGLE_AFTER on anew */
	packet_fn *fn;
	void *arg;
	struct packet_port *next, *next_closed; /* touched; closed */
	struct addr local;
};

static void on_turn_end(void *arg);

struct packets *packets_new(struct loop *l)
{
	struct packets *ps = xmalloc(sizeof(*ps));
	memset(ps, 0, offsetof(struct packets, cells));
	ps->loop = l;
	defer_init(&ps->turn_end, on_turn_end, ps);
	for (int i = 0; i < PACKET_BATCH; i++) {
		ps->in_iov[i] = (struct iovec){ ps->cells[i].data, PACKET_MAX };
		ps->in[i].msg_hdr.msg_iov = &ps->in_iov[i];
		ps->in[i].msg_hdr.msg_iovlen = 1;
		ps->in[i].msg_hdr.msg_name = &ps->from[i];
	}
	return ps;
}

void packets_free(struct packets **pp)
{
	struct packets *ps = take(pp);
	if (!ps)
		return;
	if (ps->n_out || ps->closed)
		on_turn_end(ps);
	defer_cancel(&ps->turn_end);
	free(ps);
}

const struct packet_stats *packets_stats(const struct packets *ps)
{
	return &ps->stats;
}

/* --- out ------------------------------------------------------------------------------- */

/* One message to the kernel, of one datagram or several equal ones. */
struct message {
	struct mmsghdr *hdr;
	struct iovec *iov;
	char *control;
};

union control {
	char bytes[CMSG_SPACE(sizeof(uint16_t))];
	struct cmsghdr aligned;
};

static bool goes_with(const struct out *first, const struct out *last, const struct out *o,
                      unsigned n, size_t total)
{
	return n < SEGMENTS_MAX && total + o->data.len <= SEGMENTED_MAX &&
	       last->data.len == first->data.len && o->data.len <= first->data.len &&
	       o->data.len > 0 && addr_eq(&first->to, &o->to);
}

/* Takes as many from the head of the list as can be one message; returns how many. */
static unsigned gather(struct packets *ps, uint8_t *at, struct message m)
{
	struct out *first = &ps->out[*at - 1], *last = first;
	unsigned n = 0;
	size_t total = 0;
	for (struct out *o = first;; o = &ps->out[*at - 1]) {
		m.iov[n++] = (struct iovec){ o->data.p, o->data.len };
		total += o->data.len;
		last = o;
		*at = o->next;
		if (*at == 0 || !goes_with(first, last, &ps->out[*at - 1], n, total))
			break;
	}
	*m.hdr = (struct mmsghdr){ .msg_hdr = { .msg_name = &first->to,
		                                .msg_namelen = addr_len(&first->to),
		                                .msg_iov = m.iov,
		                                .msg_iovlen = n } };
	if (n == 1)
		return n;
	m.hdr->msg_hdr.msg_control = m.control;
	m.hdr->msg_hdr.msg_controllen = CMSG_SPACE(sizeof(uint16_t));
	struct cmsghdr *c = CMSG_FIRSTHDR(&m.hdr->msg_hdr);
	*c = (struct cmsghdr){ .cmsg_len = CMSG_LEN(sizeof(uint16_t)),
		               .cmsg_level = SOL_UDP,
		               .cmsg_type = UDP_SEGMENT };
	uint16_t size = (uint16_t)first->data.len;
	memcpy(CMSG_DATA(c), &size, sizeof(size));
	return n;
}

static void send_one(struct packet_port *port, const struct packet *data, const struct sockaddr *to,
                     socklen_t to_len)
{
	ssize_t r = sendto(port->fd, data->p, data->len, MSG_DONTWAIT, to, to_len);
	port->all->stats.calls++;
	port->all->stats.sent += r >= 0;
	port->all->stats.failed += r < 0; /* this one is lost, as datagrams may be */
}

/* A device that cannot cut it, or a path with a smaller packet size: one by one. */
static void send_singly(struct packet_port *port, const struct msghdr *h)
{
	for (size_t i = 0; i < h->msg_iovlen; i++)
		send_one(port, &(struct packet){ h->msg_iov[i].iov_base, h->msg_iov[i].iov_len },
		         h->msg_name, h->msg_namelen);
}

static void send_messages(struct packet_port *port, struct mmsghdr *hdr, unsigned n)
{
	struct packet_stats *s = &port->all->stats;
	for (unsigned i = 0; i < n;) {
		int sent = sendmmsg(port->fd, hdr + i, n - i, MSG_DONTWAIT);
		s->calls++;
		for (int k = 0; k < sent; k++)
			s->sent += hdr[i + (unsigned)k].msg_hdr.msg_iovlen;
		if (sent > 0) {
			i += (unsigned)sent;
			continue;
		}
		if (hdr[i].msg_hdr.msg_iovlen > 1)
			send_singly(port, &hdr[i].msg_hdr);
		else
			s->failed++;
		i++;
	}
}

static void send_batch(struct packet_port *port)
{
	RAW_MEMORY struct mmsghdr hdr[OUT_MAX];
	RAW_MEMORY struct iovec iov[OUT_MAX];
	RAW_MEMORY union control control[OUT_MAX];
	unsigned n = 0, n_iov = 0;
	for (uint8_t at = port->first; at; n++)
		n_iov += gather(port->all, &at,
		                (struct message){ &hdr[n], &iov[n_iov], control[n].bytes });
	send_messages(port, hdr, n);
}

static void flush(struct packets *ps)
{
	while (ps->touched) {
		struct packet_port *port = ps->touched;
		struct out *first = &ps->out[port->first - 1];
		ps->touched = port->next;
		if (port->first != port->last)
			send_batch(port);
		else
			send_one(port, &first->data, &first->to.sa, addr_len(&first->to));
		port->first = port->last = 0;
	}
	ps->n_in = ps->n_out = 0;
}

void packet_forward(struct packet_port *out, const struct addr *to, struct packet data)
{
	struct packets *ps = out->all;
	assert(ps->receiving && ps->n_out < OUT_MAX);
	if (out->closed)
		return;
	unsigned at = ++ps->n_out;
	ps->out[at - 1] = (struct out){ .to = *to, .data = data };
	if (out->last) {
		ps->out[out->last - 1].next = (uint8_t)at;
	} else {
		out->first = (uint8_t)at;
		out->next = ps->touched;
		ps->touched = out;
	}
	out->last = (uint8_t)at;
}

int packet_send(struct packet_port *out, const struct addr *to, struct str data)
{
	ssize_t r = sendto(out->fd, data.p, data.len, MSG_DONTWAIT, &to->sa, addr_len(to));
	out->all->stats.sent += r >= 0;
	out->all->stats.failed += r < 0;
	return r < 0 ? -errno : 0;
}

static void set_discovery(const struct packet_port *port, bool whole)
{
	bool v6 = port->local.sa.sa_family == AF_INET6;
	int how = v6 ? (whole ? IPV6_PMTUDISC_DO : IPV6_PMTUDISC_DONT)
	             : (whole ? IP_PMTUDISC_DO : IP_PMTUDISC_DONT);
	(void)setsockopt(port->fd, v6 ? IPPROTO_IPV6 : IPPROTO_IP,
	                 v6 ? IPV6_MTU_DISCOVER : IP_MTU_DISCOVER, &how, sizeof(how));
}

void packet_port_let_fragment(struct packet_port *port)
{
	set_discovery(port, false);
}

int packet_send_whole(struct packet_port *out, const struct addr *to, struct str data)
{
	set_discovery(out, true);
	int r = packet_send(out, to, data);
	set_discovery(out, false);
	return r;
}

/* --- in -------------------------------------------------------------------------------- */

static void deliver(struct packet_port *port, unsigned first, unsigned n)
{
	struct packets *ps = port->all;
	ps->receiving = true;
	for (unsigned i = first; i < first + n && !port->closed; i++) {
		struct addr from;
		const struct msghdr *h = &ps->in[i].msg_hdr;
		if (addr_from_sockaddr(&from, h->msg_name, h->msg_namelen) < 0)
			continue;
		ps->stats.received++;
		port->fn(port->arg, port, &from,
		         (struct packet){ ps->cells[i].data, ps->in[i].msg_len });
	}
	ps->receiving = false;
}

static void free_port(uv_handle_t *h)
{
	free(h->data);
}

static void close_port(struct packet_port *port)
{
	(void)close(port->fd);
	uv_close((uv_handle_t *)&port->poll, free_port);
}

static void close_those(struct packets *ps)
{
	while (ps->closed) {
		struct packet_port *port = ps->closed;
		ps->closed = port->next_closed;
		close_port(port);
	}
}

void packet_port_free(struct packet_port **pp)
{
	struct packet_port *port = take(pp);
	if (!port)
		return;
	(void)uv_poll_stop(&port->poll);
	if (!port->all->receiving && !port->first) {
		close_port(port);
		return;
	}
	port->closed = true;
	port->next_closed = port->all->closed;
	port->all->closed = port;
}

const struct addr *packet_port_local(const struct packet_port *port)
{
	return &port->local;
}

static void on_turn_end(void *arg)
{
	struct packets *ps = arg;
	flush(ps);
	close_those(ps);
}

/* How many to ask for.  Voice has one at a time, and asking for more is a look at an empty queue
 * for each of its packets. */
static unsigned wanted(struct packet_port *port)
{
	struct packets *ps = port->all;
	if (port->singles >= SINGLE_AFTER)
		return 1;
	if (ps->n_in > PACKET_BATCH / 2)
		flush(ps); /* so that bursts stay together */
	return PACKET_BATCH - ps->n_in;
}

static void note_received(struct packet_port *port, unsigned n)
{
	if (n > 1)
		port->singles = 0;
	else if (++port->singles == SINGLE_UNTIL)
		port->singles = SINGLE_AFTER - 1;
}

/* Into the free cells; how many. */
static unsigned receive(struct packet_port *port, unsigned want)
{
	struct packets *ps = port->all;
	struct mmsghdr *in = &ps->in[ps->n_in];
	for (unsigned i = 0; i < want; i++)
		in[i].msg_hdr.msg_namelen = sizeof(ps->from[0]);
	if (want > 1) {
		int n = recvmmsg(port->fd, in, want, MSG_DONTWAIT, NULL);
		return n > 0 ? (unsigned)n : 0;
	}
	ssize_t len = recvfrom(port->fd, ps->cells[ps->n_in].data, PACKET_MAX, MSG_DONTWAIT,
	                       in->msg_hdr.msg_name, &in->msg_hdr.msg_namelen);
	in->msg_len = len > 0 ? (unsigned)len : 0;
	return len >= 0;
}

static void on_readable(uv_poll_t *h, int status UNUSED, int events UNUSED)
{
	struct packet_port *port = h->data;
	struct packets *ps = port->all;
	loop_note_wake(ps->loop);
	unsigned n = receive(port, wanted(port)), before = ps->n_out;
	note_received(port, n);
	deliver(port, ps->n_in, n);
	if (ps->n_out > before)
		ps->n_in += n;
	if (ps->n_in == PACKET_BATCH)
		flush(ps);
	if (ps->n_out || ps->closed)
		loop_defer(ps->loop, &ps->turn_end);
}

struct packet_port *packet_port_new(struct packets *ps, int fd, packet_fn *fn, void *arg)
{
	struct packet_port *port = xnew(struct packet_port);
	port->all = ps;
	port->fd = fd;
	port->fn = fn;
	port->arg = arg;
	port->local = loop_socket_addr(fd, false);
	int r = uv_poll_init(&ps->loop->uv, &port->poll, fd);
	assert(r == 0);
	port->poll.data = port;
	(void)uv_poll_start(&port->poll, UV_READABLE, on_readable);
	return port;
}
