/* What became of a message: message/imdn+xml (RFC 5438), and the form of Lync,
 * application/ms-imdn+xml ([MS-CONFIM] section 2.2). */
#pragma once

#include "base/arena.h"
#include "base/buf.h"

enum {
	IMDN_BYTES_MAX = 64 * 1024, /* of a document: -E2BIG beyond, as with all of these */
	IMDN_TEXT_MAX = 2048,       /* bytes of one text */
	IMDN_RECIPIENTS_MAX = 1000,
};

enum imdn_kind { IMDN_DELIVERY, IMDN_PROCESSING, IMDN_DISPLAY };

enum imdn_status {
	IMDN_DELIVERED, /* of DELIVERY */
	IMDN_FAILED,
	IMDN_PROCESSED, /* of PROCESSING */
	IMDN_STORED,
	IMDN_DISPLAYED, /* of DISPLAY */
	IMDN_FORBIDDEN, /* of all: it is not told */
	IMDN_ERROR,
};

/* Texts are empty if absent. */
struct imdn {
	struct str message_id;
	usec_t date; /* of the message, microseconds since 1970; 0 if absent */
	struct str recipient, original_recipient; /* URIs */
	struct str subject;
	enum imdn_kind kind;
	enum imdn_status status;
};

/* Reads a document; everything lives in the arena.  -EBADMSG: no XML, its root is no `imdn`, no
 * message-id, or no status that its kind can have; -E2BIG. */
int imdn_parse(struct imdn *ret, struct arena *a, struct str in) MUST_CHECK;
/* Appends a document.  The kind must be able to have the status. */
void imdn_put(struct buf *b, const struct imdn *i);

/* One recipient of a message to many. */
struct imdn_ms_recipient {
	struct str uri;  /* without the < > that may stand around it */
	uint16_t status; /* of SIP; 0 and 300 to 699: it failed */
};

struct imdn_ms {
	struct str message_id; /* Message-Id of the 202 that answered the message */
	const struct imdn_ms_recipient *recipients;
	unsigned n_recipients;
};

/* The same of application/ms-imdn+xml.  -EBADMSG also for a recipient without a URI or a status. */
int imdn_ms_parse(struct imdn_ms *ret, struct arena *a, struct str in) MUST_CHECK;
void imdn_ms_put(struct buf *b, const struct imdn_ms *i);
