#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <nettle/sha2.h>

#include "base/code.h"
#include "stack/http/files_inside.h"

/* Reading the folder. */

enum { TAG_BYTES = 16 };

struct loading {
	struct http_files *files;
	const struct http_files_config *cfg;
	size_t bytes;
	const char *why; /* NULL: all is well */
};

static const struct {
	struct str ending, type;
} types[] = {
	{ STR_INIT(".html"), STR_INIT("text/html; charset=utf-8") },
	{ STR_INIT(".css"), STR_INIT("text/css; charset=utf-8") },
	{ STR_INIT(".js"), STR_INIT("text/javascript; charset=utf-8") },
	{ STR_INIT(".mjs"), STR_INIT("text/javascript; charset=utf-8") },
	{ STR_INIT(".json"), STR_INIT("application/json") },
	{ STR_INIT(".map"), STR_INIT("application/json") },
	{ STR_INIT(".webmanifest"), STR_INIT("application/manifest+json") },
	{ STR_INIT(".wasm"), STR_INIT("application/wasm") },
	{ STR_INIT(".svg"), STR_INIT("image/svg+xml") },
	{ STR_INIT(".png"), STR_INIT("image/png") },
	{ STR_INIT(".jpg"), STR_INIT("image/jpeg") },
	{ STR_INIT(".webp"), STR_INIT("image/webp") },
	{ STR_INIT(".ico"), STR_INIT("image/x-icon") },
	{ STR_INIT(".woff2"), STR_INIT("font/woff2") },
	{ STR_INIT(".mp3"), STR_INIT("audio/mpeg") },
	{ STR_INIT(".ogg"), STR_INIT("audio/ogg") },
	{ STR_INIT(".wav"), STR_INIT("audio/wav") },
	{ STR_INIT(".xml"), STR_INIT("application/xml") },
	{ STR_INIT(".txt"), STR_INIT("text/plain; charset=utf-8") },
};

static struct str type_of(struct str path)
{
	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if (str_ends(path, types[i].ending))
			return types[i].type;
	return STR("application/octet-stream");
}

/* Unreserved characters alone (RFC 3986), so that a path has one spelling. */
static bool is_name(struct str name)
{
	static const struct charset good = { CHARSET_DIGITS | CHARSET_ONE('.') | CHARSET_ONE('-'),
		                             CHARSET_LETTERS | CHARSET_ONE('_') };
	for (size_t i = 0; i < name.len; i++)
		if (!str_in(name.p[i], &good))
			return false;
	return name.len > 0 && name.p[0] != '.';
}

/* Sorted: what comes is inserted where it belongs. */
static struct http_file *add_file(struct loading *l, struct str path)
{
	struct http_files *f = l->files;
	if (f->n == HTTP_FILES_MAX) {
		l->why = "there are too many files";
		return NULL;
	}
	f->list = xrealloc(f->list, (f->n + 1) * sizeof(*f->list));
	size_t at = f->n++;
	for (; at > 0 && str_cmp(path, str_of(f->list[at - 1].path)) < 0; at--)
		f->list[at] = f->list[at - 1];
	f->list[at] = (struct http_file){ .path = str_dup(path) };
	return &f->list[at];
}

static char *read_whole(struct loading *l, int fd, size_t size)
{
	char *p = xmalloc(size + 1);
	size_t got = 0;
	ssize_t n;
	while (got < size && (n = read(fd, p + got, size - got)) > 0)
		got += (size_t)n;
	if (got == size)
		return p;
	free(p);
	l->why = "a file cannot be read";
	return NULL;
}

static void put_tag(struct http_variant *v)
{
	struct sha256_ctx ctx;
	uint8_t sum[SHA256_DIGEST_SIZE];
	struct buf b = BUF_ON(v->etag);
	sha256_init(&ctx);
	sha256_update(&ctx, v->content.len, (const uint8_t *)v->content.p);
	sha256_digest(&ctx, sizeof(sum), sum);
	buf_char(&b, '"');
	base64url_put(&b, sum, TAG_BYTES);
	buf_char(&b, '"');
	v->etag[b.len] = '\0';
}

