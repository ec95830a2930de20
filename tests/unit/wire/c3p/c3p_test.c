#include "wire/c3p/c3p.h"

#include <errno.h>

#include "data.h"
#include "wire/c3p/invite.h"

#define ID "8930B9B29A58B9D180716FE2308586CB"
#define FOCUS "sip:alice@contoso.com;gruu;opaque=app:conf:focus:id:" ID
#define FACTORY "sip:alice@contoso.com;gruu;opaque=app:conf:focusfactory"

static struct arena *arena;
static struct buf text;

/* The message in tests/data/c3p/NAME.xml. */
static struct c3p_msg message(const char *name)
{
	struct c3p_msg m = { .kind = C3P_NOTIFY };
	char path[64];
	arena_free(&arena);
	arena = arena_new();
	buf_free(&text);
	text = buf_of(XML_TEXT_MAX);
	(void)snprintf(path, sizeof(path), "c3p/%s.xml", name);
	data_read(&text, path);
	EQ(c3p_parse(&m, arena, buf_view(&text)), 0);
	return m;
}

static void requests_of_the_client_are_understood(void)
{
	static const struct {
		const char *name, *id;
		enum c3p_command command;
	} rows[] = {
		{ "capabilities", "0", C3P_GET_CAPABILITIES },
		{ "add-conference", "1", C3P_ADD_CONFERENCE },
		{ "add-user", "2", C3P_ADD_USER },
		{ "add-user-bob", "1", C3P_ADD_USER },
		{ "add-user-scheduled", "7", C3P_ADD_USER },
		{ "lock", "3", C3P_MODIFY_LOCK },
		{ "unlock", "4", C3P_MODIFY_LOCK },
		{ "roles", "5", C3P_MODIFY_USER_ROLES },
		{ "delete-user", "6", C3P_DELETE_USER },
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct c3p_msg m = message(rows[i].name);
		EQ(m.kind, C3P_REQUEST);
		EQ(m.command, rows[i].command);
		OK(str_eq(m.name, c3p_command_name(rows[i].command)));
		EQ_STR(m.id, rows[i].id);
	}
}

static void an_add_conference_tells_what_is_wanted(void)
{
	struct c3p_msg m = message("add-conference");
	EQ_STR(m.to, FACTORY);
	EQ_STR(m.from, "sip:alice@contoso.com");
	const struct confinfo *ci = &m.confs->info;
	EQ_STR(ci->id, ID);
	EQ(ci->expires_s, 1795378696);
	EQ(ci->admission, CONFINFO_OPEN_AUTHENTICATED);
	OK(ci->subject.p && ci->subject.len == 0);
	EQ(ci->entity.len, 0);
	OK(ci->mcus[CONFINFO_CHAT].uri.p && ci->mcus[CONFINFO_AUDIO_VIDEO].uri.p);
	OK(ci->mcus[CONFINFO_SHARING].uri.p && !ci->mcus[CONFINFO_MEETING].uri.p);
}

static void requests_in_the_dialog_name_conference_and_user(void)
{
	struct c3p_msg m = message("add-user");
	EQ_STR(m.conf, FOCUS);
	EQ_STR(m.who->entity, "sip:alice@contoso.com");
	EQ(m.who->role, CONFINFO_ATTENDEE);
	EQ_STR(m.who->endpoints->entity, "{AC20B322-9EEE-824F-9BAE-537CA56F382C}");
	m = message("roles");
	EQ_STR(m.conf, FOCUS);
	EQ_STR(m.user, "sip:bob@contoso.com");
	EQ(m.role, CONFINFO_PRESENTER);
	EQ(message("lock").locked, CONFINFO_YES);
	EQ(message("unlock").locked, CONFINFO_NO);
	m = message("delete-user");
	EQ_STR(m.user, "sip:bob@contoso.com");
}

