#include <assert.h>

#include "svc/conversation/change.h"
#include "svc/conversation/filter.h"
#include "svc/conversation/html.h"

/* Bodies of messages: the first byte chooses the Content-Type, the rest is the body. */

static const char *const types[] = {
	"text/html",
	"message/cpim",
	"multipart/alternative;boundary=b",
	"application/im-iscomposing+xml",
	"application/xml",
	"message/imdn+xml",
	"text/x-msmsgsinvite",
	"application/ms-filetransfer+xml",
	CHANGE_TYPE,
};

static void put_message(struct buf *b, const char *method, const char *type, struct str body)
{
	buf_printf(b,
	           "%s sip:b@x.test SIP/2.0\r\nVia: SIP/2.0/TCP h;branch=z9hG4bK1\r\n"
	           "From: <sip:a@x.test>;tag=1\r\nTo: <sip:b@x.test>\r\nCall-ID: 1\r\n"
	           "CSeq: 1 %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n\r\n",
	           method, method, type, body.len);
	buf_str(b, body);
}

static void translate(const struct content *c)
{
	auto_(buf_free) struct buf phone = buf_of(2 * CONTENT_MAX),
	                           client = buf_of(2 * CONTENT_MAX);
	struct str type;
	if (c->kind != CONTENT_TEXT && c->kind != CONTENT_TYPING)
		return;
	content_put_pager(&phone, c, &type);
	content_put_session(&client, c, &type);
	assert(!phone.full && !client.full);
}

/* What is read is written, and read again. */
static void look_at_change(struct str body)
{
	auto_(arena_free) struct arena *a = arena_new();
	auto_(buf_free) struct buf b = buf_of(CONTENT_MAX);
	struct change c, again;
	if (change_read(&c, a, body) < 0)
		return;
	change_put(&b, &c);
	assert(change_read(&again, a, buf_view(&b)) == 0);
	assert(again.kind == c.kind && again.message == c.message && str_eq(again.text, c.text));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct sip_msg m;
	struct filter f = { FILTER_LINKS_WARN, STR(FILTER_PREFIXES), STR(FILTER_EXTENSIONS) };
	auto_(buf_free) struct buf text = buf_of(CONTENT_MAX + 1024),
	                           changed = buf_of(2 * CONTENT_MAX);
	struct content c;
	if (size == 0 || size > CONTENT_MAX)
		return 0;
	const char *type = types[data[0] % ARRAY_SIZE(types)];
	put_message(&text, data[0] & 0x80 ? "INVITE" : "MESSAGE", type,
	            str_n((const char *)data + 1, size - 1));
	if (sip_parse(&m, buf_view(&text)) < 0)
		return 0;
	content_read(&c, &m);
	translate(&c);
	look_at_change(c.body);
	if (filter_look(&f, &m, &changed) == FILTER_CHANGED)
		assert(!changed.full && changed.len > 0);
	return 0;
}
