/* A document with contacts and groups, merged into a user's list: what an administrator imports.
 * Pure.  What is wrong in it is told by line and element, for a person wrote it. */
#pragma once

#include "svc/contacts/contacts.h"

struct contacts_imported {
	uint32_t added, updated;
};
/* Groups are found by their names; what is on the list is brought up to date, nothing is removed.
 * All or nothing: -EBADMSG: something is wrong with the document; -ENOSPC: the list would be larger
 * than `max` contacts or another limit; then `why` has "line 4, <contact uri="...">: what". */
int contacts_import(struct contact_list *to, struct str document, uint32_t max,
                    struct contacts_imported *ret, struct buf *why) MUST_CHECK;