/* What we write where it is the same to the byte as what the client took. */
static void responses_are_those_that_the_client_took(void)
{
	static const char *const names[] = {
		"add-user-response", "add-user-bob-response", "add-user-scheduled-response",
		"lock-response",     "roles-response",        "delete-user-response"
	};
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		struct c3p_msg m = message(names[i]);
		auto_(buf_free) struct buf out = buf_of(XML_TEXT_MAX);
		EQ(m.kind, C3P_RESPONSE);
		EQ(m.code, C3P_SUCCESS);
		c3p_put(&out, &m, false);
		/* The user's element declares one name more. */
		struct str msci = STR(" xmlns:msci=\"http://schemas.microsoft.com/rtc/2005/08/"
		                      "confinfoextensions\"");
		ssize_t at = str_find(buf_view(&out), msci);
		if (at > 0) {
			memmove(out.p + at, out.p + at + msci.len, out.len - at - msci.len);
			out.len -= msci.len;
		}
		buf_char(&text, '\0');
		EQ_STR(buf_view(&out), text.p);
	}
}

static void capabilities_are_written_and_read(void)
{
	struct c3p_msg m = message("capabilities-response");
	EQ(m.caps->mcus, 1u << CONFINFO_CHAT | 1u << CONFINFO_AUDIO_VIDEO | 1u << CONFINFO_SHARING |
	                         1u << CONFINFO_MEETING);
	EQ_STR(m.caps->default_region, "Home");
	EQ_STR(m.caps->numbers->region, "Home");
	EQ_STR(m.caps->numbers->number, "+1 555 0100");
	auto_(buf_free) struct buf out = buf_of(XML_TEXT_MAX);
	c3p_put(&out, &m, false);
	buf_char(&text, '\0');
	EQ_STR(buf_view(&out), text.p);
}

static struct c3p_msg written_and_read(const struct c3p_msg *m)
{
	struct c3p_msg back = { .kind = C3P_REQUEST };
	text.len = 0;
	c3p_put(&text, m, true);
	EQ(c3p_parse(&back, arena, buf_view(&text)), 0);
	return back;
}

static void a_response_goes_back_to_who_asked(void)
{
	struct c3p_msg m = message("roles");
	struct c3p_msg r = c3p_response(&m, C3P_FAILURE, C3P_NOT_AUTHORIZED);
	r = written_and_read(&r);
	EQ(r.kind, C3P_RESPONSE);
	EQ(r.code, C3P_FAILURE);
	EQ(r.reason, C3P_NOT_AUTHORIZED);
	EQ(r.command, C3P_MODIFY_USER_ROLES);
	EQ_STR(r.to, "sip:alice@contoso.com");
	EQ_STR(r.from, FOCUS);
	EQ_STR(r.id, "5");
	r = c3p_response(&m, C3P_PENDING, C3P_NO_REASON);
	r = written_and_read(&r);
	EQ(r.code, C3P_PENDING);
	EQ(r.reason, C3P_NO_REASON);
}

static void the_focus_writes_every_request_to_an_mcu(void)
{
	struct confinfo_endpoint ep = { .entity = STR("{E}"), .session = CONFINFO_CHAT };
	struct confinfo_user who = { .entity = STR("sip:bob@contoso.com"),
		                     .role = CONFINFO_ATTENDEE,
		                     .endpoints = &ep };
	struct c3p_conf conf = { .info = { .entity = STR(FOCUS), .subject = STR("Weekly") } };
	const struct c3p_msg rows[] = {
		{ .command = C3P_ADD_CONFERENCE, .confs = &conf },
		{ .command = C3P_MODIFY_CONFERENCE, .conf = STR(FOCUS), .confs = &conf },
		{ .command = C3P_GET_CONFERENCE, .conf = STR(FOCUS) },
		{ .command = C3P_GET_CONFERENCE, .conf_id = STR("SDFBSD12") },
		{ .command = C3P_DELETE_CONFERENCE, .conf = STR(FOCUS) },
		{ .command = C3P_ADD_USER, .conf = STR(FOCUS), .who = &who },
		{ .command = C3P_DELETE_USER, .conf = STR(FOCUS), .user = STR("sip:b@c") },
		{ .command = C3P_MODIFY_LOCK, .conf = STR(FOCUS), .locked = CONFINFO_YES },
		{ .command = C3P_SET_LOBBY_ACCESS,
		  .conf = STR(FOCUS),
		  .user = STR("sip:b@c"),
		  .granted = CONFINFO_NO },
		{ .command = C3P_MODIFY_USER_ROLES,
		  .conf = STR(FOCUS),
		  .user = STR("sip:b@c"),
		  .role = CONFINFO_PRESENTER },
	};
	(void)message("lock");
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct c3p_msg m = rows[i];
		m.to = STR("sip:mcu");
		m.mcu = STR("sip:mcu&more");
		struct c3p_msg back = written_and_read(&m);
		EQ(back.kind, C3P_REQUEST);
		EQ(back.command, m.command);
		OK(str_eq(back.user, m.user) && str_eq(back.to, m.to) && str_eq(back.mcu, m.mcu));
		OK(str_eq(back.conf, m.confs ? STR(FOCUS) : m.conf));
		OK(str_eq(back.conf_id, m.conf_id));
		EQ(back.locked, m.locked);
		EQ(back.granted, m.granted);
		EQ(back.role, m.role);
		OK(!m.who == !back.who && !m.confs == !back.confs);
	}
}

