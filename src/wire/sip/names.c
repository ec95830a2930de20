#include "wire/sip/names.h"

/* clang-format off */
static const struct str methods[SIP_N_METHODS] = {
	[SIP_ACK]       = STR_INIT("ACK"),
	[SIP_BENOTIFY]  = STR_INIT("BENOTIFY"),
	[SIP_BYE]       = STR_INIT("BYE"),
	[SIP_CANCEL]    = STR_INIT("CANCEL"),
	[SIP_INFO]      = STR_INIT("INFO"),
	[SIP_INVITE]    = STR_INIT("INVITE"),
	[SIP_MESSAGE]   = STR_INIT("MESSAGE"),
	[SIP_NOTIFY]    = STR_INIT("NOTIFY"),
	[SIP_OPTIONS]   = STR_INIT("OPTIONS"),
	[SIP_PRACK]     = STR_INIT("PRACK"),
	[SIP_PUBLISH]   = STR_INIT("PUBLISH"),
	[SIP_REFER]     = STR_INIT("REFER"),
	[SIP_REGISTER]  = STR_INIT("REGISTER"),
	[SIP_SERVICE]   = STR_INIT("SERVICE"),
	[SIP_SUBSCRIBE] = STR_INIT("SUBSCRIBE"),
	[SIP_UPDATE]    = STR_INIT("UPDATE"),
};

