#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "svc/file/inside.h"

/* A file that goes out, piece by piece: each is read in the pool. */

struct file_reader {
	struct job job;
	struct list node; /* in files->readers */
	struct files *f;
	uint64_t account; /* who reads */
	int fd;
	uint64_t at, left;
	size_t n; /* bytes of the piece */
	bool working, freed;
	struct defer later;
	file_read_fn *fn;
	void *arg;
	char piece[FILE_PIECE_MAX];
};

static void work(struct job *j)
{
	struct file_reader *r = container_of(j, struct file_reader, job);
	size_t want = (size_t)MIN(r->left, (uint64_t)sizeof(r->piece));
	ssize_t n;
	do
		n = pread(r->fd, r->piece, want, (off_t)r->at);
	while (n < 0 && errno == EINTR);
	r->n = n > 0 ? (size_t)n : 0;
}

static void really_free(struct file_reader *r)
{
	(void)close(r->fd);
	files_unref(r->f);
	free(r);
}

static void on_worked(struct job *j)
{
	struct file_reader *r = container_of(j, struct file_reader, job);
	r->working = false;
	if (r->freed) {
		really_free(r);
		return;
	}
	r->at += r->n;
	r->left -= r->n;
	r->fn(r->arg, str_n(r->piece, r->n));
}

static void on_later(void *arg)
{
	struct file_reader *r = arg;
	on_worked(&r->job);
}

bool files_may_read(const struct files *f, uint64_t account)
{
	unsigned of_user = 0;
	list_for(it, &f->readers) of_user +=
	        list_entry(it, struct file_reader, node)->account == account;
	return f->n_readers < FILE_READERS_MAX && of_user < FILE_USER_READERS_MAX;
}

struct file_reader *file_reader_new(struct files *f, uint64_t account, struct str id, uint64_t from,
                                    uint64_t n, file_read_fn *fn, void *arg)
{
	char path[FILE_PATH_MAX];
	files_path(f, id, "", path);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		log_warning(NULL, "file-not-read", "why=%s", log_text(str_of(strerror(errno))));
		return NULL;
	}
	struct file_reader *r = xmalloc(sizeof(*r)); /* the piece need not be zero */
	r->f = f;
	r->account = account;
	r->fd = fd;
	r->at = from;
	r->left = n;
	r->n = 0;
	r->working = r->freed = false;
	r->fn = fn;
	r->arg = arg;
	r->job = (struct job){ .work = work, .done = on_worked };
	defer_init(&r->later, on_later, r);
	list_add(&f->readers, &r->node);
	f->refs++;
	f->n_readers++;
	f->stats.read++;
	return r;
}

void file_reader_next(struct file_reader *r)
{
	if (r->working)
		return;
	r->working = true;
	if (loop_job(r->f->loop, &r->job) < 0) { /* too much waits for the disk */
		r->n = 0;
		loop_defer(r->f->loop, &r->later);
	}
}

uint64_t file_reader_left(const struct file_reader *r)
{
	return r->left;
}

void file_reader_free(struct file_reader **rp)
{
	struct file_reader *r = take(rp);
	if (!r)
		return;
	list_del(&r->node);
	r->f->n_readers--;
	r->freed = true;
	if (!r->working)
		really_free(r);
}
