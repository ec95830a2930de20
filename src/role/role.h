/* What a role is, and what the supervisor hands to its process.
 *
 * One box of the poster = one folder below role/ = one constant struct role = one process (or
 * several equal ones, "slots").  daemon/roles.c lists them. */
#pragma once

#include "base/addr.h"
#include "loop/loop.h"
#include "loop/tls.h"
#include "topo/topo.h"
#include "wire/ctl/ctl.h"

struct role_port {
	const char *name; /* "SIP" */
	enum topo_proto proto;
	uint16_t port;       /* the poster's default */
	const char *purpose; /* for the ports page and the firewall list */
	/* Bound only if a role of this name on another host is spoken with (topo_meet()), for
	 * roles of one host have local links; NULL: always. */
	const char *across;
	/* Bound only where the role listens at this port too, which a row above has or its section
	 * says; 0: always. */
	uint16_t beside;
	/* For strangers, who may speak TLS there too: bound on all addresses of the host though it
	 * is not encrypted by itself. */
	bool open;
	/* [role door] may stand before it, which tells by the first bytes who is meant. */
	bool can_be_behind;
};

/* A socket that the supervisor bound; fd -1: none, its connections come by the door (by_door.h). */
struct role_socket {
	enum topo_proto proto;
	struct addr addr;
	int fd;
};

/* Rights (design section 3): what a role may ask of another over a local link to it.  The role that
 * is asked enforces it where requests come in; what is not in the table is refused. */
enum role_identity {
	ROLE_AS_NOBODY,            /* may assert no identity */
	ROLE_AS_OUR_USERS,         /* any user of the deployment's domains */
	ROLE_AS_CONFERENCES,       /* conferences of the deployment's domains */
	ROLE_AS_USERS_AND_BRIDGES, /* our users, and the media bridges that speak with it */
};
/* Roles that ask in their own name have one that is no user's, for none has a '/' in it:
 * "media-bridge/1@sip.example.test". */
enum { ROLE_ADDRESS_MAX = 320 };
void role_put_address(struct buf *b, const struct topo_role *at, uint32_t slot);
/* Whose name it is: one of that role's in the topology; or NULL. */
const struct topo_role *role_at_address(const struct topo *t, struct str role, struct str address);

struct role_right {
	const char *of;              /* the role that is asked; a table ends with a row without */
	enum role_identity who;      /* in whose name */
	const char *const *requests; /* methods, or kinds of message; NULL-terminated */
	const char *const *fields;   /* header fields that clients may not set; NULL-terminated, or
	                              * NULL */
};
struct role;
/* What `asking` may ask of the role with that name; NULL: nothing. */
const struct role_right *role_right_to(const struct role *asking, struct str asked);
bool role_may_ask(const struct role_right *r, struct str request);
bool role_may_set(const struct role_right *r, struct str field);
/* For people: "frontend (for our users: REGISTER, INVITE; with Path), accounts (lookup)". */
void role_put_rights(struct buf *b, const struct role *role);
void role_put_right(struct buf *b, const struct role_right *r);

/* One end of a local link: a connected Unix stream socket to another role process. */
struct role_link {
	struct str role;  /* who is at the other end */
	struct str label; /* which of the links between the two; empty: the first */
	uint32_t slot;
	int fd;
	uint32_t process; /* 1, 2, ...: another number, another process at the other end */
	uint32_t number;  /* of this link among those that were made here */
	const struct role_right *right; /* what it may ask of us; NULL: nothing */
};

/* A role of another host that this one speaks with, by connections with mutual TLS (role/line.h,
 * role/gate.h). */
struct role_peer {
	const struct topo_role *at;     /* replaced at reload, by the same one */
	const struct role_right *right; /* what it may ask of us; NULL: nothing */
};

enum { ROLE_KEY_LEN = 32, ROLE_PEERS_MAX = TOPO_HOSTS_MAX };

/* How much there is to do. */
enum role_load {
	ROLE_CALM,
	ROLE_BUSY, /* more than it can do at once */
	ROLE_FULL, /* new clients are turned away */
	ROLE_N_LOADS
};

/* What a role process has.  Lives as long as the process.  The descriptors of sockets and links are
 * the role's from start() on.  At a reload topo, self, certs and ca_pem have been replaced when
 * role.reload is called; the old ones stay valid until it returns, and come back if it refuses. */
