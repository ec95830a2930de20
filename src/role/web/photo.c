#include <errno.h>
#include <stdlib.h>

#include "base/code.h"
#include "role/web/wb.h"
#include "wire/http/cond.h"
#include "wire/picture/picture.h"

/* GET /photos/NAME: the picture of a user (docs/protocols/web-api.md, "Photos").  The name is what
 * lets somebody see it: 128 random bits, another one for each picture, that are told to who may see
 * the user's contact card.  Lync clients fetch it by that alone; they have no cookie.
 *
 * Nothing is decoded here: accounts has looked at its head, and kept it as it came. */

struct showing {
	struct web *web;
	struct http_exchange *x; /* NULL: its peer has gone */
	struct accounts_req *asking;
	char name[ACCT_PHOTO_NAME_LEN + 1];
};

static void showing_free(struct showing *s)
{
	accounts_req_free(&s->asking);
	s->web->n_photos--;
	free(s);
}

static void on_gone(void *user)
{
	showing_free(user);
}

static struct http_exchange *let_go(struct showing *s)
{
	struct http_exchange *x = take(&s->x);
	http_set_user(x, NULL, NULL);
	showing_free(s);
	return x;
}

/* A picture is shown, and whatever else it may be besides does nothing. */
static const struct http_field fields[] = {
	{ STR_INIT("X-Content-Type-Options"), STR_INIT("nosniff") },
	{ STR_INIT("Content-Security-Policy"), STR_INIT("default-src 'none'; sandbox") },
	{ STR_INIT("Cross-Origin-Resource-Policy"), STR_INIT("same-origin") },
	{ STR_INIT("Referrer-Policy"), STR_INIT("no-referrer") },
	{ STR_INIT("Cache-Control"), STR_INIT("private, max-age=31536000, immutable") },
};

static struct buf *begin(struct http_exchange *x, unsigned status, struct str name)
{
	char text[ACCT_PHOTO_NAME_LEN + 8];
	struct buf etag = BUF_ON(text), *head = http_begin(x, status);
	buf_printf(&etag, "\"%" STR_FMT "\"", STR_ARG(name));
	http_put_field(head, STR("ETag"), buf_view(&etag));
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
		http_put_field(head, fields[i].name, fields[i].value);
	return head;
}

static void on_photo(void *arg, int err, struct bytes bytes)
{
	struct showing *s = arg;
	struct str name = str_of(s->name);
	struct picture p;
	s->asking = NULL;
	if (err == 0 && picture_read(&p, bytes) == 0) {
		struct buf *head = begin(s->x, 200, name);
		http_put_field(head, STR("Content-Type"), picture_type(p.kind));
		http_finish(let_go(s), str_from_bytes(bytes));
	} else if (err == 0 || err == -ENOENT) {
		http_refuse(let_go(s), 404, "There is no such photo, or there is a newer one.");
	} else {
		http_refuse(let_go(s), 503, "The server cannot look photos up at the moment.");
	}
}

bool wb_is_photo_name(struct str name)
{
	uint8_t raw[ACCT_PHOTO_NAME_LEN / 2];
	return name.len == ACCT_PHOTO_NAME_LEN && hex_get(name, raw, sizeof(raw)) == 0;
}

bool wb_is_photo(const struct http_msg *m)
{
	return str_starts(m->path, STR(WEB_PHOTOS));
}

/* Who has a picture of that name has it for ever. */
static bool has_it(const struct http_msg *m, struct str name)
{
	char text[ACCT_PHOTO_NAME_LEN + 8];
	struct buf etag = BUF_ON(text);
	buf_printf(&etag, "\"%" STR_FMT "\"", STR_ARG(name));
	return http_etag_in(m, HTTP_H_IF_NONE_MATCH, buf_view(&etag), false);
}

static void ask(struct web *w, struct http_exchange *x, struct str name)
{
	struct showing *s = xnew(struct showing);
	s->web = w;
	s->x = x;
	memcpy(s->name, name.p, name.len);
	w->n_photos++;
	http_set_user(x, s, on_gone);
	s->asking = accounts_photo(w->accounts, name, on_photo, s);
}

void wb_photo(struct web *w, struct http_exchange *x)
{
	const struct http_msg *m = http_request(x);
	struct str name = str_sub(m->path, strlen(WEB_PHOTOS), m->path.len);
	if (m->method != HTTP_GET && m->method != HTTP_HEAD) {
		http_refuse(x, 405, "Another method is needed here.");
	} else if (!wb_is_photo_name(name)) {
		http_refuse(x, 404, "There is no such photo, or there is a newer one.");
	} else if (has_it(m, name)) {
		(void)begin(x, 304, name);
		http_finish(x, STR(""));
	} else if (w->n_photos >= WEB_PHOTOS_MAX) {
		http_refuse(x, 503, "Too many photos are being fetched; try again in a moment.");
	} else {
		ask(w, x, name);
	}
}
