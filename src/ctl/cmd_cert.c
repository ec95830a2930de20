/* dialtone cert: the private CA, certificates of the roles, import of outside ones (poster rows
 * CT-05, CT-12). */
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "auth/cert_names.h"
#include "ctl/certs.h"
#include "ctl/client.h"
#include "ctl/commands.h"
#include "ctl/file.h"
#include "ctl/finding.h"

enum { SECONDS_PER_DAY = 86400, CA_NAME_MAX = 64, KEY_MODE = 0600, CERT_MODE = 0644 };

/* What one run of `cert issue` works with. */
struct issuing {
	struct tool *tool;
	const struct topo *topo;
	struct arena *arena;
	struct ca *ca;
	struct cert_chain *root;
	time_t now;
	bool renew;
	const struct topo_host *host; /* for whose roles */
	struct str dir;               /* where the files are */
	cJSON *rows;
	int n_issued;
};

static const char *path_of(const struct issuing *is, struct str name, const char *end)
{
	return certs_path_in(is->arena, is->dir, name, end);
}

/* --- the CA --------------------------------------------------------------------------------- */

static int write_file(const char *path, struct str content, mode_t mode)
{
	int r = file_write(path, content, mode);
	return r < 0 ? tool_fail("%s cannot be written: %s.", path, strerror(-r)) : EXIT_FINE;
}

static int save_ca(const struct ca *ca, struct arena *a, const struct topo *t)
{
	auto_(buf_free) struct buf cert = buf_of(CA_PEM_MAX), key = buf_of(CA_PEM_MAX);
	if (ca_put_cert(ca, &cert) < 0 || ca_put_key(ca, &key) < 0)
		return tool_fail("The CA could not be encoded.");
	int r = write_file(certs_path(a, t, STR("ca"), ".key"), buf_view(&key), KEY_MODE);
	wipe(key.p, key.len);
	if (r != EXIT_FINE)
		return r;
	return write_file(certs_path(a, t, STR("ca"), ".pem"), buf_view(&cert), CERT_MODE);
}

static struct str ca_name(struct arena *a, const struct topo *t, struct str asked)
{
	if (asked.len > 0)
		return asked;
	struct str name =
	        arena_printf(a, "Dialtone private CA of %" STR_FMT, STR_ARG(t->domains[0]));
	return name.len <= CA_NAME_MAX ? name : STR("Dialtone private CA");
}

/* Makes what is missing; an existing CA is never touched. */
static int make_ca(struct arena *a, const struct topo *t, struct str asked, time_t now,
                   bool *ret_made)
{
	auto_(ca_free) struct ca *ca = NULL;
	auto_(xfreep) char *dir = str_dup(t->cert_dir);
	int r = file_mkdirs(dir, 0755);
	if (r < 0)
		return tool_fail("%s cannot be made: %s.", dir, strerror(-r));
	r = certs_load_ca(&ca, a, t, now);
	if (r != -ENOENT)
		return r < 0 ? EXIT_FAILED : EXIT_FINE;
	r = ca_new(&ca, ca_name(a, t, asked), now);
	if (r == -EINVAL)
		return tool_fail("The CA's name must have 1 to %d bytes.", CA_NAME_MAX);
	if (r < 0)
		return tool_fail("OpenSSL could not make a CA.");
	*ret_made = true;
	return save_ca(ca, a, t);
}

/* Two CAs in one deployment, and its hosts do not know each other. */
static void say_one_ca(const struct tool *t, const struct topo *topo)
{
	if (!t->json && topo->n_hosts > 1)
		(void)printf("The private CA of all %zu hosts is here now.  The other hosts get "
		             "their certificates from it (`dialtone cert issue --host NAME --to "
		             "DIR`), and make none of their own.\n",
		             topo->n_hosts);
}

/* --- issuing -------------------------------------------------------------------------------- */

/* Why the file must be made anew, or NULL if it is good as it is. */
static const char *reason_to_issue(const struct issuing *is, const struct cert_chain *c,
                                   const struct ca_names *names)
{
	auto_(buf_free) struct buf missing = buf_of(CERT_PEM_MAX);
	if (!c)
		return "was missing";
	time_t left = cert_chain_info(c, 0)->not_after - is->now;
	return is->renew                                  ? "renewed"
	       : left < CERTS_WARN_DAYS * SECONDS_PER_DAY ? "was expiring"
	       : !certs_covers(c, names, &missing)        ? "names changed"
	                                                  : NULL;
}

