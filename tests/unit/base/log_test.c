#include "base/log.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "tap.h"

static int out[2];

/* The text of the last line, from "info ..." on, without the line end. */
static const char *line(void)
{
	static char text[8192];
	ssize_t n = read(out[0], text, sizeof(text) - 1);
	if (!OK(n > 25 && text[n - 1] == '\n'))
		return "";
	text[n - 1] = '\0';
	OK(strchr(text, '\n') == NULL);
	for (size_t i = 0; i < 24; i++) {
		char want = "dddd-dd-ddTdd:dd:dd.dddZ"[i];
		OK(want == 'd' ? isdigit((unsigned char)text[i]) : text[i] == want);
	}
	return text + 25;
}

static void line_has_level_writer_event_and_context(void)
{
	struct log_ctx conn = { .prefix = "conn=7 peer=1.2.3.4:5" };
	struct log_ctx call = { .parent = &conn, .prefix = "call=9" };
	log_info(&call, "ended", "reason=%s after_s=%d", "bye", 12);
	OK(strcmp(line(),
	          "info test/1 event=ended conn=7 peer=1.2.3.4:5 call=9 reason=bye after_s=12") ==
	   0);
	log_error(NULL, "started", "");
	OK(strcmp(line(), "error test/1 event=started") == 0);
	log_warning(NULL, "disk", "free=%d", 1);
	OK(strcmp(line(), "warning test/1 event=disk free=1") == 0);
}

static void level_decides_what_is_written(void)
{
	log_set_level(LOG_WARNING);
	log_info(NULL, "quiet", "");
	log_debug(NULL, "quiet", "");
	OK(!log_on(LOG_INFO) && log_on(LOG_WARNING) && log_on(LOG_ERROR));
	log_set_level(LOG_DEBUG);
	log_debug(NULL, "loud", "");
	OK(strcmp(line(), "debug test/1 event=loud") == 0);
	log_set_level(LOG_INFO);
}

static void nothing_makes_a_second_line(void)
{
	log_info(NULL, "x", "a=%s", "1\n2026 error forged\r\x1b[31m");
	OK(strcmp(line(), "info test/1 event=x a=1?2026 error forged??[31m") == 0);
}

struct kept_lines {
	uint64_t first, last;
	size_t n;
	char text[LOG_TEXT_MAX];
};

static void take_line(void *arg, uint64_t number, struct str s)
{
	struct kept_lines *k = arg;
	if (k->n++ == 0)
		k->first = number;
	k->last = number;
	struct buf b = BUF_ON(k->text);
	buf_str(&b, s);
	buf_char(&b, '\0');
}

static void the_last_lines_are_kept(void)
{
	struct kept_lines before = { 0 }, after = { 0 };
	log_info(NULL, "one", "");
	(void)line();
	log_kept(take_line, &before);
	EQ(before.first, 1);
	EQ(before.n, before.last);
	OK(strcmp(before.text + 25, "info test/1 event=one") == 0);
	char long_text[1000];
	memset(long_text, 'x', sizeof(long_text) - 1);
	long_text[sizeof(long_text) - 1] = '\0';
	for (unsigned i = 0; i < 300; i++) {
		log_info(NULL, "many", "text=%s", long_text);
		(void)line();
	}
	log_info(NULL, "two", "");
	(void)line();
	log_kept(take_line, &after);
	EQ(after.last, before.last + 301);
	EQ(after.last - after.first + 1, after.n);
	OK(after.n > 100 && after.n < 140); /* of 1,040 bytes each in 128 kB */
	OK(strcmp(after.text + 25, "info test/1 event=two") == 0);
}

