#include "svc/conversation/sender.h"

#include "tap.h"

static void sessions_are_counted_for_each_sender(void)
{
	struct im_senders all;
	struct im_sender *s[3];
	im_senders_init(&all);
	EQ(im_sender_sessions(&all, STR("alice@x")), 0);
	s[0] = im_sender_take(&all, STR("alice@x"));
	s[1] = im_sender_take(&all, STR("Alice@X"));
	s[2] = im_sender_take(&all, STR("bob@x"));
	EQ(im_sender_sessions(&all, STR("alice@x")), 2);
	EQ(im_sender_sessions(&all, STR("bob@x")), 1);
	for (int i = 0; i < 3; i++)
		im_sender_give(&all, &s[i]);
	OK(!s[0] && !s[1] && !s[2]);
	EQ(im_sender_sessions(&all, STR("alice@x")), 0);
	EQ(all.by_uri.n, 0);
	im_senders_done(&all);
}

int main(void)
{
	RUN(sessions_are_counted_for_each_sender);
	return tap_done();
}
