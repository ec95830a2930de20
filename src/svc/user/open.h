/* Opens the user store as the configuration says: for the accounts role, and for `dialtone` while
 * the server is stopped. */
#pragma once

#include "svc/user/userdb.h"
#include "topo/topo.h"

/* The settings of the section `[role accounts]`. */
extern const struct setting user_settings[];

/* role: the accounts role of this host.  NULL with sentences for people. */
struct userdb *userdb_open_configured(struct loop *l, const struct topo *t,
                                      const struct topo_role *role, const char *data_dir,
                                      const uint8_t seal_key[SEAL_KEY_LEN], struct buf *why);
/* Takes what can change while it is open; negative with sentences. */
int userdb_reload(struct userdb *db, const struct topo *t, const struct topo_role *role,
                  struct buf *why) MUST_CHECK;
