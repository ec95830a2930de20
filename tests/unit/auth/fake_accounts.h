/* The far end of an accounts link, in the hands of a test: keeps what was asked, answers what the
 * test says. */
#pragma once

#include "auth/accounts.h"
#include "base/arena.h"

enum { FAKE_ASKED_MAX = 256 };

struct fake_accounts {
	struct loop *loop;
	struct stream *link;
	struct arena *texts;
	struct acct_msg asked[FAKE_ASKED_MAX];
	size_t n_asked;
	unsigned reads;   /* times that anything came */
	unsigned n_feeds; /* of the asked, feed requests */
	bool broken;      /* something came that is no frame */
	/* Called for each request if set; else the test looks at `asked`. */
	void (*serve)(struct fake_accounts *f, const struct acct_msg *m);
	void *arg;
};

/* *ret_fd is the client's end. */
void fake_accounts_start(struct fake_accounts *f, struct loop *l, int *ret_fd);
/* A new link in place of the old one; what was asked stays. */
void fake_accounts_again(struct fake_accounts *f, int *ret_fd);
/* As a killed process leaves it. */
void fake_accounts_die(struct fake_accounts *f);
void fake_accounts_end(struct fake_accounts *f);
void fake_accounts_send(struct fake_accounts *f, const struct acct_msg *m);
/* The feed's answer: nothing was missed. */
void fake_accounts_feed(struct fake_accounts *f, uint64_t number, bool gap);
