/* Writing session descriptions: one that came with some things changed, or a fresh one.  Appends to
 * a buf.  Line ends and zero bytes in what is handed in are left out, so that no value can become
 * a line of its own. */
#pragma once

#include "base/buf.h"
#include "wire/sdp/attr.h"

/* What becomes different in the session part or in one media section.  A field that is left zero
 * changes nothing. */
struct sdp_edit {
	bool set_port;         /* media: `port` instead of the port (a number of ports goes away) */
	uint16_t port;         /* 0 refuses the section */
	struct str proto;      /* media: another protocol, "RTP/SAVP" */
	struct str formats;    /* media: another list of formats */
	struct str origin;     /* session: value of the o= line, which must be there */
	struct str connection; /* value of the c= line, added where there is none: "IN IP4
	                          192.0.2.1" */
	const struct str *drop; /* attributes that are left out: "crypto" stands for all of the
	                         * name, "rtpmap:105" for those whose value begins with that word */
	unsigned n_drop;
	struct str
	        add; /* whole lines to put behind the section, from sdp_put_attr() and the like */
};

/* Writes the description with changes: `session` (may be NULL) for its first part, `media[i]` for
 * the i-th of n_media sections; sections beyond n_media stay as they are.  Lines that no change
 * names are written byte for byte, line ends included; new lines end with CRLF. */
void sdp_put_edited(struct buf *b, const struct sdp *s, const struct sdp_edit *session,
                    const struct sdp_edit *media, unsigned n_media);

/* The start of a fresh description: v=, o=, s=, c=, t=0 0. */
struct sdp_fresh {
	uint64_t id, version; /* of the o= line */
	struct str address;   /* IPv4 or IPv6 (without brackets), in o= and c= */
	struct str name;      /* empty: "-" */
};
void sdp_put_session(struct buf *b, const struct sdp_fresh *f);
/* "m=audio 5004 RTP/AVP 0 8"; without formats nothing follows the protocol. */
void sdp_put_media(struct buf *b, struct str media, uint16_t port, struct str proto,
                   struct str formats);
/* "a=name:value", or "a=name" if value.p is NULL. */
void sdp_put_attr(struct buf *b, struct str name, struct str value);
/* "IN IP4 192.0.2.1" or "IN IP6 2001:db8::1": for sdp_edit. */
void sdp_put_connection(struct buf *b, struct str address);
void sdp_put_rtpmap(struct buf *b, const struct sdp_rtpmap *m);
/* a=crypto with its keys as they are. */
void sdp_put_crypto(struct buf *b, const struct sdp_crypto *c);
/* a=candidate in the form it was read in, everything behind the type included. */
void sdp_put_candidate(struct buf *b, const struct sdp_candidate *c);
void sdp_put_fingerprint(struct buf *b, const struct sdp_fingerprint *f);
