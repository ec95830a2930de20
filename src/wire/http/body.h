/* Bodies as they come off a stream (RFC 9112 sections 6 and 7): by length, chunked, or up to the
 * end of the connection.  Resumable: keeps its place, hands out pieces of the input. */
#pragma once

#include "wire/http/msg.h"

enum {
	HTTP_CHUNK_LINE_MAX = 256,        /* bytes of a chunk's size line, extensions included */
	HTTP_CHUNK_SPENT_MAX = 16 * 1024, /* of extensions of one body; on top of that one byte
	                                   * for each byte of the body */
	HTTP_TRAILER_MAX = 8 * 1024,      /* bytes of trailer fields, which are dropped */
	HTTP_TRAILER_FIELDS_MAX = 32,
};

enum http_body_state {
	HTTP_BODY_PLAIN,      /* `left` bytes, then the end */
	HTTP_BODY_ALL,        /* whatever comes */
	HTTP_BODY_SIZE,       /* a chunk's size line is next */
	HTTP_BODY_CHUNK,      /* `left` bytes of a chunk */
	HTTP_BODY_CHUNK_LINE, /* the CRLF behind a chunk */
	HTTP_BODY_TRAILER,
	HTTP_BODY_DONE,
};
struct http_body {
	uint8_t state;  /* enum http_body_state */
	uint64_t left;  /* of the body, or of the chunk */
	uint64_t total; /* bytes of content so far */
	uint32_t spent; /* bytes of chunk extensions, then of trailer fields */
	uint16_t n_fields;
};

/* The body that belongs to a head. */
struct http_body http_body_of(const struct http_msg *m);
static inline bool http_body_is_done(const struct http_body *b)
{
	return b->state == HTTP_BODY_DONE;
}
/* Looks at the front of `in`, all unconsumed bytes.  1: *ret_piece (not empty) is the next piece of
 * content, borrowed from `in`; 0: none for now; then http_body_is_done() or more must come.  In
 * both cases *ret_used bytes are consumed.  -EBADMSG: broken chunks; -E2BIG: a limit above. */
int http_body_next(struct http_body *b, struct str in, size_t *ret_used,
                   struct str *ret_piece) MUST_CHECK;
/* The stream has ended in an orderly way: 0 if the body is whole, else -EPIPE. */
int http_body_eof(struct http_body *b) MUST_CHECK;
