#include "stack/sip/locate.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum { SIP_PORT = 5060, SIPS_PORT = 5061 };

/* NAPTR -> SERVICES -> HOSTS -> DONE; what is known already is passed by. */
enum stage { NAPTR, SERVICES, HOSTS, DONE };

struct service {
	enum sip_kind kind;
	char name[SIP_HOST_MAX + 1];
};

struct host {
	enum sip_kind kind;
	uint16_t port;
	char name[SIP_HOST_MAX + 1];
};

struct sip_locate {
	struct dns *dns;
	struct dns_query *query;
	struct loop *loop;
	struct defer found; /* no question is left */
	sip_locate_fn *fn;
	void *arg;
	enum stage stage;
	bool secure, denied; /* denied: an SRV record says that there is no such service */
	int err;             /* why something could not be asked */
	struct host domain;
	size_t n_services, n_hosts, at;
	struct service services[SIP_LOCATE_SERVICES_MAX];
	struct host hosts[SIP_LOCATE_HOSTS_MAX];
	struct sip_targets targets;
};

/* clang-format off */
static const struct way {
	const char *transport, *naptr, *srv;
	enum sip_kind kind;
} ways[] = {
	{ "tls", "SIPS+D2T", "_sips._tcp", SIP_TLS },
	{ "tcp", "SIP+D2T",  "_sip._tcp",  SIP_TCP },
	{ "udp", "SIP+D2U",  "_sip._udp",  SIP_UDP },
};
/* clang-format on */

int sip_locate_query_of(struct sip_locate_query *ret, struct str uri)
{
	struct sip_uri u;
	struct sip_locate_query q = { 0 };
	if (sip_uri_parse(&u, uri) < 0 ||
	    (u.scheme != SIP_SCHEME_SIP && u.scheme != SIP_SCHEME_SIPS))
		return -EINVAL;
	q.host = u.host;
	q.port = u.port;
	q.secure = u.scheme == SIP_SCHEME_SIPS;
	(void)sip_param(u.params, STR("maddr"), &q.host);
	(void)sip_param(u.params, STR("transport"), &q.transport);
	*ret = q;
	return 0;
}

static uint16_t default_port(enum sip_kind k)
{
	return k == SIP_TLS ? SIPS_PORT : SIP_PORT;
}

static void add_target(struct sip_locate *l, const struct host *h, const struct addr *a)
{
	struct sip_targets *t = &l->targets;
	if (t->n == SIP_TARGETS_MAX)
		return;
	struct sip_target *new = &t->list[t->n++];
	new->kind = h->kind;
	new->addr = *a;
	addr_set_port(&new->addr, h->port ? h->port : default_port(h->kind));
	memcpy(new->host, h->name, sizeof(new->host));
}

static void add_host(struct sip_locate *l, enum sip_kind kind, uint16_t port, const char *name)
{
	if (l->n_hosts == SIP_LOCATE_HOSTS_MAX)
		return;
	struct host *h = &l->hosts[l->n_hosts++];
	*h = (struct host){ .kind = kind, .port = port };
	(void)snprintf(h->name, sizeof(h->name), "%s", name);
}

static void add_service(struct sip_locate *l, enum sip_kind kind, const char *name)
{
	if (l->n_services == SIP_LOCATE_SERVICES_MAX)
		return;
	struct service *s = &l->services[l->n_services++];
	s->kind = kind;
	(void)snprintf(s->name, sizeof(s->name), "%s", name);
}

/* The SRV name of a way to the domain itself; what is too long has no records. */
static void add_own_service(struct sip_locate *l, const struct way *w)
{
	char name[2 * SIP_HOST_MAX];
	(void)snprintf(name, sizeof(name), "%s.%s", w->srv, l->domain.name);
	if (strlen(name) <= SIP_HOST_MAX)
		add_service(l, w->kind, name);
}

static void step(struct sip_locate *l);

/* Section 4.1: the first usable record says how; without any, each way is asked for.  _sips is for
 * sips: alone. */
static void on_naptr(struct sip_locate *l, const struct dns_answer *a)
{
	for (size_t i = 0; a->err == 0 && i < a->n; i++) {
		const struct dns_naptr *n = &a->naptrs[i];
		for (size_t k = 0; k < ARRAY_SIZE(ways); k++) {
			if (str_ieq(str_of(n->flags), STR("s")) &&
			    str_ieq(str_of(n->service), str_of(ways[k].naptr)) &&
			    (!l->secure || ways[k].kind == SIP_TLS))
				add_service(l, ways[k].kind, n->replacement);
		}
	}
	bool none = l->n_services == 0;
	for (size_t k = 0; none && k < ARRAY_SIZE(ways); k++)
		if (l->secure == (ways[k].kind == SIP_TLS))
			add_own_service(l, &ways[k]);
}

static void on_srv(struct sip_locate *l, const struct dns_answer *a)
{
	enum sip_kind kind = l->services[l->at].kind;
	for (size_t i = 0; a->err == 0 && i < a->n; i++) {
		const struct dns_srv *s = &a->srvs[i];
		if (s->target[0] == '\0' || strcmp(s->target, ".") == 0)
			l->denied = true; /* RFC 2782 */
		else
			add_host(l, kind, s->port, s->target);
	}
}

