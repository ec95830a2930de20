/* The head of an HTTP/1.1 message in memory (RFC 9112): an index over the received bytes, and how
 * its body is framed.
 *
 * Parsing copies nothing and allocates nothing.  Positions are offsets, as in wire/sip/msg.h.  What
 * two readers could understand in two ways is refused, not repaired: that is what request smuggling
 * lives on. */
#pragma once

#include "base/str.h"
#include "wire/http/names.h"

/* Limits, each with the answer it causes. */
enum {
	HTTP_HEAD_MAX = 64 * 1024, /* bytes up to the empty line, a Kerberos ticket of 48 kB among
	                            * them: 431 */
	HTTP_HEADERS_MAX = 100,    /* header fields: 431 */
	HTTP_NAME_MAX = 256,       /* of a header field's name: 431 */
	HTTP_URL_MAX = 8 * 1024,   /* of the request target: 414 */
	HTTP_METHOD_MAX = 32,      /* 501 */
	HTTP_HOST_MAX = 255,       /* of Host, without the port: 400 */
	HTTP_LIST_MAX = 32,        /* values of a list that we look at: 400 */
};

struct http_hdr {
	uint32_t name, value, end; /* offsets of the name, of the trimmed value and of its end */
	uint16_t name_len;
	uint8_t id;   /* enum http_hdr_id, HTTP_H_OTHER if unknown */
	uint8_t next; /* index of the next field with the same id, 0 if none (never of OTHER) */
};

/* The form of a request target (RFC 9112 section 3.2). */
enum http_form {
	HTTP_FORM_ORIGIN,    /* /path?query */
	HTTP_FORM_ABSOLUTE,  /* http://host/path?query */
	HTTP_FORM_AUTHORITY, /* host:port, of CONNECT */
	HTTP_FORM_STAR,      /* *, of OPTIONS */
};

/* How the body ends (RFC 9112 section 6.3). */
enum http_framing {
	HTTP_BODY_NONE,
	HTTP_BODY_LENGTH,  /* body_len bytes */
	HTTP_BODY_CHUNKED, /* the last chunk says so */
	HTTP_BODY_CLOSE,   /* with the connection; responses alone */
};

struct http_msg {
	const char *base; /* the bytes; borrowed */
	uint32_t head_len;
	bool is_request;
	uint8_t minor;   /* HTTP/1.minor: 0 or 1 */
	uint8_t method;  /* enum http_method; of a response: of its request */
	uint8_t form;    /* enum http_form */
	uint16_t status; /* 0 in a request */
	uint8_t framing; /* enum http_framing */
	bool keep_alive; /* the sender wants to go on with the connection */
	bool upgrade;    /* Connection names Upgrade, and the field is there */
	bool expects_continue;
	uint64_t body_len;      /* of HTTP_BODY_LENGTH */
	struct str method_name; /* of a request, as all of these */
	struct str target;      /* as written */
	struct str host;        /* of the target or of Host, without port; empty in HTTP/1.0
	                         * without either */
	struct str port;        /* digits; empty if not named */
	struct str path;        /* with its first '/'; still escaped; "*" of HTTP_FORM_STAR */
	struct str query;       /* behind the '?'; p NULL if there is no '?' */
	struct str reason;      /* of a response */
	uint16_t n_hdrs;
	uint8_t first[HTTP_H_N_IDS]; /* 1 + index of the first field with the id, 0 if none */
	struct http_hdr hdrs[HTTP_HEADERS_MAX]; /* last: only n_hdrs of them are ever touched */
};

/* What a message that is refused deserves. */
struct http_fault {
	unsigned status; /* to answer with; 0: fine */
	const char *why; /* static text for people */
};

/* Where the head ends.  Resumable: keeps how far it has looked. */
struct http_framer {
	uint32_t scanned;
	uint32_t line; /* length of the start line with its CRLF, once known */
};
/* Looks at the front of `in`, all unconsumed bytes of the stream.  1: *ret_len is the length of a
 * whole head; 0: more must come; -EBADMSG: a line ends without CR, or the first byte begins no
 * message (TLS to a port without it); -ENAMETOOLONG: the start line is longer than any good one;
 * -E2BIG: no end within HTTP_HEAD_MAX.  An empty line before a request is skipped by the caller
 * with http_skip_line(). */
int http_frame(struct http_framer *f, struct str in, uint32_t *ret_len) MUST_CHECK;
/* Bytes of one empty line (CRLF) at the front, which may stand before a request (RFC 9112 section
 * 2.2): 2, or 0. */
static inline size_t http_skip_line(struct str in)
{
	return in.len >= 2 && in.p[0] == '\r' && in.p[1] == '\n' ? 2 : 0;
}
/* The fault of what http_frame() returned. */
struct http_fault http_frame_fault(int err);

/* Reads the head of a request: exactly the bytes that http_frame() found.  Everything is checked
 * that RFC 9112 sections 2 to 7 demand before anyone acts on it; an unknown method is no fault.
 * With a fault *ret is usable for minor and keep_alive (false) alone. */
struct http_fault http_parse_request(struct http_msg *ret, struct str head) MUST_CHECK;
/* Reads the head of a response to a request with this method. */
struct http_fault http_parse_response(struct http_msg *ret, struct str head,
                                      enum http_method method) MUST_CHECK;

/* The size of struct http_msg with its fields and the bytes of its head. */
size_t http_msg_size(const struct http_msg *m);
/* Copies both into `to`, which has http_msg_size() bytes and is aligned for the struct. */
struct http_msg *http_msg_copy(void *to, const struct http_msg *m);

static inline struct str http_hdr_value(const struct http_msg *m, const struct http_hdr *h)
{
	return (struct str){ m->base + h->value, h->end - h->value };
}

static inline struct str http_hdr_name(const struct http_msg *m, const struct http_hdr *h)
{
	return (struct str){ m->base + h->name, h->name_len };
}

/* The first field with the id, or NULL; the next one with the same id, or NULL. */
static inline const struct http_hdr *http_first(const struct http_msg *m, enum http_hdr_id id)
{
	return m->first[id] ? &m->hdrs[m->first[id] - 1] : NULL;
}

static inline const struct http_hdr *http_next(const struct http_msg *m, const struct http_hdr *h)
{
	return h->next ? &m->hdrs[h->next] : NULL;
}

/* The value of the first field with the id; p NULL if there is none. */
static inline struct str http_value(const struct http_msg *m, enum http_hdr_id id)
{
	const struct http_hdr *h = http_first(m, id);
	return h ? http_hdr_value(m, h) : (struct str){ NULL, 0 };
}

/* The same by name (any case). */
struct str http_value_named(const struct http_msg *m, struct str name);
/* True if one of the values of the comma lists of all fields with the id is `token` (any case). */
bool http_has_token(const struct http_msg *m, enum http_hdr_id id, struct str token);
