#include "auth/digest.h"

#include <assert.h>
#include <endian.h>
#include <errno.h>
#include <stdlib.h>

#include <openssl/sha.h>

#include "auth/md5.h"
#include "base/code.h"
#include "base/hash.h"
#include "base/rand.h"
#include "base/rd.h"
#include "wire/sip/uri.h"

/* A nonce: seconds, maker, serial, authenticator; NONCE_LEN bytes as base64url text. */
enum { NONCE_LEN = 24, NONCE_MAC_AT = 16, NONCE_TEXT_LEN = 32 };
enum { POOL_KEY_LEN = 32, NC_DIGITS = 8, BLOB_VERSION = 1 };
/* What a client may be ahead of the clock of this host (nonces of other hosts). */
enum { CLOCK_SLACK_S = 60 };
/* The longest hashed text: method or user name, URI, password, and the colons. */
enum { TEXT_MAX = 4096 };

struct use {
	uint64_t serial; /* 0: never used */
	uint64_t seen;   /* bit i: nc_max - i was used */
	uint32_t nc_max;
};

struct digest {
	struct hash_key key;
	uint32_t maker; /* random: this process in this life */
	uint64_t serial;
	struct str realm;
	char *start;     /* "Digest realm=\"...\", nonce=\"" */
	struct use *use; /* DIGEST_NC_TABLE_MAX, by serial */
};

/* --- hashing ------------------------------------------------------------------------- */

/* A text that is put together on the stack and hashed at once. */
struct text {
	size_t len;
	char p[TEXT_MAX];
};

/* Every part is within the limits of digest_parse(), so that the sum fits. */
static inline void add(struct text *t, struct str s)
{
	assert(s.len <= TEXT_MAX - t->len);
	if (s.len > 0)
		memcpy(t->p + t->len, s.p, s.len);
	t->len += s.len;
}

static inline void add_colon(struct text *t)
{
	add(t, STR(":"));
}

size_t digest_ha1_len(enum digest_alg alg)
{
	return alg == DIGEST_MD5 ? MD5_LEN : SHA256_DIGEST_LENGTH;
}

static void hash(uint8_t ret[DIGEST_HA1_MAX], enum digest_alg alg, const void *p, size_t n)
{
	if (alg == DIGEST_MD5)
		md5(ret, p, n);
	else
		(void)SHA256(p, n, ret);
}

static size_t put_hex(char *ret, const uint8_t *p, size_t n)
{
	static const char digits[] = "0123456789abcdef";
	for (size_t i = 0; i < n; i++) {
		ret[2 * i] = digits[p[i] >> 4];
		ret[2 * i + 1] = digits[p[i] & 15];
	}
	return 2 * n;
}

void digest_ha1(uint8_t ret[DIGEST_HA1_MAX], enum digest_alg alg, struct str user, struct str realm,
                struct str password)
{
	struct text t __attribute__((uninitialized));
	t.len = 0;
	add(&t, user);
	add_colon(&t);
	add(&t, realm);
	add_colon(&t);
	add(&t, password);
	hash(ret, alg, t.p, t.len);
	wipe(t.p, t.len);
}

static bool is_auth_int(const struct digest_creds *c)
{
	return str_ieq(c->qop, STR("auth-int"));
}

void digest_ha2(char ret_hex[DIGEST_HEX_MAX], const struct digest_creds *c, struct str method,
                struct str body)
{
	struct text t __attribute__((uninitialized));
	uint8_t h[DIGEST_HA1_MAX] __attribute__((uninitialized));
	t.len = 0;
	add(&t, str_sub(method, 0, DIGEST_VALUE_MAX));
	add_colon(&t);
	add(&t, c->uri);
	if (is_auth_int(c)) {
		add_colon(&t);
		hash(h, c->alg, body.p, body.len);
		t.len += put_hex(t.p + t.len, h, digest_ha1_len(c->alg));
	}
	hash(h, c->alg, t.p, t.len);
	(void)put_hex(ret_hex, h, digest_ha1_len(c->alg));
}