static void an_mcu_tells_what_changed(void)
{
	struct c3p_conf conf = { .info = { .entity = STR(FOCUS), .state = CONFINFO_PARTIAL } };
	struct c3p_msg m = { .kind = C3P_NOTIFY, .from = STR("sip:mcu"), .confs = &conf };
	(void)message("lock");
	struct c3p_msg back = written_and_read(&m);
	EQ(back.kind, C3P_NOTIFY);
	EQ_STR(back.conf, FOCUS);
	EQ(back.confs->info.state, CONFINFO_PARTIAL);
}

static void a_command_that_is_not_known_keeps_its_source(void)
{
	struct c3p_msg m;
	(void)message("lock");
	EQ(c3p_parse(&m, arena,
	             STR("<request to='t' from='f' requestId='9'><modifyEndpointMedia mcuUri='av'>"
	                 "<mediaKeys confEntity='c'/></modifyEndpointMedia></request>")),
	   0);
	EQ(m.command, C3P_UNKNOWN);
	EQ_STR(m.name, "modifyEndpointMedia");
	EQ_STR(m.mcu, "av");
	EQ_STR(m.source, "<modifyEndpointMedia mcuUri='av'><mediaKeys confEntity='c'/>"
	                 "</modifyEndpointMedia>");
	struct c3p_msg r = c3p_response(&m, C3P_FAILURE, C3P_NOT_SUPPORTED);
	r = written_and_read(&r);
	EQ(r.reason, C3P_NOT_SUPPORTED);
}

static void a_lobby_request_is_read(void)
{
	struct c3p_msg m;
	(void)message("lock");
	EQ(c3p_parse(&m, arena,
	             STR("<request><setLobbyAccess><conferenceKeys confEntity='c'/><userEntity>"
	                 "sip:bob@fabrikam.com</userEntity><access>granted</access>"
	                 "</setLobbyAccess></request>")),
	   0);
	EQ(m.command, C3P_SET_LOBBY_ACCESS);
	EQ_STR(m.user, "sip:bob@fabrikam.com");
	EQ(m.granted, CONFINFO_YES);
}

static void an_empty_notify_is_written_and_read(void)
{
	auto_(arena_free) struct arena *a = arena_new();
	auto_(buf_free) struct buf b = buf_of(XML_TEXT_MAX);
	struct c3p_msg m = { .kind = C3P_NOTIFY }, again;
	c3p_put(&b, &m, true);
	EQ(c3p_parse(&again, a, buf_view(&b)), 0);
	EQ(again.kind, C3P_NOTIFY);
	OK(again.confs == NULL);
}

static void what_is_not_whole_is_refused(void)
{
	static const char *const rows[] = {
		"",
		"<a/>",
		"<request/>",
		"<response code='no'/>",
		"<response/>",
		"<request><addUser/></request>",
		"<request><addUser><conferenceKeys confEntity='c'/></addUser></request>",
		"<request><addUser><conferenceKeys confEntity='c'/><user/></addUser></request>",
		"<request><addConference/></request>",
		"<request><deleteConference/></request>",
		"<request><deleteUser><userKeys confEntity='c'/></deleteUser></request>",
		"<request><modifyConferenceLock><conferenceKeys confEntity='c'/><locked>perhaps"
		"</locked></modifyConferenceLock></request>",
		"<request><modifyUserRoles><userKeys confEntity='c' userEntity='u'/><user-roles>"
		"<entry>king</entry></user-roles></modifyUserRoles></request>",
		"<request><getConferences/><getConferences/></request>",
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		auto_(arena_free) struct arena *a = arena_new();
		struct c3p_msg m = { .kind = C3P_NOTIFY, .command = C3P_ADD_USER };
		EQ(c3p_parse(&m, a, str_of(rows[i])), -EBADMSG);
		EQ(m.command, C3P_ADD_USER);
	}
}

