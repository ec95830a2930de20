/* The trust boundary (design section 3): which header fields are taken from whom, and given to
 * whom.
 *
 * One table, field x class of peer.  What is not in it passes as it is. */
#pragma once

#include "base/buf.h"
#include "wire/sip/msg.h"

enum trust_class {
	TRUST_ANONYMOUS, /* nobody has been authenticated: challenges, requests inside a dialog */
	TRUST_CLIENT,    /* a signed-in or challenged user agent */
	TRUST_ROLE,      /* a process of the topology, over a link or mutual TLS */
	TRUST_N_CLASSES,
};

enum trust_action {
	TRUST_ACCEPT,  /* passes as it is */
	TRUST_VERIFY,  /* must be right, or the request is refused; passes */
	TRUST_SPEND,   /* is verified, or means this hop, and goes no further */
	TRUST_STRIP,   /* is taken off, whatever it says */
	TRUST_ADD,     /* we write it; what is there already stays, if it was accepted */
	TRUST_REPLACE, /* what came is taken off, ours is written */
};

/* What is done with a field of a request from, or to, this class. */
enum trust_action trust_from(enum sip_hdr_id field, enum trust_class c);
enum trust_action trust_to(enum sip_hdr_id field, enum trust_class c);

/* Flags for struct sip_edit.strip: what is left out of a request from, or a message to, this class.
 */
const uint8_t *trust_strip_from(enum trust_class c);
const uint8_t *trust_strip_to(enum trust_class c);
/* What is left out of responses: they carry what signs one hop, and no identity that a client
 * claims. */
const uint8_t *trust_strip_response(void);
/* The same of those to a message that a home remembers: what it is remembered as (Said), that home
 * alone says. */
const uint8_t *trust_strip_response_remembered(void);
/* A response that says that the text of the INVITE was taken (ms-text-format in Supported): what is
 * left out of it then, and a line of Supported without that, appended (none, if there is no room
 * for all of it); NULL: it does not.  Its sender would not repeat the text. */
const uint8_t *trust_strip_text_taken(struct buf *b, const struct sip_msg *resp);
/* The same for a request whose sender wants to stay unknown (Privacy: id, RFC 3325 section 9.3). */
const uint8_t *trust_strip_private(void);
/* Is it such a request?  Values of Privacy stand behind semicolons (RFC 3323 section 4.2). */
bool trust_hides_sender(const struct sip_msg *m);
/* The table as a JSON array, for `dialtone trust`: {"field", "from_anonymous", "from_client",
 * "from_server", "to_client", "to_server"} with the actions' names. */
void trust_describe(struct buf *b);
