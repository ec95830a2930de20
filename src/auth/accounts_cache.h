/* The records that a client of the accounts link remembers, by the key they were asked for. */
#pragma once

#include "base/list.h"
#include "base/map.h"
#include "wire/accounts/acct.h"

struct accounts_cache {
	struct map by_key, by_id;
	struct list used[2]; /* least recently used first; [1]: keys without a record */
	size_t n[2], max[2];
};

void accounts_cache_init(struct accounts_cache *c, size_t max_records, size_t max_absent);
void accounts_cache_clear(struct accounts_cache *c);
/* Clears it and frees its tables. */
void accounts_cache_done(struct accounts_cache *c);
/* Remembers a copy; acc NULL: there is none.  Keys in any case. */
void accounts_cache_put(struct accounts_cache *c, struct str key, const struct account *acc);
/* The record or NULL; *ret_absent: known to be none. */
const struct account *accounts_cache_get(struct accounts_cache *c, struct str key,
                                         bool *ret_absent);
/* Forgets every record of the account, and every "there is none". */
void accounts_cache_forget(struct accounts_cache *c, uint64_t id);
