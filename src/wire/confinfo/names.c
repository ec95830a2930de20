#include <errno.h>
#include <time.h>

#include "wire/confinfo/confinfo.h"

/* clang-format off */
static const struct str sessions[CONFINFO_N_SESSIONS] = {
	[CONFINFO_FOCUS]       = STR_INIT("focus"),
	[CONFINFO_CHAT]        = STR_INIT("chat"),
	[CONFINFO_AUDIO_VIDEO] = STR_INIT("audio-video"),
	[CONFINFO_SHARING]     = STR_INIT("applicationsharing"),
	[CONFINFO_MEETING]     = STR_INIT("meeting"),
};
static const struct str roles[CONFINFO_N_ROLES] = {
	[CONFINFO_ATTENDEE]  = STR_INIT("attendee"),
	[CONFINFO_PRESENTER] = STR_INIT("presenter"),
};
static const struct str statuses[CONFINFO_N_STATUSES] = {
	[CONFINFO_CONNECTED]     = STR_INIT("connected"),
	[CONFINFO_DISCONNECTED]  = STR_INIT("disconnected"),
	[CONFINFO_ON_HOLD]       = STR_INIT("on-hold"),
	[CONFINFO_PENDING]       = STR_INIT("pending"),
	[CONFINFO_ALERTING]      = STR_INIT("alerting"),
	[CONFINFO_DIALING_IN]    = STR_INIT("dialing-in"),
	[CONFINFO_DIALING_OUT]   = STR_INIT("dialing-out"),
	[CONFINFO_DISCONNECTING] = STR_INIT("disconnecting"),
	[CONFINFO_MUTED]         = STR_INIT("muted-via-focus"),
};
static const struct str admissions[CONFINFO_N_ADMISSIONS] = {
	[CONFINFO_CLOSED]             = STR_INIT("closedAuthenticated"),
	[CONFINFO_OPEN_AUTHENTICATED] = STR_INIT("openAuthenticated"),
	[CONFINFO_ANONYMOUS]          = STR_INIT("anonymous"),
};
static const struct str states[CONFINFO_N_STATES] = {
	[CONFINFO_FULL]    = STR_INIT("full"),
	[CONFINFO_PARTIAL] = STR_INIT("partial"),
	[CONFINFO_DELETED] = STR_INIT("deleted"),
};
/* clang-format on */

/* Its index, or `none`. */
static unsigned index_of(const struct str *names, unsigned n, struct str name, unsigned none)
{
	for (unsigned i = 0; i < n; i++)
		if (names[i].len > 0 && str_eq(names[i], name))
			return i;
	return none;
}

struct str confinfo_session_name(enum confinfo_session s)
{
	return sessions[s];
}

enum confinfo_session confinfo_session_of(struct str name)
{
	return index_of(sessions, CONFINFO_N_SESSIONS, name, CONFINFO_NO_SESSION);
}

struct str confinfo_role_name(enum confinfo_role r)
{
	return roles[r];
}

enum confinfo_role confinfo_role_of(struct str name)
{
	return index_of(roles, CONFINFO_N_ROLES, name, CONFINFO_NO_ROLE);
}

struct str confinfo_status_name(enum confinfo_status s)
{
	return statuses[s];
}

enum confinfo_status confinfo_status_of(struct str name)
{
	return index_of(statuses, CONFINFO_N_STATUSES, name, CONFINFO_NO_STATUS);
}

struct str confinfo_admission_name(enum confinfo_admission a)
{
	return admissions[a];
}

enum confinfo_admission confinfo_admission_of(struct str name)
{
	return index_of(admissions, CONFINFO_N_ADMISSIONS, name, CONFINFO_NO_ADMISSION);
}

struct str confinfo_state_name(enum confinfo_state s)
{
	return states[s];
}

enum confinfo_state confinfo_state_of(struct str name)
{
	return index_of(states, CONFINFO_N_STATES, name, CONFINFO_N_STATES);
}

/* --- autopromote ---------------------------------------------------------------------- */

/* Bits; the higher includes the lower. */
enum { PROMOTE_COMPANY = 0x8000 };
#define PROMOTE_EVERYONE 0x80000000u

