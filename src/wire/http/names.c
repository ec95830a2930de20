#include "wire/http/names.h"

/* clang-format off */
const struct charset http_token_chars = {
	CHARSET_DIGITS | CHARSET_ONE('!') | CHARSET_SPAN('#', '\'') | CHARSET_ONE('*') |
		CHARSET_ONE('+') | CHARSET_ONE('-') | CHARSET_ONE('.'),
	CHARSET_LETTERS | CHARSET_ONE('^') | CHARSET_ONE('_') | CHARSET_ONE('`') |
		CHARSET_ONE('|') | CHARSET_ONE('~'),
};

static const struct str methods[HTTP_N_METHODS] = {
	[HTTP_CONNECT] = STR_INIT("CONNECT"),
	[HTTP_DELETE]  = STR_INIT("DELETE"),
	[HTTP_GET]     = STR_INIT("GET"),
	[HTTP_HEAD]    = STR_INIT("HEAD"),
	[HTTP_OPTIONS] = STR_INIT("OPTIONS"),
	[HTTP_PATCH]   = STR_INIT("PATCH"),
	[HTTP_POST]    = STR_INIT("POST"),
	[HTTP_PUT]     = STR_INIT("PUT"),
	[HTTP_TRACE]   = STR_INIT("TRACE"),
};

static const struct str headers[HTTP_H_N_IDS] = {
	[HTTP_H_ACCEPT]            = STR_INIT("Accept"),
	[HTTP_H_ACCEPT_ENCODING]   = STR_INIT("Accept-Encoding"),
	[HTTP_H_ACCEPT_LANGUAGE]   = STR_INIT("Accept-Language"),
	[HTTP_H_AUTHORIZATION]     = STR_INIT("Authorization"),
	[HTTP_H_CONNECTION]        = STR_INIT("Connection"),
	[HTTP_H_CONTENT_ENCODING]  = STR_INIT("Content-Encoding"),
	[HTTP_H_CONTENT_LENGTH]    = STR_INIT("Content-Length"),
	[HTTP_H_CONTENT_TYPE]      = STR_INIT("Content-Type"),
	[HTTP_H_COOKIE]            = STR_INIT("Cookie"),
	[HTTP_H_DATE]              = STR_INIT("Date"),
	[HTTP_H_ETAG]              = STR_INIT("ETag"),
	[HTTP_H_EXPECT]            = STR_INIT("Expect"),
	[HTTP_H_HOST]              = STR_INIT("Host"),
	[HTTP_H_IF_MATCH]          = STR_INIT("If-Match"),
	[HTTP_H_IF_MODIFIED_SINCE] = STR_INIT("If-Modified-Since"),
	[HTTP_H_IF_NONE_MATCH]     = STR_INIT("If-None-Match"),
	[HTTP_H_IF_RANGE]          = STR_INIT("If-Range"),
	[HTTP_H_LAST_MODIFIED]     = STR_INIT("Last-Modified"),
	[HTTP_H_LOCATION]          = STR_INIT("Location"),
	[HTTP_H_ORIGIN]            = STR_INIT("Origin"),
	[HTTP_H_RANGE]             = STR_INIT("Range"),
	[HTTP_H_REFERER]           = STR_INIT("Referer"),
	[HTTP_H_RETRY_AFTER]       = STR_INIT("Retry-After"),
	[HTTP_H_SET_COOKIE]        = STR_INIT("Set-Cookie"),
	[HTTP_H_TE]                = STR_INIT("TE"),
	[HTTP_H_TRAILER]           = STR_INIT("Trailer"),
	[HTTP_H_TRANSFER_ENCODING] = STR_INIT("Transfer-Encoding"),
	[HTTP_H_UPGRADE]           = STR_INIT("Upgrade"),
	[HTTP_H_USER_AGENT]        = STR_INIT("User-Agent"),
	[HTTP_H_WWW_AUTHENTICATE]  = STR_INIT("WWW-Authenticate"),
	[HTTP_H_X_FORWARDED_FOR]   = STR_INIT("X-Forwarded-For"),
	[HTTP_H_X_FORWARDED_PROTO] = STR_INIT("X-Forwarded-Proto"),
};