static void add_row(struct issuing *is, const struct topo_role *r, struct str name,
                    const char *what, const struct cert_chain *c)
{
	cJSON *row = cJSON_CreateObject();
	auto_(xfreep) char *role = str_dup(r->role);
	cJSON_AddStringToObject(row, "role", role);
	cJSON_AddStringToObject(row, "file", path_of(is, name, ".crt"));
	cJSON_AddStringToObject(row, "done", what);
	if (c)
		cJSON_AddNumberToObject(row, "expires_at",
		                        (double)cert_chain_info(c, 0)->not_after);
	cJSON_AddItemToArray(is->rows, row);
}

static int save_pair(struct issuing *is, struct str name, struct str cert, struct str key)
{
	int r = write_file(path_of(is, name, ".key"), key, KEY_MODE);
	if (r != EXIT_FINE)
		return r;
	return write_file(path_of(is, name, ".crt"), cert, CERT_MODE);
}

static int issue(struct issuing *is, const struct topo_role *r, enum ca_key_type type,
                 const struct ca_names *names, const char *why)
{
	auto_(buf_free) struct buf cert = buf_of(CA_PEM_MAX), key = buf_of(CA_PEM_MAX);
	auto_(cert_chain_free) struct cert_chain *c = NULL;
	struct str name = cert_file_name(is->arena, r->role, type);
	int err = ca_issue(is->ca, type, names, is->now, &cert, &key);
	if (err < 0)
		return tool_fail(
		        "A certificate for %" STR_FMT " could not be made: %s.", STR_ARG(r->role),
		        err == -EINVAL ? "one of its names is not a host name" : "OpenSSL failed");
	int exit_status = save_pair(is, name, buf_view(&cert), buf_view(&key));
	wipe(key.p, key.len);
	if (exit_status != EXIT_FINE || cert_chain_read(&c, buf_view(&cert)) < 0)
		return EXIT_FAILED;
	is->n_issued++;
	add_row(is, r, name, why, c);
	return EXIT_FINE;
}

static int issue_if_needed(struct issuing *is, const struct topo_role *r, enum ca_key_type type)
{
	auto_(cert_chain_free) struct cert_chain *c = NULL;
	struct ca_names names = cert_names_of(is->arena, is->topo, r);
	struct str name = cert_file_name(is->arena, r->role, type);
	int err = certs_load_chain(&c, path_of(is, name, ".crt"));
	if (err < 0 && err != -ENOENT && err != -EBADMSG)
		return tool_fail("%s cannot be read: %s.", path_of(is, name, ".crt"),
		                 strerror(-err));
	if (c && !cert_is_below(c, is->root)) {
		add_row(is, r, name, "kept: imported from outside", c);
		return EXIT_FINE;
	}
	const char *why = reason_to_issue(is, c, &names);
	if (why)
		return issue(is, r, type, &names, why);
	add_row(is, r, name, "kept", c);
	return EXIT_FINE;
}

static int issue_role(struct issuing *is, const struct topo_role *r)
{
	int e = issue_if_needed(is, r, CA_P256);
	return e == EXIT_FINE ? issue_if_needed(is, r, CA_RSA2048) : e;
}

static int issue_roles(struct issuing *is, struct str only)
{
	int e = EXIT_FINE;
	bool found = false;
	for (size_t i = 0; e == EXIT_FINE && i < is->topo->n_roles; i++) {
		const struct topo_role *r = &is->topo->roles[i];
		if (r->host != is->host || !cert_is_for(r->role) ||
		    (only.len > 0 && !str_eq(only, r->role)))
			continue;
		found = true;
		e = issue_role(is, r);
	}
	if (e == EXIT_FINE && !cert_is_for(only))
		return tool_fail("[role %" STR_FMT "] has no certificate: it never decrypts.",
		                 STR_ARG(only));
	if (e == EXIT_FINE && !found)
		return tool_fail("The topology has no role \"%" STR_FMT "\" on the host %" STR_FMT
		                 "; `dialtone topology show` lists the roles.",
		                 STR_ARG(only), STR_ARG(is->host->id));
	return e;
}

static void say_reload(struct tool *t, bool changed)
{
	auto_(xfreep) char *dir = str_dup(tool_run_dir(t));
	if (changed && !t->json && client_can_reach(dir, "dialtoned"))
		(void)puts("The server is running: `dialtone reload` makes it use the new ones.");
}

/* --- for another host ----------------------------------------------------------------------- */

static const struct topo_host *find_host(const struct topo *t, struct str id)
{
	for (size_t i = 0; i < t->n_hosts; i++)
		if (str_eq(t->hosts[i].id, id))
			return &t->hosts[i];
	return NULL;
}

