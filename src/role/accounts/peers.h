/* The other ends of the accounts links: answers their requests, feeds them the changes. */
#pragma once

#include "svc/user/phonebook.h"
#include "role/accounts/runs.h"

struct peers; /* opaque */

/* Serves every link of the environment; borrows all. */
struct peers *peers_new(struct role_env *env, struct userdb *db, struct signin *signin,
                        struct runs *runs, struct phonebook *people);
void peers_free(struct peers **pp);
/* Searches answered so far. */
uint64_t peers_searches(const struct peers *p);
/* Link i was made anew. */
void peers_link_up(struct peers *p, size_t i);
/* A change for all that listen. */
void peers_tell(struct peers *p, const struct userdb_change *c);
