#include "wire/confinfo/confinfo.h"

#include <errno.h>

#include "data.h"

#define ID "8930B9B29A58B9D180716FE2308586CB"
#define FOCUS "sip:alice@contoso.com;gruu;opaque=app:conf:focus:id:" ID
#define CHAT "sip:alice@contoso.com;gruu;opaque=app:conf:chat:id:" ID

static void documents_that_the_client_took_are_written_as_they_were(void)
{
	static const char *const names[] = { "full-1",   "full-2",    "joined-3",
		                             "locked-4", "ejected-7", "left-8" };
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		auto_(arena_free) struct arena *a = arena_new();
		auto_(buf_free) struct buf in = buf_of(XML_TEXT_MAX), out = buf_of(XML_TEXT_MAX);
		struct confinfo ci = { .state = CONFINFO_FULL };
		char path[64];
		(void)snprintf(path, sizeof(path), "confinfo/%s.xml", names[i]);
		data_read(&in, path);
		EQ(confinfo_parse(&ci, a, buf_view(&in)), 0);
		EQ_STR(ci.entity, FOCUS);
		confinfo_put(&out, &ci);
		buf_char(&in, '\0');
		EQ_STR(buf_view(&out), in.p);
	}
}

static void a_full_document_says_everything(void)
{
	auto_(arena_free) struct arena *a = arena_new();
	auto_(buf_free) struct buf in = buf_of(XML_TEXT_MAX);
	struct confinfo ci = { .state = CONFINFO_DELETED };
	data_read(&in, "confinfo/full-2.xml");
	EQ(confinfo_parse(&ci, a, buf_view(&in)), 0);
	EQ(ci.state, CONFINFO_FULL);
	EQ(ci.version, 2);
	OK(ci.subject.p && ci.subject.len == 0);
	EQ_STR(ci.id, ID);
	EQ_STR(ci.organizer_name, "Alice Adams");
	OK(ci.organizer.p == NULL);
	EQ_STR(ci.join_url, "https://meet.contoso.com/alice/" ID);
	EQ_STR(ci.mcus[CONFINFO_CHAT].uri, CHAT);
	EQ(ci.mcus[CONFINFO_CHAT].locked, CONFINFO_NO);
	EQ(ci.mcus[CONFINFO_AUDIO_VIDEO].locked, CONFINFO_UNSET);
	OK(ci.mcus[CONFINFO_SHARING].uri.p == NULL);
	OK(ci.with_uris && ci.with_views && ci.with_users);
	EQ(ci.n_users, 2);
	const struct confinfo_user *bob = ci.users->next;
	EQ_STR(bob->entity, "sip:bob@contoso.com");
	EQ_STR(bob->name, "Bob Brown");
	EQ(bob->role, CONFINFO_ATTENDEE);
	EQ(bob->endpoints->session, CONFINFO_FOCUS);
	EQ(bob->endpoints->status, CONFINFO_CONNECTED);
	EQ(ci.users->endpoints->next->session, CONFINFO_CHAT);
	EQ_STR(ci.users->endpoints->entity, "{AC20B322-9EEE-824F-9BAE-537CA56F382C}");
}

static const struct confinfo_leg a_leg = {
	.call_id = STR_INIT("28AEg435"),
	.local_tag = STR_INIT("46864DB00E25"),
	.remote_tag = STR_INIT("3477954032"),
	.remote = STR_INIT("<sip:alice@contoso.com>;epid=c97532c1946f"),
	.contact = STR_INIT("<sip:alice@contoso.com;opaque=user:epid:dXJu;gruu>"),
	.route = STR_INIT("<sip:pool.contoso.com;lr;token=abc>, <sip:edge;lr>"),
	.local_cseq = 13,
	.remote_cseq = 4294967295,
};

