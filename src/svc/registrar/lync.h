/* What a Lync client needs to read in the 200 to its REGISTER ([MS-SIPREGE] section 3.3.4.1). */
#pragma once

#include "base/buf.h"

/* Appends the lines: how long the registration holds, what may be subscribed, what is supported.
 * refreshed: the endpoint was signed in before. */
void registrar_put_lync(struct buf *b, uint32_t expires_s, bool refreshed);
