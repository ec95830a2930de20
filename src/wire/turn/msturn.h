/* Messages of [MS-TURN], the TURN of Office Communications Server and Lync: the draft
 * rosenberg-midcom-turn-08 with extensions.  They differ from RFC 8656 (wire/stun/stun.h) in all of
 * this: MAGIC-COOKIE is an attribute, and the first one; the transaction id has 16 bytes; values
 * are not padded; NONCE and REALM have each other's number; MESSAGE-INTEGRITY hashes zeros up to
 * whole blocks; methods and classes are not in separate bits.
 *
 * Reading borrows the message; writing needs no heap. */
#pragma once

#include "base/addr.h"
#include "wire/stun/part.h"

enum {
	MSTURN_HEADER_LEN = 20,
	MSTURN_ID_LEN = 16,
	MSTURN_ATTRS_MAX = 32,   /* attributes of one message: -E2BIG beyond */
	MSTURN_READ_MAX = 65535, /* bytes of a message that we read: -E2BIG beyond */
	MSTURN_BYTES_MAX = 1024, /* bytes of a message that we write with struct msturn_out */
	MSTURN_CONNECTION_LEN = 20,
	MSTURN_TEXT_MAX = 128, /* bytes of a realm or a nonce that we write */
};

enum msturn_type {
	MSTURN_ALLOCATE = 0x0003, /* refreshes and, with a lifetime of 0, releases as well */
	MSTURN_ALLOCATE_SUCCESS = 0x0103,
	MSTURN_ALLOCATE_ERROR = 0x0113,
	MSTURN_SEND = 0x0004, /* never answered */
	MSTURN_DATA_INDICATION = 0x0115,
	MSTURN_SET_ACTIVE = 0x0006, /* Set Active Destination */
	MSTURN_SET_ACTIVE_SUCCESS = 0x0106,
	MSTURN_SET_ACTIVE_ERROR = 0x0116,
};

/* Attribute types. */
enum {
	MSTURN_MAPPED_ADDRESS = 0x0001, /* in an answer: the relayed address */
	MSTURN_USERNAME = 0x0006,
	MSTURN_MESSAGE_INTEGRITY = 0x0008,
	MSTURN_ERROR_CODE = 0x0009,
	MSTURN_UNKNOWN_ATTRIBUTES = 0x000a,
	MSTURN_LIFETIME = 0x000d,
	MSTURN_ALTERNATE_SERVER = 0x000e,
	MSTURN_MAGIC_COOKIE = 0x000f,
	MSTURN_BANDWIDTH = 0x0010,
	MSTURN_DESTINATION_ADDRESS = 0x0011,
	MSTURN_REMOTE_ADDRESS = 0x0012,
	MSTURN_DATA = 0x0013,
	MSTURN_NONCE = 0x0014,
	MSTURN_REALM = 0x0015,
	MSTURN_REQUESTED_ADDRESS_FAMILY = 0x0017,
	MSTURN_VERSION = 0x8008,
	MSTURN_XOR_MAPPED_ADDRESS = 0x8020, /* the client's own address as the server sees it */
	MSTURN_ALTERNATE_HOST_NAME = 0x8032,
	MSTURN_SEQUENCE_NUMBER = 0x8050,
	MSTURN_SERVICE_QUALITY = 0x8055,
	MSTURN_ALTERNATE_MAPPED_ADDRESS = 0x8090, /* the relayed address of the second family */
	MSTURN_MULTIPLEXED_SESSION_ID = 0x8095,
};

/* Values of MSTURN_VERSION. */
enum {
	MSTURN_ICE = 1,
	MSTURN_ICE2 = 2,
	MSTURN_SHA256 = 3,
	MSTURN_IPV6 = 4,
};
/* Of MSTURN_SERVICE_QUALITY; without it, audio with best effort. */
enum msturn_stream {
	MSTURN_AUDIO = 1,
	MSTURN_VIDEO = 2,
	MSTURN_SUPPLEMENTAL_VIDEO = 3,
	MSTURN_DATA_STREAM = 4,
};
enum msturn_quality { MSTURN_BEST_EFFORT = 0, MSTURN_RELIABLE = 1 };

struct msturn_attr {
	uint16_t type;
	uint16_t at, len; /* of the value in the message */
};

struct msturn_msg {
	struct str raw;    /* borrowed */
	uint16_t type;     /* an enum msturn_type, or what else somebody sent */
	const uint8_t *id; /* MSTURN_ID_LEN bytes */
	unsigned n_attrs;
	struct msturn_attr attrs[MSTURN_ATTRS_MAX];
};

/* 0, -EBADMSG (no message, lengths wrong, MAGIC-COOKIE not first) or -E2BIG.  What stands behind
 * MESSAGE-INTEGRITY is left out. */
