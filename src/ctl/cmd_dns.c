/* dialtone dns: the zone lines that the topology needs, and whether the DNS has them (poster rows
 * DNS-09, DNS-12, DNS-13). */
#include <errno.h>
#include <stdio.h>

#include "ctl/commands.h"
#include "ctl/dnscheck.h"
#include "ctl/finding.h"
#include "ctl/print.h"
#include "ctl/zone.h"

static cJSON *record_json(const struct zone_record *r)
{
	auto_(buf_free) struct buf line = buf_of(1024);
	zone_put(&line, r);
	buf_char(&line, '\0');
	cJSON *v = cJSON_CreateObject();
	cJSON_AddStringToObject(v, "line", line.p);
	cJSON_AddStringToObject(v, "for", r->why);
	return v;
}

static void show_lines(struct tool *t, const struct zone *z)
{
	if (t->json) {
		cJSON *list = cJSON_CreateArray();
		for (size_t i = 0; i < z->n; i++)
			cJSON_AddItemToArray(list, record_json(&z->records[i]));
		tool_show(t, list);
		return;
	}
	auto_(buf_free) struct buf b = buf_of(PRINT_MAX);
	for (size_t i = 0; i < z->n; i++) {
		if (i == 0 || strcmp(z->records[i].why, z->records[i - 1].why) != 0)
			buf_printf(&b, "; %s\n", z->records[i].why);
		zone_put(&b, &z->records[i]);
		buf_char(&b, '\n');
	}
	(void)fwrite(b.p, 1, b.len, stdout);
}

static int dns(struct tool *t, cJSON *args)
{
	auto_(arena_free) struct arena *a = arena_new();
	const struct topo *topo = tool_topo(t);
	if (!topo)
		return EXIT_FAILED;
	struct zone z = zone_of(a, topo);
	struct str server = ctl_text(args, "server");
	if (z.n == 0)
		return tool_fail("The topology has no front end, so no DNS records are needed.");
	if (server.len > 0 && !ctl_flag(args, "check"))
		return tool_fail("--server says whom to ask; it needs --check.");
	if (!ctl_flag(args, "check")) {
		show_lines(t, &z);
		return EXIT_FINE;
	}
	cJSON *findings = cJSON_CreateArray();
	int r = dnscheck(findings, &z, server.len > 0 ? server.p : NULL);
	if (r == -EINVAL) {
		cJSON_Delete(findings);
		return tool_fail(
		        "--server must be an address, such as 192.0.2.53 or 192.0.2.53:5353.");
	}
	return finding_show(t, findings, true);
}

/* clang-format off */
const struct verb ctl_dns_verbs[] = {
	{ .cmd = { .noun = "dns", .help = "Print the DNS records that clients need, or check them",
	           .args = { { "check", CTL_FLAG, false, false, "ask the DNS whether they are there" },
	                     { "server", CTL_TEXT, false, false,
	                       "the DNS server to ask (address or address:port); else the system's" } } },
	  .run = dns },
	{ .cmd = { .noun = NULL } },
};
/* clang-format on */
