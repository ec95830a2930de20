/* The supervisor's inside, shared by its files. */
#pragma once

#include "daemon/ctl_server.h"
#include "daemon/links.h"
#include "daemon/material.h"
#include "daemon/notify.h"
#include "daemon/slot.h"
#include "daemon/supervisor.h"
#include "daemon/tools.h"

enum phase { PHASE_STARTING, PHASE_RUNNING, PHASE_STOPPING };
enum { RELOAD_MAX_S = 20 };

/* A reload under way: at most one. */
struct reload {
	struct material *next; /* NULL: none under way */
	size_t waiting;        /* processes that have not answered */
	bool refused;
	struct buf why;
	struct ctl_call *call; /* to be answered, or NULL (SIGHUP) */
	struct timer timer;
};

struct supervisor {
	struct loop *loop;
	const struct role *const *roles;
	struct role_keys *keys; /* one for each role */
	struct material *material;
	struct spawn_user user;
	struct slot *slots; /* in the order of the roles */
	size_t n_slots;
	struct links *links;
	struct notify *notify;
	struct timer watchdog, linger;
	struct ctl_server *ctl;
	int lock_fd;
	enum phase phase;
	usec_t started_wall;
	int status; /* to exit with */
	struct reload reload;
	struct tools tools;
};

/* supervisor_setup.c: everything that start-up gets hold of.  0, or -errno with text. */
int supervisor_setup(struct supervisor *s, struct buf *why) MUST_CHECK;
void supervisor_release(struct supervisor *s);

/* supervisor.c */
extern const struct slot_ops supervisor_slot_ops;
void supervisor_stop(struct supervisor *s, int status);
size_t supervisor_role_index(const struct supervisor *s, const struct slot *slot);
/* Sends a process a RELOAD with that generation. */
void supervisor_send_bundle(struct supervisor *s, struct slot *slot, const struct material *m);

/* reload.c: call is answered at the end; NULL: only logged. */
void reload_begin(struct supervisor *s, struct ctl_call *call);
void reload_answered(struct supervisor *s, struct slot *slot, bool applied, struct str why);
/* A process has gone or become ready; it gets the generation in force when it is. */
void reload_gone(struct supervisor *s, struct slot *slot);
void reload_cancel(struct supervisor *s);

/* supervisor_ctl.c */
extern const struct ctl_command supervisor_commands[];
