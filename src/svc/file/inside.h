/* The inside of svc/file. */
#pragma once

#include "base/list.h"
#include "base/log.h"
#include "store/store.h"
#include "svc/file/file.h"
#include "svc/file/scanning.h"

enum { FILE_PATH_MAX = 4096 };

struct files {
	unsigned refs; /* its owner's, and of what a thread of the pool is busy with */
	struct loop *loop;
	struct store *store;
	struct files_config cfg;
	char *folder, *scanner;
	struct files_stats stats;
	struct list uploads, readers;
	unsigned n_uploads, n_readers;
	uint64_t coming; /* bytes of uploads that are under way */
	struct timer sweep;
	struct log_limit limit;
	struct found {
		struct files *f;
		struct buf text; /* of the row that was found last */
		struct file file;
		bool there;
	} found;
};

/* "FOLDER/ID", with a zero behind it. */
void files_path(const struct files *f, struct str id, const char *end, char ret[FILE_PATH_MAX]);
/* In the pool: files may be large.  What is not there is no error. */
void files_unlink(struct files *f, const char *path);
void files_unref(struct files *f);
/* Bytes of a user that are there and under way. */
uint64_t files_user_bytes(struct files *f, uint64_t account);
/* Writes the row of one that is on disk. */
int files_add(struct files *f, const struct file *what, store_done_fn *done, void *arg) MUST_CHECK;

/* uploads.c */
uint64_t uploads_bytes(const struct files *f, uint64_t account);
