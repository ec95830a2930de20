#include "topo/topo.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/hash.h"
#include "topo/conf.h"
#include "topo/keys.h"

enum { PORT_OFFSET_MAX = 50000 };

struct own {
	struct topo t;
	struct arena *arena;
	struct conf *topology, *local;
	struct topo_host *hosts;
	struct topo_role *roles;
	struct topo_listen *listens; /* TOPO_LISTENS_MAX for each role */
};

static struct own *own_of(struct topo *t)
{
	return container_of(t, struct own, t);
}

struct deployment_keys {
	struct str domains, realm;
};
struct host_keys {
	struct str name, addresses;
};
struct role_keys {
	struct str host, name, listen[TOPO_N_PROTOS];
	uint32_t processes, metrics_port;
};
struct local_keys {
	struct str host, data, certificates, run, user;
	uint32_t port_offset;
	enum log_level log_level;
};

/* A default of NULL: the key must be there.  "" : the help says what happens without it. */
/* clang-format off */
static const struct setting deployment_table[] = {
	SETTING_STR("domains", struct deployment_keys, domains, .min = 1, .max = CONF_LINE_MAX,
		.help = "The SIP domains, separated by commas; the first is the main one."),
	SETTING_STR("realm", struct deployment_keys, realm, .min = 0, .max = 253, .def = "",
		.help = "The Digest realm; the main domain if absent. Changing it makes all "
			"passwords of phones invalid.", .restart = true),
	SETTING_END
};
static const struct setting host_table[] = {
	SETTING_STR("name", struct host_keys, name, .min = 1, .max = 253,
		.help = "The host's full DNS name."),
	SETTING_STR("addresses", struct host_keys, addresses, .min = 1, .max = CONF_LINE_MAX,
		.help = "Its IP addresses, separated by commas: where roles listen by default.",
		.restart = true),
	SETTING_END
};
static const struct setting role_table[] = {
	SETTING_STR("host", struct role_keys, host, .min = 0, .max = 63, .def = "",
		.help = "The host the role runs on; the only host if absent.", .restart = true),
	SETTING_STR("name", struct role_keys, name, .min = 0, .max = 253, .def = "",
		.help = "The DNS name under which it is reached and that its certificate carries; "
			"the host's name if absent.", .restart = true),
	SETTING_U32("processes", SET_UINT, struct role_keys, processes, .min = 1,
		.max = TOPO_PROCESSES_MAX, .def = "1",
		.help = "How many processes share the work behind the same ports.", .restart = true),
	SETTING_STR("udp", struct role_keys, listen[TOPO_UDP], .min = 0, .max = CONF_LINE_MAX,
		.def = "", .help = "Addresses with port to listen on over UDP, separated by commas, "
		"or none. If absent: the role's ports on the host's loopback and private addresses.",
		.restart = true),
	SETTING_STR("tcp", struct role_keys, listen[TOPO_TCP], .min = 0, .max = CONF_LINE_MAX,
		.def = "", .help = "The same over unencrypted TCP.", .restart = true),
	SETTING_STR("tls", struct role_keys, listen[TOPO_TLS], .min = 0, .max = CONF_LINE_MAX,
		.def = "", .help = "The same over TLS; if absent: on all addresses of the host.",
		.restart = true),
	SETTING_STR("https", struct role_keys, listen[TOPO_HTTPS], .min = 0,
		.max = CONF_LINE_MAX, .def = "", .help = "The same over HTTPS.", .restart = true),
	SETTING_STR("wss", struct role_keys, listen[TOPO_WSS], .min = 0,
		.max = CONF_LINE_MAX, .def = "", .help = "The same over WebSockets with TLS.",
		.restart = true),
	SETTING_STR("http", struct role_keys, listen[TOPO_HTTP], .min = 0,
		.max = CONF_LINE_MAX, .def = "", .help = "The same over HTTP without TLS.",
		.restart = true),
	SETTING_U32("metrics-port", SET_UINT, struct role_keys, metrics_port, .min = 0,
		.max = UINT16_MAX, .def = "0", .absent = "the role's own port, or none",
		.help = "Prometheus metrics over HTTP on 127.0.0.1: this port for the first process, "
		"the next for the second; 0: none.", .restart = true),
	SETTING_END
};
static const struct setting local_table[] = {
	SETTING_STR("host", struct local_keys, host, .min = 0, .max = 63, .def = "",
		.help = "Which host of the topology this is; the only host if absent.",
		.restart = true),
	SETTING_U32("port-offset", SET_UINT, struct local_keys, port_offset, .min = 0,
		.max = PORT_OFFSET_MAX, .def = "0",
		.help = "Is added to every port of the topology, for use without privileges.",
		.restart = true),
	SETTING_STR("data", struct local_keys, data, .min = 1, .max = 1000, .def = "data",
		.help = "Directory of the databases and keys; " TOPO_SYSTEM_DATA " if the "
			"configuration is in " TOPO_SYSTEM_DIR ".", .restart = true),
	SETTING_STR("certificates", struct local_keys, certificates, .min = 1, .max = 1000,
		.def = "certs", .help = "Directory of the certificates.", .restart = true),
	SETTING_STR("run", struct local_keys, run, .min = 1, .max = 80, .def = "run",
		.help = "Directory of the control sockets; " TOPO_SYSTEM_RUN " if the configuration "
			"is in " TOPO_SYSTEM_DIR ".", .restart = true),
	SETTING_STR("user", struct local_keys, user, .min = 1, .max = 32, .def = "dialtone",
		.help = "The account that the roles run as when the server is started as root.",
		.restart = true),
	SETTING_ENUM("log-level", struct local_keys, log_level, .def = "info",
		.choices = "error warning info debug", .help = "How much is logged."),
	SETTING_END
};
/* clang-format on */

