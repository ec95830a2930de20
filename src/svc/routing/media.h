/* Does a request want sound or picture?  Between a Lync client and another device that needs the
 * media bridge (docs/protocols/lync.md): the client does ICE in a dialect of its own. */
#pragma once

#include "wire/sip/msg.h"

/* True if the body describes media over RTP, or if there is none, so that the answer may. */
bool media_over_rtp(const struct sip_msg *m);
/* A method whose messages may hold a description: INVITE, UPDATE, PRACK, ACK. */
bool media_method(const struct sip_msg *m);
/* Does it describe media over RTP, or will its answer?  Of the others than INVITE only those with a
 * body do. */
bool media_negotiates(const struct sip_msg *m);
