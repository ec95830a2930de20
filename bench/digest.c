#include "digest.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>

#include "sipmsg.h"

enum { HEX_LEN = 32 };

struct digest {
	EVP_MD *md5;
	EVP_MD_CTX *ctx;
	char cnonce[17];
};

struct digest *digest_new(void)
{
	struct digest *d = xalloc(1, sizeof(*d));
	d->md5 = EVP_MD_fetch(NULL, "MD5", NULL);
	d->ctx = EVP_MD_CTX_new();
	if (!d->md5 || !d->ctx)
		die("this OpenSSL has no MD5");
	(void)snprintf(d->cnonce, sizeof(d->cnonce), "%016llx",
	               (unsigned long long)now_usec() * 2654435761ull);
	return d;
}

void digest_free(struct digest **dp)
{
	if (*dp) {
		EVP_MD_CTX_free((*dp)->ctx);
		EVP_MD_free((*dp)->md5);
	}
	free(*dp);
	*dp = NULL;
}

/* The parts joined by colons, hashed, as 32 hexadecimal digits. */
static void hash(struct digest *d, char *ret, const struct str *part, size_t n_parts)
{
	uint8_t raw[EVP_MAX_MD_SIZE];
	if (!EVP_DigestInit_ex2(d->ctx, d->md5, NULL))
		die("MD5 failed");
	for (size_t i = 0; i < n_parts; i++) {
		if (i > 0)
			(void)EVP_DigestUpdate(d->ctx, ":", 1);
		(void)EVP_DigestUpdate(d->ctx, part[i].p, part[i].n);
	}
	(void)EVP_DigestFinal_ex(d->ctx, raw, NULL);
	for (size_t i = 0; i < HEX_LEN / 2; i++) {
		ret[2 * i] = "0123456789abcdef"[raw[i] >> 4];
		ret[2 * i + 1] = "0123456789abcdef"[raw[i] & 15];
	}
	ret[HEX_LEN] = '\0';
}

void digest_cred_free(struct digest_cred *c)
{
	free(c->realm);
	free(c->nonce);
	free(c->opaque);
	*c = (struct digest_cred){ 0 };
}

static bool has_auth(struct str list)
{
	struct str one;
	while (sip_element(&list, &one))
		if (str_ieq(one, STR("auth")))
			return true;
	return false;
}

struct challenge {
	struct str realm, nonce, opaque, algorithm, qop, stale;
};

static void read_param(struct challenge *ch, struct str param)
{
	struct str name = str_trim(str_cut(&param, '=')), value = sip_unquote(str_trim(param));
	struct {
		const char *name;
		struct str *to;
	} known[] = {
		{ "realm", &ch->realm },         { "nonce", &ch->nonce }, { "opaque", &ch->opaque },
		{ "algorithm", &ch->algorithm }, { "qop", &ch->qop },     { "stale", &ch->stale },
	};
	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (str_ieq(name, str_of(known[i].name)))
			*known[i].to = value;
}

int digest_challenge(struct digest_cred *c, struct str value)
{
	struct challenge ch = { 0 };
	struct str scheme = str_cut(&value, ' '), param;
	if (!str_ieq(scheme, STR("Digest")))
		return -ENOTSUP;
	while (sip_element(&value, &param))
		read_param(&ch, param);
	if (ch.algorithm.n > 0 && !str_ieq(ch.algorithm, STR("MD5")))
		return -ENOTSUP;
	if (!ch.realm.p || ch.nonce.n == 0)
		return -EBADMSG;
	digest_cred_free(c);
	c->realm = str_dup(ch.realm);
	c->nonce = str_dup(ch.nonce);
	c->opaque = ch.opaque.p ? str_dup(ch.opaque) : NULL;
	c->qop_auth = has_auth(ch.qop);
	c->stale = str_ieq(ch.stale, STR("true"));
	return 0;
}

void digest_set_user(struct digest *d, struct digest_cred *c, struct str user, struct str password)
{
	struct str part[] = { user, str_of(c->realm), password };
	hash(d, c->ha1, part, 3);
}

static void respond(struct digest *d, char *ret, const struct digest_cred *c, const char *nc,
                    const char *ha2)
{
	if (c->qop_auth) {
		struct str part[] = { str_of(c->ha1),    str_of(c->nonce), str_of(nc),
			              str_of(d->cnonce), STR("auth"),      str_of(ha2) };
		hash(d, ret, part, 6);
	} else {
		struct str part[] = { str_of(c->ha1), str_of(c->nonce), str_of(ha2) };
		hash(d, ret, part, 3);
	}
}

static void out_quoted(struct out *o, struct str lead, struct str value)
{
	out_str(o, lead);
	out_str(o, value);
	out_lit(o, "\"");
}

void digest_write(struct digest *d, struct out *o, struct digest_cred *c, struct str user,
                  struct str method, struct str uri)
{
	char ha2[HEX_LEN + 1], response[HEX_LEN + 1], nc[9];
	struct str part[] = { method, uri };
	hash(d, ha2, part, 2);
	c->nc++;
	for (unsigned i = 0; i < 8; i++)
		nc[i] = "0123456789abcdef"[c->nc >> (28 - 4 * i) & 15];
	nc[8] = '\0';
	respond(d, response, c, nc, ha2);

	out_quoted(o, STR("Digest username=\""), user);
	out_quoted(o, STR(", realm=\""), str_of(c->realm));
	out_quoted(o, STR(", nonce=\""), str_of(c->nonce));
	out_quoted(o, STR(", uri=\""), uri);
	out_quoted(o, STR(", response=\""), str_of(response));
	out_lit(o, ", algorithm=MD5");
	if (c->opaque)
		out_quoted(o, STR(", opaque=\""), str_of(c->opaque));
	if (c->qop_auth) {
		out_quoted(o, STR(", cnonce=\""), str_of(d->cnonce));
		out_lit(o, ", qop=auth, nc=");
		out_str(o, str_of(nc));
	}
}
