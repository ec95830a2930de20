#include <errno.h>

#include "stack/turn/inside.h"

/* The way to the relay: datagrams, or a connection with frames of the dialect. */

enum {
	FRAME_MAX = STUN_READ_MAX + STUN_HEADER_LEN,
	READ_MAX = FRAME_MAX + STREAM_READ_TURN_MAX,
	WRITE_MAX = TURN_CLIENT_UNSENT_MAX + 2 * FRAME_MAX,
};

static void opened(struct turn_client *c)
{
	c->carrier = CARRIER_OPEN;
	timer_stop(&c->due);
	(void)client_feed(c, CLIENT_OPENED, NULL);
}

static void lost(struct turn_client *c, int err, const char *why)
{
	const struct outcome o = { .err = err, .why = why };
	(void)client_feed(c, CLIENT_LOST, &o);
}

/* --- datagrams ------------------------------------------------------------------------- */

static void on_datagram(void *arg, struct udp *u UNUSED, const struct addr *from, struct str data)
{
	struct turn_client *c = arg;
	if (c->state == CLIENT_OVER || !addr_eq(from, &c->cfg.server))
		c->stats.dropped++;
	else
		c->dialect->input(c, bytes_of(data));
}

void carrier_begin(void *arg)
{
	struct turn_client *c = arg;
	if (c->begin_err)
		lost(c, c->begin_err, c->begin_why);
	else
		opened(c);
}

static void fail_later(struct turn_client *c, int err, const char *why)
{
	c->begin_err = err;
	c->begin_why = why;
	loop_defer(c->loop, &c->begin);
}

static void open_udp(struct turn_client *c)
{
	struct addr local = c->cfg.local;
	int fd = local.sa.sa_family == AF_UNSPEC ? udp_source(&c->cfg.server, &local) : 0;
	if (fd == 0)
		fd = udp_bind(&local);
	if (fd < 0) {
		fail_later(c, fd, "no socket could be opened towards the relay");
		return;
	}
	c->udp = udp_new(c->loop, fd, on_datagram, c);
	loop_defer(c->loop, &c->begin);
}

/* --- connections ----------------------------------------------------------------------- */

/* -EBADMSG after a word that tells why. */
static ssize_t refuse(struct turn_client *c, const char *why)
{
	c->fault = why;
	return -EBADMSG;
}

/* The relay's part of the disguise: how many bytes it has, 0 if they are not all there. */
static ssize_t take_greeting(struct turn_client *c, struct bytes in)
{
	switch (turn_ms_hello_answer_match(in)) {
	case TURN_MORE:
		return 0;
	case TURN_YES:
		opened(c);
		return TURN_MS_HELLO_ANSWER_LEN;
	case TURN_NO:
		break;
	}
	return refuse(c, "what answers there has no pseudo-TLS");
}

/* "HTTP" begins as data of a channel does. */
static bool is_none_of_ours(const struct turn_client *c, struct bytes in)
{
	return !c->cfg.lync && c->last_number == 0 && turn_look(in) == TURN_CHANNEL_DATA;
}

static ssize_t take_frame(struct turn_client *c, struct bytes in)
{
	enum turn_framing framing = c->cfg.lync ? TURN_MS : TURN_STANDARD;
	ssize_t n = turn_frame(in, framing, FRAME_MAX);
	if (n < 0 || is_none_of_ours(c, in))
		return refuse(c, "what answers there does not speak TURN");
	if (n > 0)
		c->dialect->input(c, (struct bytes){ in.p, (size_t)n });
	return n;
}

static ssize_t on_data(void *arg, struct str in)
{
	struct turn_client *c = arg;
	struct bytes all = bytes_of(in);
	size_t used = 0;
	ssize_t n = 1;
	while (n > 0 && c->state != CLIENT_OVER) {
		struct bytes rest = { all.p + used, all.len - used };
		n = c->carrier == CARRIER_GREETING ? take_greeting(c, rest) : take_frame(c, rest);
		used += n > 0 ? (size_t)n : 0;
	}
	if (c->state == CLIENT_OVER)
		return -ECANCELED;
	return n < 0 ? n : (ssize_t)used;
}

static void on_opened(void *arg)
{
	struct turn_client *c = arg;
	if (c->cfg.way != TURN_BY_PSEUDO_TLS) {
		opened(c);
		return;
	}
	c->carrier = CARRIER_GREETING;
	timer_set(&c->due, loop_now(c->loop) + c->cfg.open_s * USEC_PER_SEC);
	stream_write(c->stream, str_n((const char *)turn_ms_hello, TURN_MS_HELLO_LEN));
}

static void on_closed(void *arg, int err, const char *why)
{
	struct turn_client *c = arg;
	lost(c, err ? err : -EPIPE, c->fault ? c->fault : why);
}

static const struct stream_ops stream_ops = {
	.opened = on_opened,
	.data = on_data,
	.closed = on_closed,
};

static struct stream_limits limits_of(const struct turn_client *c)
{
	return (struct stream_limits){ .read_max = READ_MAX,
		                       .write_max = WRITE_MAX,
		                       .open_max = c->cfg.open_s * USEC_PER_SEC };
}

void carrier_take(struct turn_client *c, int fd)
{
	struct stream_limits lim = limits_of(c);
	c->stream = stream_accept(c->loop, fd, NULL, &lim, &stream_ops, c);
	if (c->cfg.way == TURN_BY_PSEUDO_TLS)
		on_opened(c);
	else
		loop_defer(c->loop, &c->begin);
}

/* --- both ------------------------------------------------------------------------------ */

void carrier_open(struct turn_client *c)
{
	struct stream_limits lim = limits_of(c);
	if (c->begin_err)
		fail_later(c, c->begin_err, c->begin_why);
	else if (c->cfg.way == TURN_BY_UDP)
		open_udp(c);
	else
		c->stream = stream_connect(c->loop, &c->cfg.server, c->cfg.tls, c->cfg.server_name,
		                           &lim, &stream_ops, c);
}

void carrier_close(struct turn_client *c)
{
	defer_cancel(&c->begin);
	udp_free(&c->udp);
	stream_free(&c->stream);
}

int carrier_send(struct turn_client *c, struct str bytes)
{
	c->sent_at = loop_now(c->loop);
	if (c->udp)
		return udp_send(c->udp, &c->cfg.server, bytes);
	stream_write(c->stream, bytes);
	return 0;
}

/* A datagram that cannot be sent is one that is lost: it will be repeated. */
void carrier_message(struct turn_client *c, struct str message)
{
	uint8_t room[TURN_MS_FRAME_HEAD_LEN + MSTURN_BYTES_MAX];
	if (!c->stream || !c->cfg.lync) {
		(void)carrier_send(c, message);
		return;
	}
	memcpy(room + TURN_MS_FRAME_HEAD_LEN, message.p, message.len);
	struct bytes whole = turn_put_ms_frame(room + TURN_MS_FRAME_HEAD_LEN, message.len,
	                                       TURN_MS_FRAME_CONTROL);
	(void)carrier_send(c, str_from_bytes(whole));
}
