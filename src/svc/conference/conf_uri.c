#include "svc/conference/conf_uri.h"

#include <errno.h>
#include <string.h>

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

/* Behind "conf-": the id, a dot, something. */
static bool read_phone_user(struct str user, struct str *ret_id)
{
	struct str mark = STR("conf-"), rest;
	return str_istarts(user, mark) &&
	       str_cut(str_sub(user, mark.len, user.len), '.', ret_id, &rest) && rest.len > 0 &&
	       conf_uri_id_ok(*ret_id);
}

bool conf_uri_is_for_phones(struct str uri)
{
	struct str scheme, rest, id;
	return str_cut(uri, ':', &scheme, &rest) &&
	       (str_ieq(scheme, STR("sip")) || str_ieq(scheme, STR("sips"))) &&
	       read_phone_user(rest, &id);
}

bool conf_uri_names_one(struct str user)
{
	struct str id;
	return read_phone_user(user, &id);
}

bool conf_uri_is(struct str uri)
{
	return str_find(uri, STR("opaque=app:conf:")) >= 0 || conf_uri_is_for_phones(uri);
}

/* "sip:conf-ID.alice@example.test" without what stands before the organizer's name. */
static int read_for_phones(struct conf_uri *ret, struct buf *organizer, const struct sip_uri *u)
{
	char text[CONF_WHOLE_URI_MAX];
	struct buf aor = BUF_ON(text);
	struct str id;
	if (!read_phone_user(u->user, &id))
		return -ENOENT;
	if (sip_uri_aor(u, &aor) < 0 || aor.full)
		return -EBADMSG;
	*ret = (struct conf_uri){ .session = CONFINFO_FOCUS, .id = id };
	buf_lit(organizer, "sip:");
	buf_str(organizer, str_sub(buf_view(&aor), strlen("sip:conf-.") + id.len, aor.len));
	return organizer->full ? -EBADMSG : 0;
}

int conf_uri_read(struct conf_uri *ret, struct buf *organizer, struct str uri)
{
	struct sip_uri u;
	if (sip_uri_parse(&u, uri) < 0)
		return -ENOENT;
	if (read_for_phones(ret, organizer, &u) == 0)
		return 0;
	int r = conf_uri_parse(ret, &u);
	if (r == 0 && (sip_uri_aor(&u, organizer) < 0 || organizer->full))
		r = -EBADMSG;
	return r;
}

void conf_uri_put(struct buf *b, struct str organizer, enum confinfo_session s, struct str id)
{
	buf_str(b, organizer);
	buf_lit(b, ";gruu;opaque=app:conf:");
	buf_str(b, confinfo_session_name(s));
	buf_lit(b, ":id:");
	buf_str(b, id);
}

void conf_uri_put_for_phones(struct buf *b, struct str organizer, struct str id)
{
	struct str scheme = STR("sip:");
	buf_lit(b, "sip:conf-");
	buf_str(b, id);
	buf_char(b, '.');
	buf_str(b, str_sub(organizer, scheme.len, organizer.len));
}

void conf_uri_put_factory(struct buf *b, struct str organizer)
{
	buf_str(b, organizer);
	buf_lit(b, ";gruu;opaque=app:conf:focusfactory");
}
