/* A subscription of a browser, as it is kept and passed on: "https://push.example.net/abc P256DH
 * AUTH", the keys in base64url.
 *
 * The address comes from a browser, and this server will send to it: it is https, and its host is a
 * name with a dot, never an address in whatever form. */
#pragma once

#include "wire/push/push.h"

enum {
	PUSH_URL_MAX = 1024,
	PUSH_HOST_MAX = 253,
	PUSH_SUB_MAX = PUSH_URL_MAX + 1 + 87 + 1 + 22, /* bytes of the text */
};

/* Slices of what was read. */
struct push_sub {
	struct str url, host /* without a dot at its end */, target /* path and query */;
	uint16_t port;
	struct push_to to;
};

/* Reads an address; sets all but `to`.  -EINVAL: it is none that is sent to. */
int push_url_read(struct push_sub *ret, struct str url) MUST_CHECK;
/* Reads the keys as browsers give them, with padding or without.  -EINVAL. */
int push_keys_read(struct push_to *ret, struct str p256dh, struct str auth) MUST_CHECK;
/* Reads the text; -EINVAL. */
int push_sub_read(struct push_sub *ret, struct str text) MUST_CHECK;
/* Appends the text. */
void push_sub_put(struct buf *b, struct str url, const struct push_to *to);
/* Appends "https://push.example.net", with the port if it is another than 443. */
void push_origin_put(struct buf *b, const struct push_sub *s);
