#define CARES_NO_DEPRECATED

#include "loop/dns.h"

#include <ares.h>
#include <arpa/nameser.h>
#include <errno.h>
#include <netdb.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/time.h>

#include "loop/dns_cache.h"
#include "loop/dns_inside.h"

enum { NAME_LEN_MAX = 255, TRY_MS = 2000, TRIES = 3, LOOK_AGAIN_S = 5 };
static const char resolv_conf[] = "/etc/resolv.conf";

struct dns {
	struct loop *loop;
	ares_channel channel;
	char *servers;        /* NULL: the system's */
	struct list watches;  /* sockets of c-ares */
	struct list queries;  /* all that are not freed */
	struct timer timer;   /* c-ares' timeouts */
	struct defer deliver; /* of answers that are there */
	struct dns_cache *cache;
	struct timespec conf_time; /* of resolv.conf */
	usec_t look_at;            /* when to look at it again */
	bool rebuilding;
};

struct watch {
	struct list node;
	struct dns *dns;
	int fd;
	struct io *io;
};

enum query_state { ASKED, ANSWERED };

struct dns_query {
	struct list node;
	struct dns *dns;
	enum dns_kind kind;
	enum query_state state;
	struct ticket *ticket; /* what c-ares holds; NULL: nothing */
	dns_fn *fn;
	void *arg;
	struct dns_answer answer;
	char name[NAME_LEN_MAX + 1];
};

/* c-ares calls back for each query that it has, also for one that is freed meanwhile. */
struct ticket {
	struct dns_query *query; /* NULL: nobody waits */
};

/* --- sockets and time of c-ares ------------------------------------------------------------- */

static void arm(struct dns *d)
{
	struct timeval tv;
	if (!ares_timeout(d->channel, NULL, &tv)) {
		timer_stop(&d->timer);
		return;
	}
	timer_set(&d->timer, loop_now(d->loop) + (usec_t)tv.tv_sec * USEC_PER_SEC +
	                             (usec_t)tv.tv_usec + USEC_PER_MSEC);
}

