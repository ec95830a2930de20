#include "svc/presence/aggregate.h"

#include "say.h"

/* What somebody has published: the order is that of the moments. */
struct input {
	const char *type;
	uint32_t availability;
	const char *token;
};
struct rule {
	const char *what;
	struct input in[4];
	bool phone_online, signed_out;
	uint32_t availability; /* what comes of it */
	const char *token;
};

#define MACHINE(n)                        \
	{                                 \
		"machineState", (n), NULL \
	}
#define USER(n)                        \
	{                              \
		"userState", (n), NULL \
	}
#define CALENDAR(n)                                  \
	{                                            \
		"calendarState", (n), "in-a-meeting" \
	}
#define PHONE(n)                                  \
	{                                         \
		"phoneState", (n), "on-the-phone" \
	}

/* clang-format off */
static const struct rule rules[] = {
	{ "nothing published",         { { 0 } },                              .availability = 18500 },
	{ "nobody signed in",          { MACHINE(3500) }, .signed_out = true,  .availability = 18500 },
	{ "signed out, says busy",     { MACHINE(3500), USER(6500) }, .signed_out = true, .availability = 18500 },
	/* One machine, in each band. */
	{ "below all bands",           { MACHINE(2999) },                      .availability = 18500 },
	{ "active",                    { MACHINE(3000) },                      .availability = 3500 },
	{ "active to the last",        { MACHINE(4499) },                      .availability = 3500 },
	{ "idle",                      { MACHINE(4500) },                      .availability = 4500 },
	{ "idle to the last",          { MACHINE(5999) },                      .availability = 4500 },
	/* That its user is busy is for a state of hers to say. */
	{ "busy",                      { MACHINE(6000) },                      .availability = 3500 },
	{ "busy idle",                 { MACHINE(7500) },                      .availability = 4500 },
	{ "do not disturb",            { MACHINE(9000) },                      .availability = 3500 },
	{ "be right back",             { MACHINE(12000) },                     .availability = 15500 },
	{ "away",                      { MACHINE(15500) },                     .availability = 15500 },
	{ "off",                       { MACHINE(18500) },                     .availability = 18500 },
	{ "beyond all bands",          { MACHINE(4000000000) },                .availability = 18500 },
	/* Several machines: the most active, then the last. */
	{ "active before away",        { MACHINE(3500), MACHINE(15500) },      .availability = 3500 },
	{ "active before idle",        { MACHINE(4500), MACHINE(3500) },       .availability = 3500 },
	{ "away before off",           { MACHINE(18500), MACHINE(15500) },     .availability = 15500 },
	{ "no token of a machine",     { { "machineState", 3500, "one" } },   .availability = 3500 },
	/* What the user says. */
	{ "online",                    { MACHINE(3500), USER(3500) },          .availability = 3500 },
	{ "busy",                      { MACHINE(3500), USER(6500) },          .availability = 6500 },
	{ "do not disturb",            { MACHINE(3500), USER(9500) },          .availability = 9500 },
	{ "be right back",             { MACHINE(3500), USER(12500) },         .availability = 12500 },
	{ "away",                      { MACHINE(3500), USER(15500) },         .availability = 15500 },
	{ "appear offline",            { MACHINE(3500), USER(18500) },         .availability = 18500 },
	{ "appear offline, in a call", { MACHINE(3500), USER(18500), PHONE(6500) }, .availability = 18500 },
	{ "the last word",             { MACHINE(3500), USER(18500), USER(6500) }, .availability = 6500 },
	{ "nothing that is a state",   { MACHINE(3500), USER(0) },             .availability = 3500 },
	{ "without a machine",         { USER(6500) },                         .availability = 18500 },
	{ "token",                     { MACHINE(3500), { "userState", 6500, "busy" } }, .availability = 6500, .token = "busy" },
	/* Idle forms. */
	{ "online, idle",              { MACHINE(4500), USER(3500) },          .availability = 4500 },
	{ "online, away",              { MACHINE(15500), USER(3500) },         .availability = 15500 },
	{ "online, busy idle",         { MACHINE(7500), USER(3500) },          .availability = 4500 },
	{ "busy, idle",                { MACHINE(4500), USER(6500) },          .availability = 7500 },
	{ "busy, away",                { MACHINE(15500), USER(6500) },         .availability = 7500 },
	{ "do not disturb, idle",      { MACHINE(4500), USER(9500) },          .availability = 9500 },
	{ "do not disturb, away",      { MACHINE(15500), USER(9500) },         .availability = 9500 },
	{ "be right back, away",       { MACHINE(15500), USER(12500) },        .availability = 12500 },
	{ "busy, one of two idle",     { MACHINE(4500), MACHINE(3500), USER(6500) }, .availability = 6500 },
	/* Calendar and calls make busier, never freer. */
	{ "meeting",                   { MACHINE(3500), CALENDAR(6500) },      .availability = 6500, .token = "in-a-meeting" },
	{ "meeting, says online",      { MACHINE(3500), USER(3500), CALENDAR(6500) }, .availability = 6500, .token = "in-a-meeting" },
	{ "call",                      { MACHINE(3500), PHONE(6500) },         .availability = 6500, .token = "on-the-phone" },
	{ "conference in a meeting",   { MACHINE(3500), CALENDAR(6500), PHONE(7000) }, .availability = 7000, .token = "on-the-phone" },
	{ "presenting",                { MACHINE(3500), USER(6500), PHONE(9000) }, .availability = 9000, .token = "on-the-phone" },
	{ "free time",                 { MACHINE(3500), USER(6500), CALENDAR(3500) }, .availability = 6500 },
	{ "do not disturb in a call",  { MACHINE(3500), USER(9500), PHONE(6500) }, .availability = 9500 },
	{ "away in a call",            { MACHINE(3500), USER(15500), PHONE(6500) }, .availability = 15500 },
	{ "idle in a call",            { MACHINE(4500), PHONE(6500) },         .availability = 7500, .token = "on-the-phone" },
	{ "a call that is off",        { MACHINE(3500), PHONE(18500) },        .availability = 3500 },
	{ "the busier of two calls",   { MACHINE(3500), PHONE(7000), PHONE(6500) }, .availability = 7000, .token = "on-the-phone" },
	{ "a call alone",              { PHONE(6500) },                        .availability = 18500 },
	/* A telephone that says nothing. */
	{ "phone",                     { { 0 } },         .phone_online = true, .availability = 3500 },
	{ "phone, says busy",          { USER(6500) },    .phone_online = true, .availability = 6500 },
	{ "phone, in a call",          { PHONE(6500) },   .phone_online = true, .availability = 6500, .token = "on-the-phone" },
	{ "phone, machine away",       { MACHINE(15500) }, .phone_online = true, .availability = 15500 },
	{ "phone, appears offline",    { USER(18500) },   .phone_online = true, .availability = 18500 },
	/* What is no input. */
	{ "a state of unknown type",   { MACHINE(3500), { "otherState", 9500, NULL } }, .availability = 3500 },
	{ "the aggregate itself",      { MACHINE(3500), { "aggregateState", 9500, NULL } }, .availability = 3500 },
};
/* clang-format on */

