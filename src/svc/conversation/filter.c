#include "svc/conversation/filter.h"

#include "svc/conversation/change.h"
#include "svc/conversation/html.h"
#include "wire/http/target.h"
#include "wire/imdn/cpim.h"
#include "wire/mime/mime.h"
#include "wire/xml/xml.h"

enum { NESTED_MAX = 3, CHAT_NAME_MAX = 1024 };

/* --- links --------------------------------------------------------------------------------- */

static bool is_word(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '_';
}

static bool begins_link(const struct filter *f, struct str rest)
{
	struct str words = f->prefixes, one;
	while (words.len > 0) {
		(void)str_cut(words, ' ', &one, &words);
		if (one.len > 0 && rest.len > one.len && str_istarts(rest, one) &&
		    !str_is_space(rest.p[one.len]))
			return true;
	}
	return false;
}

/* How many; ret (may be NULL) gets the text with each of them marked. */
static unsigned find_links(const struct filter *f, struct str text, struct buf *ret)
{
	unsigned n = 0;
	for (size_t i = 0; i < text.len; i++) {
		bool may = is_word(text.p[i]) && (i == 0 || !is_word(text.p[i - 1]));
		if (may && begins_link(f, str_sub(text, i, text.len))) {
			n++;
			if (ret)
				buf_char(ret, '_');
		}
		if (ret)
			buf_char(ret, text.p[i]);
	}
	return n;
}

/* As a person sees it: what references hide, too. */
static unsigned find_seen(const struct filter *f, const struct content *c)
{
	auto_(buf_free) struct buf plain = buf_of(c->body.len + 1);
	html_put_plain(&plain, c->body);
	return find_links(f, buf_view(&plain), NULL);
}

/* The whole body, of which the text has been changed. */
static void put_around(struct buf *b, const struct sip_msg *m, const struct content *c,
                       struct str text)
{
	struct cpim e;
	if (c->cpim && cpim_parse(&e, m->body) == 0) {
		e.content = text; /* its length stands in the envelope */
		cpim_put(b, &e);
		return;
	}
	size_t at = (size_t)(c->body.p - m->body.p);
	buf_str(b, str_sub(m->body, 0, at));
	buf_str(b, text);
	buf_str(b, str_sub(m->body, at + c->body.len, m->body.len));
}

/* A new text of a message is looked at as the first one was. */
static enum filter_verdict look_at_change(const struct filter *f, const struct content *c,
                                          struct buf *ret)
{
	auto_(arena_free) struct arena *a = arena_new();
	auto_(buf_free) struct buf text = buf_of(2 * CONTENT_MAX);
	struct change change;
	if (change_read(&change, a, c->body) < 0 || change.kind != SAID_EDIT)
		return FILTER_PASS;
	unsigned n = find_links(f, change.text, &text);
	if (n == 0)
		return FILTER_PASS;
	change.text = buf_view(&text);
	if (f->links == FILTER_LINKS_BLOCK || n > FILTER_LINKS_MAX ||
	    change.text.len > CHANGE_TEXT_MAX)
		return FILTER_LINK;
	change_put(ret, &change);
	return FILTER_CHANGED;
}

static enum filter_verdict look_for_links(const struct filter *f, const struct sip_msg *m,
                                          struct buf *ret)
{
	struct content c;
	content_read(&c, m);
	if (c.kind == CONTENT_CHANGE)
		return look_at_change(f, &c, ret);
	if (c.kind != CONTENT_TEXT)
		return FILTER_PASS;
	auto_(buf_free) struct buf text = buf_of(2 * CONTENT_MAX);
	unsigned n = find_links(f, c.body, &text);
	bool hidden = c.html && find_seen(f, &c) > n;
	if (n == 0 && !hidden)
		return FILTER_PASS;
	if (f->links == FILTER_LINKS_BLOCK || n > FILTER_LINKS_MAX || hidden)
		return FILTER_LINK;
	put_around(ret, m, &c, buf_view(&text));
	return FILTER_CHANGED;
}

/* --- files --------------------------------------------------------------------------------- */

/* Windows does not see dots and blanks at the end. */
static bool is_blocked(const struct filter *f, struct str name)
{
	struct str words = f->extensions, one;
	while (name.len > 0 && strchr(". \t\r\n\"", name.p[name.len - 1]))
		name.len--;
	ssize_t dot = str_rchr(name, '.');
	if (dot < 0)
		return false;
	while (words.len > 0) {
		(void)str_cut(words, ' ', &one, &words);
		if (one.len > 1 && str_ieq(one, str_sub(name, (size_t)dot, name.len)))
			return true;
	}
	return false;
}

/* "Application-File: name" of an invitation of the older style. */
static bool invites_blocked(const struct filter *f, struct str text)
{
	struct str line, name, value;
	while (text.len > 0) {
		(void)str_cut(text, '\n', &line, &text);
		if (str_cut(line, ':', &name, &value) &&
		    str_ieq(str_trim(name), STR("Application-File")) &&
		    is_blocked(f, str_trim(value)))
			return true;
	}
	return false;
}

/* <request><publishFile><fileInfo><name> of the newer one. */
static bool publishes_blocked(const struct filter *f, struct str text)
{
	struct xml *x;
	auto_(arena_free) struct arena *a = arena_new();
	if (xml_parse(&x, a, text) < 0)
		return false;
	const struct xml *file = xml_child(xml_child(x, "publishFile"), "fileInfo");
	for (; file; file = xml_again(file))
		if (is_blocked(f, xml_child_text(file, "name")))
			return true;
	return false;
}

/* A file of a chat in a browser (role/web/attach.c): the last line is its address, which ends with
 * its name. */
static bool links_blocked(const struct filter *f, const struct sip_msg *m)
{
	struct content c;
	char name[CHAT_NAME_MAX];
	struct buf b = BUF_ON(name);
	content_read(&c, m);
	if (c.kind != CONTENT_TEXT)
		return false;
	struct str line = str_trim(c.body);
	line = str_sub(line, (size_t)(str_rchr(line, '\n') + 1), line.len);
	if (!str_starts(line, STR("https://")) || str_find(line, STR("/files/")) < 0)
		return false;
	line = str_sub(line, (size_t)(str_rchr(line, '/') + 1), line.len);
	return http_query_decode(&b, line) == 0 && !b.full && is_blocked(f, buf_view(&b));
}

static bool has_blocked_file(const struct filter *f, const struct sip_msg *m)
{
	struct str type = sip_value(m, SIP_H_CONTENT_TYPE);
	struct mime_part part;
	if (mime_pick(type, m->body, STR("text/x-msmsgsinvite"), NESTED_MAX, &part) == 0 &&
	    invites_blocked(f, part.body))
		return true;
	return mime_pick(type, m->body, STR("application/ms-filetransfer+xml"), NESTED_MAX,
	                 &part) == 0 &&
	       publishes_blocked(f, part.body);
}

enum filter_verdict filter_look(const struct filter *f, const struct sip_msg *m, struct buf *ret)
{
	if (!str_eq(f->extensions, STR("none")) &&
	    (has_blocked_file(f, m) || (m->method == SIP_MESSAGE && links_blocked(f, m))))
		return FILTER_FILE;
	if (f->links == FILTER_LINKS_ALLOW || m->method != SIP_MESSAGE)
		return FILTER_PASS;
	return look_for_links(f, m, ret);
}
