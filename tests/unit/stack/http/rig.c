#include "rig.h"

static void on_gone(void *user)
{
	struct site *s = user;
	s->n_gone++;
	s->later = s->counting = s->sending = NULL;
}

static void echo(void *user UNUSED, struct http_exchange *x, struct str body)
{
	http_answer(x, 200, STR("text/plain"), body);
}

static void count(void *user, struct http_exchange *x, struct str piece)
{
	struct site *s = user;
	char text[32];
	struct buf b = BUF_ON(text);
	if (piece.len > 0) {
		s->n_pieces++;
		s->counted += piece.len;
		if (s->pause_first && s->n_pieces == 1)
			http_pause(x, true);
		return;
	}
	s->counting = NULL;
	buf_dec(&b, s->counted);
	http_answer(x, 200, STR(""), buf_view(&b));
}

static void send_more(void *user)
{
	static const char block[8192];
	struct site *s = user;
	bool go = true;
	while (s->amount > 0 && go) {
		size_t n = MIN(s->amount, sizeof(block));
		s->amount -= n;
		go = http_send(s->sending, str_n(block, n));
	}
	if (s->amount == 0 && go)
		http_send_end(take(&s->sending));
}

static void send_all(struct site *s, struct http_exchange *x, uint64_t len)
{
	s->sending = x;
	(void)http_begin(x, 200);
	http_stream(x, len, send_more);
	send_more(s);
}

static void tell_who(struct http_exchange *x)
{
	const struct tls_peer *p = http_tls_peer(x);
	struct str via = str_of(http_via(x));
	http_answer(x, 200, STR(""), p ? p->subject_cn : via);
}

static void break_off(struct http_exchange *x)
{
	(void)http_begin(x, 200);
	http_stream(x, 10, NULL);
	(void)http_send(x, STR("12345"));
	http_send_end(x);
}

static void talk(struct site *s, struct http_exchange *x)
{
	if (!http_request(x)->upgrade) {
		http_refuse(x, 426, "This is for those who can talk.");
		return;
	}
	http_put_field(http_begin(x, 101), STR("Upgrade"), STR("talk"));
	s->talk = (struct end){ .got = buf_of(END_MAX) };
	s->talk.s = http_hand_over(x, &end_ops, &s->talk);
}

static void on_request(void *arg, struct http_exchange *x)
{
	struct site *s = arg;
	struct str path = http_request(x)->path;
	http_set_user(x, s, on_gone);
	if (str_eq(path, STR("/hello"))) {
		http_answer(x, 200, STR("text/plain"), STR("hello"));
	} else if (str_eq(path, STR("/none"))) {
		http_answer(x, 204, STR(""), STR("never sent"));
	} else if (str_eq(path, STR("/echo"))) {
		http_read_all(x, 1000, echo);
	} else if (str_eq(path, STR("/count"))) {
		s->counting = x;
		http_read(x, 10000000, count);
	} else if (str_eq(path, STR("/ignore"))) {
		http_answer(x, 200, STR(""), STR("no"));
	} else if (str_eq(path, STR("/later"))) {
		s->later = x;
		s->n_later++;
	} else if (str_eq(path, STR("/long"))) {
		send_all(s, x, s->amount);
	} else if (str_eq(path, STR("/chunks"))) {
		send_all(s, x, HTTP_LEN_UNKNOWN);
	} else if (str_eq(path, STR("/talk"))) {
		talk(s, x);
	} else if (str_eq(path, STR("/who"))) {
		tell_who(x);
	} else if (str_eq(path, STR("/broken"))) {
		break_off(x);
	} else {
		http_refuse(x, 404, "There is no such thing.");
	}
}

static bool on_peer(void *arg, const struct tls_peer *peer, void *via UNUSED)
{
	struct site *s = arg;
	return !s->stranger && (!peer || tls_peer_is(peer, STR("friend.test")));
}

static bool on_host(void *arg UNUSED, struct str host)
{
	return !str_ieq(host, STR("elsewhere"));
}

static void on_done(void *arg, const struct http_done *d)
{
	struct site *s = arg;
	s->n_done++;
	s->last_status = d->status;
	s->last_why = d->why;
	s->last_whole = d->whole;
}

static void on_plain(void *arg UNUSED, struct http_exchange *x)
{
	http_refuse(x, 400, http_is_tls(x) ? "wrong" : "TLS is wanted");
}

static const struct http_server_ops site_ops = {
	.request = on_request,
	.plain = on_plain,
	.peer = on_peer,
	.host = on_host,
	.done = on_done,
};

void site_start(struct site *s, const struct http_server_config *cfg)
{
	*s = (struct site){ .loop = loop_new() };
	s->server = http_server_new(s->loop, cfg, &site_ops, s);
	http_server_listen(s->server, door_socket(SOCK_STREAM, "127.0.0.1", &s->at),
	                   cfg->tls != NULL, (void *)(uintptr_t) "listener");
}

void site_end(struct site *s)
{
	end_done(&s->client);
	end_done(&s->talk);
	http_server_free(&s->server);
	loop_free(&s->loop);
}

void site_connect_as(struct site *s, struct end *e)
{
	*e = (struct end){ .got = buf_of(END_MAX) };
	e->s = stream_connect(s->loop, &s->at, NULL, STR(""), &end_limits, &end_ops, e);
	AWAIT(s->loop, e->n_opened == 1);
}

void site_connect(struct site *s)
{
	end_done(&s->client);
	site_connect_as(s, &s->client);
}

void site_say(struct site *s, const char *text)
{
	stream_write(s->client.s, str_of(text));
}

/* Without its lines of Date. */
static void drop_dates(struct buf *b)
{
	ssize_t at;
	while ((at = str_find(buf_view(b), STR("Date: "))) >= 0) {
		size_t len = 6 + HTTP_DATE_LEN + 2, from = (size_t)at + len;
		memmove(b->p + at, b->p + from, b->len - from);
		b->len -= len;
	}
}

void site_heard(struct site *s, const char *want)
{
	size_t n = strlen(want);
	AWAIT(s->loop, (drop_dates(&s->client.got), s->client.got.len >= n));
	EQ_STR(buf_view(&s->client.got), want);
	s->client.got.len = 0;
}

void site_await(struct site *s, const char *needle)
{
	AWAIT(s->loop, str_find(buf_view(&s->client.got), str_of(needle)) >= 0);
}
