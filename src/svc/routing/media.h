/* Does a request want sound or picture?  Between a Lync client and another device that needs the
 * media bridge (docs/protocols/lync.md): the client does ICE in a dialect of its own. */
#pragma once

#include "wire/sip/msg.h"

/* True if the body describes media over RTP, or if there is none, so that the answer may. */
bool media_over_rtp(const struct sip_msg *m);
