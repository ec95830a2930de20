#include "svc/file/file.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "await.h"
#include "base/log.h"
#include "loop/stream.h"
#include "svc/file/scanning.h"
#include "tap.h"

enum { KB = 1024 };

struct world {
	struct loop *loop;
	struct files *files;
	char folder[64];
	unsigned n_done, n_room;
	enum file_error err;
	char id[FILE_ID_LEN + 1], found[SCAN_NAME_MAX + 1];
	struct buf got;
	struct file_reader *reader;
	/* The scanner. */
	struct listener *door;
	struct stream *scanner;
	struct buf scanned;
	char path[100];
};

static const struct files_config config = {
	.file_max = 300 * KB, .user_max = 500 * KB, .space = 800 * KB, .life_s = 3600
};

static void world_start(struct world *w)
{
	auto_(buf_free) struct buf why = buf_of(1024);
	*w = (struct world){ .loop = loop_new(), .folder = "/tmp/dialtone-files-XXXXXX" };
	log_set_level(LOG_ERROR);
	OK(mkdtemp(w->folder) != NULL);
	w->files = files_open(w->loop, w->folder, &config, &why);
	w->got = w->scanned = buf_of(4 * 1024 * KB);
	OK(w->files != NULL);
}

static void again(struct world *w)
{
	auto_(buf_free) struct buf why = buf_of(1024);
	files_close(&w->files);
	w->files = files_open(w->loop, w->folder, &config, &why);
	OK(w->files != NULL);
}

/* Names in the folder. */
static unsigned count(const struct world *w, char ret[300])
{
	char path[100];
	unsigned n = 0;
	const struct dirent *e;
	(void)snprintf(path, sizeof(path), "%s/files", w->folder);
	DIR *d = opendir(path);
	while (d && (e = readdir(d)) != NULL) {
		if (e->d_name[0] == '.')
			continue;
		(void)snprintf(ret, 300, "%s", e->d_name);
		n++;
	}
	(void)closedir(d);
	return n;
}

static void world_end(struct world *w)
{
	char text[200];
	stream_free(&w->scanner);
	listener_free(&w->door);
	files_close(&w->files);
	for (int i = 0; i < 5; i++)
		loop_turn(w->loop, 10 * USEC_PER_MSEC);
	loop_free(&w->loop);
	buf_free(&w->got);
	buf_free(&w->scanned);
	(void)snprintf(text, sizeof(text), "rm -rf %s", w->folder);
	EQ(system(text), 0);
}

static void on_done(void *arg, enum file_error err, struct str id, struct str found)
{
	struct world *w = arg;
	w->n_done++;
	w->err = err;
	(void)snprintf(w->id, sizeof(w->id), "%.*s", STR_ARG(id));
	(void)snprintf(w->found, sizeof(w->found), "%.*s", STR_ARG(found));
}

static void on_room(void *arg)
{
	((struct world *)arg)->n_room++;
}

static const struct upload_ops ops = { .done = on_done, .room = on_room };

static struct file file_of(uint64_t account, uint64_t size)
{
	return (struct file){ .account = account,
		              .owner = STR("alice@example.test"),
		              .chat = STR("bob@example.test"),
		              .name = STR("a.txt"),
		              .host = STR("web.example.test"),
		              .size = size };
}

static struct upload *begin(struct world *w, uint64_t account, uint64_t size)
{
	struct file f = file_of(account, size);
	struct upload *u = upload_new(w->files, &f, &ops, w, &w->err);
	return u;
}

/* All of it, waiting as one is asked to. */
static void put(struct world *w, struct upload *u, struct str s)
{
	while (s.len > 0) {
		struct str piece = str_sub(s, 0, (size_t)50 * KB);
		unsigned rooms = w->n_room, dones = w->n_done;
		bool go = upload_put(u, piece);
		s = str_sub(s, piece.len, s.len);
		if (!go)
			AWAIT(w->loop, w->n_room > rooms || w->n_done > dones);
	}
}

static void send_file(struct world *w, uint64_t account, struct str s)
{
	struct upload *u = begin(w, account, s.len);
	unsigned n = w->n_done;
	OK(u != NULL);
	if (!u)
		return;
	put(w, u, s);
	AWAIT(w->loop, w->n_done > n);
	upload_free(&u);
}

