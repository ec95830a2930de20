#include "svc/user/ticket.h"

#include <assert.h>
#include <errno.h>

#include <nettle/sha2.h>

#include "base/code.h"
#include "base/rand.h"
#include "base/rd.h"

enum { NUMBER_LEN = 8, SECRET_LEN = 24 };

static_assert((NUMBER_LEN + SECRET_LEN) * 4 / 3 + 1 == TICKET_LEN, "base64url of it");
static_assert(TICKET_HASH_LEN == SHA256_DIGEST_SIZE, "the hash is SHA-256");

static void hash_secret(uint8_t ret[TICKET_HASH_LEN], const uint8_t secret[SECRET_LEN])
{
	struct sha256_ctx ctx;
	sha256_init(&ctx);
	sha256_update(&ctx, SECRET_LEN, secret);
	sha256_digest(&ctx, SHA256_DIGEST_SIZE, ret);
	wipe(&ctx, sizeof(ctx));
}

int ticket_read(struct ticket *ret, struct str text)
{
	uint8_t space[NUMBER_LEN + SECRET_LEN];
	struct buf raw = { .p = (char *)space, .cap = sizeof(space), .max = sizeof(space) };
	bool bad = text.len != TICKET_LEN || base64url_get(text, &raw) < 0 || raw.full ||
	           raw.len != sizeof(space);
	if (!bad) {
		struct rd r = rd_of(bytes_of(buf_view(&raw)));
		ret->number = rd_u64(&r);
		hash_secret(ret->hash, space + NUMBER_LEN);
	}
	wipe(space, sizeof(space));
	return bad ? -EBADMSG : 0;
}

void ticket_make(struct ticket *ret, char ret_text[TICKET_LEN], uint64_t number)
{
	uint8_t secret[SECRET_LEN];
	char space[NUMBER_LEN + SECRET_LEN + 1];
	struct buf raw = BUF_ON(space);
	struct buf text = { .p = ret_text, .cap = TICKET_LEN, .max = TICKET_LEN };
	rand_bytes(secret, sizeof(secret));
	ret->number = number;
	hash_secret(ret->hash, secret);
	buf_u64(&raw, number);
	buf_put(&raw, secret, sizeof(secret));
	base64url_put(&text, raw.p, raw.len);
	assert(!raw.full && !text.full && text.len == TICKET_LEN);
	wipe(secret, sizeof(secret));
	wipe(space, sizeof(space));
}

bool ticket_is(const struct ticket *t, struct str hash)
{
	return hash.len == sizeof(t->hash) && same_secret(hash.p, t->hash, hash.len);
}
