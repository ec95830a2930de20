#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "loop/peek.h"
#include "loop/stream.h"
#include "role/edge_av/ea.h"

/* A client's connection: its first bytes say what it speaks, TLS or not, and in which framing; then
 * frame by frame into the engine.
 *
 *     PEEKING --TLS--> SECURING --\
 *         \--------------------- OPENING --> STANDARD or MS
 *
 * Until it has an allocation it waits in a list of its own, so that strangers take no room from
 * those who are known. */

struct conn {
	struct list node; /* in ea->waiting, or ea->conns */
	struct edge_av *ea;
	struct ea_face *face;
	struct addr peer;
	uint16_t host, site;   /* which of EA_HOSTS */
	struct peek *peek;     /* PEEKING */
	struct stream *stream; /* from then on */
	struct relay_stream *relay;
	enum turn_framing framing;
	struct stream *far; /* to another process of the edge, which is asked */
	bool allocated, foreign;
	bool served; /* it had an allocation once */
	/* Why it is not read: the engine has no room, or frames that were read wait. */
	bool paused, held;
	struct timer again; /* held: until they are looked at */
	struct timer idle;
};

static void conn_free(struct conn *c)
{
	struct edge_av *ea = c->ea;
	list_del(&c->node);
	timer_stop(&c->idle);
	timer_stop(&c->again);
	peek_free(&c->peek);
	relay_stream_free(&c->relay); /* before the stream: the end of its allocation is told */
	stream_free(&c->stream);
	stream_free(&c->far);
	ea->n_waiting -= !c->allocated;
	ea->n_conns--;
	free(c);
}

void ea_conn_free_all(struct edge_av *ea)
{
	struct list *lists[] = { &ea->waiting, &ea->conns };
	for (size_t i = 0; i < ARRAY_SIZE(lists); i++)
		list_for(it, lists[i]) conn_free(list_entry(it, struct conn, node));
}

static void log_end(struct conn *c, const char *why)
{
	struct edge_av *ea = c->ea;
	char text[64];
	struct buf peer = BUF_ON(text);
	addr_put(&peer, &c->peer);
	if (log_allow(&ea->conn_limit, loop_now(ea->env->loop), EA_LINES_PER_S))
		log_info(NULL, "connection-refused", "peer=%s why=%s", log_esc(buf_view(&peer)),
		         log_text(str_of(why)));
}

static void on_idle(void *arg)
{
	struct conn *c = arg;
	c->ea->conn_stats.silent++;
	conn_free(c);
}

/* With its allocation a connection may be silent as long as that lives. */
static void note_allocation(struct conn *c)
{
	struct edge_av *ea = c->ea;
	bool has = c->relay && relay_stream_has_allocation(c->relay);
	if (has == c->allocated)
		return;
	c->allocated = has;
	c->served |= has;
	list_del(&c->node);
	list_add(has ? &ea->conns : &ea->waiting, &c->node);
	ea->n_waiting = has ? ea->n_waiting - 1 : ea->n_waiting + 1;
	if (has)
		timer_stop(&c->idle);
	else
		timer_set(&c->idle, loop_now(ea->env->loop) + EA_IDLE_S * USEC_PER_SEC);
}

void ea_conn_ended(void *owner, enum relay_end why)
{
	if (owner && why != RELAY_GONE)
		note_allocation(owner);
}

const char *ea_conn_transport(void *owner)
{
	const struct conn *c = owner;
	return stream_is_tls(c->stream) ? "tls" : "tcp";
}

/* --- bytes ----------------------------------------------------------------------------------- */

static void begin(struct conn *c, enum turn_framing framing)
{
	c->framing = framing;
	c->relay = relay_stream_new(c->ea->relay, &c->face->face, &c->peer, framing, c);
}

