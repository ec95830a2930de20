/* The roles that work: the poster on one screen. */
#pragma once

#include "role/role.h"

/* NULL-terminated. */
extern const struct role *const roles_all[];

/* The role of that name in a NULL-terminated list, or NULL. */
const struct role *roles_find(const struct role *const *roles, struct str name);
