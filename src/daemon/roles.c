#include "daemon/roles.h"

#include "role/accounts/accounts.h"
#include "role/door/door.h"
#include "role/edge_av/edge_av.h"
#include "role/frontend/frontend.h"
#include "role/mcu_im/mcu_im.h"
#include "role/media_bridge/media_bridge.h"
#include "role/web/web.h"

/* In the order in which they are started; stopped in reverse. */
/* clang-format off */
const struct role *const roles_all[] = {
	&role_accounts,
	&role_mcu_im,
	&role_media_bridge,
	&role_edge_av,
	&role_frontend,
	&role_web,
	&role_door,
	NULL,
};
/* clang-format on */

const struct role *roles_find(const struct role *const *roles, struct str name)
{
	for (; *roles; roles++)
		if (str_eq(str_of((*roles)->name), name))
			return *roles;
	return NULL;
}
