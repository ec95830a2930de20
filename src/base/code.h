/* Text forms of binary data. */
#pragma once

#include "base/buf.h"

void hex_put(struct buf *b, const void *p, size_t n); /* lower case */
/* Decodes exactly 2*n digits of either case; -EINVAL. */
int hex_get(struct str s, void *ret, size_t n) MUST_CHECK;
/* RFC 4648, with padding; url: section 5 alphabet without padding. */
void base64_put(struct buf *b, const void *p, size_t n);
void base64url_put(struct buf *b, const void *p, size_t n);
/* Appends the decoded bytes; -EINVAL for anything but clean input (padding optional for url). */
int base64_get(struct str s, struct buf *ret) MUST_CHECK;
int base64url_get(struct str s, struct buf *ret) MUST_CHECK;
/* JSON string body escapes; peers' bytes that are not UTF-8 become U+FFFD. */
void json_put_str(struct buf *b, struct str s); /* with the quotes */
/* `,"name":"value"`: a member of an object that has one already.  name needs no escapes. */
void json_put_member(struct buf *b, const char *name, struct str value);
/* The length of the UTF-8 sequence at the start of s (RFC 3629: shortest form, no surrogates), or
 * 0 if there is none. */
size_t utf8_seq_len(struct str s);
