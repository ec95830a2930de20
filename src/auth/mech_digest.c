#include "auth/mech_digest.h"

#include <errno.h>
#include <stdlib.h>

#include "auth/digest_keys.h"
#include "base/list.h"
#include "wire/sip/uri.h"

enum { CHALLENGE_MAX = 1024 };

/* What the mechanisms of one process share. */
struct shared {
	struct digest *digest;
	struct accounts *accounts;
	struct digest_keys keys;
	struct mech_digest_counts counts;
	uint32_t times_back; /* how often the accounts process came back, forgetful */
};

struct mech_digest {
	struct shared *shared;
	bool owner;
	enum digest_alg alg;
	struct buf challenge; /* of the last result */
};

struct auth_assoc {
	struct mech_digest *mech;
	struct list steps;
	unsigned n_steps;
	enum digest_alg alg;
	struct addr peer;
};

/* A leg that accounts decides. */
struct step {
	struct list node;
	struct auth_assoc *assoc;
	struct accounts_req *req;
	auth_done_fn *done;
	void *arg;
	usec_t now;
	struct digest_name name;
	enum digest_alg alg;
	uint32_t nc_value;
	uint64_t nonce_serial;
};

/* --- results ------------------------------------------------------------------------- */

static struct str new_challenge(struct auth_assoc *a, bool stale, usec_t now)
{
	struct buf *b = &a->mech->challenge;
	b->len = 0;
	digest_challenge(a->mech->shared->digest, b, a->alg, stale, now);
	return buf_view(b);
}

static void give_challenge(struct auth_assoc *a, enum auth_result_kind kind, bool stale, usec_t now,
                           const char *why, auth_done_fn *done, void *arg)
{
	done(arg, &(struct auth_result){
	                  .kind = kind, .challenge = new_challenge(a, stale, now), .why = why });
}

static const char stale_why[] = "nonce too old or used before";

static void give_stale(struct auth_assoc *a, usec_t now, auth_done_fn *done, void *arg)
{
	give_challenge(a, AUTH_CHALLENGE, true, now, stale_why, done, arg);
}

static void give_repeated(struct auth_assoc *a, const struct digest_key *key, usec_t now,
                          auth_done_fn *done, void *arg)
{
	done(arg, &(struct auth_result){ .kind = AUTH_CHALLENGE,
	                                 .repeated = true,
	                                 .account = key->account,
	                                 .credential = key->credential,
	                                 .uri = key->uri,
	                                 .challenge = new_challenge(a, true, now),
	                                 .why = stale_why });
}

/* --- legs that accounts decides ------------------------------------------------------ */

static void step_detach(struct step *s)
{
	list_del(&s->node);
	s->assoc->n_steps--;
}

static void step_free(struct step *s)
{
	step_detach(s);
	accounts_req_free(&s->req);
	free(s);
}

/* Where the peer is, without its port. */
static uint32_t address_of(const struct auth_assoc *a)
{
	uint8_t packed[18];
	bool local = a->peer.sa.sa_family == AF_UNSPEC;
	size_t n = local ? 0 : addr_pack(&a->peer, packed) - sizeof(in_port_t);
	return (uint32_t)hash_bytes(&a->mech->shared->keys.map.key, packed, n);
}

/* The password was right; was the nonce good all the time? */
static void on_accept(struct step *s, const struct accounts_auth *v)
{
	struct auth_assoc *a = s->assoc;
	struct shared *sh = a->mech->shared;
	struct digest_creds c = { .nonce_serial = s->nonce_serial, .nc_value = s->nc_value };
	struct digest_key key = { .account = v->account,
		                  .credential = v->credential,
		                  .alg = s->alg,
		                  .ha1 = v->key.p,
		                  .from = address_of(a),
		                  .told = &sh->times_back,
		                  .uri = v->uri };
	if (v->key.len == digest_ha1_len(s->alg))
		digest_keys_put(&sh->keys, &s->name, &key);
	if (!digest_use_nonce(sh->digest, &c)) {
		give_stale(a, s->now, s->done, s->arg);
		return;
	}
	s->done(s->arg, &(struct auth_result){ .kind = AUTH_ACCEPT,
	                                       .account = v->account,
	                                       .credential = v->credential,
	                                       .uri = v->uri,
	                                       .why = "password" });
}

