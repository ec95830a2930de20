#include "base/log.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/code.h"

enum { LINE_MAX_BYTES = 4096, ESC_MAX = 120, ESC_RING = 8, TEXT_RING = 4 };

static const char *const level_name[] = {
	[LOG_ERROR] = "error",
	[LOG_WARNING] = "warning",
	[LOG_INFO] = "info",
	[LOG_DEBUG] = "debug",
};

static struct {
	int fd;
	char who[32];
	enum log_level level;
} out = { .fd = 2, .who = "-", .level = LOG_INFO };

/* The lines that were written last, one after the other in a ring, each with its end.  Threads that
 * hash and write may log too. */
static struct {
	pthread_mutex_t lock;
	char bytes[LOG_KEPT_BYTES];
	size_t start, len;
	uint64_t first; /* number of the oldest line - 1 */
} kept = { .lock = PTHREAD_MUTEX_INITIALIZER };

void log_setup(int fd, const char *who, enum log_level level)
{
	out.fd = fd;
	(void)snprintf(out.who, sizeof(out.who), "%s", who);
	out.level = level;
}

void log_set_level(enum log_level level)
{
	out.level = level;
}

bool log_on(enum log_level level)
{
	return level <= out.level;
}

int log_level_parse(const char *name, enum log_level *ret)
{
	for (size_t i = 0; i < ARRAY_SIZE(level_name); i++)
		if (strcmp(name, level_name[i]) == 0) {
			*ret = (enum log_level)i;
			return 0;
		}
	return -EINVAL;
}

/* Appends what fits; the last byte of the line is kept for the line end. */
struct line {
	char text[LINE_MAX_BYTES];
	size_t len;
};

static void line_vprintf(struct line *l, const char *fmt, va_list ap) PRINTF_LIKE(2, 0);
static void line_printf(struct line *l, const char *fmt, ...) PRINTF_LIKE(2, 3);

static void line_vprintf(struct line *l, const char *fmt, va_list ap)
{
	size_t room = sizeof(l->text) - l->len;
	int n = vsnprintf(l->text + l->len, room, fmt, ap);
	if (n > 0)
		l->len += MIN((size_t)n, room - 1);
}

static void line_printf(struct line *l, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	line_vprintf(l, fmt, ap);
	va_end(ap);
}

static void line_stamp(struct line *l, enum log_level level, const char *event)
{
	struct timespec ts;
	struct tm tm;
	(void)clock_gettime(CLOCK_REALTIME, &ts);
	(void)gmtime_r(&ts.tv_sec, &tm);
	line_printf(l, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ %s %s event=%s", tm.tm_year + 1900,
	            tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec,
	            (int)(ts.tv_nsec / 1000000), level_name[level], out.who, event);
}

/* The outermost first. */
static void line_ctx(struct line *l, const struct log_ctx *ctx)
{
	if (!ctx)
		return;
	line_ctx(l, ctx->parent);
	if (ctx->prefix[0])
		line_printf(l, " %s", ctx->prefix);
}

static void drop_oldest(void)
{
	while (kept.len > 0) {
		char c = kept.bytes[kept.start];
		kept.start = (kept.start + 1) % sizeof(kept.bytes);
		kept.len--;
		if (c == '\n')
			break;
	}
	kept.first++;
}

/* With its end. */
static void keep_line(struct str line)
{
	(void)pthread_mutex_lock(&kept.lock);
	while (kept.len + line.len > sizeof(kept.bytes))
		drop_oldest();
	for (size_t i = 0; i < line.len; i++)
		kept.bytes[(kept.start + kept.len++) % sizeof(kept.bytes)] = line.p[i];
	(void)pthread_mutex_unlock(&kept.lock);
}

void log_kept(log_kept_fn *fn, void *arg)
{
	char line[LINE_MAX_BYTES];
	size_t n = 0;
	(void)pthread_mutex_lock(&kept.lock);
	uint64_t number = kept.first;
	for (size_t i = 0; i < kept.len; i++) {
		char c = kept.bytes[(kept.start + i) % sizeof(kept.bytes)];
		if (c != '\n' && n < sizeof(line)) {
			line[n++] = c;
			continue;
		}
		fn(arg, ++number, str_n(line, n));
		n = 0;
	}
	(void)pthread_mutex_unlock(&kept.lock);
}

