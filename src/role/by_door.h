/* Connections that come by the door (role/door): it has accepted them where this role would have to
 * listen, has looked at their first bytes without taking them, and hands their descriptors over by
 * its link.  From then on they are as if they had been accepted here. */
#pragma once

#include "loop/hand.h"
#include "role/role.h"

enum { BY_DOOR_SLOTS_MAX = 16, BY_DOOR_LINES_PER_S = 1 };

struct by_door; /* opaque */

/* at: the role's listener.  fd: a TCP connection, non-blocking; the callee's from now on. */
typedef void by_door_fn(void *arg, const struct topo_listen *at, int fd, const struct addr *peer);

/* Borrows env. */
struct by_door *by_door_new(struct role_env *env, by_door_fn *fn, void *arg);
void by_door_free(struct by_door **bp);
/* As listener_set_per_turn(). */
void by_door_set_per_turn(struct by_door *b, unsigned per_turn);
/* Takes env->links[i] if that leads to the door; else false. */
bool by_door_link_up(struct by_door *b, size_t i);

/* The door's side: what goes with a descriptor for the listener number i of the other role. */
void by_door_put(uint8_t text[HAND_LEN], size_t i);
