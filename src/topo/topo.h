/* The topology: domains, hosts, roles, ports, settings; and the local file (which host am I).
 *
 * A const struct made by reading; a reload reads a new one, checks it whole and swaps.  Syntax and
 * keys: docs/man/dialtone.conf.5, docs/decisions/0001. */
#pragma once

#include "base/addr.h"
#include "base/log.h"
#include "topo/setting.h"

enum {
	TOPO_DOMAINS_MAX = 64,
	TOPO_HOSTS_MAX = 64,
	TOPO_ADDRS_MAX = 8, /* of a host */
	TOPO_ROLES_MAX = 128,
	TOPO_LISTENS_MAX = 32,  /* of a role */
	TOPO_PROCESSES_MAX = 64 /* of a role on a host */
};

#define TOPO_FILE "topology.conf"
#define TOPO_LOCAL_FILE "local.conf"

/* TLS: SIP over it. */
enum topo_proto { TOPO_UDP, TOPO_TCP, TOPO_TLS, TOPO_HTTPS, TOPO_WSS, TOPO_HTTP, TOPO_N_PROTOS };

struct topo_listen {
	enum topo_proto proto;
	struct addr addr; /* port with the local port-offset already added */
	/* Its connections can come by [role door], and do: that has the address. */
	bool can_be_behind, is_behind;
};

struct topo_host {
	struct str id;   /* "main" */
	struct str name; /* its FQDN, lower case */
	const struct addr *addrs;
	size_t n_addrs;
};

/* One `[role NAME]` section: a role on a host, in so many processes. */
struct topo_role {
	struct str role; /* "frontend" */
	const struct topo_host *host;
	struct str fqdn; /* the name its certificate carries and URIs to it use (the pool's name) */
	uint32_t processes;
	const struct topo_listen *listens;
	size_t n_listens;
	/* Slot n serves its metrics on 127.0.0.1, this port + n (offset added); 0: nowhere. */
	uint16_t metrics_port;
	bool listens_given[TOPO_N_PROTOS];  /* false: the role's own default ports are to be used */
	const struct conf_section *section; /* its raw settings; read with topo_settings() */
};

struct topo {
	uint64_t version;          /* hash of the topology's text: equal files, equal version */
	const struct str *domains; /* SIP domains, lower case; the first is the main one */
	size_t n_domains;
	struct str realm; /* Digest realm, chosen at installation */
	const struct topo_host *hosts;
	size_t n_hosts;
	const struct topo_role *roles;
	size_t n_roles;
	/* of the local file */
	const struct topo_host *self;
	struct str data_dir, cert_dir, run_dir; /* absolute; a NUL stands behind each */
	struct str user; /* account to run roles as when started as root (NUL behind) */
	enum log_level log_level;
	uint32_t port_offset;
};

/* An installation of the system has its data and its sockets where the system wants them, unless
 * local.conf says something else; any other directory has them below itself. */
#define TOPO_SYSTEM_DIR "/etc/dialtone"
#define TOPO_SYSTEM_DATA "/var/lib/dialtone"
#define TOPO_SYSTEM_RUN "/run/dialtone"
/* The directory of the control sockets of a configuration that says nothing about it. */
void topo_put_run_dir(struct buf *b, const char *config_dir);

/* Reads both files of the directory (an absolute path).  NULL with all errors found, one a line
 * "file:line: text", for people. */
struct topo *topo_read(const char *config_dir, struct buf *errors);
/* The same from memory, for tests, fuzzing and for role processes (the supervisor passes text). */
struct topo *topo_parse(struct str topology, struct str local, const char *config_dir,
                        struct buf *errors);
void topo_free(struct topo **tp);
/* Appends the text of one of the two files; 0, or -EINVAL with a line in `errors`. */
int topo_load_text(const char *config_dir, const char *file, struct buf *ret,
                   struct buf *errors) MUST_CHECK;
/* Not an address. */
bool topo_is_dns_name(struct str s);
bool topo_is_our_domain(const struct topo *t, struct str host);
/* The section of that role for this host, or NULL. */
const struct topo_role *topo_role_here(const struct topo *t, struct str role);
const char *topo_proto_name(enum topo_proto p); /* "udp" */
static inline bool topo_is_encrypted(enum topo_proto p)
{
	return p == TOPO_TLS || p == TOPO_HTTPS || p == TOPO_WSS;
}

/* Do these two speak with one another from host to host?  Roles of one host have local links
 * instead; so each host's roles serve that host first, and a role speaks with those of other hosts
 * of a kind that its own host lacks, unless their own host has its kind. */
bool topo_meet(const struct topo *t, const struct topo_role *a, const struct topo_role *b);
/* Does r speak so with any role of that name? */
bool topo_meets_any(const struct topo *t, const struct topo_role *r, struct str role);
/* Where other hosts reach it over that protocol, at most max addresses: those of its host instead
 * of "all", and loopback ones if there is no other.  How many. */
size_t topo_reach(const struct topo_role *r, enum topo_proto proto, struct addr *ret, size_t max);

/* Fills a module's config struct from the role's section by the module's table; texts borrow from
 * the topology.  0, or -EINVAL with the errors. */
int topo_settings(const struct topo *t, const struct topo_role *r, const struct setting *table,
                  void *cfg, struct buf *errors);
/* Keys of the role's section that neither a table of `tables` (NULL-terminated) nor the topology
 * itself knows are errors, with the nearest known key as a hint; values are checked too. */
int topo_check_keys(const struct topo *t, const struct topo_role *r,
                    const struct setting *const *tables, struct buf *errors);
/* Adds a role's default port: on each address of its host, for udp and tcp (unencrypted) on
 * loopback and private addresses only, unless it is `open`.  Before topo_check_ports(). */
int topo_add_default_port(struct topo *t, const struct topo_role *r, enum topo_proto proto,
                          uint16_t port, bool open, struct buf *errors);
/* Adds it only where the role listens at another port already (which is without the port-offset),
 * and on these addresses alone, whatever they are. */
int topo_add_port_beside(struct topo *t, const struct topo_role *r, enum topo_proto proto,
                         uint16_t port, uint16_t beside, struct buf *errors);
/* Says of r's listener number i that the door can stand before it, and whether it does. */
void topo_set_behind(struct topo *t, const struct topo_role *r, size_t i, bool is_behind);
/* Adds the metrics port, if the section says nothing about it. */
int topo_add_metrics_port(struct topo *t, const struct topo_role *r, uint16_t port,
                          struct buf *errors);
/* Two roles of one host that want the same address and port are an error that names both. */
int topo_check_ports(const struct topo *t, struct buf *errors);

/* The topology's own tables, for the manual: kind "deployment", "host", "role" or "local". */
const struct setting *topo_own_settings(const char *kind);
