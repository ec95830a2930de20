/* Where a password comes from: typed without echo, a new one twice, standard input, or made here.
 */
#pragma once

#include "auth/password.h"
#include "base/buf.h"

enum password_source { PASSWORD_ASK, PASSWORD_ASK_ONCE, PASSWORD_STDIN, PASSWORD_MAKE };

/* Appends the password and a NUL (not counted in len).  `whose` is shown when it is asked for.
 * -ENOTTY: there is no terminal to ask on; -EKEYREJECTED: typed differently; -ERANGE: too short or
 * too long; -ENODATA: nothing came; -ECANCELED: interrupted.  The caller wipes. */
int password_get(struct buf *ret, enum password_source from, const char *whose) MUST_CHECK;
