#include "wire/c3p/c3p.h"

#include <errno.h>

/* What a request must have. */
enum {
	NEEDS_CONF = 1,
	NEEDS_USER = 2,
	NEEDS_WHO = 4,
	NEEDS_INFO = 8,
	NEEDS_ROLE = 16,
	NEEDS_LOCK = 32,
	NEEDS_ACCESS = 64,
};

/* clang-format off */
static const struct {
	struct str name;
	unsigned needs;
} commands[C3P_N_COMMANDS] = {
	[C3P_GET_CAPABILITIES]  = { STR_INIT("getConferencingCapabilities"), 0 },
	[C3P_ADD_CONFERENCE]    = { STR_INIT("addConference"), NEEDS_INFO },
	[C3P_GET_CONFERENCE]    = { STR_INIT("getConference"), NEEDS_CONF },
	[C3P_GET_CONFERENCES]   = { STR_INIT("getConferences"), 0 },
	[C3P_MODIFY_CONFERENCE] = { STR_INIT("modifyConference"), NEEDS_INFO },
	[C3P_DELETE_CONFERENCE] = { STR_INIT("deleteConference"), NEEDS_CONF },
	[C3P_ADD_USER]          = { STR_INIT("addUser"), NEEDS_CONF | NEEDS_WHO },
	[C3P_DELETE_USER]       = { STR_INIT("deleteUser"), NEEDS_CONF | NEEDS_USER },
	[C3P_MODIFY_USER_ROLES] = { STR_INIT("modifyUserRoles"), NEEDS_CONF | NEEDS_USER | NEEDS_ROLE },
	[C3P_MODIFY_LOCK]       = { STR_INIT("modifyConferenceLock"), NEEDS_CONF | NEEDS_LOCK },
	[C3P_SET_LOBBY_ACCESS]  = { STR_INIT("setLobbyAccess"), NEEDS_CONF | NEEDS_USER | NEEDS_ACCESS },
};
static const struct str codes[C3P_N_CODES] = {
	[C3P_SUCCESS] = STR_INIT("success"),
	[C3P_PENDING] = STR_INIT("pending"),
	[C3P_FAILURE] = STR_INIT("failure"),
};
static const struct str reasons[C3P_N_REASONS] = {
	[C3P_OTHER_FAILURE]           = STR_INIT("otherFailure"),
	[C3P_REQUEST_MALFORMED]       = STR_INIT("requestMalformed"),
	[C3P_REQUEST_TOO_LARGE]       = STR_INIT("requestTooLarge"),
	[C3P_REQUEST_TIMEOUT]         = STR_INIT("requestTimeout"),
	[C3P_SERVER_BUSY]             = STR_INIT("serverBusy"),
	[C3P_NOT_SUPPORTED]           = STR_INIT("notSupported"),
	[C3P_NOT_AUTHORIZED]          = STR_INIT("notAuthorized"),
	[C3P_CONFERENCE_DOESNT_EXIST] = STR_INIT("conferenceDoesntExist"),
	[C3P_CONFERENCE_EXISTS]       = STR_INIT("conferenceExists"),
	[C3P_CONFERENCE_LOCKED]       = STR_INIT("conferenceLocked"),
	[C3P_USER_DOESNT_EXIST]       = STR_INIT("userDoesntExist"),
	[C3P_INVALID_ID]              = STR_INIT("invalidConferenceId"),
	[C3P_INVALID_ROLE]            = STR_INIT("invalidRole"),
	[C3P_INVALID_EXPIRY]          = STR_INIT("invalidExpiryTime"),
	[C3P_INVALID_ADMISSION]       = STR_INIT("invalidAdmissionPolicy"),
	[C3P_ANONYMOUS_NOT_ALLOWED]   = STR_INIT("anonymousUsersNotAllowed"),
	[C3P_MAX_CONFERENCES]         = STR_INIT("maximumConferencesExceeded"),
	[C3P_MAX_SIZE]                = STR_INIT("maximumMeetingSizeExceeded"),
	[C3P_MCU_NOT_AVAILABLE]       = STR_INIT("mcuTypeNotAvailable"),
};
/* clang-format on */

struct str c3p_command_name(enum c3p_command c)
{
	return commands[c].name;
}

enum c3p_command c3p_command_of(struct str name)
{
	for (unsigned i = C3P_UNKNOWN + 1; i < C3P_N_COMMANDS; i++)
		if (str_eq(commands[i].name, name))
			return i;
	return C3P_UNKNOWN;
}

