/* dialtone doctor: looks at everything that commonly goes wrong, each finding with its remedy. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/timex.h>
#include <time.h>
#include <unistd.h>

#include "base/arena.h"
#include "ctl/certs.h"
#include "ctl/client.h"
#include "ctl/commands.h"
#include "ctl/dnscheck.h"
#include "ctl/edgecheck.h"
#include "ctl/file.h"
#include "ctl/finding.h"
#include "ctl/oidccheck.h"
#include "ctl/peers.h"
#include "ctl/remote.h"
#include "ctl/stores.h"
#include "daemon/holder.h"
#include "daemon/roles.h"
#include "daemon/spawn.h"

enum { FILES_WANTED = 65536, DISK_LOW_MB = 1024, DISK_OUT_MB = 100, SANE_YEAR = 2026 };

struct doctor {
	cJSON *findings;
	struct arena *arena;
	const struct topo *topo;
	bool running;
	bool may_run; /* this account may not ask the server */
};

/* --- ports ---------------------------------------------------------------------------------- */

static const char *listen_text(struct doctor *d, const struct topo_listen *l)
{
	auto_(buf_free) struct buf b = buf_of(128);
	buf_printf(&b, "%s ", topo_proto_name(l->proto));
	addr_put(&b, &l->addr);
	return arena_str(d->arena, buf_view(&b)).p;
}

/* Another account's process may hold it: only root sees whose. */
static void tell_hidden(struct doctor *d, const char *about)
{
	if (d->may_run)
		finding_add(d->findings, FINDING_NOTE, about,
		            "Run the doctor as root or as the server's account.",
		            "is taken, by the server or by another program: this account cannot "
		            "see which");
	else
		finding_add(d->findings, FINDING_ERROR, about,
		            "Stop that program (`ss -lnp` as root names it), or give the role "
		            "another port in topology.conf.",
		            "is held by a process of another account");
}

static void check_listen(struct doctor *d, const struct topo_listen *l)
{
	auto_(buf_free) struct buf who = buf_of(4096);
	const char *about = listen_text(d, l);
	enum holder held = holder_find(&l->addr, l->proto == TOPO_UDP, &who);
	bool ours = held == HOLDER_FOUND && str_find(buf_view(&who), STR("dialtoned")) >= 0;
	if (held == HOLDER_HIDDEN)
		tell_hidden(d, about);
	else if (held == HOLDER_FOUND && !ours)
		finding_add(d->findings, FINDING_ERROR, about,
		            "Stop that program, or give the role another port in topology.conf.",
		            "is held by %.*s", STR_ARG(buf_view(&who)));
	else if (ours)
		finding_add(d->findings, FINDING_OK, about, NULL, "the server listens");
	else if (d->running)
		finding_add(
		        d->findings, FINDING_ERROR, about,
		        "`dialtone status` and the log say why; run this as root to see all ports.",
		        "nobody seems to listen although the server runs");
	else
		finding_add(d->findings, FINDING_OK, about, NULL, "free");
}

static void check_encryption(struct doctor *d, const struct topo_role *r,
                             const struct topo_listen *l)
{
	const struct role *role = roles_find(roles_all, r->role);
	if (topo_is_encrypted(l->proto) || addr_is_loopback(&l->addr) ||
	    (role && role_is_open(role, l->proto)))
		return;
	bool inside = addr_is_private(&l->addr);
	finding_add(
	        d->findings, inside ? FINDING_NOTE : FINDING_WARNING, listen_text(d, l),
	        inside ? "Phones that can should use TLS; `udp = none` and `tcp = none` in the "
	                 "role's section close these."
	               : "Set `udp = none` and `tcp = none` in the role's section, or name private "
	                 "addresses there.",
	        "is not encrypted: who can listen on the network reads along");
}

static void check_ports(struct doctor *d)
{
	for (size_t i = 0; i < d->topo->n_roles; i++) {
		const struct topo_role *r = &d->topo->roles[i];
		for (size_t l = 0; r->host == d->topo->self && l < r->n_listens; l++) {
			check_listen(d, &r->listens[l]);
			check_encryption(d, r, &r->listens[l]);
		}
	}
}

/* --- machine -------------------------------------------------------------------------------- */