uint32_t confinfo_promote_number(enum confinfo_promote p)
{
	if (p == CONFINFO_PROMOTE_EVERYONE)
		return PROMOTE_EVERYONE;
	return p == CONFINFO_PROMOTE_COMPANY ? PROMOTE_COMPANY : 0;
}

enum confinfo_promote confinfo_promote_of(struct str number)
{
	uint32_t bits;
	if (str_to_u32(number, UINT32_MAX, &bits) < 0)
		return CONFINFO_PROMOTE_UNSET;
	if (bits & PROMOTE_EVERYONE)
		return CONFINFO_PROMOTE_EVERYONE;
	return bits & PROMOTE_COMPANY ? CONFINFO_PROMOTE_COMPANY : CONFINFO_PROMOTE_NOBODY;
}

/* --- time ----------------------------------------------------------------------------- */

enum { YEAR_MIN = 1970, YEAR_MAX = 9999, OFFSET_MAX_H = 14 };
#define TIME_MAX_S 253402300799 /* the last second of YEAR_MAX */

/* Takes n digits off the front, as a number in [min, max], and the byte that follows them unless
 * that is 0. */
static bool take_number(struct str *s, size_t n, uint32_t min, uint32_t max, char then, int *ret)
{
	uint32_t v;
	if (str_to_u32(str_sub(*s, 0, n), max, &v) < 0 || s->len < n || v < min)
		return false;
	*s = str_sub(*s, n, s->len);
	if (then && (s->len == 0 || *s->p != then))
		return false;
	*s = str_sub(*s, then != 0, s->len);
	*ret = (int)v;
	return true;
}

static struct str skip_fraction(struct str s)
{
	size_t n = 1;
	if (s.len < 2 || s.p[0] != '.')
		return s;
	while (n < s.len && s.p[n] >= '0' && s.p[n] <= '9')
		n++;
	return n > 1 ? str_sub(s, n, s.len) : s;
}

/* "", "Z", "+01:00": seconds east of UTC. */
static bool take_offset(struct str s, int64_t *ret)
{
	int h, m, sign = s.len > 0 && s.p[0] == '-' ? -1 : 1;
	*ret = 0;
	if (s.len == 0 || str_eq(s, STR("Z")))
		return true;
	if (s.p[0] != '+' && s.p[0] != '-')
		return false;
	s = str_sub(s, 1, s.len);
	if (!take_number(&s, 2, 0, OFFSET_MAX_H, ':', &h) || !take_number(&s, 2, 0, 59, 0, &m))
		return false;
	*ret = (int64_t)sign * (h * 3600 + m * 60);
	return s.len == 0;
}

int confinfo_time_parse(struct str s, uint64_t *ret)
{
	struct tm tm = { .tm_isdst = 0 };
	int64_t east;
	if (!take_number(&s, 4, YEAR_MIN, YEAR_MAX, '-', &tm.tm_year) ||
	    !take_number(&s, 2, 1, 12, '-', &tm.tm_mon) ||
	    !take_number(&s, 2, 1, 31, 'T', &tm.tm_mday) ||
	    !take_number(&s, 2, 0, 23, ':', &tm.tm_hour) ||
	    !take_number(&s, 2, 0, 59, ':', &tm.tm_min) ||
	    !take_number(&s, 2, 0, 59, 0, &tm.tm_sec) || !take_offset(skip_fraction(s), &east))
		return -EINVAL;
	int day = tm.tm_mday;
	tm.tm_year -= 1900;
	tm.tm_mon -= 1;
	int64_t t = (int64_t)timegm(&tm);
	if (tm.tm_mday != day /* the 30th of February became one of March */ || t - east < 0 ||
	    t - east > TIME_MAX_S)
		return -EINVAL;
	*ret = (uint64_t)(t - east);
	return 0;
}

void confinfo_time_put(struct buf *b, uint64_t time_s)
{
	time_t t = (time_t)time_s;
	struct tm tm;
	if (time_s > TIME_MAX_S || !gmtime_r(&t, &tm))
		b->full = true;
	else
		buf_printf(b, "%04d-%02d-%02dT%02d:%02d:%02dZ", tm.tm_year + 1900, tm.tm_mon + 1,
		           tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
}
