/* Sections read by tables of settings. */
#pragma once

#include "topo/conf.h"
#include "topo/setting.h"

enum { KEYS_TABLES_MAX = 16, KEYS_NAMES_MAX = 512 };

/* Fills cfg from the section, with the table's defaults; a row whose default is NULL must be
 * there.  0, or -EINVAL with an error line for each bad value. */
int keys_read(const struct conf_section *s, const struct setting *table, void *cfg,
              struct buf *errors);
/* Refuses keys that no table of `tables` (NULL-terminated) has, and values that do not fit. */
int keys_check(const struct conf_section *s, const struct setting *const *tables,
               struct buf *errors);
