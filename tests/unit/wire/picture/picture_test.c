#include "wire/picture/picture.h"

#include <errno.h>

#include "tap.h"

#define JPEG_APP0 "\xff\xd8\xff\xe0\x00\x04JF"

static int read(struct picture *p, struct str s)
{
	return picture_read(p, bytes_of(s));
}

static void each_kind_is_known_by_its_content(void)
{
	struct picture p;
	EQ(read(&p, STR(JPEG_APP0 "\xff\xc0\x00\x0b\x08\x00\x30\x00\x40\x01\x01\x11\x00")), 0);
	OK(p.kind == PICTURE_JPEG && p.width == 64 && p.height == 48);
	EQ_STR(picture_type(p.kind), "image/jpeg");
	EQ(read(&p, STR("\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\x01\x02\0\0\0\x03\x08\x06\0\0\0")), 0);
	OK(p.kind == PICTURE_PNG && p.width == 258 && p.height == 3);
	EQ_STR(picture_type(p.kind), "image/png");
	EQ(read(&p, STR("GIF89a\x20\x01\x10\x00\x00\x00\x00,\0\0\0\0\x20\x01\x10\0")), 0);
	OK(p.kind == PICTURE_GIF && p.width == 288 && p.height == 16);
	EQ_STR(picture_type(p.kind), "image/gif");
}

static void a_jpeg_is_read_up_to_its_frame(void)
{
	struct picture p;
	/* Huffman tables are no frame, fill bytes are nothing, and progressive frames are some. */
	EQ(read(&p, STR(JPEG_APP0 "\xff\xc4\x00\x03x\xff\xff\xff\xc2\x00\x0b\x08\x00\x05\x00\x06")),
	   0);
	OK(p.width == 6 && p.height == 5);
	EQ(read(&p, STR(JPEG_APP0 "\xff\xda\x00\x02\xff\xc0\x00\x0b\x08\x00\x05\x00\x06")),
	   -EBADMSG);
	EQ(read(&p, STR(JPEG_APP0 "\xff\xd9")), -EBADMSG);
	EQ(read(&p, STR(JPEG_APP0 "\xff\xe1\x00\x01")), -EBADMSG);
	EQ(read(&p, STR(JPEG_APP0 "\xff\xe1\xff\xff")), -EBADMSG);
	EQ(read(&p, STR(JPEG_APP0 "x")), -EBADMSG);
	EQ(read(&p, STR(JPEG_APP0 "\xff\xff\xff")), -EBADMSG);
}

#define GIF_TABLE "\x80\x00\x00\0\0\0\xff\xff\xff"

static void a_gif_is_as_large_as_its_first_frame(void)
{
	struct picture p;
	EQ(read(&p, STR("GIF89a\x01\x00\x01\x00" GIF_TABLE "!\xf9\x04\0\0\0\0\0"
	                "!\xfe\x01x\x02yz\0,\x01\0\x02\0\x70\x17\x71\x17")),
	   0);
	OK(p.width == 6001 && p.height == 6003);
	EQ(read(&p, STR("GIF87a\x40\x00\x30\x00" GIF_TABLE ",\0\0\0\0\x08\0\x08\0")), 0);
	OK(p.width == 64 && p.height == 48);
	EQ(read(&p, STR("GIF89a\x40\x00\x30\x00\x80\x00\x00\0\0\0,")), -EBADMSG);
	EQ(read(&p, STR("GIF89a\x40\x00\x30\x00" GIF_TABLE ";")), -EBADMSG);
	EQ(read(&p, STR("GIF89a\x40\x00\x30\x00" GIF_TABLE "!\xfe\x09x")), -EBADMSG);
	EQ(read(&p, STR("GIF89a\x40\x00\x30\x00" GIF_TABLE ",\0\0\0\0\x08\0\x08")), -EBADMSG);
}

static void what_has_no_size_is_no_picture(void)
{
	struct picture p;
	EQ(read(&p, STR("")), -EBADMSG);
	EQ(read(&p, STR("<svg xmlns=\"http://www.w3.org/2000/svg\"/>")), -EBADMSG);
	EQ(read(&p, STR("\xff\xd8")), -EBADMSG);
	EQ(read(&p, STR(JPEG_APP0 "\xff\xc0\x00\x0b\x08\x00\x00\x00\x40")), -EBADMSG);
	EQ(read(&p, STR("\x89PNG\r\n\x1a\n\0\0\0\x0dIDAT\0\0\0\x01\0\0\0\x01")), -EBADMSG);
	EQ(read(&p, STR("\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\0\x01\0\0\0\0")), -EBADMSG);
	EQ(read(&p, STR("\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\0\x01\0\0")), -EBADMSG);
	EQ(read(&p, STR("GIF89a\x20\x01\x10")), -EBADMSG);
	EQ(read(&p, STR("GIF88a\x20\x01\x10\x00")), -EBADMSG);
}

int main(void)
{
	RUN(each_kind_is_known_by_its_content);
	RUN(a_jpeg_is_read_up_to_its_frame);
	RUN(a_gif_is_as_large_as_its_first_frame);
	RUN(what_has_no_size_is_no_picture);
	return tap_done();
}
