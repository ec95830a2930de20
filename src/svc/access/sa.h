/* Security associations of a client's connection ([MS-SIPAE] section 3.3.1): made by the legs of a
 * REGISTER, then every message of the connection is signed and verified with them at this hop.
 *
 * A connection may have several, of several users.  They end with the connection. */
#pragma once

#include "auth/mech.h"
#include "base/list.h"
#include "stack/sip/flow.h"

enum {
	SA_PER_FLOW_MAX = 8, /* of one connection, those being made included */
	/* Challenges of a connection without a success between: a client that goes round in circles
	 * is let go. */
	SA_CHALLENGES_MAX = 100,
	SA_LIFE_S = 8 * 3600, /* a REGISTER after that is asked to authenticate anew */
	/* ... and this long later, when no registration can still rest on it, it is not taken. */
	SA_GRACE_S = 3600,
};

struct sa {
	struct list node; /* of the connection, oldest first */
	const struct auth_mech *mech;
	void *mech_state;
	struct auth_assoc *assoc;
	bool up;            /* the last leg was accepted */
	struct sa **holder; /* who waits for a leg; *holder is cleared when we are freed */
	usec_t made;        /* monotonic, of the last leg */
	uint64_t account, credential;
	char *uri; /* "alice@example.test", once up */
};

/* A message was dropped because nobody of the connection signed it. */
typedef void sa_wrong_fn(void *arg, const struct sip_flow *f, const struct sip_msg *m,
                         const char *why);

struct sa_list {
	struct list list;
	unsigned n;
	unsigned challenges; /* since the last success */
	struct loop *loop;
	sa_wrong_fn *wrong;
	void *arg;
};

void sa_list_init(struct sa_list *l, struct loop *loop, sa_wrong_fn *wrong, void *arg);
/* Frees all; legs under way are cancelled. */
void sa_list_done(struct sa_list *l);

/* A new one, to be made.  The oldest that is not up and not busy makes room, else an older one of
 * those that are up; NULL if all are busy. */
struct sa *sa_begin(struct sa_list *l, const struct auth_mech *mech, void *mech_state,
                    const struct addr *peer);
void sa_free(struct sa_list *l, struct sa **sp);
/* By the id that the mechanism put into its challenge, or NULL. */
struct sa *sa_find(struct sa_list *l, const struct auth_mech *mech, struct str id);
/* The last leg was accepted: messages of the flow are signed from now on.  Older ones of the same
 * user but the last are forgotten. */
void sa_up(struct sa_list *l, struct sa *s, struct sip_flow *f, const struct auth_result *r);
/* The association that rightly signed this message, or NULL. */
struct sa *sa_signer(struct sa_list *l, const struct sip_msg *m);
bool sa_is_old(const struct sa *s, usec_t now);
/* Takes off those of the account (0: all) made with the credential (0: any). */
void sa_revoke(struct sa_list *l, uint64_t account, uint64_t credential);
/* The credentials of this scheme in the Authorization fields of a message; empty if none. */
struct str sa_credentials(const struct sip_msg *m, const char *scheme, struct str *ret_id);
