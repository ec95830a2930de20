/* What srtp.c knows of a session, for its test: how far a key has been used. */
#pragma once

#include "stack/media/srtp.h"
#include "stack/media/srtp_keys.h"
#include "stack/media/srtp_window.h"

/* RFC 3711 section 9.2, for all packets of a master key. */
#define SRTP_LIFE_RTP ((uint64_t)1 << 48)
#define SRTP_LIFE_RTCP ((uint64_t)1 << 31)

struct srtp_source {
	uint32_t ssrc;
	bool is_kept;
	struct srtp_window rtp, rtcp;
};

struct srtp {
	struct srtp_keys rtp, rtcp;
	size_t tag_len;              /* of RTP */
	uint64_t n_rtp, n_rtcp;      /* packets that were protected */
	struct srtp_source *sources; /* n_sources of them, in one block */
	size_t n_sources;
};
