/* The web role: HTTPS for browsers, and for each browser an endpoint of its user at the front end.
 */
#pragma once

#include "role/role.h"

extern const struct role role_web;
