/* A folder of a test's own, removed at its end. */
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct tmpdir {
	char path[64];
	char file[128];
};

static inline void tmpdir_make(struct tmpdir *d)
{
	const char *base = getenv("TMPDIR");
	(void)snprintf(d->path, sizeof(d->path), "%.40s/dialtone-XXXXXX", base ? base : "/tmp");
	if (!mkdtemp(d->path))
		abort();
}

/* The path of a file in it; valid until the next call. */
static inline const char *tmpdir_file(struct tmpdir *d, const char *name)
{
	(void)snprintf(d->file, sizeof(d->file), "%s/%.48s", d->path, name);
	return d->file;
}

/* Removes the store `name` and the folder. */
static inline void tmpdir_remove(struct tmpdir *d, const char *name)
{
	static const char *const ends[] = { "", "-wal", "-shm", "-journal", "-log0", "-log1" };
	char path[160];
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		(void)snprintf(path, sizeof(path), "%s/%.48s%s", d->path, name, ends[i]);
		(void)unlink(path);
	}
	(void)rmdir(d->path);
}