static const struct {
	unsigned status;
	struct str text;
} reasons[] = {
	{ 200, STR_INIT("OK") }, { 404, STR_INIT("Not Found") },
	{ 100, STR_INIT("Continue") }, { 101, STR_INIT("Switching Protocols") },
	{ 201, STR_INIT("Created") }, { 202, STR_INIT("Accepted") },
	{ 204, STR_INIT("No Content") }, { 205, STR_INIT("Reset Content") },
	{ 206, STR_INIT("Partial Content") },
	{ 300, STR_INIT("Multiple Choices") }, { 301, STR_INIT("Moved Permanently") },
	{ 302, STR_INIT("Found") }, { 303, STR_INIT("See Other") },
	{ 304, STR_INIT("Not Modified") }, { 307, STR_INIT("Temporary Redirect") },
	{ 308, STR_INIT("Permanent Redirect") },
	{ 400, STR_INIT("Bad Request") }, { 401, STR_INIT("Unauthorized") },
	{ 403, STR_INIT("Forbidden") }, { 405, STR_INIT("Method Not Allowed") },
	{ 406, STR_INIT("Not Acceptable") }, { 408, STR_INIT("Request Timeout") },
	{ 409, STR_INIT("Conflict") }, { 410, STR_INIT("Gone") },
	{ 411, STR_INIT("Length Required") }, { 412, STR_INIT("Precondition Failed") },
	{ 413, STR_INIT("Content Too Large") }, { 414, STR_INIT("URI Too Long") },
	{ 415, STR_INIT("Unsupported Media Type") }, { 416, STR_INIT("Range Not Satisfiable") },
	{ 417, STR_INIT("Expectation Failed") }, { 421, STR_INIT("Misdirected Request") },
	{ 422, STR_INIT("Unprocessable Content") }, { 423, STR_INIT("Locked") },
	{ 426, STR_INIT("Upgrade Required") }, { 428, STR_INIT("Precondition Required") },
	{ 429, STR_INIT("Too Many Requests") },
	{ 431, STR_INIT("Request Header Fields Too Large") },
	{ 500, STR_INIT("Internal Server Error") }, { 501, STR_INIT("Not Implemented") },
	{ 502, STR_INIT("Bad Gateway") }, { 503, STR_INIT("Service Unavailable") },
	{ 504, STR_INIT("Gateway Timeout") }, { 505, STR_INIT("HTTP Version Not Supported") },
	{ 507, STR_INIT("Insufficient Storage") },
};
/* clang-format on */

bool http_is_token(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if (!str_in(s.p[i], &http_token_chars))
			return false;
	return s.len > 0;
}

enum http_method http_method_of(struct str name)
{
	for (int m = HTTP_OTHER_METHOD + 1; m < HTTP_N_METHODS; m++)
		if (str_eq(methods[m], name))
			return (enum http_method)m;
	return HTTP_OTHER_METHOD;
}

struct str http_method_name(enum http_method m)
{
	return methods[m].p ? methods[m] : STR("");
}

bool http_is_idempotent(enum http_method m)
{
	return m == HTTP_GET || m == HTTP_HEAD || m == HTTP_PUT || m == HTTP_DELETE ||
	       m == HTTP_OPTIONS;
}

enum http_hdr_id http_hdr_id_of(struct str name)
{
	for (int id = HTTP_H_OTHER + 1; id < HTTP_H_N_IDS; id++)
		if (headers[id].len == name.len &&
		    (headers[id].p[0] | 0x20) == (name.p[0] | 0x20) && str_ieq(headers[id], name))
			return (enum http_hdr_id)id;
	return HTTP_H_OTHER;
}

struct str http_hdr_id_name(enum http_hdr_id id)
{
	return headers[id].p ? headers[id] : STR("");
}

struct str http_reason(unsigned status)
{
	for (size_t i = 0; i < ARRAY_SIZE(reasons); i++)
		if (reasons[i].status == status)
			return reasons[i].text;
	return STR("Unknown");
}
