#include "stack/http/files.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "loop/ends.h"

/* A folder, a server of its table, and raw requests. */

struct world {
	struct loop *loop;
	struct http_server *server;
	struct http_files *files;
	struct addr at;
	struct end client;
	char folder[64];
	char etag[64];
};

enum { BIG = 1000000 };

static void put_file(const struct world *w, const char *path, const char *text, size_t len)
{
	char whole[200];
	(void)snprintf(whole, sizeof(whole), "%s/%s", w->folder, path);
	int fd = open(whole, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	OK(fd >= 0 && write(fd, text, len) == (ssize_t)len);
	(void)close(fd);
}

static void put_text(const struct world *w, const char *path, const char *text)
{
	put_file(w, path, text, strlen(text));
}

static void put_folder(const struct world *w, const char *path)
{
	char whole[200];
	(void)snprintf(whole, sizeof(whole), "%s/%s", w->folder, path);
	EQ(mkdir(whole, 0700), 0);
}

static void put_link(const struct world *w, const char *path, const char *to)
{
	char whole[200];
	(void)snprintf(whole, sizeof(whole), "%s/%s", w->folder, path);
	EQ(symlink(to, whole), 0);
}

static struct http_files *load(const struct world *w)
{
	static const struct http_field fields[] = { { STR_INIT("Content-Security-Policy"),
		                                      STR_INIT("default-src 'self'") } };
	struct http_files_config cfg = {
		.folder = w->folder, .immutable = STR("/assets/"), .fields = fields, .n_fields = 1
	};
	const char *why = NULL;
	struct http_files *f = http_files_load(&cfg, &why);
	if (!OK(f != NULL))
		(void)fprintf(stderr, "# %s\n", why);
	return f;
}

static void on_request(void *arg, struct http_exchange *x)
{
	struct world *w = arg;
	if (!http_files_answer(w->files, x, http_request(x)->path))
		http_refuse(x, 404, "There is no such page.");
}

static void fill(struct world *w)
{
	char *big = xcalloc(1, BIG);
	put_text(w, "index.html", "<p>hello");
	put_text(w, "plain.txt", "0123456789");
	put_text(w, ".hidden", "secret");
	put_text(w, "with blank.txt", "skipped");
	put_text(w, "lone.gz", "not of a file");
	put_folder(w, "assets");
	put_text(w, "assets/app-1a2b3c4d.js", "let a = 'a long script';");
	put_text(w, "assets/app-1a2b3c4d.js.gz", "GZIP");
	put_text(w, "assets/app-1a2b3c4d.js.br", "BR");
	put_folder(w, "docs");
	put_text(w, "docs/index.html", "<p>docs");
	put_file(w, "big.bin", big, BIG);
	put_text(w, "empty.css", "");
	put_link(w, "passwd", "/etc/passwd");
	put_link(w, "etc", "/etc");
	free(big);
}

static void start(struct world *w)
{
	static const struct http_server_ops ops = { .request = on_request };
	const struct http_server_config plain = { 0 };
	*w = (struct world){ .loop = loop_new() };
	(void)snprintf(w->folder, sizeof(w->folder), "/tmp/dialtone-files-XXXXXX");
	OK(mkdtemp(w->folder) != NULL);
	fill(w);
	w->files = load(w);
	w->server = http_server_new(w->loop, &plain, &ops, w);
	http_server_listen(w->server, door_socket(SOCK_STREAM, "127.0.0.1", &w->at), false, NULL);
	w->client = (struct end){ .got = buf_of(END_MAX) };
	w->client.s =
	        stream_connect(w->loop, &w->at, NULL, STR(""), &end_limits, &end_ops, &w->client);
	AWAIT(w->loop, w->client.n_opened == 1);
}

static void finish(struct world *w)
{
	char command[100];
	(void)snprintf(command, sizeof(command), "rm -rf '%s'", w->folder);
	EQ(system(command), 0); // NOLINT(cert-env33-c): a fixed command
	end_done(&w->client);
	http_server_free(&w->server);
	http_files_free(&w->files);
	loop_free(&w->loop);
}

static struct str head_of(const struct world *w)
{
	ssize_t at = str_find(buf_view(&w->client.got), STR("\r\n\r\n"));
	return str_sub(buf_view(&w->client.got), 0, at < 0 ? 0 : (size_t)at + 2);
}

/* A field of the answer; p NULL: it is not there. */
static struct str field(const struct world *w, const char *name)
{
	char line[64];
	(void)snprintf(line, sizeof(line), "\r\n%s: ", name);
	struct str head = head_of(w), value;
	ssize_t at = str_find(head, str_of(line));
	if (at < 0)
		return (struct str){ NULL, 0 };
	(void)str_cut(str_sub(head, (size_t)at + strlen(line), head.len), '\r', &value, &head);
	return value;
}

static struct str body_of(const struct world *w)
{
	return str_sub(buf_view(&w->client.got), head_of(w).len + 2, SIZE_MAX);
}

/* Asks, and waits for the answer; its status. */
static unsigned ask(struct world *w, const char *method, const char *path, const char *fields)
{
	char text[1000];
	uint32_t status = 0;
	uint64_t len = 0;
	(void)snprintf(text, sizeof(text), "%s %s HTTP/1.1\r\nHost: a\r\n%s\r\n", method, path,
	               fields);
	w->client.got.len = 0;
	stream_write(w->client.s, str_of(text));
	AWAIT(w->loop, head_of(w).len > 0);
	OK(str_to_u32(str_sub(head_of(w), 9, 3), 599, &status) == 0);
	if (strcmp(method, "HEAD") != 0 && status != 304) {
		EQ(str_to_u64(field(w, "Content-Length"), INT64_MAX, &len), 0);
		AWAIT(w->loop, body_of(w).len >= len);
		EQ(body_of(w).len, len);
	}
	return status;
}

static unsigned get(struct world *w, const char *path, const char *fields)
{
	return ask(w, "GET", path, fields);
}

static void keep_tag(struct world *w)
{
	struct str tag = field(w, "ETag");
	(void)snprintf(w->etag, sizeof(w->etag), "%" STR_FMT, STR_ARG(tag));
}

/* One field whose value holds the tag. */
static const char *with_tag(struct world *w, const char *before, const char *after)
{
	static char text[200];
	(void)snprintf(text, sizeof(text), "%s%s%s\r\n", before, w->etag, after);
	return text;
}

static void files_are_served_with_their_types(void)
{
	struct world w;
	start(&w);
	EQ(http_files_count(w.files), 7);
	EQ(get(&w, "/plain.txt", ""), 200);
	EQ_STR(body_of(&w), "0123456789");
	EQ_STR(field(&w, "Content-Type"), "text/plain; charset=utf-8");
	EQ_STR(field(&w, "X-Content-Type-Options"), "nosniff");
	EQ_STR(field(&w, "Cache-Control"), "no-cache");
	EQ_STR(field(&w, "Content-Security-Policy"), "default-src 'self'");
	OK(!field(&w, "Vary").p && !field(&w, "Content-Encoding").p);
	OK(field(&w, "ETag").len == 24 && field(&w, "ETag").p[0] == '"');
	EQ(get(&w, "/", ""), 200);
	EQ_STR(body_of(&w), "<p>hello");
	EQ_STR(field(&w, "Content-Type"), "text/html; charset=utf-8");
	EQ(get(&w, "/docs/", ""), 200);
	EQ_STR(body_of(&w), "<p>docs");
	EQ(get(&w, "/empty.css", ""), 200);
	EQ(get(&w, "/lone.gz", ""), 200);
	EQ_STR(field(&w, "Content-Type"), "application/octet-stream");
	EQ(get(&w, "/big.bin", ""), 200);
	EQ(body_of(&w).len, BIG);
	EQ(ask(&w, "HEAD", "/big.bin", ""), 200);
	EQ_STR(field(&w, "Content-Length"), "1000000");
	EQ(ask(&w, "POST", "/plain.txt", "Content-Length: 0\r\n"), 405);
	EQ_STR(field(&w, "Allow"), "GET, HEAD");
	finish(&w);
}

static void nothing_but_the_table_is_served(void)
{
	static const char *const paths[] = {
		"/none",
		"/.hidden",
		"/passwd",
		"/etc/passwd",
		"/etc/",
		"/docs",
		"/../etc/passwd",
		"/docs/../plain.txt",
		"/%70lain.txt",
		"/docs/%2e%2e/plain.txt",
		"//plain.txt",
		"/plain.txt/",
		"/assets/app-1a2b3c4d.js.gz",
		"/with%20blank.txt",
		"/PLAIN.TXT",
	};
	struct world w;
	start(&w);
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++)
		if (!EQ(get(&w, paths[i], ""), 404))
			(void)fprintf(stderr, "# %s\n", paths[i]);
	finish(&w);
}

