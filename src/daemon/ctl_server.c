#include "daemon/ctl_server.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "loop/stream.h"

enum { TABLES_MAX = 4, ACCEPTS_PER_TURN = 8 };

struct ctl_server {
	struct loop *loop;
	struct listener *listener;
	struct ctl_table tables[TABLES_MAX];
	size_t n_tables;
	struct list conns;
	size_t n_conns;
	bool draining;
	uid_t owner;
};

/* A connection: one request at a time.  Lives until the tool has gone and the request under way has
 * been answered. */
struct conn {
	struct ctl_call call;
	struct list node;
	struct ctl_server *server; /* NULL: the server has gone */
	struct loop *loop;
	struct stream *stream; /* NULL: the tool has gone */
	cJSON *request;        /* of the call under way, or NULL */
	bool streaming;
	void (*on_close)(void *arg);
	void *on_close_arg;
	struct defer defer; /* frees, or reads what waited behind an answered request */
};

static void conn_free(struct conn *c)
{
	defer_cancel(&c->defer);
	if (c->server) {
		list_del(&c->node);
		c->server->n_conns--;
	}
	stream_free(&c->stream);
	cJSON_Delete(c->request);
	free(c);
}

static void later(void *arg)
{
	struct conn *c = arg;
	if (!c->stream)
		conn_free(c);
	else
		stream_pause(c->stream, false);
}

/* The request is answered; goes on with the next, or ends. */
static void finish(struct conn *c)
{
	cJSON_Delete(c->request);
	c->request = NULL;
	c->call.args = NULL;
	c->streaming = false;
	c->on_close = NULL;
	loop_defer(c->loop, &c->defer);
}

static struct conn *conn_of(struct ctl_call *call)
{
	return container_of(call, struct conn, call);
}

static void call_ok(struct ctl_call *call, struct str result_json)
{
	struct conn *c = conn_of(call);
	auto_(buf_free) struct buf b = buf_of(CTL_UNSENT_MAX);
	ctl_put_ok(&b, result_json);
	if (b.full) {
		b.len = 0;
		b.full = false;
		ctl_put_fail(&b, STR("the answer is too long; ask for less"));
	}
	if (c->stream)
		stream_write(c->stream, buf_view(&b));
	finish(c);
}

static void call_fail(struct ctl_call *call, const char *fmt, ...) PRINTF_LIKE(2, 3);
static void call_fail(struct ctl_call *call, const char *fmt, ...)
{
	struct conn *c = conn_of(call);
	auto_(buf_free) struct buf b = buf_of(CTL_LINE_MAX);
	char text[4096];
	va_list ap;
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	ctl_put_fail(&b, str_of(text));
	if (c->stream)
		stream_write(c->stream, buf_view(&b));
	finish(c);
}

static void call_event(struct ctl_call *call, struct str json)
{
	struct conn *c = conn_of(call);
	auto_(buf_free) struct buf b = buf_of(CTL_LINE_MAX);
	if (!c->stream)
		return;
	ctl_put_event(&b, json);
	stream_write(c->stream, buf_view(&b));
}

static void call_on_close(struct ctl_call *call, void (*fn)(void *arg), void *arg)
{
	struct conn *c = conn_of(call);
	c->on_close = fn;
	c->on_close_arg = arg;
}

static void answer_commands(struct conn *c)
{
	auto_(buf_free) struct buf b = buf_of(CTL_LINE_MAX), all = buf_of(CTL_LINE_MAX);
	buf_char(&all, '[');
	for (size_t i = 0; i < c->server->n_tables; i++) {
		if (!c->server->tables[i].commands)
			continue;
		b.len = 0;
		ctl_put_commands(&b, c->server->tables[i].commands);
		struct str rows = str_sub(buf_view(&b), 1, b.len - 2); /* without [ and ] */
		if (rows.len == 0)
			continue;
		if (all.len > 1)
			buf_char(&all, ',');
		buf_str(&all, rows);
	}
	buf_char(&all, ']');
	call_ok(&c->call, buf_view(&all));
}

static const struct ctl_command *find(const struct ctl_server *s, struct str cmd, void **ret_state)
{
	const struct ctl_command *row = NULL;
	for (size_t i = 0; i < s->n_tables && !row; i++) {
		row = s->tables[i].commands ? ctl_find(s->tables[i].commands, cmd) : NULL;
		*ret_state = s->tables[i].state;
	}
	return row;
}

static void dispatch(struct conn *c, struct str cmd, const cJSON *args)
{
	auto_(buf_free) struct buf why = buf_of(1024);
	void *state = NULL;
	if (c->server->draining) {
		call_fail(&c->call, "the process is stopping");
		return;
	}
	if (str_eq(cmd, STR("commands"))) {
		answer_commands(c);
		return;
	}
	const struct ctl_command *row = find(c->server, cmd, &state);
	if (!row) {
		call_fail(&c->call, "there is no command \"%" STR_FMT "\" here", STR_ARG(cmd));
		return;
	}
	if (ctl_check_args(row, args, &why) < 0) {
		call_fail(&c->call, "%" STR_FMT, STR_ARG(buf_view(&why)));
		return;
	}
	c->call.args = args;
	c->streaming = row->streams;
	row->fn(state, &c->call);
}

