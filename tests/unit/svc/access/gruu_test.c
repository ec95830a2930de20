#include "svc/access/gruu.h"

#include <errno.h>

#include "svc/access/token.h"
#include "tap.h"

static const struct str instance = STR_INIT("<urn:uuid:5ccdb10d-dca1-559e-ad2b-b514060a2da2>");

static void a_gruu_names_the_instance_it_was_made_of(void)
{
	char text[256], back[GRUU_INSTANCE_MAX + 1];
	struct buf b = BUF_ON(text), r = BUF_ON(back);
	struct sip_uri u;
	EQ(gruu_put(&b, STR("alice@example.test"), instance), 0);
	/* The first three groups are little endian ([MS-SIPREGE] section 4). */
	EQ_STR(buf_view(&b),
	       "sip:alice@example.test;opaque=user:epid:DbHNXKHcnlWtK7UUBgotogAA;gruu");
	EQ(sip_uri_parse(&u, buf_view(&b)), 0);
	EQ(gruu_get(&u, &r), 0);
	OK(str_eq(buf_view(&r), instance));
}

static void an_instance_without_a_guid_has_no_gruu(void)
{
	char text[256];
	struct buf b = BUF_ON(text);
	EQ(gruu_put(&b, STR("alice@example.test"), STR("<urn:uuid:5ccdb10d>")), -EINVAL);
	EQ(gruu_put(&b, STR("alice@example.test"), STR("<urn:imei:90420156-025763-0>")), -EINVAL);
	EQ(gruu_put(&b, STR("alice@example.test"),
	            STR("<urn:uuid:5ccdb10d_dca1-559e-ad2b-b514060a2da2>")),
	   -EINVAL);
	EQ(b.len, 0);
}

static void get_of(const char *uri, int want)
{
	char back[GRUU_INSTANCE_MAX + 1];
	struct buf r = BUF_ON(back);
	struct sip_uri u;
	EQ(sip_uri_parse(&u, str_of(uri)), 0);
	EQ(gruu_get(&u, &r), want);
}

static void other_addresses_are_no_gruus(void)
{
	get_of("sip:alice@example.test", -ENOENT);
	get_of("sip:alice@example.test;gruu", -ENOENT);
	get_of("sip:alice@example.test;opaque=user:epid:DbHNXKHcnlWtK7UUBgotogAA", -ENOENT);
	get_of("sip:alice@example.test;opaque=user:epid:DbHNXKHcnlWtK7UUBgot;gruu", -ENOENT);
	get_of("sip:alice@example.test;opaque=app:conf:focus:id:X;gruu", -ENOENT);
	get_of("sip:alice@example.test;opaque=user:epid:!!!;gruu", -ENOENT);
}

int main(void)
{
	RUN(a_gruu_names_the_instance_it_was_made_of);
	RUN(an_instance_without_a_guid_has_no_gruu);
	RUN(other_addresses_are_no_gruus);
	return tap_done();
}
