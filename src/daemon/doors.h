/* Who is behind the door: listeners that have the address and port of a [role door] of their host
 * are not bound, and get their connections from it (role/door, role/by_door.h). */
#pragma once

#include "role/role.h"

/* Marks them.  0, or -EINVAL with a line for each address of a door that nobody is behind.  Behind
 * all topo_add_default_port(), before topo_check_ports(). */
int doors_mark(struct topo *t, const struct role *const *roles, struct buf *errors) MUST_CHECK;
