/* dialtone user import: users from a table. */
#include <errno.h>
#include <stdio.h>

#include "auth/password.h"
#include "base/map.h"
#include "ctl/client.h"
#include "ctl/commands.h"
#include "ctl/csv.h"
#include "ctl/file.h"
#include "ctl/relayuse.h"
#include "ctl/remote.h"
#include "svc/user/fields.h"

/* What a column is: a field, or one of these. */
enum { COLUMN_USER = USER_N_FIELDS, COLUMN_PASSWORD };

struct import {
	struct tool *t;
	struct csv csv;
	int columns[CSV_COLUMNS_MAX];
	size_t n_columns;
	bool check;
	cJSON *rows;
	unsigned made, failed;
	char *run_dir;
};

/* --- the first line ------------------------------------------------------------------------- */

static int column_of(struct str name)
{
	if (str_ieq(name, STR("user")))
		return COLUMN_USER;
	if (str_ieq(name, STR("password")))
		return COLUMN_PASSWORD;
	for (int f = 0; f < USER_N_FIELDS; f++)
		if (str_ieq(name, str_of(user_field_name((enum user_field)f))))
			return f;
	return -1;
}

static void put_known(struct buf *why)
{
	buf_lit(why, "Columns are user, password");
	for (int f = 0; f < USER_N_FIELDS; f++)
		buf_printf(why, ", %s", user_field_name((enum user_field)f));
	buf_char(why, '.');
}

static bool read_columns(struct import *im, struct buf *why)
{
	bool user = false;
	im->n_columns = im->csv.n;
	for (size_t i = 0; i < im->csv.n; i++) {
		struct str name = im->csv.values[i];
		im->columns[i] = column_of(name);
		if (im->columns[i] < 0) {
			buf_printf(why, "There is no column \"%" STR_FMT "\".  ",
			           STR_ARG(str_sub(name, 0, 40)));
			put_known(why);
			return false;
		}
		for (size_t k = 0; k < i; k++)
			if (im->columns[k] == im->columns[i]) {
				buf_printf(why, "The column \"%" STR_FMT "\" is there twice.",
				           STR_ARG(name));
				return false;
			}
		user |= im->columns[i] == COLUMN_USER;
	}
	if (!user) {
		buf_lit(why, "The first line must name the columns, \"user\" among them.  ");
		put_known(why);
	}
	return user;
}

/* --- one user ------------------------------------------------------------------------------- */

static struct str value_of(const struct import *im, int column)
{
	for (size_t i = 0; i < im->n_columns && i < im->csv.n; i++)
		if (im->columns[i] == column)
			return im->csv.values[i];
	return STR("");
}

static void add_text(cJSON *o, const char *name, struct str text)
{
	char *copy = str_dup(text);
	cJSON_AddStringToObject(o, name, copy);
	wipe(copy, strlen(copy));
	xfreep(&copy);
}

static int ask(struct import *im, const char *cmd, const cJSON *args, cJSON **ret, struct buf *why)
{
	struct client_request rq = {
		.run_dir = im->run_dir, .role = "accounts", .cmd = str_of(cmd), .args = args
	};
	return client_ask(ret, &rq, why);
}

static bool check_row(struct import *im, struct buf *why)
{
	if (value_of(im, COLUMN_USER).len == 0) {
		buf_lit(why, "The user is missing.");
		return false;
	}
	if (im->csv.n > im->n_columns) {
		buf_lit(why, "The line has more values than there are columns.");
		return false;
	}
	for (int f = 0; f < USER_N_FIELDS; f++)
		if (user_field_check((enum user_field)f, value_of(im, f), why) < 0)
			return false;
	return true;
}

/* Only asks whether there is one already: 0, -EEXIST, or another -errno. */
static int look(struct import *im, struct buf *why)
{
	cJSON *args = cJSON_CreateObject(), *found = NULL;
	add_text(args, "user", value_of(im, COLUMN_USER));
	int r = ask(im, "user show", args, &found, why);
	cJSON_Delete(args);
	cJSON_Delete(found);
	if (r == 0)
		buf_lit(why, "There is such a user already.");
	return r == 0 ? -EEXIST : r == -EREMOTEIO ? 0 : r;
}

