#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "svc/file/inside.h"

/* The folder, and the store with a row for each file in it.  The content is on disk before its row;
 * the row goes before its content.  So a file without a row is one that was not finished, or is
 * over, and goes at the next start. */

enum {
	SWEEP_EVERY_S = 10,
	SWEEP_ROWS = 200, /* that are over, of one sweep */
	FOUND_MAX = 4096,
};

static const struct store_migration migrations[] = {
	{ 1, "create table file ("
	     " id text primary key, account integer not null, owner text not null,"
	     " chat text not null, name text not null, type text not null, host text not null,"
	     " size integer not null, made_at integer not null, expires_at integer not null"
	     ") without rowid;"
	     "create index file_account on file (account);"
	     "create index file_expires on file (expires_at);" },
	{ 0, NULL },
};

static const char sql_put[] = "insert into file (id, account, owner, chat, name, type, host, size,"
                              " made_at, expires_at)"
                              " values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
static const char sql_find[] = "select account, owner, chat, name, type, host, size, made_at,"
                               " expires_at from file where id = $1 and expires_at > $2";
static const char sql_remove[] = "delete from file where id = $1";
static const char sql_over[] = "select id, size from file where expires_at <= $1"
                               " order by expires_at limit $2";
static const char sql_of_user[] = "select coalesce(sum(size), 0) from file where account = $1";
static const char sql_all[] = "select count(*), coalesce(sum(size), 0) from file";
static const char sql_has[] = "select 1 from file where id = $1";

/* --- the disk -------------------------------------------------------------------------------- */

void files_path(const struct files *f, struct str id, const char *end, char ret[FILE_PATH_MAX])
{
	(void)snprintf(ret, FILE_PATH_MAX, "%s/%" STR_FMT "%s", f->folder, STR_ARG(id), end);
}

struct removal {
	struct job job;
	char path[];
};

static void remove_it(struct job *j)
{
	(void)unlink(container_of(j, struct removal, job)->path);
}

static void on_removed(struct job *j)
{
	free(container_of(j, struct removal, job));
}

void files_unlink(struct files *f, const char *path)
{
	size_t n = strlen(path) + 1;
	struct removal *r = xcalloc(1, sizeof(*r) + n);
	memcpy(r->path, path, n);
	r->job.work = remove_it;
	r->job.done = on_removed;
	if (loop_job(f->loop, &r->job) < 0) {
		remove_it(&r->job);
		on_removed(&r->job);
	}
}

/* --- rows ------------------------------------------------------------------------------------ */

static struct str keep(struct buf *b, struct str s)
{
	size_t at = b->len;
	buf_str(b, s);
	return str_n(b->p + at, b->len - at);
}

static void take_row(void *arg, const struct store_val *c, int n UNUSED)
{
	struct found *x = arg;
	struct buf *b = &x->text;
	b->len = 0;
	x->there = buf_room(b, FOUND_MAX) != NULL; /* all of it at once: it must not move */
	x->file.account = (uint64_t)c[0].i;
	x->file.owner = keep(b, c[1].s);
	x->file.chat = keep(b, c[2].s);
	x->file.name = keep(b, c[3].s);
	x->file.type = keep(b, c[4].s);
	x->file.host = keep(b, c[5].s);
	x->file.size = (uint64_t)c[6].i;
	x->file.made_at = (usec_t)c[7].i;
	x->file.expires_at = (usec_t)c[8].i;
}

static bool is_id(struct str id)
{
	for (size_t i = 0; i < id.len; i++) {
		char c = id.p[i];
		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')))
			return false;
	}
	return id.len == FILE_ID_LEN;
}

bool files_find(struct files *f, struct str id, struct file *ret)
{
	struct store_val v[] = { STORE_S(id), STORE_I(loop_wall(f->loop)) };
	f->found.there = false;
	if (!is_id(id) ||
	    store_read(f->store, sql_find, v, ARRAY_SIZE(v), take_row, &f->found) < 0 ||
	    !f->found.there || f->found.text.full)
		return false;
	f->found.file.id = keep(&f->found.text, id);
	*ret = f->found.file;
	return true;
}

static void take_two(void *arg, const struct store_val *c, int n)
{
	uint64_t *to = arg;
	for (int i = 0; i < n; i++)
		to[i] = (uint64_t)c[i].i;
}

uint64_t files_user_bytes(struct files *f, uint64_t account)
{
	struct store_val v[] = { STORE_I(account) };
	uint64_t bytes = 0;
	if (store_read(f->store, sql_of_user, v, 1, take_two, &bytes) < 0)
		return UINT64_MAX; /* nothing is taken while it cannot be read */
	return bytes + uploads_bytes(f, account);
}

int files_add(struct files *f, const struct file *w, store_done_fn *done, void *arg)
{
	struct store_val v[] = { STORE_S(w->id),        STORE_I(w->account), STORE_S(w->owner),
		                 STORE_S(w->chat),      STORE_S(w->name),    STORE_S(w->type),
		                 STORE_S(w->host),      STORE_I(w->size),    STORE_I(w->made_at),
		                 STORE_I(w->expires_at) };
	struct store_stmt st = { .sql = sql_put, .params = v, .n_params = ARRAY_SIZE(v) };
	return store_write(f->store, STORE_MUST, &st, 1, done, arg);
}

/* A row that is going; then its content. */
struct going {
	struct files *f;
	uint64_t size;
	char id[FILE_ID_LEN + 1];
};

static void on_row_gone(void *arg, int err, int64_t changed)
{
	struct going *g = arg;
	char path[FILE_PATH_MAX];
	if (err < 0)
		log_warning(NULL, "file-not-removed", "why=%s", log_text(str_of(strerror(-err))));
	if (err == 0 && changed > 0) {
		g->f->stats.n--;
		g->f->stats.bytes -= g->size;
		files_path(g->f, str_of(g->id), "", path);
		files_unlink(g->f, path);
	}
	free(g);
}