static void put_input(struct pub_table *t, const struct input *in, uint32_t container, usec_t when)
{
	struct pub_key k = { CATEGORY_STATE, STR("state"), container, (uint32_t)when };
	char more[128] = "";
	if (in->token)
		(void)snprintf(more, sizeof(more), "<activity token=\"%s\"/>", in->token);
	struct publication *p = pub_get(t, &k);
	pub_set_body(p, say_state(in->type, in->availability, more));
	OK(p->body != NULL);
	p->published = when;
}

static bool holds(const struct rule *r)
{
	struct pub_table t = { 0 };
	struct aggregate_input in = { .pubs = &t,
		                      .container = CONTAINER_RICH,
		                      .phone_online = r->phone_online,
		                      .signed_in = !r->signed_out };
	for (usec_t i = 0; i < ARRAY_SIZE(r->in) && r->in[i].type; i++)
		put_input(&t, &r->in[i], CONTAINER_RICH, i + 1);
	struct aggregate a = aggregate_of(&in);
	bool right = a.availability == r->availability && str_eq(a.token, str_of(r->token));
	if (!right)
		(void)fprintf(stderr, "# %s: got %u \"%.*s\", want %u\n", r->what, a.availability,
		              STR_ARG(a.token), r->availability);
	pub_clear(&t);
	return right;
}

static void every_rule_holds(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(rules); i++)
		OK(holds(&rules[i]));
}

static void inputs_of_another_container_do_not_count(void)
{
	static const struct input rich[] = { MACHINE(3500), USER(6500) },
	                          reduced[] = { MACHINE(15500) };
	struct pub_table t = { 0 };
	struct aggregate_input in = { .pubs = &t, .container = CONTAINER_RICH, .signed_in = true };
	put_input(&t, &rich[0], CONTAINER_RICH, 1);
	put_input(&t, &rich[1], CONTAINER_RICH, 2);
	put_input(&t, &reduced[0], CONTAINER_REDUCED, 3);
	EQ(aggregate_of(&in).availability, 6500);
	in.container = CONTAINER_REDUCED;
	EQ(aggregate_of(&in).availability, 15500);
	EQ(aggregate_of(&in).from->published, 3);
	pub_clear(&t);
}

static void a_meeting_brings_its_subject_and_place_even_if_it_does_not_win(void)
{
	struct pub_table t = { 0 };
	struct aggregate_input in = { .pubs = &t, .container = CONTAINER_RICH, .signed_in = true };
	put_input(&t, &(struct input)MACHINE(3500), CONTAINER_RICH, 1);
	put_input(&t, &(struct input)USER(9500), CONTAINER_RICH, 2);
	struct pub_key k = { CATEGORY_STATE, STR("state"), CONTAINER_RICH, 3 };
	pub_set_body(pub_get(&t, &k), say_state("calendarState", 6500,
	                                        "<meetingSubject>Plans</meetingSubject>"
	                                        "<meetingLocation>Room 1</meetingLocation>"
	                                        "<activity><custom>planning</custom></activity>"));
	struct aggregate a = aggregate_of(&in);
	EQ(a.availability, 9500);
	EQ_STR(a.subject, "Plans");
	EQ_STR(a.location, "Room 1");
	EQ_STR(a.custom, "");
	k.instance = 2;
	pub_remove(&t, pub_find(&t, &k));
	a = aggregate_of(&in);
	EQ(a.availability, 6500);
	EQ_STR(a.custom, "planning");
	pub_clear(&t);
}

int main(void)
{
	RUN(every_rule_holds);
	RUN(inputs_of_another_container_do_not_count);
	RUN(a_meeting_brings_its_subject_and_place_even_if_it_does_not_win);
	return tap_done();
}