static void on_timer(void *arg)
{
	struct dns *d = arg;
	ares_process_fd(d->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
	arm(d);
}

static void on_io(void *arg, int events)
{
	struct watch *w = arg;
	struct dns *d = w->dns;
	int fd = w->fd; /* w may be gone behind the call */
	ares_process_fd(d->channel, events & IO_READ ? fd : ARES_SOCKET_BAD,
	                events & IO_WRITE ? fd : ARES_SOCKET_BAD);
	arm(d);
}

static struct watch *watch_of(struct dns *d, int fd)
{
	list_for(it, &d->watches)
	{
		struct watch *w = list_entry(it, struct watch, node);
		if (w->fd == fd)
			return w;
	}
	struct watch *w = xnew(struct watch);
	w->dns = d;
	w->fd = fd;
	w->io = io_new(d->loop, fd, on_io, w);
	list_add(&d->watches, &w->node);
	return w;
}

static void on_socket(void *arg, ares_socket_t fd, int readable, int writable)
{
	struct watch *w = watch_of(arg, fd);
	if (readable || writable) {
		io_want(w->io, (readable ? IO_READ : 0) | (writable ? IO_WRITE : 0));
		return;
	}
	io_free(&w->io);
	list_del(&w->node);
	free(w);
}

static bool open_channel(struct dns *d)
{
	struct ares_options o = {
		.flags = ARES_FLAG_NOSEARCH,
		.timeout = TRY_MS,
		.tries = TRIES,
		.sock_state_cb = on_socket,
		.sock_state_cb_data = d,
	};
	int mask = ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB;
	if (ares_init_options(&d->channel, &o, mask) != ARES_SUCCESS) {
		d->channel = NULL;
		return false;
	}
	return !d->servers || ares_set_servers_ports_csv(d->channel, d->servers) == ARES_SUCCESS;
}

/* --- answers -------------------------------------------------------------------------------- */

static void answered(struct dns_query *q)
{
	q->state = ANSWERED;
	loop_defer(q->dns->loop, &q->dns->deliver);
}

static void keep(struct dns_query *q, uint32_t ttl_s)
{
	struct dns *d = q->dns;
	bool good = q->answer.err == 0 || q->answer.err == -ENOENT;
	usec_t life = (usec_t)MIN(ttl_s, (uint32_t)DNS_TTL_MAX_S) * USEC_PER_SEC;
	if (good && life > 0)
		dns_cache_put(d->cache, q->kind, str_of(q->name), &q->answer,
		              loop_now(d->loop) + life);
}

/* The query that waits for this ticket, or NULL; the ticket is done with. */
static struct dns_query *take_ticket(struct ticket *t)
{
	struct dns_query *q = t->query;
	free(t);
	if (q)
		q->ticket = NULL;
	return q;
}

static void on_reply(void *arg, int status, int timeouts UNUSED, unsigned char *p, int len)
{
	struct dns_query *q = take_ticket(arg);
	uint32_t ttl = DNS_TTL_NONE_S;
	if (!q || q->dns->rebuilding)
		return;
	if (status == ARES_SUCCESS && p)
		dns_parse(&q->answer, &ttl, q->kind, (struct bytes){ p, (size_t)len });
	else
		q->answer = (struct dns_answer){ .err = dns_error(status) };
	keep(q, ttl);
	answered(q);
}

static void on_addresses(void *arg, int status, int timeouts UNUSED, struct ares_addrinfo *ai)
{
	struct dns_query *q = take_ticket(arg);
	uint32_t ttl = DNS_TTL_MAX_S;
	if (q && !q->dns->rebuilding) {
		struct dns_answer *a = &q->answer;
		struct ares_addrinfo_node *n = ai ? ai->nodes : NULL;
		for (; n && a->n < DNS_RECORDS_MAX; n = n->ai_next) {
			a->n += addr_from_sockaddr(&a->addrs[a->n], n->ai_addr, n->ai_addrlen) == 0;
			ttl = MIN(ttl, (uint32_t)MAX(n->ai_ttl, 0));
		}
		a->err = status == ARES_SUCCESS && a->n == 0 ? -ENOENT : dns_error(status);
		keep(q, a->err < 0 ? (uint32_t)DNS_TTL_NONE_S : ttl);
		answered(q);
	}
	if (ai)
		ares_freeaddrinfo(ai);
}

static void ask(struct dns_query *q)
{
	static const int type[] = { [DNS_A] = ns_t_a,
		                    [DNS_AAAA] = ns_t_aaaa,
		                    [DNS_SRV] = ns_t_srv,
		                    [DNS_NAPTR] = ns_t_naptr };
	struct dns *d = q->dns;
	struct ticket *t = xnew(struct ticket);
	t->query = q;
	q->ticket = t;
	q->answer = (struct dns_answer){ .err = 0 };
	if (q->kind == DNS_ADDRS) {
		struct ares_addrinfo_hints hints = { .ai_family = AF_UNSPEC };
		ares_getaddrinfo(d->channel, q->name, NULL, &hints, on_addresses, t);
	} else {
		ares_query(d->channel, q->name, ns_c_in, type[q->kind], on_reply, t);
	}
	arm(d);
}

static struct dns_query *first_answered(const struct dns *d)
{
	for (struct list *it = d->queries.next; it != &d->queries; it = it->next) {
		struct dns_query *q = list_entry(it, struct dns_query, node);
		if (q->state == ANSWERED)
			return q;
	}
	return NULL;
}

/* One at a time: fn may ask, cancel others, and free the resolver. */
static void deliver(void *arg)
{
	struct dns *d = arg;
	struct dns_query *q = first_answered(d);
	if (!q)
		return;
	loop_defer(d->loop, &d->deliver);
	list_del(&q->node);
	if (q->kind == DNS_SRV)
		dns_draw_srv(&q->answer);
	q->fn(q->arg, &q->answer);
	free(q);
}

/* --- the system's servers ------------------------------------------------------------------- */

static struct timespec time_of_conf(void)
{
	struct stat st;
	return stat(resolv_conf, &st) == 0 ? st.st_mtim : (struct timespec){ 0, 0 };
}

/* Asks again what was under way. */
static void rebuild(struct dns *d)
{
	d->rebuilding = true;
	if (d->channel)
		ares_destroy(d->channel);
	d->rebuilding = false;
	bool open = open_channel(d);
	list_for(it, &d->queries)
	{
		struct dns_query *q = list_entry(it, struct dns_query, node);
		if (q->state == ASKED && open) {
			ask(q);
		} else if (q->state == ASKED) {
			q->answer.err = -EIO;
			answered(q);
		}
	}
}

static void follow_conf(struct dns *d)
{
	usec_t now = loop_now(d->loop);
	if (d->servers || now < d->look_at)
		return;
	d->look_at = now + LOOK_AGAIN_S * USEC_PER_SEC;
	struct timespec t = time_of_conf();
	if (t.tv_sec == d->conf_time.tv_sec && t.tv_nsec == d->conf_time.tv_nsec)
		return;
	d->conf_time = t;
	rebuild(d);
}

/* --- the interface -------------------------------------------------------------------------- */

struct dns *dns_new(struct loop *l, const char *servers)
{
	struct dns *d = xnew(struct dns);
	d->loop = l;
	d->servers = servers ? str_dup(str_of(servers)) : NULL;
	d->cache = dns_cache_new();
	d->conf_time = time_of_conf();
	list_init(&d->watches);
	list_init(&d->queries);
	timer_init(&d->timer, l, on_timer, d);
	defer_init(&d->deliver, deliver, d);
	(void)ares_library_init(ARES_LIB_INIT_ALL);
	(void)open_channel(d);
	return d;
}

void dns_free(struct dns **dp)
{
	struct dns *d = take(dp);
	if (!d)
		return;
	d->rebuilding = true; /* no answers any more */
	if (d->channel)
		ares_destroy(d->channel);
	list_for(it, &d->queries) free(list_entry(it, struct dns_query, node));
	timer_stop(&d->timer);
	defer_cancel(&d->deliver);
	dns_cache_free(&d->cache);
	ares_library_cleanup();
	free(d->servers);
	free(d);
}

struct dns_query *dns_ask(struct dns *d, enum dns_kind kind, struct str name, dns_fn *fn, void *arg)
{
	follow_conf(d);
	struct dns_query *q = xnew(struct dns_query);
	q->dns = d;
	q->kind = kind;
	q->fn = fn;
	q->arg = arg;
	list_add(&d->queries, &q->node);
	if (name.len > 0 && name.len <= NAME_LEN_MAX && !memchr(name.p, '\0', name.len))
		memcpy(q->name, name.p, name.len);
	if (q->name[0] == '\0')
		q->answer.err = -ENOENT;
	else if (!d->channel)
		q->answer.err = -EIO;
	else if (!dns_cache_get(d->cache, kind, name, loop_now(d->loop), &q->answer)) {
		ask(q);
		return q;
	}
	answered(q);
	return q;
}

void dns_query_free(struct dns_query **qp)
{
	struct dns_query *q = take(qp);
	if (!q)
		return;
	if (q->ticket)
		q->ticket->query = NULL;
	list_del(&q->node);
	free(q);
}
