/* The metrics of a role process over HTTP/1.1 on loopback: GET /metrics and nothing else. */
#pragma once

#include "base/buf.h"
#include "loop/loop.h"

enum {
	METRICS_CONNS_MAX = 16,
	METRICS_REQUEST_MAX = 4096,
	METRICS_TEXT_MAX = 4 * 1024 * 1024,
	METRICS_OPEN_S = 10, /* so long a connection may last */
};

struct metrics_http; /* opaque */
typedef void metrics_fn(void *arg, struct buf *b);

/* Takes a listening socket; `fn` appends the text of one answer. */
struct metrics_http *metrics_http_new(struct loop *l, int fd, metrics_fn *fn, void *arg);
void metrics_http_free(struct metrics_http **mp);
