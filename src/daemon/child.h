/* A role process: takes what the supervisor passes, starts the role, closes the sandbox, serves the
 * control socket and the metrics, until it is told to stop or the supervisor has gone. */
#pragma once

#include "role/role.h"

/* The program's exit status. */
int child_main(const struct role *const *roles);
