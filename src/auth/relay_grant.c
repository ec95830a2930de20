#include "auth/relay_grant.h"

#include <errno.h>
#include <stdlib.h>

#include <nettle/hkdf.h>
#include <nettle/hmac.h>

#include "base/rd.h"

enum {
	VERSION = 1,
	END = 1,
	POOL_KEY_LEN = 32,
	MAC_LEN = 16,
	TAIL_LEN = MAC_LEN + 1,
	DAY_S = 86400
};
/* Of the days whose grants can be alive: these were used last. */
enum { DAYS_KEPT = 4 };

struct day {
	uint32_t number; /* since 1970; 0: free */
	struct hmac_sha256_ctx mac, password;
};

struct relay_keys {
	struct hmac_sha256_ctx pool; /* keyed by what HKDF extracts of the secret */
	struct day days[DAYS_KEPT];
	unsigned next; /* is forgotten next */
};

struct relay_keys *relay_keys_new(const uint8_t pool_key[32])
{
	static const uint8_t salt[] = "dialtone relay";
	struct relay_keys *k = xnew(struct relay_keys);
	struct hmac_sha256_ctx ctx;
	uint8_t prk[SHA256_DIGEST_SIZE];
	hmac_sha256_set_key(&ctx, sizeof(salt) - 1, salt);
	hkdf_extract(&ctx, (nettle_hash_update_func *)hmac_sha256_update,
	             (nettle_hash_digest_func *)hmac_sha256_digest, sizeof(prk), POOL_KEY_LEN,
	             pool_key, prk);
	hmac_sha256_set_key(&k->pool, sizeof(prk), prk);
	wipe(prk, sizeof(prk));
	wipe(&ctx, sizeof(ctx));
	return k;
}

void relay_keys_free(struct relay_keys **kp)
{
	struct relay_keys *k = take(kp);
	if (!k)
		return;
	wipe(k, sizeof(*k));
	free(k);
}

/* --- days ------------------------------------------------------------------------------ */

static void put_u32(uint8_t p[4], uint32_t v)
{
	for (int i = 0; i < 4; i++)
		p[i] = (uint8_t)(v >> (24 - 8 * i));
}

static void derive(struct day *ret, const struct relay_keys *k, uint32_t number)
{
	uint8_t info[4], keys[2][SHA256_DIGEST_SIZE];
	struct hmac_sha256_ctx pool = k->pool;
	put_u32(info, number);
	hkdf_expand(&pool, (nettle_hash_update_func *)hmac_sha256_update,
	            (nettle_hash_digest_func *)hmac_sha256_digest, SHA256_DIGEST_SIZE, sizeof(info),
	            info, sizeof(keys), keys[0]);
	ret->number = number;
	hmac_sha256_set_key(&ret->mac, sizeof(keys[0]), keys[0]);
	hmac_sha256_set_key(&ret->password, sizeof(keys[1]), keys[1]);
	wipe(keys, sizeof(keys));
	wipe(&pool, sizeof(pool));
}

/* Names of old days, which need not be good ones, do not push out the key that most have. */
static struct day *day_of(struct relay_keys *k, uint32_t number, uint32_t today)
{
	for (unsigned i = 0; i < DAYS_KEPT; i++)
		if (k->days[i].number == number)
			return &k->days[i];
	if (k->days[k->next].number == today)
		k->next = (k->next + 1) % DAYS_KEPT;
	struct day *d = &k->days[k->next];
	k->next = (k->next + 1) % DAYS_KEPT;
	derive(d, k, number);
	return d;
}

static void hash(const struct hmac_sha256_ctx *key, const void *p, size_t n, uint8_t *ret,
                 size_t len)
{
	struct hmac_sha256_ctx ctx = *key;
	hmac_sha256_update(&ctx, n, p);
	hmac_sha256_digest(&ctx, len, ret);
	wipe(&ctx, sizeof(ctx));
}

static void make_password(uint8_t ret[RELAY_PASSWORD_LEN], const struct day *d, const void *name,
                          size_t n)
{
	hash(&d->password, name, n, ret, RELAY_PASSWORD_LEN);
	ret[0] |= 0x80;
	ret[RELAY_PASSWORD_LEN - 1] |= 0x80;
}

/* --- grants ---------------------------------------------------------------------------- */

int relay_grant_put(struct relay_keys *k, uint64_t now_s, const struct relay_grant *g,
                    struct buf *name, uint8_t ret_password[RELAY_PASSWORD_LEN])
{
	char space[RELAY_NAME_MAX + 1];
	struct buf b = BUF_ON(space);
	uint32_t number = (uint32_t)(now_s / DAY_S);
	uint8_t mac[MAC_LEN];
	if (g->user.len == 0 || g->user.len > RELAY_USER_MAX || number == 0 ||
	    g->expires_s > now_s + RELAY_LIFE_MAX_S)
		return -EINVAL;
	buf_u8(&b, VERSION);
	buf_u32(&b, number);
	buf_u64(&b, g->expires_s);
	buf_u32(&b, g->port_kbps);
	buf_u32(&b, g->user_kbps);
	buf_u8(&b, (uint8_t)g->user.len);
	buf_str(&b, g->user);
	const struct day *d = day_of(k, number, number);
	hash(&d->mac, b.p, b.len, mac, sizeof(mac));
	buf_put(&b, mac, sizeof(mac));
	buf_u8(&b, END);
	make_password(ret_password, d, b.p, b.len);
	buf_str(name, buf_view(&b));
	return 0;
}

/* Keys are derived for days alone whose grants can be alive. */
static bool is_of_now(uint32_t number, uint64_t now_s)
{
	uint64_t begin = (uint64_t)number * DAY_S;
	return number > 0 && begin <= now_s + RELAY_SKEW_S &&
	       begin + DAY_S + RELAY_LIFE_MAX_S > now_s;
}

static int read_fields(struct relay_grant *ret, uint32_t *ret_day, struct bytes name)
{
	struct rd r = rd_of(name);
	uint8_t version = rd_u8(&r);
	*ret_day = rd_u32(&r);
	ret->expires_s = rd_u64(&r);
	ret->port_kbps = rd_u32(&r);
	ret->user_kbps = rd_u32(&r);
	ret->user = str_from_bytes(rd_take(&r, rd_u8(&r)));
	(void)rd_take(&r, MAC_LEN);
	return rd_u8(&r) != END || r.bad || version != VERSION || rd_left(&r) > 0 ? -EBADMSG : 0;
}

int relay_grant_get(struct relay_grant *ret, struct relay_keys *k, uint64_t now_s,
                    struct bytes name, uint8_t ret_password[RELAY_PASSWORD_LEN])
{
	struct relay_grant g;
	uint32_t number;
	uint8_t mac[MAC_LEN];
	if (read_fields(&g, &number, name) < 0)
		return -EBADMSG;
	if (!is_of_now(number, now_s))
		return -ESTALE;
	const struct day *d = day_of(k, number, (uint32_t)(now_s / DAY_S));
	size_t n = name.len - TAIL_LEN;
	hash(&d->mac, name.p, n, mac, sizeof(mac));
	if (!same_secret(mac, name.p + n, sizeof(mac)))
		return -EBADMSG;
	if (g.expires_s <= now_s)
		return -ESTALE;
	make_password(ret_password, d, name.p, name.len);
	*ret = g;
	return 0;
}

struct str relay_grant_user(struct bytes name)
{
	struct relay_grant g;
	uint32_t number;
	return read_fields(&g, &number, name) == 0 ? g.user : STR("");
}
