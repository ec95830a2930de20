/* The stored part of a conference as the columns of a row. */
#pragma once

#include "svc/conference/conference.h"

enum { CONF_INVITED_TEXT_MAX = CONF_INVITED_MAX * (CONF_URI_MAX + CONF_NAME_MAX + 13) };

struct conf_row {
	struct str organizer, organizer_name, id, subject;
	struct str admission; /* "openAuthenticated" */
	uint32_t promote;     /* 0, 32768, 2147483648 */
	bool lobby, lasting;
	uint32_t mcus;
	struct str invited; /* a line each: "presenter sip:bob@example.test Bob Example" */
	uint64_t created_s, expires_s, last_active_s;
	uint32_t revision;
};

/* Texts borrow from c and, the invited, lie in b. */
void conf_row_of(struct conf_row *ret, struct buf *b, const struct conference *c);
/* Adds a conference that was stored; its documents count on from now_s, so that they are newer than
 * those before the restart.  -EINVAL: the row is damaged; -EEXIST. */
int conferences_load(struct conferences *s, uint64_t now_s, const struct conf_row *row) MUST_CHECK;
