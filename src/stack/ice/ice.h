/* Interactive Connectivity Establishment of one media stream (RFC 8445), in the standard's dialect
 * or that of Lync clients ([MS-ICE2]), as a media server does it that has one host address for each
 * component, and perhaps one of a relay (RFC 8656).
 *
 * The agent has no sockets: the owner hands in the datagrams that are STUN and sends those that
 * come out.  Nothing is believed, and nothing is answered, but what was signed with our password;
 * media must go to the selected address alone.  Nomination is aggressive (RFC 5245
 * section 8.1.1.2), as Lync's and libnice's is. */
#pragma once

#include "loop/loop.h"
#include "wire/stun/stun.h"

enum {
	ICE_COMPONENTS = 2, /* RTP and RTCP; index 0 and 1 */
	ICE_PAIRS_MAX = 40, /* remote addresses of a component that are paired with one base of
	                     * ours, learnt ones included; more are ignored */
	ICE_UFRAG_LEN = 8,
	ICE_PWD_LEN = 24,
	ICE_NAME_MAX = 256, /* bytes of the peer's ufrag and password (RFC 8839 section 5.4) */
	ICE_PACE_MS = 20,   /* between two new checks (Ta) */
	ICE_RTO_MS = 250,   /* first repetition; doubles */
	ICE_TRIES = 8,
	ICE_KEEP_S = 15, /* between keep-alives on a selected pair */
};

struct ice; /* opaque */

/* Where we send from (RFC 8445 section 4): the host's own sockets, or a relay's. */
enum ice_base { ICE_HOST, ICE_RELAYED, ICE_BASES };

/* From a base of ours to an address of the peer, or back. */
struct ice_way {
	enum ice_base base;
	struct addr peer;
};

struct ice_ops {
	void (*send)(void *arg, unsigned component, const struct ice_way *way, struct str datagram);
	/* Media of the component goes that way from now on; may come again with a better one. */
	void (*selected)(void *arg, unsigned component, const struct ice_way *way);
};

/* Makes ufrag and password.  Waits for checks of the peer at once. */
struct ice *ice_new(struct loop *l, enum stun_dialect dialect, bool controlling,
                    const struct ice_ops *ops, void *arg);
void ice_free(struct ice **ip);
struct str ice_ufrag(const struct ice *i);
struct str ice_pwd(const struct ice *i);
/* The priority of our candidate for the component (RFC 8445 section 5.1.2.1). */
uint32_t ice_priority(enum ice_base base, unsigned component);
/* What our candidates of one base have in common (RFC 8445 section 5.1.1.3). */
struct str ice_foundation(enum ice_base base);
/* Both components have a relayed address too.  Before the peer's candidates are added. */
void ice_add_relayed(struct ice *i);
/* The relay has gone: what went by it goes by the next best way that works, or by none. */
void ice_lose_relayed(struct ice *i);
/* The relay does not let us reach that host: no check goes there by it. */
void ice_refuse_relayed(struct ice *i, unsigned component, const struct addr *host);
/* What the peer's description says.  The first call counts, later ones change nothing (a restart of
 * ICE is a new session).  -EMSGSIZE: a name is too long or empty. */
int ice_set_remote(struct ice *i, struct str ufrag, struct str pwd) MUST_CHECK;
/* A candidate of the peer; those over ICE_PAIRS_MAX are ignored. */
void ice_add_remote(struct ice *i, unsigned component, const struct addr *a, uint32_t priority);
/* The peer's description is known: checks begin. */
void ice_start(struct ice *i);
/* A datagram for which stun_looks_like() is true. */
void ice_input(struct ice *i, unsigned component, const struct ice_way *way, struct str datagram);
/* Did somebody who knows our password send from there, to that base?  Only so media may come. */
bool ice_knows(const struct ice *i, unsigned component, const struct ice_way *way);
/* The selected way: true if there is one. */
bool ice_selected(const struct ice *i, unsigned component, struct ice_way *ret);
