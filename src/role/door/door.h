/* The role "door": one address and port for several roles of a host, told apart by the first bytes
 * that a client sends. */
#pragma once

#include "role/role.h"

extern const struct role role_door;
