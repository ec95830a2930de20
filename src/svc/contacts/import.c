#include "svc/contacts/import.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "wire/xml/xml.h"

enum { SHOWN_MAX = 80 }; /* bytes of a value in an error */

struct import {
	struct contact_list *to;
	const struct xml *root;
	struct str document;
	uint32_t max;
	struct buf *why;
	/* Numbers of groups, in the document and in the list. */
	struct {
		uint32_t from, to;
	} groups[CONTACT_GROUPS_MAX];
	unsigned n_groups, n_contacts;
};

/* --- what is wrong ------------------------------------------------------------------------- */

static int fail(const struct import *im, const struct xml *e, int err, const char *fmt, ...)
        PRINTF_LIKE(4, 5);
static int fail(const struct import *im, const struct xml *e, int err, const char *fmt, ...)
{
	char text[512];
	va_list ap;
	struct str uri = xml_attr(e, "uri"), id = xml_attr(e, "id");
	struct str value = uri.p ? uri : id;
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	buf_printf(im->why, "line %u, <%" STR_FMT, xml_line(e, im->document),
	           STR_ARG(str_sub(e->name, 0, SHOWN_MAX)));
	if (value.p)
		buf_printf(im->why, " %s=\"%" STR_FMT "\"", uri.p ? "uri" : "id",
		           STR_ARG(str_sub(value, 0, SHOWN_MAX)));
	buf_printf(im->why, ">: %s", text);
	return err;
}

/* A text that can be kept, or the error told. */
static int check_text(const struct import *im, const struct xml *e, const char *name)
{
	struct str s = xml_attr(e, name);
	return s.len <= CONTACT_TEXT_MAX
	               ? 0
	               : fail(im, e, -EBADMSG, "%s has %zu bytes; expected are at most %d", name,
	                      s.len, CONTACT_TEXT_MAX);
}

static bool has_blank(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if (str_is_space(s.p[i]))
			return true;
	return false;
}

/* An address, or another URI ("tel:"). */
static bool is_uri(struct str s)
{
	struct str user, host;
	if (str_istarts(s, STR("sip:")))
		s = str_sub(s, 4, s.len);
	else if (str_chr(s, ':') > 0)
		return !has_blank(s);
	return !has_blank(s) && str_cut(s, '@', &user, &host) && user.len > 0 && host.len > 0;
}

static int full(const struct import *im, const struct xml *e)
{
	return fail(im, e, -ENOSPC, "there is no room for it on the list");
}

/* --- groups -------------------------------------------------------------------------------- */

/* The group of that name in the list, made if there is none. */
static int same_group(struct import *im, const struct xml *e, uint32_t *ret)
{
	auto_(buf_free) struct buf ignored = buf_of(4096);
	struct str name = xml_attr(e, "name");
	for (const struct contact_group *g = im->to->first_group; g; g = g->next)
		if (str_eq(str_of(g->name), name)) {
			*ret = g->id;
			return 0;
		}
	int r = contacts_add_group(im->to, name, xml_attr(e, "externalURI"), ret, &ignored);
	return r == -EINVAL ? fail(im, e, -EBADMSG, "expected is a name") : r < 0 ? full(im, e) : 0;
}

static int find_group(const struct import *im, uint32_t id, uint32_t *ret)
{
	for (unsigned i = 0; i < im->n_groups; i++)
		if (im->groups[i].from == id) {
			*ret = im->groups[i].to;
			return 0;
		}
	*ret = CONTACT_GROUP_OTHER;
	return id == CONTACT_GROUP_OTHER ? 0 : -ENOENT;
}

static int import_group(struct import *im, const struct xml *e)
{
	uint32_t id, to = 0;
	if (str_to_u32(xml_attr(e, "id"), UINT32_MAX - 1, &id) < 0 || id == 0)
		return fail(im, e, -EBADMSG, "expected is a number from 1 as its id");
	for (unsigned i = 0; i < im->n_groups; i++)
		if (im->groups[i].from == id)
			return fail(im, e, -EBADMSG, "another group has that id already");
	if (im->n_groups == CONTACT_GROUPS_MAX)
		return full(im, e);
	int r = check_text(im, e, "name");
	if (r == 0)
		r = check_text(im, e, "externalURI");
	if (r == 0 && id == CONTACT_GROUP_OTHER)
		to = CONTACT_GROUP_OTHER;
	else if (r == 0)
		r = same_group(im, e, &to);
	im->groups[im->n_groups].from = id;
	im->groups[im->n_groups].to = to;
	im->n_groups += r == 0;
	return r;
}

/* --- contacts ------------------------------------------------------------------------------ */

