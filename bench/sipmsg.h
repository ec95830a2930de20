/* Reading SIP (RFC 3261) as far as a client needs it.  Written apart from the server on purpose: a
 * mistake that the server makes when it writes is not made again when its answer is read. */
#pragma once

#include <sys/types.h>

#include "text.h"

enum {
	SIP_VALUES_MAX = 16,        /* of one header that may stand several times */
	SIP_MSG_MAX = 1024 * 1024,  /* bytes of a message: the states of many come in one */
	SIP_HEADER_MAX = 32 * 1024, /* bytes before the empty line */
};

/* The lines of one header that may stand several times, in their order. */
struct sip_list {
	struct str line[SIP_VALUES_MAX];
	size_t n;
};

struct sip_msg {
	bool is_request;
	uint32_t status;        /* of a response */
	struct str method, uri; /* of a request */
	struct sip_list via, record_route, challenge;
	bool is_proxy_challenge; /* the last challenge came from a proxy (407) */
	struct str from, to, call_id, contact, retry_after, route, expires;
	struct str auth_info, asserted; /* Authentication-Info, P-Asserted-Identity */
	struct str etag;                /* SIP-ETag */
	uint32_t cseq;
	struct str cseq_method;
	struct str body;
};

/* The length of the first message in `in`: > 0; 0: more bytes are needed; -EBADMSG; -E2BIG. */
ssize_t sip_frame(struct str in);
/* Reads one whole message; slices point into `in`.  0 or -EBADMSG (a header that every message must
 * have is missing or wrong, or there are more lines of one than we count). */
int sip_parse(struct sip_msg *ret, struct str in);
/* The URI of a header like From, Contact or one element of Route, without the angle brackets. */
struct str sip_uri(struct str value);
/* The user part of a SIP URI; empty if there is none. */
struct str sip_uri_user(struct str uri);
/* The value of a parameter behind the address (";tag="); empty if it is not there. */
struct str sip_param(struct str value, struct str name);
/* Without the quotes around it. */
struct str sip_unquote(struct str s);
/* The value of a parameter of a challenge or of credentials, behind the scheme and without quotes;
 * empty if it is not there. */
struct str sip_auth_param(struct str value, struct str name);
/* Takes the next comma-separated element of a header line; false at the end. */
bool sip_element(struct str *line, struct str *ret);
/* The route set of a caller (RFC 3261 section 12.1.2): the elements of Record-Route in reverse
 * order, and a NUL; false if one is not loose or they do not fit. */
bool sip_route_set(char *ret, size_t cap, const struct sip_list *record_route);
