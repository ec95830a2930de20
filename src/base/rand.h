/* Random bytes from the kernel, buffered. */
#pragma once

#include "base/buf.h"

/* Fills p; never fails (aborts if the kernel has none). */
void rand_bytes(void *p, size_t n);
uint64_t rand_u64(void);
/* Evenly spread in [0, below). */
uint32_t rand_below(uint32_t below);
/* Appends n letters and digits of about 5.9 bits each: tags, branches, nonces. */
void rand_token(struct buf *b, size_t n);
