#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/rand.h"
#include "svc/file/inside.h"

/* A file that comes: its bytes go to FOLDER/ID.part and to the scanner alike.  When all are there,
 * and the scanner has nothing against them, it is synced and renamed, and then has its row. */

enum {
	BEGIN_MAX = 32,           /* bytes that say what it is */
	WRITE_MIN = 64 * 1024,    /* what one job writes, but for the last */
	AHEAD_MAX = 256 * 1024,   /* that wait for the disk, */
	AHEAD_HARD = 1024 * 1024, /* with the longest piece */
	LINES_PER_S = 5,
};

enum stage { COMING, FINISHING, STORING, DONE };

/* What a thread of the pool does, and all it sees. */
struct work {
	struct job job;
	int fd, err;
	struct buf bytes;
	char part[FILE_PATH_MAX], path[FILE_PATH_MAX];
};

struct upload {
	struct list node; /* in files->uploads */
	struct files *f;
	const struct upload_ops *ops;
	void *arg;
	struct file what;
	char *texts[4]; /* of what: owner, chat, name, host */
	char id[FILE_ID_LEN + 1];
	enum stage stage;
	enum file_error error;
	uint64_t got;
	char begin[BEGIN_MAX];
	struct buf ahead; /* what the disk has still to take */
	struct work work;
	bool working, freed; /* it is freed once the work is done */
	bool full;           /* room() is waited for */
	bool told;           /* done() has been called */
	struct scanning *scanning;
	bool clean, scanner_full;
	struct defer tell;
	char found[SCAN_NAME_MAX + 1];
};

uint64_t uploads_bytes(const struct files *f, uint64_t account)
{
	uint64_t n = 0;
	list_for(it, &f->uploads)
	{
		const struct upload *u = list_entry(it, struct upload, node);
		if (u->what.account == account)
			n += u->what.size;
	}
	return n;
}

/* --- the end --------------------------------------------------------------------------------- */

static void on_tell(void *arg)
{
	struct upload *u = arg;
	struct str id = u->error ? STR("") : str_of(u->id);
	u->told = true;
	u->ops->done(u->arg, u->error, id, str_of(u->found));
}

static void end(struct upload *u, enum file_error err)
{
	if (u->stage == DONE)
		return;
	u->stage = DONE;
	u->error = err;
	u->f->stats.taken += err == FILE_OK;
	loop_defer(u->f->loop, &u->tell);
}

static void say(struct upload *u, const char *event, struct str why)
{
	if (log_allow(&u->f->limit, loop_now(u->f->loop), LINES_PER_S))
		log_warning(NULL, event, "of=%s why=%s", log_esc(u->what.owner), log_text(why));
}

static void fail(struct upload *u, int err)
{
	if (u->stage != DONE)
		say(u, "file-not-taken", str_of(strerror(-err)));
	end(u, err == -ENOSPC || err == -EDQUOT ? FILE_NO_SPACE : FILE_FAILED);
}

static void really_free(struct upload *u)
{
	bool over = u->stage == DONE && u->error == FILE_OK;
	if (u->work.fd >= 0)
		(void)close(u->work.fd);
	if (!over && u->work.part[0])
		files_unlink(u->f, u->work.part);
	if (!over && u->stage >= FINISHING && u->work.part[0])
		files_unlink(u->f, u->work.path);
	buf_free(&u->ahead);
	buf_free(&u->work.bytes);
	for (size_t i = 0; i < ARRAY_SIZE(u->texts); i++)
		free(u->texts[i]);
	files_unref(u->f);
	free(u);
}

/* --- the disk -------------------------------------------------------------------------------- */

static int write_all(int fd, struct str s)
{
	while (s.len > 0) {
		ssize_t n = write(fd, s.p, s.len);
		if (n < 0 && errno != EINTR)
			return -errno;
		s = str_sub(s, n > 0 ? (size_t)n : 0, s.len);
	}
	return 0;
}

static void work_write(struct job *j)
{
	struct work *w = container_of(j, struct work, job);
	w->err = write_all(w->fd, buf_view(&w->bytes));
}

/* A new name lasts once its folder is on disk. */
static int sync_folder(const char *path)
{
	char folder[FILE_PATH_MAX];
	(void)snprintf(folder, sizeof(folder), "%.*s", (int)(strrchr(path, '/') - path), path);
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r = fd < 0 || fsync(fd) < 0 ? -errno : 0;
	if (fd >= 0)
		(void)close(fd);
	return r;
}

