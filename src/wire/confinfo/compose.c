#include "wire/confinfo/confinfo.h"

#define SPACE                                               \
	" xmlns=\"urn:ietf:params:xml:ns:conference-info\"" \
	" xmlns:msci=\"http://schemas.microsoft.com/rtc/2005/08/confinfoextensions\""
#define OUR_SPACE " xmlns=\"urn:dialtone:conference\""

/* The media of each kind of MCU: what stands in its entity-state. */
static const char *const media_of[CONFINFO_N_SESSIONS] = {
	[CONFINFO_CHAT] = "chat",
	[CONFINFO_AUDIO_VIDEO] = "audio",
	[CONFINFO_SHARING] = "applicationsharing",
	[CONFINFO_MEETING] = "meeting",
};

static void put_number_attr(struct buf *b, const char *name, uint32_t v)
{
	buf_printf(b, " %s=\"%u\"", name, v);
}

/* What has no p is left out. */
static void put_text(struct buf *b, const char *name, struct str s)
{
	if (s.p)
		xml_put_element(b, name, s);
}

static struct str flag_name(enum confinfo_flag f)
{
	if (f == CONFINFO_UNSET)
		return (struct str){ NULL, 0 };
	return f == CONFINFO_YES ? STR("true") : STR("false");
}

/* --- users ---------------------------------------------------------------------------- */

void confinfo_put_role(struct buf *b, const char *element, enum confinfo_role role)
{
	buf_printf(b, "<%s>", element);
	if (role != CONFINFO_NO_ROLE)
		xml_put_element(b, "entry", confinfo_role_name(role));
	buf_printf(b, "</%s>", element);
}

static void put_leg(struct buf *b, const struct confinfo_leg *leg)
{
	buf_lit(b, "<leg" OUR_SPACE);
	if (leg->pager)
		xml_put_attr(b, "pager", STR("true"));
	xml_put_attr(b, "call-id", leg->call_id);
	xml_put_attr(b, "local-tag", leg->local_tag);
	xml_put_attr(b, "remote-tag", leg->remote_tag);
	put_number_attr(b, "local-cseq", leg->local_cseq);
	put_number_attr(b, "remote-cseq", leg->remote_cseq);
	buf_char(b, '>');
	xml_put_element(b, "remote", leg->remote);
	xml_put_element(b, "contact", leg->contact);
	xml_put_element(b, "route", leg->route);
	buf_lit(b, "</leg>");
}

static void put_endpoint(struct buf *b, const struct confinfo_endpoint *ep, bool legs)
{
	buf_lit(b, "<endpoint");
	xml_put_attr(b, "entity", ep->entity);
	if (ep->session != CONFINFO_NO_SESSION)
		xml_put_attr(b, "msci:session-type", confinfo_session_name(ep->session));
	if (ep->epid.len > 0)
		xml_put_attr(b, "msci:epid", ep->epid);
	buf_char(b, '>');
	if (ep->status != CONFINFO_NO_STATUS)
		xml_put_element(b, "status", confinfo_status_name(ep->status));
	if (ep->failed)
		xml_put_element(b, "disconnection-method", STR("failed"));
	if (ep->lobby_capable)
		buf_lit(b,
		        "<msci:clientInfo><lobby-capable xmlns=\"http://schemas.microsoft.com/"
		        "rtc/2008/12/confinfoextensions\">true</lobby-capable></msci:clientInfo>");
	if (legs && ep->leg)
		put_leg(b, ep->leg);
	buf_lit(b, "</endpoint>");
}

static void put_user_body(struct buf *b, const struct confinfo_user *u, bool legs)
{
	buf_char(b, '>');
	put_text(b, "display-text", u->name);
	if (u->role != CONFINFO_NO_ROLE)
		confinfo_put_role(b, "roles", u->role);
	for (const struct confinfo_endpoint *ep = u->endpoints; ep; ep = ep->next)
		put_endpoint(b, ep, legs);
	buf_lit(b, "</user>");
}

static void put_user(struct buf *b, const struct confinfo_user *u, bool legs)
{
	buf_lit(b, "<user");
	xml_put_attr(b, "entity", u->entity);
	xml_put_attr(b, "state", confinfo_state_name(u->state));
	if (u->state == CONFINFO_DELETED)
		buf_lit(b, "/>");
	else
		put_user_body(b, u, legs);
}

void confinfo_put_user(struct buf *b, const struct confinfo_user *u, bool legs)
{
	buf_lit(b, "<user" SPACE);
	xml_put_attr(b, "entity", u->entity);
	put_user_body(b, u, legs);
}

static void put_users(struct buf *b, const struct confinfo *ci, bool legs)
{
	if (!ci->with_users)
		return;
	buf_lit(b, "<users");
	xml_put_attr(b, "state", confinfo_state_name(ci->state));
	buf_char(b, '>');
	for (const struct confinfo_user *u = ci->users; u; u = u->next)
		put_user(b, u, legs);
	buf_lit(b, "</users>");
}

