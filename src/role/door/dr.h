/* The inside of the door: shared by the files of this folder. */
#pragma once

#include "base/hash.h"
#include "base/list.h"
#include "base/log.h"
#include "loop/peek.h"
#include "loop/stream.h"
#include "role/by_door.h"
#include "role/door/route.h"

enum {
	DOOR_SLOTS_MAX = 8, /* processes of the door */
	DOOR_ACCEPTS_PER_TURN = 64,
	DOOR_HOSTS = 4096,    /* addresses of clients that are told apart */
	DOOR_LINES_PER_S = 5, /* of what strangers can cause */
};

struct door_settings {
	uint32_t waiting_max, waiting_of_address, opening_s, tls_default;
};

/* Why a connection ended here. */
enum door_end {
	DOOR_SILENT,  /* it did not say in time, or ended before, what it wants */
	DOOR_FOREIGN, /* nothing of what is behind */
	DOOR_CROWDED, /* too many wait: in all, or of its address */
	DOOR_DOWN,    /* the role takes none at the moment */
	DOOR_FULL,    /* the door had no descriptor left */
	DOOR_N_ENDS
};

struct door;

/* Where connections come in. */
struct door_face {
	struct door *door;
	struct listener *listener;
	unsigned there;              /* 1 << enum door_to */
	size_t listen_of[DOOR_N_TO]; /* the number of that role's listener */
};

/* One process of a role that is behind. */
struct door_link {
	struct door *door;
	enum door_to to;
	uint32_t slot;
	struct hand *hand; /* NULL: down */
};

struct door {
	struct role_env *env;
	struct door_settings set;
	struct arena *arena; /* of the rules */
	struct door_rules rules;
	struct door_face faces[TOPO_LISTENS_MAX];
	size_t n_faces;
	struct {
		struct door_link links[TOPO_PROCESSES_MAX];
		uint32_t next; /* whose turn it is */
		uint64_t passed;
	} to[DOOR_N_TO];
	/* visitor.c */
	struct list waiting; /* the oldest first */
	uint32_t n_waiting;
	uint16_t waiting_of[DOOR_HOSTS];
	struct hash_key host_key;
	uint64_t ended[DOOR_N_ENDS];
	struct log_limit limit, down_limit;
	void (*on_stopped)(void *arg);
	void *on_stopped_arg;
	struct defer stopped;
};

/* door.c: takes fd, which goes to a process of that role or is closed. */
void door_pass(struct door *d, const struct door_face *f, enum door_to to, int fd);

/* visitor.c: connections until it is known whom they are for. */
void door_accept(void *arg, struct listener *ls, int fd, const struct addr *peer);
void door_free_visitors(struct door *d);
