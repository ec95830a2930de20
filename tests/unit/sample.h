/* Messages that tests share with the fuzz targets: the files of tests/fuzz/corpus.  Tests run at
 * the top of the source tree. */
#pragma once

#include <stdio.h>

#include "base/buf.h"

/* Reads tests/fuzz/corpus/NAME into b, which the caller frees; empty if it cannot be read. */
static inline struct str sample(struct buf *b, const char *name)
{
	char path[256], *to;
	(void)snprintf(path, sizeof(path), "tests/fuzz/corpus/%s", name);
	*b = buf_of(1 << 20);
	FILE *f = fopen(path, "rb");
	if (!f)
		return STR("");
	while (!feof(f) && !ferror(f) && (to = buf_room(b, 4096)))
		b->len += fread(to, 1, 4096, f);
	(void)fclose(f);
	return buf_view(b);
}
