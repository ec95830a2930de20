/* The Route value by which a front end sends a request through the media bridge and has it back:
 * `<sip:m.l.3@dialtone.invalid;lr>` is from a sender who speaks the Lync dialect (`o`: another),
 * and goes on to the front end's process 3 (from 0). */
#pragma once

#include "base/buf.h"

/* The host part of URIs between the processes of this box (RFC 2606: never a real name). */
#define BRIDGE_LINK_DOMAIN "dialtone.invalid"

struct bridge_route {
	bool sender_lync;
	uint32_t slot;
};

void bridge_route_put(struct buf *b, const struct bridge_route *r);
/* Reads the user part of the value: 0, or -EINVAL. */
int bridge_route_parse(struct bridge_route *ret, struct str user) MUST_CHECK;
