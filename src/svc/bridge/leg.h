/* One end of a bridged call: two sockets (RTP and RTCP), what the client there said of its media,
 * and the keys of both directions; and, for a Lync client, perhaps two addresses of a relay
 * besides.  What comes in is decrypted and handed over; what is sent is encrypted, where there are
 * keys.
 *
 * Media is taken from the peer alone: from where ICE has proved that somebody knows our password,
 * or, without ICE, from the address that the description names; there the port may be another once
 * (a NAT in between).  Nothing is sent to a group, nor to this host itself unless clients may be
 * there, and nothing is taken from a port of the bridge, nor from its own relayed addresses: two
 * calls that were each other's clients would hand the same packet round for ever. */
#pragma once

#include "loop/udp.h"
#include "svc/bridge/relays.h"
#include "svc/bridge/sound.h"

enum {
	LEG_PACKET_MAX = 2048, /* bytes of a packet; longer ones are dropped */
	LEG_PORT_TRIES = 1024, /* pairs that are looked at for one leg */
};

/* The ports of a process: pairs from min (even) to max. */
struct leg_ports {
	uint16_t min, max;
	uint16_t next;
	bool loopback;             /* clients may be on this very host */
	uint16_t all_min, all_max; /* those of all processes on this host */
	uint8_t used[65536 / 8];   /* a bit for each port: a leg has it */
};

struct leg; /* opaque */

struct leg_counts {
	uint64_t in, out; /* packets of media */
	uint64_t dropped; /* from elsewhere, no media, not authentic, too long */
	usec_t last_in;   /* 0: nothing yet */
};

struct leg_ops {
	/* A packet, decrypted; SRTP_ROOM bytes behind it may be written. */
	void (*packet)(void *arg, unsigned component, uint8_t *packet, size_t len);
};

/* Binds two ports on the address from which this host reaches `towards`.  Borrows ports.  NULL and
 * *ret_err: no port is free (-EADDRINUSE), no descriptors (-EMFILE), no way there. */
struct leg *leg_new(struct loop *l, enum sound_dialect d, struct leg_ports *ports,
                    const struct addr *towards, const struct leg_ops *ops, void *arg, int *ret_err);
void leg_free(struct leg **lp);
/* Takes a pair of relayed addresses, of which its descriptions tell; before the first of them.
 * False: there is none.  Borrows relays. */
bool leg_take_relay(struct leg *g, struct relays *relays) MUST_CHECK;
enum leg_relay {
	LEG_NO_RELAY,
	LEG_RELAY_OFFERED, /* media need not go by it */
	LEG_RELAY_USED,    /* it does */
	LEG_RELAY_LOST,
};
enum leg_relay leg_relay(const struct leg *g);
enum sound_dialect leg_dialect(const struct leg *g);

/* Takes what the client's description says, as sound_read() found it; `answers`: it answers one
 * that leg_write() wrote.  Wipes the key in `o`.  0; -EPROTONOSUPPORT for an answer whose keys are
 * not those that were asked for, or names of ICE that are too long; -ENOMEM if the library gives no
 * cipher. */
int leg_read(struct leg *g, const struct sdp *s, struct sound *o, bool answers) MUST_CHECK;
/* Writes a description of the other end's for the client here: `s` came from there, `m` is its
 * section with sound.  `answers`: it answers the client's own.  False: too long. */
bool leg_write(struct leg *g, struct buf *b, const struct sdp *s, const struct sdp_media *m,
               bool answers);
/* Is it known where the client's media goes?  Without ICE that is so with its description; with it,
 * when a check was answered. */
bool leg_has_way(const struct leg *g);
/* The client's offer was refused: what was agreed before holds (RFC 3261 section 14.1). */
void leg_undo(struct leg *g);
/* The device here refused our offer of RTP: from now on it is offered SRTP alone.  False: it was,
 * or it is a Lync client. */
bool leg_insist(struct leg *g);
/* Sends a packet of media to the client; SRTP_ROOM bytes behind it are used.  Before it is known
 * where the client is, it is dropped. */
void leg_send(struct leg *g, unsigned component, uint8_t *packet, size_t len);
const struct leg_counts *leg_counts(const struct leg *g);
