/* A sign-in mechanism for tests that needs what Digest does not: four legs, each of which asks
 * accounts, and signatures on every message afterwards.  Shaped like the Windows ones: the first
 * leg carries a name, the challenges grow from it, the last one proves a password.
 *
 * Credentials are `Fake leg="N", data="..."`.  Leg 1 carries the user name; legs 2 and 3 repeat
 * what the challenge said; leg 4 carries a keyed hash of it.  Messages carry `Fake-Signature:
 * <serial> <keyed hash of serial and start line>`. */
#pragma once

#include "auth/mech.h"

struct fourleg; /* the `mech` of the functions below */

extern const struct auth_mech mech_fourleg;

struct fourleg *fourleg_new(struct accounts *accounts);
void fourleg_free(struct fourleg **fp);

enum { FOURLEG_HEX = 16, FOURLEG_EXPORT_LEN = 1 + 8 + 8 + 8 };

/* The client's side: what proves the password to the last challenge; the signature of a message. */
void fourleg_proof(char ret[FOURLEG_HEX + 1], struct str password, struct str challenge);
void fourleg_signature(char ret[FOURLEG_HEX + 1], uint64_t key, uint32_t serial, struct str start);
/* A session key, as accounts gives it after the fourth leg. */
uint64_t fourleg_key(struct str password, struct str challenge);
/* Takes over what mech_fourleg.export() wrote in another process. */
struct auth_assoc *fourleg_import(struct fourleg *f, struct bytes exported);
