/* Where browsers are told by push (RFC 8030) what comes while no page of theirs is open: rows of
 * the user store, sealed.
 *
 * A subscription is of a log-in, and goes with it.  A log-in has one; a user ACCT_PUSHES_MAX, of
 * which the oldest makes room.  That an account has any is in its record, so that nobody asks in
 * vain. */
#pragma once

#include "svc/user/userdb.h"
#include "wire/push/push_sub.h"

/* Has the log-in one?  0 or -errno. */
int pushes_of_login(struct userdb *db, uint64_t login, bool *ret) MUST_CHECK;
/* A user's, of log-ins that have not ended; rows or -errno.  Texts are valid in fn, which must not
 * call userdb. */
typedef void pushes_fn(void *arg, const struct acct_push *p);
int pushes_list(struct userdb *db, uint64_t account, pushes_fn *fn, void *arg) MUST_CHECK;

/* In the place of the log-in's, and of whoever had this address.  -ENOENT: the log-in has ended. */
void pushes_add(struct userdb *db, uint64_t account, uint64_t login, const struct push_sub *sub,
                userdb_done_fn *done, void *arg);
/* -ENOENT: it has none. */
void pushes_end(struct userdb *db, uint64_t account, uint64_t login, userdb_done_fn *done,
                void *arg);
/* By its number, whatever becomes of it: the push service has forgotten it. */
void pushes_gone(struct userdb *db, uint64_t account, uint64_t number);
