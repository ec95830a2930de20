#include "svc/user/secrets.h"

#include <errno.h>

#include "base/rd.h"

enum { VERSION = 1 };

static struct str local_part(struct str uri)
{
	struct str local, host;
	(void)str_cut(uri, '@', &local, &host);
	return local;
}

void secrets_derive(struct secrets *ret, struct str uri, struct str realm, struct str password)
{
	const struct str name[] = { [SECRETS_LOCAL] = local_part(uri), [SECRETS_FULL] = uri };
	uint8_t h[DIGEST_HA1_MAX];
	*ret = (struct secrets){ .has_nt = false };
	for (unsigned i = 0; i < SECRETS_N_NAMES; i++) {
		digest_ha1(h, DIGEST_MD5, name[i], realm, password);
		memcpy(ret->md5[i], h, sizeof(ret->md5[i]));
		digest_ha1(h, DIGEST_SHA256, name[i], realm, password);
		memcpy(ret->sha256[i], h, sizeof(ret->sha256[i]));
	}
	wipe(h, sizeof(h));
}

int secrets_name_of(enum secrets_name *ret, struct str username, struct str uri)
{
	if (str_eq(username, uri))
		*ret = SECRETS_FULL;
	else if (str_eq(username, local_part(uri)))
		*ret = SECRETS_LOCAL;
	else
		return -ENOENT;
	return 0;
}

const uint8_t *secrets_ha1(const struct secrets *s, enum digest_alg alg, enum secrets_name name)
{
	return alg == DIGEST_MD5 ? s->md5[name] : s->sha256[name];
}

void secrets_put(struct buf *b, const struct secrets *s)
{
	buf_u8(b, VERSION);
	buf_put(b, s->md5, sizeof(s->md5));
	buf_put(b, s->sha256, sizeof(s->sha256));
	buf_u8(b, s->has_nt);
	buf_put(b, s->nt, sizeof(s->nt));
	buf_str16(b, str_of(s->slow_hash));
}

static void get_fixed(struct rd *r, void *to, size_t n)
{
	struct bytes v = rd_take(r, n);
	if (!r->bad)
		memcpy(to, v.p, n);
}

int secrets_get(struct secrets *ret, struct bytes b)
{
	struct rd r = rd_of(b);
	struct secrets s = { .has_nt = false };
	uint8_t version = rd_u8(&r);
	get_fixed(&r, s.md5, sizeof(s.md5));
	get_fixed(&r, s.sha256, sizeof(s.sha256));
	s.has_nt = rd_u8(&r) == 1;
	get_fixed(&r, s.nt, sizeof(s.nt));
	struct str slow = rd_str16(&r);
	bool bad = r.bad || rd_left(&r) > 0 || version != VERSION || slow.len >= PASSWORD_HASH_MAX;
	if (!bad) {
		memcpy(s.slow_hash, slow.p, slow.len);
		*ret = s;
	}
	secrets_wipe(&s);
	return bad ? -EBADMSG : 0;
}

void secrets_wipe(struct secrets *s)
{
	wipe(s, sizeof(*s));
}