static void on_read(void *arg, struct str piece)
{
	struct world *w = arg;
	buf_str(&w->got, piece);
	if (file_reader_left(w->reader) > 0)
		file_reader_next(w->reader);
}

static struct str fetch(struct world *w, uint64_t from, uint64_t n)
{
	w->got.len = 0;
	w->reader = file_reader_new(w->files, 1, str_of(w->id), from, n, on_read, w);
	OK(w->reader != NULL);
	file_reader_next(w->reader);
	AWAIT(w->loop, w->got.len == n);
	file_reader_free(&w->reader);
	return buf_view(&w->got);
}

static struct str pattern(char *space, size_t n)
{
	for (size_t i = 0; i < n; i++)
		space[i] = (char)('a' + i % 23);
	return str_n(space, n);
}

static char space[512 * KB];

/* --- */

static void what_was_sent_is_there_after_a_restart(void)
{
	struct world w;
	struct file f;
	world_start(&w);
	struct str all = pattern(space, 200 * KB + 7);
	send_file(&w, 1, all);
	EQ(w.err, FILE_OK);
	OK(files_find(w.files, str_of(w.id), &f));
	EQ_STR(f.name, "a.txt");
	EQ_STR(f.chat, "bob@example.test");
	EQ_STR(f.type, "application/octet-stream");
	EQ(f.size, all.len);
	OK(str_eq(fetch(&w, 0, all.len), all));
	OK(str_eq(fetch(&w, 100, 70 * KB), str_sub(all, 100, 70 * KB)));
	again(&w);
	OK(files_find(w.files, str_of(w.id), &f));
	EQ(files_stats(w.files)->n, 1);
	EQ(files_stats(w.files)->bytes, all.len);
	OK(str_eq(fetch(&w, 0, all.len), all));
	world_end(&w);
}

static void what_is_removed_is_gone(void)
{
	struct world w;
	struct file f;
	char name[300];
	world_start(&w);
	send_file(&w, 1, STR("hello"));
	files_remove(w.files, str_of(w.id));
	AWAIT(w.loop, !files_find(w.files, str_of(w.id), &f) && count(&w, name) == 0);
	EQ(files_stats(w.files)->n, 0);
	OK(!files_find(w.files, STR("../../etc/passwd"), &f));
	OK(!files_find(w.files, STR(""), &f));
	world_end(&w);
}

static void its_time_ends(void)
{
	struct world w;
	struct file f;
	char name[300];
	world_start(&w);
	send_file(&w, 1, STR("hello"));
	loop_clock_move(w.loop, 0);
	loop_wall_move(w.loop, (int64_t)3601 * USEC_PER_SEC);
	loop_turn(w.loop, 0);
	OK(!files_find(w.files, str_of(w.id), &f));
	EQ(count(&w, name), 1);
	for (int i = 0; i < 10000 && count(&w, name) > 0; i++) {
		loop_clock_move(w.loop, USEC_PER_SEC);
		loop_turn(w.loop, 0);
		(void)usleep(1000); /* the threads take their time */
	}
	EQ(count(&w, name), 0);
	world_end(&w);
}

static void who_goes_leaves_nothing(void)
{
	struct world w;
	char name[300];
	world_start(&w);
	struct upload *u = begin(&w, 1, 200 * KB);
	(void)upload_put(u, pattern(space, 100 * KB));
	EQ(count(&w, name), 1);
	OK(str_ends(str_of(name), STR(".part")));
	upload_free(&u);
	AWAIT(w.loop, count(&w, name) == 0);
	EQ(w.n_done, 0);
	world_end(&w);
}

/* At whichever step: what was begun ends by itself, nobody is told, and nothing of it stays. */
static void who_goes_at_the_end_is_told_nothing(void)
{
	for (unsigned turns = 0; turns < 30; turns++) {
		struct world w;
		char name[300];
		world_start(&w);
		struct upload *u = begin(&w, 1, 5);
		(void)upload_put(u, STR("hello"));
		for (unsigned i = 0; i < turns && w.n_done == 0; i++)
			loop_turn(w.loop, USEC_PER_MSEC);
		unsigned told = w.n_done;
		upload_free(&u);
		for (unsigned i = 0; i < 20; i++)
			loop_turn(w.loop, USEC_PER_MSEC);
		EQ(w.n_done, told);
		AWAIT(w.loop, count(&w, name) == told && files_stats(w.files)->n == told);
		world_end(&w);
	}
}

