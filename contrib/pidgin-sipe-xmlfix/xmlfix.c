/* Lets programs that read XML through SAX1 callbacks do so with a libxml2 that has lost them.
 *
 * A preload library.  The libxml2 of Debian 12 and 13 takes the mark XML_SAX2_MAGIC of a handler
 * alone for "has SAX2 callbacks", so a handler that sets the mark (for structured errors) but only
 * SAX1 callbacks is never called, and the parser reports success.  Here such a handler is copied,
 * the mark is taken off the copy, and the real function gets the copy.  Everything else passes as
 * it is.
 *
 * A second fault is mended on the way: libpurple's circular buffer, through which the plug-in
 * sends, loses its place when what was sent ended exactly at the buffer's end (every message of a
 * multiple of 256 bytes when it is empty): the client then sends its buffer round and round, for
 * ever.  An empty buffer is set to its beginning before anything is put into it.
 */
#include <dlfcn.h>
#include <stddef.h>

/* xmlSAXHandler of libxml2's <libxml/parser.h>, whose layout is part of its ABI: 14 callbacks, the
 * two of SAX1, 11 more, the mark, and what SAX2 has added.  Said here so that building this needs
 * no headers of libxml2 on the machine of the client. */
enum { N_BEFORE = 14, N_AFTER = 11 };
#define SAX2_MAGIC 0xDEEDBEAFu

typedef void callback_fn(void);

struct sax_handler {
	callback_fn *before[N_BEFORE];
	callback_fn *start_element;
	callback_fn *end_element;
	callback_fn *after[N_AFTER];
	unsigned int mark;
	void *private_data;
	callback_fn *start_element_ns;
	callback_fn *end_element_ns;
	callback_fn *structured_error;
};

typedef int parse_fn(struct sax_handler *sax, void *user_data, const char *text, int len);

parse_fn xmlSAXUserParseMemory;

/* The function of libxml2, or NULL.  A plug-in may have brought libxml2 with it, out of the sight
 * of RTLD_NEXT. */
static parse_fn *real_parse(void)
{
	static const char name[] = "xmlSAXUserParseMemory";
	void *found = dlsym(RTLD_NEXT, name);
	if (!found) {
		void *lib = dlopen("libxml2.so.2", RTLD_LAZY | RTLD_NOLOAD);
		if (lib)
			found = dlsym(lib, name);
	}
	return (parse_fn *)found;
}

static int is_sax1_marked_as_sax2(const struct sax_handler *sax)
{
	return sax && sax->mark == SAX2_MAGIC && !sax->start_element_ns && !sax->end_element_ns &&
	       (sax->start_element || sax->end_element);
}

int xmlSAXUserParseMemory(struct sax_handler *sax, void *user_data, const char *text, int len)
{
	parse_fn *parse = real_parse();
	if (!parse)
		return -1;
	if (!is_sax1_marked_as_sax2(sax))
		return parse(sax, user_data, text, len);
	struct sax_handler copy = *sax;
	copy.mark = 0;
	return parse(&copy, user_data, text, len);
}

/* PurpleCircBuffer of libpurple 2's <circbuffer.h>. */
struct circ_buffer {
	char *buffer;
	size_t growsize, buflen, bufused;
	char *inptr, *outptr;
};

typedef void append_fn(struct circ_buffer *buf, const void *src, size_t len);

append_fn purple_circ_buffer_append;

void purple_circ_buffer_append(struct circ_buffer *buf, const void *src, size_t len)
{
	append_fn *append = (append_fn *)dlsym(RTLD_NEXT, "purple_circ_buffer_append");
	if (buf && buf->bufused == 0)
		buf->inptr = buf->outptr = buf->buffer;
	if (append)
		append(buf, src, len);
}
