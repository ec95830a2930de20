/* The topology: domains, hosts, roles, ports, settings; and the local file (which host am I).
 *
 * A const struct made by reading; a reload reads a new one, checks it whole and swaps.  Syntax and
 * keys: docs/man/dialtone.conf.5, docs/decisions. */
#pragma once

#include "base/addr.h"
#include "topo/setting.h"

enum topo_proto { TOPO_UDP, TOPO_TCP, TOPO_TLS, TOPO_N_PROTOS };

struct topo_listen {
	enum topo_proto proto;
	struct addr addr; /* port with the local port-offset already added */
};

struct topo_host {
	struct str id;      /* "main" */
	struct str name;    /* its FQDN */
	const struct addr *addrs;
	size_t n_addrs;
};

/* One `[role NAME]` section: a role on a host, in so many processes. */
struct topo_role {
	struct str role;    /* "frontend" */
	const struct topo_host *host;
	struct str fqdn;    /* the name its certificate carries and URIs to it use (the pool's name) */
	uint32_t processes;
	const struct topo_listen *listens;
	size_t n_listens;
	const struct conf_section *section; /* its raw settings; read with topo_settings() */
};

struct topo {
	uint64_t version;             /* hash of the text: equal files, equal version */
	const struct str *domains;    /* SIP domains, lower case; the first is the main one */
	size_t n_domains;
	struct str realm;             /* Digest realm, chosen at installation */
	const struct topo_host *hosts;
	size_t n_hosts;
	const struct topo_role *roles;
	size_t n_roles;
	/* of the local file */
	const struct topo_host *self;
	struct str data_dir, cert_dir, run_dir; /* absolute */
	struct str user;              /* account to run roles as when started as root */
	uint32_t port_offset;
};

/* All errors found, one a line "file:line: text", for people. */
struct topo *topo_read(const char *config_dir, struct buf *errors);
/* The same from memory, for tests, fuzzing and for role processes (the supervisor passes text). */
struct topo *topo_parse(struct str topology, struct str local, const char *config_dir,
			struct buf *errors);
void topo_free(struct topo **tp);
bool topo_is_our_domain(const struct topo *t, struct str host);
const struct topo_role *topo_role_here(const struct topo *t, struct str role);
/* Fills a module's config struct from the role's section by the module's table.  Keys that no
 * table knows are errors (topo_check_keys, with all tables of the role). 0 or -EINVAL. */
int topo_settings(const struct topo *t, const struct topo_role *r, const struct setting *table,
		  void *cfg, struct buf *errors);
