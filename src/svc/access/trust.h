/* The trust boundary (design section 3): which header fields are taken from whom.
 *
 * One table, field x class of peer.  What is not in it passes as it is. */
#pragma once

#include "base/buf.h"
#include "wire/sip/msg.h"

enum trust_class {
	TRUST_CLIENT, /* a signed-in or challenged user agent */
	TRUST_ROLE,   /* a process of the topology, over a link or mutual TLS */
	TRUST_N_CLASSES,
};

/* Flags for struct sip_edit.strip: what is left out of a request from, or a message to, this class.
 */
const uint8_t *trust_strip_from(enum trust_class c);
const uint8_t *trust_strip_to(enum trust_class c);
/* What is left out of responses: they carry what signs one hop, and no identity that a client
 * claims. */
const uint8_t *trust_strip_response(void);
/* The same for a request whose sender wants to stay unknown (Privacy: id, RFC 3325 section 9.3). */
const uint8_t *trust_strip_private(void);
/* As the table prints it, for documentation and `explain`: one line a field. */
void trust_describe(struct buf *b);
