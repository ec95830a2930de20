#include "svc/oidc/flow.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "base/code.h"
#include "base/rand.h"
#include "base/rd.h"

enum { VERSION = 1, MARK_BYTES = 16, VERIFIER_BYTES = 32, PLAIN_MAX = 512 };

/* What a sealed flow is bound to. */
static const struct bytes row = { (const uint8_t *)"oidc flow", 9 };

/* --- making ---------------------------------------------------------------------------------- */

static void put_random(char *ret, size_t len, size_t n_bytes)
{
	uint8_t random[VERIFIER_BYTES];
	struct buf b = { .p = ret, .cap = len, .max = len };
	rand_bytes(random, n_bytes);
	base64url_put(&b, random, n_bytes);
	assert(!b.full && b.len == len);
	wipe(random, sizeof(random));
}

void flow_make(struct flow *ret, struct str redirect, int64_t now_s)
{
	assert(redirect.len <= FLOW_REDIRECT_MAX);
	*ret = (struct flow){ .made_at = now_s };
	put_random(ret->state, sizeof(ret->state), MARK_BYTES);
	put_random(ret->nonce, sizeof(ret->nonce), MARK_BYTES);
	put_random(ret->verifier, sizeof(ret->verifier), VERIFIER_BYTES);
	memcpy(ret->redirect, redirect.p, redirect.len);
}

struct oidc_flow flow_view(const struct flow *f, struct str client)
{
	return (struct oidc_flow){ .client = client,
		                   .redirect = str_of(f->redirect),
		                   .state = str_n(f->state, sizeof(f->state)),
		                   .nonce = str_n(f->nonce, sizeof(f->nonce)),
		                   .verifier = str_n(f->verifier, sizeof(f->verifier)),
		                   .fresh = f->login != 0 };
}

/* --- the cookie ------------------------------------------------------------------------------ */

void flow_put(struct buf *b, struct seal *seal, const struct flow *f)
{
	char plain_space[PLAIN_MAX], sealed_space[PLAIN_MAX + SEAL_OVERHEAD + 1];
	struct buf plain = BUF_ON(plain_space), sealed = BUF_ON(sealed_space);
	buf_u8(&plain, VERSION);
	buf_u64(&plain, (uint64_t)f->made_at);
	buf_u64(&plain, f->account);
	buf_u64(&plain, f->login);
	buf_put(&plain, f->state, sizeof(f->state));
	buf_put(&plain, f->nonce, sizeof(f->nonce));
	buf_put(&plain, f->verifier, sizeof(f->verifier));
	buf_str16(&plain, str_of(f->redirect));
	assert(!plain.full);
	seal_put(seal, &sealed, row, bytes_of(buf_view(&plain)));
	assert(!sealed.full);
	base64url_put(b, sealed.p, sealed.len);
	wipe(plain_space, sizeof(plain_space));
}

static void take_text(char *ret, size_t len, struct rd *r)
{
	struct bytes v = rd_take(r, len);
	if (v.len == len)
		memcpy(ret, v.p, len);
}

static int read_plain(struct flow *ret, struct bytes plain)
{
	struct rd r = rd_of(plain);
	uint8_t version = rd_u8(&r);
	*ret = (struct flow){ .made_at = (int64_t)rd_u64(&r) };
	ret->account = rd_u64(&r);
	ret->login = rd_u64(&r);
	take_text(ret->state, sizeof(ret->state), &r);
	take_text(ret->nonce, sizeof(ret->nonce), &r);
	take_text(ret->verifier, sizeof(ret->verifier), &r);
	struct str redirect = rd_str16(&r);
	if (r.bad || rd_left(&r) > 0 || version != VERSION || redirect.len > FLOW_REDIRECT_MAX)
		return -EBADMSG;
	memcpy(ret->redirect, redirect.p, redirect.len);
	return 0;
}

int flow_get(struct flow *ret, struct seal *seal, struct str cookie, int64_t now_s)
{
	char space[FLOW_COOKIE_MAX];
	uint8_t plain[PLAIN_MAX];
	struct buf sealed = BUF_ON(space);
	struct flow f;
	if (cookie.len > FLOW_COOKIE_MAX || base64url_get(cookie, &sealed) < 0 || sealed.full ||
	    sealed.len < SEAL_OVERHEAD || sealed.len - SEAL_OVERHEAD > sizeof(plain) ||
	    seal_get(seal, plain, row, bytes_of(buf_view(&sealed))) < 0)
		return -EBADMSG;
	int r = read_plain(&f, (struct bytes){ plain, sealed.len - SEAL_OVERHEAD });
	wipe(plain, sizeof(plain));
	if (r < 0)
		return r;
	if (f.made_at > now_s || f.made_at + FLOW_LIFE_S <= now_s)
		return -ETIME;
	*ret = f;
	return 0;
}

/* --- once ------------------------------------------------------------------------------------ */

/* In a ring: the oldest is forgotten first.  The provider takes no code twice either. */
struct flows_used {
	char state[FLOWS_USED_MAX][FLOW_MARK_LEN];
	size_t next;
};

struct flows_used *flows_used_new(void)
{
	return xnew(struct flows_used);
}

void flows_used_free(struct flows_used **up)
{
	free(take(up));
}

bool flows_use(struct flows_used *u, const struct flow *f)
{
	for (size_t i = 0; i < FLOWS_USED_MAX; i++)
		if (memcmp(u->state[i], f->state, FLOW_MARK_LEN) == 0)
			return false;
	memcpy(u->state[u->next], f->state, FLOW_MARK_LEN);
	u->next = (u->next + 1) % FLOWS_USED_MAX;
	return true;
}