/* How many bytes the opening takes; 0: more are needed; -EPROTO: it is nothing of ours. */
static ssize_t open_framing(struct conn *c, struct str in)
{
	enum turn_opening o = turn_opening(bytes_of(in));
	/* What is below TLS is the standard's alone. */
	if (stream_is_tls(c->stream) && o != TURN_OPENS_STANDARD && o != TURN_OPENS_MORE)
		return -EPROTO;
	switch (o) {
	case TURN_OPENS_MORE:
		return 0;
	case TURN_OPENS_STANDARD:
		begin(c, TURN_STANDARD);
		return 0;
	case TURN_OPENS_MS:
		begin(c, TURN_MS);
		return 0;
	case TURN_OPENS_MS_HELLO:
		stream_write(c->stream, str_n((const char *)turn_ms_hello_answer,
		                              sizeof(turn_ms_hello_answer)));
		begin(c, TURN_MS);
		return TURN_MS_HELLO_LEN;
	case TURN_OPENS_TLS:
	case TURN_OPENS_OTHER:
		break;
	}
	return -EPROTO;
}

static void read_on(struct conn *c)
{
	stream_pause(c->stream, c->paused || c->held || c->far);
}

static int work_of(const struct conn *c, struct bytes frame)
{
	bool is_packet = c->framing == TURN_MS ? frame.p[0] != TURN_MS_FRAME_CONTROL
	                                       : turn_look(frame) == TURN_CHANNEL_DATA;
	return is_packet ? 1 : EA_REQUEST_WORK;
}

/* Nothing more of it for that time; 0: in this turn. */
static void hold(struct conn *c, usec_t how_long)
{
	c->held = true;
	timer_set(&c->again, loop_now(c->ea->env->loop) + how_long);
}

static void on_again(void *arg)
{
	struct conn *c = arg;
	timer_stop(&c->again);
	stream_more(c->stream);
}

/* The frames that are whole, as long as there is room for what is in them; how many bytes they
 * have. */
static ssize_t take_frames(struct conn *c, struct str in)
{
	size_t at = 0;
	int left = EA_TURN_WORK;
	for (;;) {
		struct bytes rest = bytes_of(str_sub(in, at, in.len));
		ssize_t n = turn_frame(rest, c->framing, EA_FRAME_MAX);
		if (n < 0)
			return n;
		if (n == 0)
			return (ssize_t)at;
		if (c->paused)
			return (ssize_t)at;
		if (left <= 0) {
			hold(c, 0);
			return (ssize_t)at;
		}
		left -= work_of(c, (struct bytes){ rest.p, (size_t)n });
		if (!relay_frame(c->relay, (struct bytes){ rest.p, (size_t)n }))
			return -EPROTO;
		at += (size_t)n;
		if (relay_stream_joining(c->relay) != RELAY_NOT_JOINING)
			return (ssize_t)at;
		usec_t owed = relay_stream_rest(c->relay);
		if (owed > 0) {
			hold(c, owed);
			return (ssize_t)at;
		}
	}
}

/* What follows is a peer's. */
static void join(struct conn *c)
{
	relay_stream_join(&c->relay, take(&c->stream));
	conn_free(c);
}

static void go_on(struct conn *c, bool was_held)
{
	note_allocation(c);
	if (was_held != c->held)
		read_on(c);
}

static ssize_t on_data(void *arg, struct str in)
{
	struct conn *c = arg;
	ssize_t opening = 0, n;
	bool was_held = c->held;
	if (c->held && c->again.tick.deadline != USEC_INFINITY)
		return 0;
	c->held = false;
	if (!c->relay) {
		opening = open_framing(c, in);
		if (opening < 0)
			c->foreign = true;
		if (opening < 0 || !c->relay)
			return opening;
	}
	n = take_frames(c, str_sub(in, (size_t)opening, in.len));
	c->foreign = n < 0;
	if (n >= 0 && relay_stream_joining(c->relay) == RELAY_JOINING)
		join(c); /* there is no c any more */
	else
		go_on(c, was_held);
	return n < 0 ? n : opening + n;
}

static void on_opened(void *arg UNUSED)
{
}

