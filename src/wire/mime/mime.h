/* MIME entities as bodies of SIP messages: Content-Type, and multipart bodies (RFC 2045, RFC 2046
 * section 5.1), read as slices of the message and written again. */
#pragma once

#include "base/buf.h"
#include "base/str.h"

enum {
	MIME_PARTS_MAX = 500,     /* parts of one multipart: -E2BIG beyond */
	MIME_HEADERS_MAX = 32,    /* header fields of one part: -E2BIG beyond */
	MIME_HEAD_MAX = 8 * 1024, /* bytes of them: -E2BIG beyond */
	MIME_BOUNDARY_MAX = 70,   /* bytes (RFC 2046 section 5.1.1): -EBADMSG beyond */
};

/* The value of Content-Type. */
struct mime_type {
	struct str name;   /* "multipart/alternative" */
	struct str params; /* from the first semicolon on; sip_param() reads them */
};
/* 0, or -EBADMSG if it is not type/subtype with readable parameters. */
int mime_type_parse(struct mime_type *ret, struct str value) MUST_CHECK;
/* Is it this type (any case)?  "multipart/" stands for all multiparts. */
bool mime_type_is(const struct mime_type *t, struct str name);
/* A parameter (name in any case), without quotes: "boundary", "type", "start", "charset". */
bool mime_type_param(const struct mime_type *t, struct str name, struct str *ret);

struct mime_part {
	struct str head; /* header fields with their line ends, without the empty line */
	struct str body;
};

/* Goes through the parts of one multipart body.  A part that is a multipart itself is handed out
 * whole: whoever wants to look inside opens it. */
struct mime {
	struct str rest; /* begins behind a delimiter, within its line */
	struct str boundary;
	unsigned n;
	bool ended;
};
/* 0; -ENOENT if the type is no multipart; -EBADMSG without a good boundary or a first delimiter.
 * Borrows both. */
int mime_open(struct mime *ret, struct str content_type, struct str body) MUST_CHECK;
/* The next part: 1, 0 behind the closing delimiter, -EBADMSG (no closing delimiter, broken head) or
 * -E2BIG.  LF alone ends a line too. */
int mime_next(struct mime *m, struct mime_part *ret) MUST_CHECK;

/* Cuts an entity into its head and its body at the first empty line; mime_next() has done so.  0,
 * -EBADMSG (no empty line, broken head) or -E2BIG. */
int mime_split(struct mime_part *ret, struct str all) MUST_CHECK;
/* Steps through the header fields of a part: 1, 0 at the end, -EBADMSG.  *rest starts as `head`.
 * Values of folded fields keep their line ends. */
int mime_field_next(struct str *rest, struct str *name, struct str *value) MUST_CHECK;
/* The first field with the name (any case); empty (p NULL) if there is none. */
struct str mime_field(const struct mime_part *p, struct str name);

/* Picks the body of type `want` out of a message: the body itself, or a part of its multipart, and
 * of multiparts in it as far as `depth` goes (1: the multipart alone).  Of an alternative it is the
 * last that fits (RFC 2046 section 5.1.4), of others the first.  Left aside are parts for Office
 * Communications Server 2007 (`ms-proxy-2007fallback` in Content-Disposition, [MS-SDPEXT]), those
 * in base64 or quoted-printable, and those with a broken Content-Type.  ret->head is empty if it is
 * the body itself.  0; -ENOENT if nothing fits, -EBADMSG, -E2BIG. */
int mime_pick(struct str content_type, struct str body, struct str want, unsigned depth,
              struct mime_part *ret) MUST_CHECK;

/* Starts a part: the delimiter line.  Header fields follow with mime_put_field(). */
void mime_put_part(struct buf *b, struct str boundary);
/* "Name: value".  Line ends and zero bytes in what is handed in are left out. */
void mime_put_field(struct buf *b, struct str name, struct str value);
/* The empty line, the body and the line end of the delimiter that must follow.  A body that does
 * not end with CRLF gets one: libpurple's parser takes four bytes off the end of every part, the
 * body's own line end and the delimiter's. */
void mime_put_content(struct buf *b, struct str content);
/* The closing delimiter. */
void mime_put_end(struct buf *b, struct str boundary);
/* Can it be a boundary (RFC 2046 section 5.1.1), and does it occur nowhere in `content`?  Whoever
 * composes looks for one that is free of all its parts. */
bool mime_boundary_fits(struct str boundary, struct str content);
