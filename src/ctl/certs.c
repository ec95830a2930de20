#include "ctl/certs.h"

#include <errno.h>
#include <sys/stat.h>

#include "auth/cert_names.h"
#include "ctl/file.h"
#include "ctl/finding.h"

enum { SECONDS_PER_DAY = 86400 };

const char *certs_path_in(struct arena *a, struct str dir, struct str name, const char *end)
{
	return arena_printf(a, "%" STR_FMT "/%" STR_FMT "%s", STR_ARG(dir), STR_ARG(name), end).p;
}

const char *certs_path(struct arena *a, const struct topo *t, struct str name, const char *end)
{
	return certs_path_in(a, t->cert_dir, name, end);
}

/* --- where they come from -------------------------------------------------------------------- */

/* The CA of a deployment stays on one of its hosts; the others get what it has issued for them. */
static const char *way_from_afar(struct arena *a, const struct topo *t)
{
	return arena_printf(a,
	                    "On the host with the private CA: `dialtone cert issue --host "
	                    "%" STR_FMT " --to DIR`; then copy what is in DIR to %" STR_FMT
	                    " here.",
	                    STR_ARG(t->self->id), STR_ARG(t->cert_dir))
	        .p;
}

const char *certs_way_to_ca(struct arena *a, const struct topo *t)
{
	if (t->n_hosts == 1)
		return "Run `dialtone cert init`.";
	return arena_printf(a, "%s  If no host has one yet, run `dialtone cert init` on one.",
	                    way_from_afar(a, t))
	        .p;
}

static const char *way_to_issue(struct arena *a, const struct topo *t)
{
	if (t->n_hosts == 1 || file_exists(certs_path(a, t, STR("ca"), ".key")))
		return "Run `dialtone cert issue`.";
	return way_from_afar(a, t);
}

static const char *way_to_ca_key(struct arena *a, const struct topo *t, int err)
{
	if (err == -EACCES)
		return "Run this as root (sudo).";
	if (t->n_hosts > 1)
		return way_from_afar(a, t);
	return "Without the key of the private CA nothing can be issued; bring it here from where "
	       "it is kept.";
}

int certs_load_ca(struct ca **ret, struct arena *a, const struct topo *t, time_t now)
{
	auto_(buf_free) struct buf cert = buf_of(CA_PEM_MAX), key = buf_of(CA_PEM_MAX);
	const char *cert_path = certs_path(a, t, STR("ca"), ".pem");
	const char *key_path = certs_path(a, t, STR("ca"), ".key");
	if (!file_exists(cert_path) && !file_exists(key_path))
		return -ENOENT;
	int r = file_read(cert_path, &cert);
	if (r < 0) {
		(void)tool_fail("%s cannot be read: %s.", cert_path, strerror(-r));
		return -EIO;
	}
	r = file_read(key_path, &key);
	if (r < 0) {
		(void)tool_fail("%s cannot be read: %s.  %s", key_path, strerror(-r),
		                way_to_ca_key(a, t, r));
		return -EIO;
	}
	r = ca_load(ret, buf_view(&cert), buf_view(&key), now);
	wipe(key.p, key.len);
	if (r < 0)
		(void)tool_fail(
		        r == -EKEYEXPIRED
		                ? "The private CA in %s has expired.  Move ca.pem and ca.key "
		                  "away and run `dialtone cert init`."
		                : "%s is not a CA certificate, or ca.key is not its key.",
		        cert_path);
	return r;
}

int certs_load_chain(struct cert_chain **ret, const char *path)
{
	auto_(buf_free) struct buf pem = buf_of(CERT_PEM_MAX);
	int r = file_read(path, &pem);
	return r < 0 ? r : cert_chain_read(ret, buf_view(&pem));
}

bool certs_covers(const struct cert_chain *c, const struct ca_names *names, struct buf *missing)
{
	size_t start = missing->len;
	for (size_t i = 0; i < names->n_dns; i++) {
		if (!cert_covers_name(c, names->dns[i]))
			buf_printf(missing, "%s%" STR_FMT, missing->len > start ? ", " : "",
			           STR_ARG(names->dns[i]));
	}
	for (size_t i = 0; i < names->n_ips; i++) {
		if (cert_covers_addr(c, &names->ips[i]))
			continue;
		buf_str(missing, str_of(missing->len > start ? ", " : ""));
		addr_put_host(missing, &names->ips[i]);
	}
	return missing->len == start;
}

/* --- findings ------------------------------------------------------------------------------- */

/* What one certificate's check works on. */
struct subject {
	cJSON *findings;
	struct arena *arena;
	const struct topo *topo;
	const char *about; /* "frontend-p256.crt" */
	time_t now;
	const char *issue; /* the remedy: have it issued */
};

static void check_life(const struct subject *s, const struct cert_info *i, const char *remedy)
{
	long days = (long)((i->not_after - s->now) / SECONDS_PER_DAY);
	if (i->not_after <= s->now)
		finding_add(s->findings, FINDING_ERROR, s->about, remedy,
		            "expired %ld days ago: clients refuse to connect", -days);
	else if (i->not_before > s->now)
		finding_add(s->findings, FINDING_ERROR, s->about,
		            "Check this machine's clock (date).", "is not valid yet");
	else if (days < CERTS_WARN_DAYS)
		finding_add(s->findings, FINDING_WARNING, s->about, remedy, "expires in %ld days",
		            days);
	else
		finding_add(s->findings, FINDING_OK, s->about, NULL, "valid for %ld more days",
		            days);
}

