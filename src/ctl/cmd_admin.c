/* dialtone admin, audit: what the administration pages do, and did. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "auth/password.h"
#include "ctl/commands.h"
#include "ctl/grammar.h"
#include "ctl/remote.h"
#include "svc/user/admin.h"

enum { REQUEST_MAX = 64 * 1024, RESULT_MAX = CTL_LINE_MAX, WORDS_MAX = 2 };

/* --- one request ---------------------------------------------------------------------------- */

static void answer(const struct buf *line)
{
	struct str left = buf_view(line);
	while (left.len > 0) {
		ssize_t n = write(STDOUT_FILENO, left.p, left.len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return;
		left = str_sub(left, (size_t)n, left.len);
	}
}

static int refuse(struct str why)
{
	auto_(buf_free) struct buf b = buf_of(RESULT_MAX);
	ctl_put_fail(&b, why);
	answer(&b);
	return EXIT_FINE;
}

static void read_line(struct buf *ret)
{
	char chunk[4096];
	ssize_t n;
	while (str_chr(buf_view(ret), '\n') < 0 && !ret->full &&
	       (n = read(STDIN_FILENO, chunk, sizeof(chunk))) > 0)
		buf_put(ret, chunk, (size_t)n);
	wipe(chunk, sizeof(chunk));
}

/* The tool's verb of "user add". */
static const struct verb *find_verb(struct str cmd)
{
	auto_(buf_free) struct buf why = buf_of(4096);
	struct str first, second;
	(void)str_cut(cmd, ' ', &first, &second);
	auto_(xfreep) char *noun = str_dup(first);
	auto_(xfreep) char *verb = str_dup(second);
	char *const words[WORDS_MAX] = { noun, verb };
	int used;
	return grammar_find(second.len > 0 ? 2 : 1, words, &used, &why);
}

/* A password may come with the request, for what would ask for it or read it. */
static bool takes_password(const struct verb *v)
{
	return str_find(str_of(v->local_args), STR("password-stdin")) >= 0;
}

static bool check_password(cJSON *args, struct buf *why)
{
	struct str password = ctl_text(args, "password");
	bool makes = ctl_flag(args, "generate"), given = password.len > 0;
	if (ctl_flag(args, "password-stdin") || makes == given)
		buf_lit(why, "Either password or generate must be there.");
	else if (given && (password.len < PASSWORD_MIN || password.len > PASSWORD_MAX))
		buf_printf(why, "A password has %d characters or more, and %d bytes at most.",
		           PASSWORD_MIN, PASSWORD_MAX);
	return why->len == 0;
}

static bool check_args(const struct admin_command *c, const struct verb *v, cJSON *args,
                       struct buf *why)
{
	for (const cJSON *a = args->child; a; a = a->next)
		if (!admin_command_takes(c, a->string)) {
			buf_printf(why, "%s cannot be given here.", a->string);
			return false;
		}
	if (!takes_password(v))
		return ctl_check_args(&v->cmd, args, why) == 0;
	if (!check_password(args, why))
		return false;
	cJSON *password = cJSON_DetachItemFromObjectCaseSensitive(args, "password");
	bool good = ctl_check_args(&v->cmd, args, why) == 0;
	if (password)
		cJSON_AddItemToObject(args, "password", password);
	return good;
}

/* What is written to a descriptor while the command runs. */
struct caught {
	int fd, file, saved;
};

static bool catch (struct caught *c, FILE *stream, int fd)
{
	(void)fflush(stream);
	c->fd = fd;
	c->saved = dup(fd);
	c->file = memfd_create("answer", MFD_CLOEXEC);
	return c->saved >= 0 && c->file >= 0 && dup2(c->file, fd) >= 0;
}

static void release(struct caught *c, FILE *stream, struct buf *ret)
{
	char chunk[16 * 1024];
	ssize_t n;
	(void)fflush(stream);
	(void)dup2(c->saved, c->fd);
	(void)lseek(c->file, 0, SEEK_SET);
	while ((n = read(c->file, chunk, sizeof(chunk))) > 0)
		buf_put(ret, chunk, (size_t)n);
	wipe(chunk, sizeof(chunk));
	(void)close(c->saved);
	(void)close(c->file);
}

/* As on a terminal: "dialtone: There is no user ..." */
static struct str told(struct str text)
{
	text = str_trim(text);
	if (str_starts(text, STR("dialtone: ")))
		text = str_sub(text, strlen("dialtone: "), text.len);
	return text.len > 0 ? text : STR("The command failed, and said nothing.");
}

/* Findings are an answer too, whatever the exit status says of them. */
static int give(const struct buf *out, const struct buf *err)
{
	auto_(buf_free) struct buf b = buf_of(RESULT_MAX);
	struct str text = str_trim(buf_view(out));
	if (text.len == 0)
		return refuse(told(buf_view(err)));
	if (out->full || text.len + 64 > RESULT_MAX)
		return refuse(STR("The answer is too long to show; ask for less."));
	ctl_put_ok(&b, text);
	answer(&b);
	wipe(b.p, b.len);
	return EXIT_FINE;
}

/* Events go out as they come; takes args. */
static int stream(struct tool *t, const struct verb *v, cJSON *args)
{
	auto_(buf_free) struct buf b = buf_of(RESULT_MAX), err = buf_of(RESULT_MAX / 16);
	struct caught to_err;
	if (!catch (&to_err, stderr, STDERR_FILENO))
		return EXIT_FAILED;
	t->events = true;
	int status = remote_do(t, v, args);
	release(&to_err, stderr, &err);
	if (status != EXIT_FINE)
		return refuse(told(buf_view(&err)));
	ctl_put_ok(&b, STR("null"));
	answer(&b);
	return EXIT_FINE;
}

/* Takes args. */
static int run(struct tool *t, const struct verb *v, cJSON *args)
{
	if (v->cmd.streams)
		return stream(t, v, args);
	auto_(buf_free) struct buf out = buf_of(RESULT_MAX), err = buf_of(RESULT_MAX / 16);
	struct caught to_out, to_err;
	if (!catch (&to_out, stdout, STDOUT_FILENO) || !catch (&to_err, stderr, STDERR_FILENO))
		return EXIT_FAILED;
	t->json = true;
	(void)remote_do(t, v, args);
	release(&to_err, stderr, &err);
	release(&to_out, stdout, &out);
	int r = give(&out, &err);
	wipe(out.p, out.len);
	return r;
}

/* Takes args. */
static int serve(struct tool *t, struct str cmd, cJSON *args)
{
	auto_(buf_free) struct buf why = buf_of(4096);
	const struct admin_command *c = admin_command_find(cmd);
	const struct verb *v = c ? find_verb(cmd) : NULL;
	if (!v)
		buf_printf(&why, "The administration pages have no command \"%" STR_FMT "\".",
		           STR_ARG(str_sub(cmd, 0, 80)));
	else if (check_args(c, v, args, &why))
		return run(t, v, args);
	remote_forget(args);
	return refuse(buf_view(&why));
}

static int request(struct tool *t, cJSON *no_args UNUSED)
{
	auto_(buf_free) struct buf line = buf_of(REQUEST_MAX);
	cJSON *json = NULL;
	const cJSON *args = NULL;
	struct str cmd;
	const char *why = "";
	read_line(&line);
	int r = ctl_parse_request(str_trim(buf_view(&line)), &json, &cmd, &args, &why);
	wipe(line.p, line.len);
	if (r < 0)
		return refuse(str_of(why));
	r = serve(t, cmd, cJSON_DetachItemFromObjectCaseSensitive(json, "args"));
	cJSON_Delete(json);
	return r;
}

/* --- the list ------------------------------------------------------------------------------- */

static int commands(struct tool *t, cJSON *args UNUSED)
{
	cJSON *rows = cJSON_CreateArray();
	for (const struct admin_command *c = admin_commands; c->name; c++) {
		const struct verb *v = find_verb(str_of(c->name));
		cJSON *row = cJSON_CreateObject();
		cJSON_AddStringToObject(row, "command", c->name);
		cJSON_AddBoolToObject(row, "changes", c->changes);
		cJSON_AddBoolToObject(row, "streams", c->streams);
		cJSON_AddStringToObject(row, "without", c->without ? c->without : "");
		cJSON_AddStringToObject(row, "help", v ? v->cmd.help : "");
		cJSON_AddItemToArray(rows, row);
	}
	tool_show(t, rows);
	return EXIT_FINE;
}

/* clang-format off */
const struct verb ctl_admin_verbs[] = {
	{ .cmd = { .noun = "admin", .verb = "commands",
	           .help = "Show what the administration pages can do" },
	  .run = commands },
	{ .cmd = { .noun = "admin", .verb = "request",
	           .help = "Do one such command, given as a line of the control protocol on standard input" },
	  .run = request },
	{ .cmd = { .noun = "audit", .verb = "list",
	           .help = "Show what was done by the administration pages, the last first",
	           .args = { { "user", CTL_TEXT, false, false, "of this administrator alone" },
	                     { "before", CTL_NUMBER, false, false, "older than the row of this number" },
	                     { "max", CTL_NUMBER, false, false, "rows to show, 1 to 500; 100 if absent" } } },
	  .role = "accounts", .offline = true,
	  .columns = "number at user from command args result" },
	{ .cmd = { .noun = NULL } },
};
/* clang-format on */
