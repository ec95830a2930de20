/* The sound of a session description: what the sender says of it, and the description written anew
 * with our end of the media in its place. */
#pragma once

#include "base/addr.h"
#include "base/buf.h"
#include "stack/ice/ice.h"
#include "stack/media/srtp.h"
#include "wire/sdp/sdp.h"
#include "wire/sip/msg.h"

enum { SOUND_BYTES_MAX = SDP_BYTES_MAX + 8 * 1024 }; /* of a description written anew */

/* Who reads or writes a description. */
enum sound_dialect {
	SOUND_PLAIN, /* RFC 3264 without ICE; RTP, or SRTP with keys in the SDP */
	SOUND_LYNC,  /* a Lync client: ICE, and a key of one form (docs/protocols/lync.md) */
};

/* The description in a message (application/sdp, or the part of a multipart/alternative).
 * 0; -ENOENT: there is none; -EBADMSG: it cannot be read. */
int sound_find(struct sdp *ret, const struct sip_msg *m) MUST_CHECK;

/* A key in a=crypto that we can use: of a suite we know, without MKI or session parameters. */
struct sound_key {
	bool there;
	uint32_t tag;
	enum srtp_suite suite;
	uint8_t bytes[SRTP_KEY_LEN];
};

/* What the other end says.  Slices point into the description. */
struct sound {
	const struct sdp_media *m;      /* its first audio section with a port */
	struct addr at[ICE_COMPONENTS]; /* RTP and RTCP, as c=, m= and a=rtcp say */
	bool ice;
	struct str ufrag, pwd;
	struct sound_key key;
	bool wants_srtp; /* its profile says so: without a usable key there can be no sound */
	bool held;       /* sends at most */
};
/* 0; -ENOENT: no audio section with a port; -EBADMSG: no address in it; -EPROTONOSUPPORT: not what
 * this dialect needs (a profile that we do not speak, no ICE from a Lync client, SRTP without a
 * usable key).  Wipe ret->key after use. */
int sound_read(struct sound *ret, const struct sdp *s, enum sound_dialect d) MUST_CHECK;
/* Its ICE candidates over UDP, one a call: *i starts at 0.  False at the end. */
bool sound_candidate(const struct sdp *s, const struct sound *o, unsigned *i,
                     unsigned *ret_component, struct addr *ret_at, uint32_t *ret_priority);

/* Addresses of a relay, and where it sees us. */
struct sound_relayed {
	struct addr at[ICE_COMPONENTS], mapped[ICE_COMPONENTS];
};

/* Our end, as the reader is told of it. */
struct sound_end {
	enum sound_dialect dialect;
	struct addr at[ICE_COMPONENTS];
	const struct ice *ice; /* SOUND_LYNC */
	const struct sound_relayed
	        *relayed;            /* the same by a relay, which is told of too; or NULL */
	const struct sound_key *key; /* NULL: RTP */
	struct str proto; /* an answer: the profile of the offer; empty: as the key says */
};
/* Appends the description with our end in its audio section `m`; all others are refused (port 0).
 * Payload types and what belongs to them pass as they are.  False: too long. */
bool sound_write(struct buf *b, const struct sdp *s, const struct sdp_media *m,
                 const struct sound_end *e);
