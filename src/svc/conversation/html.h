/* The text of HTML, as a phone shows it. */
#pragma once

#include "base/buf.h"

/* Appends it, never more bytes than the HTML has.  Tags, comments, scripts and styles are left out;
 * paragraphs, list entries and rows are lines; blanks are one, but in <pre>; references are
 * resolved; the address of a link stands behind its text, where it is of the web and not the text
 * itself.  What is no HTML is text.  In time proportional to the length, whatever it is. */
void html_put_plain(struct buf *b, struct str html);
/* A text of that Content-Type as it is read: of HTML what html_put_plain() makes, in b; any other
 * as it is. */
struct str html_read(struct buf *b, struct str type, struct str text);
