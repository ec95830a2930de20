/* libsrtp2 as the oracle of our SRTP, one object for one direction of a session.  Opened by hand:
 * it has functions of the same names as ours. */
#pragma once

#include "base/base.h"

struct libsrtp; /* opaque */

enum libsrtp_job {
	LIBSRTP_PROTECT,
	LIBSRTP_PROTECT_RTCP,
	LIBSRTP_UNPROTECT,
	LIBSRTP_UNPROTECT_RTCP
};

/* Once, before all else; false if the library is not there. */
bool libsrtp_open(void) MUST_CHECK;
/* short_tag: AES_CM_128_HMAC_SHA1_32, otherwise _80. */
struct libsrtp *libsrtp_new(const uint8_t *key, bool short_tag, bool is_sender) MUST_CHECK;
void libsrtp_free(struct libsrtp **lp);
/* 0, -EALREADY (replayed or too old), or -EBADMSG. */
int libsrtp_do(struct libsrtp *l, enum libsrtp_job job, uint8_t *packet, size_t *len) MUST_CHECK;
