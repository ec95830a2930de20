/* A SIP message in memory (RFC 3261 section 7): an index over the received bytes.
 *
 * Parsing copies nothing and allocates nothing.  Positions are offsets, so a message moves by
 * copying its bytes and this struct and setting `base`.  Header fields are kept in order and byte
 * for byte; typed access (sip_from() and the like, uri.h) happens when somebody asks. */
#pragma once

#include "base/str.h"
#include "wire/sip/names.h"
#include "wire/sip/uri.h"

/* Limits, each with the answer it causes. */
enum {
	SIP_CLIENT_MAX = 128 * 1024,      /* bytes of a message from a client (F-006): 513 */
	SIP_SERVER_MAX = 5000 * 1024,     /* from a server of the topology: 513 */
	SIP_SERVER_HEAD_MAX = 256 * 1024, /* of the head from a server: 400 above SIP_HEAD_MAX, and
	                                   * the connection closed above this */
	SIP_HEAD_MAX = 64 * 1024,         /* bytes up to the empty line: 400, connection closed */
	SIP_HEADERS_MAX = 250,            /* header fields: 400 */
	SIP_LIST_MAX = 100,               /* values of one comma list that we look at: 400 */
};

struct sip_hdr {
	uint32_t name, value, end; /* offsets of the name, of the trimmed value and of its end */
	uint16_t name_len;
	uint8_t id;   /* enum sip_hdr_id, SIP_H_OTHER if unknown */
	uint8_t next; /* index of the next field with the same id, 0 if none (never of OTHER) */
};

/* What sip_from() and the others below have read; a bit of parts_read and parts_good each. */
enum sip_part {
	SIP_PART_FROM = 1,
	SIP_PART_TO = 2,
	SIP_PART_FROM_URI = 4,
	SIP_PART_TO_URI = 8,
	SIP_PART_VIA = 16,
	SIP_PART_CONTACT = 32,
};
struct sip_parts {
	struct sip_addr from, to, contact;
	struct sip_uri from_uri, to_uri;
	struct sip_via via;
};

struct sip_msg {
	const char *base; /* the bytes; borrowed */
	uint32_t len;     /* of the whole message, body included */
	bool is_request;
	uint8_t method;   /* enum sip_method: of the request line, or of CSeq in a response */
	uint16_t status;  /* 0 in a request */
	struct str start; /* the start line without CRLF */
	struct str method_name;
	struct str uri;    /* Request-URI as written */
	struct str reason; /* reason phrase */
	struct str body;   /* Content-Length (or, over UDP without it, datagram) bytes */
	uint32_t head_len; /* offset of the body */
	uint16_t n_hdrs;
	bool too_many;              /* header fields: those beyond the limit are not indexed */
	bool broken_line;           /* a line that is no header field, or no end of the head */
	uint8_t first[SIP_H_N_IDS]; /* 1 + index of the first field with the id, 0 if none */
	/* Of the parts every layer needs, found while parsing (empty if absent or broken). */
	struct str call_id;
	uint32_t cseq;
	uint8_t parts_read, parts_good;
	struct sip_parts parts;
	struct sip_hdr hdrs[SIP_HEADERS_MAX]; /* last: only n_hdrs of them are ever touched */
};

/* Parses one whole message: a datagram, or what sip_frame() cut out of a stream.
 * 0; -EBADMSG if it is no SIP message that could be answered (drop); otherwise 0 and sip_check()
 * says whether it is acceptable.  Leading CRLFs are skipped. */
int sip_parse(struct sip_msg *ret, struct str in) MUST_CHECK;

/* What a broken or unacceptable message deserves. */
struct sip_fault {
	int code;           /* 0 if fine; else the status code to answer with (a request) or any
	                     * non-zero value (a response: drop) */
	const char *reason; /* static text for the reason phrase and the log */
};
/* Checks what RFC 3261 section 8.2 / 16.3 / 18.3 demand of every message before anyone acts on it:
 * mandatory fields once and well formed (To, From, Call-ID, CSeq with the same method, top Via,
 * Max-Forwards if there, Content-Length not above what came), version, Request-URI syntax and
 * scheme, no duplicate single fields. */
struct sip_fault sip_check(const struct sip_msg *m);