static void sizes_are_bounded(void)
{
	auto_(arena_free) struct arena *a = arena_new();
	auto_(buf_free) struct buf b = buf_of(XML_TEXT_MAX);
	struct c3p_msg m;
	buf_lit(&b, "<request requestId='");
	for (int i = 0; i <= C3P_ID_MAX; i++)
		buf_char(&b, '1');
	buf_lit(&b, "'><getConferences/></request>");
	EQ(c3p_parse(&m, a, buf_view(&b)), -E2BIG);
	b.len = 0;
	buf_lit(&b, "<response code='success'><getConferences>");
	for (int i = 0; i <= C3P_CONFS_MAX; i++)
		buf_lit(&b, "<conference-info/>");
	buf_lit(&b, "</getConferences></response>");
	EQ(c3p_parse(&m, a, buf_view(&b)), -E2BIG);
}

static void an_invitation_is_read_and_written_as_the_client_does(void)
{
	auto_(arena_free) struct arena *a = arena_new();
	auto_(buf_free) struct buf in = buf_of(4096), out = buf_of(4096);
	struct conf_invite v;
	data_read(&in, "c3p/invite.xml");
	EQ(conf_invite_parse(&v, a, buf_view(&in)), 0);
	EQ_STR(v.focus, FOCUS);
	OK(v.im && !v.audio && !v.video && v.first_im.p && v.first_im.len == 0);
	conf_invite_put(&out, &v);
	buf_char(&in, '\0');
	EQ_STR(buf_view(&out), in.p);
	v.audio = v.sharing = true;
	v.first_im = STR("a<b");
	out.len = 0;
	conf_invite_put(&out, &v);
	EQ(conf_invite_parse(&v, a, buf_view(&out)), 0);
	OK(v.audio && v.sharing && !v.video);
	EQ_STR(v.first_im, "a<b");
}

static void what_invites_to_nothing_is_refused(void)
{
	auto_(arena_free) struct arena *a = arena_new();
	struct conf_invite v;
	EQ(conf_invite_parse(&v, a, STR("")), -EBADMSG);
	EQ(conf_invite_parse(&v, a, STR("<Conferencing/>")), -EBADMSG);
	EQ(conf_invite_parse(&v, a, STR("<c><focus-uri>sip:x</focus-uri></c>")), -EBADMSG);
}

static void every_command_is_found_again(void)
{
	for (unsigned i = C3P_UNKNOWN + 1; i < C3P_N_COMMANDS; i++)
		EQ(c3p_command_of(c3p_command_name(i)), i);
	for (unsigned i = C3P_NO_REASON + 1; i < C3P_N_REASONS; i++)
		OK(c3p_reason_name(i).len > 0);
}

int main(void)
{
	RUN(requests_of_the_client_are_understood);
	RUN(an_add_conference_tells_what_is_wanted);
	RUN(requests_in_the_dialog_name_conference_and_user);
	RUN(responses_are_those_that_the_client_took);
	RUN(capabilities_are_written_and_read);
	RUN(a_response_goes_back_to_who_asked);
	RUN(the_focus_writes_every_request_to_an_mcu);
	RUN(an_mcu_tells_what_changed);
	RUN(a_command_that_is_not_known_keeps_its_source);
	RUN(a_lobby_request_is_read);
	RUN(an_empty_notify_is_written_and_read);
	RUN(what_is_not_whole_is_refused);
	RUN(sizes_are_bounded);
	RUN(an_invitation_is_read_and_written_as_the_client_does);
	RUN(what_invites_to_nothing_is_refused);
	RUN(every_command_is_found_again);
	arena_free(&arena);
	buf_free(&text);
	return tap_done();
}