const struct setting *topo_own_settings(const char *kind)
{
	static const struct {
		const char *kind;
		const struct setting *table;
	} own[] = { { "deployment", deployment_table },
		    { "host", host_table },
		    { "role", role_table },
		    { "local", local_table } };
	for (size_t i = 0; i < ARRAY_SIZE(own); i++)
		if (strcmp(own[i].kind, kind) == 0)
			return own[i].table;
	return NULL;
}

const char *topo_proto_name(enum topo_proto p)
{
	static const char *const names[TOPO_N_PROTOS] = { "udp",   "tcp", "tls",
		                                          "https", "wss", "http" };
	return names[p];
}

/* What the sections are read with: the place for messages goes along. */
struct maker {
	struct own *o;
	struct buf *errors;
	bool bad;
};

#define complain(mk, section, line, ...)                                  \
	do {                                                              \
		conf_error((mk)->errors, (section), (line), __VA_ARGS__); \
		(mk)->bad = true;                                         \
	} while (0)

static uint32_t line_of(const struct conf_section *s, const char *key)
{
	const struct conf_entry *e = conf_get(s, str_of(key));
	return e ? e->line : s->line;
}

bool topo_is_dns_name(struct str s)
{
	bool label = false;
	for (size_t i = 0; i < s.len; i++) {
		char c = s.p[i];
		bool ok = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		          (c >= '0' && c <= '9') || c == '-' || c == '_';
		if (!ok && (c != '.' || !label))
			return false;
		label = c != '.';
	}
	return label && s.len <= 253;
}

