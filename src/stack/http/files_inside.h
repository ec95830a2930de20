/* The inside of static files, for files.c and files_load.c. */
#pragma once

#include "stack/http/files.h"

enum { HTTP_ETAG_SIZE = 32 };

/* One content of a file: as it is, or coded. */
struct http_variant {
	struct str content; /* p NULL: there is none; owned */
	char etag[HTTP_ETAG_SIZE];
};

struct http_file {
	char *path; /* as in requests */
	struct http_variant plain, gzip, br;
	struct str type;
	struct buf fields; /* lines of every answer */
};

struct http_files {
	unsigned refs;
	size_t n;
	struct http_file *list; /* sorted by path */
};

/* Among the first n; NULL if there is none. */
struct http_file *http_files_find(const struct http_files *f, size_t n, struct str path);
