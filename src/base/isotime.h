/* Moments as XML documents write them (RFC 3339, xsd:dateTime): "2026-01-02T03:04:05.6Z". */
#pragma once

#include "base/buf.h"

/* 9999-12-31T23:59:59Z in seconds: the last year that has four digits. */
#define ISOTIME_MAX_S 253402300799

/* Microseconds since 1970, in UTC.  A fraction may have any number of digits (the first six count),
 * the offset is Z, z or +hh:mm, and is taken as UTC where it is missing.  A leap second is the one
 * before it.  -EINVAL for anything else, -ERANGE before 1970 and above ISOTIME_MAX_S. */
int isotime_parse(usec_t *ret, struct str s) MUST_CHECK;
/* Appends it in UTC, with six digits of a fraction if there is one.  What is above ISOTIME_MAX_S is
 * written as that. */
void isotime_put(struct buf *b, usec_t t);
