#include "wire/winfo/winfo.h"

#include "data.h"
#include "tap.h"

static void full_list_of_watchers_is_written(void)
{
	/* clang-format off */
	static const struct winfo_watcher watchers[] = {
		{ .id = STR_INIT("w1"), .uri = STR_INIT("sip:bob@example.test"),
		  .display_name = STR_INIT("Bob \"B\""), .status = WINFO_ACTIVE,
		  .event = WINFO_APPROVED, .has_duration = true, .duration_s = 509,
		  .has_expiration = true, .expiration_s = 20 },
		{ .id = STR_INIT("w2"), .uri = STR_INIT("sip:eve@example.test;x=<1>"),
		  .status = WINFO_PENDING, .event = WINFO_SUBSCRIBE, .has_duration = true },
	};
	/* clang-format on */
	struct winfo w = { .full = true,
		           .resource = STR("sip:alice@example.test"),
		           .package = STR("presence"),
		           .watchers = watchers,
		           .n_watchers = ARRAY_SIZE(watchers) };
	auto_(buf_free) struct buf b = buf_of(4096), want = buf_of(4096);
	winfo_put(&b, &w);
	data_read(&want, "simple/watcherinfo.xml");
	buf_char(&want, '\0');
	EQ_STR(buf_view(&b), want.p);
}

static void change_has_the_next_version(void)
{
	struct winfo_watcher gone = { .id = STR("w1"),
		                      .uri = STR("sip:bob@example.test"),
		                      .status = WINFO_TERMINATED,
		                      .event = WINFO_TIMEOUT };
	struct winfo w = { .version = 1,
		           .resource = STR("sip:alice@example.test"),
		           .package = STR("presence"),
		           .watchers = &gone,
		           .n_watchers = 1 };
	auto_(buf_free) struct buf b = buf_of(4096);
	winfo_put(&b, &w);
	OK(str_find(buf_view(&b), STR(" version=\"1\" state=\"partial\">")) > 0);
	OK(str_find(buf_view(&b), STR("<watcher id=\"w1\" status=\"terminated\" event=\"timeout\">"
	                              "sip:bob@example.test</watcher>")) > 0);
}

int main(void)
{
	RUN(full_list_of_watchers_is_written);
	RUN(change_has_the_next_version);
	return tap_done();
}
