/* The contact list. */
#pragma once
#include "driver.h"

/* The buddy "name" of a command's object: in the group "in", or in whichever it is found first.
 * NULL if there is none. */
PurpleBuddy *blist_buddy(struct driver *d, const cJSON *args);
