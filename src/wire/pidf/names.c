#include "wire/pidf/pidf.h"

/* clang-format off */
static const struct str names[PIDF_N_ACTIVITIES] = {
	[PIDF_APPOINTMENT]       = STR_INIT("appointment"),
	[PIDF_AWAY]              = STR_INIT("away"),
	[PIDF_BREAKFAST]         = STR_INIT("breakfast"),
	[PIDF_BUSY]              = STR_INIT("busy"),
	[PIDF_DINNER]            = STR_INIT("dinner"),
	[PIDF_HOLIDAY]           = STR_INIT("holiday"),
	[PIDF_IN_TRANSIT]        = STR_INIT("in-transit"),
	[PIDF_LOOKING_FOR_WORK]  = STR_INIT("looking-for-work"),
	[PIDF_LUNCH]             = STR_INIT("lunch"),
	[PIDF_MEAL]              = STR_INIT("meal"),
	[PIDF_MEETING]           = STR_INIT("meeting"),
	[PIDF_ON_THE_PHONE]      = STR_INIT("on-the-phone"),
	[PIDF_PERFORMANCE]       = STR_INIT("performance"),
	[PIDF_PERMANENT_ABSENCE] = STR_INIT("permanent-absence"),
	[PIDF_PLAYING]           = STR_INIT("playing"),
	[PIDF_PRESENTATION]      = STR_INIT("presentation"),
	[PIDF_SHOPPING]          = STR_INIT("shopping"),
	[PIDF_SLEEPING]          = STR_INIT("sleeping"),
	[PIDF_SPECTATOR]         = STR_INIT("spectator"),
	[PIDF_STEERING]          = STR_INIT("steering"),
	[PIDF_TRAVEL]            = STR_INIT("travel"),
	[PIDF_TV]                = STR_INIT("tv"),
	[PIDF_UNKNOWN]           = STR_INIT("unknown"),
	[PIDF_VACATION]          = STR_INIT("vacation"),
	[PIDF_WORKING]           = STR_INIT("working"),
	[PIDF_WORSHIP]           = STR_INIT("worship"),
	[PIDF_OTHER]             = STR_INIT("other"),
};
/* clang-format on */

struct str pidf_activity_name(enum pidf_activity activity)
{
	return names[activity];
}

uint32_t pidf_activity_bit(struct str name)
{
	for (unsigned i = 0; i < PIDF_N_ACTIVITIES; i++)
		if (str_ieq(names[i], name))
			return PIDF_BIT(i);
	return 0;
}