static void on_closed(void *arg, int err, const char *why)
{
	struct conn *c = arg;
	c->ea->conn_stats.foreign += c->foreign;
	if (err < 0 && !c->served)
		log_end(c, c->foreign ? "it speaks neither TURN nor Lync's dialect of it" : why);
	conn_free(c);
}

static void on_room(void *arg)
{
	struct conn *c = arg;
	if (c->relay)
		relay_stream_room(c->relay);
}

static const struct stream_ops stream_ops = {
	.opened = on_opened, .data = on_data, .closed = on_closed, .room = on_room
};

void ea_conn_send(void *arg, void *owner, struct bytes frame, bool droppable)
{
	struct edge_av *ea = arg;
	struct conn *c = owner;
	if (droppable && stream_unsent(c->stream) > EA_UNSENT_MAX)
		ea->conn_stats.dropped++;
	else
		stream_write(c->stream, str_from_bytes(frame));
}

bool ea_conn_has_room(void *arg UNUSED, void *owner)
{
	struct conn *c = owner;
	if (stream_unsent(c->stream) < EA_ROOM)
		return true;
	stream_want_room(c->stream, EA_ROOM / 2);
	return false;
}

void ea_conn_pause(void *arg UNUSED, void *owner, bool paused)
{
	struct conn *c = owner;
	c->paused = paused;
	read_on(c);
	if (!paused)
		stream_more(c->stream);
}

void ea_conn_hang_up(void *arg UNUSED, void *owner)
{
	struct conn *c = owner;
	/* With what it still sends unread, the connection would be reset, and what was written to
	 * it might not arrive. */
	stream_close_late(c->stream, EA_LINGER_S * USEC_PER_SEC);
}

/* --- what another process has ---------------------------------------------------------------- */

static ssize_t on_answer(void *arg, struct str in)
{
	struct conn *c = arg;
	if (in.len == 0)
		return 0;
	relay_stream_passed(c->relay, true);
	ea_ferry(c->ea, take(&c->stream), take(&c->far));
	conn_free(c);
	return 1;
}

static void on_refused(void *arg, int err UNUSED, const char *why UNUSED)
{
	struct conn *c = arg;
	stream_free(&c->far);
	relay_stream_passed(c->relay, false);
	read_on(c);
	stream_more(c->stream);
}

static const struct stream_ops far_ops = { .opened = on_opened,
	                                   .data = on_answer,
	                                   .closed = on_refused };

bool ea_conn_pass(void *arg, void *owner, uint32_t slot, const struct relay_pass *what)
{
	struct edge_av *ea = arg;
	struct conn *c = owner;
	int fd = ea_pass(ea, slot, what);
	if (fd < 0)
		return false;
	c->far = stream_accept(ea->env->loop, fd, NULL, &ea_pass_limits, &far_ops, c);
	read_on(c);
	return true;
}

/* --- the begin ------------------------------------------------------------------------------- */

static void open_stream(struct conn *c, struct tls_server *tls)
{
	/* A frame of which the last byte is missing, and what is read behind that. */
	static const struct stream_limits limits = { .read_max = 2 * EA_FRAME_MAX,
		                                     .write_max = 2 * EA_UNSENT_MAX + EA_FRAME_MAX,
		                                     .open_max = EA_OPENING_S * USEC_PER_SEC,
		                                     .probe_after = 60 * USEC_PER_SEC };
	int fd = peek_take(&c->peek);
	c->stream = stream_accept(c->ea->env->loop, fd, tls, &limits, &stream_ops, c);
}

static void on_first(void *arg, struct peek *p UNUSED, struct bytes first, int err)
{
	struct conn *c = arg;
	struct edge_av *ea = c->ea;
	enum turn_opening o = err < 0 ? TURN_OPENS_OTHER : turn_opening(first);
	if (err < 0) {
		c->peek = NULL; /* it is freed behind this */
		ea->conn_stats.silent++;
		conn_free(c);
	} else if (o == TURN_OPENS_TLS && !ea->tls) {
		log_end(c, "it speaks TLS, and [role edge-av] has no certificate; `dialtone cert "
		           "issue` makes one");
		ea->conn_stats.refused++;
		conn_free(c);
	} else if (o == TURN_OPENS_OTHER) {
		log_end(c, "it speaks neither TLS nor TURN nor Lync's dialect of it");
		ea->conn_stats.foreign++;
		conn_free(c);
	} else if (o != TURN_OPENS_MORE) {
		open_stream(c, o == TURN_OPENS_TLS ? ea->tls : NULL);
	}
}

