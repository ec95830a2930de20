/* SearchAbEntry: the address book's web query ([MS-ABS], as pidgin-sipe asks it): SOAP over HTTPS.
 */
#pragma once

#include "wire/accounts/acct.h"
#include "wire/soap/soap.h"

#define ENTRIES_SPACE "DistributionListExpander"
#define ENTRIES_METHOD "SearchAbEntry"

/* Is the call a SearchAbEntry? */
bool entries_is_search(const struct soap *s);
/* What is searched for; borrows from s.  Without MaxResultNum, or above the limit: ACCT_FOUND_MAX.
 * -EBADMSG with a sentence: nothing is searched for, more rows or bytes than acct.h allows, an
 * attribute that is not searched. */
int entries_read(struct acct_query *ret, const struct soap *s, const char **why) MUST_CHECK;
/* Appends the answer, at most `max` bytes of people: who does not fit is left out. */
void entries_put_answer(struct buf *b, const struct acct_person *people, size_t n, size_t max);
