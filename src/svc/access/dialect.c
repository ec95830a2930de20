#include "svc/access/dialect.h"

#include "wire/sip/uri.h"

struct str dialect_epid(struct str value)
{
	struct sip_addr a;
	struct str epid;
	if (sip_addr_parse(&a, value) < 0 || !sip_param(a.params, STR("epid"), &epid) ||
	    epid.len > DIALECT_EPID_MAX)
		return STR("");
	return epid;
}

static bool is_lync_agent(struct str agent)
{
	static const struct str words[] = { STR_INIT(" Sipe/"), STR_INIT("UCCAPI/"),
		                            STR_INIT("RTC/"), STR_INIT("UCCP/") };
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (str_find(agent, words[i]) >= 0)
			return true;
	return false;
}

enum dialect dialect_of(const struct sip_msg *m)
{
	if (dialect_epid(sip_value(m, SIP_H_FROM)).len > 0 ||
	    sip_has_token(m, SIP_H_SUPPORTED, STR("msrtc-event-categories")) ||
	    is_lync_agent(sip_value(m, SIP_H_USER_AGENT)))
		return DIALECT_LYNC;
	return DIALECT_SIP;
}
