#include <stdlib.h>

#include "role/frontend/fe.h"

/* What may be said in conversations, at the sender's home (svc/conversation/filter.h). */

static bool is_looked_at(const struct task *t)
{
	enum sip_method m = t->msg->method;
	return (m == SIP_MESSAGE || m == SIP_INFO || m == SIP_INVITE) && !t->redelivered &&
	       t->msg->body.len > 0;
}

/* The sentence that Lync clients show ([MS-OCER] has none for it). */
void fe_put_filtered(struct buf *b, enum refusal why)
{
	const struct refusal_row *row = refusal_row(why);
	buf_printf(b, "Warning: 309 lcs.microsoft.com \"%s\"\r\n", row->reason);
}

static void refuse(struct task *t, enum refusal why)
{
	char text[512];
	struct buf b = BUF_ON(text);
	fe_put_filtered(&b, why);
	task_refuse(t, why, buf_view(&b));
}

struct task *fe_filter(struct task *t)
{
	auto_(buf_free) struct buf body = buf_of(2 * CONTENT_MAX);
	if (!is_looked_at(t))
		return t;
	switch (filter_look(&t->fe->cfg.filter, t->msg, &body)) {
	case FILTER_PASS:
		break;
	case FILTER_CHANGED:
		t = task_keep(t);
		free(t->new_body);
		t->new_body = str_dup(buf_view(&body));
		t->new_text = str_n(t->new_body, body.len);
		break;
	case FILTER_LINK:
		refuse(t, REFUSE_LINK);
		return NULL;
	case FILTER_FILE:
		refuse(t, REFUSE_FILE);
		return NULL;
	}
	return t;
}
