#include "svc/access/refusal.h"

/* clang-format off */
static const struct refusal_row rows[REFUSE_N] = {
	[REFUSE_NOTHING]       = { 0, 0, "", "" },
	[REFUSE_BAD_ROUTE]     = { 60001, 400, "", "The Route of the request cannot be read" },
	[REFUSE_FOREIGN_ROUTE] = { 60002, 403, "Foreign Route Refused", "The request names a route that is not this server's" },
	[REFUSE_LOOP]          = { 60003, 482, "", "The request came back to where it had been" },
	[REFUSE_TOO_MANY_HOPS] = { 60004, 483, "", "The request has passed too many servers" },
	[REFUSE_EXTENSION]     = { 60005, 420, "", "The request needs an extension that is not known here" },
	[REFUSE_NO_DIALOG]     = { 60006, 481, "", "The conversation or call is not known any more" },
	[REFUSE_METHOD]        = { 60007, 405, "", "The server does not serve this method" },
	[REFUSE_SERVICE]       = { 60008, 501, "", "The server does not offer this service" },
	[REFUSE_EVENT]         = { 60009, 489, "Event Package Not Served", "The server does not offer this subscription" },
	[REFUSE_SCHEME]        = { 60010, 416, "", "Addresses of this kind cannot be reached from here" },
	[REFUSE_INSECURE]      = { 60016, 403, "SIPS Needs TLS", "The address asks for encryption on the whole way, and this connection has none" },
	[REFUSE_NOT_OWN_FROM]  = { 60011, 403, "From Is Not The Signed-In User", "The sender is not the user who signed in" },
	[REFUSE_BAD_PATH]      = { 60012, 400, "Bad Path", "The registration does not say where it came from" },
	[REFUSE_BAD_BODY]      = { 60014, 400, "", "The body of the request cannot be read" },
	[REFUSE_UNKNOWN_STAGE] = { 60013, 403, "Unknown Stage", "The request was handed over in an unknown way" },
	[REFUSE_NO_RIGHT]      = { 60015, 403, "No Right", "The process that sent the request has no right to it" },
	[REFUSE_PASSWORD]      = { 60020, 403, "Wrong User Name Or Password", "Wrong user name or password" },
	[REFUSE_GUESSING]      = { 60021, 503, "Too Many Failed Sign-Ins", "Too many failed sign-ins; wait a moment and try again" },
	[REFUSE_SIGN_IN_DOWN]  = { 60022, 503, "Sign-In Service Not Available", "The server cannot check passwords at the moment" },
	[REFUSE_BUSY]          = { 60023, 503, "Too Busy", "The server is too busy; try again in a moment" },
	[REFUSE_TURNED_AWAY]   = { 60027, 503, "Too Busy For New Sign-Ins", "The server has no room for new sign-ins; try again in a moment" },
	[REFUSE_NTLM_OFF]      = { 60024, 403, "NTLM Not Allowed", "Signing in with NTLM is switched off on this server" },
	[REFUSE_NTLM_PLAIN]    = { 60025, 403, "Encryption Needed", "Signing in needs an encrypted connection: choose TLS" },
	[REFUSE_NOT_SIGNED_IN] = { 60026, 403, "Not Signed In", "The connection has not signed in" },
	[REFUSE_TICKET]        = { 60028, 403, "Log-In Over", "The log-in has ended: sign in again" },
	[REFUSE_DISABLED]      = { 60050, 403, "", "The account has been disabled" },
	[REFUSE_PASSWORD_CHANGED] = { 60051, 403, "", "The password has been changed: sign in again" },
	[REFUSE_KICKED]        = { 60052, 403, "", "An administrator has signed this device off" },
	[REFUSE_REPLACED]      = { 60053, 403, "", "The account is signed in on too many devices; this one was used longest ago" },
	[REFUSE_DOMAIN]        = { 60030, 403, "Domain Is Not Served Here", "The domain of the address is not served here" },
	[REFUSE_USER]          = { 4005, 404, "User Not Found", "The address does not belong to a user" },
	[REFUSE_NO_ENDPOINT]   = { 60032, 480, "No Endpoint Signed In", "The user is not signed in" },
	[REFUSE_NO_SECURE_ENDPOINT] = { 60038, 480, "No Endpoint Over TLS", "The address asks for encryption on the whole way, and the user is not signed in over TLS" },
	[REFUSE_FLOW]          = { 60039, 430, "", "The connection to the user's device was lost; another one may be tried" },
	[REFUSE_NOT_REACHED]   = { 60033, 480, "No Endpoint Reachable", "The user's devices cannot be reached" },
	[REFUSE_LOST]          = { 60034, 480, "Connection Lost", "The connection to the user's device was lost" },
	[REFUSE_NOT_CONNECTED] = { 60035, 480, "Endpoint Not Connected", "The user's device is not connected" },
	[REFUSE_ACCOUNTS_DOWN] = { 60036, 503, "Accounts Not Available", "The server cannot look users up at the moment" },
	[REFUSE_HOME_DOWN]     = { 60037, 503, "Home Server Not Available", "The user's server is not available at the moment" },
	[REFUSE_MEDIA]         = { 60040, 488, "", "The called device does not take the codecs or the encryption that were offered" },
	[REFUSE_CONTENT]       = { 60041, 415, "", "The recipient's device does not take messages of this kind" },
	[REFUSE_IM_BUSY]       = { 60042, 500, "Too Many Conversations", "Too many conversations are open at the moment, the user's own or all" },
	[REFUSE_KEPT_FULL]     = { 60046, 480, "Not Signed In, Nothing Kept", "The user is not signed in, and no more messages can be kept for her" },
	[REFUSE_LINK]          = { 60047, 606, "", "Messages with links, or with this many of them, are not allowed here" },
	[REFUSE_NO_MESSAGE]    = { 60106, 404, "No Such Message", "The message that was to be changed is not there, or not any more" },
	[REFUSE_NOT_AUTHOR]    = { 60107, 403, "Not The Author", "Only who has written a message can change or delete it" },
	[REFUSE_CHANGES]       = { 60108, 486, "Too Many Changes", "The message has been changed as often as it can be" },
	[REFUSE_FILE]          = { 60048, 606, "", "Files of this kind are not allowed here" },
	[REFUSE_BRIDGE_FULL]   = { 60043, 500, "Media Bridge Full", "The media bridge carries as many calls as it may, of this user or in all" },
	[REFUSE_BRIDGE_DOWN]   = { 60044, 500, "Media Bridge Not Available", "The media bridge of this call is not available at the moment" },
	[REFUSE_NO_BRIDGE]     = { 60045, 488, "", "A Lync client and another device need a media bridge, and none is running here" },
	[REFUSE_CONFLICT]      = { 60070, 409, "", "The data has been changed from another device meanwhile" },
	[REFUSE_NOT_OWN_DATA]  = { 60071, 403, "Not Your Own Data", "Presence and contacts are changed by their own user alone" },
	[REFUSE_NOT_TO_PUBLISH] = { 60072, 403, "Not To Be Published", "Clients cannot publish this category, or into this container" },
	[REFUSE_TOO_MANY_ITEMS] = { 60073, 403, "Too Many Items", "The user has as many publications, contacts, groups or members as are allowed" },
	[REFUSE_TOO_LARGE]     = { 60074, 413, "", "The presence document is larger than is allowed" },
	[REFUSE_TOO_MANY_SUBSCRIPTIONS] = { 60075, 403, "Too Many Subscriptions", "The user has as many subscriptions as are allowed" },
	[REFUSE_INTERVAL]      = { 60076, 423, "", "The time asked for is too short" },
	[REFUSE_NO_SUCH_ITEM]  = { 60077, 404, "", "There is no such contact or group" },
	[REFUSE_DND]           = { 60079, 480, "Do Not Disturb", "The user does not want to be disturbed" },
	[REFUSE_STORE]         = { 60078, 500, "Not Stored", "The server cannot store the change at the moment" },
	[REFUSE_SEARCH_RATE]   = { 60080, 500, "Too Many Searches", "The user has searched too often; try again in a moment" },
	[REFUSE_PAGE_RATE]     = { 60109, 500, "Too Many Pages", "The user has asked too often for what was said before; try again in a moment" },
	[REFUSE_GROUP]         = { 60081, 403, "Distribution Group", "The address stands for a group of people, and each of them has an own one" },
	[REFUSE_NO_CONFERENCE] = { 60090, 404, "Conference Not Found", "There is no such conference, or it has ended" },
	[REFUSE_CONF_CLOSED]   = { 60091, 403, "Not Invited", "The conference admits those alone who were invited" },
	[REFUSE_CONF_LOCKED]   = { 60092, 403, "Conference Locked", "The conference is locked: nobody else is admitted" },
	[REFUSE_CONF_FULL]     = { 60093, 486, "Conference Full", "As many people as are allowed are in the conference, or clients of this user" },
	[REFUSE_CONF_BEHIND]   = { 60105, 503, "Conference Not Ready", "The server does not know yet who is in the conference; try again in a moment" },
	[REFUSE_NOT_INSIDE]    = { 60094, 403, "Not In The Conference", "Only who has joined the conference can write in it" },
	[REFUSE_TOO_MANY_LEGS] = { 60095, 486, "Too Many Clients", "The user is in the conference with as many clients as are allowed" },
	[REFUSE_MESSAGE_TOO_LARGE] = { 60096, 413, "", "The message is larger than is allowed in a conference" },
	/* by BYE */
	[REFUSE_CONF_LEFT]     = { 60097, 403, "", "The user is not in the conference any more" },
	[REFUSE_CONF_EJECTED]  = { 60098, 403, "", "A presenter has removed the user from the conference" },
	[REFUSE_CONF_DENIED]   = { 60099, 403, "", "A presenter has not let the user in from the lobby" },
	[REFUSE_CONF_ENDED]    = { 60100, 403, "", "The conference has been ended" },
	[REFUSE_CONF_IDLE]     = { 60101, 403, "", "The conference has ended: nothing happened in it for long" },
	[REFUSE_LEG_SLOW]      = { 60102, 403, "", "The device was too slow to take what is written in the conference" },
	[REFUSE_TEXT_ONLY]     = { 60103, 488, "", "The conference has text alone, no sound and no picture" },
	[REFUSE_OUT_OF_ORDER]  = { 60104, 500, "Out Of Order", "The request is older than one that came before it in the same dialog" },
	[REFUSE_NO_PUBLICATION] = { 60083, 412, "", "The publication to be changed is not known any more" },
	[REFUSE_BODY_TYPE]     = { 60084, 415, "", "The server does not take a body of this kind here" },
	[REFUSE_ACCEPT]        = { 60085, 406, "", "The server has the answer in no form that the client takes" },
	[REFUSE_NO_EVENTLIST]  = { 60086, 421, "", "A subscription to a list needs a client that understands lists" },
};
/* clang-format on */

const struct refusal_row *refusal_row(enum refusal r)
{
	return &rows[r];
}

enum refusal refusal_of_id(uint32_t id)
{
	for (int r = 1; r < REFUSE_N; r++)
		if (rows[r].id == id)
			return (enum refusal)r;
	return REFUSE_NOTHING;
}

void refusal_put_more(struct buf *b, enum refusal r, struct str more, struct str source)
{
	buf_printf(b, "ms-diagnostics: %u;reason=\"%s", rows[r].id, rows[r].reason);
	if (more.len)
		buf_printf(b, " (%" STR_FMT ")", STR_ARG(more));
	buf_printf(b, "\";source=\"%" STR_FMT "\"\r\n", STR_ARG(source));
}

void refusal_put(struct buf *b, enum refusal r, struct str source)
{
	refusal_put_more(b, r, STR(""), source);
}

void refusal_put_client(struct buf *b)
{
	buf_lit(b, "ms-client-diagnostics: 52017;"
	           "reason=\"Encryption levels do not match\"\r\n");
}
