/* SOAP 1.1 envelopes (W3C note of 8 May 2000), as Lync clients carry them in SERVICE requests
 * ([MS-SIP] section 2.2): one call in the body, its arguments as children, arrays beside it.
 *
 * Namespaces of attributes are not looked at; those of the envelope are.  What a method's elements
 * mean is its caller's. */
#pragma once

#include "wire/xml/xml.h"

enum { SOAP_METHOD_MAX = 64 /* bytes of a method's name */ };

/* The namespace of the methods that Lync clients call by SIP: contacts, groups, search. */
#define SOAP_SPACE_SIP "http://schemas.microsoft.com/winrtc/2002/11/sip"
/* The type of such a body; compared without case. */
#define SOAP_TYPE "application/SOAP+xml"

struct soap {
	struct str method, space; /* local name and namespace of the call */
	const struct xml *call;   /* its children are the arguments */
	const struct xml *body;   /* what is beside the call: arrays that it refers to */
};

/* Reads a request (or an answer: then `method` may be "Fault").  The tree lives in the arena, its
 * source texts borrow from `body`.  -EBADMSG: not XML, no envelope, no call in it, its name above
 * the limit; -E2BIG: above the limits of wire/xml; -EPROTONOSUPPORT: another version of SOAP;
 * -ENOTSUP: a header entry that must be understood (section 4.2.3), and none is. */
int soap_read(struct soap *ret, struct arena *a, struct str body) MUST_CHECK;
/* The text of an argument without blanks around; p is NULL if it is not there. */
struct str soap_arg(const struct soap *s, const char *name);
/* What e stands for: itself, or the element of the body with the id that its href names (section
 * 5.4.1), NULL if there is none; e may be NULL. */
const struct xml *soap_ref(const struct soap *s, const struct xml *e);

/* Appends the envelope up to the open body: the prefix m is bound to `space` (NULL: to none); then
 * what stands in the body; then soap_put_end(). */
void soap_put_begin(struct buf *b, const char *space);
void soap_put_end(struct buf *b);
/* Appends a call, or an answer, which is one element named as its method: begin, its children
 * (elements with the prefix m, such as xml_put_element(b, "m:groupID", id)), end. */
void soap_put_method_begin(struct buf *b, const char *method, const char *space);
void soap_put_method_end(struct buf *b, const char *method);

struct soap_fault {
	struct str code;   /* without prefix: "Client", "Server", "Client.BadCall.WrongDelta" */
	struct str text;   /* a sentence for people */
	struct str detail; /* text of the detail element; empty: none */
};
/* Appends an envelope with a fault (section 4.4). */
void soap_put_fault(struct buf *b, const struct soap_fault *f);
/* The fault code for what soap_read() returned: "VersionMismatch", "MustUnderstand", "Client". */
struct str soap_fault_code(int err);
