/* The directory of people in memory: finds users by what stands in the store, and follows its
 * changes.  Who is hidden or disabled is not in it. */
#pragma once

#include "svc/user/userdb.h"

struct people; /* opaque */

/* Reads all users: about 5 s of CPU for a million; borrows the store.  NULL if it cannot be read.
 */
struct people *people_new(struct userdb *db);
void people_free(struct people **pp);
/* That account was changed, or removed. */
void people_changed(struct people *p, uint64_t account);
size_t people_count(const struct people *p);

/* The first people in the order of their names whom the query means, each for the time of the call,
 * in which userdb must not be called.  How many, or -EIO; *ret_more: there are others. */
typedef void people_fn(void *arg, const struct acct_person *p);
int people_search(struct people *p, const struct acct_query *q, bool *ret_more, people_fn *fn,
                  void *arg) MUST_CHECK;