static void handle_line(struct conn *c, struct str line)
{
	struct str cmd;
	const cJSON *args;
	const char *why = "";
	if (ctl_parse_request(line, &c->request, &cmd, &args, &why) < 0) {
		c->request = NULL;
		call_fail(&c->call, "not a request: %s", why);
		return;
	}
	stream_pause(c->stream, true); /* until it is answered */
	dispatch(c, cmd, args);
}

static ssize_t on_data(void *arg, struct str in)
{
	struct conn *c = arg;
	ssize_t end = c->request ? -1 : str_chr(in, '\n');
	if (end < 0)
		return in.len >= CTL_LINE_MAX && !c->request ? -EMSGSIZE : 0;
	handle_line(c, str_sub(in, 0, (size_t)end));
	return end + 1;
}

static void on_closed(void *arg, int err UNUSED, const char *why UNUSED)
{
	struct conn *c = arg;
	bool over = !c->request || c->streaming;
	void (*fn)(void *arg) = c->on_close;
	stream_free(&c->stream);
	c->on_close = NULL;
	if (fn)
		fn(c->on_close_arg);
	if (over)
		loop_defer(c->loop, &c->defer);
}

static void on_opened(void *arg UNUSED)
{
}

static bool is_allowed(int fd, uid_t owner, uint32_t *ret_uid)
{
	struct ucred peer;
	socklen_t len = sizeof peer;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0)
		return false;
	*ret_uid = peer.uid;
	return peer.uid == 0 || peer.uid == owner;
}

static void on_accept(void *arg, struct listener *ls UNUSED, int fd, const struct addr *peer UNUSED)
{
	static const struct stream_ops ops = { .opened = on_opened,
		                               .data = on_data,
		                               .closed = on_closed };
	static const struct stream_limits limits = { .read_max = CTL_LINE_MAX,
		                                     .write_max = CTL_UNSENT_MAX,
		                                     .open_max = 5 * USEC_PER_SEC };
	struct ctl_server *s = arg;
	uint32_t uid = 0;
	if (s->n_conns >= CTL_CONNS_MAX || !is_allowed(fd, s->owner, &uid)) {
		log_warning(NULL, "control-refused", "uid=%u connections=%zu", uid, s->n_conns);
		(void)close(fd);
		return;
	}
	struct conn *c = xnew(struct conn);
	c->call = (struct ctl_call){ .uid = uid,
		                     .ok = call_ok,
		                     .fail = call_fail,
		                     .event = call_event,
		                     .on_close = call_on_close };
	c->server = s;
	c->loop = s->loop;
	defer_init(&c->defer, later, c);
	c->stream = stream_accept(s->loop, fd, NULL, &limits, &ops, c);
	list_add(&s->conns, &c->node);
	s->n_conns++;
}

/* Who made the socket: the account that started the server.  Not the one the role runs as, which
 * other programs of the machine may share. */
static uid_t owner_of(int fd)
{
	struct ucred maker;
	socklen_t len = sizeof maker;
	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &maker, &len) == 0 ? maker.uid : 0;
}

struct ctl_server *ctl_server_new(struct loop *l, int fd, const struct ctl_table *tables,
                                  size_t n_tables)
{
	struct ctl_server *s = xnew(struct ctl_server);
	s->loop = l;
	s->owner = owner_of(fd);
	s->n_tables = MIN(n_tables, (size_t)TABLES_MAX);
	memcpy(s->tables, tables, s->n_tables * sizeof *tables);
	list_init(&s->conns);
	s->listener = listener_new(l, fd, ACCEPTS_PER_TURN, on_accept, s);
	return s;
}

void ctl_server_free(struct ctl_server **sp)
{
	struct ctl_server *s = *sp;
	*sp = NULL;
	if (!s)
		return;
	listener_free(&s->listener);
	list_for(it, &s->conns)
	{
		struct conn *c = list_entry(it, struct conn, node);
		list_del(&c->node);
		c->server = NULL;
		stream_free(&c->stream);
		void (*fn)(void *arg) = c->on_close;
		c->on_close = NULL;
		if (fn)
			fn(c->on_close_arg);
		if (!c->request || c->streaming)
			conn_free(c);
	}
	free(s);
}

void ctl_server_drain(struct ctl_server *s)
{
	listener_free(&s->listener);
	s->draining = true;
}

size_t ctl_server_busy(const struct ctl_server *s)
{
	size_t n = 0;
	list_for(it, &s->conns)
	{
		const struct conn *c = list_entry(it, struct conn, node);
		n += (c->request && !c->streaming) || (c->stream && stream_unsent(c->stream) > 0);
	}
	return n;
}