/* Copies the message into memory of its own: one block of malloc'ed memory, with `extra` bytes in
 * front for the caller's struct.  *ret_extra is the block (free() it). The copy has room for just
 * its own header fields. */
struct sip_msg *sip_msg_copy(const struct sip_msg *m, size_t extra, void **ret_extra) MUST_CHECK;
/* The size of struct sip_msg with n_hdrs fields. */
size_t sip_msg_size(const struct sip_msg *m);

/* The two parts of a CSeq value; -EBADMSG. */
int sip_cseq_parse(struct str value, uint32_t *ret, struct str *ret_method) MUST_CHECK;

static inline struct str sip_hdr_value(const struct sip_msg *m, const struct sip_hdr *h)
{
	return (struct str){ m->base + h->value, h->end - h->value };
}

static inline struct str sip_hdr_name(const struct sip_msg *m, const struct sip_hdr *h)
{
	return (struct str){ m->base + h->name, h->name_len };
}

/* The first field with the id, or NULL. */
static inline const struct sip_hdr *sip_first(const struct sip_msg *m, enum sip_hdr_id id)
{
	return m->first[id] ? &m->hdrs[m->first[id] - 1] : NULL;
}

/* The next field with the same id, or NULL. */
static inline const struct sip_hdr *sip_next(const struct sip_msg *m, const struct sip_hdr *h)
{
	return h->next ? &m->hdrs[h->next] : NULL;
}

/* The value of the first field with the id; empty (p NULL) if there is none. */
static inline struct str sip_value(const struct sip_msg *m, enum sip_hdr_id id)
{
	const struct sip_hdr *h = sip_first(m, id);
	return h ? sip_hdr_value(m, h) : (struct str){ NULL, 0 };
}

/* The fields that every layer reads: read when first asked for, and kept in the message.  NULL if
 * absent or broken; a URI also if its field is. */
const struct sip_addr *sip_from(const struct sip_msg *m);
const struct sip_addr *sip_to(const struct sip_msg *m);
const struct sip_uri *sip_from_uri(const struct sip_msg *m);
const struct sip_uri *sip_to_uri(const struct sip_msg *m);
/* The first value of Via, and of Contact (which may be the star). */
const struct sip_via *sip_top_via(const struct sip_msg *m);
const struct sip_addr *sip_contact(const struct sip_msg *m);

/* Steps through the values of all Contact fields; all zero to start. */
struct sip_contacts {
	const struct sip_hdr *h;
	struct str rest; /* of the field's value */
	bool begun;
};
/* The next one: 1, 0 at the end, -EBADMSG. */
int sip_contact_next(const struct sip_msg *m, struct sip_contacts *it,
                     struct sip_addr *ret) MUST_CHECK;
/* What stands behind a value and its comma in the list that it was taken from. */
struct str sip_list_behind(struct str list, struct str value);

/* The value of the first field with this name (any case, long form); empty if there is none. */
struct str sip_value_named(const struct sip_msg *m, struct str name);
/* True if one of the comma list values of all fields with the id is `token` (any case): Require,
 * Supported, Allow. */
bool sip_has_token(const struct sip_msg *m, enum sip_hdr_id id, struct str token);

/* Cutting messages out of a byte stream (RFC 3261 section 18.3, RFC 5626 section 3.5.1). Resumable:
 * keeps how far it has looked, so a message that trickles in is not scanned again. */
struct sip_framer {
	uint32_t scanned; /* bytes of the head looked at */
	uint32_t msg_len; /* known length of the message at the front, 0 if not known */
};
enum sip_frame_kind { SIP_FRAME_MORE, SIP_FRAME_MSG, SIP_FRAME_PING, SIP_FRAME_PONG };
/* Looks at the front of `in` (all unconsumed bytes).  Sets *ret_len to the bytes to consume:
 * MSG - one whole message; PING - a double CRLF to be answered with one CRLF; PONG - one CRLF
 * (an answer to our ping, or stray line ends); MORE - 0 or stray bytes before a message.
 * -EBADMSG (no Content-Length, or head that is no SIP) or -E2BIG (above max or SIP_HEAD_MAX): the
 * stream can not go on; in the case of -E2BIG with a complete head *ret_len is the head's length,
 * so that a 513 can be sent. */
int sip_frame(struct sip_framer *f, struct str in, uint32_t max, uint32_t *ret_len) MUST_CHECK;