static void respond(uint8_t ret[DIGEST_HA1_MAX], const struct digest_creds *c, const char *ha2_hex,
                    const uint8_t *ha1)
{
	struct text t __attribute__((uninitialized));
	size_t n = digest_ha1_len(c->alg);
	t.len = put_hex(t.p, ha1, n);
	add_colon(&t);
	add(&t, c->nonce);
	add_colon(&t);
	if (c->qop.len > 0) {
		add(&t, c->nc);
		add_colon(&t);
		add(&t, c->cnonce);
		add_colon(&t);
		add(&t, c->qop);
		add_colon(&t);
	}
	add(&t, str_n(ha2_hex, 2 * n));
	hash(ret, c->alg, t.p, t.len);
}

void digest_response(char ret_hex[DIGEST_HEX_MAX], size_t *ret_len, const struct digest_creds *c,
                     struct str method, const uint8_t *ha1, struct str body)
{
	char ha2[DIGEST_HEX_MAX];
	uint8_t h[DIGEST_HA1_MAX];
	digest_ha2(ha2, c, method, body);
	respond(h, c, ha2, ha1);
	*ret_len = put_hex(ret_hex, h, digest_ha1_len(c->alg));
}

bool digest_proves_ha2(const struct digest_creds *c, const char *ha2_hex, const uint8_t *ha1)
{
	uint8_t want[DIGEST_HA1_MAX], got[DIGEST_HA1_MAX];
	size_t n = digest_ha1_len(c->alg);
	respond(want, c, ha2_hex, ha1);
	if (hex_get(c->response, got, n) < 0)
		return false;
	return same_secret(want, got, n);
}

bool digest_proves(const struct digest_creds *c, struct str method, struct str body,
                   const uint8_t *ha1)
{
	char ha2[DIGEST_HEX_MAX];
	digest_ha2(ha2, c, method, body);
	return digest_proves_ha2(c, ha2, ha1);
}

/* --- reading a field ----------------------------------------------------------------- */

static struct str read_token(struct scan *sc)
{
	const char *from = sc->p;
	while (sc->p < sc->end && sip_is_token_char(*sc->p))
		sc->p++;
	return str_n(from, (size_t)(sc->p - from));
}

/* What stands between the quotes; the cursor is behind the first one.  False if it never ends. */
static bool read_quoted(struct scan *sc, struct str *ret)
{
	const char *from = sc->p, *p = from, *quote, *slash;
	while ((quote = memchr(p, '"', (size_t)(sc->end - p))) != NULL &&
	       (slash = memchr(p, '\\', (size_t)(quote - p))) != NULL)
		p = MIN(slash + 2, sc->end); /* the byte behind it is what it is */
	if (!quote)
		return false;
	*ret = str_n(from, (size_t)(quote - from));
	sc->p = quote + 1;
	return true;
}

/* Bare values end at a comma or blank: clients write more than tokens there. */
static bool read_value(struct scan *sc, struct str *ret)
{
	static const struct charset ends = { CHARSET_ONE(',') | CHARSET_ONE(' ') |
		                                     CHARSET_ONE('\t') | CHARSET_ONE('\r') |
		                                     CHARSET_ONE('\n') | CHARSET_ONE('"'),
		                             0 };
	if (scan_char(sc, '"'))
		return read_quoted(sc, ret);
	const char *from = sc->p;
	while (sc->p < sc->end && !str_in(*sc->p, &ends))
		sc->p++;
	*ret = str_n(from, (size_t)(sc->p - from));
	return true;
}

/* "name = value" up to and with the comma. */
static bool read_param(struct scan *sc, struct str *ret_name, struct str *ret_value)
{
	scan_blanks(sc);
	*ret_name = read_token(sc);
	scan_blanks(sc);
	if (ret_name->len == 0 || !scan_char(sc, '='))
		return false;
	scan_blanks(sc);
	if (!read_value(sc, ret_value))
		return false;
	scan_blanks(sc);
	return scan_char(sc, ',') || sc->p == sc->end;
}

