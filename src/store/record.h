/* The bytes of a log's file (store/log.h): a head, then records without a gap.
 *
 * The head bears a key that is new whenever the file begins anew, and each record a hash by that
 * key.  So what the file held before, what is torn and what somebody wrote into a message all end
 * the log alike. */
#pragma once

#include "base/hash.h"
#include "base/rd.h"
#include "store/store.h"

enum {
	RECORD_HEAD_LEN = 32,               /* of the file */
	RECORD_MAX = STORE_WRITE_MAX + 512, /* bytes of one, of which so many are no texts */
};

void record_put_head(struct buf *b, const struct hash_key *key);
/* Reads the head; -EBADMSG: none, nothing of the file is valid. */
int record_get_head(struct hash_key *ret, struct rd *r) MUST_CHECK;

/* The bytes of a record of n values. */
size_t record_len(const struct store_val *vals, size_t n);
/* Appends a record of n values (STORE_PARAMS_MAX at most). */
void record_put(struct buf *b, const struct hash_key *key, const struct store_val *vals, size_t n);
/* Takes the next record off r, as a slice of it; false at the end of the log. */
bool record_next(struct rd *r, const struct hash_key *key, struct bytes *ret);
/* The values of a record, texts as slices of it; their number or -EBADMSG. */
int record_get(struct store_val ret[STORE_PARAMS_MAX], struct bytes record) MUST_CHECK;
/* Its first value, which is its number; 0 if it has none. */
int64_t record_number(struct bytes record);
