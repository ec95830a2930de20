#include "role/mcu_im/mi.h"
#include "svc/conversation/change.h"
#include "svc/conversation/content.h"

/* Phones in a room: what is said reaches them by pager messages (RFC 3428) of the room's address
 * for phones, as plain text with its author's name in front; and what they write there is said. */

void mi_put_room(struct buf *b, struct str focus)
{
	char text[CONF_URI_MAX];
	struct buf organizer = BUF_ON(text);
	struct conf_uri cu;
	if (conf_uri_read(&cu, &organizer, focus) == 0)
		conf_uri_put_for_phones(b, buf_view(&organizer), cu.id);
}

/* "<sip:alice@example.test>" */
static struct str bare(struct str sender)
{
	return str_sub(sender, 1, sender.len - 2);
}

void mi_put_page(struct buf *b, const struct immcu_leg *to, const struct immcu_message *m)
{
	auto_(buf_free) struct buf text = buf_of(IMMCU_BODY_MAX + CONF_URI_MAX);
	struct str type = STR("text/plain;charset=UTF-8");
	struct content c;
	content_read_body(&c, m->type, m->body);
	if (c.kind == CONTENT_CHANGE || c.kind == CONTENT_TYPING) { /* for the home, no phone */
		sip_put_body(b, m->type, m->body);
		return;
	}
	buf_str(&text, immcu_name(immcu_leg_room(to), bare(m->sender)));
	buf_lit(&text, ": ");
	buf_printf(b, CONF_NAMED ": %zu%s\r\n", text.len,
	           immcu_has_dialog(immcu_leg_person(to)) ? CONF_ELSEWHERE : "");
	if (c.kind == CONTENT_TEXT)
		content_put_pager(&text, &c, &type);
	else
		buf_lit(&text, "(something that is no text)");
	sip_put_body(b, type, buf_view(&text));
}

void mi_put_page_end(struct buf *b)
{
	sip_put_body(b, STR("text/plain;charset=UTF-8"),
	             STR("You are not in this conversation any more."));
}

/* Without the envelope; that somebody has got a message is told to nobody. */
enum refusal mi_read_page(struct immcu_said *s, const struct sip_msg *m)
{
	struct content c;
	content_read(&c, m);
	switch (c.kind) {
	case CONTENT_TEXT:
		s->type = c.html ? STR("text/html;charset=UTF-8") : STR("text/plain;charset=UTF-8");
		s->body = c.body;
		return REFUSE_NOTHING;
	case CONTENT_CHANGE:
		s->type = STR(CHANGE_TYPE);
		s->body = c.body;
		s->pagers_only = true;
		return REFUSE_NOTHING;
	case CONTENT_TYPING:
		s->type = sip_value(m, SIP_H_CONTENT_TYPE);
		s->body = m->body;
		s->typing = true;
		s->pagers_only = true; /* Lync clients do not show it in a room */
		return REFUSE_NOTHING;
	case CONTENT_NOTICE:
		s->body = STR("");
		return REFUSE_NOTHING;
	case CONTENT_OTHER:
		break;
	}
	return REFUSE_CONTENT;
}
