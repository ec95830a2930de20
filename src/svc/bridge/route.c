#include "svc/bridge/route.h"

#include <errno.h>

void bridge_route_put(struct buf *b, const struct bridge_route *r)
{
	buf_printf(b, "<sip:m.%c.%u@" BRIDGE_LINK_DOMAIN ";lr>", r->sender_lync ? 'l' : 'o',
	           r->slot);
}

int bridge_route_parse(struct bridge_route *ret, struct str user)
{
	bool lync = str_starts(user, STR("m.l."));
	if (!lync && !str_starts(user, STR("m.o.")))
		return -EINVAL;
	ret->sender_lync = lync;
	return str_to_u32(str_sub(user, 4, user.len), UINT16_MAX, &ret->slot) < 0 ? -EINVAL : 0;
}
