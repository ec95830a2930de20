/* Messages of TURN as a client writes and reads them (RFC 8489, RFC 8656): no more than the
 * generator needs. */
#pragma once

#include <netinet/in.h>

#include "text.h"

enum {
	TURN_HEAD_LEN = 20,
	TURN_ID_LEN = 12,
	TURN_KEY_LEN = 16,
	TURN_MESSAGE_MAX = 1024, /* bytes of a request */
	TURN_CHANNEL_HEAD = 4,
	TURN_SEND_HEAD = 36, /* of a Send indication with an IPv4 peer, up to the payload */
};

/* Types of messages. */
enum {
	TURN_ALLOCATE = 0x0003,
	TURN_CREATE_PERMISSION = 0x0008,
	TURN_CHANNEL_BIND = 0x0009,
	TURN_SEND_INDICATION = 0x0016,
	TURN_DATA_INDICATION = 0x0017,
	TURN_SUCCESS = 0x0100, /* a bit that an answer has beside its request's */
	TURN_ERROR = 0x0110,
};

/* Types of attributes. */
enum {
	TURN_A_USERNAME = 0x0006,
	TURN_A_INTEGRITY = 0x0008,
	TURN_A_ERROR = 0x0009,
	TURN_A_CHANNEL = 0x000c,
	TURN_A_PEER = 0x0012,
	TURN_A_DATA = 0x0013,
	TURN_A_REALM = 0x0014,
	TURN_A_NONCE = 0x0015,
	TURN_A_TRANSPORT = 0x0019,
};

/* Writing: into memory of TURN_MESSAGE_MAX bytes; the length in the head is right after each. */
void turn_begin(struct out *o, unsigned type, const uint8_t id[TURN_ID_LEN]);
void turn_put(struct out *o, unsigned type, struct str value);
void turn_put_u32(struct out *o, unsigned type, uint32_t value);
void turn_put_peer(struct out *o, const struct sockaddr_in *peer);
/* MESSAGE-INTEGRITY. */
void turn_sign(struct out *o, const uint8_t key[TURN_KEY_LEN]);
/* The key of a long-term credential: of the texts (RFC 8489 section 9.2.2). */
void turn_key(uint8_t ret[TURN_KEY_LEN], struct str user, struct str realm, struct str password);

/* What stands before a payload of n bytes, a multiple of 4. */
void turn_channel_head(uint8_t ret[TURN_CHANNEL_HEAD], uint16_t number, size_t n);
void turn_send_head(uint8_t ret[TURN_SEND_HEAD], const struct sockaddr_in *peer, size_t n);

/* The length of the first message of a stream, ChannelData with its padding; 0: not whole. */
size_t turn_frame(struct str stream);
/* The payload of ChannelData or of a Data indication; false: it is neither. */
bool turn_payload(struct str message, struct str *ret);
/* The type of another message; 0: it is none. */
unsigned turn_type(struct str message);
bool turn_attr(struct str message, unsigned type, struct str *ret);
/* The code of an error; 0: there is none. */
unsigned turn_error(struct str message);
