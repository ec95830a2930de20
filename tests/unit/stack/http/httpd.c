/* httpd: a small server on stack/http, for strangers' clients and for the bench.
 *
 * usage: httpd IP:PORT [CERT KEY] [FOLDER]
 *
 * Prints "ready IP:PORT".  GET /hello (100 bytes of JSON), POST /echo (up to 8 MB), PUT /count (the
 * number of bytes that came), GET /zeros?N (N bytes in chunks), GET /stats, and at /ws a WebSocket
 * that says everything back; everything else from the folder.  With a certificate it speaks HTTP/2
 * too. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "stack/http/files.h"
#include "stack/ws/ws.h"

enum { ECHO_MAX = 8 * 1024 * 1024, PEM_MAX = 64 * 1024, BACKLOG = 1024 };

static const char hello[] =
        "{\"who\":\"dialtone\",\"what\":\"an answer of one hundred bytes to one "
        "small request of usual kind\",\"n\":1}\n";

/* A body that is counted, or zeros that are sent. */
struct task {
	struct http_exchange *x;
	uint64_t n;
};

static void task_gone(void *user)
{
	free(user);
}

static struct task *task_new(struct http_exchange *x)
{
	struct task *j = xnew(struct task);
	j->x = x;
	http_set_user(x, j, task_gone);
	return j;
}

static void echo(void *user UNUSED, struct http_exchange *x, struct str body)
{
	http_answer(x, 200, http_value(http_request(x), HTTP_H_CONTENT_TYPE), body);
}

static void count(void *user, struct http_exchange *x, struct str piece)
{
	struct task *j = user;
	char text[32];
	struct buf b = BUF_ON(text);
	j->n += piece.len;
	if (piece.len > 0)
		return;
	buf_dec(&b, j->n);
	free(j);
	http_answer(x, 200, STR("text/plain"), buf_view(&b));
}

static void send_zeros(void *user)
{
	static const char zeros[16384];
	struct task *j = user;
	bool go = true;
	while (go && j->n > 0) {
		size_t n = MIN(j->n, sizeof(zeros));
		j->n -= n;
		go = http_send(j->x, str_n(zeros, n));
	}
	if (!go)
		return;
	struct http_exchange *x = j->x;
	free(j);
	http_send_end(x);
}

static void zeros(struct http_exchange *x)
{
	uint64_t n = 0;
	if (str_to_u64(http_request(x)->query, INT64_MAX, &n) < 0) {
		http_refuse(x, 400, "The query is a number of bytes.");
		return;
	}
	struct task *j = task_new(x);
	j->n = n;
	(void)http_begin(x, 200);
	http_stream(x, HTTP_LEN_UNKNOWN, send_zeros);
	send_zeros(j);
}

static void stats(struct http_server *s, struct http_exchange *x)
{
	const struct http_server_stats *st = http_server_stats(s);
	char text[200];
	struct buf b = BUF_ON(text);
	buf_printf(&b, "opened %llu\nrequests %llu\nbroken %llu\naborted %llu\nh2 %llu\n",
	           (unsigned long long)st->opened, (unsigned long long)st->requests,
	           (unsigned long long)st->broken, (unsigned long long)st->aborted,
	           (unsigned long long)st->h2_conns);
	http_answer(x, 200, STR("text/plain"), buf_view(&b));
}

/* WebSocket. */

struct talk {
	struct ws *ws;
	struct list node;
};

static void on_message(void *arg, bool text, struct str message)
{
	struct talk *t = arg;
	(void)ws_send(t->ws, text, message);
}

static void on_closed(void *arg, unsigned code UNUSED, struct str why UNUSED)
{
	struct talk *t = arg;
	ws_free(&t->ws);
	list_del(&t->node);
	free(t);
}

struct site {
	struct http_server *http;
	struct ws_host *ws;
	struct list talks;
	struct http_files *files; /* or NULL */
};

static void talk(struct site *s, struct http_exchange *x)
{
	static const struct ws_ops ops = { .message = on_message, .closed = on_closed };
	struct talk *t = xnew(struct talk);
	list_add(&s->talks, &t->node);
	t->ws = ws_accept(s->ws, x, &ops, t);
	if (!t->ws)
		on_closed(t, 0, STR(""));
}

