#include "svc/bridge/route.h"

#include <errno.h>

#include "tap.h"

static void what_is_written_is_read(void)
{
	static const struct bridge_route routes[] = { { true, 0 }, { false, 3 }, { true, 65535 } };
	for (size_t i = 0; i < ARRAY_SIZE(routes); i++) {
		char text[64];
		struct buf b = BUF_ON(text);
		struct bridge_route back;
		struct str user, host;
		bridge_route_put(&b, &routes[i]);
		OK(!b.full);
		struct str rest = buf_view(&b);
		OK(str_cut(rest, '@', &user, &host) && str_starts(user, STR("<sip:")));
		EQ_STR(host, BRIDGE_LINK_DOMAIN ";lr>");
		EQ(bridge_route_parse(&back, str_sub(user, 5, user.len)), 0);
		EQ(back.sender_lync, routes[i].sender_lync);
		EQ(back.slot, routes[i].slot);
	}
}

static void what_is_no_such_route_is_refused(void)
{
	static const char *const bad[] = {
		"",    "m",       "m.",    "m.l",    "m.l.",    "m.x.1", "M.l.1",
		"l.1", "m.l.1 ",  "m.l.a", "m.l.-1", "m.o.+1",  "o.1",   "m.l.65536",
		"m.",  "m.l.1.2", "m..1",  "m.l1",   "m.l.0x1",
	};
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct bridge_route r = { true, 77 };
		EQ(bridge_route_parse(&r, str_of(bad[i])), -EINVAL);
	}
}

int main(void)
{
	RUN(what_is_written_is_read);
	RUN(what_is_no_such_route_is_refused);
	return tap_done();
}
