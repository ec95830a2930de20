/* Web tickets ([MS-OCAUTHWS], WS-Trust 1.3, SAML 1.1): the documents by which Lync clients find
 * where to get one, ask for it and show it.
 *
 * A ticket is an assertion that its client passes on as it came.  What proves it is an element of
 * its Advice, of which only its issuer knows what it means; nothing else in it is believed. */
#pragma once

#include "wire/soap/soap.h"

enum {
	WEBTICKET_PROOF_MAX = 4096, /* characters */
	WEBTICKET_ID_LEN = 32,
};

/* Appends what a service says of itself: tickets are issued by the service `issuer`, and shown at
 * `address`, which is its port of that name. */
struct webticket_service {
	const char *name; /* of the port: "AddressBookWebTicketBearer" */
	struct str issuer, address;
};
void webticket_put_service(struct buf *b, const struct webticket_service *s);
/* Appends what an issuer says of itself: tickets are issued at `address` to who signs in by NTLM.
 */
void webticket_put_issuer(struct buf *b, struct str address);

/* A request for a ticket (RST); slices of the document. */
struct webticket_ask {
	struct str service; /* the address that it shall be shown at */
	struct str user;    /* whom it shall be for: "sip:alice@example.test"; may be empty */
};
/* -EBADMSG: is none, or for no service. */
int webticket_read_ask(struct webticket_ask *ret, const struct soap *s) MUST_CHECK;

/* Without escapes; texts of any bytes. */
struct webticket {
	struct str issuer, service, user; /* user: "sip:..." */
	struct str proof;                 /* at most WEBTICKET_PROOF_MAX */
	char id[WEBTICKET_ID_LEN + 1];
	usec_t from, until; /* wall clock */
};
/* Appends the answer that has the ticket (RSTR). */
void webticket_put_issued(struct buf *b, const struct webticket *t);

/* The proof of the ticket in the header of a request, or empty. */
struct str webticket_of_request(const struct soap *s);
/* The proof of the ticket whose text this is, or empty; the tree lives in the arena. */
struct str webticket_of_text(struct arena *a, struct str assertion);
