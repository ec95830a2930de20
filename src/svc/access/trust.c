#include "svc/access/trust.h"

#include "wire/sip/compose.h"

/* clang-format off */
#define TRUST_TABLE(X) \
	/* field, from: anonymous, client, server; to: client, server */ \
	/* Who sends: must be who has been authenticated (RFC 3261 section 22, RFC 3325). */ \
	X(FROM, VERIFY, VERIFY, ACCEPT, ACCEPT, ACCEPT) \
	X(P_PREFERRED_IDENTITY, SPEND, SPEND, ACCEPT, ACCEPT, ACCEPT) \
	X(AUTHORIZATION, SPEND, SPEND, ACCEPT, STRIP, ACCEPT) \
	X(PROXY_AUTHORIZATION, SPEND, SPEND, ACCEPT, STRIP, ACCEPT) \
	X(AUTHENTICATION_INFO, STRIP, STRIP, ACCEPT, ACCEPT, ACCEPT) \
	/* Asserted by servers alone (RFC 3325 section 5, RFC 7044, RFC 8224). */ \
	X(P_ASSERTED_IDENTITY, STRIP, REPLACE, VERIFY, ADD, ADD) \
	X(REMOTE_PARTY_ID, STRIP, STRIP, ACCEPT, ACCEPT, ACCEPT) \
	X(IDENTITY, STRIP, STRIP, ACCEPT, ACCEPT, ACCEPT) \
	X(P_ASSOCIATED_URI, STRIP, STRIP, ACCEPT, ACCEPT, ACCEPT) \
	X(P_CHARGING_VECTOR, STRIP, STRIP, ACCEPT, STRIP, ACCEPT) \
	X(HISTORY_INFO, STRIP, STRIP, ACCEPT, ACCEPT, ACCEPT) \
	X(DIVERSION, STRIP, STRIP, ACCEPT, ACCEPT, ACCEPT) \
	/* Made by the registrar's side (RFC 3327 section 5.1, RFC 3608 section 6). */ \
	X(PATH, STRIP, STRIP, VERIFY, STRIP, ADD) \
	X(SERVICE_ROUTE, STRIP, STRIP, ACCEPT, ACCEPT, ACCEPT) \
	/* The text that an INVITE brings: it comes as a MESSAGE again, which homes look at. */ \
	X(MS_TEXT_FORMAT, STRIP, STRIP, STRIP, STRIP, STRIP) \
	/* Where it goes: our own addresses and tokens alone. */ \
	X(ROUTE, VERIFY, VERIFY, VERIFY, ADD, ADD) \
	X(RECORD_ROUTE, ACCEPT, ACCEPT, ACCEPT, ADD, ADD) \
	X(VIA, ADD, ADD, ADD, ADD, ADD) \
	X(MAX_FORWARDS, VERIFY, VERIFY, VERIFY, ADD, ADD)

#define TAKES_OFF(a) ((TRUST_##a) == TRUST_SPEND || (TRUST_##a) == TRUST_STRIP || (TRUST_##a) == TRUST_REPLACE)
#define FROM_ANONYMOUS(h, fa, fc, fr, tc, tr) [SIP_H_##h] = TAKES_OFF(fa),
#define FROM_CLIENT(h, fa, fc, fr, tc, tr)    [SIP_H_##h] = TAKES_OFF(fc),
#define FROM_ROLE(h, fa, fc, fr, tc, tr)      [SIP_H_##h] = TAKES_OFF(fr),
#define TO_CLIENT(h, fa, fc, fr, tc, tr)      [SIP_H_##h] = TAKES_OFF(tc),
#define TO_ROLE(h, fa, fc, fr, tc, tr)        [SIP_H_##h] = TAKES_OFF(tr),

static const uint8_t strip_from[TRUST_N_CLASSES][SIP_H_N_IDS] = {
	[TRUST_ANONYMOUS] = { TRUST_TABLE(FROM_ANONYMOUS) },
	[TRUST_CLIENT]    = { TRUST_TABLE(FROM_CLIENT) },
	[TRUST_ROLE]      = { TRUST_TABLE(FROM_ROLE) },
};

/* Whom we have not authenticated is a client all the same. */
static const uint8_t strip_to[TRUST_N_CLASSES][SIP_H_N_IDS] = {
	[TRUST_ANONYMOUS] = { TRUST_TABLE(TO_CLIENT) },
	[TRUST_CLIENT]    = { TRUST_TABLE(TO_CLIENT) },
	[TRUST_ROLE]      = { TRUST_TABLE(TO_ROLE) },
};

#define ROW(h, fa, fc, fr, tc, tr) [SIP_H_##h] = { { TRUST_##fa, TRUST_##fc, TRUST_##fr }, { TRUST_##tc, TRUST_##tc, TRUST_##tr } },
static const struct {
	uint8_t from[TRUST_N_CLASSES], to[TRUST_N_CLASSES]; /* enum trust_action */
} table[SIP_H_N_IDS] = { TRUST_TABLE(ROW) };
#define IS_ROW(h, fa, fc, fr, tc, tr) [SIP_H_##h] = true,
static const bool is_row[SIP_H_N_IDS] = { TRUST_TABLE(IS_ROW) };

