#include "svc/access/dialect.h"

struct str dialect_epid(const struct sip_addr *party)
{
	struct str epid;
	if (!party || !sip_param(party->params, STR("epid"), &epid) || epid.len > DIALECT_EPID_MAX)
		return STR("");
	return epid;
}

static bool is_lync_agent(struct str agent)
{
	static const struct str names[] = { STR_INIT(" Sipe"), STR_INIT("UCCAPI"), STR_INIT("RTC"),
		                            STR_INIT("UCCP") };
	struct str product; /* what stands before a version */
	while (str_cut(agent, '/', &product, &agent))
		for (size_t i = 0; i < ARRAY_SIZE(names); i++)
			if (str_ends(product, names[i]))
				return true;
	return false;
}

enum dialect dialect_of(const struct sip_msg *m)
{
	if (dialect_epid(sip_from(m)).len > 0 ||
	    sip_has_token(m, SIP_H_SUPPORTED, STR("msrtc-event-categories")) ||
	    is_lync_agent(sip_value(m, SIP_H_USER_AGENT)))
		return DIALECT_LYNC;
	return DIALECT_SIP;
}
