/* What a relay has to know of a packet before it parses it, and what it puts around a payload that
 * stays where it is: TURN (RFC 8656) and the framing and disguise of Lync's dialect over TCP
 * ([MS-TURN] section 2.1).  Messages themselves: wire/stun/stun.h and wire/turn/msturn.h.
 *
 * Functions turn_put_*() write in front of a payload, and padding behind it, so that a relayed
 * packet is not copied: there must be TURN_HEADROOM bytes of room before it and TURN_TAILROOM
 * behind. */
#pragma once

#include "base/addr.h"
#include "wire/stun/stun.h"

enum {
	TURN_CHANNEL_MIN = 0x4000,
	/* RFC 8656 section 12 ends at 0x4fff; clients of RFC 5766, of which there are many, take
	 * any up to this. */
	TURN_CHANNEL_MAX = 0x7fff,
	TURN_CHANNEL_HEAD_LEN = 4,
	TURN_MS_FRAME_HEAD_LEN = 4,
	TURN_MS_HELLO_LEN = 50,
	TURN_MS_HELLO_ANSWER_LEN = 83,
	TURN_HEADROOM = 64, /* the longest head, of [MS-TURN] with IPv6 in a frame, has 60 bytes */
	TURN_TAILROOM = 3,
};

enum turn_kind {
	TURN_OTHER,
	TURN_STUN,         /* STUN or TURN with the cookie of RFC 8489, of the datagram's length */
	TURN_CHANNEL_DATA, /* the number of a channel */
	TURN_MS_CONTROL,   /* [MS-TURN]: MAGIC-COOKIE is the first attribute */
};
/* By a few fixed bytes.  What follows is not checked; who has told the relay of Lync's dialect to
 * pass everything on to one peer sends it STUN that is the peer's: only TURN_MS_CONTROL is ours. */
enum turn_kind turn_look(struct bytes datagram);

struct turn_channel {
	uint16_t number;   /* TURN_CHANNEL_MIN to TURN_CHANNEL_MAX */
	struct bytes data; /* borrowed */
};
enum turn_carrier { TURN_DATAGRAM, TURN_STREAM };
/* Reads ChannelData: 0, or -EBADMSG.  From a stream it is padded to 4 bytes exactly; in a datagram
 * up to 3 bytes of padding may be there (RFC 8656 section 12.5). */
int turn_channel_get(struct turn_channel *ret, struct bytes in, enum turn_carrier c) MUST_CHECK;

enum turn_framing {
	TURN_STANDARD, /* STUN and ChannelData one after the other */
	TURN_MS,       /* a head of 4 bytes: type, 0, length */
};
enum turn_ms_frame { TURN_MS_FRAME_CONTROL = 2, TURN_MS_FRAME_DATA = 3 };
/* The first frame of a stream: its length with head and padding, 0 if it is not whole yet, -EBADMSG
 * (no such frame can begin like this), or -E2BIG (longer than max; known from the head). */
ssize_t turn_frame(struct bytes stream, enum turn_framing f, size_t max) MUST_CHECK;

/* How a connection begins (RFC 7983 does not know Lync's). */
enum turn_opening {
	TURN_OPENS_MORE,     /* the same again with more bytes */
	TURN_OPENS_STANDARD, /* TURN_STANDARD frames */
	TURN_OPENS_MS,       /* TURN_MS frames, a control frame first */
	TURN_OPENS_MS_HELLO, /* TURN_MS_HELLO_LEN bytes of disguise; answer, then TURN_MS frames */
	TURN_OPENS_TLS,
	TURN_OPENS_OTHER,
};
enum turn_opening turn_opening(struct bytes first);

/* [MS-TURN]'s pseudo-TLS: the ClientHello that its clients send first on a port for TLS, and the
 * answer, ServerHello and ServerHelloDone in one record; no TLS follows. */
enum turn_match { TURN_NO, TURN_YES, TURN_MORE };
/* Is that what the stream begins with?  The 32 bytes of random are the client's; all others must be
 * those of turn_ms_hello. */
enum turn_match turn_ms_hello_match(struct bytes stream);
extern const uint8_t turn_ms_hello[TURN_MS_HELLO_LEN]; /* as libnice sends it */
extern const uint8_t turn_ms_hello_answer[TURN_MS_HELLO_ANSWER_LEN];
/* The same of that answer: its random and its session, 32 bytes each, are the relay's. */
enum turn_match turn_ms_hello_answer_match(struct bytes stream);

/* Makes a Data indication of the payload: header, XOR-PEER-ADDRESS, head of DATA (36 bytes, IPv6
 * 48) before it and zeros up to a multiple of 4 behind it.  The whole message; an empty slice, and
 * nothing written, if it would be longer than STUN_READ_MAX. */
struct bytes turn_put_data(uint8_t *payload, size_t len, const struct addr *peer,
                           const uint8_t id[STUN_ID_LEN]);
/* A client's: makes a Send indication of it, in the same way. */
struct bytes turn_put_send(uint8_t *payload, size_t len, const struct addr *peer,
                           const uint8_t id[STUN_ID_LEN]);
/* Makes ChannelData of the payload; padded for a stream.  An empty slice if it is longer than
 * 65,535 bytes. */
struct bytes turn_put_channel(uint8_t *payload, size_t len, uint16_t number, enum turn_carrier c);
/* Makes a frame of [MS-TURN] of a message or a payload: the same. */
struct bytes turn_put_ms_frame(uint8_t *content, size_t len, enum turn_ms_frame type);
