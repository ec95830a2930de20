#include "wire/imdn/cpim.h"

#include <errno.h>

#include "base/isotime.h"
#include "wire/mime/mime.h"

#define IMDN_SPACE "urn:ietf:params:imdn"

/* clang-format off */
static const struct {
	uint32_t bit;
	struct str name;
} wants[] = {
	{ CPIM_WANTS_DELIVERY,   STR_INIT("positive-delivery") },
	{ CPIM_WANTS_FAILURE,    STR_INIT("negative-delivery") },
	{ CPIM_WANTS_PROCESSING, STR_INIT("processing") },
	{ CPIM_WANTS_DISPLAY,    STR_INIT("display") },
};
/* clang-format on */

static uint32_t read_wants(struct str list)
{
	uint32_t bits = 0;
	struct str word, name, params;
	while (list.len > 0) {
		(void)str_cut(list, ',', &word, &list);
		(void)str_cut(word, ';', &name, &params);
		for (size_t i = 0; i < ARRAY_SIZE(wants); i++)
			if (str_ieq(str_trim(name), wants[i].name))
				bits |= wants[i].bit;
	}
	return bits;
}

/* Parameters stand before the value: ";lang=de Guten Tag" (RFC 3862 section 2.3.1). */
static struct str without_params(struct str value)
{
	struct str params;
	if (str_starts(value, STR(";")))
		(void)str_cut(value, ' ', &params, &value);
	return str_trim(value);
}

/* "NS: imdn <urn:ietf:params:imdn>" (section 3.4.6): the prefix of our namespace. */
static void read_space(struct str *prefix, struct str value)
{
	struct str name, uri;
	if (str_cut(value, '<', &name, &uri) && str_starts(uri, STR(IMDN_SPACE ">")))
		*prefix = str_trim(name);
}

static void keep_first(struct str *to, struct str value)
{
	if (to->len == 0)
		*to = value;
}

static void read_plain(struct cpim *c, struct str name, struct str value)
{
	if (str_ieq(name, STR("From")))
		keep_first(&c->from, value);
	else if (str_ieq(name, STR("To")))
		keep_first(&c->to, value);
	else if (str_ieq(name, STR("Subject")))
		keep_first(&c->subject, value);
	else if (str_ieq(name, STR("DateTime")) && isotime_parse(&c->date, value) < 0)
		c->date = 0;
}

static void read_imdn(struct cpim *c, struct str name, struct str value)
{
	if (str_ieq(name, STR("Message-ID")))
		keep_first(&c->message_id, value);
	else if (str_ieq(name, STR("Disposition-Notification")))
		c->wants |= read_wants(value);
}

static void read_head(struct cpim *c, struct str head)
{
	struct str name, value, space, local, prefix = STR("imdn");
	while (mime_field_next(&head, &name, &value) > 0) {
		value = without_params(value);
		if (str_ieq(name, STR("NS")))
			read_space(&prefix, value);
		else if (!str_cut(name, '.', &space, &local))
			read_plain(c, name, value);
		else if (str_eq(space, prefix))
			read_imdn(c, local, value);
	}
}

/* What stands behind Content-Length belongs to nobody. */
static struct str content_of(const struct mime_part *p)
{
	uint32_t len;
	struct str text = mime_field(p, STR("Content-Length"));
	return str_to_u32(text, UINT32_MAX, &len) < 0 ? p->body : str_sub(p->body, 0, len);
}

int cpim_parse(struct cpim *ret, struct str in)
{
	struct cpim c = { 0 };
	struct mime_part envelope, inner;
	int r = mime_split(&envelope, in);
	if (r == 0)
		r = mime_split(&inner, envelope.body);
	if (r < 0)
		return r;
	if (envelope.head.len == 0 || envelope.body.len == 0)
		return -EBADMSG;
	read_head(&c, envelope.head);
	c.type = mime_field(&inner, STR("Content-Type"));
	c.disposition = mime_field(&inner, STR("Content-Disposition"));
	c.content = content_of(&inner);
	*ret = c;
	return 0;
}

struct str cpim_uri(struct str value)
{
	struct str name, uri, rest;
	if (!str_cut(value, '<', &name, &uri) || !str_cut(uri, '>', &uri, &rest))
		return str_trim(value);
	return uri;
}

static void put_if(struct buf *b, struct str name, struct str value)
{
	if (value.len > 0)
		mime_put_field(b, name, value);
}

static void put_imdn(struct buf *b, const struct cpim *c)
{
	const char *comma = "";
	if (c->message_id.len == 0 && c->wants == 0)
		return;
	buf_lit(b, "NS: imdn <" IMDN_SPACE ">\r\n");
	put_if(b, STR("imdn.Message-ID"), c->message_id);
	if (c->wants == 0)
		return;
	buf_lit(b, "imdn.Disposition-Notification: ");
	for (size_t i = 0; i < ARRAY_SIZE(wants); i++) {
		if (!(c->wants & wants[i].bit))
			continue;
		buf_printf(b, "%s%" STR_FMT, comma, STR_ARG(wants[i].name));
		comma = ", ";
	}
	buf_lit(b, "\r\n");
}

void cpim_put(struct buf *b, const struct cpim *c)
{
	put_if(b, STR("From"), c->from);
	put_if(b, STR("To"), c->to);
	if (c->date > 0) {
		buf_lit(b, "DateTime: ");
		isotime_put(b, c->date);
		buf_lit(b, "\r\n");
	}
	put_if(b, STR("Subject"), c->subject);
	put_imdn(b, c);
	buf_lit(b, "\r\n");
	put_if(b, STR("Content-Type"), c->type);
	put_if(b, STR("Content-Disposition"), c->disposition);
	buf_printf(b, "Content-Length: %zu\r\n\r\n", c->content.len);
	buf_str(b, c->content);
}
