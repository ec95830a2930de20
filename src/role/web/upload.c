#include <stdlib.h>

#include "role/web/people.h"
#include "role/web/visit.h"
#include "wire/http/target.h"

/* POST /api/v1/files?chat=bob%40example.test&name=lunch.png: a file for a chat.  Its content is the
 * body; what is answered names it, for chat.send. */

enum { NAME_RAW_MAX = 1024 }; /* what browsers send is cut, not refused */

struct sending {
	struct web *web;
	struct http_exchange *x;
	struct upload *upload;
};

static void sending_free(struct sending *s)
{
	upload_free(&s->upload);
	free(s);
}

static void on_gone(void *user)
{
	sending_free(user);
}

/* clang-format off */
static const struct {
	unsigned http;
	const char *code, *text, *remedy;
} refusals[] = {
	[FILE_TOO_LARGE]   = { 413, "too_large",    "The file is too large.", "Send a smaller one, or in parts." },
	[FILE_USER_FULL]   = { 409, "full",         "You have sent as much as is kept for one person.", "Delete messages with files that nobody needs any more." },
	[FILE_NO_SPACE]    = { 507, "no_space",     "The server has no space left for files.", "Try again later; tell who runs the server." },
	[FILE_BUSY]        = { 429, "too_many",     "Too many files are being sent at the same time.", "Wait until the others are there." },
	[FILE_INFECTED]    = { 422, "infected",     "The virus scanner has something against this file.", "Do not send it; have your computer looked at." },
	[FILE_NOT_SCANNED] = { 503, "not_scanned",  "The virus scanner does not answer, and without it no file is taken.", "Try again later; tell who runs the server." },
	[FILE_FAILED]      = { 500, "failed",       "The server could not store the file.", "Try again; tell who runs the server." },
};
/* clang-format on */

static void refuse(struct http_exchange *x, enum file_error err)
{
	visit_error(x, refusals[err].http, refusals[err].code, refusals[err].text,
	            refusals[err].remedy);
}

/* --- the body -------------------------------------------------------------------------------- */

static void on_done(void *arg, enum file_error err, struct str id, struct str found UNUSED)
{
	struct sending *s = arg;
	struct http_exchange *x = take(&s->x);
	auto_(buf_free) struct buf b = buf_of(WEB_BODY_MAX);
	struct file f;
	http_set_user(x, NULL, NULL);
	if (err == FILE_OK && !files_find(s->web->kept, id, &f))
		err = FILE_FAILED;
	if (err) {
		refuse(x, err);
	} else {
		buf_lit(&b, "{\"file\":");
		wb_attach_put_file(&b, &f);
		buf_char(&b, '}');
		visit_json(x, buf_view(&b));
	}
	sending_free(s);
}

static void on_room(void *arg)
{
	struct sending *s = arg;
	if (s->x)
		http_pause(s->x, false);
}

static void on_piece(void *user, struct http_exchange *x, struct str piece)
{
	struct sending *s = user;
	if (piece.len > 0 && !upload_put(s->upload, piece))
		http_pause(x, true);
}

/* --- the head -------------------------------------------------------------------------------- */

static bool read_query(const struct http_msg *m, const char *name, struct buf *ret)
{
	struct str value;
	return m->query.p && http_query_param(m->query, str_of(name), &value) && value.p &&
	       http_query_decode(ret, value) == 0 && !ret->full && ret->len > 0;
}

struct texts {
	char chat[WEB_SIP_URI_MAX + 1], bare[WEB_SIP_URI_MAX + 1];
	char raw[NAME_RAW_MAX + 1], name[FILE_NAME_MAX + 1], host[HTTP_HOST_MAX + 32];
};

/* False: something is missing or wrong. */
static bool read_head(const struct visit *v, struct texts *t, struct file *ret)
{
	const struct http_msg *m = http_request(v->x);
	struct buf chat = BUF_ON(t->chat), raw = BUF_ON(t->raw), name = BUF_ON(t->name);
	struct buf host = BUF_ON(t->host);
	if (!read_query(m, "chat", &chat) || !read_query(m, "name", &raw) ||
	    str_to_u64(http_value(m, HTTP_H_CONTENT_LENGTH), INT64_MAX, &ret->size) < 0)
		return false;
	web_put_origin(&host, m);
	file_put_name(&name, buf_view(&raw));
	ret->account = v->who.account;
	ret->owner = str_of(v->who.uri);
	ret->chat = wb_people_bare(buf_view(&chat), t->bare);
	ret->name = buf_view(&name);
	/* By which the browser reaches us, and others will. */
	ret->host = str_sub(buf_view(&host), strlen("https://"), host.len);
	return ret->chat.len > 0;
}

/* The log-in is good. */
static void begin(struct visit *v)
{
	static const struct upload_ops ops = { .done = on_done, .room = on_room };
	struct texts t;
	struct file what = { .size = 0 };
	enum file_error err;
	if (!read_head(v, &t, &what)) {
		visit_refuse(v, 400, "bad_request",
		             "chat and name stand in the query, and Content-Length is the size.",
		             "");
		return;
	}
	struct sending *s = xnew(struct sending);
	s->web = v->web;
	s->upload = upload_new(v->web->kept, &what, &ops, s, &err);
	struct http_exchange *x = take(&v->x);
	http_set_user(x, NULL, NULL);
	visit_free(v);
	if (!s->upload) {
		free(s);
		refuse(x, err);
		return;
	}
	s->x = x;
	http_set_user(x, s, on_gone);
	http_read(x, what.size, on_piece);
}

void wb_upload(struct web *w, struct http_exchange *x)
{
	visit_signed_in(w, x, begin);
}
