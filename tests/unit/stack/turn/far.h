/* A relay that is the test itself: it has the requests of one client, and answers what it likes, by
 * UDP or by one end of a socket pair. */
#pragma once

#include "house.h"
#include "stack/turn/inside.h"

enum { FAR_MAX = 4096 };

struct far {
	struct loop *loop;
	bool lync;
	struct udp *u; /* or */
	struct stream *s;
	struct addr at, client; /* of UDP */
	struct guest g;
	unsigned n; /* requests and what else came */
	uint8_t last[FAR_MAX];
	size_t len;
	uint8_t key[STUN_KEY_LEN];
	bool held; /* a connection is not read */
};

/* The client has the credentials "user" and "password" (in Lync's dialect in base64), and four
 * tries.  The clock stands. */
void far_start(struct far *f, enum turn_way way, bool lync);
void far_stop(struct far *f);
void far_wait(struct far *f, unsigned ms);
/* Lets pass what is under way, which may be nothing. */
void far_settle(struct far *f);
/* Waits for the next message of the client. */
void far_hear(struct far *f, unsigned before);
/* The bytes of a datagram, or in the stream. */
void far_say(struct far *f, const void *p, size_t n);

/* An answer to the last request, of that class; then attributes; then far_end() signs it with the
 * key of "realm", unless `key` is NULL, and sends it. */
void far_begin(struct far *f, struct stun_out *o, enum stun_class class);
void far_end(struct far *f, struct stun_out *o, const uint8_t *key);
/* 401 or 438 with realm and nonce. */
void far_challenge(struct far *f, unsigned code, struct str realm, struct str nonce);
void far_refuse(struct far *f, unsigned code, const uint8_t *key);
void far_grant(struct far *f, struct str relayed, uint32_t life_s, const uint8_t *key);
/* Brings the client to an allocation at 192.0.2.1:50000. */
void far_open(struct far *f);
void far_allocate(struct far *f);

/* The last request as it was read. */
struct stun_msg far_request(struct far *f, unsigned method);
uint16_t far_method(const struct far *f);

/* The same in Lync's dialect. */
void far_begin_lync(struct far *f, struct msturn_out *o, enum msturn_type type);
void far_end_lync(struct far *f, struct msturn_out *o, const uint8_t *key);
