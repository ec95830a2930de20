#include <stdlib.h>

#include "role/web/visit.h"
#include "wire/http/cond.h"
#include "wire/http/target.h"

/* GET /files/ID/NAME: for who is in the chat that the file was sent into.  Whoever else asks is
 * told what he is told of one that never was. */

#define PATH "/files/"

enum {
	HEAD_TEXT_MAX = 2048,
	AGAIN_S = 2, /* after which to ask again, where nobody answers */
};

struct getting {
	struct web *web;
	struct http_exchange *x; /* NULL: its peer has gone */
	struct member_ask *asking;
	struct file_reader *reader;
	uint64_t account; /* who asks */
	char id[FILE_ID_LEN + 1];
	bool waits; /* for room */
};

static void getting_free(struct getting *g)
{
	wb_member_forget(&g->asking);
	file_reader_free(&g->reader);
	free(g);
}

static void on_gone(void *user)
{
	getting_free(user);
}

/* Ends it; what is left is the exchange, to be brought to its end. */
static struct http_exchange *let_go(struct getting *g)
{
	struct http_exchange *x = take(&g->x);
	http_set_user(x, NULL, NULL);
	getting_free(g);
	return x;
}

/* --- sending --------------------------------------------------------------------------------- */

static void on_read(void *arg, struct str piece)
{
	struct getting *g = arg;
	if (piece.len == 0) {
		http_abort(let_go(g)); /* its client must not take it for whole */
		return;
	}
	bool go = http_send(g->x, piece);
	if (file_reader_left(g->reader) == 0) {
		http_send_end(let_go(g));
	} else if (go) {
		file_reader_next(g->reader);
	} else {
		g->waits = true;
	}
}

static void on_room(void *user)
{
	struct getting *g = user;
	if (g->waits) {
		g->waits = false;
		file_reader_next(g->reader);
	}
}

/* --- the head -------------------------------------------------------------------------------- */

/* Pictures are shown in our pages; nothing else runs there, and nothing of it does anything. */
static const struct http_field fields[] = {
	{ STR_INIT("X-Content-Type-Options"), STR_INIT("nosniff") },
	{ STR_INIT("Content-Security-Policy"), STR_INIT("default-src 'none'; sandbox") },
	{ STR_INIT("Cross-Origin-Resource-Policy"), STR_INIT("same-origin") },
	{ STR_INIT("Referrer-Policy"), STR_INIT("no-referrer") },
	{ STR_INIT("Cache-Control"), STR_INIT("private, max-age=86400") },
	{ STR_INIT("Accept-Ranges"), STR_INIT("bytes") },
};

static struct buf *begin(struct http_exchange *x, unsigned status, const char *id)
{
	char text[FILE_ID_LEN + 8];
	struct buf etag = BUF_ON(text), *head = http_begin(x, status);
	buf_printf(&etag, "\"%s\"", id);
	http_put_field(head, STR("ETag"), buf_view(&etag));
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
		http_put_field(head, fields[i].name, fields[i].value);
	return head;
}

static void put_disposition(struct buf *head, const struct http_msg *m, const struct file *f)
{
	char text[HEAD_TEXT_MAX];
	struct buf b = BUF_ON(text);
	struct str value;
	bool save = m->query.p && http_query_param(m->query, STR("save"), &value);
	buf_str(&b, file_is_picture(f->type) && !save ? STR("inline") : STR("attachment"));
	buf_lit(&b, "; filename*=UTF-8''");
	http_escape(&b, f->name);
	http_put_field(head, STR("Content-Disposition"), buf_view(&b));
}

static void not_there(struct getting *g)
{
	http_refuse(let_go(g), 404,
	            "There is no such file for you: it is not kept any more, or was sent "
	            "into a chat that you are not in.");
}

static void too_many(struct getting *g)
{
	http_refuse(let_go(g), 429,
	            "Too many files are being fetched at the same time; try again when some of "
	            "them are there.");
}

/* Without content: 304, 416, the head alone. */
static void answer_short(struct getting *g)
{
	http_finish(let_go(g), STR(""));
}

