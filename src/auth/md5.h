/* MD5 (RFC 1321), for SIP Digest alone: a sign-in hashes three texts of about 80 bytes, and a
 * general library spends more time on its set-up than on such a text. */
#pragma once

#include "base/base.h"

enum { MD5_LEN = 16 };

void md5(uint8_t ret[MD5_LEN], const void *p, size_t n);