static int make(struct import *im, cJSON *row, struct buf *why)
{
	char made[PASSWORD_DEVICE_LEN + 1] = "";
	cJSON *args = cJSON_CreateObject(), *result = NULL;
	struct str given = value_of(im, COLUMN_PASSWORD);
	add_text(args, "user", value_of(im, COLUMN_USER));
	for (int f = 0; f < USER_N_FIELDS; f++)
		if (value_of(im, f).len > 0)
			add_text(args, user_field_name((enum user_field)f), value_of(im, f));
	if (given.len == 0)
		password_make(made);
	add_text(args, "password", given.len > 0 ? given : str_of(made));
	int r = ask(im, "user add", args, &result, why);
	if (r == 0 && given.len == 0)
		cJSON_AddStringToObject(row, "password", made);
	if (r == 0)
		relayuse_admit(im->t, ctl_text(result, "user").p);
	wipe(made, sizeof(made));
	remote_forget(args);
	cJSON_Delete(result);
	return r;
}

/* False: nobody answers, so that the rest need not be tried. */
static bool take_row(struct import *im)
{
	auto_(buf_free) struct buf why = buf_of(4096);
	cJSON *row = cJSON_CreateObject();
	cJSON_AddNumberToObject(row, "line", im->csv.line);
	add_text(row, "user", value_of(im, COLUMN_USER));
	int r = !check_row(im, &why) ? -EINVAL : im->check ? look(im, &why) : make(im, row, &why);
	bool good = r == 0;
	cJSON_AddStringToObject(row, "result", !good ? "failed" : im->check ? "good" : "made");
	add_text(row, "why", good ? STR("") : buf_view(&why));
	cJSON_AddItemToArray(im->rows, row);
	im->made += good;
	im->failed += !good;
	return good || r == -EINVAL || r == -EREMOTEIO || r == -EEXIST;
}

/* --- the whole ------------------------------------------------------------------------------ */

static int read_table(struct import *im, struct buf *why)
{
	bool head = true, goes_on = true;
	int r;
	while (goes_on && (r = csv_next(&im->csv, why)) == 1) {
		if (head && !read_columns(im, why))
			return -EINVAL;
		if (!head)
			goes_on = take_row(im);
		if (im->made + im->failed > CSV_ROWS_MAX) {
			buf_printf(why, "The table has more than %d rows; import it in parts.",
			           CSV_ROWS_MAX);
			return -EFBIG;
		}
		head = false;
	}
	if (head && r == 0)
		buf_lit(why, "The table is empty.");
	return head && r == 0 ? -EINVAL : MIN(r, 0);
}

/* What has been done is shown, whatever went wrong behind it. */
static int import_table(struct tool *t, struct str text, bool check)
{
	auto_(buf_free) struct buf why = buf_of(4096);
	auto_(xfreep) char *dir = str_dup(tool_run_dir(t));
	struct import im = { .t = t, .check = check, .rows = cJSON_CreateArray(), .run_dir = dir };
	csv_init(&im.csv, text);
	int r = read_table(&im, &why);
	csv_done(&im.csv);
	bool any = im.made + im.failed > 0;
	if (any)
		tool_show(t, im.rows);
	else
		cJSON_Delete(im.rows);
	if (r < 0)
		return tool_fail("%" STR_FMT "%s", STR_ARG(buf_view(&why)),
		                 any ? "  What is above is done." : "");
	return im.failed > 0 ? EXIT_FAILED : EXIT_FINE;
}

static int import_users(struct tool *t, cJSON *args)
{
	auto_(buf_free) struct buf text = buf_of(CSV_BYTES_MAX);
	struct str path = ctl_text(args, "file"), list = ctl_text(args, "list");
	if ((path.len > 0) == (list.len > 0))
		return tool_fail("Name a file, or give the table itself by --list.");
	int r = path.len > 0 ? file_read(path.p, &text) : 0;
	if (r == -EFBIG)
		return tool_fail("%s is larger than %d kB; import it in parts.", path.p,
		                 CSV_BYTES_MAX / 1024);
	if (r < 0)
		return tool_fail("%s cannot be read: %s.", path.p, strerror(-r));
	r = import_table(t, list.len > 0 ? list : buf_view(&text), ctl_flag(args, "check"));
	if (text.p)
		wipe(text.p, text.len);
	return r;
}

/* clang-format off */
const struct verb ctl_import_verbs[] = {
	{ .cmd = { .noun = "user", .verb = "import", .help = "Make the users of a table (CSV)",
	           .args = { { "file", CTL_TEXT, true, false, "the table; its first line names the columns" },
	                     { "list", CTL_TEXT, false, false, "the table itself, in place of a file" },
	                     { "check", CTL_FLAG, false, false, "say what would come of it, and make nobody" } } },
	  .run = import_users, .columns = "line user result password why" },
	{ .cmd = { .noun = NULL } },
};
/* clang-format on */