/* clang-format off */
static const struct param {
	struct str name;
	size_t at;
	size_t max;
} params[] = {
	{ STR_INIT("username"), offsetof(struct digest_creds, username), DIGEST_VALUE_MAX },
	{ STR_INIT("realm"),    offsetof(struct digest_creds, realm),    DIGEST_VALUE_MAX },
	{ STR_INIT("nonce"),    offsetof(struct digest_creds, nonce),    DIGEST_VALUE_MAX },
	{ STR_INIT("uri"),      offsetof(struct digest_creds, uri),      DIGEST_URI_MAX },
	{ STR_INIT("response"), offsetof(struct digest_creds, response), DIGEST_HEX_MAX },
	{ STR_INIT("cnonce"),   offsetof(struct digest_creds, cnonce),   DIGEST_VALUE_MAX },
	{ STR_INIT("opaque"),   offsetof(struct digest_creds, opaque),   DIGEST_VALUE_MAX },
	{ STR_INIT("nc"),       offsetof(struct digest_creds, nc),       NC_DIGITS },
	{ STR_INIT("qop"),      offsetof(struct digest_creds, qop),      DIGEST_VALUE_MAX },
};
/* clang-format on */

static int set_alg(struct digest_creds *c, struct str value)
{
	if (str_ieq(value, STR("MD5")))
		c->alg = DIGEST_MD5;
	else if (str_ieq(value, STR("SHA-256")))
		c->alg = DIGEST_SHA256;
	else
		return -ENOTSUP;
	return 0;
}

/* Twice the same parameter: who reads which one would be a matter of luck. */
static int set_param(struct digest_creds *c, struct str name, struct str value)
{
	if (str_ieq(name, STR("algorithm")))
		return set_alg(c, value);
	for (size_t i = 0; i < ARRAY_SIZE(params); i++) {
		if (name.len != params[i].name.len || !str_ieq(name, params[i].name))
			continue;
		struct str *to = (struct str *)(void *)((char *)c + params[i].at);
		if (to->p || value.len > params[i].max)
			return -EBADMSG;
		*to = value;
		return 0;
	}
	return 0;
}

/* What belongs together (RFC 7616, section 3.4). */
static int check_creds(struct digest_creds *c)
{
	uint8_t nc[NC_DIGITS / 2];
	if (!c->username.p || !c->realm.p || !c->nonce.p || !c->uri.p ||
	    c->response.len != 2 * digest_ha1_len(c->alg))
		return -EBADMSG;
	if (c->qop.len == 0) {
		c->nc_value = 0;
		return 0;
	}
	if (!str_ieq(c->qop, STR("auth")) && !is_auth_int(c))
		return -ENOTSUP;
	if (hex_get(c->nc, nc, sizeof(nc)) < 0 || c->cnonce.len == 0)
		return -EBADMSG;
	c->nc_value = (uint32_t)nc[0] << 24 | (uint32_t)nc[1] << 16 | (uint32_t)nc[2] << 8 | nc[3];
	return c->nc_value == 0 ? -EBADMSG : 0;
}

int digest_parse(struct digest_creds *ret, struct str header_value)
{
	struct digest_creds c = { .alg = DIGEST_MD5 };
	struct str scheme, left;
	if (header_value.len > DIGEST_HEADER_MAX || !str_cut(header_value, ' ', &scheme, &left) ||
	    !str_ieq(scheme, STR("Digest")))
		return -EBADMSG;

	struct scan sc = scan_of(str_trim(left));
	for (unsigned n = 0; sc.p < sc.end; n++) {
		struct str name, value;
		if (n == DIGEST_PARAMS_MAX || !read_param(&sc, &name, &value))
			return -EBADMSG;
		int r = set_param(&c, name, value);
		if (r < 0)
			return r;
	}
	int r = check_creds(&c);
	if (r == 0)
		*ret = c;
	return r;
}

/* --- nonces -------------------------------------------------------------------------- */

