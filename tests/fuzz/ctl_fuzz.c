/* Any line as a request and as an answer; what was read must come back when written again. */
#include <assert.h>
#include <stdint.h>

#include "wire/ctl/ctl.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct ctl_command table[] = {
	{ .noun = "user",
	  .verb = "add",
	  .args = { { "user", CTL_TEXT, true, true, "" }, { "n", CTL_NUMBER, false, false, "" } } },
	{ .noun = NULL },
};

static void read_request(struct str line)
{
	cJSON *json = NULL, *again = NULL;
	struct str cmd, cmd2;
	const cJSON *args, *args2;
	const char *why = NULL;
	if (ctl_parse_request(line, &json, &cmd, &args, &why) < 0) {
		assert(why && !json);
		return;
	}
	auto_(buf_free) struct buf reason = buf_of(4096);
	bool good = ctl_check_args(table, args, &reason) == 0;
	assert(good == (reason.len == 0));
	const struct ctl_command *found = ctl_find(table, cmd);
	assert(!found || str_eq(cmd, STR("user add")));
	auto_(buf_free) struct buf b = buf_of((size_t)CTL_LINE_MAX * 8);
	ctl_put_request(&b, cmd, args);
	assert(!b.full && str_chr(buf_view(&b), '\n') == (ssize_t)b.len - 1);
	if (b.len <= CTL_LINE_MAX) {
		assert(ctl_parse_request(buf_view(&b), &again, &cmd2, &args2, &why) == 0);
		assert(str_eq(cmd, cmd2));
	}
	cJSON_Delete(again);
	cJSON_Delete(json);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str line = { (const char *)data, size };
	const char *why = NULL;
	struct ctl_answer a;
	read_request(line);
	if (ctl_parse_answer(line, &a, &why) == 0)
		ctl_answer_done(&a);
	else
		assert(why);
	return 0;
}