static void the_coding_is_the_clients_choice(void)
{
	static const struct {
		const char *accept, *coding, *body;
	} rows[] = {
		{ "", NULL, "let a = 'a long script';" },
		{ "Accept-Encoding: gzip\r\n", "gzip", "GZIP" },
		{ "Accept-Encoding: gzip, deflate, br\r\n", "br", "BR" },
		{ "Accept-Encoding: br;q=0.5, gzip;q=0.9\r\n", "gzip", "GZIP" },
		{ "Accept-Encoding: br;q=0, gzip;q=0\r\n", NULL, "let a = 'a long script';" },
		{ "Accept-Encoding: identity, gzip;q=0.1\r\n", NULL, "let a = 'a long script';" },
		{ "Accept-Encoding: *\r\n", "br", "BR" },
	};
	struct world w;
	start(&w);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		EQ(get(&w, "/assets/app-1a2b3c4d.js", rows[i].accept), 200);
		EQ_STR(body_of(&w), rows[i].body);
		EQ_STR(field(&w, "Content-Encoding"), rows[i].coding ? rows[i].coding : "");
		EQ_STR(field(&w, "Vary"), "Accept-Encoding");
		EQ_STR(field(&w, "Content-Type"), "text/javascript; charset=utf-8");
		EQ_STR(field(&w, "Cache-Control"), "public, max-age=31536000, immutable");
		OK(i == 0 || strcmp(rows[i].body, rows[0].body) == 0 ||
		   !str_eq(field(&w, "ETag"), str_of(w.etag)));
		if (i == 0)
			keep_tag(&w);
	}
	finish(&w);
}

