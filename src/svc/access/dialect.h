/* Which dialect of SIP a client speaks: the standard's, or that of Lync and Office Communicator
 * clients ([MS-SIPRE], [MS-SIPAE], [MS-PRES]). */
#pragma once

#include "wire/sip/msg.h"

enum dialect { DIALECT_SIP, DIALECT_LYNC };

enum { DIALECT_EPID_MAX = 16 }; /* bytes of an epid ([MS-SIPRE] section 2.2.1) */

/* Of a client's request: it is Lync if From has an epid, if it supports msrtc-event-categories, or
 * if its User-Agent is one of the known ones. */
enum dialect dialect_of(const struct sip_msg *m);
/* The epid parameter of a From or To; empty if there is none, it is too long, or the field is NULL.
 */
struct str dialect_epid(const struct sip_addr *party);
