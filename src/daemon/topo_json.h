/* The configuration as JSON, for `dialtone topology show`, `config show` and `dialtoned --check`.
 */
#pragma once

#include "role/role.h"

/* An array: a row for each role of each host, with where it listens. */
void topo_json_roles(struct buf *b, const struct topo *t);
/* An object: domains, realm, hosts, roles, directories: the whole machine form. */
void topo_json_all(struct buf *b, const struct topo *t);
/* An array of {section, key, value, set}: every setting there is with the value in force; for the
 * one role, or all of this host's and the files' own (NULL). */
void topo_json_settings(struct buf *b, const struct topo *t, const struct role *const *roles,
                        const char *only_role);