static void check_clock(struct doctor *d)
{
	struct timex tx = { .modes = 0 };
	time_t now = time(NULL);
	struct tm tm;
	int state = adjtimex(&tx);
	if (gmtime_r(&now, &tm) && tm.tm_year + 1900 < SANE_YEAR)
		finding_add(d->findings, FINDING_ERROR, "clock",
		            "Set it (timedatectl set-ntp true).",
		            "shows the year %d: certificates will not be valid", tm.tm_year + 1900);
	else if (state == TIME_ERROR || (tx.status & STA_UNSYNC) != 0)
		finding_add(d->findings, FINDING_WARNING, "clock",
		            "Install systemd-timesyncd or chrony (timedatectl set-ntp true).",
		            "is not kept by a time service");
	else
		finding_add(d->findings, FINDING_OK, "clock", NULL, "is kept by a time service");
}

/* The directory or, before it is made, the one it will be in. */
static bool disk_of(const char *path, struct statvfs *ret)
{
	auto_(xfreep) char *p = str_dup(str_of(path));
	while (statvfs(p, ret) < 0) {
		char *slash = strrchr(p, '/');
		if (errno != ENOENT || !slash || slash == p)
			return false;
		*slash = '\0';
	}
	return true;
}

static void check_disk(struct doctor *d, const char *what, struct str dir)
{
	struct statvfs vfs;
	const char *path = arena_str(d->arena, dir).p;
	if (!disk_of(path, &vfs)) {
		finding_add(d->findings, FINDING_ERROR, what,
		            "Make the directory, or correct local.conf.", "%s: %s", path,
		            strerror(errno));
		return;
	}
	unsigned long long mb = (unsigned long long)vfs.f_bavail * vfs.f_frsize / (1024 * 1024);
	bool inodes = vfs.f_files > 0 && vfs.f_favail < 1000;
	enum finding_level level = mb < DISK_OUT_MB || inodes ? FINDING_ERROR
	                           : mb < DISK_LOW_MB         ? FINDING_WARNING
	                                                      : FINDING_OK;
	finding_add(d->findings, level, what,
	            level == FINDING_OK ? NULL : "Free space there, or move it (local.conf).",
	            "%llu MB free at %s%s", mb, path,
	            inodes ? ", but hardly a file can be made" : "");
}

static void check_limits(struct doctor *d)
{
	struct rlimit lim;
	if (getrlimit(RLIMIT_NOFILE, &lim) < 0)
		return;
	if (lim.rlim_max >= FILES_WANTED)
		finding_add(d->findings, FINDING_OK, "open files", NULL, "up to %llu a process",
		            (unsigned long long)lim.rlim_max);
	else
		finding_add(
		        d->findings, FINDING_WARNING, "open files",
		        "LimitNOFILE=1048576 in the systemd unit, or `ulimit -Hn` before ./run.",
		        "a process may have %llu here: about as many connections",
		        (unsigned long long)lim.rlim_max);
}

/* --- secret files --------------------------------------------------------------------------- */

static bool is_secret(struct str name)
{
	return str_ends(name, STR(".key")) || str_find(name, STR(".db")) >= 0 ||
	       str_eq(name, STR("accounts.txt"));
}

static void check_secret(struct doctor *d, const char *path)
{
	struct stat st;
	if (stat(path, &st) < 0 || !S_ISREG(st.st_mode) || (st.st_mode & (S_IRWXG | S_IRWXO)) == 0)
		return;
	finding_add(d->findings, FINDING_ERROR, path,
	            arena_printf(d->arena, "chmod 600 %s", path).p,
	            "holds secrets, and others may use it (mode %03o)", st.st_mode & 0777);
}

/* Copied back by root from a backup, a file is root's; the roles cannot open it then. */
static void check_owner(struct doctor *d, const char *path, const struct spawn_user *roles)
{
	const char *user = d->topo->user.p;
	struct stat st;
	if (stat(path, &st) < 0 || st.st_uid == roles->uid)
		return;
	finding_add(d->findings, FINDING_ERROR, path,
	            arena_printf(d->arena, "chown %s: %s", user, path).p,
	            "belongs to another account than %s, which the roles run as: they cannot open "
	            "it",
	            user);
}

