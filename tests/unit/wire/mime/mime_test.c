#include "wire/mime/mime.h"

#include <errno.h>

#include "sample.h"
#include "tap.h"

/* A sample is the value of Content-Type in its first line, then the body. */
static struct str body_of(struct buf *b, const char *name, struct str *type)
{
	struct str body;
	(void)str_cut(sample(b, name), '\n', type, &body);
	return body;
}

static void type_and_parameters_are_read(void)
{
	struct mime_type t;
	struct str v;
	EQ(mime_type_parse(&t, STR(" Multipart/Related ; type=\"application/rlmi+xml\";"
	                           "start=resourceList; BOUNDARY=XYZ")),
	   0);
	EQ_STR(t.name, "Multipart/Related");
	OK(mime_type_is(&t, STR("multipart/related")));
	OK(mime_type_is(&t, STR("multipart/")));
	OK(!mime_type_is(&t, STR("multipart/mixed")));
	OK(mime_type_param(&t, STR("type"), &v));
	EQ_STR(v, "application/rlmi+xml");
	OK(mime_type_param(&t, STR("start"), &v));
	EQ_STR(v, "resourceList");
	OK(mime_type_param(&t, STR("boundary"), &v));
	EQ_STR(v, "XYZ");
	OK(!mime_type_param(&t, STR("charset"), &v));
}

static void broken_types_are_refused(void)
{
	static const char *const bad[] = { "",
		                           "text",
		                           "text/",
		                           "/plain",
		                           "te xt/plain",
		                           "text/plain/x",
		                           "text/plain; =x",
		                           "text/plain; x=\"y",
		                           "text/plain; a b=c" };
	struct mime_type t = { .name = STR("untouched") };
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		if (!EQ(mime_type_parse(&t, str_of(bad[i])), -EBADMSG))
			printf("# %s\n", bad[i]);
	EQ_STR(t.name, "untouched");
}

static void parts_of_a_lync_offer_are_read(void)
{
	auto_(buf_free) struct buf b;
	struct mime m;
	struct mime_part p;
	struct str type, body = body_of(&b, "mime/lync-call", &type);
	EQ(mime_open(&m, type, body), 0);
	EQ(mime_next(&m, &p), 1);
	EQ_STR(mime_field(&p, STR("content-type")), "application/sdp");
	EQ_STR(mime_field(&p, STR("Content-Disposition")),
	       "session; handling=optional; ms-proxy-2007fallback");
	EQ_STR(p.body, "o=- 0 0 IN IP4 127.0.0.1\r\ns=session\r\nc=IN IP4 127.0.0.1\r\n"
	               "m=audio 0 RTP/AVP\r\n");
	EQ(mime_next(&m, &p), 1);
	OK(str_starts(p.body, STR("v=0\r\n")));
	OK(!mime_field(&p, STR("Content-ID")).p);
	EQ(mime_next(&m, &p), 0);
	EQ(mime_next(&m, &p), 0);
}

static void offer_without_fallback_is_picked(void)
{
	auto_(buf_free) struct buf b, b2;
	struct mime_part p;
	struct str type, body = body_of(&b, "mime/lync-call", &type);
	EQ(mime_pick(type, body, STR("application/sdp"), 1, &p), 0);
	OK(str_starts(p.body, STR("v=0\r\no=- 0 0 IN IP4 192.0.2.2\r\n")));
	OK(p.head.len > 0);
	body = body_of(&b2, "mime/lync-file", &type);
	EQ(mime_pick(type, body, STR("application/sdp"), 1, &p), 0);
	OK(str_starts(p.body, STR("v=0\r\n")));
	EQ(mime_pick(type, body, STR("application/ms-filetransfer+xml"), 1, &p), 0);
	OK(str_starts(p.body, STR("<request ")));
	EQ(mime_pick(type, body, STR("text/html"), 1, &p), -ENOENT);
	EQ(mime_pick(type, body, STR("application/sdp"), 0, &p), -ENOENT);
}

static void body_that_is_no_multipart_is_picked_itself(void)
{
	struct mime_part p;
	EQ(mime_pick(STR("application/SDP; x=y"), STR("v=0\r\n"), STR("application/sdp"), 0, &p),
	   0);
	EQ_STR(p.body, "v=0\r\n");
	EQ_STR(p.head, "");
	EQ(mime_pick(STR("sdp"), STR("v=0\r\n"), STR("application/sdp"), 1, &p), -EBADMSG);
}

