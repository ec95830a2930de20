/* Parses a small document as pidgin-sipe does and says which callbacks were called.
 *
 * usage: probe sax1|sax2 DOCUMENT       prints one word for each element: start:NAME, end:NAME with
 * SAX1 callbacks, START:NAME, END:NAME with those of SAX2, and "error" at the end if the parser
 * reports one; status 3 when the handler was changed. */
#include <libxml/parser.h>
#include <stdio.h>
#include <string.h>

static void start1(void *arg, const xmlChar *name, const xmlChar **attributes)
{
	(void)arg;
	(void)attributes;
	printf("start:%s ", (const char *)name);
}

static void end1(void *arg, const xmlChar *name)
{
	(void)arg;
	printf("end:%s ", (const char *)name);
}

/* The parameters are libxml2's. */
static void start2(void *arg, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri, int n,
                   const xmlChar **spaces, int n_attributes, int n_defaulted,
                   const xmlChar **attributes)
{
	(void)arg;
	(void)prefix;
	(void)uri;
	(void)n;
	(void)spaces;
	(void)n_attributes;
	(void)n_defaulted;
	(void)attributes;
	printf("START:%s ", (const char *)name);
}

static void end2(void *arg, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri)
{
	(void)arg;
	(void)prefix;
	(void)uri;
	printf("END:%s ", (const char *)name);
}

int main(int argc, char **argv)
{
	if (argc != 3)
		return 2;
	xmlSAXHandler sax = { .startElement = start1,
		              .endElement = end1,
		              .initialized = XML_SAX2_MAGIC };
	if (strcmp(argv[1], "sax2") == 0) {
		sax.startElementNs = start2;
		sax.endElementNs = end2;
	}
	xmlSAXHandler before = sax;
	if (xmlSAXUserParseMemory(&sax, NULL, argv[2], (int)strlen(argv[2])) != 0)
		printf("error");
	printf("\n");
	return memcmp(&before, &sax, sizeof(sax)) == 0 ? 0 : 3;
}