static void work_finish(struct job *j)
{
	struct work *w = container_of(j, struct work, job);
	w->err = fdatasync(w->fd) < 0 || rename(w->part, w->path) < 0 ? -errno : 0;
	if (w->err == 0)
		w->err = sync_folder(w->path);
}

static void step(struct upload *u);

static void on_worked(struct job *j)
{
	struct upload *u = container_of(j, struct upload, work.job);
	u->working = false;
	u->work.bytes.len = 0;
	if (u->freed)
		really_free(u);
	else if (u->work.err < 0)
		fail(u, u->work.err);
	else
		step(u);
}

static void begin_work(struct upload *u, void (*work)(struct job *j))
{
	u->work.job.work = work;
	u->work.job.done = on_worked;
	int r = loop_job(u->f->loop, &u->work.job);
	u->working = r == 0;
	if (r < 0)
		end(u, FILE_BUSY);
}

static void write_ahead(struct upload *u)
{
	struct buf b = u->work.bytes;
	u->work.bytes = u->ahead;
	u->ahead = b;
	begin_work(u, work_write);
}

/* --- the row --------------------------------------------------------------------------------- */

/* Its row is there, and nobody has heard of it, or will: both go, the content behind the row.  When
 * everything ends just now it stays until its time is over. */
static void take_back(struct upload *u)
{
	if (u->f->store)
		files_remove(u->f, str_of(u->id));
}

/* Of one that was freed meanwhile. */
static void on_stored_late(struct upload *u, int err)
{
	u->stage = DONE;
	u->error = err < 0 ? FILE_FAILED : FILE_OK;
	if (err == 0)
		take_back(u);
	really_free(u);
}

static void on_stored(void *arg, int err, int64_t n UNUSED)
{
	struct upload *u = arg;
	u->working = false;
	u->f->stats.n += err == 0;
	u->f->stats.bytes += err == 0 ? u->what.size : 0;
	if (u->freed)
		on_stored_late(u, err);
	else if (err < 0)
		fail(u, err);
	else
		end(u, FILE_OK);
}

static void store_row(struct upload *u)
{
	u->stage = STORING;
	u->what.id = str_of(u->id);
	u->what.type = file_type_of(str_n(u->begin, MIN(u->got, (uint64_t)BEGIN_MAX)));
	u->what.made_at = loop_wall(u->f->loop);
	u->what.expires_at = u->what.made_at + u->f->cfg.life_s * USEC_PER_SEC;
	int r = files_add(u->f, &u->what, on_stored, u);
	u->working = r == 0;
	if (r < 0)
		fail(u, r);
}

/* --- the flow -------------------------------------------------------------------------------- */

static void tell_room(struct upload *u)
{
	if (u->full && !u->scanner_full && u->ahead.len < WRITE_MIN) {
		u->full = false;
		u->ops->room(u->arg);
	}
}

static void step(struct upload *u)
{
	bool all = u->got == u->what.size;
	if (u->working || u->stage == DONE)
		return;
	if (u->stage == FINISHING) {
		store_row(u);
	} else if (u->ahead.len >= WRITE_MIN || (all && u->ahead.len > 0)) {
		write_ahead(u);
	} else if (all && (u->clean || !u->scanning)) {
		u->stage = FINISHING;
		begin_work(u, work_finish);
		return;
	}
	tell_room(u);
}

static void on_scanned(void *arg, enum scan_verdict v, struct str found)
{
	static const enum file_error errors[] = {
		[SCAN_CLEAN] = FILE_OK,
		[SCAN_FOUND] = FILE_INFECTED,
		[SCAN_TOO_LARGE] = FILE_TOO_LARGE,
		[SCAN_DOWN] = FILE_NOT_SCANNED,
	};
	struct upload *u = arg;
	struct buf b = BUF_ON(u->found);
	u->clean = v == SCAN_CLEAN;
	if (u->clean) {
		step(u);
		return;
	}
	u->f->stats.infected += v == SCAN_FOUND;
	u->f->stats.unscanned += v == SCAN_DOWN;
	say(u, v == SCAN_FOUND ? "file-infected" : "file-not-scanned", found);
	buf_str(&b, found);
	u->found[b.len] = '\0';
	end(u, errors[v]);
}

