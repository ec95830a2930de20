/* Bodies with "Content-Encoding: deflate" (RFC 3261 section 20.12; RFC 1950): liblinphone packs the
 * lists that it subscribes to. */
#pragma once

#include "base/buf.h"

/* Appends what `in` holds; ret's maximum is the bound of it.  Without the head of RFC 1950 too, as
 * some write it.  -EBADMSG: broken, or not whole; -E2BIG. */
int deflate_get(struct buf *ret, struct str in) MUST_CHECK;
