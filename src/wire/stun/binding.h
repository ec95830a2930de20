/* STUN Binding as SIP's keep-alive needs it (RFC 5626 sections 3.5.2 and 8, RFC 8489). */
#pragma once

#include "base/addr.h"
#include "base/buf.h"

/* Reads a Binding request of at most STUN_BYTES_MAX bytes, without a comprehension-required
 * attribute that we do not know.
 * *ret_id: its 12 bytes of transaction id.  -EBADMSG: no STUN Binding request. */
int stun_binding_parse(struct bytes in, const uint8_t **ret_id) MUST_CHECK;
/* Appends the success response: XOR-MAPPED-ADDRESS of the peer. */
void stun_binding_answer(struct buf *b, const uint8_t id[12], const struct addr *peer);
