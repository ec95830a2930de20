/* Names of SIP: methods, header fields, reason phrases.  Tables, looked up without allocation. */
#pragma once

#include "base/str.h"

enum sip_method {
	SIP_OTHER_METHOD,
	SIP_ACK,
	SIP_BENOTIFY,
	SIP_BYE,
	SIP_CANCEL,
	SIP_INFO,
	SIP_INVITE,
	SIP_MESSAGE,
	SIP_NOTIFY,
	SIP_OPTIONS,
	SIP_PRACK,
	SIP_PUBLISH,
	SIP_REFER,
	SIP_REGISTER,
	SIP_SERVICE,
	SIP_SUBSCRIBE,
	SIP_UPDATE,
	SIP_N_METHODS,
};

/* Header fields that some layer looks at.  Others are SIP_H_OTHER and travel untouched. */
enum sip_hdr_id {
	SIP_H_OTHER,
	SIP_H_ACCEPT,
	SIP_H_ALLOW,
	SIP_H_ALLOW_EVENTS,
	SIP_H_AUTHENTICATION_INFO,
	SIP_H_AUTHORIZATION,
	SIP_H_CALL_ID,
	SIP_H_CONTACT,
	SIP_H_CONTENT_ENCODING,
	SIP_H_CONTENT_LENGTH,
	SIP_H_CONTENT_TYPE,
	SIP_H_CSEQ,
	SIP_H_DATE,
	SIP_H_DIVERSION,
	SIP_H_ERROR_INFO,
	SIP_H_EVENT,
	SIP_H_EXPIRES,
	SIP_H_FLOW_TIMER,
	SIP_H_FROM,
	SIP_H_HISTORY_INFO,
	SIP_H_IDENTITY,
	SIP_H_IN_REPLY_TO,
	SIP_H_JOIN,
	SIP_H_MAX_BREADTH,
	SIP_H_MAX_FORWARDS,
	SIP_H_MIN_EXPIRES,
	SIP_H_MIN_SE,
	SIP_H_MS_DIAGNOSTICS,
	SIP_H_MS_TEXT_FORMAT,
	SIP_H_P_ACCESS_NETWORK_INFO,
	SIP_H_P_ASSERTED_IDENTITY,
	SIP_H_P_ASSOCIATED_URI,
	SIP_H_P_CHARGING_VECTOR,
	SIP_H_P_PREFERRED_IDENTITY,
	SIP_H_PATH,
	SIP_H_PRIVACY,
	SIP_H_PROXY_AUTHENTICATE,
	SIP_H_PROXY_AUTHENTICATION_INFO,
	SIP_H_PROXY_AUTHORIZATION,
	SIP_H_PROXY_REQUIRE,
	SIP_H_RACK,
	SIP_H_REASON,
	SIP_H_RECORD_ROUTE,
	SIP_H_REFER_TO,
	SIP_H_REFERRED_BY,
	SIP_H_REMOTE_PARTY_ID,
	SIP_H_REPLACES,
	SIP_H_REQUIRE,
	SIP_H_RETRY_AFTER,
	SIP_H_ROUTE,
	SIP_H_RSEQ,
	SIP_H_SAID, /* our own (svc/conversation/said.h) */
	SIP_H_SERVER,
	SIP_H_SERVICE_ROUTE,
	SIP_H_SESSION_EXPIRES,
	SIP_H_SIP_ETAG,
	SIP_H_SIP_IF_MATCH,
	SIP_H_SUBSCRIPTION_STATE,
	SIP_H_SUPPORTED,
	SIP_H_TIMESTAMP,
	SIP_H_TO,
	SIP_H_UNSUPPORTED,
	SIP_H_USER_AGENT,
	SIP_H_VIA,
	SIP_H_WARNING,
	SIP_H_WWW_AUTHENTICATE,
	SIP_H_N_IDS,
};

/* Methods are compared with case (RFC 3261 section 7.1). */
enum sip_method sip_method_of(struct str name);
struct str sip_method_name(enum sip_method m); /* empty for OTHER */
/* Any case, long or compact form (RFC 3261 section 7.3.3, 20; f t i v m l c k s e o u r x j b d a
 * y). */
enum sip_hdr_id sip_hdr_id_of(struct str name);
/* The long form as RFCs write it; empty for OTHER. */
struct str sip_hdr_id_name(enum sip_hdr_id id);
/* The usual reason phrase, "Unknown" if there is none. */
const char *sip_reason(int code);
