/* What a message says, between the forms of Lync clients and of phones. */
#pragma once

#include "base/buf.h"
#include "wire/sip/msg.h"

enum { CONTENT_MAX = 64 * 1024 };

enum content_kind {
	CONTENT_OTHER, /* not ours to translate */
	CONTENT_TEXT,  /* text/plain, text/html */
	CONTENT_TYPING,
};

struct content {
	enum content_kind kind;
	bool html;
	bool active;           /* of TYPING: somebody types; else stopped */
	struct str type, body; /* of TEXT: as they came */
};

/* Of a MESSAGE or INFO; slices of the message. */
void content_read(struct content *ret, const struct sip_msg *m);
/* For a phone: MESSAGE bodies text/plain or application/im-iscomposing+xml (RFC 3994). */
void content_put_pager(struct buf *b, const struct content *c, struct str *ret_type);
/* For a Lync client: the body of a MESSAGE, or of an INFO with KeyboardActivity. */
void content_put_session(struct buf *b, const struct content *c, struct str *ret_type);
/* Appends the text of HTML: tags off, line breaks for <br>, <p> and <div>, entities resolved. */
void content_put_plain(struct buf *b, struct str html);