static void on_request(void *arg, struct http_exchange *x)
{
	struct site *s = arg;
	const struct http_msg *m = http_request(x);
	if (str_eq(m->path, STR("/hello")))
		http_answer(x, 200, STR("application/json"), str_n(hello, sizeof(hello) - 1));
	else if (str_eq(m->path, STR("/echo")))
		http_read_all(x, ECHO_MAX, echo);
	else if (str_eq(m->path, STR("/count")) && task_new(x))
		http_read(x, UINT64_MAX, count);
	else if (str_eq(m->path, STR("/zeros")))
		zeros(x);
	else if (str_eq(m->path, STR("/stats")))
		stats(s->http, x);
	else if (str_eq(m->path, STR("/ws")))
		talk(s, x);
	else if (!s->files || !http_files_answer(s->files, x, m->path))
		http_refuse(x, 404, "There are /hello, /echo, /count, /zeros, /stats and /ws.");
}

static struct str read_pem(struct buf *b, const char *path)
{
	FILE *f = fopen(path, "rb");
	char *to = buf_room(b, PEM_MAX);
	if (f && to)
		b->len = fread(to, 1, PEM_MAX, f);
	if (f)
		(void)fclose(f);
	return buf_view(b);
}

static struct tls_server *read_tls(const char *cert, const char *key)
{
	auto_(buf_free) struct buf c = buf_of(PEM_MAX), k = buf_of(PEM_MAX);
	const char *why = NULL;
	struct tls_cert pair = { read_pem(&c, cert), read_pem(&k, key) };
	static const struct str alpn[] = { STR_INIT("h2"), STR_INIT("http/1.1") };
	struct tls_server_config cfg = { .certs = &pair, .n_certs = 1, .alpn = alpn, .n_alpn = 2 };
	struct tls_server *t = tls_server_new(&cfg, &why);
	if (!t)
		(void)fprintf(stderr, "httpd: %s\n", why);
	return t;
}

static int open_listener(const char *where)
{
	struct addr at;
	int on = 1;
	if (addr_parse_port(&at, str_of(where)) < 0)
		return -EINVAL;
	int fd = socket(at.sa.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	socklen_t len = addr_len(&at);
	if (bind(fd, &at.sa, len) < 0 || listen(fd, BACKLOG) < 0 ||
	    getsockname(fd, &at.sa, &len) < 0)
		return -errno;
	char text[64];
	struct buf b = BUF_ON(text);
	addr_put(&b, &at);
	printf("ready %" STR_FMT "\n", STR_ARG(buf_view(&b)));
	(void)fflush(stdout);
	return fd;
}

static void on_signal(void *arg, int signo UNUSED)
{
	loop_stop(arg);
}

/* Argument n, if it is the last one, is the folder. */
static struct http_files *read_files(int argc, char **argv, int n)
{
	const char *why = NULL;
	if (argc <= n)
		return NULL;
	struct http_files_config cfg = { .folder = argv[n], .immutable = STR("/assets/") };
	struct http_files *f = http_files_load(&cfg, &why);
	if (!f)
		(void)fprintf(stderr, "httpd: %s: %s\n", argv[n], why);
	return f;
}

int main(int argc, char **argv)
{
	static const struct http_server_ops ops = { .request = on_request };
	struct http_server_config cfg = { .max_conns = 10000 };
	int fd = argc >= 2 && argc <= 5 ? open_listener(argv[1]) : -EINVAL;
	if (fd < 0 || (argc >= 4 && (cfg.tls = read_tls(argv[2], argv[3])) == NULL)) {
		(void)fprintf(stderr, "usage: httpd IP:PORT [CERT KEY] [FOLDER]\n");
		return 2;
	}
	static const struct ws_config ws_cfg = { .message_max = ECHO_MAX,
		                                 .unsent_max = 2 * ECHO_MAX };
	struct loop *l = loop_new();
	struct site s = { .ws = ws_host_new(l, &ws_cfg),
		          .files = read_files(argc, argv, argc >= 4 ? 4 : 2) };
	list_init(&s.talks);
	s.http = http_server_new(l, &cfg, &ops, &s);
	http_server_listen(s.http, fd, cfg.tls != NULL, NULL);
	loop_on_signal(l, SIGTERM, on_signal, l);
	loop_run(l);
	while (!list_empty(&s.talks))
		on_closed(list_entry(s.talks.next, struct talk, node), 0, STR(""));
	ws_host_free(&s.ws);
	http_server_free(&s.http);
	http_files_free(&s.files);
	tls_server_unref(&cfg.tls);
	loop_free(&l);
	return 0;
}
