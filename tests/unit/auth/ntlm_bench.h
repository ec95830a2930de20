/* The NTLM mechanism between fakes: accounts that know alice, and phones that sign in as her. */
#pragma once

#include "auth/fake_accounts.h"
#include "auth/mech_ntlm.h"
#include "auth/ntlm_client.h"
#include "await.h"

#define REALM "SIP Communications Service"
#define TARGET "pool.example.test"
#define OFFER "NTLM realm=\"" REALM "\", targetname=\"" TARGET "\", version=4"

struct bench {
	struct loop *l;
	struct fake_accounts far;
	struct accounts *accounts;
	struct mech_ntlm *mech;
};

/* A client, and the association that it has here. */
struct phone {
	struct bench *b;
	struct auth_assoc *a;
	struct ntlm_client c;
	unsigned version;
	/* The last result. */
	unsigned calls;
	enum auth_result_kind kind;
	uint64_t account, credential;
	uint32_t retry_s;
	char uri[64], challenge[2048];
};

struct bench *bench_start(void);
void bench_end(struct bench *b);
/* The last authentication that accounts was asked for, and how many there were. */
struct acct_msg bench_last_asked(const struct bench *b, unsigned *ret_n);
unsigned bench_n_asked(const struct bench *b);
/* For far.serve, in place of accounts that check: SLOW for 9 s, and ACCEPT without a key. */
void bench_serve_slow(struct fake_accounts *f, const struct acct_msg *m);
void bench_serve_without_key(struct fake_accounts *f, const struct acct_msg *m);

/* With the right password and version 4; a test may change that before it signs in. */
void phone_begin(struct phone *p, struct bench *b);
void phone_hang_up(struct phone *p);
/* A REGISTER of alice, with the lines given. */
struct sip_msg phone_request(struct buf *b, struct str lines);
/* One leg. */
int phone_step(struct phone *p, struct str creds);
/* The leg with empty data; reads the CHALLENGE. */
void phone_ask(struct phone *p, uint8_t ret_challenge[NTLM_CHALLENGE_LEN]);
/* The credentials of the leg with the AUTHENTICATE, signed if the version wants it. */
void phone_put_answer(struct phone *p, struct buf *b, const uint8_t challenge[NTLM_CHALLENGE_LEN]);
/* All legs; the result is in p. */
enum auth_result_kind phone_sign_in(struct phone *p);
/* Appends the Authorization line that signs the request of phone_request(). */
void phone_put_signed_line(struct phone *p, struct buf *b);
int phone_verify(struct phone *p, struct str line);
/* The next message of the client. */
int phone_verify_next(struct phone *p);
