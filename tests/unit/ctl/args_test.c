#include "ctl/args.h"

#include <errno.h>

#include "tap.h"

static const struct ctl_command add = {
	.noun = "user",
	.verb = "add",
	.args = { { "user", CTL_TEXT, true, true, "the user's address" },
	          { "photo", CTL_TEXT, true, false, "a file" },
	          { "phone", CTL_TEXT, false, false, "E.164" },
	          { "limit", CTL_NUMBER, false, false, "how many" },
	          { "force", CTL_FLAG, false, false, "do it" } },
};

static int parse(cJSON **ret, struct buf *why, const char *line)
{
	static char copy[256];
	char *argv[16];
	int argc = 0;
	*ret = NULL;
	why->len = 0;
	(void)snprintf(copy, sizeof(copy), "%s", line);
	for (char *save, *w = strtok_r(copy, " ", &save); w; w = strtok_r(NULL, " ", &save))
		argv[argc++] = w;
	return args_parse(ret, &add, argc, argv, why);
}

static void expect_error(const char *line, const char *want)
{
	auto_(buf_free) struct buf why = buf_of(1000);
	cJSON *args;
	EQ(parse(&args, &why, line), -EINVAL);
	OK(args == NULL);
	EQ_STR(buf_view(&why), want);
}

static void words_and_options_are_read(void)
{
	auto_(buf_free) struct buf why = buf_of(1000);
	cJSON *args;
	EQ(parse(&args, &why, "--phone=+4930 alice --limit 3.5 pic.jpg --force"), 0);
	EQ_STR(ctl_text(args, "user"), "alice");
	EQ_STR(ctl_text(args, "photo"), "pic.jpg");
	EQ_STR(ctl_text(args, "phone"), "+4930");
	OK(ctl_number(args, "limit", 0) == 3.5);
	OK(ctl_flag(args, "force"));
	auto_(buf_free) struct buf check = buf_of(1000);
	EQ(ctl_check_args(&add, args, &check), 0);
	cJSON_Delete(args);
}

static void two_hyphens_end_the_options(void)
{
	auto_(buf_free) struct buf why = buf_of(1000);
	cJSON *args;
	EQ(parse(&args, &why, "-- --phone"), 0);
	EQ_STR(ctl_text(args, "user"), "--phone");
	cJSON_Delete(args);
}

static void mistakes_are_named(void)
{
	expect_error("", "USER is missing: the user's address.");
	expect_error("a b c", "\"c\" is one word too many.");
	expect_error("a --fone 1", "There is no --fone here.  Did you mean --phone?");
	expect_error("a --zzz", "There is no --zzz here.");
	expect_error("a --phone", "--phone needs a value: E.164.");
	expect_error("a --phone 1 --phone 2", "--phone is given twice.");
	expect_error("a --limit many", "\"many\" is not a number (how many).");
	expect_error("a --limit inf", "\"inf\" is not a number (how many).");
	expect_error("a --force=yes", "--force takes no value.");
}

static void usage_comes_from_the_row(void)
{
	auto_(buf_free) struct buf b = buf_of(1000);
	args_put_usage(&b, &add);
	EQ_STR(buf_view(&b), "user add USER [FILE] [--phone PHONE] [--limit LIMIT] [--force]");
}

int main(void)
{
	RUN(words_and_options_are_read);
	RUN(two_hyphens_end_the_options);
	RUN(mistakes_are_named);
	RUN(usage_comes_from_the_row);
	return tap_done();
}
