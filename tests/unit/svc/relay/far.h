/* Peers of TCP allocations, on loopback: who listens, or connects to a relayed address. */
#pragma once

#include "edge.h"

enum { FAR_BUFFER = 16 * 1024 /* of its sockets: little, so that a test reaches what is behind */ };

struct far {
	struct edge *e;
	int door, fd;   /* -1: none */
	struct addr at; /* where it listens, or comes from */
	struct buf got; /* all that came */
	bool ended;
	int err;          /* by an error */
	size_t put, seen; /* bytes of a pattern: far_put(), and far_saw() */
};

/* At most as long as the tests may wait at all (await.h); the clock of the edge stands. */
#define UNTIL(e, cond)                                                             \
	do {                                                                       \
		for (int until_ = 0; !(cond) && until_ < AWAIT_S * 1000; until_++) \
			loop_turn((e)->loop, USEC_PER_MSEC);                       \
		OK(cond);                                                          \
	} while (0)
/* So many that what was to come would have come. */
void edge_turns(struct edge *e);

/* Listens at a port of its own; on_host: NULL, or another address of loopback. */
void far_listen(struct far *f, struct edge *e, const char *on_host);
/* Connects to it from that host (NULL: 127.0.0.1). */
void far_dial(struct far *f, struct edge *e, const struct addr *to, const char *from_host);
/* The same from where it listens. */
void far_dial_from_door(struct far *f, const struct addr *to);
/* One that is there already. */
void far_of(struct far *f, struct edge *e, int fd);
/* It takes nobody any more: who comes behind these is not answered. */
void far_fill(struct far *f, struct far *fillers, unsigned n);
/* Takes a connection, if one comes; *ret_from is from where. */
bool far_accept(struct far *f, struct addr *ret_from);
void far_hang_up(struct far *f);
void far_stop(struct far *f);

void far_say(struct far *f, struct str s);
/* Reads what is there, at most n bytes. */
void far_read(struct far *f, size_t n);
/* Waits for as many bytes: is all that came since the last call that? */
bool far_hears(struct far *f, const char *text);
bool far_is_ended(struct far *f);

/* Bytes of which each says where it stands. */
char far_byte(size_t i);
/* As many of the next n as the kernel takes. */
void far_put(struct far *f, size_t n);
/* Are these the next ones that far_put() gave? */
bool far_saw(struct far *f, struct str s);