/* A lower-case copy that is a DNS name, or an empty slice after an error message. */
static struct str dns_name(struct maker *mk, const struct conf_section *s, const char *key,
                           struct str text)
{
	struct str copy = arena_str(mk->o->arena, text);
	char *p = mk->o->arena ? arena_alloc(mk->o->arena, text.len + 1) : NULL;
	for (size_t i = 0; i < copy.len; i++)
		p[i] = copy.p[i] >= 'A' && copy.p[i] <= 'Z' ? (char)(copy.p[i] + 32) : copy.p[i];
	copy.p = p;
	if (topo_is_dns_name(copy))
		return copy;
	complain(mk, s, line_of(s, key), "\"%s\": not a DNS name: %" STR_FMT, key, STR_ARG(text));
	return (struct str){ NULL, 0 };
}

static void read_domains(struct maker *mk, const struct conf_section *s, struct str list)
{
	struct str *domains = arena_alloc(mk->o->arena, TOPO_DOMAINS_MAX * sizeof *domains), item;
	size_t n = 0;
	while (conf_next_item(&list, &item)) {
		if (n == TOPO_DOMAINS_MAX) {
			complain(mk, s, line_of(s, "domains"), "more than %d domains",
			         TOPO_DOMAINS_MAX);
			break;
		}
		domains[n] = dns_name(mk, s, "domains", item);
		n += domains[n].len > 0;
	}
	mk->o->t.domains = domains;
	mk->o->t.n_domains = n;
}

static void read_deployment(struct maker *mk, const struct conf_section *s)
{
	struct deployment_keys k = { 0 };
	if (keys_read(s, deployment_table, &k, mk->errors) < 0) {
		mk->bad = true;
		return;
	}
	read_domains(mk, s, k.domains);
	struct topo *t = &mk->o->t;
	t->realm = k.realm.len > 0 ? k.realm : t->n_domains > 0 ? t->domains[0] : k.realm;
	if (str_chr(t->realm, '"') >= 0 || str_chr(t->realm, '\\') >= 0)
		complain(mk, s, line_of(s, "realm"), "\"realm\": no quotes or backslashes");
}

static void read_addrs(struct maker *mk, const struct conf_section *s, struct topo_host *h,
                       struct str list)
{
	struct addr *addrs = arena_alloc(mk->o->arena, TOPO_ADDRS_MAX * sizeof *addrs);
	struct str item;
	uint32_t line = line_of(s, "addresses");
	while (conf_next_item(&list, &item)) {
		if (h->n_addrs == TOPO_ADDRS_MAX) {
			complain(mk, s, line, "more than %d addresses", TOPO_ADDRS_MAX);
			break;
		}
		if (addr_parse(&addrs[h->n_addrs], item, 0) < 0)
			complain(mk, s, line, "not an IP address: \"%" STR_FMT "\"", STR_ARG(item));
		else
			h->n_addrs++;
	}
	h->addrs = addrs;
}

static struct topo_host *find_host(const struct own *o, struct str id)
{
	for (size_t i = 0; i < o->t.n_hosts; i++)
		if (str_eq(o->hosts[i].id, id))
			return &o->hosts[i];
	return NULL;
}

static void read_host(struct maker *mk, const struct conf_section *s)
{
	struct host_keys k = { 0 };
	struct own *o = mk->o;
	if (s->name.len == 0)
		complain(mk, s, s->line, "[host] needs a name: [host main]");
	else if (find_host(o, s->name))
		complain(mk, s, s->line, "a second [host %" STR_FMT "]", STR_ARG(s->name));
	else if (o->t.n_hosts == TOPO_HOSTS_MAX)
		complain(mk, s, s->line, "more than %d hosts", TOPO_HOSTS_MAX);
	else if (keys_read(s, host_table, &k, mk->errors) < 0)
		mk->bad = true;
	else {
		struct topo_host *h = &o->hosts[o->t.n_hosts++];
		h->id = s->name;
		h->name = dns_name(mk, s, "name", k.name);
		read_addrs(mk, s, h, k.addresses);
	}
}