/* One line is one write, and stays one line whatever was formatted into it. */
static void line_write(struct line *l)
{
	for (size_t i = 0; i < l->len; i++)
		if ((unsigned char)l->text[i] < ' ' || l->text[i] == 0x7f)
			l->text[i] = '?';
	l->text[l->len++] = '\n';
	keep_line(str_n(l->text, l->len));
	ssize_t n;
	do
		n = write(out.fd, l->text, l->len);
	while (n < 0 && errno == EINTR);
}

void log_line(enum log_level level, const struct log_ctx *ctx, const char *event, const char *fmt,
              ...)
{
	if (!log_on(level))
		return;
	struct line l;
	l.len = 0;
	line_stamp(&l, level, event);
	line_ctx(&l, ctx);
	if (fmt[0]) {
		va_list ap;
		line_printf(&l, " ");
		va_start(ap, fmt);
		line_vprintf(&l, fmt, ap);
		va_end(ap);
	}
	line_write(&l);
}

static bool needs_quotes(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.p[i] == ' ' || s.p[i] == '"' || s.p[i] == '=' || s.p[i] == '\\')
			return true;
	return s.len == 0;
}

/* Writes the bytes at p as they are, or escaped; returns how many of them it took. */
static size_t esc_one(char **to, const char *p, size_t left)
{
	unsigned char c = (unsigned char)*p;
	size_t n = utf8_seq_len(str_n(p, left));
	if (n == 0 || c < ' ' || c == 0x7f || (c == 0xc2 && (unsigned char)p[1] < 0xa0)) {
		*to += snprintf(*to, sizeof("\\xff"), "\\x%02x", c);
		return 1;
	}
	if (c == '"' || c == '\\')
		*(*to)++ = '\\';
	memcpy(*to, p, n);
	*to += n;
	return n;
}

/* Appends the text, cut to max bytes. */
static char *put_escaped(char *to, struct str s, size_t max)
{
	struct str cut = str_sub(s, 0, max);
	for (size_t i = 0; i < cut.len;)
		i += esc_one(&to, cut.p + i, cut.len - i);
	return cut.len < s.len ? stpcpy(to, "...") : to;
}

const char *log_esc(struct str s)
{
	static _Thread_local char ring[ESC_RING][4 * ESC_MAX + sizeof("\"...\"")];
	static _Thread_local unsigned next;
	char *const start = ring[next++ % ESC_RING], *to = start;
	bool quotes = needs_quotes(str_sub(s, 0, ESC_MAX));
	if (quotes)
		*to++ = '"';
	to = put_escaped(to, s, ESC_MAX);
	if (quotes)
		*to++ = '"';
	*to = '\0';
	return start;
}

const char *log_text(struct str s)
{
	static _Thread_local char ring[TEXT_RING][4 * LOG_TEXT_MAX + sizeof("\"...\"")];
	static _Thread_local unsigned next;
	char *const start = ring[next++ % TEXT_RING], *to = start;
	char text[LOG_TEXT_MAX + sizeof("; x")];
	struct buf b = BUF_ON(text);
	struct str line, rest = str_trim(s);
	while (rest.len > 0 && b.len <= LOG_TEXT_MAX) {
		(void)str_cut(rest, '\n', &line, &rest);
		line = str_trim(line);
		if (b.len > 0 && line.len > 0)
			buf_lit(&b, "; ");
		buf_str(&b, str_sub(line, 0, LOG_TEXT_MAX + 1 - MIN(b.len, LOG_TEXT_MAX + 1)));
	}
	*to++ = '"';
	to = put_escaped(to, buf_view(&b), LOG_TEXT_MAX);
	*to++ = '"';
	*to = '\0';
	return start;
}

bool log_allow(struct log_limit *l, usec_t now, uint32_t per_second)
{
	if (now - l->window_start >= USEC_PER_SEC) {
		l->window_start = now;
		l->n = 0;
	}
	if (l->n >= per_second) {
		l->suppressed++;
		return false;
	}
	l->n++;
	return true;
}
