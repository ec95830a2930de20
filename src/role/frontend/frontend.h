/* The Front End Server (poster: RL-04): registrar, routing, the first hop of clients. */
#pragma once

#include "role/role.h"

extern const struct role role_frontend;