/* The key is the pool's, the realm and a purpose hashed together. */
static struct hash_key derive_key(struct str realm, const uint8_t *pool_key)
{
	struct buf b = buf_of(POOL_KEY_LEN + DIGEST_VALUE_MAX + 32);
	uint8_t h[SHA256_DIGEST_LENGTH];
	struct hash_key key;
	buf_put(&b, pool_key, POOL_KEY_LEN);
	buf_lit(&b, "digest nonce ");
	buf_str(&b, realm);
	(void)SHA256((const uint8_t *)b.p, b.len, h);
	memcpy(&key, h, sizeof(key));
	wipe(h, sizeof(h));
	wipe(b.p, b.len);
	buf_free(&b);
	return key;
}

struct digest *digest_new(struct str realm, const uint8_t pool_key[32])
{
	struct digest *d = xnew(struct digest);
	struct buf b = buf_of(2 * DIGEST_VALUE_MAX);
	assert(realm.len <= DIGEST_VALUE_MAX);
	buf_lit(&b, "Digest realm=\"");
	buf_str(&b, realm);
	buf_lit(&b, "\", nonce=\"");
	d->start = str_dup(buf_view(&b));
	buf_free(&b);
	d->realm = str_of(str_dup(realm));
	d->key = derive_key(realm, pool_key);
	rand_bytes(&d->maker, sizeof(d->maker));
	d->use = xcalloc(DIGEST_NC_TABLE_MAX, sizeof(*d->use));
	return d;
}

void digest_free(struct digest **dp)
{
	struct digest *d = take(dp);
	if (!d)
		return;
	wipe(&d->key, sizeof(d->key));
	free(d->use);
	free(d->start);
	free((void *)(uintptr_t)d->realm.p);
	free(d);
}

struct str digest_realm(const struct digest *d)
{
	return d->realm;
}

/* A buffer over fixed memory: appending never allocates. */
static inline struct buf buf_over(void *p, size_t n)
{
	return (struct buf){ .p = p, .cap = n, .max = n };
}

static void make_nonce(struct digest *d, uint8_t ret[NONCE_LEN], usec_t now)
{
	struct buf b = buf_over(ret, NONCE_LEN);
	buf_u32(&b, (uint32_t)(now / USEC_PER_SEC));
	buf_u32(&b, d->maker);
	buf_u64(&b, ++d->serial);
	buf_u64(&b, hash_bytes(&d->key, ret, NONCE_MAC_AT));
}

void digest_challenge(struct digest *d, struct buf *b, enum digest_alg alg, bool stale, usec_t now)
{
	uint8_t nonce[NONCE_LEN];
	make_nonce(d, nonce, now);
	buf_str(b, str_of(d->start));
	base64url_put(b, nonce, sizeof(nonce));
	if (alg == DIGEST_MD5)
		buf_lit(b, "\", algorithm=MD5, qop=\"auth\"");
	else
		buf_lit(b, "\", algorithm=SHA-256, qop=\"auth\"");
	if (stale)
		buf_lit(b, ", stale=true");
}

struct nonce {
	uint32_t at_s, maker;
	uint64_t serial;
};

static bool read_nonce(const struct digest *d, struct str text, struct nonce *ret)
{
	uint8_t raw[NONCE_LEN];
	struct buf b = buf_over(raw, sizeof(raw));
	if (text.len != NONCE_TEXT_LEN || base64url_get(text, &b) < 0 || b.len != NONCE_LEN)
		return false;
	uint64_t mac = htobe64(hash_bytes(&d->key, raw, NONCE_MAC_AT));
	if (!same_secret(&mac, raw + NONCE_MAC_AT, sizeof(mac)))
		return false;
	struct rd r = rd_of((struct bytes){ raw, sizeof(raw) });
	ret->at_s = rd_u32(&r);
	ret->maker = rd_u32(&r);
	ret->serial = rd_u64(&r);
	return true;
}

/* A nonce used without nc (RFC 2069) counts as one with the highest nc: it is good for once. */
static uint32_t nc_of(const struct digest_creds *c)
{
	return c->nc_value ? c->nc_value : UINT32_MAX;
}

static inline struct use *use_of(const struct digest *d, uint64_t serial)
{
	return &d->use[serial % DIGEST_NC_TABLE_MAX];
}