/* --- conference ----------------------------------------------------------------------- */

static void put_uris(struct buf *b, const struct confinfo *ci)
{
	if (!ci->with_uris)
		return;
	buf_lit(b, "<conf-uris>");
	for (unsigned s = 0; s < CONFINFO_N_SESSIONS; s++) {
		if (!ci->mcus[s].uri.p)
			continue;
		buf_lit(b, "<entry>");
		xml_put_element(b, "uri", ci->mcus[s].uri);
		xml_put_element(b, "display-text", confinfo_session_name(s));
		xml_put_element(b, "purpose", confinfo_session_name(s));
		buf_lit(b, "</entry>");
	}
	buf_lit(b, "</conf-uris>");
}

static void put_organizer(struct buf *b, const struct confinfo *ci)
{
	if (!ci->organizer.p && !ci->organizer_name.p)
		return;
	buf_lit(b, "<msci:organizer>");
	put_text(b, "msci:uri", ci->organizer);
	put_text(b, "msci:display-name", ci->organizer_name);
	buf_lit(b, "</msci:organizer>");
}

static void put_policy(struct buf *b, const struct confinfo *ci)
{
	if (ci->expires_s > 0) {
		buf_lit(b, "<msci:expiry-time>");
		confinfo_time_put(b, ci->expires_s);
		buf_lit(b, "</msci:expiry-time>");
	}
	if (ci->admission != CONFINFO_NO_ADMISSION)
		xml_put_element(b, "msci:admission-policy", confinfo_admission_name(ci->admission));
	put_text(b, "msci:lobby-capable", flag_name(ci->lobby));
	if (ci->lasting == CONFINFO_YES)
		buf_lit(b, "<lasting" OUR_SPACE ">true</lasting>");
	if (ci->promote != CONFINFO_PROMOTE_UNSET)
		buf_printf(b, "<msci:autopromote>%u</msci:autopromote>",
		           confinfo_promote_number(ci->promote));
}

/* Nothing if it is without any content. */
static void put_description(struct buf *b, const struct confinfo *ci)
{
	static const char open[] = "<conference-description>";
	size_t before = b->len, with_tag;
	buf_str(b, str_of(open));
	with_tag = b->len;
	put_text(b, "subject", ci->subject);
	put_uris(b, ci);
	put_text(b, "msci:conference-id", ci->id);
	put_policy(b, ci);
	put_text(b, "msci:join-url", ci->join_url);
	put_organizer(b, ci);
	if (b->len == with_tag && !b->full)
		b->len = before;
	else
		buf_lit(b, "</conference-description>");
}

/* The lock is seen by clients only where the media stand. */
static void put_state(struct buf *b, enum confinfo_session s, enum confinfo_flag locked)
{
	buf_lit(b, "<msci:entity-state>");
	xml_put_element(b, "msci:locked", flag_name(locked));
	buf_printf(b, "<msci:media><entry label=\"%s\"><type>%s</type></entry></msci:media>",
	           s == CONFINFO_AUDIO_VIDEO ? "main-audio" : media_of[s], media_of[s]);
	buf_lit(b, "</msci:entity-state>");
}

static void put_views(struct buf *b, const struct confinfo *ci)
{
	if (!ci->with_views)
		return;
	buf_lit(b, "<msci:conference-view>");
	for (unsigned s = 0; s < CONFINFO_N_SESSIONS; s++) {
		const struct confinfo_mcu *m = &ci->mcus[s];
		bool has_state = m->locked != CONFINFO_UNSET && media_of[s];
		/* One without state is named once: by conf-uris, where these are. */
		if (!m->uri.p || (!has_state && ci->with_uris))
			continue;
		buf_lit(b, "<msci:entity-view");
		xml_put_attr(b, "entity", m->uri);
		buf_char(b, '>');
		if (has_state)
			put_state(b, s, m->locked);
		buf_lit(b, "</msci:entity-view>");
	}
	buf_lit(b, "</msci:conference-view>");
}

static void put_document(struct buf *b, const struct confinfo *ci, bool legs)
{
	buf_lit(b, "<conference-info" SPACE);
	xml_put_attr(b, "entity", ci->entity);
	xml_put_attr(b, "state", confinfo_state_name(ci->state));
	if (ci->version > 0)
		put_number_attr(b, "version", ci->version);
	buf_char(b, '>');
	put_description(b, ci);
	put_users(b, ci, legs);
	put_views(b, ci);
	buf_lit(b, "</conference-info>");
}

void confinfo_put(struct buf *b, const struct confinfo *ci)
{
	put_document(b, ci, false);
}

void confinfo_put_legs(struct buf *b, const struct confinfo *ci)
{
	put_document(b, ci, true);
}