static bool is_renamed(const struct world *w)
{
	char name[300];
	return count(w, name) == 1 && !str_ends(str_of(name), STR(".part"));
}

/* The content has its name already. */
static void who_goes_while_the_row_is_written_leaves_nothing(void)
{
	struct world w;
	char name[300];
	world_start(&w);
	for (unsigned turns = 0; turns < 4; turns++) {
		struct upload *u = begin(&w, 1, 5);
		(void)upload_put(u, STR("hello"));
		AWAIT(w.loop, is_renamed(&w));
		for (unsigned i = 0; i < turns && w.n_done == 0; i++)
			loop_turn(w.loop, 0);
		unsigned told = w.n_done;
		w.n_done = 0;
		upload_free(&u);
		if (told)
			files_remove(w.files, str_of(w.id));
		AWAIT(w.loop, count(&w, name) == 0 && files_stats(w.files)->n == 0);
		EQ(w.n_done, 0);
	}
	world_end(&w);
}

static void what_a_killed_process_left_is_taken_away(void)
{
	struct world w;
	char name[300], path[200];
	world_start(&w);
	send_file(&w, 1, STR("hello"));
	(void)snprintf(path, sizeof(path), "%s/files/%024d", w.folder, 1);
	FILE *f = fopen(path, "w");
	OK(f && fclose(f) == 0);
	(void)snprintf(path, sizeof(path), "%s/files/%024d.part", w.folder, 2);
	f = fopen(path, "w");
	OK(f && fclose(f) == 0);
	again(&w);
	EQ(count(&w, name), 1);
	EQ_STR(str_of(name), w.id);
	world_end(&w);
}

static void there_are_bounds(void)
{
	struct world w;
	struct upload *u[FILE_USER_UPLOADS_MAX];
	world_start(&w);
	OK(!begin(&w, 1, 300 * KB + 1) && w.err == FILE_TOO_LARGE);
	send_file(&w, 1, pattern(space, 300 * KB));
	OK(!begin(&w, 1, 201 * KB) && w.err == FILE_USER_FULL);
	u[0] = begin(&w, 1, 150 * KB); /* what is under way counts */
	OK(u[0] && !begin(&w, 1, 51 * KB) && w.err == FILE_USER_FULL);
	upload_free(&u[0]);
	send_file(&w, 2, pattern(space, 300 * KB));
	OK(!begin(&w, 3, 201 * KB) && w.err == FILE_NO_SPACE);
	for (size_t i = 0; i < ARRAY_SIZE(u); i++)
		u[i] = begin(&w, 3, KB);
	OK(u[FILE_USER_UPLOADS_MAX - 1] && !begin(&w, 3, 1) && w.err == FILE_BUSY);
	for (size_t i = 0; i < ARRAY_SIZE(u); i++)
		upload_free(&u[i]);
	world_end(&w);
}

static void one_user_does_not_read_for_all(void)
{
	struct world w;
	struct file_reader *all[FILE_USER_READERS_MAX];
	world_start(&w);
	send_file(&w, 1, STR("hello"));
	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		OK(files_may_read(w.files, 2));
		all[i] = file_reader_new(w.files, 2, str_of(w.id), 0, 5, on_read, &w);
		OK(all[i] != NULL);
	}
	OK(!files_may_read(w.files, 2));
	OK(files_may_read(w.files, 1));
	file_reader_free(&all[0]);
	OK(files_may_read(w.files, 2));
	for (size_t i = 1; i < ARRAY_SIZE(all); i++)
		file_reader_free(&all[i]);
	world_end(&w);
}

/* --- the scanner ----------------------------------------------------------------------------- */

static ssize_t on_scanner_data(void *arg, struct str in)
{
	struct world *w = arg;
	buf_str(&w->scanned, in);
	return (ssize_t)in.len;
}

static void on_scanner_closed(void *arg, int err UNUSED, const char *why UNUSED)
{
	stream_free(&((struct world *)arg)->scanner);
}