struct role_env {
	struct loop *loop;
	const struct role *role;
	uint32_t slot, n_slots;  /* 0-based */
	const struct topo *topo; /* replaced at reload */
	const struct topo_role *self;
	struct role_socket *sockets;
	size_t n_sockets;
	struct role_link *links; /* a link that broke is replaced through role.link_up */
	size_t n_links;
	struct role_peer peers[ROLE_PEERS_MAX]; /* in the order of the topology */
	size_t n_peers;
	uint8_t pool_key[ROLE_KEY_LEN]; /* shared by a role's processes on all hosts: for tokens */
	uint8_t seal_key[ROLE_KEY_LEN]; /* accounts alone: seals secrets at rest; zero for others */
	uint8_t ticket_key[48];         /* TLS tickets, shared by the slots */
	struct tls_cert *certs;         /* of this role: P-256 first, RSA second */
	size_t n_certs;
	struct str ca_pem;    /* the private CA's root */
	const char *data_dir; /* the role may write here */
	uint64_t started;     /* wall clock, for status */
	/* accounts alone: `dialtone admin request` is started with this socket, which stays the
	 * caller's, as its standard input and output.  0 or -errno; NULL: there is no supervisor.
	 * That nothing was started shows as the end of the socket. */
	int (*run_tool)(void *arg, int fd);
	void *run_tool_arg;
	/* The supervisor is told by role_link_lost(); NULL: there is none. */
	void (*link_lost)(void *arg, size_t i);
	void *link_lost_arg;
};

/* The index in env->links of that link; n_links: there is none. */
size_t role_link_index(const struct role_env *env, struct str role, uint32_t slot,
                       struct str label);
/* links[i] has ended.  Whatever the reason was, a new one is on its way: role.link_up follows when
 * it is there, after a pause that grows if links end again and again. */
void role_link_lost(const struct role_env *env, size_t i);

/* Has it a port for strangers of that kind? */
bool role_is_open(const struct role *role, enum topo_proto proto);
/* A server's context with the role's certificates, for clients without one.  NULL, and a line that
 * says why; what: "the front end". */
struct tls_server *role_tls_server(const struct role_env *env, const char *what, struct buf *why);
/* The same with these protocols to choose from, the best first (RFC 7301). */
struct tls_server *role_tls_server_for(const struct role_env *env, const char *what,
                                       const struct str *alpn, size_t n_alpn, struct buf *why);
/* Is that one of the roles of other hosts that `role` speaks with, here on `self`? */
bool role_speaks_with(const struct role *role, const struct topo *t, const struct topo_role *self,
                      const struct topo_role *other);
/* Does it speak with any? */
bool role_speaks_across(const struct role *role, const struct topo *t,
                        const struct topo_role *self);

/* How a role is reached by `dialtone`: see wire/ctl/ctl.h. */
struct role {
	const char *name;              /* "frontend" */
	const char *box;               /* the poster's word: "Front End Server" */
	const struct role_port *ports; /* ends with a row without name */
	/* Names of roles it has a local link with, NULL-terminated; its own name: its other slots.
	 * "name:label" is one more link. */
	const char *const *links;
	/* More of them, drawn only if roles of other hosts are spoken with; NULL: none. */
	const char *const *links_across;
	/* Names of roles of other hosts that it speaks with, though they never come to a port of
	 * its own; NULL: none. */
	const char *const *reaches;
	const struct role_right *rights;       /* what it may ask of whom; NULL: of nobody */
	const struct setting *const *settings; /* NULL-terminated list of tables */
	const struct ctl_command *commands;    /* ends with a row without noun */
	/* What its settings say together, for a section of any host whose values are good one by
	 * one: 0, or -EINVAL with lines.  NULL: there is nothing more to say. */
	int (*check)(const struct topo *t, const struct topo_role *r, struct buf *why);
	uint32_t max_processes;
	bool alone_across;     /* has one process if roles of other hosts are spoken with */
	uint16_t metrics_port; /* default of metrics-port for slot 0; 0: none unless it is set */
	/* Names of system calls that the role needs beyond the common ones of daemon/sandbox.c;
	 * NULL-terminated, or NULL. */
	const char *const *syscalls;
	/* Opens stores, reads settings, starts listening.  Threads must be started here: the
	 * sandbox closes behind it.  0 and *ret_state, or -errno with one log line that says why.
	 */
	int (*start)(struct role_env *env, void **ret_state);
	/* New topology, certificates; env is already the new one.  Applies all or nothing. */
	int (*reload)(void *state, struct buf *why);
	/* links[i] was made anew: links[i].fd is the new descriptor.  Another process is at the
	 * other end if links[i].process has changed. */
	void (*link_up)(void *state, size_t i);
	/* Graceful stop: finish or move what is under way, then call done (within 5 s).  Once done
	 * has been called the state is not used any more. */
	void (*stop)(void *state, void (*done)(void *arg), void *arg);
	/* Appends metrics in Prometheus text form. */
	void (*metrics)(void *state, struct buf *b);
	/* Appends members of a JSON object (without braces) for `dialtone status`. */
	void (*status)(void *state, struct buf *b);
	/* For `dialtone status` and `role list`; NULL: always calm. */
	enum role_load (*load)(void *state);
};
