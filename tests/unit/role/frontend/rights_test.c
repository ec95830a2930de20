#include "role/frontend/fe.h"

#include "tap.h"

#define TOPOLOGY                                                                      \
	"[deployment]\ndomains = example.test\n[host main]\nname = pc.example.test\n" \
	"addresses = 127.0.0.1\n[role frontend]\n"

static const char *const requests[] = { "REGISTER", "MESSAGE", NULL };
static const char *const fields[] = { "P-Asserted-Identity", NULL };
static const struct role_right as_users[] = {
	{ .of = "frontend", .who = ROLE_AS_OUR_USERS, .requests = requests, .fields = fields },
	{ .of = NULL },
};
static const struct role_right as_nobody[] = {
	{ .of = "frontend", .who = ROLE_AS_NOBODY, .requests = requests, .fields = fields },
	{ .of = NULL },
};

static const struct role_right as_conferences[] = {
	{ .of = "frontend", .who = ROLE_AS_CONFERENCES, .requests = requests, .fields = fields },
	{ .of = NULL },
};

/* May a role with these rights send this? */
static bool may(const struct role_right *rights, const char *method, const char *from,
                const char *lines)
{
	const struct role role = { .name = "frontend", .rights = rights };
	auto_(buf_free) struct buf errors = buf_of(4096), text = buf_of(4096);
	auto_(topo_free) struct topo *t =
	        topo_parse(STR(TOPOLOGY), STR("[local]\n"), "/etc/dt", &errors);
	struct role_env env = { .role = &role, .topo = t };
	struct frontend fe = { .env = &env };
	struct sip_flow flow = { .kind = SIP_LINK, .server = true };
	struct sip_msg m;
	buf_printf(&text,
	           "%s sip:bob@example.test SIP/2.0\r\nVia: SIP/2.0/LINK x;branch=z9hG4bK1\r\n"
	           "From: <%s>;tag=1\r\nTo: <sip:bob@example.test>\r\nCall-ID: 1\r\n"
	           "CSeq: 1 %s\r\n%sContent-Length: 0\r\n\r\n",
	           method, from, method, lines);
	if (!OK(t != NULL) || !OK(sip_parse(&m, buf_view(&text)) == 0))
		return false;
	struct task task = { .fe = &fe, .msg = &m, .flow = &flow };
	fe_rights_init(&fe);
	return fe_has_right(&task);
}

static const char alice[] = "sip:alice@example.test";

static void methods_that_are_not_in_the_rights_are_refused(void)
{
	OK(may(as_users, "MESSAGE", alice, ""));
	OK(may(as_users, "REGISTER", alice, ""));
	OK(!may(as_users, "INVITE", alice, ""));
	OK(!may(as_users, "FANCY", alice, ""));
	OK(!may(NULL, "MESSAGE", alice, ""));
}

static void fields_that_are_not_in_the_rights_are_refused(void)
{
	OK(may(as_users, "MESSAGE", alice, "P-Asserted-Identity: <sip:alice@example.test>\r\n"));
	OK(may(as_users, "MESSAGE", alice, "X-Other: 1\r\nPrivacy: id\r\n"));
	OK(!may(as_users, "MESSAGE", alice, "Path: <sip:x;lr>\r\n"));
	OK(!may(as_users, "MESSAGE", alice, "Remote-Party-ID: <sip:alice@example.test>\r\n"));
	OK(!may(as_users, "MESSAGE", alice, "Authorization: Digest x=\"y\"\r\n"));
}

static void identities_that_are_not_in_the_rights_are_refused(void)
{
	OK(!may(as_users, "MESSAGE", alice, "P-Asserted-Identity: <sip:alice@other.test>\r\n"));
	OK(!may(as_users, "MESSAGE", alice, "P-Asserted-Identity: nonsense\r\n"));
	OK(!may(as_users, "REGISTER", "sip:alice@other.test", ""));
	OK(may(as_users, "MESSAGE", "sip:alice@other.test", "")); /* asserts nobody */
	OK(!may(as_nobody, "MESSAGE", alice, "P-Asserted-Identity: <sip:alice@example.test>\r\n"));
	OK(may(as_nobody, "MESSAGE", alice, ""));
	OK(may(as_conferences, "MESSAGE", alice,
	       "P-Asserted-Identity: <sip:conf-SCHED123.alice@example.test>\r\n"));
	OK(!may(as_conferences, "MESSAGE", alice,
	        "P-Asserted-Identity: <sip:conf-SCHED123.alice@other.test>\r\n"));
	OK(!may(as_conferences, "MESSAGE", alice,
	        "P-Asserted-Identity: <sip:alice@example.test>\r\n"));
}

static void rights_are_told_to_people(void)
{
	const struct role role = { .name = "x", .rights = as_users };
	auto_(buf_free) struct buf b = buf_of(1000);
	role_put_rights(&b, &role);
	EQ_STR(buf_view(&b),
	       "frontend (for our users: REGISTER, MESSAGE; with P-Asserted-Identity)");
	OK(role_right_to(&role, STR("accounts")) == NULL);
}

int main(void)
{
	RUN(methods_that_are_not_in_the_rights_are_refused);
	RUN(fields_that_are_not_in_the_rights_are_refused);
	RUN(identities_that_are_not_in_the_rights_are_refused);
	RUN(rights_are_told_to_people);
	return tap_done();
}
