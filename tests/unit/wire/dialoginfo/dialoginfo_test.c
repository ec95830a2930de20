#include "wire/dialoginfo/dialoginfo.h"

#include "data.h"
#include "tap.h"

static void calls_of_a_user_are_written(void)
{
	/* clang-format off */
	static const struct dialoginfo_dialog dialogs[] = {
		{ .id = STR_INIT("d1"), .call_id = STR_INIT("a84b@192.0.2.1"),
		  .local_tag = STR_INIT("1928"), .remote_tag = STR_INIT("3jx9"),
		  .direction = DIALOGINFO_RECIPIENT, .state = DIALOGINFO_CONFIRMED,
		  .has_duration = true, .duration_s = 274,
		  .local = { .identity = STR_INIT("sip:alice@example.test"),
			     .display = STR_INIT("Alice & Co"),
			     .target = STR_INIT("sip:alice@desk.example.test") },
		  .remote = { .identity = STR_INIT("sip:bob@example.test"),
			      .target = STR_INIT("sip:bob@192.0.2.2:5060") } },
		{ .id = STR_INIT("d2"), .direction = DIALOGINFO_INITIATOR,
		  .state = DIALOGINFO_TERMINATED, .event = DIALOGINFO_REJECTED, .code = 486 },
	};
	/* clang-format on */
	struct dialoginfo d = { .entity = STR("sip:alice@example.test"),
		                .full = true,
		                .dialogs = dialogs,
		                .n_dialogs = ARRAY_SIZE(dialogs) };
	auto_(buf_free) struct buf b = buf_of(4096), want = buf_of(4096);
	dialoginfo_put(&b, &d);
	data_read(&want, "simple/dialoginfo.xml");
	buf_char(&want, '\0');
	EQ_STR(buf_view(&b), want.p);
}

static void dialog(const char *want, struct dialoginfo_dialog d)
{
	struct dialoginfo all = { .version = 7, .dialogs = &d, .n_dialogs = 1 };
	auto_(buf_free) struct buf b = buf_of(4096);
	d.id = STR("d");
	dialoginfo_put(&b, &all);
	OK(str_find(buf_view(&b), STR(" version=\"7\" state=\"partial\"")) > 0);
	OK(str_find(buf_view(&b), str_of(want)) > 0);
}

static void each_state_has_its_name(void)
{
	dialog("<dialog id=\"d\"><state>trying</state></dialog>",
	       (struct dialoginfo_dialog){ .state = DIALOGINFO_TRYING });
	dialog("<state>proceeding</state>",
	       (struct dialoginfo_dialog){ .state = DIALOGINFO_PROCEEDING });
	dialog("<dialog id=\"d\" direction=\"initiator\"><state>early</state>",
	       (struct dialoginfo_dialog){ .state = DIALOGINFO_EARLY,
	                                   .direction = DIALOGINFO_INITIATOR });
	dialog("<state event=\"remote-bye\">terminated</state>",
	       (struct dialoginfo_dialog){ .state = DIALOGINFO_TERMINATED,
	                                   .event = DIALOGINFO_REMOTE_BYE });
	dialog("<state>terminated</state>",
	       (struct dialoginfo_dialog){ .state = DIALOGINFO_TERMINATED });
}

static void event_belongs_to_the_end_alone(void)
{
	dialog("<state>confirmed</state>",
	       (struct dialoginfo_dialog){
	               .state = DIALOGINFO_CONFIRMED, .event = DIALOGINFO_LOCAL_BYE, .code = 200 });
}

int main(void)
{
	RUN(calls_of_a_user_are_written);
	RUN(each_state_has_its_name);
	RUN(event_belongs_to_the_end_alone);
	return tap_done();
}
