/* Which ways of protecting its media a section of a session description offers, and why a call that
 * cannot be had is refused. */
#pragma once

#include "wire/sdp/sdp.h"

/* How the media of a section may travel, one bit for each way it offers. */
enum sdp_security {
	SDP_SEC_PLAIN = 1 << 0,  /* RTP/AVP without keys is acceptable */
	SDP_SEC_BESIDE = 1 << 1, /* SRTP with a=crypto although the profile says RTP/AVP: Lync */
	SDP_SEC_SDES = 1 << 2,   /* SRTP with a=crypto under RTP/SAVP: nothing else will do */
	SDP_SEC_DTLS = 1 << 3,   /* SRTP with keys from DTLS (RFC 5763) */
};
/* The set for one section: empty if it is not RTP, is refused (port 0), or names no key that could
 * be used.  `a=encryption:required` ([MS-SDPEXT]) takes PLAIN away, `rejected` the keys beside
 * it. */
unsigned sdp_security(const struct sdp *s, const struct sdp_media *m);
/* Can somebody who knows the ways in `can` take part in all sections with this media word that are
 * not refused?  NULL if so, else the reason for a 488: static text about the first that he cannot.
 */
const char *sdp_refusal(const struct sdp *s, struct str media, unsigned can);