static void on_accept(void *arg, struct listener *ls UNUSED, int fd, const struct addr *peer UNUSED)
{
	static const struct stream_ops sops = { .data = on_scanner_data,
		                                .closed = on_scanner_closed };
	static const struct stream_limits lim = { .read_max = 4096, .write_max = 4096 };
	struct world *w = arg;
	w->scanner = stream_accept(w->loop, fd, NULL, &lim, &sops, w);
}

static void with_scanner(struct world *w)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	(void)snprintf(w->path, sizeof(w->path), "%s/scanner", w->folder);
	(void)snprintf(to.sun_path, sizeof(to.sun_path), "%s", w->path);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	EQ(bind(fd, (const struct sockaddr *)&to, sizeof(to)), 0);
	EQ(listen(fd, 5), 0);
	w->door = listener_new(w->loop, fd, 5, on_accept, w);
	struct files_config cfg = config;
	cfg.scanner = str_of(w->path);
	files_configure(w->files, &cfg);
}

static const struct {
	const char *answer;
	enum file_error err;
	const char *found;
} answers[] = {
	{ "stream: OK", FILE_OK, "" },
	{ "stream: Eicar-Signature FOUND", FILE_INFECTED, "Eicar-Signature" },
	{ "INSTREAM size limit exceeded. ERROR", FILE_TOO_LARGE,
	  "INSTREAM size limit exceeded. ERROR" },
	{ "UNKNOWN COMMAND", FILE_NOT_SCANNED, "UNKNOWN COMMAND" },
	{ "stream:  FOUND", FILE_NOT_SCANNED, "stream:  FOUND" },
	{ "", FILE_NOT_SCANNED, "" },
};

static void what_the_scanner_says_counts(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(answers); i++) {
		struct world w;
		char name[300];
		world_start(&w);
		with_scanner(&w);
		struct upload *u = begin(&w, 1, 5);
		(void)upload_put(u, STR("hel"));
		(void)upload_put(u, STR("lo"));
		AWAIT(w.loop, w.scanned.len == 10 + 4 + 3 + 4 + 2 + 4);
		OK(memcmp(w.scanned.p, "zINSTREAM\0\0\0\0\3hel\0\0\0\2lo\0\0\0\0", w.scanned.len) ==
		   0);
		EQ(w.n_done, 0); /* without it none is taken */
		stream_write(w.scanner, str_n(answers[i].answer, strlen(answers[i].answer) + 1));
		AWAIT(w.loop, w.n_done == 1);
		EQ(w.err, answers[i].err);
		if (answers[i].err)
			EQ_STR(str_of(w.found), answers[i].found);
		upload_free(&u);
		AWAIT(w.loop, count(&w, name) == (answers[i].err ? 0 : 1));
		world_end(&w);
	}
}

static void a_scanner_that_knows_too_early_is_not_believed(void)
{
	struct world w;
	world_start(&w);
	with_scanner(&w);
	struct upload *u = begin(&w, 1, 5);
	(void)upload_put(u, STR("hel"));
	AWAIT(w.loop, w.scanner != NULL);
	stream_write(w.scanner, str_n("stream: OK", 11));
	AWAIT(w.loop, w.n_done == 1);
	EQ(w.err, FILE_NOT_SCANNED);
	upload_free(&u);
	world_end(&w);
}

static void without_its_scanner_no_file_is_taken(void)
{
	struct world w;
	struct files_config cfg = config;
	world_start(&w);
	static const char *const nowhere[] = { "/nowhere/at/all", "127.0.0.1:1", "nonsense" };
	for (size_t i = 0; i < ARRAY_SIZE(nowhere); i++) {
		cfg.scanner = str_of(nowhere[i]);
		files_configure(w.files, &cfg);
		send_file(&w, 1, STR("hello"));
		EQ(w.err, FILE_NOT_SCANNED);
	}
	with_scanner(&w);
	struct upload *u = begin(&w, 1, 5);
	AWAIT(w.loop, w.scanner != NULL);
	stream_free(&w.scanner); /* it goes away */
	AWAIT(w.loop, w.n_done == 4);
	EQ(w.err, FILE_NOT_SCANNED);
	upload_free(&u);
	world_end(&w);
}