static void on_addrs(struct sip_locate *l, const struct dns_answer *a)
{
	for (size_t i = 0; a->err == 0 && i < a->n; i++)
		add_target(l, &l->hosts[l->at], &a->addrs[i]);
}

static void on_answer(void *arg, const struct dns_answer *a)
{
	struct sip_locate *l = arg;
	l->query = NULL;
	if (a->err && a->err != -ENOENT)
		l->err = a->err;
	switch (l->stage) {
	case NAPTR:
		on_naptr(l, a);
		l->stage = SERVICES;
		l->at = 0;
		break;
	case SERVICES:
		on_srv(l, a);
		l->at++;
		break;
	case HOSTS:
		on_addrs(l, a);
		l->at++;
		break;
	case DONE:
		break;
	}
	step(l);
}

static void ask(struct sip_locate *l, enum dns_kind kind, const char *name)
{
	l->query = dns_ask(l->dns, kind, str_of(name), on_answer, l);
}

/* All services have been asked for.  Without any SRV record the domain is a host (section 4.2). */
static void to_hosts(struct sip_locate *l)
{
	l->stage = HOSTS;
	l->at = 0;
	if (l->n_hosts == 0 && !l->denied && l->err == 0)
		add_host(l, l->domain.kind, l->domain.port, l->domain.name);
}

static void step(struct sip_locate *l)
{
	if (l->stage == NAPTR) {
		ask(l, DNS_NAPTR, l->domain.name);
		return;
	}
	if (l->stage == SERVICES && l->at < l->n_services) {
		ask(l, DNS_SRV, l->services[l->at].name);
		return;
	}
	if (l->stage == SERVICES)
		to_hosts(l);
	if (l->stage == HOSTS && l->at < l->n_hosts) {
		ask(l, DNS_ADDRS, l->hosts[l->at].name);
		return;
	}
	l->stage = DONE;
	loop_defer(l->loop, &l->found);
}

static void on_found(void *arg)
{
	struct sip_locate *l = arg;
	if (l->targets.n == 0)
		l->targets.err = l->err ? l->err : -ENOENT;
	l->fn(l->arg, &l->targets);
	free(l);
}

static const struct way *way_of(const struct sip_locate_query *q)
{
	for (size_t k = 0; k < ARRAY_SIZE(ways); k++) {
		const struct way *w = &ways[k];
		/* sips: over TCP is TLS (RFC 3261 section 26.2.2). */
		bool tcp_of_sips =
		        q->secure && w->kind == SIP_TLS && str_ieq(q->transport, STR("tcp"));
		bool named = str_ieq(q->transport, str_of(w->transport)) &&
		             (!q->secure || w->kind == SIP_TLS);
		if (named || tcp_of_sips)
			return w;
	}
	return NULL;
}

/* Which question is the first. */
static void start(struct sip_locate *l, const struct sip_locate_query *q)
{
	const struct way *w = way_of(q);
	struct addr a;
	l->domain.kind = w ? w->kind : q->secure ? SIP_TLS : SIP_UDP;
	l->domain.port = q->port;
	if (q->transport.len && !w) {
		l->err = -EPROTONOSUPPORT;
		l->stage = DONE;
	} else if (q->host.len == 0 || q->host.len > SIP_HOST_MAX) {
		l->stage = DONE;
	} else if (addr_parse(&a, q->host, 0) == 0) {
		add_target(l, &l->domain, &a);
		l->stage = DONE;
	} else if (q->port) {
		add_host(l, l->domain.kind, q->port, l->domain.name);
		l->stage = HOSTS;
	} else if (w) {
		add_own_service(l, w);
		l->stage = SERVICES;
	}
	step(l);
}

struct sip_locate *sip_locate_new(struct loop *loop, struct dns *d,
                                  const struct sip_locate_query *q, sip_locate_fn *fn, void *arg)
{
	struct sip_locate *l = xnew(struct sip_locate);
	l->loop = loop;
	l->dns = d;
	l->fn = fn;
	l->arg = arg;
	l->secure = q->secure;
	defer_init(&l->found, on_found, l);
	(void)snprintf(l->domain.name, sizeof(l->domain.name), "%" STR_FMT, STR_ARG(q->host));
	start(l, q);
	return l;
}

void sip_locate_free(struct sip_locate **lp)
{
	struct sip_locate *l = take(lp);
	if (!l)
		return;
	dns_query_free(&l->query);
	defer_cancel(&l->found);
	free(l);
}

const struct sip_target *sip_targets_now(const struct sip_targets *t)
{
	return t->at < t->n ? &t->list[t->at] : NULL;
}

const struct sip_target *sip_targets_next(struct sip_targets *t, int code)
{
	if ((code != 0 && code != 503) || t->at >= t->n)
		return NULL;
	t->at++;
	return sip_targets_now(t);
}