static bool find_roles_account(struct doctor *d, struct spawn_user *ret)
{
	auto_(buf_free) struct buf why = buf_of(4096);
	const char *user = d->topo->user.p;
	if (spawn_user_find(user, ret, &why) == 0) {
		if (!ret->change && geteuid() == 0)
			finding_add(
			        d->findings, FINDING_WARNING, "user",
			        "Take `user` in local.conf away (then it is dialtone), `chown -R "
			        "dialtone:` the data, and have all folders where that account may "
			        "enter: below /srv or /var, not /root.",
			        "the roles run as root: who breaks into one has the machine");
		return ret->change;
	}
	finding_add(d->findings, FINDING_ERROR, "user",
	            arena_printf(d->arena,
	                         "`adduser --system --group %s`, or set \"user\" in local.conf.",
	                         user)
	                    .p,
	            "there is no account %s, which the roles are to run as", user);
	return false;
}

static void check_owners(struct doctor *d)
{
	struct spawn_user roles;
	const char *path = d->topo->data_dir.p;
	if (!find_roles_account(d, &roles))
		return;
	DIR *dp = opendir(path);
	for (const struct dirent *e; dp && (e = readdir(dp));) {
		if (str_find(str_of(e->d_name), STR(".db")) >= 0)
			check_owner(d, arena_printf(d->arena, "%s/%s", path, e->d_name).p, &roles);
	}
	if (dp)
		(void)closedir(dp);
}

static void check_secrets(struct doctor *d, struct str dir)
{
	const char *path = arena_str(d->arena, dir).p;
	DIR *dp = opendir(path);
	if (!dp && errno == EACCES)
		finding_add(d->findings, FINDING_NOTE, path,
		            "Run the doctor as root to look there.", "cannot be looked into");
	for (const struct dirent *e; dp && (e = readdir(dp));) {
		if (is_secret(str_of(e->d_name)))
			check_secret(d, arena_printf(d->arena, "%s/%s", path, e->d_name).p);
	}
	if (dp)
		(void)closedir(dp);
}

/* --- the whole ------------------------------------------------------------------------------ */

static void check_server(struct doctor *d)
{
	auto_(xfreep) char *dir = str_dup(d->topo->run_dir);
	int r = client_reach(dir, "dialtoned");
	d->running = r == 0;
	d->may_run = r == -EACCES || r == -EPERM;
	if (d->may_run)
		finding_add(d->findings, FINDING_NOTE, "server",
		            "Run the doctor as root or as the server's account.",
		            "cannot be asked by this account whether it is running");
	else if (d->running)
		finding_add(d->findings, FINDING_OK, "server", NULL, "is running");
	else
		finding_add(d->findings, FINDING_WARNING, "server",
		            "`systemctl start dialtoned`, or `./run` in the source tree.",
		            "is not running");
}

/* Bindings that the front ends could not write: a restart would forget them. */
static void check_stores(struct doctor *d, struct tool *t)
{
	cJSON *stores = d->running ? stores_ask(t) : NULL;
	struct str state = ctl_text(stores, "store");
	if (stores && !str_eq(state, STR("ok")))
		finding_add(
		        d->findings, FINDING_ERROR, "store",
		        "Free space on the disk of the data directory; they are written as soon "
		        "as that is possible.",
		        "%.0f bindings of phones are not on the disk: %" STR_FMT,
		        ctl_number(stores, "unsaved_bindings", 0), STR_ARG(state));
	cJSON_Delete(stores);
}

static void check_relay(struct doctor *d, struct tool *t)
{
	bool here = topo_role_here(d->topo, STR("edge-av"));
	cJSON *status =
	        d->running && here ? remote_ask(t, "edge-av", "relay status", NULL, NULL) : NULL;
	const cJSON *process;
	double draining = 0, allocations = 0;
	cJSON_ArrayForEach(process, status)
	{
		draining += ctl_flag(process, "draining");
		allocations += ctl_number(process, "allocations", 0);
	}
	if (draining > 0)
		finding_add(d->findings, FINDING_WARNING, "relay", "`dialtone relay drain off`.",
		            "is draining: nobody new is taken; %.0f allocations go on",
		            allocations);
	cJSON_Delete(status);
}

