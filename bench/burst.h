/* The least that a server can do with bursts of datagrams: it receives many at a time, and those of
 * equal size to one address are one packet to the kernel when they go back (UDP_SEGMENT). */
#pragma once

/* Sends back what comes on a non-blocking socket; for ever. */
void burst_serve(int fd) __attribute__((noreturn));
