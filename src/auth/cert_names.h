/* Which names and addresses the certificate of a role must carry, by the topology (poster rows
 * CT-04, CT-05; RFC 5922 for the SIP domain itself). */
#pragma once

#include "base/arena.h"
#include "auth/ca.h"
#include "topo/topo.h"

/* For which role a certificate was issued: an alternative name, this with the role's name behind
 * it.
 */
#define CERT_ROLE_URI "urn:dialtone:role:"

/* Has that role one?  The door has not: it never decrypts. */
bool cert_is_for(struct str role);
/* Everything lives in the arena or the topology. */
struct ca_names cert_names_of(struct arena *a, const struct topo *t, const struct topo_role *r);
/* "frontend-p256": the file name without its end, below the certificate directory. */
struct str cert_file_name(struct arena *a, struct str role, enum ca_key_type type);