/* What to do about a connection that does not come up, by what its end here says of it. */
static const char *way_to_peer(struct str why)
{
	static const struct {
		const char *text, *way;
	} ways[] = {
		{ "topology", "Every host needs the same topology.conf: copy it, and restart the "
		              "server on that host." },
		{ "certificate", "`dialtone cert check` on both hosts.  All certificates are to be "
		                 "of one CA: on the host that has it `dialtone cert issue --host "
		                 "NAME --to DIR`, and copy what is in DIR." },
	};
	for (size_t i = 0; i < ARRAY_SIZE(ways); i++)
		if (str_find(why, str_of(ways[i].text)) >= 0)
			return ways[i].way;
	return "There: `dialtone status`, `dialtone cert check`, and the firewall; `dialtone "
	       "topology show` has the ports.";
}

static void add_peer(struct doctor *d, const cJSON *row)
{
	struct str peer = ctl_text(row, "peer"), link = ctl_text(row, "link");
	struct str why = ctl_text(row, "why"), at = ctl_text(row, "address");
	const char *about =
	        arena_printf(d->arena, "%" STR_FMT ", %" STR_FMT, STR_ARG(peer), STR_ARG(link)).p;
	if (str_eq(ctl_text(row, "state"), STR("up")))
		finding_add(d->findings, FINDING_OK, about, NULL, "%s/%.0f is connected",
		            ctl_text(row, "role").p, ctl_number(row, "process", 0));
	else
		finding_add(d->findings, FINDING_ERROR, about, way_to_peer(why),
		            "%s/%.0f is not connected: %" STR_FMT "%s%" STR_FMT "%s",
		            ctl_text(row, "role").p, ctl_number(row, "process", 0), STR_ARG(why),
		            at.len > 0 ? " (" : "", STR_ARG(at), at.len > 0 ? ")" : "");
}

/* Roles of other hosts that are not reached, or do not come. */
static void check_peers(struct doctor *d, struct tool *t)
{
	cJSON *peers = d->running ? peers_ask(t) : NULL;
	const cJSON *row;
	cJSON_ArrayForEach(row, peers) add_peer(d, row);
	cJSON_Delete(peers);
}

/* People see how many records are missing, programs each. */
static void check_dns(struct doctor *d, bool brief, struct str server)
{
	const char *from = server.len > 0 ? server.p : NULL;
	auto_(arena_free) struct arena *a = arena_new();
	struct zone z = zone_of(a, d->topo);
	int r = brief ? dnscheck_briefly(d->findings, &z, from) : dnscheck(d->findings, &z, from);
	if (r < 0)
		finding_add(d->findings, FINDING_ERROR, "dns", NULL, "--server must be an address");
	else
		edgecheck_names(d->findings, d->topo, from);
}

static int doctor(struct tool *t, cJSON *args)
{
	auto_(arena_free) struct arena *a = arena_new();
	struct doctor d = { .arena = a, .topo = tool_topo(t) };
	if (!d.topo)
		return EXIT_FAILED;
	d.findings = cJSON_CreateArray();
	finding_add(d.findings, FINDING_OK, "configuration", NULL, "%s is good", t->config_dir);
	check_server(&d);
	check_ports(&d);
	edgecheck(d.findings, d.topo);
	check_relay(&d, t);
	oidccheck(d.findings, d.topo);
	certs_check(d.findings, d.topo, time(NULL));
	check_secrets(&d, d.topo->data_dir);
	check_secrets(&d, str_of(t->config_dir));
	check_owners(&d);
	check_clock(&d);
	check_disk(&d, "data", d.topo->data_dir);
	check_stores(&d, t);
	check_peers(&d, t);
	check_limits(&d);
	if (!ctl_flag(args, "no-dns"))
		check_dns(&d, !t->json, ctl_text(args, "server"));
	return finding_show(t, d.findings, false);
}

/* clang-format off */
const struct verb ctl_doctor_verbs[] = {
	{ .cmd = { .noun = "doctor", .help = "Look for what is wrong, and say what to do",
	           .args = { { "no-dns", CTL_FLAG, false, false, "do not ask the DNS" },
	                     { "server", CTL_TEXT, false, false, "the DNS server to ask" } } },
	  .run = doctor },
	{ .cmd = { .noun = NULL } },
};
/* clang-format on */
