/* A file system for SQLite that fails: every write, sync and truncation is a step, and from step n
 * on all of them fail with a given error. */
#pragma once

/* Makes it the default of SQLite. */
void failing_install(void);
/* From the n-th step on (1: the next one) steps fail; 0: never.  full: as a full disk does, else as
 * a broken one. */
void failing_from(unsigned n, int full);
/* Steps since failing_from(). */
unsigned failing_steps(void);
