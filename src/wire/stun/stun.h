/* STUN messages (RFC 8489), with what ICE (RFC 8445 section 16.1) and TURN (RFC 8656, RFC 6062) put
 * into them, and in the dialect of Lync clients ([MS-ICE2]), of which libnice's mode OC2007R2 is
 * one.
 *
 * Lync's dialect differs in two things.  In MESSAGE-INTEGRITY the length field that is hashed
 * counts the FINGERPRINT behind it, and the text is padded with zeros to a multiple of 64 bytes.
 * And padding is no part of the frame: a value is as long as its length says, so who wants the next
 * attribute aligned counts the zeros as part of the value.  FINGERPRINT is the standard one;
 * libnice sends each check a second time with a wrong one, for clients of 2007, until it has read
 * MS-IMPLEMENTATION-VERSION.
 *
 * Reading borrows the datagram; writing needs no heap. */
#pragma once

#include "base/addr.h"
#include "base/buf.h"
#include "wire/stun/part.h"

enum {
	STUN_HEADER_LEN = 20,
	STUN_ID_LEN = 12,
	STUN_ATTRS_MAX = 80,   /* attributes of one message: -E2BIG beyond */
	STUN_READ_MAX = 65535, /* bytes of a message that we read: -E2BIG beyond */
	STUN_BYTES_MAX = 1280, /* bytes of a message that we write with struct stun_out */
};

enum stun_class { STUN_REQUEST, STUN_INDICATION, STUN_SUCCESS, STUN_ERROR };
enum stun_method {
	STUN_BINDING = 0x001,
	STUN_ALLOCATE = 0x003,
	STUN_REFRESH = 0x004,
	STUN_SEND = 0x006, /* an indication, as DATA is */
	STUN_DATA_METHOD = 0x007,
	STUN_CREATE_PERMISSION = 0x008,
	STUN_CHANNEL_BIND = 0x009,
	STUN_CONNECT = 0x00a,
	STUN_CONNECTION_BIND = 0x00b,
	STUN_CONNECTION_ATTEMPT = 0x00c, /* an indication */
};

/* Attribute types. */
enum {
	STUN_MAPPED_ADDRESS = 0x0001,
	STUN_USERNAME = 0x0006,
	STUN_MESSAGE_INTEGRITY = 0x0008,
	STUN_ERROR_CODE = 0x0009,
	STUN_UNKNOWN_ATTRIBUTES = 0x000a,
	STUN_CHANNEL_NUMBER = 0x000c,
	STUN_LIFETIME = 0x000d,
	STUN_XOR_PEER_ADDRESS = 0x0012,
	STUN_DATA = 0x0013,
	STUN_REALM = 0x0014,
	STUN_NONCE = 0x0015,
	STUN_XOR_RELAYED_ADDRESS = 0x0016,
	STUN_REQUESTED_ADDRESS_FAMILY = 0x0017,
	STUN_EVEN_PORT = 0x0018,
	STUN_REQUESTED_TRANSPORT = 0x0019,
	STUN_DONT_FRAGMENT = 0x001a,
	STUN_MESSAGE_INTEGRITY_SHA256 = 0x001c,
	STUN_PASSWORD_ALGORITHM = 0x001d,
	STUN_USERHASH = 0x001e,
	STUN_XOR_MAPPED_ADDRESS = 0x0020,
	STUN_RESERVATION_TOKEN = 0x0022,
	STUN_PRIORITY = 0x0024,
	STUN_USE_CANDIDATE = 0x0025,
	STUN_CONNECTION_ID = 0x002a,
	STUN_ADDITIONAL_ADDRESS_FAMILY = 0x8000,
	STUN_ADDRESS_ERROR_CODE = 0x8001,
	STUN_PASSWORD_ALGORITHMS = 0x8002,
	STUN_ALTERNATE_DOMAIN = 0x8003,
	STUN_ICMP = 0x8004,
	STUN_SOFTWARE = 0x8022,
	STUN_ALTERNATE_SERVER = 0x8023,
	STUN_FINGERPRINT = 0x8028,
	STUN_ICE_CONTROLLED = 0x8029,
	STUN_ICE_CONTROLLING = 0x802a,
	STUN_MS_CANDIDATE_IDENTIFIER = 0x8054,
	STUN_MS_IMPLEMENTATION_VERSION = 0x8070,
};

enum stun_dialect { STUN_STANDARD, STUN_LYNC };

struct stun_attr {
	uint16_t type;
	uint16_t at, len; /* of the value in the message */
};

