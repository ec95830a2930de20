/* The directory of people in memory: finds users by what stands in the store, and follows its
 * changes.  Who is hidden or disabled is not in it. */
#pragma once

#include "svc/user/userdb.h"

struct phonebook; /* opaque */

/* Reads all users: 6 us of CPU time each; borrows the store.  NULL if it cannot be read. */
struct phonebook *phonebook_new(struct userdb *db);
void phonebook_free(struct phonebook **pp);
/* That account was changed, or removed. */
void phonebook_changed(struct phonebook *p, uint64_t account);
size_t phonebook_count(const struct phonebook *p);

/* The first people in the order of their names whom the query means, each for the time of the call,
 * in which userdb must not be called.  How many, or -EIO; *ret_more: there are others. */
typedef void phonebook_fn(void *arg, const struct acct_person *p);
int phonebook_search(struct phonebook *p, const struct acct_query *q, bool *ret_more,
                     phonebook_fn *fn, void *arg) MUST_CHECK;