static void a_long_line_is_cut(void)
{
	char big[6000];
	memset(big, 'x', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	log_info(NULL, "big", "%s", big);
	EQ(strlen(line()), 4096 - 1 - 25);
}

static void level_names_are_read(void)
{
	enum log_level l = LOG_ERROR;
	EQ(log_level_parse("debug", &l), 0);
	EQ(l, LOG_DEBUG);
	EQ(log_level_parse("error", &l), 0);
	EQ(l, LOG_ERROR);
	EQ(log_level_parse("loud", &l), -EINVAL);
	EQ(l, LOG_ERROR);
}

static void peers_bytes_are_escaped(void)
{
	OK(strcmp(log_esc(STR("sip:a@b.test")), "sip:a@b.test") == 0);
	OK(strcmp(log_esc(STR("")), "\"\"") == 0);
	OK(strcmp(log_esc(STR("a b")), "\"a b\"") == 0);
	OK(strcmp(log_esc(STR("a=b")), "\"a=b\"") == 0);
	OK(strcmp(log_esc(STR("\"\\")), "\"\\\"\\\\\"") == 0);
	OK(strcmp(log_esc(STR("a\r\n\0\x7f")), "a\\x0d\\x0a\\x00\\x7f") == 0);
	OK(strcmp(log_esc(STR("J\xc3\xb6rg")), "J\xc3\xb6rg") == 0);
	OK(strcmp(log_esc(STR("\xc2\x9b\xff\xc3")), "\\xc2\\x9b\\xff\\xc3") == 0);
}

static void long_bytes_are_cut_and_fit(void)
{
	char big[500];
	memset(big, 'x', sizeof(big));
	EQ(strlen(log_esc(str_n(big, 120))), 120);
	EQ(strlen(log_esc(str_n(big, 121))), 123);
	memset(big, 1, sizeof(big));
	big[0] = ' ';
	EQ(strlen(log_esc(str_n(big, sizeof(big)))), 1 + 1 + 119 * 4 + 3 + 1);
}

static void free_text_is_one_value_whatever_stands_in_it(void)
{
	char big[2 * LOG_TEXT_MAX];
	OK(strcmp(log_text(STR("gone")), "\"gone\"") == 0);
	OK(strcmp(log_text(STR("")), "\"\"") == 0);
	OK(strcmp(log_text(STR("\"udp\" must be a\\b")), "\"\\\"udp\\\" must be a\\\\b\"") == 0);
	OK(strcmp(log_text(STR("\na.conf:2: x\r\n\n a.conf:3: y\n")),
	          "\"a.conf:2: x; a.conf:3: y\"") == 0);
	OK(strcmp(log_text(STR("\x1b[31m\xff")), "\"\\x1b[31m\\xff\"") == 0);
	memset(big, 'x', sizeof(big));
	EQ(strlen(log_text(str_n(big, LOG_TEXT_MAX))), LOG_TEXT_MAX + 2);
	EQ(strlen(log_text(str_n(big, LOG_TEXT_MAX + 1))), LOG_TEXT_MAX + 5);
	memset(big, 1, sizeof(big));
	EQ(strlen(log_text(str_n(big, sizeof(big)))), 4 * LOG_TEXT_MAX + 5);
	memset(big, '\n', sizeof(big));
	EQ(strlen(log_text(str_n(big, sizeof(big)))), 2);
	for (size_t i = 0; i < sizeof(big); i += 2)
		big[i] = 'y';
	EQ(strlen(log_text(str_n(big, sizeof(big)))), LOG_TEXT_MAX + 5);
}

static void eight_escapes_live_together(void)
{
	const char *s[8];
	for (int i = 0; i < 8; i++) {
		char c = (char)('a' + i);
		s[i] = log_esc(str_n(&c, 1));
	}
	for (int i = 0; i < 8; i++)
		EQ(s[i][0], 'a' + i);
}

static void limit_counts_what_it_suppresses(void)
{
	struct log_limit l = { 0 };
	int written = 0;
	for (int i = 0; i < 10; i++)
		written += log_allow(&l, USEC_PER_SEC * 5, 3);
	EQ(written, 3);
	EQ(l.suppressed, 7);
	OK(!log_allow(&l, USEC_PER_SEC * 6 - 1, 3));
	OK(log_allow(&l, USEC_PER_SEC * 6, 3));
}

int main(void)
{
	if (pipe(out) != 0)
		return 1;
	log_setup(out[1], "test/1", LOG_INFO);
	RUN(line_has_level_writer_event_and_context);
	RUN(level_decides_what_is_written);
	RUN(nothing_makes_a_second_line);
	RUN(the_last_lines_are_kept);
	RUN(a_long_line_is_cut);
	RUN(level_names_are_read);
	RUN(peers_bytes_are_escaped);
	RUN(long_bytes_are_cut_and_fit);
	RUN(free_text_is_one_value_whatever_stands_in_it);
	RUN(eight_escapes_live_together);
	RUN(limit_counts_what_it_suppresses);
	return tap_done();
}