/* The host a key names, or the only one. */
static const struct topo_host *host_or_only(struct maker *mk, const struct conf_section *s,
                                            struct str id)
{
	const struct own *o = mk->o;
	if (id.len == 0 && o->t.n_hosts == 1)
		return &o->hosts[0];
	const struct topo_host *h = id.len > 0 ? find_host(o, id) : NULL;
	if (h || mk->bad)
		return h;
	if (id.len > 0)
		complain(mk, s, line_of(s, "host"), "there is no [host %" STR_FMT "]", STR_ARG(id));
	else if (o->t.n_hosts > 0)
		complain(mk, s, s->line, "\"host\" must say which of the hosts");
	return h;
}

static size_t role_index(const struct own *o, const struct topo_role *r)
{
	return (size_t)(r - o->roles);
}

static int add_listen(struct own *o, struct topo_role *r, enum topo_proto proto, struct addr a)
{
	struct topo_listen *list = &o->listens[role_index(o, r) * TOPO_LISTENS_MAX];
	uint32_t port = addr_port(&a) + o->t.port_offset;
	if (port == 0 || port > UINT16_MAX)
		return -ERANGE;
	if (r->n_listens == TOPO_LISTENS_MAX)
		return -E2BIG;
	addr_set_port(&a, (uint16_t)port);
	list[r->n_listens++] = (struct topo_listen){ .proto = proto, .addr = a };
	r->listens = list;
	return 0;
}

static void read_listens(struct maker *mk, const struct conf_section *s, struct topo_role *r,
                         enum topo_proto proto, struct str list)
{
	const char *key = topo_proto_name(proto);
	struct str item;
	struct addr a;
	if (list.len == 0)
		return;
	r->listens_given[proto] = true;
	if (str_eq(list, STR("none")))
		return;
	while (conf_next_item(&list, &item)) {
		int e = addr_parse_port(&a, item);
		/* What is written into Via and Record-Route must be an address that answers reach.
		 */
		if (e == 0 && proto == TOPO_UDP && addr_is_any(&a)) {
			complain(mk, s, line_of(s, key),
			         "\"udp\": give the host's addresses themselves instead of "
			         "\"%" STR_FMT "\"",
			         STR_ARG(item));
			continue;
		}
		if (e == 0)
			e = add_listen(mk->o, r, proto, a);
		if (e == -E2BIG) {
			complain(mk, s, line_of(s, key), "more than %d listeners",
			         TOPO_LISTENS_MAX);
			return;
		}
		if (e < 0)
			complain(mk, s, line_of(s, key),
			         "\"%s\": not an address with port (1.2.3.4:5060, [::1]:5060): "
			         "\"%" STR_FMT "\"",
			         key, STR_ARG(item));
	}
}

static bool is_second(const struct own *o, const struct topo_role *r)
{
	for (size_t i = 0; i < o->t.n_roles; i++)
		if (o->roles[i].host == r->host && str_eq(o->roles[i].role, r->role))
			return true;
	return false;
}

static void read_role(struct maker *mk, const struct conf_section *s)
{
	struct own *o = mk->o;
	struct role_keys k = { 0 };
	if (s->name.len == 0 || o->t.n_roles == TOPO_ROLES_MAX) {
		complain(mk, s, s->line,
		         s->name.len == 0 ? "[role] needs a name: [role frontend]"
		                          : "too many roles");
		return;
	}
	if (keys_read(s, role_table, &k, mk->errors) < 0) {
		mk->bad = true;
		return;
	}
	struct topo_role *r = &o->roles[o->t.n_roles];
	*r = (struct topo_role){ .role = s->name, .section = s, .processes = k.processes };
	r->host = host_or_only(mk, s, k.host);
	if (!r->host)
		return;
	if (is_second(o, r)) {
		complain(mk, s, s->line, "a second [role %" STR_FMT "] on that host",
		         STR_ARG(s->name));
		return;
	}
	r->fqdn = k.name.len > 0 ? dns_name(mk, s, "name", k.name) : r->host->name;
	for (enum topo_proto p = 0; p < TOPO_N_PROTOS; p++)
		read_listens(mk, s, r, p, k.listen[p]);
	o->t.n_roles++;
	if (k.metrics_port > 0 &&
	    topo_add_metrics_port(&o->t, r, (uint16_t)k.metrics_port, mk->errors) < 0)
		mk->bad = true;
}

