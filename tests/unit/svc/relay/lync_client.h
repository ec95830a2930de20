/* A client with the dialect of Lync, by datagrams or by a connection: for the tests of the engine.
 */
#pragma once

#include "edge.h"
#include "wire/turn/msturn.h"

struct lync_client {
	struct edge *e;
	struct party at;             /* gets what is sent to it, and owns its connection */
	struct relay_stream *stream; /* NULL: datagrams */
	char name[512];
	size_t name_len;
	uint8_t key[STUN_KEY_LEN];
	char nonce[64];
	struct msturn_sequence sequence; /* the next one */
	struct addr relayed;             /* AF_UNSPEC: none yet */
	struct msturn_msg m;             /* the last answer */
	/* what lync_hear() took out of its frames */
	size_t walked;        /* of at.all */
	struct buf raw, told; /* in data frames, and in Data Indications */
	struct addr from;     /* of the last one of these */
	unsigned n_told;
};

void lync_start(struct lync_client *c, struct edge *e, const char *user, bool stream);
void lync_stop(struct lync_client *c);

/* A message; lync_sign() makes it whole. */
void lync_begin(struct msturn_out *o, enum msturn_type type);
void lync_sign(struct lync_client *c, struct msturn_out *o);
/* As a frame of that type by a connection, or as it is. */
void lync_put(struct lync_client *c, struct str s, enum turn_ms_frame type);
/* What the client got last, without the head of a frame of that type. */
struct str lync_got(struct lync_client *c, enum turn_ms_frame type);
/* Sends it and reads the answer: 200, the code of the error, or 0 if nobody answers. */
unsigned lync_ask(struct lync_client *c, const struct msturn_out *o);

/* By a connection: reads what came since the last call. */
void lync_hear(struct lync_client *c);

/* Learns a nonce, then allocates: the code. */
unsigned lync_allocate(struct lync_client *c);
/* A Send, whole. */
void lync_make_send(struct lync_client *c, struct msturn_out *o, const struct addr *to,
                    struct str data);
void lync_send(struct lync_client *c, const struct addr *to, struct str data);
unsigned lync_set_active(struct lync_client *c, const struct addr *to);
