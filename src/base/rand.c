#include "base/rand.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/random.h>

/* The pool: what the kernel gave and nobody has had yet.  One per thread, and never the same in a
 * forked child: it would hand out the parent's secrets. */
static _Thread_local struct {
	uint8_t bytes[1024];
	size_t left;
} pool;

static void forget_pool(void)
{
	wipe(&pool, sizeof(pool));
}

static void watch_fork(void)
{
	if (pthread_atfork(NULL, NULL, forget_pool) != 0)
		abort();
}

static void from_kernel(uint8_t *p, size_t n)
{
	while (n > 0) {
		ssize_t got = getrandom(p, n, 0);
		if (got < 0 && errno != EINTR)
			abort();
		if (got > 0) {
			p += got;
			n -= (size_t)got;
		}
	}
}

void rand_bytes(void *p, size_t n)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	(void)pthread_once(&once, watch_fork);
	if (n > sizeof(pool.bytes) / 4) {
		from_kernel(p, n);
		return;
	}
	if (n > pool.left) {
		from_kernel(pool.bytes, sizeof(pool.bytes));
		pool.left = sizeof(pool.bytes);
	}
	if (n == 0)
		return;
	pool.left -= n;
	memcpy(p, pool.bytes + pool.left, n);
	wipe(pool.bytes + pool.left, n);
}

uint64_t rand_u64(void)
{
	uint64_t v;
	rand_bytes(&v, sizeof(v));
	return v;
}

uint32_t rand_below(uint32_t below)
{
	if (below < 2)
		return 0;
	uint64_t v, usable = UINT64_MAX - UINT64_MAX % below;
	do
		v = rand_u64();
	while (v >= usable);
	return (uint32_t)(v % below);
}

void rand_token(struct buf *b, size_t n)
{
	static const char alphabet[62] = { "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
		                           "0123456789" };
	char *to = buf_room(b, n);
	uint8_t raw[32];
	for (size_t done = 0; to && done < n;) {
		rand_bytes(raw, MIN(sizeof(raw), n - done));
		for (size_t i = 0, have = MIN(sizeof(raw), n - done); i < have; i++)
			if ((raw[i] & 63) < sizeof(alphabet))
				to[done++] = alphabet[raw[i] & 63];
	}
	wipe(raw, sizeof(raw));
	if (to)
		b->len += n;
}
