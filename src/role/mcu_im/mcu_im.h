/* The IM MCU: holds the dialogs of group conversations and passes on what each member says
 * ([MS-CONFIM]; the engine is svc/immcu).  It listens on nothing: front ends pass it the requests
 * of their clients, and the focus in them says who may be there. */
#pragma once

#include "role/role.h"

extern const struct role role_mcu_im;
