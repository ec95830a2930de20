/* The program dialtoned, for a list of roles: main.c gives it all that work, tests give it theirs.
 */
#pragma once

#include "role/role.h"

int dialtoned_main(int argc, char **argv, const struct role *const *roles);
