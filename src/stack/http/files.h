/* Static files over HTTP: a table that is read from a folder once, and is all that is served.
 * Nothing of a request ever names a file, so no path leads out of the folder. */
#pragma once

#include "stack/http/server.h"

struct http_files; /* opaque; the table with the bytes of all files */

enum {
	HTTP_FILES_MAX = 4000,                    /* files of a table */
	HTTP_FILES_DEPTH_MAX = 8,                 /* of folders in folders */
	HTTP_FILES_NAME_MAX = 255,                /* bytes of a path below the folder */
	HTTP_FILE_MAX = HTTP_ANSWER_MAX,          /* bytes of one file */
	HTTP_FILES_BYTES_MAX = 256 * 1024 * 1024, /* of all */
	HTTP_FILES_WHOLE_MAX = HTTP_SEND_HIGH,    /* up to here head and content are one write */
};

/* Everything is borrowed for the call. */
struct http_files_config {
	const char *folder;
	/* Paths below this one ("/assets/") have names that change with their content: they are
	 * kept by clients for a year.  Empty: none. */
	struct str immutable;
	/* Fields of every answer: a policy for content and the like. */
	const struct http_field *fields;
	size_t n_fields;
};

/* Reads the folder; blocks, so for the start and for a reload.  Regular files whose names are made
 * of letters, digits, '.', '-' and '_' and do not begin with a dot; links are not followed.  x.gz
 * and x.br beside x are its content coded with gzip and br.  index.html stands for its folder, too.
 * NULL and *ret_why (static) if the folder cannot be read or is above a limit. */
struct http_files *http_files_load(const struct http_files_config *cfg, const char **ret_why);
/* Gives the caller's hold up; answers that are under way keep theirs. */
void http_files_free(struct http_files **fp);
size_t http_files_count(const struct http_files *f);

/* Answers with the file of this path, which begins with '/', byte for byte as in the request: 200,
 * 206, 304, 405, 412 or 416 (RFC 9110 sections 12.5.3, 13 and 14).  False: there is none, and
 * nothing was answered.  The exchange's user and gone() are changed. */
bool http_files_answer(struct http_files *f, struct http_exchange *x, struct str path);
