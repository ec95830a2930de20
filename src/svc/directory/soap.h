/* directorySearch: the search of the directory that Lync clients make by SIP ([MS-SIP], as
 * pidgin-sipe sends it): SOAP in a SERVICE request to the domain. */
#pragma once

#include "wire/accounts/acct.h"
#include "wire/soap/soap.h"

#define DIRECTORY_METHOD "directorySearch"

/* Where a search by that LDAP name looks, in any case; false: it is not searched. */
bool directory_field(enum acct_field *ret, struct str name);
/* Is the call a directorySearch? */
bool directory_is_search(const struct soap *s);
/* What is searched for; borrows from s.  Without maxResults, or above the limit: ACCT_FOUND_MAX.
 * -EBADMSG with a sentence: no list of attributes, more rows or bytes than acct.h allows, an
 * attribute that is not searched. */
int directory_read(struct acct_query *ret, const struct soap *s, const char **why) MUST_CHECK;
/* Appends the answer, at most `max` bytes of people: who does not fit is left out, and then there
 * are more. */
void directory_put_answer(struct buf *b, const struct acct_person *people, size_t n, bool more,
                          size_t max);
