/* Text as the directory compares it: small letters without accents, and cut into words.
 *
 * ASCII, Latin-1 and Latin Extended-A lose case and accents by a table (Mueller is not Müller:
 * "Müller" is found by "muller" and "müller"); combining marks (U+0300 to U+036F) are dropped;
 * Greek and Cyrillic capitals become small; other scripts stand as they are. */
#pragma once

#include "base/buf.h"

/* Appends s folded; never longer than s.  What is no letter or digit of ASCII stands as it is;
 * spaces and punctuation of Latin-1 and U+2010 to U+2027, and bytes that are no UTF-8, become
 * blanks. */
void fold_put(struct buf *b, struct str s);
/* The next word of folded text: letters, digits, and all that is not ASCII.  False at the end;
 * *rest is then empty. */
bool fold_word(struct str *rest, struct str *ret);
