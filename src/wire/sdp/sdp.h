/* An index over a session description (RFC 8866), as phones, browsers and Lync clients write it.
 *
 * Parsing copies and allocates nothing: lines and sections are slices of the text, which must stay.
 * Every line is kept in its place, known or not, so that compose.h can write the description again
 * byte for byte.  What an attribute means is asked for in attr.h.
 *
 * Taken although RFC 8866 has it otherwise: LF alone as a line end, empty lines, blanks at the end
 * of a line, no v= line (the part for Office Communications Server 2007 in a Lync offer begins with
 * o=), no formats in m= (the same part), no t= or s=.  Refused: a zero byte, a CR inside a line,
 * a line that is not `letter=value`, a second v= or o=, and whatever passes the limits. */
#pragma once

#include "base/str.h"

/* Limits; -E2BIG beyond each. */
enum {
	SDP_BYTES_MAX = 64 * 1024, /* bytes of a description */
	SDP_LINES_MAX = 1200,      /* lines */
	SDP_MEDIA_MAX = 32,        /* m= lines */
	SDP_FORMATS_MAX = 64,      /* formats of one m= line */
	SDP_ATTRS_MAX = 400,       /* attributes of one section */
};

struct sdp_line {
	uint32_t at;         /* offset of the letter */
	uint32_t value, end; /* of the value without blanks behind it */
	char type;           /* the letter */
};

/* The lines of the session (those before the first m=) or of one media section. */
struct sdp_part {
	uint16_t first, n; /* a media section begins with its m= line */
};

/* What the last words of the protocol say about RTP. */
enum sdp_profile { SDP_NO_RTP, SDP_AVP, SDP_AVPF, SDP_SAVP, SDP_SAVPF };

struct sdp_media {
	struct sdp_part part;
	struct str media;     /* "audio", "video", "applicationsharing", ... */
	struct str proto;     /* "UDP/TLS/RTP/SAVPF" */
	struct str transport; /* what stands before the profile: "UDP/TLS", "TCP", "" */
	struct str profile;   /* "RTP/SAVPF", "SCTP", "sip", ... */
	struct str formats;   /* the rest of the line: payload types; may be empty */
	uint32_t n_ports;     /* behind the port's slash; 1 if there is none */
	uint16_t port;        /* 0: refused, or not offered */
	uint8_t rtp;          /* enum sdp_profile */
};

struct sdp {
	struct str text; /* borrowed */
	uint16_t n_lines, n_media;
	struct sdp_part session;
	struct sdp_media media[SDP_MEDIA_MAX];
	struct sdp_line lines[SDP_LINES_MAX]; /* only n_lines of them are ever touched */
};

/* 0, -EBADMSG or -E2BIG.  *ret borrows `text`; after an error it holds nothing of use. */
int sdp_parse(struct sdp *ret, struct str text) MUST_CHECK;

static inline struct str sdp_line_value(const struct sdp *s, const struct sdp_line *l)
{
	return (struct str){ s->text.p + l->value, l->end - l->value };
}

/* The line as it came, with its line end and the empty lines behind it. */
struct str sdp_line_raw(const struct sdp *s, unsigned line);

/* Steps through the lines of one type: *i starts at 0 and is the function's own.  False at the
 * end. */
bool sdp_line_next(const struct sdp *s, const struct sdp_part *p, char type, unsigned *i,
                   struct str *ret);
/* The value of the first line of the type; empty (p NULL) if there is none. */
struct str sdp_value(const struct sdp *s, const struct sdp_part *p, char type);

/* Steps through all attributes: name, and value (p NULL where there is no colon). */
bool sdp_attr_next(const struct sdp *s, const struct sdp_part *p, unsigned *i, struct str *name,
                   struct str *value);
/* Steps through the attributes with this name.  Names are compared with their case (RFC 8866
 * section 5.13). */
bool sdp_attr_named(const struct sdp *s, const struct sdp_part *p, struct str name, unsigned *i,
                    struct str *value);
/* The first attribute with the name: true, and its value in *ret (may be NULL). */
bool sdp_attr(const struct sdp *s, const struct sdp_part *p, struct str name, struct str *ret);
/* The same in the media section or, if it says nothing, in the session. */
bool sdp_attr_inherited(const struct sdp *s, const struct sdp_media *m, struct str name,
                        struct str *ret);

/* Takes the next word off a list separated by blanks: formats, and the fields of many attributes.
 * False at the end. */
bool sdp_word_next(struct str *rest, struct str *ret);

/* The media section after `prev` (NULL: the first) with this media word (any case), or NULL. */
const struct sdp_media *sdp_media_next(const struct sdp *s, const struct sdp_media *prev,
                                       struct str media);

/* o=, six fields (section 5.2). */
struct sdp_origin {
	struct str user, id, version, net_type, addr_type, address;
};
/* 0; -ENOENT if there is no o= line, -EBADMSG if it has not six fields. */
int sdp_origin(const struct sdp *s, struct sdp_origin *ret) MUST_CHECK;

/* c= (section 5.7): the address without what follows its slash. */
struct sdp_connection {
	struct str net_type, addr_type, address;
	struct str suffix; /* time to live and number of addresses of multicast: "127/3" */
};
int sdp_connection_parse(struct sdp_connection *ret, struct str value) MUST_CHECK;
/* That of the section, else of the session: 0, -ENOENT or -EBADMSG. */
int sdp_connection(const struct sdp *s, const struct sdp_media *m,
                   struct sdp_connection *ret) MUST_CHECK;

/* b= (section 5.8) with this type ("AS", "CT", "TIAS"): 0, -ENOENT or -EBADMSG (no number). */
int sdp_bandwidth(const struct sdp *s, const struct sdp_part *p, struct str type,
                  uint32_t *ret) MUST_CHECK;
