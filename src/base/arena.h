/* Memory with the lifetime of one message or command: many allocations, one free. */
#pragma once

#include "base/str.h"

struct arena; /* opaque */

struct arena *arena_new(void);
void arena_free(struct arena **ap);
/* Zeroed, aligned for any type; never fails (sizes are capped by the caller). */
void *arena_alloc(struct arena *a, size_t size);
/* A copy of s with a NUL behind it (not counted). */
struct str arena_str(struct arena *a, struct str s);
struct str arena_printf(struct arena *a, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* Bytes given out so far. */
size_t arena_used(const struct arena *a);
