#include "svc/conversation/content.h"

#include "svc/conversation/change.h"
#include "svc/conversation/html.h"
#include "wire/imdn/cpim.h"
#include "wire/imdn/imdn.h"
#include "wire/mime/deflate.h"
#include "wire/mime/mime.h"
#include "wire/xml/xml.h"

enum { NESTED_MAX = 3 /* multiparts in multiparts */ };

/* RFC 3994. */
static void read_composing(struct content *c)
{
	struct xml *x;
	auto_(arena_free) struct arena *a = arena_new();
	if (xml_parse(&x, a, c->body) < 0 || !xml_is(x, "isComposing"))
		return;
	c->kind = CONTENT_TYPING;
	c->active = str_ieq(xml_child_text(x, "state"), STR("active"));
	if (str_to_u32(xml_child_text(x, "refresh"), UINT32_MAX, &c->refresh_s) < 0)
		c->refresh_s = CONTENT_REFRESH_S;
	c->refresh_s = MIN(c->refresh_s, (uint32_t)CONTENT_REFRESH_S);
}

static void read_keyboard(struct content *c)
{
	struct xml *x;
	auto_(arena_free) struct arena *a = arena_new();
	if (xml_parse(&x, a, c->body) < 0 || !xml_is(x, "KeyboardActivity"))
		return;
	c->kind = CONTENT_TYPING;
	c->active = str_ieq(xml_attr(xml_child(x, "status"), "status"), STR("type"));
	c->refresh_s = CONTENT_REFRESH_S; /* for the phone: it is told when it ends */
}

static void read_notice(struct content *c)
{
	struct imdn i;
	auto_(arena_free) struct arena *a = arena_new();
	if (imdn_parse(&i, a, c->body) < 0 || i.message_id.len > CONTENT_ID_MAX)
		return;
	struct buf b = BUF_ON(c->notice_id);
	buf_str(&b, i.message_id);
	buf_char(&b, 0);
	c->kind = CONTENT_NOTICE;
	c->failed = i.status == IMDN_FAILED || i.status == IMDN_ERROR || i.status == IMDN_FORBIDDEN;
}

static void read_text(struct content *c)
{
	c->kind = CONTENT_TEXT;
}

static void read_html(struct content *c)
{
	c->kind = CONTENT_TEXT;
	c->html = true;
}

static void read_change(struct content *c)
{
	c->kind = CONTENT_CHANGE;
}

/* The plain text of an alternative, or of whatever it comes with; else the HTML. */
static void read_multipart(struct content *c)
{
	static const struct str wanted[] = { STR_INIT("text/plain"), STR_INIT("text/html") };
	struct mime_part part;
	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++) {
		if (mime_pick(c->type, c->body, wanted[i], NESTED_MAX, &part) < 0)
			continue;
		c->kind = CONTENT_TEXT;
		c->html = i == 1;
		c->type = mime_field(&part, STR("Content-Type"));
		c->body = part.body;
		return;
	}
}

/* clang-format off */
static const struct {
	struct str type;
	void (*read)(struct content *c);
} types[] = {
	{ STR_INIT("text/plain"),                    read_text },
	{ STR_INIT("text/html"),                     read_html },
	{ STR_INIT("application/im-iscomposing+xml"), read_composing },
	{ STR_INIT("application/xml"),               read_keyboard },
	{ STR_INIT("message/imdn+xml"),              read_notice },
	{ STR_INIT(CHANGE_TYPE),                     read_change },
	{ STR_INIT("multipart/alternative"),         read_multipart },
	{ STR_INIT("multipart/related"),             read_multipart },
	{ STR_INIT("multipart/mixed"),               read_multipart },
};
/* clang-format on */

static void read_body(struct content *c)
{
	struct mime_type type;
	if (mime_type_parse(&type, c->type) < 0)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if (mime_type_is(&type, types[i].type))
			types[i].read(c);
}

/* RFC 3862: what is in it counts, and what its sender wants to hear (RFC 5438). */
static bool open_envelope(struct content *c)
{
	struct mime_type type;
	struct cpim m;
	if (mime_type_parse(&type, c->type) < 0 || !mime_type_is(&type, STR("message/cpim")) ||
	    cpim_parse(&m, c->body) < 0)
		return false;
	c->cpim = true;
	c->type = m.type.len > 0 ? m.type : STR("text/plain");
	c->body = m.content;
	if (m.message_id.len > CONTENT_ID_MAX)
		return true;
	c->message_id = m.message_id;
	c->wants = m.message_id.len > 0 ? m.wants : 0;
	return true;
}

void content_read_body(struct content *ret, struct str type, struct str body)
{
	*ret = (struct content){ .type = type, .body = body };
	if (body.len > CONTENT_MAX)
		return;
	(void)open_envelope(ret);
	read_body(ret);
}

/* liblinphone packs its notices.  A packed text is none of ours: it would have to be unpacked for
 * whoever gets it. */
static void read_packed(struct content *ret, const struct sip_msg *m, struct str encoding)
{
	struct str type = sip_value(m, SIP_H_CONTENT_TYPE);
	auto_(buf_free) struct buf b = buf_of(CONTENT_MAX);
	if (str_ieq(encoding, STR("deflate")) && deflate_get(&b, m->body) == 0)
		content_read_body(ret, type, buf_view(&b));
	if (ret->kind != CONTENT_NOTICE && ret->kind != CONTENT_TYPING)
		*ret = (struct content){ .kind = CONTENT_OTHER };
	ret->type = type;
	ret->body = m->body;
	ret->message_id = STR("");
	ret->wants = 0;
}

void content_read(struct content *ret, const struct sip_msg *m)
{
	struct str encoding = sip_value(m, SIP_H_CONTENT_ENCODING);
	*ret = (struct content){ .kind = CONTENT_OTHER };
	if (encoding.len > 0 && !str_ieq(encoding, STR("identity")))
		read_packed(ret, m, encoding);
	else
		content_read_body(ret, sip_value(m, SIP_H_CONTENT_TYPE), m->body);
}

/* The two sides. */

void content_put_pager(struct buf *b, const struct content *c, struct str *ret_type)
{
	if (c->kind == CONTENT_TYPING) {
		*ret_type = STR("application/im-iscomposing+xml");
		buf_lit(b, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n"
		           "<isComposing xmlns=\"urn:ietf:params:xml:ns:im-iscomposing\"><state>");
		buf_str(b, c->active ? STR("active") : STR("idle"));
		buf_lit(b, "</state><contenttype>text/plain</contenttype>");
		if (c->active)
			buf_printf(b, "<refresh>%u</refresh>", c->refresh_s);
		buf_lit(b, "</isComposing>\r\n");
		return;
	}
	*ret_type = STR("text/plain;charset=UTF-8");
	if (c->html)
		html_put_plain(b, c->body);
	else
		buf_str(b, c->body);
}

void content_put_session(struct buf *b, const struct content *c, struct str *ret_type)
{
	if (c->kind == CONTENT_TYPING) {
		*ret_type = STR("application/xml");
		buf_lit(b, "<?xml version=\"1.0\"?><KeyboardActivity><status status=\"");
		buf_str(b, c->active ? STR("type") : STR("idle"));
		buf_lit(b, "\" /></KeyboardActivity>");
		return;
	}
	*ret_type = c->html ? STR("text/html; charset=UTF-8") : STR("text/plain; charset=UTF-8");
	buf_str(b, c->body);
}
