/* The settings part of the manual page dialtone.conf(5), made from the tables. */
#pragma once

#include "role/role.h"

/* Appends man(7) text: a subsection for each kind of section, then for each role. */
void manual_put_settings(struct buf *b, const struct role *const *roles);