static struct str absolute(struct maker *mk, const char *dir, struct str path)
{
	if (path.p[0] == '/')
		return arena_str(mk->o->arena, path);
	return arena_printf(mk->o->arena, "%s/%" STR_FMT, dir, STR_ARG(path));
}

void topo_put_run_dir(struct buf *b, const char *config_dir)
{
	if (strcmp(config_dir, TOPO_SYSTEM_DIR) == 0)
		buf_lit(b, TOPO_SYSTEM_RUN);
	else
		buf_printf(b, "%s/run", config_dir);
}

static void read_local(struct maker *mk, const struct conf_section *s, const char *dir)
{
	struct topo *t = &mk->o->t;
	struct local_keys k = { 0 };
	if (keys_check(s, (const struct setting *const[]){ local_table, NULL }, mk->errors) < 0 ||
	    keys_read(s, local_table, &k, mk->errors) < 0) {
		mk->bad = true;
		return;
	}
	bool system = strcmp(dir, TOPO_SYSTEM_DIR) == 0;
	if (system && !conf_get(s, STR("data")))
		k.data = STR(TOPO_SYSTEM_DATA);
	if (system && !conf_get(s, STR("run")))
		k.run = STR(TOPO_SYSTEM_RUN);
	t->data_dir = absolute(mk, dir, k.data);
	t->cert_dir = absolute(mk, dir, k.certificates);
	t->run_dir = absolute(mk, dir, k.run);
	t->user = arena_str(mk->o->arena, k.user);
	t->log_level = k.log_level;
	t->port_offset = k.port_offset;
	t->self = host_or_only(mk, s, k.host);
}

/* The section of the kind that must be there once. */
static const struct conf_section *only_section(struct maker *mk, const struct conf *c,
                                               const char *file, const char *kind)
{
	const struct conf_section *found = NULL;
	for (size_t i = 0; i < c->n_sections; i++) {
		const struct conf_section *s = &c->sections[i];
		if (!str_eq(s->kind, str_of(kind)))
			continue;
		if (found || s->name.len > 0)
			complain(mk, s, s->line, "there is one section [%s], without a name", kind);
		found = found ? found : s;
	}
	if (!found) {
		buf_printf(mk->errors, "%s: the section [%s] is missing\n", file, kind);
		mk->bad = true;
	}
	return found;
}

static void check_kinds(struct maker *mk, const struct conf *c, const char *const *kinds)
{
	for (size_t i = 0; i < c->n_sections; i++) {
		const struct conf_section *s = &c->sections[i];
		const char *const *k = kinds;
		while (*k && !str_eq(s->kind, str_of(*k)))
			k++;
		if (*k)
			continue;
		const char *near = conf_nearest(s->kind, kinds);
		complain(mk, s, s->line, "unknown kind of section [%" STR_FMT "]%s%s%s",
		         STR_ARG(s->kind), near ? "; did you mean [" : "", near ? near : "",
		         near ? "]?" : "");
	}
}

static void each_section(struct maker *mk, const char *kind,
                         void (*fn)(struct maker *mk, const struct conf_section *s))
{
	const struct conf *c = mk->o->topology;
	for (size_t i = 0; i < c->n_sections; i++)
		if (str_eq(c->sections[i].kind, str_of(kind)))
			fn(mk, &c->sections[i]);
}

static void check_own_keys(struct maker *mk, const struct conf_section *s, const char *kind)
{
	const struct setting *const tables[] = { topo_own_settings(kind), NULL };
	if (keys_check(s, tables, mk->errors) < 0)
		mk->bad = true;
}