static void send_part(struct getting *g, const struct file *f, enum http_range r, uint64_t from,
                      uint64_t n)
{
	const struct http_msg *m = http_request(g->x);
	bool head_only = m->method == HTTP_HEAD;
	if (!head_only && n > 0) {
		g->reader = file_reader_new(g->web->kept, g->account, f->id, from, n, on_read, g);
		if (!g->reader) {
			not_there(g);
			return;
		}
	}
	struct buf *head = begin(g->x, r == HTTP_RANGE_PART ? 206 : 200, g->id);
	http_put_field(head, STR("Content-Type"), f->type);
	put_disposition(head, m, f);
	if (r == HTTP_RANGE_PART)
		http_put_content_range(head, from, n, f->size);
	if (!g->reader && !head_only) {
		answer_short(g);
		return;
	}
	http_stream(g->x, n, on_room);
	if (g->reader) {
		file_reader_next(g->reader);
	} else {
		http_send_end(let_go(g));
	}
}

static void send_file(struct getting *g)
{
	const struct http_msg *m = http_request(g->x);
	char text[FILE_ID_LEN + 8];
	struct buf etag = BUF_ON(text);
	uint64_t from = 0, n = 0;
	struct file f;
	if (!files_find(g->web->kept, str_of(g->id), &f)) {
		not_there(g);
		return;
	}
	buf_printf(&etag, "\"%s\"", g->id);
	if (http_etag_in(m, HTTP_H_IF_NONE_MATCH, buf_view(&etag), false)) {
		(void)begin(g->x, 304, g->id);
		answer_short(g);
		return;
	}
	enum http_range r = http_range_holds(m, buf_view(&etag))
	                            ? http_range_of(m, f.size, &from, &n)
	                            : HTTP_RANGE_NONE;
	if (r == HTTP_RANGE_OUT) {
		http_put_content_range(begin(g->x, 416, g->id), 0, 0, f.size);
		answer_short(g);
		return;
	}
	if (files_may_read(g->web->kept, g->account))
		send_part(g, &f, r, from, r == HTTP_RANGE_PART ? n : f.size);
	else
		too_many(g);
}

/* --- who may --------------------------------------------------------------------------------- */

static void not_known(struct getting *g)
{
	struct http_exchange *x = let_go(g);
	struct buf *head = http_begin(x, 503);
	http_put_field(head, STR("Content-Type"), STR("text/plain; charset=utf-8"));
	http_put_field(head, STR("Cache-Control"), STR("no-store"));
	http_put_number(head, STR("Retry-After"), AGAIN_S);
	http_finish(x, STR("The server cannot find out at the moment who is in this group; try "
	                   "again in a moment.\n"));
}

static void on_member(void *arg, enum wb_member is)
{
	struct getting *g = arg;
	g->asking = NULL;
	if (is == WB_MEMBER)
		send_file(g);
	else if (is == WB_NO_MEMBER)
		not_there(g);
	else
		not_known(g);
}

static void take_id(struct getting *g, struct str path)
{
	struct str id, rest;
	(void)str_cut(str_sub(path, strlen(PATH), path.len), '/', &id, &rest);
	if (id.len == FILE_ID_LEN)
		memcpy(g->id, id.p, id.len);
}

/* The log-in is good. */
static void look(struct visit *v)
{
	struct getting *g = xnew(struct getting);
	struct web_login who = v->who;
	struct file f;
	g->web = v->web;
	g->x = take(&v->x);
	g->account = who.account;
	visit_free(v);
	http_set_user(g->x, g, on_gone);
	take_id(g, http_request(g->x)->path);
	if (!files_find(g->web->kept, str_of(g->id), &f))
		not_there(g);
	else if (f.account == who.account || str_ieq(f.chat, str_of(who.uri)))
		send_file(g);
	else if (web_is_conference(f.chat))
		g->asking = wb_member_ask(g->web, who.account, f.chat, on_member, g);
	else
		not_there(g);
	wipe(&who, sizeof(who));
}

bool wb_is_download(const struct http_msg *m)
{
	return str_starts(m->path, STR(PATH));
}

void wb_download(struct web *w, struct http_exchange *x)
{
	const struct http_msg *m = http_request(x);
	if (m->method != HTTP_GET && m->method != HTTP_HEAD)
		http_refuse(x, 405, "Another method is needed here.");
	else
		visit_signed_in(w, x, look);
}
