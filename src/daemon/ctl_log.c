#include "daemon/ctl_log.h"

#include <stdlib.h>

#include "base/code.h"
#include "base/log.h"

enum { ANSWER_MAX = 1000 * 1024, LINES_MAX = 1000 };

/* What is wanted, and where the lines of the answer begin, the oldest that is kept at first. */
struct wanted {
	struct str since, text;
	enum log_level level;
	size_t max, n;
	struct buf rows;
	size_t starts[LINES_MAX];
};

/* "2026-01-31T12:00:00.123Z info frontend/1 event=..." */
struct parts {
	struct str time, level, who, text;
};

static struct parts parts_of(struct str line)
{
	struct parts p;
	(void)str_cut(line, ' ', &p.time, &line);
	(void)str_cut(line, ' ', &p.level, &line);
	(void)str_cut(line, ' ', &p.who, &p.text);
	return p;
}

static bool is_bad_as(struct str name, enum log_level level)
{
	auto_(xfreep) char *text = str_dup(name);
	enum log_level of;
	return log_level_parse(text, &of) == 0 && of <= level;
}

static bool is_before(struct str time, struct str since)
{
	size_t n = MIN(time.len, since.len);
	return n > 0 && memcmp(time.p, since.p, n) < 0;
}

static void take_line(void *arg, uint64_t number, struct str line)
{
	struct wanted *w = arg;
	struct parts p = parts_of(line);
	if (is_before(p.time, w->since) || !is_bad_as(p.level, w->level) ||
	    (w->text.len > 0 && str_find(line, w->text) < 0))
		return;
	w->starts[w->n++ % w->max] = w->rows.len;
	buf_printf(&w->rows, ",{\"number\":%llu", (unsigned long long)number);
	json_put_member(&w->rows, "time", p.time);
	json_put_member(&w->rows, "level", p.level);
	json_put_member(&w->rows, "who", p.who);
	json_put_member(&w->rows, "text", p.text);
	buf_char(&w->rows, '}');
}

static bool read_wanted(struct ctl_call *call, struct wanted *w)
{
	struct str level = ctl_text(call->args, "level");
	double max = ctl_number(call->args, "max", LINES_MAX);
	auto_(xfreep) char *name = str_dup(level);
	w->since = ctl_text(call->args, "since");
	w->text = ctl_text(call->args, "text");
	if (level.len > 0 && log_level_parse(name, &w->level) < 0) {
		call->fail(call, "--level takes error, warning, info or debug.");
		return false;
	}
	if (!(max >= 1 && max <= LINES_MAX)) {
		call->fail(call, "--max takes 1 to %d.", LINES_MAX);
		return false;
	}
	w->max = (size_t)max;
	return true;
}

void ctl_log(void *state, struct ctl_call *call)
{
	(void)state;
	struct wanted w = { .level = LOG_DEBUG, .rows = buf_of(4 * ANSWER_MAX) };
	auto_(buf_free) struct buf b = buf_of(ANSWER_MAX);
	if (read_wanted(call, &w)) {
		log_kept(take_line, &w);
		size_t from = w.n > w.max ? w.starts[w.n % w.max] : 0;
		struct str rows = str_sub(buf_view(&w.rows), from, w.rows.len);
		buf_char(&b, '[');
		buf_str(&b, str_sub(rows, 1, rows.len));
		buf_char(&b, ']');
		if (b.full)
			call->fail(call, "The answer is too long; ask for less by --max.");
		else
			call->ok(call, buf_view(&b));
	}
	buf_free(&w.rows);
}
