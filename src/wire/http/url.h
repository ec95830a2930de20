/* An absolute "https://" URL, as it stands in settings and in documents of other servers. */
#pragma once

#include "base/buf.h"

enum { HTTP_ABSOLUTE_MAX = 2048 };

struct http_url {
	struct str authority; /* "idp.example.test:8443": the value of Host */
	struct str host;      /* without brackets and port */
	uint16_t port;
	struct str path;  /* with its first '/'; "/" if the URL has none */
	struct str query; /* behind the '?'; p NULL if there is none */
};

/* Slices of s.  -EBADMSG: another scheme, a user's name in it, a fragment, a character that belongs
 * in no URI, longer than HTTP_ABSOLUTE_MAX. */
int http_url_parse(struct http_url *ret, struct str s) MUST_CHECK;
