#include "wire/c3p/c3p.h"

#define SPACES                                   \
	" xmlns=\"urn:ietf:params:xml:ns:cccp\"" \
	" xmlns:mscp=\"http://schemas.microsoft.com/rtc/2005/08/cccpextensions\""
#define CI_SPACE " xmlns:msci=\"http://schemas.microsoft.com/rtc/2005/08/confinfoextensions\""

static void put_keys(struct buf *b, const struct c3p_msg *m)
{
	/* setLobbyAccess names its user in an element, the others in the key. */
	bool in_key = m->user.len > 0 && m->command != C3P_SET_LOBBY_ACCESS;
	if (m->conf.len + m->conf_id.len == 0 || m->command == C3P_ADD_CONFERENCE)
		return;
	buf_str(b, in_key ? STR("<userKeys") : STR("<conferenceKeys"));
	if (m->conf.len > 0)
		xml_put_attr(b, "confEntity", m->conf);
	if (m->conf_id.len > 0) {
		buf_lit(b, CI_SPACE);
		xml_put_attr(b, "msci:conference-id", m->conf_id);
	}
	if (in_key)
		xml_put_attr(b, "userEntity", m->user);
	buf_lit(b, "/>");
	if (m->user.len > 0 && !in_key)
		xml_put_element(b, "userEntity", m->user);
}

static void put_confs(struct buf *b, const struct c3p_msg *m, bool legs)
{
	for (const struct c3p_conf *c = m->confs; c; c = c->next)
		if (legs)
			confinfo_put_legs(b, &c->info);
		else
			confinfo_put(b, &c->info);
}

static void put_number(struct buf *b, const struct c3p_number *n)
{
	buf_lit(b, "<region");
	xml_put_attr(b, "name", n->region);
	buf_lit(b, "><access-number>");
	if (n->language > 0)
		buf_printf(b, "<language>%u</language>", n->language);
	xml_put_element(b, "number", n->number);
	buf_lit(b, "</access-number></region>");
}

static void put_capabilities(struct buf *b, const struct c3p_capabilities *caps)
{
	buf_lit(b, "<mcu-types>");
	for (unsigned s = 0; s < CONFINFO_N_SESSIONS; s++)
		if (caps->mcus >> s & 1)
			xml_put_element(b, "mcuType", confinfo_session_name(s));
	buf_lit(b, "</mcu-types>");
	if (!caps->numbers)
		return;
	buf_lit(b, "<pstn-bridging><access-numbers>");
	xml_put_element(b, "default-region", caps->default_region);
	for (const struct c3p_number *n = caps->numbers; n; n = n->next)
		put_number(b, n);
	buf_lit(b, "</access-numbers></pstn-bridging>");
}

static struct str truth(enum confinfo_flag f, struct str yes, struct str no)
{
	return f == CONFINFO_YES ? yes : no;
}

static void put_content(struct buf *b, const struct c3p_msg *m, bool legs)
{
	put_keys(b, m);
	if (m->who)
		confinfo_put_user(b, m->who, legs);
	if (m->role != CONFINFO_NO_ROLE) {
		buf_lit(b, "<user-roles xmlns=\"urn:ietf:params:xml:ns:conference-info\">");
		xml_put_element(b, "entry", confinfo_role_name(m->role));
		buf_lit(b, "</user-roles>");
	}
	if (m->locked != CONFINFO_UNSET)
		xml_put_element(b, "locked", truth(m->locked, STR("true"), STR("false")));
	if (m->admission != CONFINFO_NO_ADMISSION)
		xml_put_element(b, "admission-policy", confinfo_admission_name(m->admission));
	if (m->granted != CONFINFO_UNSET)
		xml_put_element(b, "access", truth(m->granted, STR("granted"), STR("denied")));
	put_confs(b, m, legs);
	if (m->caps)
		put_capabilities(b, m->caps);
}

/* The name of a command that is not known was an element's name when it was read. */
static void put_command(struct buf *b, const struct c3p_msg *m, bool legs)
{
	struct str name = m->command == C3P_UNKNOWN ? m->name : c3p_command_name(m->command);
	if (name.len == 0)
		return;
	buf_char(b, '<');
	buf_str(b, name);
	if (m->mcu.len > 0)
		xml_put_attr(b, "mscp:mcuUri", m->mcu);
	if (m->kind == C3P_RESPONSE && m->code == C3P_FAILURE)
		xml_put_attr(b, "reason", c3p_reason_name(m->reason));
	size_t open = b->len;
	buf_char(b, '>');
	put_content(b, m, legs);
	if (b->len == open + 1 && !b->full) {
		b->len = open;
		buf_lit(b, "/>");
		return;
	}
	buf_lit(b, "</");
	buf_str(b, name);
	buf_char(b, '>');
}

static void put_response_head(struct buf *b, const struct c3p_msg *m)
{
	buf_lit(b, "<response" SPACES);
	xml_put_attr(b, "requestId", m->id);
	buf_lit(b, " C3PVersion=\"1\"");
	xml_put_attr(b, "from", m->from);
	xml_put_attr(b, "to", m->to);
	xml_put_attr(b, "code", c3p_code_name(m->code));
	if (m->code == C3P_FAILURE)
		xml_put_attr(b, "reason", c3p_reason_name(m->reason));
}

static void put_head(struct buf *b, const struct c3p_msg *m)
{
	buf_str(b, m->kind == C3P_REQUEST ? STR("<request") : STR("<notify"));
	buf_lit(b, SPACES " C3PVersion=\"1\"");
	xml_put_attr(b, "to", m->to);
	xml_put_attr(b, "from", m->from);
	if (m->id.len > 0)
		xml_put_attr(b, "requestId", m->id);
}

void c3p_put(struct buf *b, const struct c3p_msg *m, bool legs)
{
	if (m->kind == C3P_RESPONSE)
		put_response_head(b, m);
	else
		put_head(b, m);
	buf_char(b, '>');
	if (m->kind == C3P_NOTIFY)
		put_confs(b, m, legs);
	else
		put_command(b, m, legs);
	buf_str(b, m->kind == C3P_RESPONSE  ? STR("</response>")
	           : m->kind == C3P_REQUEST ? STR("</request>")
	                                    : STR("</notify>"));
}
