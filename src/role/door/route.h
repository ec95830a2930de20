/* Whom a connection is for.  Pure: no socket, no clock.
 *
 *     STUN, TURN, Lync's dialect of it ............... the relay
 *     TLS: 1. the protocols that are offered (ALPN) .. HTTP: web; TURN: the relay; SIP: the front
 * end
 *          2. the name that is asked for (SNI) ....... whose name alone it is
 *          3. neither says it ........................ as `tls-default` says
 *
 * Protocols come first because roles of one host may share its name. */
#pragma once

#include "base/arena.h"
#include "topo/topo.h"
#include "wire/opening/opening.h"

enum door_to {
	DOOR_RELAY,
	DOOR_WEB,
	DOOR_SIP,
	DOOR_N_TO,
	DOOR_NOBODY = DOOR_N_TO,
};

struct door_rules {
	struct door_names {
		const struct str *list; /* in lower case */
		size_t n;
	} names[DOOR_N_TO]; /* by which clients ask for each */
	enum door_to by_default;
};

/* "edge-av" and so on, in the order of enum door_to. */
extern const char *const door_roles[DOOR_N_TO];
/* Over what the role listens. */
enum topo_proto door_proto(enum door_to to);

/* The names of the roles of this host: those that their certificates have, without the host's,
 * which all have, unless it is the role's own.  They live in the arena or the topology. */
void door_rules_read(struct door_rules *ret, struct arena *a, const struct topo *t,
                     enum door_to by_default);
/* `there`: 1 << enum door_to of those that are behind this address.  DOOR_NOBODY: who is meant is
 * not there.  Not for OPENING_MORE. */
enum door_to door_route(const struct door_rules *rules, unsigned there, enum opening_kind kind,
                        const struct opening *o);