static const struct {
	struct str name;
	char compact;
} headers[SIP_H_N_IDS] = {
	[SIP_H_ACCEPT]                    = { STR_INIT("Accept"), 0 },
	[SIP_H_ALLOW]                     = { STR_INIT("Allow"), 0 },
	[SIP_H_ALLOW_EVENTS]              = { STR_INIT("Allow-Events"), 'u' },
	[SIP_H_AUTHENTICATION_INFO]       = { STR_INIT("Authentication-Info"), 0 },
	[SIP_H_AUTHORIZATION]             = { STR_INIT("Authorization"), 0 },
	[SIP_H_CALL_ID]                   = { STR_INIT("Call-ID"), 'i' },
	[SIP_H_CONTACT]                   = { STR_INIT("Contact"), 'm' },
	[SIP_H_CONTENT_ENCODING]          = { STR_INIT("Content-Encoding"), 'e' },
	[SIP_H_CONTENT_LENGTH]            = { STR_INIT("Content-Length"), 'l' },
	[SIP_H_CONTENT_TYPE]              = { STR_INIT("Content-Type"), 'c' },
	[SIP_H_CSEQ]                      = { STR_INIT("CSeq"), 0 },
	[SIP_H_DATE]                      = { STR_INIT("Date"), 0 },
	[SIP_H_DIVERSION]                 = { STR_INIT("Diversion"), 0 },
	[SIP_H_ERROR_INFO]                = { STR_INIT("Error-Info"), 0 },
	[SIP_H_EVENT]                     = { STR_INIT("Event"), 'o' },
	[SIP_H_EXPIRES]                   = { STR_INIT("Expires"), 0 },
	[SIP_H_FLOW_TIMER]                = { STR_INIT("Flow-Timer"), 0 },
	[SIP_H_FROM]                      = { STR_INIT("From"), 'f' },
	[SIP_H_HISTORY_INFO]              = { STR_INIT("History-Info"), 0 },
	[SIP_H_IDENTITY]                  = { STR_INIT("Identity"), 'y' },
	[SIP_H_IN_REPLY_TO]               = { STR_INIT("In-Reply-To"), 0 },
	[SIP_H_JOIN]                      = { STR_INIT("Join"), 0 },
	[SIP_H_MAX_BREADTH]               = { STR_INIT("Max-Breadth"), 0 },
	[SIP_H_MAX_FORWARDS]              = { STR_INIT("Max-Forwards"), 0 },
	[SIP_H_MIN_EXPIRES]               = { STR_INIT("Min-Expires"), 0 },
	[SIP_H_MIN_SE]                    = { STR_INIT("Min-SE"), 0 },
	[SIP_H_MS_DIAGNOSTICS]            = { STR_INIT("ms-diagnostics"), 0 },
	[SIP_H_MS_TEXT_FORMAT]            = { STR_INIT("ms-text-format"), 0 },
	[SIP_H_P_ACCESS_NETWORK_INFO]     = { STR_INIT("P-Access-Network-Info"), 0 },
	[SIP_H_P_ASSERTED_IDENTITY]       = { STR_INIT("P-Asserted-Identity"), 0 },
	[SIP_H_P_ASSOCIATED_URI]          = { STR_INIT("P-Associated-URI"), 0 },
	[SIP_H_P_CHARGING_VECTOR]         = { STR_INIT("P-Charging-Vector"), 0 },
	[SIP_H_P_PREFERRED_IDENTITY]      = { STR_INIT("P-Preferred-Identity"), 0 },
	[SIP_H_PATH]                      = { STR_INIT("Path"), 0 },
	[SIP_H_PRIVACY]                   = { STR_INIT("Privacy"), 0 },
	[SIP_H_PROXY_AUTHENTICATE]        = { STR_INIT("Proxy-Authenticate"), 0 },
	[SIP_H_PROXY_AUTHENTICATION_INFO] = { STR_INIT("Proxy-Authentication-Info"), 0 },
	[SIP_H_PROXY_AUTHORIZATION]       = { STR_INIT("Proxy-Authorization"), 0 },
	[SIP_H_PROXY_REQUIRE]             = { STR_INIT("Proxy-Require"), 0 },
	[SIP_H_RACK]                      = { STR_INIT("RAck"), 0 },
	[SIP_H_REASON]                    = { STR_INIT("Reason"), 0 },
	[SIP_H_RECORD_ROUTE]              = { STR_INIT("Record-Route"), 0 },
	[SIP_H_REFER_TO]                  = { STR_INIT("Refer-To"), 'r' },
	[SIP_H_REFERRED_BY]               = { STR_INIT("Referred-By"), 'b' },
	[SIP_H_REMOTE_PARTY_ID]           = { STR_INIT("Remote-Party-ID"), 0 },
	[SIP_H_REPLACES]                  = { STR_INIT("Replaces"), 0 },
	[SIP_H_REQUIRE]                   = { STR_INIT("Require"), 0 },
	[SIP_H_RETRY_AFTER]               = { STR_INIT("Retry-After"), 0 },
	[SIP_H_ROUTE]                     = { STR_INIT("Route"), 0 },
	[SIP_H_RSEQ]                      = { STR_INIT("RSeq"), 0 },
	[SIP_H_SAID]                      = { STR_INIT("Said"), 0 },
	[SIP_H_SERVER]                    = { STR_INIT("Server"), 0 },
	[SIP_H_SERVICE_ROUTE]             = { STR_INIT("Service-Route"), 0 },
	[SIP_H_SESSION_EXPIRES]           = { STR_INIT("Session-Expires"), 'x' },
	[SIP_H_SIP_ETAG]                  = { STR_INIT("SIP-ETag"), 0 },
	[SIP_H_SIP_IF_MATCH]              = { STR_INIT("SIP-If-Match"), 0 },
	[SIP_H_SUBSCRIPTION_STATE]        = { STR_INIT("Subscription-State"), 0 },
	[SIP_H_SUPPORTED]                 = { STR_INIT("Supported"), 'k' },
	[SIP_H_TIMESTAMP]                 = { STR_INIT("Timestamp"), 0 },
	[SIP_H_TO]                        = { STR_INIT("To"), 't' },
	[SIP_H_UNSUPPORTED]               = { STR_INIT("Unsupported"), 0 },
	[SIP_H_USER_AGENT]                = { STR_INIT("User-Agent"), 0 },
	[SIP_H_VIA]                       = { STR_INIT("Via"), 'v' },
	[SIP_H_WARNING]                   = { STR_INIT("Warning"), 0 },
	[SIP_H_WWW_AUTHENTICATE]          = { STR_INIT("WWW-Authenticate"), 0 },
};

