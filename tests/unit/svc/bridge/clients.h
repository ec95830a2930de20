/* The two clients of a bridged call, with real sockets: a phone (RTP, or SRTP with keys in the SDP)
 * and a Lync client (ICE, SRTP). */
#pragma once

#include "loop/udp.h"
#include "svc/bridge/sound.h"

enum { CLIENT_PACKET_MAX = 2048 };

struct client {
	struct loop *loop;
	struct udp *udp[ICE_COMPONENTS];
	struct addr at[ICE_COMPONENTS]; /* ours */
	struct addr to[ICE_COMPONENTS]; /* the bridge's, as its description says */
	struct ice *ice;                /* of a Lync client */
	bool lync;
	uint16_t deaf_min, deaf_max; /* what comes from these ports is not heard */
	bool takes_beside;           /* a phone that takes a key beside RTP/AVP */
	struct sound_key key;        /* ours */
	struct srtp *in, *out;
	unsigned n_heard, n_bad; /* packets of media; those that could not be decrypted */
	unsigned n_stun;
	uint8_t raw[CLIENT_PACKET_MAX], last[CLIENT_PACKET_MAX]; /* the last one */
	size_t raw_len, last_len;
	char text[4096]; /* of its description */
};

/* On that host, at ports that are free. */
void client_start(struct client *c, struct loop *l, const char *host, bool lync);
void client_stop(struct client *c);
/* Its description; `keyed`: with a key, under this tag.  Valid until the next. */
struct str client_says(struct client *c, bool keyed, uint32_t tag, const char *more);
/* Takes what the bridge wrote. */
void client_takes(struct client *c, struct str description);
/* Sends one packet: RTP or RTCP with this number in it, encrypted if there are keys. */
void client_sends(struct client *c, unsigned component, uint16_t number);
void client_sends_raw(struct client *c, unsigned component, struct str packet);
/* The packet that client_sends() makes. */
size_t client_packet(uint8_t *ret, unsigned component, uint16_t number);
/* Was that one the last that was heard? */
bool client_heard(const struct client *c, unsigned component, uint16_t number);
