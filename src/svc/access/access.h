/* The access half: who is at the other end of a flow, and may they (design section 4).
 *
 * A REGISTER is always authenticated.  A TCP or TLS connection on which one succeeded vouches for
 * that user until it closes; any other request outside a dialog is challenged.
 *
 * Phones are challenged by Digest.  Lync clients make a security association by NTLM, and from then
 * on every message of their connection is signed ([MS-SIPAE]); a signed REGISTER needs no challenge
 * until the association is old. */
#pragma once

#include "auth/accounts.h"
#include "auth/mech.h"
#include "base/map.h"
#include "stack/sip/txn.h"
#include "svc/access/listeners.h"
#include "svc/access/refusal.h"
#include "svc/access/sa.h"
#include "svc/access/token.h"
#include "topo/setting.h"

enum {
	ACCESS_VOUCHES_MAX =
	        20000, /* users of one connection (a trunk of phones behind a gateway) */
	ACCESS_PENDING_MAX = 20000, /* authentications that wait for accounts: 503 beyond */
	ACCESS_URI_MAX = 255,       /* bytes of an address of record */
};

struct access_config {
	uint32_t unknown_max_s; /* a connection on which nobody signed in is closed after */
	uint32_t keepalive_s;   /* pings to UDP phones behind NAT */
	int digest;             /* enum digest_alg offered */
	int ntlm;               /* enum access_ntlm */
	struct str sha256_list; /* as it stands in the topology; read into: */
	struct access_listeners sha256;
};
/* On which connections Lync clients may sign in with NTLM. */
enum access_ntlm {
	ACCESS_NTLM_OFF,
	ACCESS_NTLM_TLS, /* TLS, and TCP from this very machine */
	ACCESS_NTLM_ANY,
};
extern const struct setting access_settings[];
/* Fills *ret from the role's section.  0, or -EINVAL with the errors. */
int access_config_read(struct access_config *ret, const struct topo *t, const struct topo_role *r,
                       struct buf *errors) MUST_CHECK;

struct access_identity {
	uint64_t account, credential;
	uint64_t endpoint; /* that registered on this connection; 0: unknown */
	struct str uri;    /* "alice@example.test" */
};

struct access; /* opaque */

struct access_setup {
	struct accounts *accounts; /* must be freed before the access half (auth/mech_digest.h) */
	struct sip_transport *tp;
	struct str realm;        /* of Digest */
	struct str fqdn;         /* our name: NTLM's target, the source of diagnostics */
	struct str domain;       /* the main SIP domain */
	const uint8_t *pool_key; /* 32 bytes */
	sa_wrong_fn *wrong;      /* a message was not rightly signed, and dropped */
	void *arg;
};

struct access *access_new(struct loop *l, const struct access_config *cfg,
                          const struct access_setup *setup);
void access_free(struct access **ap);
void access_configure(struct access *a, const struct access_config *cfg);

/* The life of a client's connection.  opened: false refuses it. */
bool access_opened(struct access *a, struct sip_flow *f);
void access_closed(struct access *a, struct sip_flow *f);
/* From accounts: connections stop vouching for the account (0: everybody; credential 0: whichever
 * was used), and associations made with it end.  Connections that nobody else uses are closed; Lync
 * clients are told why before. */
void access_revoke(struct access *a, uint64_t account, uint64_t credential, enum refusal why);
/* Tells the Lync clients of a connection that they are signed off ([MS-SIPREGE] section 3.3.5), and
 * why; then closes it.  REFUSE_NOTHING: closes it without a word. */
void access_deregister(struct access *a, struct sip_flow *f, enum refusal why);

/* True if the connection vouches for anybody; false for UDP. */
bool access_is_known(const struct sip_flow *f);
/* True if the connection vouches for the user. */
bool access_vouched(struct access *a, const struct sip_flow *f, struct str uri,
                    struct access_identity *ret);
void access_vouch(struct access *a, struct sip_flow *f, const struct access_identity *id);
/* Ends the connections on which somebody for whom `is` holds signed in at or after `since`: their
 * home may have forgotten it, and they will sign in again.  Returns how many. */
typedef bool access_is_fn(void *arg, uint64_t account);
unsigned access_end_since(struct access *a, usec_t since, access_is_fn *is, void *arg);
/* The same for those on which a Lync client signed in, whenever it did. */
unsigned access_end_lync(struct access *a, access_is_fn *is, void *arg);
void access_unvouch(struct access *a, struct sip_flow *f, struct str uri);

enum access_verdict { ACCESS_OK, ACCESS_REFUSED, ACCESS_WAIT };
struct access_result {
	enum access_verdict verdict;
	struct access_identity id; /* of OK and of `repeated`; uri valid during the call */
	bool repeated;             /* REFUSED: `id` sent it, as her credentials say; but they were
	                            * used before, perhaps in this very request (auth/mech.h) */
	enum refusal why;          /* of REFUSED; NOTHING for a first challenge */
	const char *detail;        /* of REFUSED, for the log: what is wrong with the credentials;
	                            * static, or NULL */
	int code;                  /* of REFUSED: the answer to give ... */
	struct str reason;
	struct str lines; /* ... with these header lines; valid during the call */
};
typedef void access_done_fn(void *arg, const struct access_result *r);
struct access_wait; /* an authentication that waits for accounts; freeing it cancels */

/* Who sends this request: by the connection, or by the credentials in it, or a challenge.  When
 * accounts must be asked: ACCESS_WAIT, *ret_wait, and done is called once later (the caller keeps
 * the request).  Otherwise *ret is filled in and done is not called. */
enum access_verdict access_identify(struct access *a, struct sip_flow *f, const struct sip_msg *m,
                                    struct access_result *ret, access_done_fn *done,
                                    struct access_wait **ret_wait);
/* What done is called with. */
void access_wait_for(struct access_wait *w, void *arg);
void access_wait_free(struct access_wait **wp);

/* A UDP phone behind NAT registered: its address is pinged until the time given. */
void access_keep_alive(struct access *a, const struct sip_flow *f, usec_t until);

/* True if that was said of the peer of this UDP flow, and still holds. */
bool access_is_behind_nat(struct access *a, const struct sip_flow *f);

struct access_stats {
	uint64_t challenges, accepted, refused, slowed, failed, closed_unknown, pings;
	uint64_t wrong_signatures;
	uint32_t pending, vouches, nat_peers;
};
const struct access_stats *access_stats(const struct access *a);
