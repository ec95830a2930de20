#include "ctl/dnscheck.h"

#include <errno.h>

#include "ctl/finding.h"
#include "loop/loop.h"

enum { DNS_PORT = 53, LINE_MAX_LEN = 1024, FOUND_MAX = 4096, N_STATES = ZONE_UNKNOWN + 1 };

struct check {
	cJSON *findings;
	struct loop *loop;
	struct dns *dns;
	const struct zone_record *record; /* the one that is asked for */
	bool answered;
	struct buf unanswered; /* names of the records that were asked for in vain */
	size_t n_unanswered;
	struct str last_name; /* of the last of them */
	int err;
	bool brief;         /* records are counted, not told */
	size_t n[N_STATES]; /* by enum zone_state */
};

static void add_finding(struct check *c, const struct zone_record *r,
                        const struct dns_answer *answer)
{
	cJSON *findings = c->findings;
	auto_(buf_free) struct buf line = buf_of(LINE_MAX_LEN), found = buf_of(FOUND_MAX);
	auto_(buf_free) struct buf remedy = buf_of(2 * LINE_MAX_LEN);
	auto_(xfreep) char *name = str_dup(r->name);
	enum zone_state state = zone_compare(r, answer, &found);
	c->n[state]++;
	if (c->brief)
		return;
	zone_put(&line, r);
	buf_char(&line, '\0');
	buf_char(&found, '\0');
	buf_printf(&remedy, "Add to the zone: %s", line.p);
	buf_char(&remedy, '\0');
	switch (state) {
	case ZONE_FOUND:
		finding_add(findings, FINDING_OK, name, NULL, "found: %s", line.p);
		break;
	case ZONE_MISSING:
		finding_add(findings, FINDING_WARNING, name, remedy.p, "missing (for %s)", r->why);
		break;
	case ZONE_WRONG:
		finding_add(findings, FINDING_WARNING, name, remedy.p,
		            "wrong: the DNS has %s (for %s)", found.p, r->why);
		break;
	case ZONE_UNKNOWN: /* said once for all of them */
		break;
	}
}

static void note_unanswered(struct check *c, int err)
{
	if (!str_eq(c->last_name, c->record->name)) /* records of one name follow each other */
		buf_printf(&c->unanswered, "%s%" STR_FMT, c->n_unanswered ? ", " : "",
		           STR_ARG(c->record->name));
	c->last_name = c->record->name;
	c->n_unanswered++;
	c->err = err;
}

static void tell_unanswered(struct check *c, size_t n_asked)
{
	static const char remedy[] = "Check the name server (--server ADDRESS, /etc/resolv.conf).";
	if (c->n_unanswered > 0 && c->n_unanswered == n_asked)
		finding_add(c->findings, FINDING_ERROR, "dns", remedy, "no answer: %s",
		            strerror(-c->err));
	else if (c->n_unanswered > 0)
		finding_add(c->findings, FINDING_ERROR, "dns", remedy,
		            "no answer about %" STR_FMT ": %s", STR_ARG(buf_view(&c->unanswered)),
		            strerror(-c->err));
}

static void on_answer(void *arg, const struct dns_answer *answer)
{
	struct check *c = arg;
	if (answer->err < 0 && answer->err != -ENOENT)
		note_unanswered(c, answer->err);
	else
		add_finding(c, c->record, answer);
	c->answered = true;
}

static void ask_all(struct check *c, const struct zone *z)
{
	for (size_t i = 0; i < z->n; i++) {
		c->record = &z->records[i];
		c->answered = false;
		struct dns_query *q =
		        dns_ask(c->dns, c->record->kind, c->record->name, on_answer, c);
		while (q && !c->answered)
			loop_turn(c->loop, USEC_PER_SEC / 10);
	}
}

/* c-ares wants the port; people leave it out. */
static int server_text(struct buf *b, const char *server)
{
	struct addr a;
	if (addr_parse_port(&a, str_of(server)) < 0 && addr_parse(&a, str_of(server), DNS_PORT) < 0)
		return -EINVAL;
	addr_put(b, &a);
	buf_char(b, '\0');
	return 0;
}

static const char *plural(size_t n)
{
	return n == 1 ? "" : "s";
}

static void tell_counts(struct check *c, size_t n_asked, const char *server)
{
	auto_(buf_free) struct buf remedy = buf_of(LINE_MAX_LEN);
	size_t bad = c->n[ZONE_MISSING] + c->n[ZONE_WRONG];
	buf_printf(&remedy, "`dialtone dns --check%s%s` shows each, with the line to add.",
	           server ? " --server " : "", server ? server : "");
	buf_char(&remedy, '\0');
	if (bad > 0)
		finding_add(c->findings, FINDING_WARNING, "dns", remedy.p,
		            "of %zu record%s that clients need %zu %s missing, %zu %s wrong",
		            n_asked, plural(n_asked), c->n[ZONE_MISSING],
		            c->n[ZONE_MISSING] == 1 ? "is" : "are", c->n[ZONE_WRONG],
		            c->n[ZONE_WRONG] == 1 ? "is" : "are");
	else if (c->n[ZONE_FOUND] > 0)
		finding_add(c->findings, FINDING_OK, "dns", NULL, "has %zu of %zu record%s",
		            c->n[ZONE_FOUND], n_asked, plural(n_asked));
}

static int check(struct check *c, const struct zone *z, const char *server)
{
	auto_(buf_free) struct buf text = buf_of(64);
	if (server && server_text(&text, server) < 0)
		return -EINVAL;
	c->loop = loop_new();
	c->unanswered = buf_of(FOUND_MAX);
	c->dns = dns_new(c->loop, server ? text.p : NULL);
	ask_all(c, z);
	if (c->brief)
		tell_counts(c, z->n, server);
	tell_unanswered(c, z->n);
	buf_free(&c->unanswered);
	dns_free(&c->dns);
	loop_free(&c->loop);
	return 0;
}

int dnscheck(cJSON *findings, const struct zone *z, const char *server)
{
	struct check c = { .findings = findings };
	return check(&c, z, server);
}

int dnscheck_briefly(cJSON *findings, const struct zone *z, const char *server)
{
	struct check c = { .findings = findings, .brief = true };
	return check(&c, z, server);
}

struct resolving {
	bool answered;
	int err;
};

static void on_resolved(void *arg, const struct dns_answer *answer)
{
	struct resolving *v = arg;
	v->answered = true;
	v->err = answer->err == 0 && answer->n == 0 ? -ENOENT : answer->err;
}

int dnscheck_resolve(struct str name, const char *server)
{
	auto_(buf_free) struct buf text = buf_of(64);
	struct resolving v = { .answered = false };
	if (server && server_text(&text, server) < 0)
		return -EINVAL;
	struct loop *loop = loop_new();
	struct dns *dns = dns_new(loop, server ? text.p : NULL);
	struct dns_query *q = dns_ask(dns, DNS_ADDRS, name, on_resolved, &v);
	while (q && !v.answered)
		loop_turn(loop, USEC_PER_SEC / 10);
	dns_free(&dns);
	loop_free(&loop);
	return v.answered ? v.err : -EIO;
}