/* The contact's groups by the numbers that they have in the list. */
static int put_groups(const struct import *im, const struct xml *e, struct buf *b)
{
	struct str rest = str_trim(xml_attr(e, "groups")), one;
	while (rest.len > 0) {
		uint32_t id, to;
		(void)str_cut(rest, ' ', &one, &rest);
		rest = str_trim(rest);
		if (str_to_u32(str_trim(one), UINT32_MAX, &id) < 0)
			return fail(im, e, -EBADMSG,
			            "groups has \"%" STR_FMT
			            "\"; expected are ids of groups, with blanks between",
			            STR_ARG(str_sub(one, 0, SHOWN_MAX)));
		if (find_group(im, id, &to) < 0)
			return fail(im, e, -EBADMSG,
			            "there is no <group id=\"%u\"> in the document", id);
		buf_printf(b, "%s%u", b->len > 0 ? " " : "", to);
	}
	return 0;
}

static int import_contact(struct import *im, const struct xml *e)
{
	auto_(buf_free) struct buf ids = buf_of(4096), ignored = buf_of(16 * 1024);
	struct contact_set set = {
		.uri = str_trim(xml_attr(e, "uri")),
		.name = xml_attr(e, "name"),
		.external = xml_attr(e, "externalURI"),
		.subscribed = !str_eq(xml_attr(e, "subscribed"), STR("false")),
	};
	if (!is_uri(set.uri))
		return fail(im, e, -EBADMSG,
		            "expected is an address as its uri, such as bob@example.test");
	int r = check_text(im, e, "uri");
	if (r == 0)
		r = check_text(im, e, "name");
	if (r == 0)
		r = check_text(im, e, "externalURI");
	if (r == 0)
		r = put_groups(im, e, &ids);
	if (r < 0)
		return r;
	set.groups = buf_view(&ids);
	im->n_contacts++;
	r = ids.full ? -ENOSPC : contacts_set(im->to, &set, im->max, &ignored);
	return r == -ENOSPC ? full(im, e)
	       : r < 0      ? fail(im, e, -EBADMSG, "it cannot be kept as it is")
	                    : 0;
}

/* --- the whole ----------------------------------------------------------------------------- */

/* Groups may stand behind the contacts that are in them. */
static int merge(struct import *im)
{
	int r = 0;
	for (const struct xml *e = im->root->child; e && r == 0; e = e->next) {
		if (xml_is(e, "group"))
			r = import_group(im, e);
		else if (!xml_is(e, "contact"))
			r = fail(im, e, -EBADMSG, "expected is <group> or <contact>");
	}
	for (const struct xml *e = xml_child(im->root, "contact"); e && r == 0; e = xml_again(e))
		r = import_contact(im, e);
	return r;
}

/* What is made of the list, until everything is known to fit. */
static int copy(struct contact_list *ret, const struct contact_list *of)
{
	auto_(buf_free) struct buf b = buf_of(CONTACTS_DOC_MAX);
	contacts_put(&b, of, STR(""));
	contacts_init(ret);
	int r = b.full ? -ENOSPC : contacts_read(ret, buf_view(&b));
	ret->next_group = MAX(ret->next_group, of->next_group); /* ids are not used again */
	return r;
}

/* The copy becomes the list; what no document has goes along. */
static void take_over(struct contact_list *to, struct contact_list *fresh)
{
	for (struct contact_group *g = to->first_group; g; g = g->next) {
		struct contact_group *same = contacts_group(fresh, g->id);
		for (int i = 0; same && i < CONTACT_ECHOES; i++) {
			same->lately[i] = g->lately[i];
			g->lately[i].name = NULL;
		}
	}
	contacts_done(to);
	*to = *fresh;
}

static int read_root(struct import *im, struct arena *a)
{
	struct xml *root;
	struct xml_error error;
	if (xml_parse_told(&root, a, im->document, &error) < 0) {
		buf_printf(im->why, "line %u: this is no XML: %s", error.line, error.what);
		return -EBADMSG;
	}
	im->root = root;
	if (xml_is(root, "contactList"))
		return 0;
	return fail(im, root, -EBADMSG,
	            "this is no list of contacts: expected is <contactList>, as `dialtone contact "
	            "export` writes it");
}

int contacts_import(struct contact_list *to, struct str document, uint32_t max,
                    struct contacts_imported *ret, struct buf *why)
{
	auto_(arena_free) struct arena *a = arena_new();
	struct contact_list fresh;
	struct import im = { .to = &fresh, .document = document, .max = max, .why = why };
	int r = read_root(&im, a);
	if (r < 0)
		return r;
	r = copy(&fresh, to);
	if (r < 0)
		buf_lit(why, "the list that the user has cannot be copied");
	if (r == 0)
		r = merge(&im);
	if (r < 0) {
		contacts_done(&fresh);
		return r;
	}
	uint32_t added = fresh.n - to->n;
	*ret = (struct contacts_imported){ added, im.n_contacts - added };
	take_over(to, &fresh);
	return 0;
}
