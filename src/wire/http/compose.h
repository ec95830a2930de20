/* Writing HTTP/1.1 messages: start lines, fields, chunks, dates. */
#pragma once

#include "base/buf.h"
#include "wire/http/msg.h"

struct http_field {
	struct str name, value;
};

void http_put_status(struct buf *b, unsigned status);
/* Line ends and zero bytes in method or target are left out. */
void http_put_request(struct buf *b, struct str method, struct str target);
/* "Name: value".  Line ends and zero bytes in what is handed in are left out, so nothing that came
 * from a peer can begin a field of its own. */
void http_put_field(struct buf *b, struct str name, struct str value);
void http_put_number(struct buf *b, struct str name, uint64_t value);
/* Content-Range of n bytes from `from` on, of len; n 0: of none of them (416). */
void http_put_content_range(struct buf *b, uint64_t from, uint64_t n, uint64_t len);
/* The empty line. */
void http_put_end(struct buf *b);
/* The size line of a chunk, which is followed by its bytes (at least one) and CRLF. */
void http_put_chunk(struct buf *b, size_t len);
/* The last chunk, without trailer. */
void http_put_last_chunk(struct buf *b);

enum { HTTP_DATE_LEN = 29 };
/* "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110 section 5.6.7), of seconds since 1970. */
void http_put_date(struct buf *b, uint64_t unix_s);
/* Reads that form alone; -EBADMSG. */
int http_date_parse(struct str s, uint64_t *ret_unix_s) MUST_CHECK;
