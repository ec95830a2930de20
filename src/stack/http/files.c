#include "stack/http/files.h"

#include <stdlib.h>

#include "stack/http/files_inside.h"
#include "wire/http/cond.h"

/* Answers from the table. */

/* The table. */

struct http_file *http_files_find(const struct http_files *f, size_t n, struct str path)
{
	size_t low = 0, high = n;
	while (low < high) {
		size_t mid = (low + high) / 2;
		int r = str_cmp(path, str_of(f->list[mid].path));
		if (r == 0)
			return &f->list[mid];
		if (r < 0)
			high = mid;
		else
			low = mid + 1;
	}
	return NULL;
}

static void unref(struct http_files *f)
{
	if (--f->refs > 0)
		return;
	for (size_t i = 0; i < f->n; i++) {
		struct http_file *file = &f->list[i];
		free(file->path);
		free((char *)(uintptr_t)file->plain.content.p);
		free((char *)(uintptr_t)file->gzip.content.p);
		free((char *)(uintptr_t)file->br.content.p);
		buf_free(&file->fields);
	}
	free(f->list);
	free(f);
}

void http_files_free(struct http_files **fp)
{
	struct http_files *f = take(fp);
	if (f)
		unref(f);
}

size_t http_files_count(const struct http_files *f)
{
	return f->n;
}

/* Which content. */

struct choice {
	const struct http_variant *v;
	struct str coding; /* empty: none */
};

static struct choice choose(const struct http_file *file, const struct http_msg *m)
{
	struct choice c = { &file->plain, STR("") };
	if (!file->br.content.p && !file->gzip.content.p)
		return c;
	unsigned best = http_coding_weight(m, STR("identity"));
	unsigned gzip = file->gzip.content.p ? http_coding_weight(m, STR("gzip")) : 0;
	unsigned br = file->br.content.p ? http_coding_weight(m, STR("br")) : 0;
	/* What is welcome to the same degree is chosen by its size. */
	if (gzip > 0 && gzip >= best) {
		c = (struct choice){ &file->gzip, STR("gzip") };
		best = gzip;
	}
	if (br > 0 && br >= best)
		c = (struct choice){ &file->br, STR("br") };
	return c;
}

/* Sending. */

/* A content that is too large for one write. */
struct sending {
	struct http_files *files;
	struct http_exchange *x;
	struct str rest;
};

static void sending_free(void *user)
{
	struct sending *s = user;
	unref(s->files);
	free(s);
}

static void send_more(void *user)
{
	struct sending *s = user;
	bool go = true;
	while (go && s->rest.len > 0) {
		struct str piece = str_sub(s->rest, 0, HTTP_SEND_LOW);
		s->rest = str_sub(s->rest, piece.len, s->rest.len);
		go = http_send(s->x, piece);
	}
	if (!go)
		return;
	struct http_exchange *x = s->x;
	sending_free(s);
	http_send_end(x);
}

static void send_content(struct http_files *f, struct http_exchange *x, struct str content)
{
	/* Of the content of an answer to HEAD the length is all that is sent. */
	if (content.len <= HTTP_FILES_WHOLE_MAX || http_request(x)->method == HTTP_HEAD) {
		http_finish(x, content);
		return;
	}
	struct sending *s = xnew(struct sending);
	*s = (struct sending){ f, x, content };
	f->refs++;
	http_set_user(x, s, sending_free);
	http_stream(x, content.len, send_more);
	send_more(s);
}

/* The answer. */

static struct buf *begin(const struct http_file *file, struct choice c, struct http_exchange *x,
                         unsigned status)
{
	struct buf *b = http_begin(x, status);
	buf_str(b, buf_view(&file->fields));
	http_put_field(b, STR("ETag"), str_of(c.v->etag));
	return b;
}

static void answer_content(struct http_files *f, const struct http_file *file, struct choice c,
                           struct http_exchange *x)
{
	const struct http_msg *m = http_request(x);
	struct str content = c.v->content;
	uint64_t from = 0, n = 0;
	enum http_range r = http_range_holds(m, str_of(c.v->etag))
	                            ? http_range_of(m, content.len, &from, &n)
	                            : HTTP_RANGE_NONE;
	if (r == HTTP_RANGE_OUT) {
		http_put_content_range(begin(file, c, x, 416), 0, 0, content.len);
		http_finish(x, STR(""));
		return;
	}
	struct buf *b = begin(file, c, x, r == HTTP_RANGE_PART ? 206 : 200);
	http_put_field(b, STR("Content-Type"), file->type);
	http_put_field(b, STR("Accept-Ranges"), STR("bytes"));
	if (c.coding.len)
		http_put_field(b, STR("Content-Encoding"), c.coding);
	if (r == HTTP_RANGE_PART) {
		http_put_content_range(b, from, n, content.len);
		content = str_sub(content, from, n);
	}
	send_content(f, x, content);
}

/* In the order of RFC 9110 section 13.2.2. */
static void answer(struct http_files *f, const struct http_file *file, struct http_exchange *x)
{
	const struct http_msg *m = http_request(x);
	struct choice c = choose(file, m);
	struct str etag = str_of(c.v->etag);
	if (http_first(m, HTTP_H_IF_MATCH) && !http_etag_in(m, HTTP_H_IF_MATCH, etag, true)) {
		(void)begin(file, c, x, 412);
		http_finish(x, STR(""));
	} else if (http_etag_in(m, HTTP_H_IF_NONE_MATCH, etag, false)) {
		(void)begin(file, c, x, 304);
		http_finish(x, STR(""));
	} else {
		answer_content(f, file, c, x);
	}
}

static struct http_file *find(const struct http_files *f, struct str path)
{
	char text[HTTP_FILES_NAME_MAX + 1];
	struct buf b = BUF_ON(text);
	if (!str_ends(path, STR("/")))
		return http_files_find(f, f->n, path);
	buf_str(&b, path);
	buf_lit(&b, "index.html");
	return b.full ? NULL : http_files_find(f, f->n, buf_view(&b));
}

bool http_files_answer(struct http_files *f, struct http_exchange *x, struct str path)
{
	const struct http_msg *m = http_request(x);
	const struct http_file *file = find(f, path);
	if (!file)
		return false;
	if (m->method == HTTP_GET || m->method == HTTP_HEAD) {
		answer(f, file, x);
	} else {
		http_put_field(http_begin(x, 405), STR("Allow"), STR("GET, HEAD"));
		http_finish(x, STR(""));
	}
	return true;
}
