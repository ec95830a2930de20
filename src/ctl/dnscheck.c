#include "ctl/dnscheck.h"

#include <errno.h>

#include "ctl/finding.h"
#include "loop/loop.h"

enum { DNS_PORT = 53, LINE_MAX_LEN = 1024, FOUND_MAX = 4096 };

struct check {
	cJSON *findings;
	struct loop *loop;
	struct dns *dns;
	const struct zone_record *record; /* the one that is asked for */
	bool answered;
};

static void add_finding(cJSON *findings, const struct zone_record *r,
                        const struct dns_answer *answer)
{
	auto_(buf_free) struct buf line = buf_of(LINE_MAX_LEN), found = buf_of(FOUND_MAX);
	auto_(buf_free) struct buf remedy = buf_of(2 * LINE_MAX_LEN);
	auto_(xfreep) char *name = str_dup(r->name);
	enum zone_state state = zone_compare(r, answer, &found);
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
	case ZONE_UNKNOWN:
		finding_add(findings, FINDING_ERROR, name,
		            "Check the name server (--server ADDRESS, /etc/resolv.conf).",
		            "no answer: %s", strerror(-answer->err));
		break;
	}
}

static void on_answer(void *arg, const struct dns_answer *answer)
{
	struct check *c = arg;
	add_finding(c->findings, c->record, answer);
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

int dnscheck(cJSON *findings, const struct zone *z, const char *server)
{
	auto_(buf_free) struct buf text = buf_of(64);
	if (server && server_text(&text, server) < 0)
		return -EINVAL;
	struct check c = { .findings = findings, .loop = loop_new() };
	c.dns = dns_new(c.loop, server ? text.p : NULL);
	ask_all(&c, z);
	dns_free(&c.dns);
	loop_free(&c.loop);
	return 0;
}
