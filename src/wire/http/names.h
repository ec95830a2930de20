/* Names of HTTP: methods, header fields, reason phrases.  Tables, looked up without allocation. */
#pragma once

#include "base/str.h"

enum http_method {
	HTTP_OTHER_METHOD,
	HTTP_CONNECT,
	HTTP_DELETE,
	HTTP_GET,
	HTTP_HEAD,
	HTTP_OPTIONS,
	HTTP_PATCH,
	HTTP_POST,
	HTTP_PUT,
	HTTP_TRACE,
	HTTP_N_METHODS,
};

/* Header fields that some layer looks at; others are HTTP_H_OTHER and found by name. */
enum http_hdr_id {
	HTTP_H_OTHER,
	HTTP_H_ACCEPT,
	HTTP_H_ACCEPT_ENCODING,
	HTTP_H_ACCEPT_LANGUAGE,
	HTTP_H_AUTHORIZATION,
	HTTP_H_CONNECTION,
	HTTP_H_CONTENT_ENCODING,
	HTTP_H_CONTENT_LENGTH,
	HTTP_H_CONTENT_TYPE,
	HTTP_H_COOKIE,
	HTTP_H_DATE,
	HTTP_H_ETAG,
	HTTP_H_EXPECT,
	HTTP_H_HOST,
	HTTP_H_IF_MATCH,
	HTTP_H_IF_MODIFIED_SINCE,
	HTTP_H_IF_NONE_MATCH,
	HTTP_H_IF_RANGE,
	HTTP_H_LAST_MODIFIED,
	HTTP_H_LOCATION,
	HTTP_H_ORIGIN,
	HTTP_H_RANGE,
	HTTP_H_REFERER,
	HTTP_H_RETRY_AFTER,
	HTTP_H_SET_COOKIE,
	HTTP_H_TE,
	HTTP_H_TRAILER,
	HTTP_H_TRANSFER_ENCODING,
	HTTP_H_UPGRADE,
	HTTP_H_USER_AGENT,
	HTTP_H_WWW_AUTHENTICATE,
	HTTP_H_X_FORWARDED_FOR,
	HTTP_H_X_FORWARDED_PROTO,
	HTTP_H_N_IDS,
};

/* A character of a token (RFC 9110 section 5.6.2). */
extern const struct charset http_token_chars;
bool http_is_token(struct str s);

/* Methods are compared with case (RFC 9110 section 9.1). */
enum http_method http_method_of(struct str name);
struct str http_method_name(enum http_method m); /* empty for OTHER */
/* May be sent again when it is not known whether it arrived (RFC 9110 section 9.2.2). */
bool http_is_idempotent(enum http_method m);
/* Any case. */
enum http_hdr_id http_hdr_id_of(struct str name);
/* As RFCs write it; empty for OTHER. */
struct str http_hdr_id_name(enum http_hdr_id id);
/* The usual reason phrase; "Unknown" if there is none. */
struct str http_reason(unsigned status);