static void on_verdict(void *arg, const struct accounts_auth *v)
{
	struct step *s = arg;
	s->req = NULL;
	/* Whoever is told may free the association: it does not know this step any more. */
	step_detach(s);
	switch (v->verdict) {
	case ACCOUNTS_ACCEPT:
		on_accept(s, v);
		break;
	case ACCOUNTS_REFUSE:
		give_challenge(s->assoc, AUTH_REFUSE, false, s->now, "wrong user name or password",
		               s->done, s->arg);
		break;
	case ACCOUNTS_CONTINUE:
		s->assoc->alg = DIGEST_SHA256;
		give_challenge(s->assoc, AUTH_CHALLENGE, false, s->now,
		               "the user's policy asks for SHA-256", s->done, s->arg);
		break;
	case ACCOUNTS_SLOW:
		s->done(s->arg, &(struct auth_result){ .kind = AUTH_SLOW,
		                                       .retry_s = v->retry_s,
		                                       .why = "too many wrong passwords" });
		break;
	case ACCOUNTS_FAILED:
		s->done(s->arg, &(struct auth_result){ .kind = AUTH_FAILED,
		                                       .why = "accounts cannot be asked" });
		break;
	}
	free(s);
}

static void ask_accounts(struct step *s, const struct digest_creds *c, const char *ha2)
{
	struct auth_assoc *a = s->assoc;
	char space[DIGEST_BLOB_MAX];
	struct buf blob = { .p = space, .cap = sizeof(space), .max = sizeof(space) };
	digest_put_blob(&blob, c, ha2);
	struct accounts_leg leg = {
		.mech = c->alg == DIGEST_MD5 ? ACCOUNTS_DIGEST_MD5 : ACCOUNTS_DIGEST_SHA256,
		.user = digest_name_text(&s->name),
		.blob = bytes_of(buf_view(&blob)),
		.peer = &a->peer,
	};
	a->mech->shared->counts.asked++;
	s->req = accounts_auth(a->mech->shared->accounts, &leg, on_verdict, s);
}

/* --- a leg --------------------------------------------------------------------------- */

/* The domain that the request speaks for; empty if From cannot be read. */
static struct str domain_of(const struct sip_msg *req)
{
	const struct sip_uri *from = sip_from_uri(req);
	return from ? from->host : STR("");
}

/* Accounts keeps in memory from where a user has signed in: a new process of it is told once. */
static void tell_accounts(struct auth_assoc *a, const struct digest_key *key)
{
	if (*key->told == a->mech->shared->times_back)
		return;
	*key->told = a->mech->shared->times_back;
	accounts_known(a->mech->shared->accounts, key->account, key->credential, &a->peer);
}

static void accept_by_key(struct auth_assoc *a, const struct digest_key *key, auth_done_fn *done,
                          void *arg)
{
	a->mech->shared->counts.by_key++;
	tell_accounts(a, key);
	done(arg, &(struct auth_result){ .kind = AUTH_ACCEPT,
	                                 .account = key->account,
	                                 .credential = key->credential,
	                                 .uri = key->uri,
	                                 .why = "password" });
}

/* An answer with what it is checked by. */
struct answer {
	struct digest_name name;
	struct digest_key key; /* of found_key() */
	char ha2[DIGEST_HEX_MAX];
};

/* True if a key is known that the answer proves.  From another address accounts decides: there
 * somebody may have guessed too often. */
static bool found_key(const struct auth_assoc *a, const struct sip_msg *req,
                      const struct digest_creds *c, struct answer *ret)
{
	digest_name_set(&ret->name, c->username, domain_of(req));
	digest_ha2(ret->ha2, c, req->method_name, req->body);
	return digest_keys_find(&a->mech->shared->keys, &ret->name, c, ret->ha2, &ret->key) &&
	       ret->key.from == address_of(a);
}

/* The nonce was used with this nc before. */
static void check_used(struct auth_assoc *a, const struct sip_msg *req,
                       const struct digest_creds *c, usec_t now, auth_done_fn *done, void *arg)
{
	RAW_MEMORY struct answer t;
	if (found_key(a, req, c, &t))
		give_repeated(a, &t.key, now, done, arg);
	else
		give_stale(a, now, done, arg);
}

static int check_answer(struct auth_assoc *a, const struct sip_msg *req,
                        const struct digest_creds *c, usec_t now, auth_done_fn *done, void *arg)
{
	RAW_MEMORY struct answer t;
	if (found_key(a, req, c, &t)) {
		if (digest_use_nonce(a->mech->shared->digest, c))
			accept_by_key(a, &t.key, done, arg);
		else
			give_stale(a, now, done, arg);
		return 0;
	}
	if (a->n_steps >= MECH_DIGEST_STEPS_MAX) {
		done(arg, &(struct auth_result){ .kind = AUTH_SLOW,
		                                 .retry_s = 1,
		                                 .why = "too many sign-ins under way" });
		return 0;
	}
	struct step *s = xnew(struct step);
	*s = (struct step){ .assoc = a,
		            .done = done,
		            .arg = arg,
		            .now = now,
		            .name = t.name,
		            .alg = c->alg,
		            .nc_value = c->nc_value,
		            .nonce_serial = c->nonce_serial };
	list_add(&a->steps, &s->node);
	a->n_steps++;
	ask_accounts(s, c, t.ha2);
	return -EINPROGRESS;
}

