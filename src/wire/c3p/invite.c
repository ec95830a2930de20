#include "wire/c3p/invite.h"

#include <errno.h>

static bool is_available(const struct xml *root, const char *name)
{
	return str_eq(xml_attr(xml_child(root, name), "available"), STR("true"));
}

int conf_invite_parse(struct conf_invite *ret, struct arena *a, struct str in)
{
	struct xml *root;
	int r = xml_parse(&root, a, in);
	if (r < 0)
		return r;
	const struct xml *first = xml_child(xml_child(root, "im"), "first-im");
	struct conf_invite v = {
		.focus = xml_child_text(root, "focus-uri"),
		.subject = xml_child_text(root, "subject"),
		.im = is_available(root, "im"),
		.audio = is_available(root, "audio"),
		.video = is_available(root, "video"),
		.sharing = is_available(root, "applicationsharing"),
		.first_im = first ? str_trim(first->text) : (struct str){ NULL, 0 },
	};
	if (!xml_is(root, "Conferencing") || v.focus.len == 0)
		return -EBADMSG;
	if (MAX(v.focus.len, MAX(v.subject.len, v.first_im.len)) > CONF_INVITE_TEXT_MAX)
		return -E2BIG;
	*ret = v;
	return 0;
}

static void put_available(struct buf *b, const char *name, bool is)
{
	if (is)
		buf_printf(b, "<%s available=\"true\"/>", name);
}

static void put_im(struct buf *b, const struct conf_invite *v)
{
	if (!v->im)
		return;
	buf_lit(b, "<im available=\"true\">");
	if (v->first_im.len > 0)
		xml_put_element(b, "first-im", v->first_im);
	else if (v->first_im.p)
		buf_lit(b, "<first-im/>");
	buf_lit(b, "</im>");
}

void conf_invite_put(struct buf *b, const struct conf_invite *v)
{
	buf_lit(b, "<Conferencing version=\"2.0\">");
	xml_put_element(b, "focus-uri", v->focus);
	xml_put_element(b, "subject", v->subject);
	put_im(b, v);
	put_available(b, "audio", v->audio);
	put_available(b, "video", v->video);
	put_available(b, "applicationsharing", v->sharing);
	buf_lit(b, "</Conferencing>");
}
