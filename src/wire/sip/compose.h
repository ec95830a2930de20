/* Writing SIP: responses to a request, and a request passed on by a proxy.  Appends to a buf. */
#pragma once

#include "base/buf.h"
#include "wire/sip/msg.h"
#include "wire/sip/uri.h"

/* Starts a response: status line, all Via, From, To (with `;tag=to_tag` added if the request has no
 * To tag and to_tag is not empty and code is not 100), Call-ID, CSeq, and Record-Route where RFC
 * 3261 section 12.1.1 wants it (1xx above 100 and 2xx of INVITE, SUBSCRIBE, REFER, NOTIFY),
 * Timestamp for 100.  `received` and rport of the top Via are filled in from `peer` when it is not
 * NULL (RFC 3581 section 4).  The caller appends further lines with sip_put_hdr and ends with
 * sip_put_body. */
void sip_put_response(struct buf *b, const struct sip_msg *req, int code, struct str reason,
                      struct str to_tag, const struct addr *peer);
/* "Name: value\r\n". */
void sip_put_hdr(struct buf *b, struct str name, struct str value);
/* Text for people as a quoted string, on one line (RFC 3261 section 25.1). */
void sip_put_quoted(struct buf *b, struct str text);
/* Content-Length, the empty line, the body (Content-Type before if type is not empty). */
void sip_put_body(struct buf *b, struct str type, struct str body);

/* How a message differs when it is passed on.  Everything not named stays byte for byte and in
 * order (RFC 3261 sections 16.6 and 16.7). */
struct sip_edit {
	struct str uri;              /* new Request-URI; p NULL: as it is */
	struct str push_via;         /* value of the new top Via; empty: none */
	bool pop_via;                /* take the top Via off (responses) */
	const struct addr *received; /* write received/rport into the (old) top Via; NULL: do not */
	int max_forwards;    /* new value; negative: as it is; added (70) if the request has none */
	unsigned pop_routes; /* take so many Route values off the front */
	struct str push_routes; /* whole Route values, comma separated, put in front; empty: none */
	struct str record_route; /* whole Record-Route values, comma separated, put in front */
	const uint8_t
	        *strip; /* SIP_H_N_IDS flags: 1 = leave the fields with this id out; may be NULL */
	struct str add; /* whole header lines with their CRLF to add */
	const struct str *body; /* another body (Content-Length is set right); NULL: as it is */
	struct str body_type;   /* with another body: its Content-Type */
};
/* Writes message m with the changes. */
void sip_put_edited(struct buf *b, const struct sip_msg *m, const struct sip_edit *e);
