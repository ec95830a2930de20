#include "daemon/bundle.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/rd.h"

static void put(struct buf *b, struct str s)
{
	buf_u32(b, (uint32_t)s.len);
	buf_str(b, s);
}

static struct str get(struct rd *r)
{
	return str_from_bytes(rd_take(r, rd_u32(r)));
}

static void encode(struct buf *b, const struct bundle *u)
{
	put(b, u->topology);
	put(b, u->local);
	put(b, u->config_dir);
	put(b, u->ca_pem);
	buf_u8(b, (uint8_t)u->n_certs);
	for (size_t i = 0; i < u->n_certs; i++) {
		put(b, u->certs[i].chain_pem);
		put(b, u->certs[i].key_pem);
	}
	buf_put(b, u->pool_key, sizeof u->pool_key);
	buf_put(b, u->seal_key, sizeof u->seal_key);
	buf_put(b, u->ticket_key, sizeof u->ticket_key);
}

static int write_all(int fd, const char *p, size_t n)
{
	while (n > 0) {
		ssize_t w = write(fd, p, n);
		if (w < 0 && errno != EINTR)
			return -errno;
		p += MAX(w, 0);
		n -= (size_t)MAX(w, 0);
	}
	return 0;
}

int bundle_write(const struct bundle *u, int *ret_fd)
{
	struct buf b = buf_of(BUNDLE_MAX);
	(void)buf_room(&b, BUNDLE_MAX / 4); /* at once, so that no copy of a key is left behind */
	encode(&b, u);
	int fd = b.full ? -1 : memfd_create("dialtone-bundle", MFD_CLOEXEC);
	int r = b.full ? -E2BIG : fd < 0 ? -errno : write_all(fd, b.p, b.len);
	wipe(b.p, b.len);
	buf_free(&b);
	if (r < 0) {
		if (fd >= 0)
			(void)close(fd);
		return r;
	}
	*ret_fd = fd;
	return 0;
}

static int decode(struct bundle *u)
{
	struct rd r = rd_of((struct bytes){ u->owned, u->owned_len });
	u->topology = get(&r);
	u->local = get(&r);
	u->config_dir = get(&r);
	u->ca_pem = get(&r);
	u->n_certs = rd_u8(&r);
	if (u->n_certs > BUNDLE_CERTS_MAX)
		return -EBADMSG;
	for (size_t i = 0; i < u->n_certs; i++) {
		u->certs[i].chain_pem = get(&r);
		u->certs[i].key_pem = get(&r);
	}
	struct bytes pool = rd_take(&r, sizeof u->pool_key), seal = rd_take(&r, sizeof u->seal_key);
	struct bytes ticket = rd_take(&r, sizeof u->ticket_key);
	if (r.bad || rd_left(&r) > 0)
		return -EBADMSG;
	memcpy(u->pool_key, pool.p, pool.len);
	memcpy(u->seal_key, seal.p, seal.len);
	memcpy(u->ticket_key, ticket.p, ticket.len);
	return 0;
}

static int read_all(int fd, uint8_t *p, size_t n)
{
	for (size_t at = 0; at < n;) {
		ssize_t r = pread(fd, p + at, n - at, (off_t)at);
		if (r <= 0)
			return r == 0 ? -EBADMSG : -errno;
		at += (size_t)r;
	}
	return 0;
}

/* The file's pages held keys; whoever still has it open reads zeros. */
static void wipe_file(int fd, size_t n)
{
	static const char zeros[4096];
	(void)lseek(fd, 0, SEEK_SET);
	for (size_t at = 0; at < n; at += sizeof zeros)
		if (write_all(fd, zeros, MIN(sizeof zeros, n - at)) < 0)
			return;
}

int bundle_read(int fd, struct bundle *ret)
{
	struct stat st;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (st.st_size <= 0 || st.st_size > BUNDLE_MAX)
		return -EBADMSG;
	struct bundle u = { .owned_len = (size_t)st.st_size };
	u.owned = xmalloc(u.owned_len);
	int r = read_all(fd, u.owned, u.owned_len);
	wipe_file(fd, u.owned_len);
	if (r == 0)
		r = decode(&u);
	if (r < 0)
		bundle_done(&u);
	else
		*ret = u;
	wipe(&u, sizeof u);
	return r;
}

void bundle_done(struct bundle *b)
{
	if (b->owned)
		wipe(b->owned, b->owned_len);
	free(b->owned);
	wipe(b, sizeof *b);
}
