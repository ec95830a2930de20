/* SRTP and SRTCP (RFC 3711): one object for one direction of one session, all its sources (SSRC).
 *
 * Packets are changed in place.  Nothing is allocated for a packet but, once, the state of a source
 * that is new; the number of sources is limited, and an incoming source counts only when its first
 * packet was authentic. */
#pragma once

#include "base/str.h"

enum srtp_suite {
	SRTP_AES_CM_128_HMAC_SHA1_80, /* RFC 4568 section 6.2 */
	SRTP_AES_CM_128_HMAC_SHA1_32,
	SRTP_N_SUITES
};

enum {
	SRTP_KEY_LEN = 30,     /* master key and salt of these suites */
	SRTP_ROOM = 14,        /* bytes that protecting may add: tag, SRTCP's index */
	SRTP_SOURCES_MAX = 16, /* of one object; -ENOSPC beyond */
	SRTP_WINDOW = 128,     /* packets, of the replay window */
};

struct srtp; /* opaque */

/* NULL if the library refuses.  The key is copied; the caller wipes its own. */
struct srtp *srtp_new(enum srtp_suite suite, const uint8_t key[SRTP_KEY_LEN]) MUST_CHECK;
void srtp_free(struct srtp **sp); /* wipes what it knew */
/* The suite of that name in a=crypto: 0, or -ENOENT. */
int srtp_suite_of(struct str name, enum srtp_suite *ret) MUST_CHECK;
struct str srtp_suite_name(enum srtp_suite suite);

/* Encrypt and authenticate: *len grows; SRTP_ROOM bytes must be free behind the packet.  0,
 * -EBADMSG (no RTP or RTCP packet), -ENOSPC (too many sources), -EOVERFLOW (the key is used up:
 * RFC 3711 section 9.2), -EALREADY (an RTP packet of that number went out before, or may have: its
 * key stream must not serve twice, section 9.1).  A packet that is refused has not changed. */
int srtp_protect(struct srtp *s, uint8_t *packet, size_t *len) MUST_CHECK;
int srtp_protect_rtcp(struct srtp *s, uint8_t *packet, size_t *len) MUST_CHECK;
/* Check and decrypt: *len shrinks.  0, -EBADMSG (no such packet, or not authentic), -EALREADY (seen
 * before, or too old), -ENOSPC.  A packet that is refused has not changed, nor has the session. */
int srtp_unprotect(struct srtp *s, uint8_t *packet, size_t *len) MUST_CHECK;
int srtp_unprotect_rtcp(struct srtp *s, uint8_t *packet, size_t *len) MUST_CHECK;
