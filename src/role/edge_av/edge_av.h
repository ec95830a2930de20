/* The A/V edge: STUN and TURN for clients of both dialects, on the Internet and on the own network,
 * and the relay authentication service that gives them credentials. */
#pragma once

#include "role/role.h"

extern const struct role role_edge_av;
