/* What a message says, between the forms of Lync clients and of phones. */
#pragma once

#include "base/buf.h"
#include "wire/sip/msg.h"

enum {
	CONTENT_MAX = 256 * 1024, /* as much as a front end takes */
	CONTENT_ID_MAX = 127,     /* bytes of a Message-ID; a longer one counts as none */
	CONTENT_REFRESH_S = 120,  /* RFC 3994 section 4: for so long somebody types, at most */
};

enum content_kind {
	CONTENT_OTHER, /* not ours to translate */
	CONTENT_TEXT,  /* text/plain, text/html, or such a part of a multipart */
	CONTENT_TYPING,
	CONTENT_NOTICE, /* message/imdn+xml: what became of a message */
	CONTENT_CHANGE, /* of a message that was said (change.h) */
};

struct content {
	enum content_kind kind;
	bool html;
	bool active;           /* of TYPING: somebody types; else stopped */
	uint32_t refresh_s;    /* of TYPING, active: for so long, unless it is said again */
	struct str type, body; /* of TEXT: as they came */
	/* It came in an envelope (message/cpim), */
	bool cpim;
	struct str message_id; /* with an id, */
	uint32_t wants;        /* and its sender wants to hear of it: CPIM_WANTS_* */
	/* Of NOTICE. */
	bool failed;
	char notice_id[CONTENT_ID_MAX + 2]; /* of the message that it tells about */
};

/* Of a MESSAGE or INFO; slices of the message. */
void content_read(struct content *ret, const struct sip_msg *m);
/* The same of a body. */
void content_read_body(struct content *ret, struct str type, struct str body);
/* For a phone: MESSAGE bodies text/plain or application/im-iscomposing+xml (RFC 3994). */
void content_put_pager(struct buf *b, const struct content *c, struct str *ret_type);
/* For a Lync client: the body of a MESSAGE, or of an INFO with KeyboardActivity. */
void content_put_session(struct buf *b, const struct content *c, struct str *ret_type);
