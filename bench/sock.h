/* Small things about sockets that the generator and the echo server share. */
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include "text.h"

/* "127.0.0.1:5060" or "[::1]:5060" into *ret; the length, or 0 if it is no such thing. */
socklen_t sock_address(struct sockaddr_storage *ret, const char *text);
/* The other way round; ret holds at least 64 bytes. */
void sock_text(char *ret, size_t cap, const struct sockaddr_storage *a);
/* As many descriptors as the hard limit allows. */
void sock_raise_limit(void);
