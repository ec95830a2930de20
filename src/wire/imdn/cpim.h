/* Messages in an envelope of their own: message/cpim (RFC 3862), as far as notifications of
 * delivery need it (RFC 5438). */
#pragma once

#include "base/buf.h"

/* What a sender asks to be told: imdn.Disposition-Notification (RFC 5438 section 6.3), bits. */
enum {
	CPIM_WANTS_DELIVERY = 1, /* positive-delivery */
	CPIM_WANTS_FAILURE = 2,  /* negative-delivery */
	CPIM_WANTS_PROCESSING = 4,
	CPIM_WANTS_DISPLAY = 8,
};

/* Values are as they stand there, with the escapes of RFC 3862 section 2.4.  Empty if absent. */
struct cpim {
	struct str from, to; /* `Name <uri>`; the first of each */
	struct str subject;
	usec_t date; /* microseconds since 1970, 0 if absent */
	struct str message_id;
	uint32_t wants;
	struct str type;        /* of the content: Content-Type */
	struct str disposition; /* Content-Disposition: `notification` of an IMDN */
	struct str content;
};

/* Slices of `in`, the body of type message/cpim.  Header fields of other namespaces are left out;
 * the prefix `imdn` needs no declaration.  The limits are those of wire/mime.  -EBADMSG: an empty
 * envelope, nothing behind it, or a broken field; -E2BIG. */
int cpim_parse(struct cpim *ret, struct str in) MUST_CHECK;
/* The URI of a From or To: what stands between < and >, or the whole value. */
struct str cpim_uri(struct str value);

/* Appends the envelope and its content.  Line ends and zero bytes in values are left out. */
void cpim_put(struct buf *b, const struct cpim *c);
