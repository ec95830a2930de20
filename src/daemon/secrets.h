/* The server's keys: files of the data directory, made at the first start, mode 0600.
 *
 *     seal.key               accounts alone: seals secrets at rest
 *     <role>-pool.key        tokens of the role's processes
 *     <role>-ticket.key      TLS session tickets of the role's processes */
#pragma once

#include "base/buf.h"

/* Makes the data directory if it is missing (0700; as root: root's, writable for the group of the
 * roles' account, with the sticky bit so that a role cannot replace a key).  0 or -errno + text. */
int secrets_directory(const char *dir, uid_t uid, gid_t gid, struct buf *why) MUST_CHECK;
/* Reads a key, or makes it.  0, or -errno + text. */
int secrets_key(const char *dir, const char *name, void *ret, size_t len,
                struct buf *why) MUST_CHECK;