struct stun_msg {
	struct str raw; /* the datagram, borrowed */
	uint16_t type;
	uint8_t class;     /* enum stun_class */
	uint16_t method;   /* at most 255 (RFC 8489 section 18.2) */
	const uint8_t *id; /* STUN_ID_LEN bytes */
	unsigned n_attrs;
	struct stun_attr attrs[STUN_ATTRS_MAX];
};

/* Could it be STUN rather than RTP or DTLS (RFC 7983)?  Looks at the first byte, the cookie and the
 * length. */
bool stun_looks_like(struct str datagram);
/* 0, -EBADMSG (no STUN, lengths wrong) or -E2BIG.  What stands behind MESSAGE-INTEGRITY is left out
 * except FINGERPRINT (RFC 8489 section 14.5), and all that stands behind FINGERPRINT.  A message of
 * a length that is no multiple of 4 is read as one without padding: libnice's errors are such. */
int stun_parse(struct stun_msg *ret, struct str datagram) MUST_CHECK;
/* The first attribute of the type: true and its value. */
bool stun_attr(const struct stun_msg *m, uint16_t type, struct str *ret);
/* Each attribute of the type in turn; *at begins with 0. */
bool stun_next(const struct stun_msg *m, uint16_t type, unsigned *at, struct str *ret);
/* The same without zeros at the end: USERNAME and the like in either dialect. */
bool stun_attr_text(const struct stun_msg *m, uint16_t type, struct str *ret);
/* True if it is there and of that size. */
bool stun_attr_u32(const struct stun_msg *m, uint16_t type, uint32_t *ret);
bool stun_attr_u64(const struct stun_msg *m, uint16_t type, uint64_t *ret);
/* XOR-MAPPED-ADDRESS and its like: true if it is there and well formed. */
bool stun_attr_addr(const struct stun_msg *m, uint16_t type, struct addr *ret);
/* The same of MAPPED-ADDRESS and ALTERNATE-SERVER, which are not XORed. */
bool stun_attr_plain_addr(const struct stun_msg *m, uint16_t type, struct addr *ret);
/* Each XORed address of the type in turn, several XOR-PEER-ADDRESS of CreatePermission: 1, 0 after
 * the last, or -EBADMSG (malformed; the next call goes on behind it).  *at begins with 0. */
int stun_next_addr(const struct stun_msg *m, uint16_t type, unsigned *at,
                   struct addr *ret) MUST_CHECK;
/* Code and reason of ERROR-CODE: true if it is there and the code is one of 300 to 699. */
bool stun_attr_error(const struct stun_msg *m, unsigned *ret_code, struct str *ret_reason);
/* True if there is a MESSAGE-INTEGRITY and it is that of the key; compared in constant time. */
bool stun_is_signed(const struct stun_msg *m, enum stun_dialect d, struct str key);
/* True if there is a FINGERPRINT, last, and it is right. */
bool stun_has_fingerprint(const struct stun_msg *m);
/* The types of attributes that must be understood (below 0x8000) and are not in `known` (n of
 * them): at most `max` into ret; returns how many. */
size_t stun_unknown(const struct stun_msg *m, const uint16_t *known, size_t n, uint16_t *ret,
                    size_t max);

/* A message while it is written: complete after each call. */
struct stun_out {
	uint8_t bytes[STUN_BYTES_MAX];
	size_t len;
	bool full; /* something did not fit: do not send it */
};
void stun_begin(struct stun_out *o, enum stun_class class, uint16_t method,
                const uint8_t id[STUN_ID_LEN]);
void stun_put(struct stun_out *o, uint16_t type, struct str value); /* padded to 4 with zeros */
void stun_put_u32(struct stun_out *o, uint16_t type, uint32_t value);
void stun_put_u64(struct stun_out *o, uint16_t type, uint64_t value);
void stun_put_xor_addr(struct stun_out *o, uint16_t type, const struct addr *a);
void stun_put_plain_addr(struct stun_out *o, uint16_t type, const struct addr *a);
/* UNKNOWN-ATTRIBUTES with n types, at most STUN_ATTRS_MAX. */
void stun_put_unknown(struct stun_out *o, const uint16_t *types, size_t n);
/* ERROR-CODE; the code is one of 300 to 699. */
void stun_put_error(struct stun_out *o, unsigned code, struct str reason);
/* MESSAGE-INTEGRITY with the key (none if key.p is NULL), then FINGERPRINT.  In Lync's dialect it
 * first makes the padding of all values part of them. */
void stun_end(struct stun_out *o, enum stun_dialect d, struct str key);
/* What was written. */
static inline struct str stun_text(const struct stun_out *o)
{
	return (struct str){ (const char *)o->bytes, o->len };
}