static void legs_travel_between_focus_and_mcu_alone(void)
{
	auto_(arena_free) struct arena *a = arena_new();
	auto_(buf_free) struct buf b = buf_of(XML_TEXT_MAX);
	struct confinfo_endpoint ep = { .entity = STR("{E}"),
		                        .epid = STR("c97532c1946f"),
		                        .session = CONFINFO_CHAT,
		                        .status = CONFINFO_CONNECTED,
		                        .lobby_capable = true,
		                        .leg = &a_leg };
	struct confinfo_user u = { .entity = STR("sip:alice@contoso.com"), .endpoints = &ep };
	struct confinfo back, ci = { .entity = STR(FOCUS), .users = &u, .with_users = true };
	confinfo_put_legs(&b, &ci);
	EQ(confinfo_parse(&back, a, buf_view(&b)), 0);
	const struct confinfo_endpoint *got = back.users->endpoints;
	EQ_STR(got->epid, "c97532c1946f");
	OK(got->lobby_capable);
	OK(got->leg && str_eq(got->leg->call_id, a_leg.call_id));
	OK(str_eq(got->leg->local_tag, a_leg.local_tag));
	OK(str_eq(got->leg->remote_tag, a_leg.remote_tag));
	OK(str_eq(got->leg->remote, a_leg.remote));
	OK(str_eq(got->leg->contact, a_leg.contact));
	OK(str_eq(got->leg->route, a_leg.route));
	EQ(got->leg->local_cseq, 13);
	EQ(got->leg->remote_cseq, 4294967295);
	b.len = 0;
	confinfo_put(&b, &ci);
	EQ(confinfo_parse(&back, a, buf_view(&b)), 0);
	OK(back.users->endpoints->leg == NULL);
}

static void every_mcu_has_its_view_and_its_media(void)
{
	auto_(buf_free) struct buf b = buf_of(XML_TEXT_MAX);
	struct confinfo ci = { .entity = STR("f"), .state = CONFINFO_PARTIAL, .with_views = true };
	ci.mcus[CONFINFO_AUDIO_VIDEO] = (struct confinfo_mcu){ STR("av"), CONFINFO_YES };
	ci.mcus[CONFINFO_MEETING] = (struct confinfo_mcu){ STR("m"), CONFINFO_UNSET };
	confinfo_put(&b, &ci);
	OK(str_find(buf_view(&b),
	            STR("<msci:entity-view entity=\"av\"><msci:entity-state>"
	                "<msci:locked>true</msci:locked><msci:media><entry label=\"main-audio\">"
	                "<type>audio</type></entry></msci:media></msci:entity-state>")) > 0);
	OK(str_find(buf_view(&b), STR("<msci:entity-view entity=\"m\"></msci:entity-view>")) > 0);
	OK(str_find(buf_view(&b), STR("conference-description")) < 0);
}

static void policy_is_written_and_read(void)
{
	auto_(arena_free) struct arena *a = arena_new();
	auto_(buf_free) struct buf b = buf_of(XML_TEXT_MAX);
	struct confinfo back, ci = { .entity = STR("f"),
		                     .subject = STR("<Weekly & more>"),
		                     .organizer = STR("sip:alice@contoso.com"),
		                     .expires_s = 1795378696,
		                     .admission = CONFINFO_CLOSED,
		                     .promote = CONFINFO_PROMOTE_COMPANY,
		                     .lobby = CONFINFO_YES };
	confinfo_put(&b, &ci);
	EQ(confinfo_parse(&back, a, buf_view(&b)), 0);
	EQ_STR(back.subject, "<Weekly & more>");
	EQ_STR(back.organizer, "sip:alice@contoso.com");
	EQ(back.expires_s, 1795378696);
	EQ(back.admission, CONFINFO_CLOSED);
	EQ(back.promote, CONFINFO_PROMOTE_COMPANY);
	EQ(back.lobby, CONFINFO_YES);
}

static int parsed(const char *text)
{
	auto_(arena_free) struct arena *a = arena_new();
	struct confinfo ci;
	return confinfo_parse(&ci, a, str_of(text));
}

static void what_is_no_conference_info_is_refused(void)
{
	EQ(parsed(""), -EBADMSG);
	EQ(parsed("<conference/>"), -EBADMSG);
	EQ(parsed("<conference-info version='x'/>"), -EBADMSG);
	EQ(parsed("<conference-info><users><user/></users></conference-info>"), -EBADMSG);
	EQ(parsed("<conference-info><conference-description><expiry-time>soon</expiry-time>"
	          "</conference-description></conference-info>"),
	   -EBADMSG);
	EQ(parsed("<conference-info><users><user entity='u'><endpoint><leg local-cseq='-1'/>"
	          "</endpoint></user></users></conference-info>"),
	   -EBADMSG);
	EQ(parsed("<conference-info/>"), 0);
}

static int with_users(unsigned users, unsigned endpoints, size_t entity_len)
{
	auto_(arena_free) struct arena *a = arena_new();
	auto_(buf_free) struct buf b = buf_of(XML_TEXT_MAX);
	struct confinfo ci;
	buf_lit(&b, "<conference-info><users>");
	for (unsigned i = 0; i < users; i++) {
		buf_lit(&b, "<user entity='");
		for (size_t k = 0; k < entity_len; k++)
			buf_char(&b, 'u');
		buf_lit(&b, "'>");
		for (unsigned k = 0; k < endpoints; k++)
			buf_lit(&b, "<endpoint/>");
		buf_lit(&b, "</user>");
	}
	buf_lit(&b, "</users></conference-info>");
	return confinfo_parse(&ci, a, buf_view(&b));
}