/* Private keys go there: nobody else may put files into it, or have put it there. */
static int safe_directory(const char *path, const struct topo *t)
{
	struct stat st, own;
	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return tool_fail("%s cannot be made: %s.", path, strerror(errno));
	if (lstat(path, &st) < 0 || !S_ISDIR(st.st_mode))
		return tool_fail("%s is not a directory.", path);
	if (st.st_uid != geteuid() || (st.st_mode & (S_IWGRP | S_IWOTH)) != 0)
		return tool_fail("Others may change files in %s; private keys are not written "
		                 "there.  Name a directory of your own, or one that is not there.",
		                 path);
	if (stat(t->cert_dir.p, &own) == 0 && own.st_dev == st.st_dev && own.st_ino == st.st_ino)
		return tool_fail("%s has the certificates of this host; name another directory.",
		                 path);
	return EXIT_FINE;
}

/* Where to, and for which host: this one, or another one's files in a directory to be copied. */
static int choose_host(struct issuing *is, const cJSON *args)
{
	struct str host = ctl_text(args, "host"), to = ctl_text(args, "to");
	is->host = is->topo->self;
	is->dir = is->topo->cert_dir;
	if (host.len == 0 && to.len == 0)
		return EXIT_FINE;
	if (host.len == 0 || to.len == 0)
		return tool_fail("--host and --to belong together: for which host, and into which "
		                 "directory, to be copied there.");
	is->host = find_host(is->topo, host);
	is->dir = to;
	if (!is->host)
		return tool_fail(
		        "The topology has no [host %s]; `dialtone topology show` lists the "
		        "hosts of the roles.",
		        host.p);
	return safe_directory(to.p, is->topo);
}

/* That host is to know the others by the same CA. */
static int copy_root(struct issuing *is)
{
	auto_(buf_free) struct buf pem = buf_of(CERT_PEM_MAX);
	if (str_eq(is->dir, is->topo->cert_dir))
		return EXIT_FINE;
	int r = file_read(certs_path(is->arena, is->topo, STR("ca"), ".pem"), &pem);
	if (r < 0)
		return tool_fail("ca.pem cannot be read: %s.", strerror(-r));
	return write_file(path_of(is, STR("ca"), ".pem"), buf_view(&pem), CERT_MODE);
}

static int issue_with(struct issuing *is, const cJSON *args)
{
	int r = certs_load_chain(&is->root, certs_path(is->arena, is->topo, STR("ca"), ".pem"));
	int e = r < 0 ? tool_fail("ca.pem cannot be read.") : choose_host(is, args);
	if (e == EXIT_FINE)
		e = issue_roles(is, ctl_text(args, "role"));
	return e == EXIT_FINE ? copy_root(is) : e;
}

static int issue_all(struct tool *t, struct arena *a, const cJSON *args)
{
	const struct topo *topo = tool_topo(t);
	struct issuing is = { .tool = t, .topo = topo, .arena = a, .now = time(NULL) };
	is.renew = ctl_flag(args, "renew");
	int r = certs_load_ca(&is.ca, a, topo, is.now);
	if (r == -ENOENT)
		return tool_fail("There is no private CA here.  %s", certs_way_to_ca(a, topo));
	if (r < 0)
		return EXIT_FAILED;
	is.rows = cJSON_CreateArray();
	int e = issue_with(&is, args);
	if (e == EXIT_FINE) {
		tool_show(t, is.rows);
		if (str_eq(is.dir, topo->cert_dir))
			say_reload(t, is.n_issued > 0);
	} else {
		cJSON_Delete(is.rows);
	}
	ca_free(&is.ca);
	cert_chain_free(&is.root);
	return e;
}

static int cert_init(struct tool *t, cJSON *args)
{
	auto_(arena_free) struct arena *a = arena_new();
	const struct topo *topo = tool_topo(t);
	if (!topo)
		return EXIT_FAILED;
	bool made = false;
	int r = make_ca(a, topo, ctl_text(args, "name"), time(NULL), &made);
	if (r == EXIT_FINE)
		r = issue_all(t, a, args);
	if (r == EXIT_FINE && made)
		say_one_ca(t, topo);
	return r;
}

static int cert_issue(struct tool *t, cJSON *args)
{
	auto_(arena_free) struct arena *a = arena_new();
	return tool_topo(t) ? issue_all(t, a, args) : EXIT_FAILED;
}

/* --- import --------------------------------------------------------------------------------- */

