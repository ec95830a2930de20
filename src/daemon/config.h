/* The configuration as the daemon uses it: both files read, checked whole against the roles'
 * tables, with default ports filled in. */
#pragma once

#include "role/role.h"

struct config {
	char *dir;                  /* absolute */
	struct buf topology, local; /* the texts */
	struct topo *topo;
};

/* Reads and checks a directory.  NULL with all errors, one a line. */
struct config *config_load(const char *dir, const struct role *const *roles, struct buf *errors);
void config_free(struct config **cp);
/* The same check on texts: what a role process makes of the bundle it got. */
struct topo *config_topo(struct str topology, struct str local, const char *dir,
                         const struct role *const *roles, struct buf *errors);
/* Appends a line for each difference that needs a restart of the server; 0 if there is none. */
int config_restart_reasons(const struct config *now, const struct config *next,
                           const struct role *const *roles, struct buf *reasons);
