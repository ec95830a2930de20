/* Taking over rows from the file of another process of the same role.
 *
 * Where each process keeps the rows of its own keys in a file of its own, another number of
 * processes means other owners.  A row carries a generation; whoever owns its key now takes the row
 * of the highest generation and counts it up, so that it does not matter how often the number
 * changes, or when it ends in between. */
#pragma once

#include "store/store.h"

struct store_adoption {
	const char *read; /* select key, generation and up to STORE_COLS_MAX - 2 more */
	const char *get;  /* select generation of $1 */
	const char *put;  /* insert or replace: key $1, generation $2, the others */
	const char *drop; /* delete $1 */
	unsigned owner;   /* which of the columns that were read is_mine() is asked about */
	bool (*is_mine)(void *arg, uint64_t key);
	void *arg;
};

/* Copies into the file at `path` (made and migrated if need be) what it should have of the file
 * `other`, and drops from it what that one has newer.  Before store_open(), on the loop's thread;
 * all or nothing.  Returns the rows that were taken, or -errno with text for people; a file without
 * such a table has none. */
int store_adopt(const char *path, const struct store_migration *m, const char *other,
                const struct store_adoption *a, struct buf *why) MUST_CHECK;

/* The same for rows that are never changed but in one direction, many to a key: whatever of the
 * other file is not here yet is copied, and may stay there. */
enum { STORE_MERGE_TABLES_MAX = 2 };
struct store_merging {
	const char *keys; /* of the other file: select the least key above $1, or null */
	const char *mark; /* of the own: select one value of key $1 */
	struct {
		const char *read; /* of the other: select the rows of key $1; $2: the mark */
		const char *put;  /* insert one, unless it is here already */
		/* What is in the other file's log alone (store/log.h): inserts the record's values
		 * for the key, which comes behind the last of them.  NULL: there is no log. */
		const char *put_record;
	} table[STORE_MERGE_TABLES_MAX]; /* one after the other for each key */
	/* Which values of a record are its keys, or 0.  It is taken for each that is here, if its
	 * number is above the mark. */
	unsigned record_keys[2];
	bool (*is_mine)(void *arg, uint64_t key);
	void *arg;
};
/* As store_adopt(). */
int store_merge(const char *path, const struct store_migration *m, const char *other,
                const struct store_merging *a, struct buf *why) MUST_CHECK;
