/* What administrators did by the web, as long as it is kept: rows of the user store. */
#pragma once

#include "svc/user/userdb.h"

enum {
	/* Of what changed something, and as many of what only asked: no number of questions pushes
	 * out what was changed. */
	AUDIT_ROWS_KEPT = 50000,
	AUDIT_PRUNE_EVERY = 256, /* rows that may be more */
	AUDIT_DAYS_KEPT = 400,
	AUDIT_LIST_MAX = 500,    /* rows of one list */
	AUDIT_RESULT_MAX = 1000, /* bytes of how it ended */
};

struct audit_row {
	uint64_t number;
	int64_t at;         /* seconds since 1970 */
	struct str user;    /* who did it: "alice@example.test" */
	struct str peer;    /* from where: "192.0.2.1" */
	struct str command; /* "user disable" */
	struct str args;    /* admin_put_args() */
	bool changes;
	struct str result; /* "done", "failed: ...", "begun": nobody knows how it ended */
};

/* The number of a new row with the result "begun"; it is on disk when done is called (NULL: nobody
 * waits for it).  Rows that are too many or too old go. */
uint64_t audit_begin(struct userdb *db, const struct audit_row *row, userdb_done_fn *done,
                     void *arg);
/* How it ended. */
void audit_end(struct userdb *db, uint64_t number, struct str result);

/* The last first; user empty: of all; before 0: from the newest on.  Rows or -errno; texts are
 * valid in fn, which must not call userdb. */
struct audit_query {
	struct str user;
	uint64_t before;
	uint32_t max; /* 1 to AUDIT_LIST_MAX */
};
typedef void audit_fn(void *arg, const struct audit_row *row);
int audit_list(struct userdb *db, const struct audit_query *q, audit_fn *fn, void *arg) MUST_CHECK;
