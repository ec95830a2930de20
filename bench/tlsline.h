/* Connections over TLS, many of one process, that are looked at and not waited for. */
#pragma once

#include <netinet/in.h>

#include "text.h"

struct tlslines; /* opaque */
/* The first messages of the stream; returns how many bytes of it they were. */
typedef size_t tlsline_fn(void *arg, uint32_t line, struct str stream);

/* Connects to the server, from each of n local addresses, a free port; the handshakes are done when
 * it returns.  Ends the program if it cannot. */
struct tlslines *tlslines_new(const struct sockaddr_in *server, const struct in_addr *local,
                              uint32_t n);
/* What is there: fn for each line with new bytes.  How many lines. */
unsigned tlslines_receive(struct tlslines *t, tlsline_fn *fn, void *arg);
/* As one record. */
void tlslines_send(struct tlslines *t, uint32_t line, struct str bytes);
