#include "wire/mime/deflate.h"

#include <errno.h>
#include <zlib.h>

enum { CHUNK = 4096, WITH_HEAD = 15, WITHOUT_HEAD = -15 };

static int inflate_all(struct buf *ret, z_stream *z)
{
	int r = Z_OK;
	while (r == Z_OK) {
		char chunk[CHUNK];
		z->next_out = (Bytef *)chunk;
		z->avail_out = sizeof(chunk);
		r = inflate(z, Z_NO_FLUSH);
		buf_put(ret, chunk, sizeof(chunk) - z->avail_out);
		if (ret->full)
			return -E2BIG;
	}
	return r == Z_STREAM_END ? 0 : -EBADMSG;
}

static int get(struct buf *ret, struct str in, int window)
{
	z_stream z = { .next_in = (Bytef *)(uintptr_t)in.p, .avail_in = (uInt)in.len };
	if (in.len > UINT32_MAX || inflateInit2(&z, window) != Z_OK)
		return -EBADMSG;
	int r = inflate_all(ret, &z);
	(void)inflateEnd(&z);
	return r;
}

int deflate_get(struct buf *ret, struct str in)
{
	size_t before = ret->len;
	int r = get(ret, in, WITH_HEAD);
	if (r != -EBADMSG)
		return r;
	ret->len = before;
	return get(ret, in, WITHOUT_HEAD);
}