static int bad_chain(const struct cert_chain *c, const char *path, time_t now)
{
	size_t bad = 0;
	const struct cert_info *i = cert_chain_info(c, 0);
	if (cert_check_order(c, &bad) < 0)
		return tool_fail(
		        "Certificate %zu in %s is not signed by the one behind it.  The file "
		        "must hold the server's own certificate first, then its issuer, and so "
		        "on.",
		        bad + 1, path);
	if (i->not_after <= now)
		return tool_fail("The certificate in %s has expired.", path);
	if (i->not_before > now)
		return tool_fail("The certificate in %s is not valid yet; is the clock right?",
		                 path);
	if (i->key == CERT_OTHER || (i->key == CERT_RSA && i->key_bits < 2048))
		return tool_fail(
		        "The certificate in %s has a key that clients refuse; ask for P-256 or "
		        "RSA of 2048 bits or more.",
		        path);
	return EXIT_FINE;
}

static int check_names(const struct cert_chain *c, const struct ca_names *names, bool force)
{
	auto_(buf_free) struct buf missing = buf_of(CERT_PEM_MAX);
	struct ca_names dns_only = *names;
	dns_only.n_ips = 0; /* public CAs do not sign private addresses */
	if (certs_covers(c, &dns_only, &missing))
		return EXIT_FINE;
	if (!force)
		return tool_fail(
		        "The certificate lacks these names of the role: %" STR_FMT
		        ".  Clients that use them would refuse it.  Ask for one with these "
		        "names, or say --force.",
		        STR_ARG(buf_view(&missing)));
	(void)fprintf(stderr, "Without these names: %" STR_FMT "\n", STR_ARG(buf_view(&missing)));
	return EXIT_FINE;
}

static int check_pair(const struct cert_chain *c, struct str key, const char *path)
{
	int r = cert_check_key(c, key);
	if (r == -EBADMSG)
		return tool_fail(
		        "%s holds no private key that can be read (it must be PEM, without a "
		        "pass phrase: `openssl pkey -in OLD -out NEW` takes it off).",
		        path);
	return r < 0 ? tool_fail("%s is not the key of this certificate.", path) : EXIT_FINE;
}

static int import_pair(struct tool *t, struct arena *a, const struct topo_role *r,
                       const struct cert_chain *c, struct str pems[2])
{
	bool ec = cert_chain_info(c, 0)->key == CERT_EC;
	struct issuing is = {
		.tool = t, .topo = tool_topo(t), .arena = a, .rows = cJSON_CreateArray()
	};
	is.dir = is.topo->cert_dir;
	struct str name = cert_file_name(a, r->role, ec ? CA_P256 : CA_RSA2048);
	int e = save_pair(&is, name, pems[0], pems[1]);
	if (e != EXIT_FINE) {
		cJSON_Delete(is.rows);
		return e;
	}
	add_row(&is, r, name, "imported", c);
	tool_show(t, is.rows);
	say_reload(t, true);
	return EXIT_FINE;
}

static int import_checked(struct tool *t, const cJSON *args, const struct topo_role *r,
                          struct str chain, struct str key)
{
	auto_(arena_free) struct arena *a = arena_new();
	auto_(cert_chain_free) struct cert_chain *c = NULL;
	const char *chain_path = ctl_text(args, "chain").p;
	struct ca_names names = cert_names_of(a, tool_topo(t), r);
	if (cert_chain_read(&c, chain) < 0)
		return tool_fail("%s holds no certificates in PEM form.", chain_path);
	int e = check_pair(c, key, ctl_text(args, "key").p);
	if (e == EXIT_FINE)
		e = bad_chain(c, chain_path, time(NULL));
	if (e == EXIT_FINE)
		e = check_names(c, &names, ctl_flag(args, "force"));
	return e == EXIT_FINE ? import_pair(t, a, r, c, (struct str[]){ chain, key }) : e;
}

static int cert_import(struct tool *t, cJSON *args)
{
	auto_(buf_free) struct buf chain = buf_of(CERT_PEM_MAX), key = buf_of(CERT_PEM_MAX);
	const char *chain_path = ctl_text(args, "chain").p, *key_path = ctl_text(args, "key").p;
	const struct topo *topo = tool_topo(t);
	if (!topo)
		return EXIT_FAILED;
	const struct topo_role *r = topo_role_here(topo, ctl_text(args, "role"));
	if (!r)
		return tool_fail("The topology has no role \"%s\" on this host.",
		                 ctl_text(args, "role").p);
	if (!cert_is_for(r->role))
		return tool_fail("[role %" STR_FMT "] has no certificate: it never decrypts.",
		                 STR_ARG(r->role));
	int err = file_read(chain_path, &chain);
	if (err < 0)
		return tool_fail("%s cannot be read: %s.", chain_path, strerror(-err));
	err = file_read(key_path, &key);
	if (err < 0)
		return tool_fail("%s cannot be read: %s.", key_path, strerror(-err));
	int e = import_checked(t, args, r, buf_view(&chain), buf_view(&key));
	wipe(key.p, key.len);
	return e;
}

