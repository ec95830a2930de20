/* Files that settings name: a secret, certificates. */
#pragma once

#include <sys/types.h>

#include "base/buf.h"

enum { SETTING_PATH_MAX = 1000 /* bytes of such a path, which the setting's table bounds */ };

/* Appends the whole content of a regular file of at most max bytes; ret has room for one more.
 * -errno; -EBADMSG: it is no regular file; -EPERM: its mode has one of the bits `forbidden`;
 * -EFBIG: it is longer.  What was read until then may be in ret. */
int setting_read_file(struct str path, size_t max, mode_t forbidden, struct buf *ret) MUST_CHECK;
