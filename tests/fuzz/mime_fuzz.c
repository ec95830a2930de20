#include <assert.h>

#include "wire/mime/mime.h"

/* The first line is the Content-Type, the rest the body. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void inside(struct str all, struct str s)
{
	assert(s.len == 0 || (s.p >= all.p && s.p + s.len <= all.p + all.len));
}

static void copy_fields(struct buf *b, struct str head)
{
	struct str name, value, rest = head;
	while (mime_field_next(&rest, &name, &value) > 0) {
		inside(head, value);
		mime_put_field(b, name, value);
	}
}

/* Writes the parts again; what is read then has the same bodies, each with its line end. */
static void write_again(struct str type, struct str body, struct str boundary)
{
	struct mime in, out;
	struct mime_part p, q;
	auto_(buf_free) struct buf b = buf_of(body.len * 3 + 100000);
	assert(mime_open(&in, type, body) == 0);
	int r;
	while ((r = mime_next(&in, &p)) > 0) {
		inside(body, p.head);
		inside(body, p.body);
		mime_put_part(&b, boundary);
		copy_fields(&b, p.head);
		mime_put_content(&b, p.body);
	}
	mime_put_end(&b, boundary);
	assert(!b.full);
	if (r < 0)
		return;
	assert(mime_open(&in, type, body) == 0 && mime_open(&out, type, buf_view(&b)) == 0);
	while (mime_next(&in, &p) > 0) {
		assert(mime_next(&out, &q) == 1);
		bool ended = str_ends(p.body, STR("\r\n"));
		assert(q.body.len == p.body.len + (ended ? 0 : 2) && str_starts(q.body, p.body));
	}
	assert(mime_next(&out, &q) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str all = { (const char *)data, size }, type, body, boundary;
	struct mime m;
	struct mime_type t;
	struct mime_part p;
	(void)str_cut(all, '\n', &type, &body);
	if (mime_pick(type, body, STR("application/sdp"), 3, &p) == 0)
		inside(body, p.body);
	if (mime_open(&m, type, body) < 0)
		return 0;
	assert(mime_type_parse(&t, type) == 0 && mime_type_param(&t, STR("boundary"), &boundary));
	write_again(type, body, boundary);
	return 0;
}
