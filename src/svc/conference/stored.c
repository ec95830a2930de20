#include "svc/conference/stored.h"

#include <errno.h>

#include "svc/conference/inside.h"

void conf_row_of(struct conf_row *ret, struct buf *b, const struct conference *c)
{
	size_t from = b->len;
	list_for(n, &c->invited)
	{
		const struct conf_invited *i = list_entry(n, struct conf_invited, node);
		buf_str(b, confinfo_role_name(i->role));
		buf_printf(b, " %s%s", i->uri, *i->name ? " " : "");
		for (const char *p = i->name; *p; p++) /* a line is one */
			buf_char(b, (unsigned char)*p < ' ' ? ' ' : *p);
		buf_char(b, '\n');
	}
	*ret = (struct conf_row){
		.organizer = str_of(c->organizer),
		.organizer_name = str_of(c->organizer_name),
		.id = str_of(c->id),
		.subject = str_of(c->subject),
		.admission = confinfo_admission_name(c->admission),
		.promote = confinfo_promote_number(c->promote),
		.lobby = c->lobby,
		.lasting = c->lasting,
		.mcus = c->mcus,
		.invited = str_sub(buf_view(b), from, b->len),
		.created_s = c->created_s,
		.expires_s = c->expires_s,
		.last_active_s = c->last_active_s,
		.revision = c->revision,
	};
}

static int load_invited(struct conference *c, struct str text)
{
	struct str line, role, uri, name;
	while (text.len > 0) {
		(void)str_cut(text, '\n', &line, &text);
		if (!str_cut(line, ' ', &role, &uri) || confinfo_role_of(role) == CONFINFO_NO_ROLE)
			return -EINVAL;
		(void)str_cut(uri, ' ', &uri, &name);
		if (conf_add_invited(c, uri, name, confinfo_role_of(role)) < 0)
			return -EINVAL;
	}
	return 0;
}

/* The number of the column. */
static enum confinfo_promote promote_of(uint32_t number)
{
	char text[16];
	struct buf b = BUF_ON(text);
	buf_dec(&b, number);
	return confinfo_promote_of(buf_view(&b));
}

static bool is_whole(const struct conf_row *row)
{
	return row->organizer.len > 0 && row->organizer.len <= CONF_URI_MAX &&
	       row->subject.len <= CONF_SUBJECT_MAX && row->organizer_name.len <= CONF_NAME_MAX &&
	       conf_uri_id_ok(row->id) && row->mcus >> CONFINFO_N_SESSIONS == 0 &&
	       confinfo_admission_of(row->admission) != CONFINFO_NO_ADMISSION;
}

int conferences_load(struct conferences *s, uint64_t now_s, const struct conf_row *row)
{
	if (!is_whole(row))
		return -EINVAL;
	if (conferences_find(s, row->organizer, row->id))
		return -EEXIST;
	struct conference *c = conf_new(s, row->organizer, row->id);
	if (load_invited(c, row->invited) < 0) {
		conf_destroy(c);
		return -EINVAL;
	}
	conf_set_text(&c->organizer_name, row->organizer_name);
	conf_set_text(&c->subject, row->subject);
	c->admission = confinfo_admission_of(row->admission);
	c->promote = promote_of(row->promote);
	c->lobby = row->lobby;
	c->lasting = row->lasting;
	conf_keep_led(c);
	c->mcus = row->mcus;
	c->created_s = row->created_s;
	c->expires_s = row->expires_s;
	c->last_active_s = row->last_active_s;
	c->revision = row->revision;
	c->version = (uint32_t)now_s;
	return 0;
}