static void multipart_in_a_multipart_is_opened_as_deep_as_asked(void)
{
	auto_(buf_free) struct buf b;
	struct mime_part p;
	struct str type, body = body_of(&b, "mime/nested", &type);
	EQ(mime_pick(type, body, STR("application/sdp"), 1, &p), -ENOENT);
	EQ(mime_pick(type, body, STR("application/sdp"), 2, &p), 0);
	EQ_STR(p.body, "v=0\r\n");
	/* In base64: left aside. */
	EQ(mime_pick(type, body, STR("text/html"), 2, &p), -ENOENT);
	EQ(mime_pick(type, body, STR("text/plain"), 2, &p), 0);
	EQ_STR(p.body, "plain");
}

static int pick_text(const char *kind, struct mime_part *p)
{
	char type[64];
	struct buf b = BUF_ON(type);
	buf_printf(&b, "multipart/%s; boundary=x", kind);
	return mime_pick(buf_view(&b), STR("--x\r\n\r\none\r\n--x\r\n\r\ntwo\r\n--x--"),
	                 STR("text/plain"), 1, p);
}

static void last_of_an_alternative_and_first_of_others_is_picked(void)
{
	struct mime_part p;
	EQ(pick_text("alternative", &p), 0);
	EQ_STR(p.body, "two");
	EQ(pick_text("mixed", &p), 0);
	EQ_STR(p.body, "one");
}

static void part_with_a_broken_type_is_left_aside(void)
{
	struct mime_part p;
	EQ(mime_pick(STR("multipart/mixed;boundary=x"),
	             STR("--x\r\nContent-Type: text\r\n\r\none\r\n--x\r\n\r\ntwo\r\n--x--"),
	             STR("text/plain"), 1, &p),
	   0);
	EQ_STR(p.body, "two");
}

static void line_that_only_begins_like_a_delimiter_is_content(void)
{
	struct mime m;
	struct mime_part p;
	EQ(mime_open(&m, STR("multipart/mixed;boundary=x"),
	             STR("preamble\n--x \t\nA: b\n c\n\nbody --x\n--xy\n--x--\nepilogue")),
	   0);
	EQ(mime_next(&m, &p), 1);
	EQ_STR(p.body, "body --x\n--xy");
	EQ_STR(mime_field(&p, STR("A")), "b\n c");
	EQ(mime_next(&m, &p), 0);
}

static int walk(const char *type, const char *body)
{
	struct mime m;
	struct mime_part p;
	int r = mime_open(&m, str_of(type), str_of(body));
	while (r >= 0 && (r = mime_next(&m, &p)) > 0)
		;
	return r;
}

static void broken_multiparts_are_refused(void)
{
	const char *mixed = "multipart/mixed;boundary=x";
	EQ(walk("text/plain;boundary=x", "--x--"), -ENOENT);
	EQ(walk("multipart/mixed", "--x--"), -EBADMSG);
	EQ(walk("multipart/mixed;boundary=\"\"", "--x--"), -EBADMSG);
	EQ(walk("multipart/mixed;boundary=\"x \"", "--x --"), -EBADMSG);
	EQ(walk("multipart/mixed;boundary=\"x;\"", "--x;--"), -EBADMSG);
	EQ(walk(mixed, ""), -EBADMSG);
	EQ(walk(mixed, "--y--"), -EBADMSG);
	EQ(walk(mixed, "--x\r\n\r\nno end"), -EBADMSG);
	EQ(walk(mixed, "--x"), -EBADMSG);
	EQ(walk(mixed, "--x\r\nno field\r\n\r\nbody\r\n--x--"), -EBADMSG);
	EQ(walk(mixed, "--x\r\nA: no empty line\r\n--x--"), -EBADMSG);
	EQ(walk(mixed, "--x\r\n\r\n--x--"), 0);
	EQ(walk(mixed, "--x--"), 0);
}

static int walk_many(const char *start, const char *more, unsigned n, const char *end)
{
	auto_(buf_free) struct buf b = buf_of(1 << 20);
	buf_str(&b, str_of(start));
	for (unsigned i = 0; i < n; i++)
		buf_str(&b, str_of(more));
	buf_str(&b, str_of(end));
	buf_char(&b, '\0');
	return walk("multipart/mixed;boundary=x", b.p);
}

