#include "wire/picture/picture.h"

#include <errno.h>

#include "base/rd.h"

/* Markers of JPEG (table B.1). */
enum {
	MARK = 0xff,
	SOF_FIRST = 0xc0,
	SOF_LAST = 0xcf,
	DHT = 0xc4, /* within the range of SOF, but none of them */
	JPG = 0xc8,
	DAC = 0xcc,
	RST_FIRST = 0xd0,
	EOI = 0xd9,
	SOS = 0xda,
	TEM = 0x01,
};

/* Blocks of GIF89a, and flags of its screen. */
enum {
	GIF_EXTENSION = 0x21,
	GIF_FRAME = 0x2c,
	GIF_HAS_TABLE = 0x80,
	GIF_TABLE_BITS = 7,
};

static bool takes(struct rd *r, struct str what)
{
	return str_eq(str_from_bytes(rd_take(r, what.len)), what);
}

static bool is_frame_head(uint8_t mark)
{
	return mark >= SOF_FIRST && mark <= SOF_LAST && mark != DHT && mark != JPG && mark != DAC;
}

/* Without content, or where the picture itself begins: no frame head may come there. */
static bool is_out_of_place(uint8_t mark)
{
	return mark == 0 || mark == TEM || (mark >= RST_FIRST && mark <= EOI) || mark == SOS;
}

/* The next marker; any number of 0xff may stand before its code. */
static uint8_t next_mark(struct rd *r)
{
	uint8_t mark = MARK;
	if (rd_u8(r) != MARK)
		r->bad = true;
	while (mark == MARK && !r->bad)
		mark = rd_u8(r);
	return mark;
}

static void read_jpeg(struct picture *p, struct rd *r)
{
	while (!r->bad) {
		uint8_t mark = next_mark(r);
		uint16_t len = is_out_of_place(mark) ? 0 : rd_u16(r);
		if (len < 2) {
			r->bad = true;
		} else if (is_frame_head(mark)) {
			(void)rd_u8(r); /* bits of a sample */
			p->height = rd_u16(r);
			p->width = rd_u16(r);
			return;
		} else {
			(void)rd_take(r, len - 2U);
		}
	}
}

/* IHDR comes first, and has 13 bytes. */
static void read_png(struct picture *p, struct rd *r)
{
	if (rd_u32(r) != 13 || !takes(r, STR("IHDR")))
		r->bad = true;
	p->width = rd_u32(r);
	p->height = rd_u32(r);
}

static uint32_t little16(struct rd *r)
{
	uint32_t low = rd_u8(r);
	return low | (uint32_t)rd_u8(r) << 8;
}

static void skip_table(struct rd *r, uint8_t flags)
{
	if (flags & GIF_HAS_TABLE)
		(void)rd_take(r, (size_t)3 << ((flags & GIF_TABLE_BITS) + 1));
}

static void skip_extension(struct rd *r)
{
	uint8_t len;
	(void)rd_u8(r); /* its kind */
	do {
		len = rd_u8(r);
		(void)rd_take(r, len);
	} while (len > 0 && !r->bad);
}

/* The screen comes first, but the first frame may be larger, and decoders give it its room then. */
static void read_gif(struct picture *p, struct rd *r)
{
	p->width = little16(r);
	p->height = little16(r);
	uint8_t flags = rd_u8(r), block;
	(void)rd_take(r, 2); /* background, shape of pixels */
	skip_table(r, flags);
	while ((block = rd_u8(r)) == GIF_EXTENSION && !r->bad)
		skip_extension(r);
	if (block != GIF_FRAME)
		r->bad = true;
	uint32_t left = little16(r), top = little16(r);
	uint32_t right = left + little16(r), bottom = top + little16(r);
	p->width = MAX(p->width, right);
	p->height = MAX(p->height, bottom);
}

/* clang-format off */
static const struct {
	struct str begin, type;
	enum picture_kind kind;
	void (*read)(struct picture *p, struct rd *r);
} kinds[] = {
	{ STR_INIT("\xff\xd8"),          STR_INIT("image/jpeg"), PICTURE_JPEG, read_jpeg },
	{ STR_INIT("\x89PNG\r\n\x1a\n"), STR_INIT("image/png"),  PICTURE_PNG,  read_png },
	{ STR_INIT("GIF87a"),            STR_INIT("image/gif"),  PICTURE_GIF,  read_gif },
	{ STR_INIT("GIF89a"),            STR_INIT("image/gif"),  PICTURE_GIF,  read_gif },
};
/* clang-format on */

int picture_read(struct picture *ret, struct bytes file)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct picture p = { .kind = kinds[i].kind };
		struct rd r = rd_of(file);
		if (!takes(&r, kinds[i].begin))
			continue;
		kinds[i].read(&p, &r);
		if (r.bad || p.width == 0 || p.height == 0)
			return -EBADMSG;
		*ret = p;
		return 0;
	}
	return -EBADMSG;
}

struct str picture_type(enum picture_kind kind)
{
	size_t i = 0;
	while (kinds[i].kind != kind)
		i++;
	return kinds[i].type;
}
