/* What a request says of which representation it wants and under which conditions (RFC 9110
 * sections 12.5.3, 13 and 14): codings with their weights, entity tags, a range of bytes. */
#pragma once

#include "wire/http/msg.h"

enum { HTTP_WEIGHT_MAX = 1000 };

/* How welcome the content coding is, 0 (not at all) to HTTP_WEIGHT_MAX.  "identity" is 1 if nothing
 * is said of it: welcome, if nothing better is.  At most HTTP_LIST_MAX elements are looked at. */
unsigned http_coding_weight(const struct http_msg *m, struct str coding);

/* True if `etag` (with its quotes, strong) is in the list of one of the fields with the id, or the
 * list is "*".  strong: weak ones are not equal to any (RFC 9110 section 8.8.3.2).  What is broken
 * ends a list. */
bool http_etag_in(const struct http_msg *m, enum http_hdr_id id, struct str etag, bool strong);

enum http_range {
	HTTP_RANGE_NONE, /* none, or none that we serve: more than one, another unit, broken */
	HTTP_RANGE_PART, /* *ret_from and *ret_n, which is not 0 */
	HTTP_RANGE_OUT,  /* nothing of it is there: 416 */
};
/* Does a range count for the version with this entity tag (If-Range)?  With GET alone; a date names
 * no version of ours, since we send none (RFC 9110 section 13.1.5). */
bool http_range_holds(const struct http_msg *m, struct str etag);
/* The range of a content with so many bytes that the request asks for. */
enum http_range http_range_of(const struct http_msg *m, uint64_t len, uint64_t *ret_from,
                              uint64_t *ret_n);