static const struct {
	int code;
	const char *reason;
} reasons[] = {
	{ 100, "Trying" }, { 180, "Ringing" }, { 181, "Call Is Being Forwarded" },
	{ 182, "Queued" }, { 183, "Session Progress" }, { 199, "Early Dialog Terminated" },
	{ 200, "OK" }, { 202, "Accepted" }, { 204, "No Notification" },
	{ 300, "Multiple Choices" }, { 301, "Moved Permanently" }, { 302, "Moved Temporarily" },
	{ 305, "Use Proxy" }, { 380, "Alternative Service" },
	{ 400, "Bad Request" }, { 401, "Unauthorized" }, { 402, "Payment Required" },
	{ 403, "Forbidden" }, { 404, "Not Found" }, { 405, "Method Not Allowed" },
	{ 406, "Not Acceptable" }, { 407, "Proxy Authentication Required" },
	{ 408, "Request Timeout" }, { 409, "Conflict" }, { 410, "Gone" },
	{ 412, "Conditional Request Failed" }, { 413, "Request Entity Too Large" },
	{ 414, "Request-URI Too Long" }, { 415, "Unsupported Media Type" },
	{ 416, "Unsupported URI Scheme" }, { 417, "Unknown Resource-Priority" },
	{ 420, "Bad Extension" }, { 421, "Extension Required" },
	{ 422, "Session Interval Too Small" }, { 423, "Interval Too Brief" },
	{ 428, "Use Identity Header" }, { 430, "Flow Failed" }, { 433, "Anonymity Disallowed" },
	{ 439, "First Hop Lacks Outbound Support" }, { 440, "Max-Breadth Exceeded" },
	{ 469, "Bad Info Package" }, { 480, "Temporarily Unavailable" },
	{ 481, "Call/Transaction Does Not Exist" }, { 482, "Loop Detected" },
	{ 483, "Too Many Hops" }, { 484, "Address Incomplete" }, { 485, "Ambiguous" },
	{ 486, "Busy Here" }, { 487, "Request Terminated" }, { 488, "Not Acceptable Here" },
	{ 489, "Bad Event" }, { 491, "Request Pending" }, { 493, "Undecipherable" },
	{ 494, "Security Agreement Required" },
	{ 500, "Server Internal Error" }, { 501, "Not Implemented" }, { 502, "Bad Gateway" },
	{ 503, "Service Unavailable" }, { 504, "Server Time-out" },
	{ 505, "Version Not Supported" }, { 513, "Message Too Large" },
	{ 580, "Precondition Failure" },
	{ 600, "Busy Everywhere" }, { 603, "Decline" }, { 604, "Does Not Exist Anywhere" },
	{ 606, "Not Acceptable" },
};
/* clang-format on */

enum sip_method sip_method_of(struct str name)
{
	for (int m = SIP_OTHER_METHOD + 1; m < SIP_N_METHODS; m++)
		if (methods[m].len == name.len && methods[m].p[0] == name.p[0] &&
		    str_eq(methods[m], name))
			return (enum sip_method)m;
	return SIP_OTHER_METHOD;
}

struct str sip_method_name(enum sip_method m)
{
	return methods[m].p ? methods[m] : STR("");
}

static enum sip_hdr_id compact_id(char c)
{
	for (int id = 1; id < SIP_H_N_IDS; id++)
		if (headers[id].compact && headers[id].compact == (c | 0x20))
			return (enum sip_hdr_id)id;
	return SIP_H_OTHER;
}

/* The names by length and first letter: a row holds the few that share both.  Ids grow with the
 * alphabet, so a letter's names stand together in `headers`. */
enum sip_hdr_id sip_hdr_id_of(struct str name)
{
	/* First id of each letter 'a'..'z', and one past the end. */
	static const uint8_t start[27] = {
		SIP_H_ACCEPT,
		SIP_H_CALL_ID,
		SIP_H_CALL_ID,
		SIP_H_DATE,
		SIP_H_ERROR_INFO,
		SIP_H_FLOW_TIMER,
		SIP_H_HISTORY_INFO,
		SIP_H_HISTORY_INFO,
		SIP_H_IDENTITY,
		SIP_H_JOIN,
		SIP_H_MAX_BREADTH,
		SIP_H_MAX_BREADTH,
		SIP_H_MAX_BREADTH,
		SIP_H_P_ACCESS_NETWORK_INFO,
		SIP_H_P_ACCESS_NETWORK_INFO,
		SIP_H_P_ACCESS_NETWORK_INFO,
		SIP_H_RACK,
		SIP_H_RACK,
		SIP_H_SAID,
		SIP_H_TIMESTAMP,
		SIP_H_UNSUPPORTED,
		SIP_H_VIA,
		SIP_H_WARNING,
		SIP_H_N_IDS,
		SIP_H_N_IDS,
		SIP_H_N_IDS,
		SIP_H_N_IDS,
	};
	if (name.len == 0)
		return SIP_H_OTHER;
	unsigned letter = (unsigned)((name.p[0] | 0x20) - 'a');
	if (letter > 25)
		return SIP_H_OTHER;
	if (name.len == 1)
		return compact_id(name.p[0]);
	for (int id = start[letter]; id < start[letter + 1]; id++)
		if (headers[id].name.len == name.len && str_ieq(headers[id].name, name))
			return (enum sip_hdr_id)id;
	return SIP_H_OTHER;
}

struct str sip_hdr_id_name(enum sip_hdr_id id)
{
	return headers[id].name.p ? headers[id].name : STR("");
}

const char *sip_reason(int code)
{
	for (size_t i = 0; i < ARRAY_SIZE(reasons); i++)
		if (reasons[i].code == code)
			return reasons[i].reason;
	return "Unknown";
}
