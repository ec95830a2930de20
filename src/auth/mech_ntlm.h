/* NTLM as a sign-in mechanism (auth/mech.h): [MS-SIPAE] versions 3 and 4, NTLMv2 without NEGOTIATE.
 *
 *   client                          here
 *   no credentials                  offer()
 *   empty gssapi-data               CHALLENGE, with the opaque of this association
 *   AUTHENTICATE, opaque            ACCEPT: the association is up, every message is signed
 *
 * In version 4 the message with the AUTHENTICATE must be signed already.  An association takes one
 * AUTHENTICATE; after REFUSE, SLOW or FAILED to it the client begins again on a new one. */
#pragma once

#include "auth/mech.h"

struct mech_ntlm; /* the `mech` of the functions below */

/* Calls of step() on one association; the next is refused. */
enum { MECH_NTLM_LEGS_MAX = 3 };

extern const struct auth_mech mech_ntlm;

struct mech_ntlm_config {
	struct accounts *accounts; /* borrowed */
	struct str realm;          /* as in every field: "SIP Communications Service" */
	struct str target;         /* FQDN of the pool */
	struct str domain;         /* DNS name; the NetBIOS name is made of it */
};
/* Copies the texts, which are DNS names or without quotes. */
struct mech_ntlm *mech_ntlm_new(const struct mech_ntlm_config *c);
void mech_ntlm_free(struct mech_ntlm **mp);
