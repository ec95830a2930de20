/* Log lines: one event, one line, key=value.
 *
 *     log_info(ctx, "register-rejected", "user=%" STR_FMT " reason=%s", ...)
 *
 * writes `2026-01-31T12:00:00.123Z info frontend/1 event=register-rejected <ctx> user=...`.
 * base to svc return errors and log at debug only; roles log.  Peers' bytes go through log_esc().
 */
#pragma once

#include "base/buf.h"

enum log_level { LOG_ERROR, LOG_WARNING, LOG_INFO, LOG_DEBUG };

/* What is being worked on: its prefix stands in every line. */
struct log_ctx {
	const struct log_ctx *parent;
	char prefix[96]; /* "conn=17 peer=10.0.0.1:5060" */
};

/* Where lines go (a file descriptor, default 2), who writes ("frontend/1"), how much. */
void log_setup(int fd, const char *who, enum log_level level);
void log_set_level(enum log_level level);
bool log_on(enum log_level level);
int log_level_parse(const char *name, enum log_level *ret) MUST_CHECK; /* -EINVAL */

void log_line(enum log_level level, const struct log_ctx *ctx, const char *event, const char *fmt,
              ...) PRINTF_LIKE(4, 5);
#define log_error(ctx, event, ...) log_line(LOG_ERROR, ctx, event, __VA_ARGS__)
#define log_warning(ctx, event, ...) log_line(LOG_WARNING, ctx, event, __VA_ARGS__)
#define log_info(ctx, event, ...) log_line(LOG_INFO, ctx, event, __VA_ARGS__)
#define log_debug(ctx, event, ...)                                    \
	do {                                                          \
		if (log_on(LOG_DEBUG))                                \
			log_line(LOG_DEBUG, ctx, event, __VA_ARGS__); \
	} while (0)

/* The lines that this process wrote last, as far as they fit into LOG_KEPT_BYTES: the oldest first.
 * number: 1 for the first line of the process.  fn must not log. */
enum { LOG_KEPT_BYTES = 128 * 1024 };
typedef void log_kept_fn(void *arg, uint64_t number, struct str line);
void log_kept(log_kept_fn *fn, void *arg);

/* A peer's bytes made fit for a log line, in a small ring of static buffers (valid until eight
 * further calls): control bytes, quotes and blanks escaped, cut to 120 bytes, quoted if needed. */
const char *log_esc(struct str s);

/* Free text fit for a log line: why something failed, in words of ours, of the system, or of a file
 * that an administrator wrote.  Always in quotes; quotes and control bytes in it are escaped, its
 * lines joined by "; ", the whole cut to LOG_TEXT_MAX bytes.  Valid until four further calls. */
enum { LOG_TEXT_MAX = 1000 };
const char *log_text(struct str s);

/* Rate limit for lines that a peer can cause: true if this one may be written; counts the rest. */
struct log_limit {
	usec_t window_start;
	uint32_t n, suppressed;
};
bool log_allow(struct log_limit *l, usec_t now, uint32_t per_second);
