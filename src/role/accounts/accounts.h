/* The accounts role: the poster's AD DS box.  The only process that opens the user store. */
#pragma once

#include "role/role.h"

extern const struct role role_accounts;
