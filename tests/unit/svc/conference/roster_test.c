#include "svc/conference/roster.h"

#include "tap.h"

static struct list people;

static struct conf_person *person(void)
{
	list_init(&people);
	return conf_new_person(&people, STR("sip:bob@e.test"), STR("Bob"));
}

static struct conf_endpoint *endpoint(struct conf_person *p, const char *epid, const char *call_id)
{
	struct confinfo_leg leg = { .call_id = str_of(call_id) };
	struct conf_endpoint *e = conf_new_endpoint(p, STR("{G}"), CONFINFO_CHAT);
	conf_set_epid(e, str_of(epid));
	OK(conf_set_leg(e, &leg));
	return e;
}

static void an_endpoint_is_known_by_its_dialog_or_its_client(void)
{
	/* known: epid "e1", dialog "d1" */
	static const struct {
		enum confinfo_session session;
		enum confinfo_status status;
		const char *entity, *epid, *call_id; /* NULL: no leg */
		bool want;
	} rows[] = {
		{ CONFINFO_CHAT, CONFINFO_CONNECTED, "", "", "d1", true },
		{ CONFINFO_CHAT, CONFINFO_CONNECTED, "", "E1", "d2", true },     /* comes again */
		{ CONFINFO_CHAT, CONFINFO_DISCONNECTED, "", "e1", "d2", false }, /* one before */
		{ CONFINFO_CHAT, CONFINFO_DISCONNECTED, "", "e1", "d1", true },
		{ CONFINFO_CHAT, CONFINFO_CONNECTED, "", "e2", "d2", false },
		{ CONFINFO_CHAT, CONFINFO_CONNECTED, "{G}", "", "d2", false }, /* a second client */
		{ CONFINFO_CHAT, CONFINFO_CONNECTED, "{g}", "", NULL, true },
		{ CONFINFO_CHAT, CONFINFO_DISCONNECTED, "", "e1", NULL, true },
		{ CONFINFO_CHAT, CONFINFO_CONNECTED, "", "", NULL, false },
		{ CONFINFO_FOCUS, CONFINFO_CONNECTED, "{G}", "e1", "d1", false },
	};
	struct conf_person *p = person();
	struct conf_endpoint *known = endpoint(p, "e1", "d1");
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct confinfo_leg leg = { .call_id = str_of(rows[i].call_id) };
		struct confinfo_endpoint e = { .entity = str_of(rows[i].entity),
			                       .epid = str_of(rows[i].epid),
			                       .session = rows[i].session,
			                       .status = rows[i].status,
			                       .leg = rows[i].call_id ? &leg : NULL };
		OK((conf_same_endpoint(p, &e) == known) == rows[i].want);
	}
	OK(conf_of_epid(p, CONFINFO_CHAT, STR("e1")) == known);
	OK(conf_of_epid(p, CONFINFO_FOCUS, STR("e1")) == NULL);
	OK(conf_of_epid(p, CONFINFO_CHAT, STR("")) == NULL);
	conf_free_person(p);
	OK(list_empty(&people));
}

static void a_leg_has_texts_of_its_own_up_to_a_limit(void)
{
	static char big[CONF_LEG_MAX];
	char text[] = "call-1";
	struct confinfo_leg leg = { .call_id = str_of(text), .contact = STR("<sip:c>") };
	struct conf_person *p = person();
	struct conf_endpoint *e = conf_new_endpoint(p, STR("{G}"), CONFINFO_CHAT);
	OK(conf_set_leg(e, &leg));
	text[0] = 'X';
	EQ_STR(e->leg->call_id, "call-1");
	EQ_STR(e->leg->contact, "<sip:c>");
	OK(conf_set_leg(e, NULL) && e->leg); /* says nothing */
	leg.route = str_n(big, sizeof(big));
	OK(!conf_leg_fits(&leg) && !conf_set_leg(e, &leg));
	EQ_STR(e->leg->call_id, "call-1");
	conf_free_person(p);
}

static void a_session_has_room_for_so_many_clients(void)
{
	struct conf_person *p = person();
	for (int i = 0; i < CONF_CLIENTS_MAX; i++) {
		OK(conf_has_room(p, CONFINFO_CHAT));
		(void)endpoint(p, "", "d");
	}
	OK(!conf_has_room(p, CONFINFO_CHAT));
	OK(conf_has_room(p, CONFINFO_FOCUS));
	EQ(p->n_endpoints, CONF_CLIENTS_MAX);
	conf_free_person(p);
}

static void a_user_is_told_with_the_sessions_asked_for(void)
{
	auto_(arena_free) struct arena *a = arena_new();
	struct confinfo ci = { .n_users = 0 };
	struct confinfo_user **end = &ci.users;
	struct conf_person *p = person();
	(void)conf_new_endpoint(p, STR("{F}"), CONFINFO_FOCUS);
	(void)endpoint(p, "e1", "d1");
	conf_add_person(&ci, &end, a, p, CONF_ALL_SESSIONS);
	conf_add_person(&ci, &end, a, p, 1u << CONFINFO_CHAT);
	EQ(ci.n_users, 2);
	EQ_STR(ci.users->name, "Bob");
	OK(ci.users->endpoints->next && !ci.users->next->endpoints->next);
	EQ_STR(ci.users->next->endpoints->leg->call_id, "d1");
	conf_free_person(p);
}

int main(void)
{
	RUN(an_endpoint_is_known_by_its_dialog_or_its_client);
	RUN(a_leg_has_texts_of_its_own_up_to_a_limit);
	RUN(a_session_has_room_for_so_many_clients);
	RUN(a_user_is_told_with_the_sessions_asked_for);
	return tap_done();
}
