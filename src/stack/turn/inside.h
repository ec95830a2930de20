/* What the files of this folder share. */
#pragma once

#include "loop/stream.h"
#include "loop/udp.h"
#include "stack/turn/client.h"
#include "wire/turn/msturn.h"
#include "wire/turn/turn.h"

enum { ASK_ID_MAX = MSTURN_ID_LEN };
enum ask_kind {
	ASK_BINDING,
	ASK_ALLOCATE,
	ASK_REFRESH,
	ASK_RELEASE,
	ASK_PERMISSION,
	ASK_CHANNEL, /* or Set Active Destination */
	ASK_N_KINDS,
};

/* What a relay answers, in either dialect.  Texts borrow the message. */
struct answer {
	bool success, is_signed;
	unsigned code;                   /* of an error */
	struct str reason, realm, nonce; /* empty: not there */
	struct addr relayed, mapped;     /* AF_UNSPEC: not there */
	struct addr alternate;           /* of 300 */
	uint32_t life_s;                 /* TURN_CLIENT_LIFE_S if it is not there */
	struct msturn_sequence sequence; /* of Lync's dialect */
};

/* How something ended. */
struct outcome {
	const struct answer *answer; /* a success */
	unsigned code;               /* a refusal */
	struct str reason;           /* in its words; may be empty */
	int err;                     /* neither: -errno ... */
	const char *why;             /* ... with a text, unless it is -ETIMEDOUT */
};

/* A request until it is answered, embedded in what it serves. */
struct ask {
	struct list node; /* in client->asks while it runs */
	struct turn_client *client;
	const struct bond *bond; /* that it is for, or NULL */
	void (*done)(struct ask *a, const struct outcome *o);
	struct timer timer;
	enum ask_kind kind;
	uint8_t id[ASK_ID_MAX];
	unsigned tries, challenges;
	bool is_signed;   /* as it was sent last */
	bool is_doubtful; /* there was an answer that is not signed ... */
	unsigned doubted; /* ... with this error; 0: a success */
};

/* A permission, or a channel. */
enum bond_state { BOND_NEW, BOND_ASKED, BOND_HELD, BOND_RENEWED, BOND_GONE, BOND_N_STATES };
enum bond_event { BOND_WANT, BOND_GRANT, BOND_REFUSE, BOND_DUE, BOND_FORGET, BOND_N_EVENTS };
struct bond {
	struct list node;
	struct turn_client *client;
	struct addr peer;
	uint16_t number; /* of the channel; 0: a permission */
	enum bond_state state;
	struct ask ask;
	struct timer due;
};

enum client_state {
	CLIENT_OPENING,
	CLIENT_READY,
	CLIENT_ASKING,
	CLIENT_OPEN, /* there is an allocation */
	CLIENT_RELEASING,
	CLIENT_OVER,
	CLIENT_N_STATES,
};
enum client_event {
	CLIENT_OPENED,
	CLIENT_LOST,
	CLIENT_ALLOCATE,
	CLIENT_RELEASE,
	CLIENT_GRANTED, /* by the relay: what was asked for last of allocating and releasing */
	CLIENT_REFUSED,
	CLIENT_DUE, /* the refresh */
	CLIENT_N_EVENTS,
};

struct dialect {
	size_t id_len;
	/* Writes the request and sends it: 0 or -EMSGSIZE. */
	int (*request)(struct ask *a);
	/* A datagram or a frame. */
	void (*input)(struct turn_client *c, struct bytes in);
	int (*send)(struct turn_client *c, const struct addr *peer, struct str data);
};
extern const struct dialect turn_dialect_standard, turn_dialect_lync;

enum carrier_state { CARRIER_OPENING, CARRIER_GREETING /* pseudo-TLS */, CARRIER_OPEN };

struct turn_client {
	struct loop *loop;
	struct turn_client_config cfg;
	const struct turn_client_ops *ops;
	void *arg;
	const struct dialect *dialect;
	enum client_state state;
	/* The way: one of both. */
	struct udp *udp;
	struct stream *stream;
	enum carrier_state carrier;
	struct defer begin; /* of UDP, which is open at once */
	int begin_err;
	const char *begin_why, *fault; /* fault: why we end the connection */
	usec_t sent_at;
	/* Credentials. */
	struct buf user, password;
	char *server_name;
	char realm[TURN_CLIENT_TEXT_MAX], nonce[TURN_CLIENT_TEXT_MAX];
	size_t realm_len, nonce_len; /* nonce_len 0: no challenge yet, nothing is signed */
	uint8_t key[STUN_KEY_LEN];
	struct msturn_sequence sequence;
	/* Requests. */
	struct list asks;
	struct ask main, binding; /* main: Allocate, Refresh */
	struct timer due, alive;
	struct list bonds;
	unsigned n_bonds;
	uint16_t last_number;
	struct bond *active; /* of Lync's dialect: all data without a head is from and to there */
	struct turn_client_stats stats;
	char why[TURN_CLIENT_WHY_MAX];
};

/* --- client.c */

/* On one end of a socket pair, for tests: whatever the way, it is a connection. */
struct turn_client *client_new_on(struct loop *l, int fd, const struct turn_client_config *cfg,
                                  const struct turn_client_ops *ops, void *arg);
/* 0; -EINVAL: not in this state; or what the action says, and the state stays. */
int client_feed(struct turn_client *c, enum client_event ev, const struct outcome *o);
void client_failed(struct turn_client *c, struct turn_failure f, const struct outcome *o);
void client_data(struct turn_client *c, const struct addr *peer, struct str data);

/* --- carrier.c */

/* What a deferred beginning does: a socket is open at once, and the loop tells it. */
void carrier_begin(void *arg);
void carrier_open(struct turn_client *c);
/* On a connected socket. */
void carrier_take(struct turn_client *c, int fd);
void carrier_close(struct turn_client *c);
/* A whole datagram, or frames. */
int carrier_send(struct turn_client *c, struct str bytes);
/* A message, which on the way gets the frame of its dialect. */
void carrier_message(struct turn_client *c, struct str message);

/* --- ask.c */

void ask_init(struct ask *a, struct turn_client *c,
              void (*done)(struct ask *a, const struct outcome *o));
/* Begins, anew if it runs: 0 or -EMSGSIZE. */
int ask_start(struct ask *a, enum ask_kind kind) MUST_CHECK;
void ask_stop(struct ask *a);
static inline bool ask_runs(const struct ask *a)
{
	return !list_empty(&a->node);
}
struct ask *ask_find(struct turn_client *c, const uint8_t *id);
/* Realm and nonce of a challenge; false: they make no sense. */
bool ask_learn(struct turn_client *c, const struct answer *answer);
void ask_answered(struct ask *a, const struct answer *answer);

/* --- bond.c */

/* NULL: there is none.  number 0: a permission. */
struct bond *bond_to(struct turn_client *c, const struct addr *peer, bool channel);
struct bond *bond_numbered(struct turn_client *c, uint16_t number);
static inline bool bond_is_good(const struct bond *b)
{
	return b->state == BOND_HELD || b->state == BOND_RENEWED;
}
/* Is there a permission for that host? */
bool bond_permits(struct turn_client *c, const struct addr *peer);
int bond_new(struct turn_client *c, const struct addr *peer, bool channel) MUST_CHECK;
/* 0; -EINVAL: not in this state; or what the action says.  The bond may be gone then. */
int bond_feed(struct bond *b, enum bond_event ev, const struct outcome *o);
void bonds_end(struct turn_client *c);
