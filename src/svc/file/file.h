/* Files that people send each other: the content in a folder, a row each in a store of their own.
 * A file belongs to who sent it and to the chat it was sent into; who may read it the caller says.
 * All texts are UTF-8; sizes are bytes, times microseconds since 1970. */
#pragma once

#include "base/buf.h"
#include "loop/loop.h"

struct files; /* opaque */

enum {
	FILE_ID_LEN = 24,           /* letters and digits: nobody guesses one */
	FILE_NAME_MAX = 200,        /* bytes of a name */
	FILE_PIECE_MAX = 64 * 1024, /* of what is read at once */
	FILE_UPLOADS_MAX = 64,      /* that are under way, */
	FILE_USER_UPLOADS_MAX = 4,  /* of one user, */
	FILE_READERS_MAX = 500,     /* and of those who read; */
	FILE_USER_READERS_MAX = 100,
};

/* Borrowed until the next call. */
struct file {
	struct str id;
	uint64_t account;       /* who sent it */
	struct str owner, chat; /* his address, and the chat's as he sees it */
	struct str name, type;  /* a media type that we have seen in the content, or octet-stream */
	struct str host;        /* "web.example.test:4443": by which it was sent, and is reached */
	uint64_t size;
	usec_t made_at, expires_at;
};

struct files_config {
	uint64_t file_max;  /* bytes of one, */
	uint64_t user_max;  /* of all of a user, */
	uint64_t space;     /* and of all there are */
	uint64_t life_s;    /* so long one is kept */
	struct str scanner; /* where a virus scanner listens (scanning.h); empty: there is none */
};

/* Opens folder/files and folder/files.db, makes them if they are not there, and takes away what a
 * process that was killed has left.  Blocks.  NULL with a text for people. */
struct files *files_open(struct loop *l, const char *folder, const struct files_config *cfg,
                         struct buf *why);
/* What is under way has ended before, with upload_free() and file_reader_free(). */
void files_close(struct files **fp);
/* For files from now on; the texts are copied. */
void files_configure(struct files *f, const struct files_config *cfg);

/* False: there is none, or its time is over. */
bool files_find(struct files *f, struct str id, struct file *ret);
/* Takes it away, at once for everybody who asks from now on. */
void files_remove(struct files *f, struct str id);

struct files_stats {
	uint64_t n, bytes;    /* there are */
	uint64_t taken, read; /* since the start */
	uint64_t infected, unscanned;
};
const struct files_stats *files_stats(const struct files *f);

/* Appends a name that does no harm: without folders, control characters and marks that turn the
 * direction of text; "file" if nothing is left. */
void file_put_name(struct buf *b, struct str name);
/* What the first bytes say: of the pictures that every browser shows; else
 * "application/octet-stream". */
struct str file_type_of(struct str begin);
/* May it be shown in a page, by its type? */
bool file_is_picture(struct str type);

/* --- sending one */

enum file_error {
	FILE_OK,
	FILE_TOO_LARGE, /* more than file_max, or than the scanner takes */
	FILE_USER_FULL, /* more than user_max of this user */
	FILE_NO_SPACE,
	FILE_BUSY, /* too many are under way */
	FILE_INFECTED,
	FILE_NOT_SCANNED, /* the scanner is not there */
	FILE_FAILED,
};

struct upload; /* opaque */
struct upload_ops {
	/* Once, from the loop: it is on disk, and found from now on; or why it is not.  id is empty
	 * then; found is what the scanner found.  Free the upload in or after it. */
	void (*done)(void *arg, enum file_error err, struct str id, struct str found);
	/* upload_put() takes more again. */
	void (*room)(void *arg);
};

/* Begins one of so many bytes; of `what` account, owner, chat, name, host and size count, and are
 * copied.  NULL: *ret_err says why. */
struct upload *upload_new(struct files *f, const struct file *what, const struct upload_ops *ops,
                          void *arg, enum file_error *ret_err);
/* The next bytes; the last ones end it.  False: enough for now. */
bool upload_put(struct upload *u, struct str piece);
/* Also of one that is not done: nothing of it is left, and done is not called. */
void upload_free(struct upload **up);

/* --- reading one */

struct file_reader; /* opaque */
/* From the loop: up to FILE_PIECE_MAX bytes; empty: it could not be read. */
typedef void file_read_fn(void *arg, struct str piece);
/* False: too many are read, by this user or by all. */
bool files_may_read(const struct files *f, uint64_t account);
/* n bytes from `from` on, which are there, for that user.  NULL: it cannot be opened. */
struct file_reader *file_reader_new(struct files *f, uint64_t account, struct str id, uint64_t from,
                                    uint64_t n, file_read_fn *fn, void *arg);
/* Asks for the next piece; fn is called once. */
void file_reader_next(struct file_reader *r);
uint64_t file_reader_left(const struct file_reader *r);
void file_reader_free(struct file_reader **rp);