static void limits_hold(void)
{
	char boundary[MIME_BOUNDARY_MAX + 1];
	memset(boundary, 'b', sizeof(boundary));
	EQ(walk_many("", "--x\n\n\n", MIME_PARTS_MAX, "--x--"), 0);
	EQ(walk_many("", "--x\n\n\n", MIME_PARTS_MAX + 1, "--x--"), -E2BIG);
	EQ(walk_many("--x\n", "A: b\n", MIME_HEADERS_MAX, "\n\n--x--"), 0);
	EQ(walk_many("--x\n", "A: b\n", MIME_HEADERS_MAX + 1, "\n\n--x--"), -E2BIG);
	EQ(walk_many("--x\nA:", "b", MIME_HEAD_MAX - 3, "\n\n\n--x--"), 0);
	EQ(walk_many("--x\nA:", "b", MIME_HEAD_MAX - 2, "\n\n\n--x--"), -E2BIG);
	OK(mime_boundary_fits(str_n(boundary, MIME_BOUNDARY_MAX), STR("")));
	OK(!mime_boundary_fits(str_n(boundary, MIME_BOUNDARY_MAX + 1), STR("")));
}

static void boundary_must_not_occur_in_the_content(void)
{
	OK(mime_boundary_fits(STR("----=_Part 1"), STR("body")));
	OK(!mime_boundary_fits(STR("od"), STR("body")));
	OK(!mime_boundary_fits(STR("a\r\nb"), STR("body")));
	OK(!mime_boundary_fits(STR(""), STR("body")));
}

static void every_part_ends_with_its_own_line_end(void)
{
	auto_(buf_free) struct buf b = buf_of(4096);
	mime_put_part(&b, STR("XYZ"));
	mime_put_field(&b, STR("Content-Type"), STR("text/xml\r\nX: y"));
	mime_put_content(&b, STR("<list/>"));
	mime_put_part(&b, STR("XYZ"));
	mime_put_field(&b, STR("Content-Type"), STR("application/sdp"));
	mime_put_content(&b, STR("v=0\r\n"));
	mime_put_end(&b, STR("XYZ"));
	EQ_STR(buf_view(&b),
	       "--XYZ\r\nContent-Type: text/xmlX: y\r\n\r\n<list/>\r\n\r\n"
	       "--XYZ\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n\r\n--XYZ--\r\n");
	struct mime m;
	struct mime_part p;
	EQ(mime_open(&m, STR("multipart/related;boundary=XYZ"), buf_view(&b)), 0);
	EQ(mime_next(&m, &p), 1);
	EQ_STR(p.body, "<list/>\r\n");
	EQ(mime_next(&m, &p), 1);
	EQ_STR(p.body, "v=0\r\n");
	EQ(mime_next(&m, &p), 0);
}

static void entity_is_cut_at_its_first_empty_line(void)
{
	struct mime_part p = { 0 };
	EQ(mime_split(&p, STR("A: b\r\nC: d\r\n\r\nbody\r\n\r\n")), 0);
	EQ_STR(p.head, "A: b\r\nC: d\r\n");
	EQ_STR(p.body, "body\r\n\r\n");
	EQ(mime_split(&p, STR("\nbody")), 0);
	EQ_STR(p.head, "");
	EQ_STR(p.body, "body");
	EQ(mime_split(&p, STR("A: b")), -EBADMSG);
	EQ(mime_split(&p, STR("no field\n\n")), -EBADMSG);
}

int main(void)
{
	RUN(type_and_parameters_are_read);
	RUN(broken_types_are_refused);
	RUN(parts_of_a_lync_offer_are_read);
	RUN(offer_without_fallback_is_picked);
	RUN(body_that_is_no_multipart_is_picked_itself);
	RUN(multipart_in_a_multipart_is_opened_as_deep_as_asked);
	RUN(last_of_an_alternative_and_first_of_others_is_picked);
	RUN(part_with_a_broken_type_is_left_aside);
	RUN(line_that_only_begins_like_a_delimiter_is_content);
	RUN(broken_multiparts_are_refused);
	RUN(entity_is_cut_at_its_first_empty_line);
	RUN(limits_hold);
	RUN(boundary_must_not_occur_in_the_content);
	RUN(every_part_ends_with_its_own_line_end);
	return tap_done();
}
