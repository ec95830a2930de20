#include "wire/rlmi/rlmi.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "data.h"
#include "tap.h"
#include "wire/mime/mime.h"
#include "wire/xml/xml.h"

/* clang-format off */
static const struct rlmi_instance bob = {
	.id = STR_INIT("b1"), .state = RLMI_ACTIVE, .cid = STR_INIT("bob.7@example.test"),
};
static const struct rlmi_instance eve = {
	.id = STR_INIT("e1"), .state = RLMI_TERMINATED, .reason = STR_INIT("noresource"),
};
static const struct rlmi_resource resources[] = {
	{ .uri = STR_INIT("sip:bob@example.test"), .name = STR_INIT("Bob <B>"), .instances = &bob,
	  .n_instances = 1 },
	{ .uri = STR_INIT("sip:eve@example.test"), .instances = &eve, .n_instances = 1 },
	{ .uri = STR_INIT("sip:new@example.test") },
};
static const struct rlmi_list list = {
	.uri = STR_INIT("sip:friends@example.test"), .version = 3, .full = true,
	.resources = resources, .n_resources = ARRAY_SIZE(resources),
};
static const struct rlmi_frame frame = {
	.boundary = STR_INIT("b0a7"), .start = STR_INIT("list.7@example.test"),
};
/* clang-format on */

#define PIDF "<presence entity=\"sip:bob@example.test\"/>"

static void put_all(struct buf *b, const struct rlmi_frame *f)
{
	auto_(buf_free) struct buf document = buf_of(4096);
	rlmi_put(&document, &list);
	rlmi_put_first(b, f, buf_view(&document));
	rlmi_put_part(b, f, bob.cid, STR("application/pidf+xml"), STR(PIDF));
	rlmi_put_end(b, f);
}

static void list_and_documents_are_written(void)
{
	auto_(buf_free) struct buf b = buf_of(8192), want = buf_of(8192);
	buf_lit(&b, "Content-Type: ");
	rlmi_put_type(&b, &frame);
	buf_lit(&b, "\r\n\r\n");
	put_all(&b, &frame);
	data_read(&want, "simple/rlmi.mime");
	buf_char(&want, '\0');
	EQ_STR(buf_view(&b), want.p);
}

static void parts_are_found_again(void)
{
	auto_(buf_free) struct buf b = buf_of(8192), type = buf_of(512);
	auto_(arena_free) struct arena *a = arena_new();
	struct mime m;
	struct mime_part p = { 0 };
	struct xml *x = NULL;
	put_all(&b, &frame);
	rlmi_put_type(&type, &frame);
	EQ(mime_open(&m, buf_view(&type), buf_view(&b)), 0);
	EQ(mime_next(&m, &p), 1);
	EQ_STR(mime_field(&p, STR("Content-ID")), "<list.7@example.test>");
	OK(str_ends(p.body, STR("</list>\r\n")));
	if (EQ(xml_parse(&x, a, p.body), 0)) {
		EQ_STR(x->space, "urn:ietf:params:xml:ns:rlmi");
		EQ_STR(xml_child_text(xml_child(x, "resource"), "name"), "Bob <B>");
	}
	EQ(mime_next(&m, &p), 1);
	EQ_STR(p.body, PIDF "\r\n");
	EQ_STR(mime_field(&p, STR("Content-ID")), "<bob.7@example.test>");
	EQ(mime_next(&m, &p), 0);
}

static void lync_has_no_brackets(void)
{
	struct rlmi_frame f = { .boundary = STR("XYZ"),
		                .start = STR("resourceList"),
		                .bare = true };
	auto_(buf_free) struct buf b = buf_of(8192);
	rlmi_put_type(&b, &f);
	EQ_STR(buf_view(&b), "multipart/related;type=\"application/rlmi+xml\";"
	                     "start=resourceList;boundary=XYZ");
	b.len = 0;
	rlmi_put_part(&b, &f, STR("bob1"), STR("text/xml"), STR("<a/>"));
	EQ_STR(buf_view(&b), "--XYZ\r\nContent-Transfer-Encoding: binary\r\nContent-ID: bob1\r\n"
	                     "Content-Type: text/xml\r\n\r\n<a/>\r\n\r\n");
}

static void contact_of_another_pool_is_subscribed_there(void)
{
	struct rlmi_instance i = { .id = STR("0"),
		                   .state = RLMI_RESUBSCRIBE,
		                   .pool_fqdn = STR("sip:pool2@example.test;gruu") };
	struct rlmi_resource r = { .uri = STR("sip:a@b"), .instances = &i, .n_instances = 1 };
	struct rlmi_list l = { .uri = STR("sip:c@d"), .resources = &r, .n_resources = 1 };
	auto_(buf_free) struct buf b = buf_of(8192);
	rlmi_put(&b, &l);
	OK(str_find(buf_view(&b), STR(" version=\"0\" fullState=\"false\"")) > 0);
	OK(str_find(buf_view(&b), STR("<instance id=\"0\" state=\"resubscribe\" "
	                              "poolFqdn=\"sip:pool2@example.test;gruu\"/>")) > 0);
}

static void instance_without_a_state_is_never_written(void)
{
	int status = 0;
	pid_t pid = fork();
	if (pid == 0) {
		struct rlmi_instance i = { .id = STR("0") };
		struct rlmi_resource r = { .instances = &i, .n_instances = 1 };
		struct rlmi_list l = { .resources = &r, .n_resources = 1 };
		struct buf b = buf_of(8192);
		(void)fclose(stderr);
		rlmi_put(&b, &l);
		_exit(0);
	}
	OK(pid > 0 && waitpid(pid, &status, 0) == pid);
	OK(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

int main(void)
{
	RUN(list_and_documents_are_written);
	RUN(parts_are_found_again);
	RUN(lync_has_no_brackets);
	RUN(contact_of_another_pool_is_subscribed_there);
	RUN(instance_without_a_state_is_never_written);
	return tap_done();
}