static void what_the_client_has_is_not_sent_again(void)
{
	struct world w;
	start(&w);
	(void)get(&w, "/plain.txt", "");
	keep_tag(&w);
	EQ(get(&w, "/plain.txt", with_tag(&w, "If-None-Match: \"x\", W/", "")), 304);
	EQ_STR(field(&w, "ETag"), w.etag);
	OK(!field(&w, "Content-Length").p && !field(&w, "Content-Type").p);
	EQ(get(&w, "/plain.txt", "If-None-Match: *\r\n"), 304);
	EQ(get(&w, "/plain.txt", "If-None-Match: \"x\"\r\n"), 200);
	EQ(get(&w, "/plain.txt", with_tag(&w, "If-Match: ", "")), 200);
	EQ(get(&w, "/plain.txt", with_tag(&w, "If-Match: W/", "")), 412);
	EQ(get(&w, "/plain.txt", "If-Match: \"x\"\r\n"), 412);
	finish(&w);
}

static void parts_are_sent(void)
{
	struct world w;
	start(&w);
	EQ(get(&w, "/plain.txt", "Range: bytes=2-4\r\n"), 206);
	EQ_STR(body_of(&w), "234");
	EQ_STR(field(&w, "Content-Range"), "bytes 2-4/10");
	keep_tag(&w);
	EQ(get(&w, "/plain.txt", "Range: bytes=-3\r\n"), 206);
	EQ_STR(body_of(&w), "789");
	EQ(get(&w, "/plain.txt", "Range: bytes=10-\r\n"), 416);
	EQ_STR(field(&w, "Content-Range"), "bytes */10");
	EQ(get(&w, "/plain.txt", "Range: bytes=0-1,3-4\r\n"), 200);
	EQ(ask(&w, "HEAD", "/plain.txt", "Range: bytes=2-4\r\n"), 200);
	EQ(get(&w, "/plain.txt", with_tag(&w, "Range: bytes=0-0\r\nIf-Range: ", "")), 206);
	EQ(get(&w, "/plain.txt", "Range: bytes=0-0\r\nIf-Range: \"x\"\r\n"), 200);
	EQ(get(&w, "/plain.txt", "Range: bytes=0-0\r\nIf-Range: Sun, 06 Nov 1994 08:49:37 GMT\r\n"),
	   200);
	EQ(get(&w, "/big.bin", "Range: bytes=100000-899999\r\n"), 206);
	EQ(body_of(&w).len, 800000);
	finish(&w);
}

static void a_reload_leaves_answers_under_way_alone(void)
{
	struct world w;
	start(&w);
	stream_write(w.client.s, STR("GET /big.bin HTTP/1.1\r\nHost: a\r\n\r\n"));
	AWAIT(w.loop, head_of(&w).len > 0);
	put_text(&w, "plain.txt", "new");
	struct http_files *old = w.files;
	w.files = load(&w);
	http_files_free(&old);
	AWAIT(w.loop, body_of(&w).len == BIG);
	EQ(get(&w, "/plain.txt", ""), 200);
	EQ_STR(body_of(&w), "new");
	finish(&w);
}

static void a_folder_that_is_not_there_is_told(void)
{
	struct http_files_config cfg = { .folder = "/nonexistent/folder" };
	const char *why = NULL;
	OK(http_files_load(&cfg, &why) == NULL);
	EQ_STR(str_of(why), "there is no such folder");
	cfg.folder = "/dev/null";
	OK(http_files_load(&cfg, &why) == NULL);
	EQ_STR(str_of(why), "the folder cannot be opened");
}

int main(void)
{
	RUN(files_are_served_with_their_types);
	RUN(nothing_but_the_table_is_served);
	RUN(the_coding_is_the_clients_choice);
	RUN(what_the_client_has_is_not_sent_again);
	RUN(parts_are_sent);
	RUN(a_reload_leaves_answers_under_way_alone);
	RUN(a_folder_that_is_not_there_is_told);
	return tap_done();
}
