#include "topo/setting.h"

#include <errno.h>

#include "tap.h"

enum color { RED, GREEN };
struct cfg {
	bool on;
	uint32_t n, span, size;
	struct str text;
	enum color color;
};

/* clang-format off */
static const struct setting table[] = {
	SETTING_FLAG("on", struct cfg, on, .def = "no", .help = ""),
	SETTING_U32("n", SET_UINT, struct cfg, n, .min = 3, .max = 5000, .def = "3", .help = ""),
	SETTING_U32("span", SET_SECONDS, struct cfg, span, .min = 15, .max = 604800, .def = "90",
		.help = ""),
	SETTING_U32("size", SET_BYTES, struct cfg, size, .min = 1024, .max = 4194304, .def = "1 kB",
		.help = ""),
	SETTING_STR("text", struct cfg, text, .min = 1, .max = 5, .def = "x", .help = ""),
	SETTING_ENUM("color", struct cfg, color, .choices = "red green", .def = "red", .help = ""),
	SETTING_END
};
/* clang-format on */

static int set(const char *name, const char *text, struct cfg *cfg)
{
	auto_(buf_free) struct buf why = buf_of(1000);
	const struct setting *s = setting_find(table, str_of(name));
	struct setting_value v;
	int r = setting_parse(s, str_of(text), &v, &why);
	if (r == 0)
		setting_store(s, &v, cfg);
	return r;
}

static void values_of_each_type_are_stored(void)
{
	struct cfg c = { 0 };
	EQ(set("on", "yes", &c), 0);
	OK(c.on);
	EQ(set("on", "no", &c), 0);
	OK(!c.on);
	EQ(set("n", "5000", &c), 0);
	EQ(c.n, 5000);
	EQ(set("text", "abc", &c), 0);
	EQ_STR(c.text, "abc");
	EQ(set("color", "green", &c), 0);
	EQ(c.color, GREEN);
}

static void units_are_understood(void)
{
	struct cfg c = { 0 };
	EQ(set("span", "90", &c), 0);
	EQ(c.span, 90);
	EQ(set("span", "15 min", &c), 0);
	EQ(c.span, 900);
	EQ(set("span", "8h", &c), 0);
	EQ(c.span, 28800);
	EQ(set("span", "7 d", &c), 0);
	EQ(c.span, 604800);
	EQ(set("size", "128 kB", &c), 0);
	EQ(c.size, 131072);
	EQ(set("size", "4 MB", &c), 0);
	EQ(c.size, 4194304);
}

static void what_does_not_fit_is_refused_and_leaves_the_field(void)
{
	struct cfg c = { .n = 7, .span = 7, .on = true };
	EQ(set("n", "2", &c), -EINVAL);
	EQ(set("n", "5001", &c), -EINVAL);
	EQ(set("n", "-3", &c), -EINVAL);
	EQ(set("n", "3 min", &c), -EINVAL);
	EQ(set("n", "99999999999", &c), -EINVAL);
	EQ(set("span", "14 s", &c), -EINVAL);
	EQ(set("span", "50000 d", &c), -EINVAL);
	EQ(set("span", "8 hours", &c), -EINVAL);
	EQ(set("span", "", &c), -EINVAL);
	EQ(set("span", "s", &c), -EINVAL);
	EQ(set("on", "true", &c), -EINVAL);
	EQ(set("text", "abcdef", &c), -EINVAL);
	EQ(set("text", "", &c), -EINVAL);
	EQ(set("color", "blue", &c), -EINVAL);
	EQ(set("color", "", &c), -EINVAL);
	EQ(c.n, 7);
	EQ(c.span, 7);
	OK(c.on);
}

static void expect_range(const char *name, const char *want)
{
	auto_(buf_free) struct buf b = buf_of(1000);
	setting_put_range(&b, setting_find(table, str_of(name)));
	EQ_STR(buf_view(&b), want);
}

static void ranges_are_said_as_people_write_them(void)
{
	expect_range("on", "yes or no");
	expect_range("n", "3 to 5000");
	expect_range("span", "15 s to 7 d");
	expect_range("size", "1 kB to 4 MB");
	expect_range("text", "text of 1 to 5 bytes");
	expect_range("color", "red or green");
}

int main(void)
{
	RUN(values_of_each_type_are_stored);
	RUN(units_are_understood);
	RUN(what_does_not_fit_is_refused_and_leaves_the_field);
	RUN(ranges_are_said_as_people_write_them);
	return tap_done();
}