struct str c3p_code_name(enum c3p_code c)
{
	return codes[c];
}

struct str c3p_reason_name(enum c3p_reason r)
{
	return reasons[r];
}

static enum c3p_reason reason_of(struct str name)
{
	for (unsigned i = C3P_NO_REASON + 1; i < C3P_N_REASONS; i++)
		if (str_eq(reasons[i], name))
			return i;
	return C3P_OTHER_FAILURE;
}

struct c3p_msg c3p_response(const struct c3p_msg *request, enum c3p_code code,
                            enum c3p_reason reason)
{
	return (struct c3p_msg){
		.kind = C3P_RESPONSE,
		.command = request->command,
		.name = request->name,
		.to = request->from,
		.from = request->to,
		.id = request->id,
		.code = code,
		.reason = reason,
	};
}

/* --- reading -------------------------------------------------------------------------- */

struct reader {
	struct arena *arena;
	int err; /* the first that was met */
};

static void fail(struct reader *r, int err)
{
	if (r->err == 0)
		r->err = err;
}

static struct str bounded(struct reader *r, struct str s, size_t max)
{
	if (s.len > max)
		fail(r, -E2BIG);
	return s;
}

static void read_keys(struct reader *r, struct c3p_msg *m, const struct xml *e)
{
	const struct xml *keys = xml_child(e, "userKeys");
	if (!keys)
		keys = xml_child(e, "conferenceKeys");
	m->conf = bounded(r, xml_attr(keys, "confEntity"), CONFINFO_TEXT_MAX);
	m->conf_id = bounded(r, xml_attr(keys, "conference-id"), CONFINFO_TEXT_MAX);
	m->user = bounded(r, xml_attr(keys, "userEntity"), CONFINFO_TEXT_MAX);
	if (m->user.len == 0)
		m->user = bounded(r, xml_child_text(e, "userEntity"), CONFINFO_TEXT_MAX);
	m->mcu = bounded(r, xml_attr(e, "mcuUri"), CONFINFO_TEXT_MAX);
}

static enum confinfo_flag truth(struct str s, struct str yes, struct str no)
{
	if (str_eq(s, yes))
		return CONFINFO_YES;
	return str_eq(s, no) ? CONFINFO_NO : CONFINFO_UNSET;
}

static void read_confs(struct reader *r, struct c3p_msg *m, const struct xml *e)
{
	struct c3p_conf **end = &m->confs;
	unsigned n = 0;
	for (const struct xml *c = xml_child(e, "conference-info"); c && !r->err;
	     c = xml_again(c)) {
		if (n++ == C3P_CONFS_MAX)
			fail(r, -E2BIG);
		struct c3p_conf *conf = arena_alloc(r->arena, sizeof(*conf));
		fail(r, confinfo_read(&conf->info, r->arena, c));
		*end = conf;
		end = &conf->next;
	}
	if (m->conf.len == 0 && m->confs)
		m->conf = m->confs->info.entity;
}

static void read_user(struct reader *r, struct c3p_msg *m, const struct xml *e)
{
	const struct xml *user = xml_child(e, "user");
	if (!user)
		return;
	m->who = arena_alloc(r->arena, sizeof(*m->who));
	fail(r, confinfo_read_user(m->who, r->arena, user));
}

static struct c3p_number *read_number(struct reader *r, const struct xml *region,
                                      const struct xml *e)
{
	struct c3p_number *n = arena_alloc(r->arena, sizeof(*n));
	n->region = bounded(r, xml_attr(region, "name"), CONFINFO_TEXT_MAX);
	n->number = bounded(r, xml_child_text(e, "number"), CONFINFO_TEXT_MAX);
	if (str_to_u32(xml_child_text(e, "language"), UINT32_MAX, &n->language) < 0)
		n->language = 0;
	return n;
}

static void read_numbers(struct reader *r, struct c3p_capabilities *caps, const struct xml *e)
{
	struct c3p_number **end = &caps->numbers;
	unsigned n = 0;
	caps->default_region = bounded(r, xml_child_text(e, "default-region"), CONFINFO_TEXT_MAX);
	for (const struct xml *g = xml_child(e, "region"); g; g = xml_again(g))
		for (const struct xml *c = xml_child(g, "access-number"); c && !r->err;
		     c = xml_again(c)) {
			if (n++ == C3P_NUMBERS_MAX)
				fail(r, -E2BIG);
			*end = read_number(r, g, c);
			end = &(*end)->next;
		}
}