struct crowd {
	uint16_t of_site[EA_HOSTS], of_host[EA_HOSTS];
};

/* Of the site with most the host with most. */
static bool is_more(const struct crowd *n, const struct conn *c, const struct conn *than)
{
	if (n->of_site[c->site] != n->of_site[than->site])
		return n->of_site[c->site] > n->of_site[than->site];
	return n->of_host[c->host] > n->of_host[than->host];
}

/* The oldest of the host that has most of those who have nothing yet: whoever floods pushes itself
 * out. */
static struct conn *surplus(struct edge_av *ea)
{
	struct crowd n = { .of_site = { 0 } };
	struct conn *most = NULL;
	list_for(it, &ea->waiting)
	{
		const struct conn *c = list_entry(it, struct conn, node);
		n.of_site[c->site]++;
		n.of_host[c->host]++;
	}
	list_for(it, &ea->waiting)
	{
		struct conn *c = list_entry(it, struct conn, node);
		if (!most || is_more(&n, c, most))
			most = c;
	}
	return most;
}

/* Room for one more.  A connection with a peer takes two descriptors: its own, and that of the
 * client's which is bound to it. */
static bool make_room(struct edge_av *ea)
{
	uint32_t n = ea->n_conns + 2 * relay_stats(ea->relay)->tcp_conns;
	if (n >= ea->setup.s.connections_max && ea->n_waiting == 0)
		return false;
	if (ea->n_waiting < EA_WAITING_MAX && n < ea->setup.s.connections_max)
		return true;
	ea->conn_stats.silent++;
	conn_free(surplus(ea));
	return true;
}

/* By so many bytes of its address. */
static uint16_t share_of(const struct edge_av *ea, const struct addr *peer, size_t bytes)
{
	uint8_t host[18];
	size_t n = addr_pack(peer, host) - sizeof(in_port_t);
	return (uint16_t)(hash_bytes(&ea->host_key, host, MIN(n, bytes)) % EA_HOSTS);
}

void ea_conn_accept(void *arg, struct listener *ls UNUSED, int fd, const struct addr *peer)
{
	struct ea_face *f = arg;
	struct edge_av *ea = f->ea;
	if (!make_room(ea)) {
		ea->conn_stats.refused++;
		(void)close(fd);
		return;
	}
	struct conn *c = xnew(struct conn);
	c->ea = ea;
	c->face = f;
	c->peer = *peer;
	/* IPv6: its /64, for it changes the rest by itself, and its /48, which a site has. */
	c->host = share_of(ea, peer, 8);
	c->site = share_of(ea, peer, 6);
	timer_init(&c->idle, ea->env->loop, on_idle, c);
	timer_init(&c->again, ea->env->loop, on_again, c);
	timer_set(&c->idle, loop_now(ea->env->loop) + EA_IDLE_S * USEC_PER_SEC);
	list_add(&ea->waiting, &c->node);
	ea->n_waiting++;
	ea->n_conns++;
	ea->conn_stats.taken++;
	c->peek = peek_new(ea->env->loop, fd, EA_OPENING_S * USEC_PER_SEC, on_first, c);
}

void ea_conn_by_door(void *arg, const struct topo_listen *at, int fd, const struct addr *peer)
{
	struct edge_av *ea = arg;
	for (size_t i = 0; i < ea->n_faces; i++) {
		struct ea_face *f = &ea->faces[i];
		if (!f->face.udp && addr_eq(&f->face.local, &at->addr)) {
			ea_conn_accept(f, NULL, fd, peer);
			return;
		}
	}
	(void)close(fd);
}