static void load_file(struct loading *l, int fd, size_t size, struct str path)
{
	if (size > HTTP_FILE_MAX || l->bytes + size > HTTP_FILES_BYTES_MAX) {
		l->why = "a file is too large, or all together are";
		return;
	}
	char *p = read_whole(l, fd, size);
	struct http_file *file = p ? add_file(l, path) : NULL;
	if (!file) {
		free(p);
		return;
	}
	l->bytes += size;
	file->plain.content = str_n(p, size);
	put_tag(&file->plain);
}

static void load_folder(struct loading *l, int fd, struct str path, unsigned depth);

static void load_entry(struct loading *l, int dir, const char *name, struct str path,
                       unsigned depth)
{
	struct stat st;
	int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 && errno == ELOOP)
		return;
	if (fd < 0 || fstat(fd, &st) < 0) {
		l->why = "a file cannot be opened";
	} else if (S_ISDIR(st.st_mode)) {
		load_folder(l, fd, path, depth + 1); /* takes fd */
		return;
	} else if (S_ISREG(st.st_mode)) {
		load_file(l, fd, (size_t)st.st_size, path);
	}
	if (fd >= 0)
		(void)close(fd);
}

static void load_folder(struct loading *l, int fd, struct str path, unsigned depth)
{
	DIR *dir = depth < HTTP_FILES_DEPTH_MAX ? fdopendir(fd) : NULL;
	struct dirent *e;
	if (!dir) {
		l->why = "a folder cannot be read, or lies too deep";
		(void)close(fd);
		return;
	}
	while (!l->why && (e = readdir(dir)) != NULL) {
		char text[HTTP_FILES_NAME_MAX + 1];
		struct buf b = BUF_ON(text);
		if (!is_name(str_of(e->d_name)))
			continue;
		buf_str(&b, path);
		buf_char(&b, '/');
		buf_str(&b, str_of(e->d_name));
		if (b.full)
			l->why = "a path is too long";
		else
			load_entry(l, fd, e->d_name, buf_view(&b), depth);
	}
	(void)closedir(dir);
}

/* The coded siblings find their files, and are no files of their own any more. */
static void take_variants(struct http_files *f)
{
	size_t n = 0;
	for (size_t i = 0; i < f->n; i++) {
		struct str path = str_of(f->list[i].path);
		bool gz = str_ends(path, STR(".gz")), br = str_ends(path, STR(".br"));
		/* The plain file sorts before them. */
		struct http_file *of =
		        gz || br ? http_files_find(f, n, str_sub(path, 0, path.len - 3)) : NULL;
		if (of) {
			*(gz ? &of->gzip : &of->br) = f->list[i].plain;
			free(f->list[i].path);
		} else {
			f->list[n++] = f->list[i];
		}
	}
	f->n = n;
}

/* The fields that every answer with the file has, and those of its content. */
static void put_fields(const struct http_files_config *cfg, struct http_file *file)
{
	struct str path = str_of(file->path);
	bool keeps = cfg->immutable.len > 0 && str_starts(path, cfg->immutable);
	struct buf *b = &file->fields;
	*b = buf_of(HTTP_HEAD_MAX);
	http_put_field(b, STR("Cache-Control"),
	               keeps ? STR("public, max-age=31536000, immutable") : STR("no-cache"));
	if (file->gzip.content.p || file->br.content.p)
		http_put_field(b, STR("Vary"), STR("Accept-Encoding"));
	http_put_field(b, STR("X-Content-Type-Options"), STR("nosniff"));
	for (size_t i = 0; i < cfg->n_fields; i++)
		http_put_field(b, cfg->fields[i].name, cfg->fields[i].value);
	file->type = type_of(path);
}

static const char *why_closed(int err)
{
	return err == ENOENT   ? "there is no such folder"
	       : err == EACCES ? "this account may not open the folder"
	                       : "the folder cannot be opened";
}

struct http_files *http_files_load(const struct http_files_config *cfg, const char **ret_why)
{
	struct http_files *f = xnew(struct http_files);
	struct loading l = { .files = f, .cfg = cfg };
	f->refs = 1;
	int fd = open(cfg->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		l.why = why_closed(errno);
	else
		load_folder(&l, fd, STR(""), 0);
	if (l.why) {
		*ret_why = l.why;
		http_files_free(&f);
		return NULL;
	}
	take_variants(f);
	for (size_t i = 0; i < f->n; i++)
		put_fields(cfg, &f->list[i]);
	return f;
}
