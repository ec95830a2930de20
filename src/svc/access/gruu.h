/* The GRUU of a Lync endpoint ([MS-SIPREGE] section 3.3.4.1.4): the instance's GUID in the opaque
 * parameter, so that any process can tell the endpoint from the URI alone. */
#pragma once

#include "base/buf.h"
#include "wire/sip/uri.h"

enum { GRUU_INSTANCE_MAX = 48 };

/* Appends `sip:alice@example.test;opaque=user:epid:...;gruu` for the value of +sip.instance,
 * "<urn:uuid:...>".  -EINVAL: it holds no GUID. */
int gruu_put(struct buf *b, struct str aor, struct str instance) MUST_CHECK;
/* Appends the instance, "<urn:uuid:...>", that such a URI names; -ENOENT: it is none. */
int gruu_get(const struct sip_uri *u, struct buf *ret_instance) MUST_CHECK;
