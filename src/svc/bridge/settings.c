#include "svc/bridge/settings.h"

#include <errno.h>

enum { PORTS_MIN = 4 }; /* of a process: one call */

/* clang-format off */
const struct setting bridge_settings[] = {
	SETTING_U32("media-port-min", SET_UINT, struct bridge_settings, port_min,
		    .min = 1024, .max = 65535, .def = "40000",
		    .help = "first UDP port for media (port-offset is added); the processes of the role share the range"),
	SETTING_U32("media-port-max", SET_UINT, struct bridge_settings, port_max,
		    .min = 1024, .max = 65535, .def = "49999",
		    .help = "last UDP port for media (port-offset is added); a call takes four"),
	SETTING_U32("calls-max", SET_UINT, struct bridge_settings, calls_max,
		    .min = 1, .max = 4000, .def = "1000",
		    .help = "calls that one process carries"),
	SETTING_U32("user-calls-max", SET_UINT, struct bridge_settings, user_calls_max,
		    .min = 1, .max = 4000, .def = "50",
		    .help = "of them, calls that one user has begun"),
	SETTING_END
};
/* clang-format on */

int bridge_settings_read(struct bridge_settings *ret, const struct topo *t,
                         const struct topo_role *r, uint32_t n_slots, struct buf *why)
{
	if (topo_settings(t, r, bridge_settings, ret, why) < 0)
		return -EINVAL;
	if (ret->port_max < ret->port_min) {
		buf_printf(why, "media-port-max (%u) is less than media-port-min (%u)\n",
		           ret->port_max, ret->port_min);
		return -EINVAL;
	}
	ret->port_min += t->port_offset + (ret->port_min & 1);
	ret->port_max += t->port_offset;
	if (ret->port_max > UINT16_MAX) {
		buf_printf(why, "media-port-max with the port-offset is %u, more than 65535\n",
		           ret->port_max);
		return -EINVAL;
	}
	if (ret->port_max + 1 < ret->port_min + PORTS_MIN * n_slots) {
		buf_printf(why,
		           "media-port-min to media-port-max: fewer than %d ports for each of the "
		           "%u processes\n",
		           PORTS_MIN, n_slots);
		return -EINVAL;
	}
	return 0;
}
