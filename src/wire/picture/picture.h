/* What a picture says of itself in its head: its kind and its size in pixels.  Nothing is decoded:
 * who shows it does that. */
#pragma once

#include "base/str.h"

enum picture_kind { PICTURE_JPEG, PICTURE_PNG, PICTURE_GIF };

struct picture {
	enum picture_kind kind;
	uint32_t width, height; /* 1 or more */
};

/* By its content (ISO/IEC 10918-1 annex B, RFC 2083, GIF89a, of which the first frame counts too).
 * -EBADMSG: it is none of these, or has no size where it must have one. */
int picture_read(struct picture *ret, struct bytes file) MUST_CHECK;
/* "image/jpeg", ... */
struct str picture_type(enum picture_kind kind);