static void counts_and_sizes_are_bounded(void)
{
	EQ(with_users(CONFINFO_USERS_MAX, 1, 1), 0);
	EQ(with_users(CONFINFO_USERS_MAX + 1, 1, 1), -E2BIG);
	EQ(with_users(1, CONFINFO_ENDPOINTS_MAX, 1), 0);
	EQ(with_users(1, CONFINFO_ENDPOINTS_MAX + 1, 1), -E2BIG);
	EQ(with_users(1, 1, CONFINFO_TEXT_MAX), 0);
	EQ(with_users(1, 1, CONFINFO_TEXT_MAX + 1), -E2BIG);
}

static void times_are_read_to_the_second(void)
{
	static const struct {
		const char *text;
		int64_t want; /* -1: refused */
	} rows[] = {
		{ "1970-01-01T00:00:00Z", 0 },
		{ "2026-11-22T20:18:16Z", 1795378696 },
		{ "2026-11-22T20:18:16.000Z", 1795378696 },
		{ "2026-11-22T20:18:16", 1795378696 },
		{ "2026-11-22T21:18:16+01:00", 1795378696 },
		{ "2026-11-22T14:48:16-05:30", 1795378696 },
		{ "2024-02-29T00:00:00Z", 1709164800 },
		{ "2023-02-29T00:00:00Z", -1 },
		{ "2026-13-01T00:00:00Z", -1 },
		{ "2026-11-22T24:00:00Z", -1 },
		{ "1970-01-01T00:00:00+01:00", -1 },
		{ "1969-12-31T00:00:00Z", -1 },
		{ "2026-11-22T20:18:16.Z", -1 },
		{ "2026-11-22T20:18:16+1", -1 },
		{ "2026-11-22", -1 },
		{ "2026-11-22T20:18:1", -1 },
		{ "", -1 },
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		uint64_t t = 7;
		int r = confinfo_time_parse(str_of(rows[i].text), &t);
		EQ(r, rows[i].want < 0 ? -EINVAL : 0);
		EQ(t, rows[i].want < 0 ? 7 : rows[i].want);
	}
}

static void every_name_is_found_again(void)
{
	for (unsigned i = 1; i < CONFINFO_N_SESSIONS; i++)
		EQ(confinfo_session_of(confinfo_session_name(i)), i);
	for (unsigned i = 1; i < CONFINFO_N_ROLES; i++)
		EQ(confinfo_role_of(confinfo_role_name(i)), i);
	for (unsigned i = 1; i < CONFINFO_N_STATUSES; i++)
		EQ(confinfo_status_of(confinfo_status_name(i)), i);
	for (unsigned i = 1; i < CONFINFO_N_ADMISSIONS; i++)
		EQ(confinfo_admission_of(confinfo_admission_name(i)), i);
	for (unsigned i = 0; i < CONFINFO_N_STATES; i++)
		EQ(confinfo_state_of(confinfo_state_name(i)), i);
	EQ(confinfo_session_of(STR("")), CONFINFO_NO_SESSION);
	EQ(confinfo_state_of(STR("half")), CONFINFO_N_STATES);
	EQ(confinfo_promote_of(STR("0")), CONFINFO_PROMOTE_NOBODY);
	EQ(confinfo_promote_of(STR("32768")), CONFINFO_PROMOTE_COMPANY);
	EQ(confinfo_promote_of(STR("2147483648")), CONFINFO_PROMOTE_EVERYONE);
	EQ(confinfo_promote_of(STR("x")), CONFINFO_PROMOTE_UNSET);
	EQ(confinfo_promote_number(CONFINFO_PROMOTE_EVERYONE), 2147483648u);
}

int main(void)
{
	RUN(documents_that_the_client_took_are_written_as_they_were);
	RUN(a_full_document_says_everything);
	RUN(legs_travel_between_focus_and_mcu_alone);
	RUN(every_mcu_has_its_view_and_its_media);
	RUN(policy_is_written_and_read);
	RUN(what_is_no_conference_info_is_refused);
	RUN(counts_and_sizes_are_bounded);
	RUN(times_are_read_to_the_second);
	RUN(every_name_is_found_again);
	return tap_done();
}
