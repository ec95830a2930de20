/* Can a Lync client take part in the audio that the other end describes?
 *
 * Such a client finds its way by ICE alone, and once it has offered a key it cannot do without one
 * (pidgin-sipe 1.25; docs/protocols/lync.md).  A call that could only be silent is refused before
 * anybody hears the silence. */
#pragma once

#include "wire/sip/msg.h"

/* NULL if it can, or if the body describes no audio; else why not, for people (static). */
const char *media_no_lync(const struct sip_msg *m);
