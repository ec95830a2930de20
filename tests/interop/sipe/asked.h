/* What libpurple asks the user: each question stays open until the command "answer". */
#pragma once
#include "driver.h"

/* Answers the open question that libpurple has asked about this object (its user data): the first
 * action of a choice between actions, the path of a file.  FALSE if there is none. */
gboolean asked_accept(struct driver *d, const void *about, const char *path);
gboolean asked_refuse(struct driver *d, const void *about);