/* A place that a younger nonce took means that the use of the older one is forgotten. */
static bool was_used(const struct use *u, uint64_t serial, uint32_t nc)
{
	if (u->serial != serial)
		return u->serial > serial;
	if (nc > u->nc_max)
		return false;
	uint32_t back = u->nc_max - nc;
	return back >= DIGEST_NC_WINDOW || (u->seen >> back & 1);
}

enum digest_nonce digest_check_nonce(const struct digest *d, struct digest_creds *c, usec_t now)
{
	struct nonce n;
	int64_t age;
	c->nonce_serial = 0;
	if (!str_eq(c->realm, d->realm) || !read_nonce(d, c->nonce, &n))
		return DIGEST_FOREIGN;
	age = (int64_t)(now / USEC_PER_SEC) - (int64_t)n.at_s;
	if (age > DIGEST_NONCE_LIFE_S || age < -CLOCK_SLACK_S || n.maker != d->maker)
		return DIGEST_STALE;
	c->nonce_serial = n.serial;
	return was_used(use_of(d, n.serial), n.serial, nc_of(c)) ? DIGEST_USED : DIGEST_FRESH;
}

static void mark(struct use *u, uint64_t serial, uint32_t nc)
{
	if (u->serial != serial) {
		*u = (struct use){ .serial = serial, .nc_max = nc, .seen = 1 };
	} else if (nc > u->nc_max) {
		uint32_t step = nc - u->nc_max;
		u->seen = step >= DIGEST_NC_WINDOW ? 1 : u->seen << step | 1;
		u->nc_max = nc;
	} else {
		u->seen |= (uint64_t)1 << (u->nc_max - nc);
	}
}

bool digest_use_nonce(struct digest *d, const struct digest_creds *c)
{
	struct use *u = use_of(d, c->nonce_serial);
	if (c->nonce_serial == 0 || was_used(u, c->nonce_serial, nc_of(c)))
		return false;
	mark(u, c->nonce_serial, nc_of(c));
	return true;
}

/* --- the blob of the accounts link --------------------------------------------------- */

void digest_put_blob(struct buf *b, const struct digest_creds *c, const char *ha2_hex)
{
	buf_u8(b, BLOB_VERSION);
	buf_u8(b, (uint8_t)c->alg);
	buf_str16(b, c->username);
	buf_str16(b, c->nonce);
	buf_str16(b, c->nc);
	buf_str16(b, c->cnonce);
	buf_str16(b, c->qop);
	buf_str16(b, c->response);
	buf_str16(b, str_n(ha2_hex, 2 * digest_ha1_len(c->alg)));
}

/* The other process is ours, but what it forwards is a client's: the limits hold again. */
static bool blob_fits(const struct digest_creds *c, struct str ha2)
{
	size_t hex = 2 * digest_ha1_len(c->alg);
	return c->username.len <= DIGEST_VALUE_MAX && c->nonce.len <= DIGEST_VALUE_MAX &&
	       c->nc.len <= NC_DIGITS && c->cnonce.len <= DIGEST_VALUE_MAX &&
	       c->qop.len <= DIGEST_VALUE_MAX && c->response.len == hex && ha2.len == hex;
}

int digest_get_blob(struct digest_creds *ret, const char **ret_ha2, struct bytes blob)
{
	struct digest_creds c = { .alg = DIGEST_MD5 };
	struct rd r = rd_of(blob);
	uint8_t version = rd_u8(&r);
	uint8_t alg = rd_u8(&r);
	c.username = rd_str16(&r);
	c.nonce = rd_str16(&r);
	c.nc = rd_str16(&r);
	c.cnonce = rd_str16(&r);
	c.qop = rd_str16(&r);
	c.response = rd_str16(&r);
	struct str ha2 = rd_str16(&r);
	if (r.bad || rd_left(&r) > 0 || version != BLOB_VERSION || alg > DIGEST_SHA256)
		return -EBADMSG;
	c.alg = (enum digest_alg)alg;
	if (!blob_fits(&c, ha2))
		return -EBADMSG;
	*ret = c;
	*ret_ha2 = ha2.p;
	return 0;
}
