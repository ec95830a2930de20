#include "svc/access/trust.h"

/* clang-format off */
static const uint8_t from_client[SIP_H_N_IDS] = {
	/* Asserted by servers alone (RFC 3325 section 5, RFC 7044, RFC 8224). */
	[SIP_H_P_ASSERTED_IDENTITY]   = 1,
	[SIP_H_REMOTE_PARTY_ID]       = 1,
	[SIP_H_IDENTITY]              = 1,
	[SIP_H_P_ASSOCIATED_URI]      = 1,
	[SIP_H_P_CHARGING_VECTOR]     = 1,
	[SIP_H_HISTORY_INFO]          = 1,
	[SIP_H_DIVERSION]             = 1,
	/* Made by the registrar's side (RFC 3327 section 5.1, RFC 3608 section 6). */
	[SIP_H_PATH]                  = 1,
	[SIP_H_SERVICE_ROUTE]         = 1,
	/* Verified against the sender, then spent. */
	[SIP_H_P_PREFERRED_IDENTITY]  = 1,
	[SIP_H_AUTHORIZATION]         = 1,
	[SIP_H_PROXY_AUTHORIZATION]   = 1,
	[SIP_H_AUTHENTICATION_INFO]   = 1,
};

static const uint8_t from_role[SIP_H_N_IDS] = {
	[SIP_H_OTHER] = 0,
};

static const uint8_t to_client[SIP_H_N_IDS] = {
	[SIP_H_P_CHARGING_VECTOR]     = 1,
	[SIP_H_PATH]                  = 1,
	[SIP_H_AUTHORIZATION]         = 1,
	[SIP_H_PROXY_AUTHORIZATION]   = 1,
};

static const uint8_t to_client_private[SIP_H_N_IDS] = {
	[SIP_H_P_ASSERTED_IDENTITY]   = 1,
	[SIP_H_P_PREFERRED_IDENTITY]  = 1,
	[SIP_H_REMOTE_PARTY_ID]       = 1,
	[SIP_H_P_CHARGING_VECTOR]     = 1,
	[SIP_H_PATH]                  = 1,
	[SIP_H_AUTHORIZATION]         = 1,
	[SIP_H_PROXY_AUTHORIZATION]   = 1,
};

static const uint8_t response[SIP_H_N_IDS] = {
	[SIP_H_AUTHORIZATION]             = 1,
	[SIP_H_PROXY_AUTHORIZATION]       = 1,
	[SIP_H_AUTHENTICATION_INFO]       = 1,
	[SIP_H_PROXY_AUTHENTICATION_INFO] = 1,
	[SIP_H_P_ASSERTED_IDENTITY]       = 1,
};

static const uint8_t *const from_tables[TRUST_N_CLASSES] = {
	[TRUST_CLIENT] = from_client,
	[TRUST_ROLE]   = from_role,
};

static const uint8_t *const to_tables[TRUST_N_CLASSES] = {
	[TRUST_CLIENT] = to_client,
	[TRUST_ROLE]   = from_role,
};
/* clang-format on */

const uint8_t *trust_strip_from(enum trust_class c)
{
	return from_tables[c];
}

const uint8_t *trust_strip_to(enum trust_class c)
{
	return to_tables[c];
}

const uint8_t *trust_strip_private(void)
{
	return to_client_private;
}

const uint8_t *trust_strip_response(void)
{
	return response;
}

void trust_describe(struct buf *b)
{
	for (int id = 1; id < SIP_H_N_IDS; id++) {
		struct str name = sip_hdr_id_name((enum sip_hdr_id)id);
		if (from_client[id])
			buf_printf(b, "%" STR_FMT ": not taken from clients\n", STR_ARG(name));
		if (to_client[id])
			buf_printf(b, "%" STR_FMT ": not sent to clients\n", STR_ARG(name));
	}
}