static int mech_step(void *mech UNUSED, struct auth_assoc *a, const struct sip_msg *req,
                     struct str creds, usec_t now, auth_done_fn *done, void *arg)
{
	struct digest_creds c;
	const char *why = NULL;
	int r = digest_parse(&c, creds);
	if (r < 0)
		why = r == -ENOTSUP ? "algorithm or qop not offered" : "broken credentials";
	else if (a->alg == DIGEST_SHA256 && c.alg == DIGEST_MD5)
		why = "MD5 is not enough here";
	enum digest_nonce n = DIGEST_FOREIGN;
	if (!why)
		n = digest_check_nonce(a->mech->shared->digest, &c, now);
	if (n == DIGEST_FRESH)
		return check_answer(a, req, &c, now, done, arg);
	if (n == DIGEST_USED)
		check_used(a, req, &c, now, done, arg);
	else if (n == DIGEST_STALE)
		give_stale(a, now, done, arg);
	else
		give_challenge(a, AUTH_CHALLENGE, false, now, why ? why : "nonce is not ours", done,
		               arg);
	return 0;
}

static void mech_offer(void *mech UNUSED, struct auth_assoc *a, struct buf *b, bool stale,
                       usec_t now)
{
	digest_challenge(a->mech->shared->digest, b, a->alg, stale, now);
}

/* --- life ---------------------------------------------------------------------------- */

static struct auth_assoc *mech_begin(void *mech, const struct addr *peer)
{
	struct mech_digest *m = mech;
	struct auth_assoc *a = xnew(struct auth_assoc);
	a->mech = m;
	a->alg = m->alg;
	a->peer = *peer;
	list_init(&a->steps);
	return a;
}

static void mech_end(void *mech UNUSED, struct auth_assoc **ap)
{
	struct auth_assoc *a = take(ap);
	if (!a)
		return;
	while (!list_empty(&a->steps))
		step_free(list_entry(a->steps.next, struct step, node));
	free(a);
}

/* There is nothing to hand over: every request proves the password by itself. */
static int mech_export(void *mech UNUSED, struct auth_assoc *a UNUSED, struct buf *b UNUSED)
{
	return -ENOTSUP;
}

const struct auth_mech mech_digest = {
	.scheme = "Digest",
	.signs = false,
	.begin = mech_begin,
	.offer = mech_offer,
	.step = mech_step,
	.export = mech_export,
	.free = mech_end,
};

static void on_event(void *arg, enum accounts_event ev, uint64_t account, uint64_t credential)
{
	struct shared *sh = arg;
	if (ev == ACCOUNTS_BACK)
		sh->times_back++;
	else if (ev == ACCOUNTS_PASSWORD)
		digest_keys_forget(&sh->keys, account, credential);
	else if (ev == ACCOUNTS_DISABLED || (ev == ACCOUNTS_CHANGED && account != 0))
		digest_keys_forget(&sh->keys, account, 0);
}

struct mech_digest *mech_digest_new(struct digest *d, struct accounts *accounts,
                                    enum digest_alg alg)
{
	struct shared *sh = xnew(struct shared);
	sh->digest = d;
	sh->accounts = accounts;
	digest_keys_init(&sh->keys);
	accounts_listen(accounts, on_event, sh);
	struct mech_digest *m = mech_digest_share(&(struct mech_digest){ .shared = sh }, alg);
	m->owner = true;
	return m;
}

struct mech_digest *mech_digest_share(struct mech_digest *first, enum digest_alg alg)
{
	struct mech_digest *m = xnew(struct mech_digest);
	m->shared = first->shared;
	m->alg = alg;
	m->challenge = buf_of(CHALLENGE_MAX);
	return m;
}

void mech_digest_free(struct mech_digest **mp)
{
	struct mech_digest *m = take(mp);
	if (!m)
		return;
	if (m->owner) {
		digest_keys_done(&m->shared->keys);
		free(m->shared);
	}
	buf_free(&m->challenge);
	free(m);
}

struct mech_digest_counts mech_digest_counts(const struct mech_digest *m)
{
	struct mech_digest_counts c = m->shared->counts;
	c.keys = m->shared->keys.map.n;
	return c;
}