static void on_scanner_room(void *arg)
{
	struct upload *u = arg;
	u->scanner_full = false;
	if (u->stage != DONE)
		tell_room(u);
}

bool upload_put(struct upload *u, struct str piece)
{
	if (u->stage != COMING)
		return true;
	piece = str_sub(piece, 0, u->what.size - u->got);
	if (u->got < BEGIN_MAX)
		memcpy(u->begin + u->got, piece.p, MIN(piece.len, BEGIN_MAX - u->got));
	u->got += piece.len;
	buf_str(&u->ahead, piece);
	if (u->ahead.full) {
		end(u, FILE_FAILED); /* who sends has not waited */
		return true;
	}
	if (u->scanning) {
		u->scanner_full = !scanning_put(u->scanning, piece);
		if (u->got == u->what.size)
			scanning_end(u->scanning);
	}
	step(u);
	u->full = u->stage == COMING && (u->scanner_full || u->ahead.len >= AHEAD_MAX);
	return !u->full;
}

/* --- life ------------------------------------------------------------------------------------ */

static enum file_error may_begin(struct files *f, const struct file *what)
{
	unsigned of_user = 0;
	list_for(it, &f->uploads) of_user +=
	        list_entry(it, struct upload, node)->what.account == what->account;
	if (what->size > f->cfg.file_max)
		return FILE_TOO_LARGE;
	if (f->n_uploads >= FILE_UPLOADS_MAX || of_user >= FILE_USER_UPLOADS_MAX)
		return FILE_BUSY;
	if (what->size > f->cfg.space - MIN(f->stats.bytes + f->coming, f->cfg.space))
		return FILE_NO_SPACE;
	uint64_t has = files_user_bytes(f, what->account);
	return what->size > f->cfg.user_max - MIN(has, f->cfg.user_max) ? FILE_USER_FULL : FILE_OK;
}

static void copy_texts(struct upload *u)
{
	struct str *texts[] = { &u->what.owner, &u->what.chat, &u->what.name, &u->what.host };
	for (size_t i = 0; i < ARRAY_SIZE(u->texts); i++) {
		u->texts[i] = str_dup(*texts[i]);
		*texts[i] = str_of(u->texts[i]);
	}
}

static int open_part(struct upload *u)
{
	struct buf id = BUF_ON(u->id);
	rand_token(&id, FILE_ID_LEN);
	u->id[id.len] = '\0';
	files_path(u->f, str_of(u->id), "", u->work.path);
	files_path(u->f, str_of(u->id), ".part", u->work.part);
	u->work.fd = open(u->work.part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	return u->work.fd < 0 ? -errno : 0;
}

struct upload *upload_new(struct files *f, const struct file *what, const struct upload_ops *ops,
                          void *arg, enum file_error *ret_err)
{
	static const struct scan_ops scan_ops = { .done = on_scanned, .room = on_scanner_room };
	*ret_err = may_begin(f, what);
	if (*ret_err)
		return NULL;
	struct upload *u = xnew(struct upload);
	*u = (struct upload){ .f = f, .ops = ops, .arg = arg, .what = *what };
	u->ahead = u->work.bytes = buf_of(AHEAD_HARD);
	copy_texts(u);
	list_add(&f->uploads, &u->node);
	f->refs++;
	f->n_uploads++;
	f->coming += what->size;
	defer_init(&u->tell, on_tell, u);
	int r = open_part(u);
	if (r == 0 && f->cfg.scanner.len > 0)
		u->scanning = scanning_new(f->loop, f->cfg.scanner, &scan_ops, u);
	if (r < 0)
		fail(u, r);
	else if (what->size == 0)
		(void)upload_put(u, STR(""));
	return u;
}

void upload_free(struct upload **up)
{
	struct upload *u = take(up);
	if (!u)
		return;
	list_del(&u->node);
	u->f->n_uploads--;
	u->f->coming -= u->what.size;
	defer_cancel(&u->tell);
	if (u->stage == DONE && u->error == FILE_OK && !u->told)
		take_back(u);
	scanning_free(&u->scanning);
	u->freed = true;
	if (!u->working)
		really_free(u);
}