static void remove_row(struct files *f, struct str id, uint64_t size)
{
	struct store_val v[] = { STORE_S(id) };
	struct store_stmt st = { .sql = sql_remove, .params = v, .n_params = 1 };
	struct going *g = xnew(struct going);
	g->f = f;
	g->size = size;
	memcpy(g->id, id.p, MIN(id.len, (size_t)FILE_ID_LEN));
	if (store_write(f->store, STORE_MUST, &st, 1, on_row_gone, g) < 0)
		free(g); /* the next sweep tries again, or its time comes */
}

void files_remove(struct files *f, struct str id)
{
	struct file file;
	if (files_find(f, id, &file))
		remove_row(f, id, file.size);
}

/* --- whose time is over ---------------------------------------------------------------------- */

struct over {
	struct {
		char id[FILE_ID_LEN];
		uint64_t size;
	} rows[SWEEP_ROWS];
	size_t n;
};

static void take_over(void *arg, const struct store_val *c, int n UNUSED)
{
	struct over *o = arg;
	if (c[0].s.len != FILE_ID_LEN || o->n == SWEEP_ROWS)
		return;
	memcpy(o->rows[o->n].id, c[0].s.p, FILE_ID_LEN);
	o->rows[o->n++].size = (uint64_t)c[1].i;
}

static void on_sweep(void *arg)
{
	struct files *f = arg;
	struct over o = { .n = 0 };
	struct store_val v[] = { STORE_I(loop_wall(f->loop)), STORE_I(SWEEP_ROWS) };
	int r = store_read(f->store, sql_over, v, ARRAY_SIZE(v), take_over, &o);
	for (size_t i = 0; r >= 0 && i < o.n; i++)
		remove_row(f, str_n(o.rows[i].id, FILE_ID_LEN), o.rows[i].size);
	timer_set(&f->sweep, loop_now(f->loop) + SWEEP_EVERY_S * USEC_PER_SEC);
}

/* --- the start ------------------------------------------------------------------------------- */

static void take_there(void *arg, const struct store_val *c UNUSED, int n UNUSED)
{
	*(bool *)arg = true;
}

static bool has_row(struct files *f, struct str name)
{
	struct store_val v[] = { STORE_S(name) };
	bool there = false;
	int r = store_read(f->store, sql_has, v, 1, take_there, &there);
	return r < 0 || there;
}

/* What no row speaks of: it was not finished, or is over. */
static unsigned clean_folder(struct files *f)
{
	DIR *d = opendir(f->folder);
	const struct dirent *e;
	unsigned n = 0;
	while (d && (e = readdir(d)) != NULL) {
		struct str name = str_of(e->d_name);
		char path[FILE_PATH_MAX];
		if (str_starts(name, STR(".")) || has_row(f, name))
			continue;
		files_path(f, name, "", path);
		n += unlink(path) == 0;
	}
	if (d)
		(void)closedir(d);
	return n;
}

static int open_folder(struct files *f, const char *folder, struct buf *why)
{
	auto_(buf_free) struct buf path = buf_of(FILE_PATH_MAX - FILE_ID_LEN - 8);
	buf_printf(&path, "%s/files", folder);
	f->folder = str_dup(buf_view(&path));
	if (path.full || (mkdir(f->folder, 0700) < 0 && errno != EEXIST)) {
		buf_printf(why, "The folder for files, %s, cannot be made: %s.", f->folder,
		           strerror(path.full ? ENAMETOOLONG : errno));
		return -EINVAL;
	}
	return 0;
}

static int open_store(struct files *f, const char *folder, struct buf *why)
{
	char path[FILE_PATH_MAX];
	uint64_t there[2] = { 0, 0 };
	(void)snprintf(path, sizeof(path), "%s/files.db", folder);
	f->store = store_open(f->loop, path, migrations, why);
	if (!f->store)
		return -EINVAL;
	if (store_read(f->store, sql_all, NULL, 0, take_two, there) < 0) {
		buf_printf(why, "%s cannot be read.", path);
		return -EIO;
	}
	f->stats.n = there[0];
	f->stats.bytes = there[1];
	return 0;
}

struct files *files_open(struct loop *l, const char *folder, const struct files_config *cfg,
                         struct buf *why)
{
	struct files *f = xnew(struct files);
	f->refs = 1;
	f->loop = l;
	f->found.text = buf_of(FOUND_MAX);
	list_init(&f->uploads);
	list_init(&f->readers);
	timer_init(&f->sweep, l, on_sweep, f);
	files_configure(f, cfg);
	if (open_folder(f, folder, why) < 0 || open_store(f, folder, why) < 0) {
		files_close(&f);
		return NULL;
	}
	unsigned n = clean_folder(f);
	if (n > 0)
		log_info(NULL, "files-not-finished", "removed=%u", n);
	timer_set(&f->sweep, loop_now(l));
	return f;
}

void files_unref(struct files *f)
{
	if (--f->refs > 0)
		return;
	buf_free(&f->found.text);
	free(f->folder);
	free(f->scanner);
	free(f);
}

void files_close(struct files **fp)
{
	struct files *f = take(fp);
	if (!f)
		return;
	timer_stop(&f->sweep);
	if (f->store)
		store_close(&f->store);
	files_unref(f);
}

void files_configure(struct files *f, const struct files_config *cfg)
{
	free(f->scanner);
	f->cfg = *cfg;
	f->scanner = str_dup(cfg->scanner);
	f->cfg.scanner = str_of(f->scanner);
}

const struct files_stats *files_stats(const struct files *f)
{
	return &f->stats;
}
