#include "svc/conference/admission.h"

#include "tap.h"

enum { NOT, ATT = CONFINFO_ATTENDEE, PRES = CONFINFO_PRESENTER };
enum { CLOSED = CONFINFO_CLOSED, OPEN = CONFINFO_OPEN_AUTHENTICATED, ANY = CONFINFO_ANONYMOUS };
enum { IN = CONF_ENTERS, WAIT = CONF_WAITS, NO = CONF_REFUSED };

/* clang-format off */
static const struct {
	int admission, kind, invited, want;
} plain[] = {
	/* without a lobby and a lock */
	{ ANY,    CONF_COMPANY,   NOT,  IN },
	{ ANY,    CONF_FEDERATED, NOT,  IN },
	{ ANY,    CONF_ANONYMOUS, NOT,  IN },
	{ OPEN,   CONF_COMPANY,   NOT,  IN },
	{ OPEN,   CONF_FEDERATED, NOT,  NO },
	{ OPEN,   CONF_FEDERATED, ATT,  IN },
	{ OPEN,   CONF_ANONYMOUS, NOT,  NO },
	{ OPEN,   CONF_ANONYMOUS, ATT,  NO },
	{ CLOSED, CONF_COMPANY,   NOT,  NO },
	{ CLOSED, CONF_COMPANY,   ATT,  IN },
	{ CLOSED, CONF_COMPANY,   PRES, IN },
	{ CLOSED, CONF_FEDERATED, ATT,  IN },
	{ CLOSED, CONF_ANONYMOUS, ATT,  NO },
};
/* clang-format on */

static struct conf_door door(int admission)
{
	return (struct conf_door){ .admission = (enum confinfo_admission)admission,
		                   .anonymous = true };
}

static void the_policy_lets_in_whom_it_names(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(plain); i++) {
		struct conf_door d = door(plain[i].admission);
		struct conf_guest g = { .kind = (enum conf_kind)plain[i].kind,
			                .invited = (enum confinfo_role)plain[i].invited };
		enum c3p_reason why = C3P_NO_REASON;
		EQ(conf_admit(&d, &g, &why), plain[i].want);
		OK(plain[i].want == IN || why == C3P_NOT_AUTHORIZED);
		/* With a lobby the same people wait, if their client can. */
		d.lobby = true;
		EQ(conf_admit(&d, &g, &why), plain[i].want);
		g.can_wait = true;
		EQ(conf_admit(&d, &g, &why), plain[i].want == IN ? IN : WAIT);
	}
}

static void a_lock_keeps_all_out_but_the_organizer_and_those_inside(void)
{
	/* clang-format off */
	static const struct {
		struct conf_guest g;
		bool lobby;
		int want;
	} rows[] = {
		{ { .kind = CONF_COMPANY },                                        false, NO },
		{ { .kind = CONF_COMPANY, .invited = CONFINFO_PRESENTER },         false, NO },
		{ { .kind = CONF_COMPANY, .is_organizer = true },                  false, IN },
		{ { .kind = CONF_COMPANY, .is_inside = true },                     false, IN },
		{ { .kind = CONF_COMPANY, .can_wait = true },                      false, NO },
		{ { .kind = CONF_COMPANY, .can_wait = true },                      true,  WAIT },
		{ { .kind = CONF_COMPANY },                                        true,  NO },
	};
	/* clang-format on */
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct conf_door d = door(ANY);
		enum c3p_reason why = C3P_NO_REASON;
		d.locked = true;
		d.lobby = rows[i].lobby;
		EQ(conf_admit(&d, &rows[i].g, &why), rows[i].want);
		OK(rows[i].want != NO || why == C3P_CONFERENCE_LOCKED);
	}
}

static void a_full_conference_takes_nobody_more(void)
{
	struct conf_door d = door(ANY);
	struct conf_guest g = { .kind = CONF_COMPANY, .can_wait = true };
	enum c3p_reason why;
	d.is_full = d.lobby = true;
	EQ(conf_admit(&d, &g, &why), NO);
	EQ(why, C3P_MAX_SIZE);
	g.is_inside = true; /* with another endpoint */
	EQ(conf_admit(&d, &g, &why), IN);
	d = door(CLOSED);
	g.is_inside = false;
	d.lobby = d.lobby_is_full = true;
	EQ(conf_admit(&d, &g, &why), NO);
	EQ(why, C3P_MAX_SIZE);
	g.is_waiting = true;
	EQ(conf_admit(&d, &g, &why), WAIT);
}

static void anonymous_people_come_only_where_the_server_lets_them(void)
{
	struct conf_door d = door(ANY);
	struct conf_guest g = { .kind = CONF_ANONYMOUS, .can_wait = true };
	enum c3p_reason why;
	d.anonymous = false;
	d.lobby = true;
	EQ(conf_admit(&d, &g, &why), NO);
	EQ(why, C3P_ANONYMOUS_NOT_ALLOWED);
}

static void roles_follow_organizer_invitation_and_policy(void)
{
	/* clang-format off */
	static const struct {
		enum confinfo_promote promote;
		struct conf_guest g;
		int want;
	} rows[] = {
		{ CONFINFO_PROMOTE_NOBODY,   { .kind = CONF_COMPANY, .is_organizer = true }, PRES },
		{ CONFINFO_PROMOTE_NOBODY,   { .kind = CONF_COMPANY },                       ATT },
		{ CONFINFO_PROMOTE_NOBODY,   { .kind = CONF_FEDERATED, .invited = CONFINFO_PRESENTER }, PRES },
		{ CONFINFO_PROMOTE_COMPANY,  { .kind = CONF_COMPANY },                       PRES },
		{ CONFINFO_PROMOTE_COMPANY,  { .kind = CONF_FEDERATED },                     ATT },
		{ CONFINFO_PROMOTE_COMPANY,  { .kind = CONF_ANONYMOUS },                     ATT },
		{ CONFINFO_PROMOTE_COMPANY,  { .kind = CONF_COMPANY, .invited = CONFINFO_ATTENDEE }, ATT },
		{ CONFINFO_PROMOTE_EVERYONE, { .kind = CONF_ANONYMOUS },                     PRES },
		{ CONFINFO_PROMOTE_UNSET,    { .kind = CONF_COMPANY },                       ATT },
	};
	/* clang-format on */
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct conf_door d = { .promote = rows[i].promote };
		EQ(conf_role(&d, &rows[i].g), rows[i].want);
	}
}

int main(void)
{
	RUN(the_policy_lets_in_whom_it_names);
	RUN(a_lock_keeps_all_out_but_the_organizer_and_those_inside);
	RUN(a_full_conference_takes_nobody_more);
	RUN(anonymous_people_come_only_where_the_server_lets_them);
	RUN(roles_follow_organizer_invitation_and_policy);
	return tap_done();
}