int msturn_parse(struct msturn_msg *ret, struct str message) MUST_CHECK;
/* The first attribute of the type: true and its value.  USERNAME is binary here. */
bool msturn_attr(const struct msturn_msg *m, uint16_t type, struct str *ret);
/* True if it is there and of that size. */
bool msturn_attr_u32(const struct msturn_msg *m, uint16_t type, uint32_t *ret);
/* DESTINATION-ADDRESS and its like: true if it is there and well formed. */
bool msturn_attr_addr(const struct msturn_msg *m, uint16_t type, struct addr *ret);
/* The same of XOR-MAPPED-ADDRESS. */
bool msturn_attr_xor_addr(const struct msturn_msg *m, uint16_t type, struct addr *ret);
/* Code and reason of ERROR-CODE: true if it is there and the code is one of 300 to 699. */
bool msturn_attr_error(const struct msturn_msg *m, unsigned *ret_code, struct str *ret_reason);
/* REQUESTED-ADDRESS-FAMILY as AF_INET or AF_INET6. */
bool msturn_attr_family(const struct msturn_msg *m, int *ret);

struct msturn_sequence {
	uint8_t connection[MSTURN_CONNECTION_LEN];
	uint32_t number;
};
bool msturn_attr_sequence(const struct msturn_msg *m, struct msturn_sequence *ret);

struct msturn_service {
	enum msturn_stream stream;
	enum msturn_quality quality;
};
/* False if it is not there or says what the specification does not know. */
bool msturn_attr_service(const struct msturn_msg *m, struct msturn_service *ret);

/* True if there is a MESSAGE-INTEGRITY and it is that of the key (stun_long_term_key() of the
 * decoded user name, realm and decoded password); compared in constant time. */
bool msturn_is_signed(const struct msturn_msg *m, const uint8_t key[STUN_KEY_LEN]);
/* The types of attributes that must be understood (below 0x8000) and that [MS-TURN] does not have:
 * at most `max` into ret; returns how many. */
size_t msturn_unknown(const struct msturn_msg *m, uint16_t *ret, size_t max);

/* A message while it is written: complete after each call. */
struct msturn_out {
	uint8_t bytes[MSTURN_BYTES_MAX];
	size_t len;
	bool full; /* something did not fit: do not send it */
};
/* Header and MAGIC-COOKIE. */
void msturn_begin(struct msturn_out *o, enum msturn_type type, const uint8_t id[MSTURN_ID_LEN]);
void msturn_put(struct msturn_out *o, uint16_t type, struct str value);
void msturn_put_u32(struct msturn_out *o, uint16_t type, uint32_t value);
void msturn_put_addr(struct msturn_out *o, uint16_t type, const struct addr *a);
void msturn_put_xor_addr(struct msturn_out *o, uint16_t type, const struct addr *a);
/* ERROR-CODE; the code is one of 300 to 699. */
void msturn_put_error(struct msturn_out *o, unsigned code, struct str reason);
void msturn_put_sequence(struct msturn_out *o, const struct msturn_sequence *s);
/* MESSAGE-INTEGRITY, last. */
void msturn_sign(struct msturn_out *o, const uint8_t key[STUN_KEY_LEN]);
/* What was written. */
static inline struct str msturn_text(const struct msturn_out *o)
{
	return (struct str){ (const char *)o->bytes, o->len };
}

/* The reason phrase of an error: of [MS-TURN]'s own codes, and for others stun_reason(). */
struct str msturn_reason(unsigned code);

/* What an answer tells.  More than MSTURN_TEXT_MAX bytes of either: the message is full. */
struct msturn_challenge {
	struct str realm, nonce; /* empty: left out */
};
struct msturn_allocation {
	struct addr relayed, mapped;
	const struct addr *alternate; /* the relayed address of the second family, or NULL */
	uint32_t lifetime_s;
	uint32_t bandwidth_kbps; /* 0: left out */
	uint32_t version;
	struct msturn_sequence sequence;
	struct msturn_challenge challenge;
};
struct msturn_refusal {
	enum msturn_type type; /* MSTURN_ALLOCATE_ERROR or MSTURN_SET_ACTIVE_ERROR */
	unsigned code;
	struct str reason; /* empty: msturn_reason() */
	struct msturn_challenge challenge;
	const uint16_t *unknown; /* of 420 */
	size_t n_unknown;        /* at most MSTURN_ATTRS_MAX */
};
/* Write whole answers.  The key (STUN_KEY_LEN bytes) signs them; NULL: not signed (401 and 438). */
void msturn_allocated(struct msturn_out *o, const uint8_t id[MSTURN_ID_LEN],
                      const struct msturn_allocation *a, const uint8_t *key);
void msturn_activated(struct msturn_out *o, const uint8_t id[MSTURN_ID_LEN],
                      const struct msturn_sequence *s, const uint8_t *key);
void msturn_refused(struct msturn_out *o, const uint8_t id[MSTURN_ID_LEN],
                    const struct msturn_refusal *r, const uint8_t *key);

/* Makes a Data Indication of the payload in place, as turn_put_data() does: header, MAGIC-COOKIE,
 * REMOTE-ADDRESS and the head of DATA (44 bytes, IPv6 56) before it, nothing behind it.  An empty
 * slice, and nothing written, if it would be longer than MSTURN_READ_MAX. */
struct bytes msturn_put_data(uint8_t *payload, size_t len, const struct addr *peer,
                             const uint8_t id[MSTURN_ID_LEN]);
