/* The accounts role between fakes: one link to a front end that is a test, commands as from the
 * control socket, SIP phones that answer Digest challenges. */
#pragma once

#include "auth/mech_digest.h"
#include "await.h"
#include "role/accounts/accounts.h"
#include "tmpdir.h"

enum { NEWS_MAX = 64 };

struct news {
	enum accounts_event event;
	uint64_t account, credential;
};

/* The role, and at the other end of its link a client with the Digest mechanism. */
struct harness {
	struct loop *l;
	struct tmpdir dir;
	struct topo *topo;
	struct role_env env;
	struct role_right right; /* what the link's other end may ask */
	struct role_link link;
	void *role;
	struct accounts *accounts;
	struct digest *digest;
	struct mech_digest *mech;
	struct news news[NEWS_MAX];
	size_t n_news;
};

struct harness *harness_start(void);
void harness_end(struct harness *h);
/* Graceful end of the role, and kill -9 as far as a test in one process can have it. */
void harness_stop_role(struct harness *h);
void harness_start_role(struct harness *h);
/* A new link, both ends told. */
void harness_link(struct harness *h);
/* The role's metric of secrets hashed against. */
uint64_t harness_checks(struct harness *h);
bool harness_told(const struct harness *h, enum accounts_event event, uint64_t account);

/* Runs a command; args as JSON.  Returns what was answered: the result, or "!" and the sentence.
 * Valid until the next call but three. */
const char *run(struct harness *h, const char *cmd, const char *args);
/* "user add" of example.test with a good password. */
void add_user(struct harness *h, const char *user, const char *password);

/* A phone at an address. */
struct phone {
	struct harness *h;
	const char *user, *password, *uri; /* uri: From's */
	struct auth_assoc *assoc;
	struct addr at;
	enum digest_alg alg;
	char challenge[1024];
	char nonce[128];
	unsigned nc;
	/* The last result. */
	unsigned calls;
	enum auth_result_kind kind;
	uint64_t account, credential;
	uint32_t retry_s;
	char identity[128];
};
void phone_start(struct phone *p, struct harness *h, const char *user, const char *password,
                 const char *at);
void phone_end(struct phone *p);
/* Answers the last challenge (of a fresh offer the first time) and waits for the result; a stale
 * nonce or another algorithm is answered again, as clients do. */
enum auth_result_kind phone_try(struct phone *p);
/* The next answer, sent without waiting; 0 or -EINPROGRESS. */
int phone_send(struct phone *p);