static void check_host_keys(struct maker *mk, const struct conf_section *s)
{
	check_own_keys(mk, s, "host");
}

static void make(struct maker *mk, const char *dir)
{
	static const char *const kinds[] = { "deployment", "host", "role", NULL };
	static const char *const local_kinds[] = { "local", NULL };
	struct own *o = mk->o;
	check_kinds(mk, o->topology, kinds);
	check_kinds(mk, o->local, local_kinds);
	const struct conf_section *deployment =
	        only_section(mk, o->topology, TOPO_FILE, "deployment");
	if (deployment) {
		check_own_keys(mk, deployment, "deployment");
		read_deployment(mk, deployment);
	}
	each_section(mk, "host", check_host_keys);
	each_section(mk, "host", read_host);
	if (o->t.n_hosts == 0) {
		buf_printf(mk->errors, "%s: there is no section [host ...]\n", TOPO_FILE);
		mk->bad = true;
	}
	const struct conf_section *local = only_section(mk, o->local, TOPO_LOCAL_FILE, "local");
	if (local)
		read_local(mk, local, dir);
	each_section(mk, "role", read_role);
}

struct topo *topo_parse(struct str topology, struct str local, const char *config_dir,
                        struct buf *errors)
{
	static const struct hash_key fixed = { 0x6469616c746f6e65, 0x746f706f6c6f6779 };
	struct own *o = xnew(struct own);
	auto_(topo_free) struct topo *t = &o->t;
	o->arena = arena_new();
	o->topology = conf_parse(topology, TOPO_FILE, errors);
	o->local = conf_parse(local, TOPO_LOCAL_FILE, errors);
	if (!o->topology || !o->local)
		return NULL;
	t->version = hash_bytes(&fixed, topology.p, topology.len);
	o->hosts = arena_alloc(o->arena, TOPO_HOSTS_MAX * sizeof *o->hosts);
	o->roles = arena_alloc(o->arena, TOPO_ROLES_MAX * sizeof *o->roles);
	o->listens = xcalloc((size_t)TOPO_ROLES_MAX * TOPO_LISTENS_MAX, sizeof *o->listens);
	t->hosts = o->hosts;
	t->roles = o->roles;
	struct maker mk = { .o = o, .errors = errors };
	make(&mk, config_dir);
	return mk.bad ? NULL : take(&t);
}

void topo_free(struct topo **tp)
{
	if (!*tp)
		return;
	struct own *o = own_of(*tp);
	*tp = NULL;
	conf_free(&o->topology);
	conf_free(&o->local);
	arena_free(&o->arena);
	free(o->listens);
	free(o);
}

int topo_load_text(const char *config_dir, const char *file, struct buf *ret, struct buf *errors)
{
	char *path = NULL;
	ssize_t n = -1;
	if (asprintf(&path, "%s/%s", config_dir, file) < 0)
		return -ENOMEM;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	while (fd >= 0 && !ret->full) {
		char *room = buf_room(ret, 4096);
		n = room ? read(fd, room, 4096) : -1;
		if (n <= 0)
			break;
		ret->len += (size_t)n;
	}
	if (n != 0)
		buf_printf(errors, "%s: cannot read %s: %s\n", file, path,
		           ret->full ? "too long" : strerror(errno));
	if (fd >= 0)
		(void)close(fd);
	free(path);
	return n == 0 ? 0 : -EINVAL;
}

struct topo *topo_read(const char *config_dir, struct buf *errors)
{
	auto_(buf_free) struct buf topology = buf_of(CONF_TEXT_MAX), local = buf_of(CONF_TEXT_MAX);
	int a = topo_load_text(config_dir, TOPO_FILE, &topology, errors);
	int b = topo_load_text(config_dir, TOPO_LOCAL_FILE, &local, errors);
	if (a < 0 || b < 0)
		return NULL;
	return topo_parse(buf_view(&topology), buf_view(&local), config_dir, errors);
}