static const uint8_t to_client_private[SIP_H_N_IDS] = {
	[SIP_H_P_ASSERTED_IDENTITY]   = 1,
	[SIP_H_P_PREFERRED_IDENTITY]  = 1,
	[SIP_H_REMOTE_PARTY_ID]       = 1,
	[SIP_H_P_CHARGING_VECTOR]     = 1,
	[SIP_H_PATH]                  = 1,
	[SIP_H_AUTHORIZATION]         = 1,
	[SIP_H_PROXY_AUTHORIZATION]   = 1,
};

#define OF_RESPONSE \
	[SIP_H_AUTHORIZATION]             = 1, \
	[SIP_H_PROXY_AUTHORIZATION]       = 1, \
	[SIP_H_AUTHENTICATION_INFO]       = 1, \
	[SIP_H_PROXY_AUTHENTICATION_INFO] = 1, \
	[SIP_H_P_ASSERTED_IDENTITY]       = 1

static const uint8_t response[SIP_H_N_IDS] = { OF_RESPONSE };
static const uint8_t response_remembered[SIP_H_N_IDS] = { OF_RESPONSE, [SIP_H_SAID] = 1 };
/* The same, and what says which texts it takes. */
static const uint8_t response_to_text[SIP_H_N_IDS] = { OF_RESPONSE, [SIP_H_SUPPORTED] = 1 };
/* clang-format on */

enum trust_action trust_from(enum sip_hdr_id field, enum trust_class c)
{
	return (enum trust_action)table[field].from[c];
}

enum trust_action trust_to(enum sip_hdr_id field, enum trust_class c)
{
	return (enum trust_action)table[field].to[c];
}

const uint8_t *trust_strip_from(enum trust_class c)
{
	return strip_from[c];
}

const uint8_t *trust_strip_to(enum trust_class c)
{
	return strip_to[c];
}

const uint8_t *trust_strip_private(void)
{
	return to_client_private;
}

bool trust_hides_sender(const struct sip_msg *m)
{
	for (const struct sip_hdr *h = sip_first(m, SIP_H_PRIVACY); h; h = sip_next(m, h)) {
		struct str rest = sip_hdr_value(m, h), of_list, one;
		while (sip_list_next(&rest, &of_list)) {
			while (of_list.len > 0) {
				(void)str_cut(of_list, ';', &one, &of_list);
				if (str_ieq(str_trim(one), STR("id")))
					return true;
			}
		}
	}
	return false;
}

const uint8_t *trust_strip_response(void)
{
	return response;
}

const uint8_t *trust_strip_response_remembered(void)
{
	return response_remembered;
}

const uint8_t *trust_strip_text_taken(struct buf *b, const struct sip_msg *resp)
{
	struct str taken = STR("ms-text-format"), one;
	size_t begin = b->len;
	if (!sip_has_token(resp, SIP_H_SUPPORTED, taken))
		return NULL;
	for (const struct sip_hdr *h = sip_first(resp, SIP_H_SUPPORTED); h; h = sip_next(resp, h)) {
		struct str rest = sip_hdr_value(resp, h);
		while (sip_list_next(&rest, &one)) {
			if (str_ieq(one, taken))
				continue;
			buf_str(b, b->len == begin ? STR("Supported: ") : STR(", "));
			buf_str(b, one);
		}
	}
	if (b->len > begin)
		buf_lit(b, "\r\n");
	if (b->full)
		b->len = begin; /* half a line would take in what follows it */
	return response_to_text;
}

static const char *action_name(enum trust_action a)
{
	static const char *const names[] = {
		[TRUST_ACCEPT] = "accept", [TRUST_VERIFY] = "verify", [TRUST_SPEND] = "spend",
		[TRUST_STRIP] = "strip",   [TRUST_ADD] = "add",       [TRUST_REPLACE] = "replace",
	};
	return names[a];
}

void trust_describe(struct buf *b)
{
	const char *before = "[";
	for (int i = 1; i < SIP_H_N_IDS; i++) {
		enum sip_hdr_id id = (enum sip_hdr_id)i;
		if (!is_row[i])
			continue;
		buf_printf(b, "%s{\"field\":\"%" STR_FMT "\",", before,
		           STR_ARG(sip_hdr_id_name(id)));
		buf_printf(b, "\"from_anonymous\":\"%s\",\"from_client\":\"%s\",",
		           action_name(trust_from(id, TRUST_ANONYMOUS)),
		           action_name(trust_from(id, TRUST_CLIENT)));
		buf_printf(b, "\"from_server\":\"%s\",\"to_client\":\"%s\",\"to_server\":\"%s\"}",
		           action_name(trust_from(id, TRUST_ROLE)),
		           action_name(trust_to(id, TRUST_CLIENT)),
		           action_name(trust_to(id, TRUST_ROLE)));
		before = ",";
	}
	buf_char(b, ']');
}