static void a_scanner_that_does_not_read_is_given_up(void)
{
	struct world w;
	struct files_config cfg = config;
	bool go = true;
	world_start(&w);
	with_scanner(&w);
	cfg.scanner = str_of(w.path);
	cfg.file_max = cfg.user_max = cfg.space = (uint64_t)100 * KB * KB;
	files_configure(w.files, &cfg);
	struct upload *u = begin(&w, 1, (uint64_t)100 * KB * KB);
	AWAIT(w.loop, w.scanner != NULL);
	stream_pause(w.scanner, true);
	while (go && w.n_done == 0) { /* until both it and the disk have enough, or it alone */
		unsigned rooms = w.n_room;
		go = upload_put(u, pattern(space, 50 * KB));
		for (unsigned i = 0; !go && i < 50 && w.n_room == rooms; i++)
			loop_turn(w.loop, 10 * USEC_PER_MSEC);
		go = go || w.n_room > rooms;
	}
	EQ(w.n_done, 0);
	loop_clock_move(w.loop, (SCAN_SILENCE_S + 1) * USEC_PER_SEC);
	for (unsigned i = 0; i < 20 && w.n_done == 0; i++)
		loop_turn(w.loop, USEC_PER_MSEC);
	EQ(w.n_done, 1);
	EQ(w.err, FILE_NOT_SCANNED);
	upload_free(&u);
	world_end(&w);
}

/* --- names ----------------------------------------------------------------------------------- */

static const struct {
	const char *name, *put;
} names[] = {
	{ "a.txt", "a.txt" },
	{ "/etc/passwd", "passwd" },
	{ "C:\\x\\y.doc", "y.doc" },
	{ "..", "file" },
	{ "a/..", "file" },
	{ "", "file" },
	{ "\t\r\n", "file" },
	{ "a\x01\x7f\xc2\x85z", "az" },
	{ "exe.\xe2\x80\xaegpj", "exe.gpj" },
	{ "\xff\xfeok", "ok" },
	{ "\xe2\x82\xac.txt", "\xe2\x82\xac.txt" },
};

static void names_do_no_harm(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		char text[FILE_NAME_MAX + 1];
		struct buf b = BUF_ON(text);
		file_put_name(&b, str_of(names[i].name));
		EQ_STR(buf_view(&b), names[i].put);
	}
}

static void pictures_are_known_by_their_content(void)
{
	EQ_STR(file_type_of(STR("\x89PNG\r\n\x1a\n....")), "image/png");
	EQ_STR(file_type_of(STR("\xff\xd8\xff\xe0")), "image/jpeg");
	EQ_STR(file_type_of(STR("GIF89a")), "image/gif");
	EQ_STR(file_type_of(STR("RIFF....WEBPVP8 ")), "image/webp");
	EQ_STR(file_type_of(STR("RIFF....WAVE")), "application/octet-stream");
	EQ_STR(file_type_of(STR("<svg")), "application/octet-stream");
	EQ_STR(file_type_of(STR("")), "application/octet-stream");
	OK(scan_place_is_good(STR("/run/clamav/clamd.ctl")));
	OK(scan_place_is_good(STR("127.0.0.1:3310")));
	OK(!scan_place_is_good(STR("clamd")) && !scan_place_is_good(STR("127.0.0.1:0")));
}

int main(void)
{
	RUN(what_was_sent_is_there_after_a_restart);
	RUN(what_is_removed_is_gone);
	RUN(its_time_ends);
	RUN(who_goes_leaves_nothing);
	RUN(who_goes_at_the_end_is_told_nothing);
	RUN(who_goes_while_the_row_is_written_leaves_nothing);
	RUN(what_a_killed_process_left_is_taken_away);
	RUN(there_are_bounds);
	RUN(one_user_does_not_read_for_all);
	RUN(what_the_scanner_says_counts);
	RUN(a_scanner_that_knows_too_early_is_not_believed);
	RUN(without_its_scanner_no_file_is_taken);
	RUN(a_scanner_that_does_not_read_is_given_up);
	RUN(names_do_no_harm);
	RUN(pictures_are_known_by_their_content);
	return tap_done();
}
