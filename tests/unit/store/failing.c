#include "store/failing.h"

#include <stdatomic.h>
#include <stdlib.h>

#include <sqlite3.h>

/* Steps come from the writer's thread too. */
static atomic_uint steps, fail_at;
static atomic_int fail_full;
static sqlite3_vfs vfs, *real;

/* SQLite's files are of several kinds, each with its table of functions. */
enum { KINDS_MAX = 4 };
static struct kind {
	sqlite3_io_methods ours;
	const sqlite3_io_methods *real;
} kinds[KINDS_MAX];

static const sqlite3_io_methods *real_of(const sqlite3_file *f)
{
	for (int i = 0; i < KINDS_MAX; i++)
		if (f->pMethods == &kinds[i].ours)
			return kinds[i].real;
	abort();
}

static int step(void)
{
	unsigned n = ++steps;
	if (fail_at == 0 || n < fail_at)
		return SQLITE_OK;
	return fail_full ? SQLITE_FULL : SQLITE_IOERR_WRITE;
}

static int fail_write(sqlite3_file *f, const void *p, int n, sqlite3_int64 at)
{
	int r = step();
	return r != SQLITE_OK ? r : real_of(f)->xWrite(f, p, n, at);
}

static int fail_truncate(sqlite3_file *f, sqlite3_int64 size)
{
	int r = step();
	return r != SQLITE_OK ? r : real_of(f)->xTruncate(f, size);
}

static int fail_sync(sqlite3_file *f, int flags)
{
	int r = step();
	return r != SQLITE_OK ? r : real_of(f)->xSync(f, flags);
}

static const sqlite3_io_methods *ours_for(const sqlite3_io_methods *theirs)
{
	int i = 0;
	while (i < KINDS_MAX && kinds[i].real && kinds[i].real != theirs)
		i++;
	if (i == KINDS_MAX)
		return theirs;
	if (!kinds[i].real) {
		kinds[i].ours = *theirs;
		kinds[i].ours.xWrite = fail_write;
		kinds[i].ours.xTruncate = fail_truncate;
		kinds[i].ours.xSync = fail_sync;
		kinds[i].real = theirs;
	}
	return &kinds[i].ours;
}

static int fail_open(sqlite3_vfs *v, const char *name, sqlite3_file *f, int flags, int *ret_flags)
{
	(void)v;
	int r = real->xOpen(real, name, f, flags, ret_flags);
	if (r == SQLITE_OK && f->pMethods)
		f->pMethods = ours_for(f->pMethods);
	return r;
}

void failing_install(void)
{
	real = sqlite3_vfs_find(NULL);
	vfs = *real;
	vfs.zName = "failing";
	vfs.xOpen = fail_open;
	(void)sqlite3_vfs_register(&vfs, 1);
}

void failing_from(unsigned n, int full)
{
	steps = 0;
	fail_full = full;
	fail_at = n;
}

unsigned failing_steps(void)
{
	return steps;
}
