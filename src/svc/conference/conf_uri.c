#include "svc/conference/conf_uri.h"

#include <errno.h>

static const struct charset id_chars = { CHARSET_DIGITS, CHARSET_LETTERS };

bool conf_uri_id_ok(struct str id)
{
	for (size_t i = 0; i < id.len; i++)
		if (!str_in(id.p[i], &id_chars))
			return false;
	return id.len >= CONF_ID_MIN && id.len <= CONF_ID_MAX;
}

int conf_uri_parse(struct conf_uri *ret, const struct sip_uri *u)
{
	struct str prefix = STR("app:conf:"), opaque, name, mark;
	struct conf_uri cu = { .factory = false };
	if (!sip_param(u->params, STR("opaque"), &opaque) || !str_istarts(opaque, prefix))
		return -ENOENT;
	struct str rest = str_sub(opaque, prefix.len, opaque.len);
	if (str_ieq(rest, STR("focusfactory"))) {
		cu.factory = true;
		*ret = cu;
		return 0;
	}
	if (!str_cut(rest, ':', &name, &rest) || !str_cut(rest, ':', &mark, &cu.id))
		return -EBADMSG;
	cu.session = confinfo_session_of(name);
	if (cu.session == CONFINFO_NO_SESSION || !str_eq(mark, STR("id")) || !conf_uri_id_ok(cu.id))
		return -EBADMSG;
	*ret = cu;
	return 0;
}

void conf_uri_put(struct buf *b, struct str organizer, enum confinfo_session s, struct str id)
{
	buf_str(b, organizer);
	buf_lit(b, ";gruu;opaque=app:conf:");
	buf_str(b, confinfo_session_name(s));
	buf_lit(b, ":id:");
	buf_str(b, id);
}

void conf_uri_put_factory(struct buf *b, struct str organizer)
{
	buf_str(b, organizer);
	buf_lit(b, ";gruu;opaque=app:conf:focusfactory");
}
