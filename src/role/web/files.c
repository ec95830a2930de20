#include <errno.h>

#include "role/web/wb.h"
#include "stack/http/files.h"

/* The browser client: files that were read at the start. */

/* Nothing of another site is loaded, and no script or style that stands in a page. */
#define POLICY                                                                                  \
	"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; " \
	"font-src 'self'; connect-src 'self'; manifest-src 'self'; worker-src 'self'; "         \
	"media-src 'self' blob:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

static const struct http_field fields[] = {
	{ STR_INIT("Content-Security-Policy"), STR_INIT(POLICY) },
	{ STR_INIT("Strict-Transport-Security"), STR_INIT("max-age=31536000") },
	{ STR_INIT("Referrer-Policy"), STR_INIT("no-referrer") },
	{ STR_INIT("Cross-Origin-Opener-Policy"), STR_INIT("same-origin") },
	{ STR_INIT("Cross-Origin-Resource-Policy"), STR_INIT("same-origin") },
	{ STR_INIT("Permissions-Policy"),
	  STR_INIT("camera=(self), microphone=(self), display-capture=(self), geolocation=()") },
};

int web_files_open(struct web *w, struct buf *why)
{
	auto_(xfreep) char *folder = str_dup(w->set.root);
	struct http_files_config cfg = { .folder = folder,
		                         .immutable = STR("/assets/"),
		                         .fields = fields,
		                         .n_fields = ARRAY_SIZE(fields) };
	const char *text = NULL;
	w->files = http_files_load(&cfg, &text);
	if (w->files)
		return 0;
	buf_printf(
	        why,
	        "web-root %s: %s; `tools/build-web` in the source tree makes the browser client "
	        "(web/dist), and the account that the roles run as must be able to read it: copy "
	        "it out of a home directory\n",
	        folder, text ? text : "it cannot be read");
	return -EINVAL;
}

void web_files_free(struct web *w)
{
	http_files_free(&w->files);
}

void web_files(struct web *w, struct http_exchange *x)
{
	if (!http_files_answer(w->files, x, http_request(x)->path))
		http_refuse(x, 404, "There is no such page.");
}
