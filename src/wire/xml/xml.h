/* XML documents as trees (expat behind a small interface).
 *
 * Everything of a document lives in the caller's arena.  A DOCTYPE is refused, so there are no
 * entities but the five of XML itself; sizes, depth and counts are bounded.  Names are compared
 * with case; prefixes are resolved (Namespaces in XML 1.0), so a name is its local part and the
 * URI of its namespace. */
#pragma once

#include "base/arena.h"
#include "base/buf.h"

enum {
	XML_TEXT_MAX = 1024 * 1024, /* bytes of a document */
	XML_DEPTH_MAX = 32,
	XML_NODES_MAX = 20000, /* elements */
	XML_ATTRS_MAX = 64,    /* of an element */
	XML_SPACES_MAX = 64,   /* namespaces of a document */
	XML_SPACE_MAX = 1024,  /* bytes of a namespace's URI */
};

struct xml_attr {
	struct xml_attr *next;
	struct str name, value; /* without prefix */
};

struct xml {
	struct xml *parent, *child, *next; /* first child, next sibling: elements alone */
	struct xml *last;                  /* child */
	struct str name, space;            /* local part; URI of the namespace, empty if none */
	struct xml_attr *attrs;
	struct str text;   /* the text of this element, without that of its children */
	struct str source; /* the element as it stands in the document; borrows from it */
};

/* The root of a document.  -EBADMSG: not well-formed, not UTF-8, or with a DOCTYPE; -E2BIG: above
 * the limits.  The source texts borrow from `in`, everything else is copied. */
int xml_parse(struct xml **ret, struct arena *a, struct str in) MUST_CHECK;

/* The same, saying where and why it failed, for people who wrote the document. */
struct xml_error {
	uint32_t line;
	const char *what; /* static */
};
int xml_parse_told(struct xml **ret, struct arena *a, struct str in,
                   struct xml_error *ret_error) MUST_CHECK;
/* The line of the document `in` where an element of its tree begins, from 1. */
uint32_t xml_line(const struct xml *e, struct str in);

/* The first child of that local name, or NULL; parent may be NULL. */
struct xml *xml_child(const struct xml *parent, const char *name);
/* The next sibling of the same local name, or NULL. */
struct xml *xml_again(const struct xml *e);
/* The value, or empty with p NULL if there is none; e may be NULL. */
struct str xml_attr(const struct xml *e, const char *name);
/* The text of the child of that name, without blanks around; empty if there is none. */
struct str xml_child_text(const struct xml *parent, const char *name);
bool xml_is(const struct xml *e, const char *name);

/* Appends text or an attribute's value: escaped, always UTF-8 that XML allows (other bytes become
 * U+FFFD). */
void xml_put_text(struct buf *b, struct str s);
/* Appends ` name="value"`. */
void xml_put_attr(struct buf *b, const char *name, struct str value);
/* Appends `<name>text</name>`. */
void xml_put_element(struct buf *b, const char *name, struct str text);
/* The same, or nothing if the value or text is empty. */
void xml_put_attr_if(struct buf *b, const char *name, struct str value);
void xml_put_element_if(struct buf *b, const char *name, struct str text);
