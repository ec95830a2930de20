/* A virus scanner that looks at a file while it comes: the protocol of ClamAV's daemon (INSTREAM),
 * which others speak too. */
#pragma once

#include "base/str.h"
#include "loop/loop.h"

struct scanning; /* opaque: one file that is looked at */

enum {
	SCAN_NAME_MAX = 128, /* bytes of what the scanner says it found */
	SCAN_ANSWER_MAX = 1024,
	SCAN_SILENCE_S =
	        60, /* so long it may say nothing once it has all, or not read what comes */
};

enum scan_verdict {
	SCAN_CLEAN,
	SCAN_FOUND,     /* what, is told besides */
	SCAN_TOO_LARGE, /* more than the scanner takes */
	SCAN_DOWN,      /* it is not there, went away, or said something else */
};

/* Called once, from the loop; found is what was found, or what went wrong. */
typedef void scan_done_fn(void *arg, enum scan_verdict v, struct str found);

struct scan_ops {
	scan_done_fn *done;
	void (*room)(void *arg); /* it takes more again */
};

/* Is that the path of a Unix socket, or address and port: "127.0.0.1:3310"? */
bool scan_place_is_good(struct str where);
/* Begins; a scanner that is not there is told by done. */
struct scanning *scanning_new(struct loop *l, struct str where, const struct scan_ops *ops,
                              void *arg);
/* The next bytes of the file; false: enough for now, until room() is called. */
bool scanning_put(struct scanning *s, struct str piece);
/* That was all; done follows. */
void scanning_end(struct scanning *s);
void scanning_free(struct scanning **sp);
