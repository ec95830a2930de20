#include "daemon/manual.h"

/* Text with man(7)'s special characters written safely. */
static void put(struct buf *b, struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		if (s.p[i] == '-')
			buf_lit(b, "\\-");
		else if (s.p[i] == '\\')
			buf_lit(b, "\\e");
		else if (s.p[i] == '\'' || (s.p[i] == '.' && i == 0))
			buf_printf(b, "\\&%c", s.p[i]);
		else
			buf_char(b, s.p[i]);
	}
}

static void put_default(struct buf *b, const struct setting *row)
{
	if (!row->def)
		buf_lit(b, " Must be set.");
	else if (row->absent || row->def[0]) {
		buf_lit(b, " Default: ");
		put(b, str_of(row->absent ? row->absent : row->def));
		buf_char(b, '.');
	}
}

static void put_row(struct buf *b, const struct setting *row)
{
	buf_lit(b, ".TP\n.B ");
	put(b, str_of(row->name));
	buf_char(b, '\n');
	put(b, str_of(row->help));
	if (row->type != SET_TEXT) {
		auto_(buf_free) struct buf range = buf_of(1000);
		setting_put_range(&range, row);
		buf_lit(b, " Value: ");
		put(b, buf_view(&range));
		buf_char(b, '.');
	}
	put_default(b, row);
	if (row->restart)
		buf_lit(b, " A change needs a restart.");
	buf_char(b, '\n');
}

static void put_table(struct buf *b, const struct setting *table)
{
	for (; table->name; table++)
		put_row(b, table);
}

static void put_port(struct buf *b, const struct role_port *p)
{
	buf_printf(b, ".TP\n.B %u/%s\n%s: %s", p->port, topo_proto_name(p->proto), p->name,
	           p->purpose);
	if (p->across) {
		buf_lit(b, "; bound only if there is a role ");
		put(b, str_of(p->across));
		buf_lit(b, " on another host that it speaks with");
	}
	if (p->beside)
		buf_printf(b, "; bound only where it listens at %u too", p->beside);
	buf_lit(b, ".\n");
}

static void put_ports(struct buf *b, const struct role *role)
{
	for (const struct role_port *p = role->ports; p && p->name; p++)
		put_port(b, p);
	if (role->metrics_port > 0)
		buf_printf(b, ".TP\n.B %u/tcp\nMetrics of the first process, on loopback.\n",
		           role->metrics_port);
}

static void put_role(struct buf *b, const struct role *role)
{
	buf_printf(b, ".SS [role %s]\n", role->name);
	buf_lit(b, "The box ");
	put(b, str_of(role->box));
	buf_printf(b, "; at most %u process%s on a host.\n", role->max_processes,
	           role->max_processes == 1 ? "" : "es");
	put_ports(b, role);
	for (const struct setting *const *t = role->settings; t && *t; t++)
		put_table(b, *t);
}

void manual_put_settings(struct buf *b, const struct role *const *roles)
{
	static const struct {
		const char *kind, *heading;
	} kinds[] = { { "deployment", "[deployment]" },
		      { "host", "[host NAME]" },
		      { "role", "[role NAME], every role" } };
	buf_lit(b, ".SH TOPOLOGY.CONF\n");
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		buf_printf(b, ".SS %s\n", kinds[i].heading);
		put_table(b, topo_own_settings(kinds[i].kind));
	}
	for (; *roles; roles++)
		put_role(b, *roles);
	buf_lit(b, ".SH LOCAL.CONF\n.SS [local]\n");
	put_table(b, topo_own_settings("local"));
}