bool topo_is_our_domain(const struct topo *t, struct str host)
{
	for (size_t i = 0; i < t->n_domains; i++)
		if (str_ieq(t->domains[i], host))
			return true;
	return false;
}

const struct topo_role *topo_role_here(const struct topo *t, struct str role)
{
	for (size_t i = 0; i < t->n_roles; i++)
		if (t->roles[i].host == t->self && str_eq(t->roles[i].role, role))
			return &t->roles[i];
	return NULL;
}

int topo_settings(const struct topo *t UNUSED, const struct topo_role *r,
                  const struct setting *table, void *cfg, struct buf *errors)
{
	return keys_read(r->section, table, cfg, errors);
}

int topo_check_keys(const struct topo *t UNUSED, const struct topo_role *r,
                    const struct setting *const *tables, struct buf *errors)
{
	const struct setting *all[KEYS_TABLES_MAX + 1] = { role_table };
	size_t n = 1;
	for (; *tables && n < KEYS_TABLES_MAX; tables++)
		all[n++] = *tables;
	return keys_check(r->section, all, errors);
}

static int add_port(struct topo *t, const struct topo_role *r, enum topo_proto proto,
                    const struct addr *a, struct buf *errors)
{
	struct own *o = own_of(t);
	if (add_listen(o, &o->roles[role_index(o, r)], proto, *a) == 0)
		return 0;
	conf_error(errors, r->section, r->section->line,
	           "port %u plus the port-offset %u is no port, or more than %d listeners",
	           addr_port(a), t->port_offset, TOPO_LISTENS_MAX);
	return -EINVAL;
}

int topo_add_default_port(struct topo *t, const struct topo_role *r, enum topo_proto proto,
                          uint16_t port, bool open, struct buf *errors)
{
	if (r->listens_given[proto])
		return 0;
	for (size_t i = 0; i < r->host->n_addrs; i++) {
		struct addr a = r->host->addrs[i];
		if (!open && !topo_is_encrypted(proto) && !addr_is_private(&a))
			continue;
		addr_set_port(&a, port);
		if (add_port(t, r, proto, &a, errors) < 0)
			return -EINVAL;
	}
	return 0;
}

int topo_add_port_beside(struct topo *t, const struct topo_role *r, enum topo_proto proto,
                         uint16_t port, uint16_t beside, struct buf *errors)
{
	if (r->listens_given[proto])
		return 0;
	for (size_t i = 0, n = r->n_listens; i < n; i++) {
		struct addr a = r->listens[i].addr;
		if (addr_port(&a) != beside + t->port_offset)
			continue;
		addr_set_port(&a, port);
		if (add_port(t, r, proto, &a, errors) < 0)
			return -EINVAL;
	}
	return 0;
}

void topo_set_behind(struct topo *t, const struct topo_role *r, size_t i, bool is_behind)
{
	struct own *o = own_of(t);
	struct topo_listen *l = &o->listens[role_index(o, r) * TOPO_LISTENS_MAX + i];
	l->can_be_behind = true;
	l->is_behind = is_behind;
}

int topo_add_metrics_port(struct topo *t, const struct topo_role *r, uint16_t port,
                          struct buf *errors)
{
	struct own *o = own_of(t);
	struct topo_role *role = &o->roles[role_index(o, r)];
	uint32_t first = port + t->port_offset, last = first + r->processes - 1;
	const struct conf_entry *given = conf_get(r->section, STR("metrics-port"));
	if (role->metrics_port != 0 || port == 0)
		return 0;
	if (given && str_eq(given->value, STR("0")))
		return 0;
	if (last > UINT16_MAX) {
		conf_error(errors, r->section, line_of(r->section, "metrics-port"),
		           "metrics ports %u to %u do not exist", first, last);
		return -EINVAL;
	}
	role->metrics_port = (uint16_t)first;
	return 0;
}
