/* How a connection begins to a port that several roles share: what its first bytes say of whom it
 * is for.  STUN, TURN and Lync's dialect of it say so at once (wire/turn/turn.h); of TLS the
 * ClientHello is read, which nobody has encrypted: the name that is asked for (RFC 6066 section 3)
 * and the protocols to be spoken (RFC 7301). */
#pragma once

#include "base/str.h"

enum {
	OPENING_MAX = 16 * 1024,  /* bytes of a connection that are looked at */
	OPENING_RECORDS_MAX = 16, /* that a ClientHello may be cut into */
	OPENING_NAME_MAX = 253,
};

enum opening_kind {
	OPENING_MORE,  /* the same again with more bytes */
	OPENING_RELAY, /* STUN, TURN, or Lync's with or without its pseudo-TLS */
	OPENING_TLS,
	OPENING_PLAIN, /* a request of HTTP without TLS, of who has forgotten it: GET, HEAD, POST */
	OPENING_OTHER, /* nothing of that, or more than the limits allow */
};

/* What the protocols of a ClientHello are; several may be offered. */
enum opening_protocol {
	OPENING_HTTP = 1, /* h2, http/1.1, http/1.0 */
	OPENING_TURN = 2, /* stun.turn, stun.nat-discovery (RFC 7443) */
	OPENING_SIP = 4,  /* sip/2 */
};

struct opening {
	size_t need;        /* OPENING_MORE: so many bytes in all say more, and fewer do not */
	unsigned protocols; /* of enum opening_protocol; others are left out */
	size_t name_len;    /* 0: it asks for none, or for what is no name */
	char name[OPENING_NAME_MAX]; /* in lower case, without a dot at its end */
};

/* Of the first bytes that came, from the very first on.  Once it is not OPENING_MORE, further bytes
 * change nothing. */
enum opening_kind opening_look(struct bytes first, struct opening *ret);
/* Borrows. */
static inline struct str opening_name(const struct opening *o)
{
	return str_n(o->name, o->name_len);
}
