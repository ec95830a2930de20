/* Whole files: read with a limit, written so that a crash leaves the old or the new one. */
#pragma once

#include "base/buf.h"

/* Appends the file.  -errno; -EFBIG beyond the buffer's maximum. */
int file_read(const char *path, struct buf *ret) MUST_CHECK;
/* Writes a new file beside it, with exactly this mode, syncs and renames.  -errno. */
int file_write(const char *path, struct str content, mode_t mode) MUST_CHECK;
/* The directory and its parents; an existing one is fine.  -errno. */
int file_mkdirs(const char *path, mode_t mode) MUST_CHECK;
bool file_exists(const char *path);
