/* The certificate directory: which files there are, what is in them, whether they fit the topology.
 * `dialtone cert` and `dialtone doctor` share it. */
#pragma once

#include "auth/ca.h"
#include "auth/cert.h"
#include "base/arena.h"
#include "ctl/tool.h"

enum { CERTS_WARN_DAYS = 30 };

/* "<cert_dir>/<name><end>", a C string in the arena. */
const char *certs_path(struct arena *a, const struct topo *t, struct str name, const char *end);
/* The same in another directory. */
const char *certs_path_in(struct arena *a, struct str dir, struct str name, const char *end);
/* What to do where there is no ca.pem. */
const char *certs_way_to_ca(struct arena *a, const struct topo *t);
/* The private CA: 0; -ENOENT: there is none; else the error is told. */
int certs_load_ca(struct ca **ret, struct arena *a, const struct topo *t, time_t now) MUST_CHECK;
/* A chain from a file.  0; -ENOENT; -EBADMSG. */
int certs_load_chain(struct cert_chain **ret, const char *path) MUST_CHECK;
/* Adds findings on the CA and on each certificate of the roles on this host: missing, expired or
 * soon to be, key does not match, names missing, wrong order, secret files that others can read. */
void certs_check(cJSON *findings, const struct topo *t, time_t now);
/* Does the certificate carry all the names?  Appends those that are missing, with commas. */
bool certs_covers(const struct cert_chain *c, const struct ca_names *names, struct buf *missing);
