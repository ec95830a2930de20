/* The request target and what is in it (RFC 9112 section 3.2, RFC 3986): host, path, query. */
#pragma once

#include "base/buf.h"
#include "wire/http/msg.h"

/* Fills form, host, port, path and query of m from the target of its method.  -EBADMSG: no form
 * that the method may have, or a character that belongs in no URI.  Of those that RFC 3986 forbids
 * and browsers send anyway, `|`, `^`, "`", `{` and `}` pass, and `\` in the query. */
int http_target_parse(struct http_msg *m, struct str target) MUST_CHECK;
/* "host", "host:port" or "[v6]:port", without user: the value of Host.  *port is empty if it is not
 * named.  -EBADMSG. */
int http_authority_parse(struct str s, struct str *ret_host, struct str *ret_port) MUST_CHECK;

/* Appends the path without its escapes.  -EBADMSG: a broken escape, an escaped zero byte, a control
 * character, bytes that are not UTF-8, or a segment that is "." or ".." (escaped or not): who maps
 * paths to files or rights never sees a way up.  An escaped '/' is refused too, because it would
 * look like a separator. */
int http_path_decode(struct buf *b, struct str path) MUST_CHECK;
/* Takes the next "name=value" off the front of a query (or of a form's body): false at the end.
 * Both still escaped; *value is empty (p NULL) if there is no '='. */
bool http_query_next(struct str *rest, struct str *name, struct str *value);
/* Appends a name or a value of a query without its escapes; '+' is a blank.  -EBADMSG: a broken
 * escape, an escaped zero byte, bytes that are not UTF-8. */
int http_query_decode(struct buf *b, struct str s) MUST_CHECK;
/* The first value of the parameter with this name, still escaped; false if there is none. */
bool http_query_param(struct str query, struct str name, struct str *ret);
/* Appends s with all but unreserved characters escaped (RFC 3986 section 2). */
void http_escape(struct buf *b, struct str s);
