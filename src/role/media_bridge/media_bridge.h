/* The media bridge: the place in a call where the Lync dialect of media meets the standard's.  A
 * B2BUA leg of the media alone: the signalling passes through it as through a proxy, with the
 * descriptions written anew (svc/bridge). */
#pragma once

#include "role/role.h"

extern const struct role role_media_bridge;