static void read_capabilities(struct reader *r, struct c3p_msg *m, const struct xml *e)
{
	const struct xml *types = xml_child(e, "mcu-types");
	if (!types)
		return;
	m->caps = arena_alloc(r->arena, sizeof(*m->caps));
	for (const struct xml *c = xml_child(types, "mcuType"); c; c = xml_again(c))
		m->caps->mcus |= 1u << confinfo_session_of(str_trim(c->text));
	m->caps->mcus &= ~(1u << CONFINFO_NO_SESSION);
	read_numbers(r, m->caps, xml_child(xml_child(e, "pstn-bridging"), "access-numbers"));
}

static void read_command(struct reader *r, struct c3p_msg *m, const struct xml *e)
{
	m->command = c3p_command_of(e->name);
	m->name = e->name;
	m->source = e->source;
	read_keys(r, m, e);
	if (m->command == C3P_UNKNOWN)
		return;
	read_user(r, m, e);
	read_confs(r, m, e);
	read_capabilities(r, m, e);
	m->role = confinfo_read_role(xml_child(e, "user-roles"));
	m->locked = truth(xml_child_text(e, "locked"), STR("true"), STR("false"));
	m->admission = confinfo_admission_of(xml_child_text(e, "admission-policy"));
	m->granted = truth(xml_child_text(e, "access"), STR("granted"), STR("denied"));
}

static bool has_what_it_needs(const struct c3p_msg *m)
{
	unsigned has = (m->conf.len + m->conf_id.len > 0 ? NEEDS_CONF : 0u) |
	               (m->user.len > 0 ? NEEDS_USER : 0u) | (m->who ? NEEDS_WHO : 0u) |
	               (m->confs ? NEEDS_INFO : 0u) |
	               (m->role != CONFINFO_NO_ROLE ? NEEDS_ROLE : 0u) |
	               (m->locked != CONFINFO_UNSET ? NEEDS_LOCK : 0u) |
	               (m->granted != CONFINFO_UNSET ? NEEDS_ACCESS : 0u);
	return (commands[m->command].needs & ~has) == 0;
}

/* The reason stands at the response or at its command ([MS-CONFBAS] section 3.1.5.3). */
static void read_result(struct reader *r, struct c3p_msg *m, const struct xml *root)
{
	struct str code = xml_attr(root, "code"), reason = xml_attr(root, "reason");
	unsigned c = 0;
	while (c < C3P_N_CODES && !str_eq(codes[c], code))
		c++;
	if (c == C3P_N_CODES)
		fail(r, -EBADMSG);
	m->code = c;
	if (!reason.p && root->child)
		reason = xml_attr(root->child, "reason");
	m->reason = c == C3P_FAILURE ? reason_of(reason) : C3P_NO_REASON;
}

static bool read_kind(struct c3p_msg *m, const struct xml *root)
{
	static const char *const kinds[] = {
		[C3P_REQUEST] = "request",
		[C3P_RESPONSE] = "response",
		[C3P_NOTIFY] = "notify",
	};
	for (unsigned i = 0; i < ARRAY_SIZE(kinds); i++)
		if (xml_is(root, kinds[i])) {
			m->kind = i;
			return true;
		}
	return false;
}

/* A message has one command ([MS-CONFBAS] section 2.2.1); a failure may be without. */
static void read_body(struct reader *r, struct c3p_msg *m, const struct xml *root)
{
	if (m->kind == C3P_NOTIFY) {
		read_confs(r, m, root);
		return;
	}
	if (m->kind == C3P_RESPONSE)
		read_result(r, m, root);
	if (root->child)
		read_command(r, m, root->child);
	if (root->child ? root->child->next != NULL : m->kind == C3P_REQUEST)
		fail(r, -EBADMSG);
	if (m->kind == C3P_REQUEST && !has_what_it_needs(m))
		fail(r, -EBADMSG);
}

int c3p_parse(struct c3p_msg *ret, struct arena *a, struct str in)
{
	struct reader r = { .arena = a };
	struct c3p_msg m = { .kind = C3P_REQUEST };
	struct xml *root;
	int err = xml_parse(&root, a, in);
	if (err < 0)
		return err;
	if (!read_kind(&m, root))
		return -EBADMSG;
	m.to = bounded(&r, xml_attr(root, "to"), CONFINFO_TEXT_MAX);
	m.from = bounded(&r, xml_attr(root, "from"), CONFINFO_TEXT_MAX);
	m.id = bounded(&r, xml_attr(root, "requestId"), C3P_ID_MAX);
	read_body(&r, &m, root);
	if (r.err == 0)
		*ret = m;
	return r.err;
}