/* --- show and check ------------------------------------------------------------------------- */

static void show_one(cJSON *rows, struct arena *a, const struct topo *t, struct str name,
                     const char *end)
{
	auto_(cert_chain_free) struct cert_chain *c = NULL;
	const char *path = certs_path(a, t, name, end);
	if (certs_load_chain(&c, path) < 0)
		return;
	const struct cert_info *i = cert_chain_info(c, 0);
	cJSON *row = cJSON_CreateObject();
	cJSON_AddStringToObject(row, "file", path);
	cJSON_AddStringToObject(row, "key",
	                        arena_printf(a, "%s-%u",
	                                     i->key == CERT_EC    ? "EC"
	                                     : i->key == CERT_RSA ? "RSA"
	                                                          : "other",
	                                     i->key_bits)
	                                .p);
	cJSON_AddStringToObject(row, "issuer", i->issuer.p);
	cJSON_AddNumberToObject(row, "expires_at", (double)i->not_after);
	cJSON *names = cJSON_AddArrayToObject(row, "names");
	for (size_t n = 0; n < i->n_names; n++)
		cJSON_AddItemToArray(names, cJSON_CreateString(i->names[n].p));
	cJSON_AddItemToArray(rows, row);
}

static int cert_show(struct tool *t, cJSON *args UNUSED)
{
	auto_(arena_free) struct arena *a = arena_new();
	const struct topo *topo = tool_topo(t);
	if (!topo)
		return EXIT_FAILED;
	cJSON *rows = cJSON_CreateArray();
	show_one(rows, a, topo, STR("ca"), ".pem");
	for (size_t i = 0; i < topo->n_roles; i++) {
		if (!cert_is_for(topo->roles[i].role))
			continue;
		for (enum ca_key_type type = 0; type < CA_N_KEY_TYPES; type++)
			show_one(rows, a, topo, cert_file_name(a, topo->roles[i].role, type),
			         ".crt");
	}
	tool_show(t, rows);
	return EXIT_FINE;
}

static int cert_check(struct tool *t, cJSON *args UNUSED)
{
	const struct topo *topo = tool_topo(t);
	if (!topo)
		return EXIT_FAILED;
	cJSON *findings = cJSON_CreateArray();
	certs_check(findings, topo, time(NULL));
	return finding_show(t, findings, false);
}

/* clang-format off */
const struct verb ctl_cert_verbs[] = {
	{ .cmd = { .noun = "cert", .verb = "init",
	           .help = "Make the private CA if there is none, and the roles' certificates",
	           .args = { { "name", CTL_TEXT, false, false, "the CA's name" } } },
	  .run = cert_init },
	{ .cmd = { .noun = "cert", .verb = "issue",
	           .help = "Issue certificates that are missing, expiring or lack names",
	           .args = { { "role", CTL_TEXT, true, false, "one role alone" },
	                     { "renew", CTL_FLAG, false, false, "also those that are good" },
	                     { "host", CTL_TEXT, false, false,
	                       "for the roles of another host of the topology" },
	                     { "to", CTL_TEXT, false, false,
	                       "with --host: the directory to be copied there" } } },
	  .run = cert_issue },
	{ .cmd = { .noun = "cert", .verb = "import",
	           .help = "Take over a certificate from outside, after checks",
	           .args = { { "role", CTL_TEXT, true, true, "for which role: frontend" },
	                     { "chain", CTL_TEXT, true, true,
	                       "PEM file: the certificate, then those above it" },
	                     { "key", CTL_TEXT, true, true, "PEM file: its private key" },
	                     { "force", CTL_FLAG, false, false, "even if names are missing" } } },
	  .run = cert_import },
	{ .cmd = { .noun = "cert", .verb = "show", .help = "Show the certificates" },
	  .run = cert_show },
	{ .cmd = { .noun = "cert", .verb = "check",
	           .help = "Check life, keys, names, order and file rights" },
	  .run = cert_check },
	{ .cmd = { .noun = NULL } },
};
/* clang-format on */
