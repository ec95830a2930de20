/* Files of tests/data, whole: the tests run in the root of the sources. */
#pragma once

#include "base/buf.h"
#include "tap.h"

enum { DATA_FILE_MAX = 1024 * 1024 };

/* Appends the file tests/data/`name`. */
static inline void data_read(struct buf *b, const char *name)
{
	char path[256], *to;
	(void)snprintf(path, sizeof(path), "tests/data/%s", name);
	FILE *f = fopen(path, "rb");
	if (!OK(f != NULL))
		return;
	while (!feof(f) && !ferror(f) && (to = buf_room(b, 4096)))
		b->len += fread(to, 1, 4096, f);
	OK(!ferror(f) && !b->full);
	(void)fclose(f);
}