static void check_key_file(const struct subject *s, const struct cert_chain *c, const char *path)
{
	auto_(buf_free) struct buf key = buf_of(CERT_PEM_MAX);
	struct stat st;
	int r = file_read(path, &key);
	if (r < 0) {
		finding_add(s->findings, FINDING_ERROR, s->about,
		            r == -EACCES ? "Run this as root (sudo)." : s->issue,
		            "its key %s cannot be read: %s", path, strerror(-r));
		return;
	}
	if (c && cert_check_key(c, buf_view(&key)) < 0)
		finding_add(
		        s->findings, FINDING_ERROR, s->about,
		        "Run `dialtone cert issue --renew`, or import certificate and key again.",
		        "%s is not its key", path);
	wipe(key.p, key.len);
	if (stat(path, &st) == 0 && (st.st_mode & (S_IRWXG | S_IRWXO)) != 0)
		finding_add(s->findings, FINDING_ERROR, s->about,
		            arena_printf(s->arena, "chmod 600 %s", path).p,
		            "others on this machine can read its key %s", path);
}

/* Of an imported one no addresses are asked: public CAs do not sign private ones. */
static void check_names(const struct subject *s, const struct cert_chain *c,
                        const struct topo_role *r)
{
	auto_(buf_free) struct buf missing = buf_of(CERT_PEM_MAX);
	auto_(cert_chain_free) struct cert_chain *root = NULL;
	struct ca_names names = cert_names_of(s->arena, s->topo, r);
	bool ours =
	        certs_load_chain(&root, certs_path(s->arena, s->topo, STR("ca"), ".pem")) == 0 &&
	        cert_is_below(c, root);
	names.n_ips = ours ? names.n_ips : 0;
	if (!certs_covers(c, &names, &missing))
		finding_add(s->findings, FINDING_WARNING, s->about,
		            ours ? s->issue : "Ask for one that has these names and import it.",
		            "lacks names that the topology gives this role: %" STR_FMT,
		            STR_ARG(buf_view(&missing)));
}

static void check_role_cert(cJSON *findings, const struct topo *t, const struct topo_role *r,
                            enum ca_key_type type, time_t now)
{
	auto_(arena_free) struct arena *a = arena_new();
	auto_(cert_chain_free) struct cert_chain *c = NULL;
	struct str name = cert_file_name(a, r->role, type);
	struct subject s = { findings,          a, t, arena_printf(a, "%s.crt", name.p).p, now,
		             way_to_issue(a, t) };
	const char *path = certs_path(a, t, name, ".crt");
	size_t bad = 0;
	int err = certs_load_chain(&c, path);
	if (err < 0) {
		finding_add(findings, FINDING_ERROR, s.about, s.issue, "%s: %s", path,
		            err == -EBADMSG ? "holds no certificate that can be read"
		                            : strerror(-err));
		return;
	}
	check_life(
	        &s, cert_chain_info(c, 0),
	        arena_printf(a, "%s  (Or import a new one.)  Then `dialtone reload`.", s.issue).p);
	check_key_file(&s, c, certs_path(a, t, name, ".key"));
	check_names(&s, c, r);
	if (cert_check_order(c, &bad) < 0)
		finding_add(
		        findings, FINDING_ERROR, s.about,
		        "The file must hold the server's certificate, then the one that signed it, "
		        "and so on.",
		        "certificate %zu of the chain is not signed by the next one", bad + 1);
}

static void check_ca(cJSON *findings, const struct topo *t, time_t now)
{
	auto_(arena_free) struct arena *a = arena_new();
	auto_(cert_chain_free) struct cert_chain *c = NULL;
	const char *path = certs_path(a, t, STR("ca"), ".pem");
	const char *key = certs_path(a, t, STR("ca"), ".key");
	struct subject s = { findings, a, t, "ca.pem", now, certs_way_to_ca(a, t) };
	int err = certs_load_chain(&c, path);
	if (err < 0) {
		finding_add(findings, FINDING_ERROR, "ca.pem", s.issue, "%s: %s", path,
		            err == -EBADMSG ? "holds no certificate that can be read"
		                            : strerror(-err));
		return;
	}
	check_life(&s, cert_chain_info(c, 0),
	           "Move ca.pem and ca.key away, run `dialtone cert init`, give clients the new "
	           "ca.pem.");
	if (file_exists(key))
		check_key_file(&s, c, key);
	else
		finding_add(findings, FINDING_NOTE, "ca.key", NULL,
		            "is kept elsewhere; `dialtone cert issue` needs it here");
}

void certs_check(cJSON *findings, const struct topo *t, time_t now)
{
	check_ca(findings, t, now);
	for (size_t i = 0; i < t->n_roles; i++) {
		if (t->roles[i].host != t->self || !cert_is_for(t->roles[i].role))
			continue;
		for (enum ca_key_type type = 0; type < CA_N_KEY_TYPES; type++)
			check_role_cert(findings, t, &t->roles[i], type, now);
	}
}
