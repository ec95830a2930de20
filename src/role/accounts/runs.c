#include "role/accounts/runs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/list.h"
#include "base/log.h"
#include "base/rand.h"
#include "loop/stream.h"
#include "svc/user/admin.h"
#include "svc/user/audit.h"
#include "wire/ctl/ctl.h"

enum { HEAD_MAX = 2048 /* of a line: more is no failure's text */ };

/* A question that was audited a while ago. */
struct seen {
	uint64_t login, hash;
	usec_t at;
};

struct runs {
	struct role_env *env;
	struct userdb *db;
	struct signin *signin;
	struct list all;
	size_t n;
	uint64_t count;
	struct hash_key key;
	struct seen seen[RUNS_READS_KEPT];
};

/* AUDITS: its row is on the way to the disk. */
enum run_state { RUN_AUDITS, RUN_RUNS, RUN_OVER };

struct run {
	struct list node;
	struct runs *owner; /* NULL: has gone */
	enum run_state state;
	const struct admin_command *command;
	uint64_t account, login, audit; /* audit: the row; 0: none */
	uint32_t id;
	char *user, *args;
	struct buf line; /* the request; wiped once it is sent */
	struct buf head; /* of the line that comes, without what is behind HEAD_MAX bytes */
	struct stream *tool;
	struct timer timer;
	struct defer defer;
	run_fn *fn; /* NULL: nobody wants to know */
	void *arg;
};

/* --- the end --------------------------------------------------------------------------------- */

static void free_run(struct run *r)
{
	list_del(&r->node);
	if (r->owner)
		r->owner->n--;
	timer_stop(&r->timer);
	defer_cancel(&r->defer);
	stream_free(&r->tool);
	wipe(r->line.p, r->line.len);
	wipe(r->head.p, r->head.len);
	buf_free(&r->line);
	buf_free(&r->head);
	free(r->user);
	free(r->args);
	free(r);
}

static void log_ended(const struct run *r, struct str result)
{
	log_info(NULL, "admin-command", "user=%s command=%s args=%s result=%s",
	         log_esc(str_of(r->user)), log_esc(str_of(r->command->name)),
	         log_text(str_of(r->args)), log_text(result));
}

/* A row that is not on the disk yet is asked to be: the queue keeps the order. */
static void keep_result(struct run *r, struct str result)
{
	log_ended(r, result);
	if (r->audit != 0)
		audit_end(r->owner->db, r->audit, result);
}

static void tell_part(struct run *r, struct str text)
{
	struct acct_msg m = { .type = ACCT_PART, .id = r->id };
	for (; text.len > 0 && r->fn; text = str_sub(text, ACCT_PART_MAX, text.len)) {
		m.part.text = str_sub(text, 0, ACCT_PART_MAX);
		r->fn(r->arg, &m);
	}
}

static void end_run(struct run *r, enum acct_own_status status)
{
	struct acct_msg m = { .type = ACCT_COMMANDED, .id = r->id, .commanded = { status, 0 } };
	run_fn *fn = r->fn;
	void *arg = r->arg;
	free_run(r);
	if (fn)
		fn(arg, &m);
}

/* The command did not say how it ended: it is said for it. */
static void fail_run(struct run *r, const char *text)
{
	auto_(buf_free) struct buf b = buf_of(HEAD_MAX), result = buf_of(HEAD_MAX);
	ctl_put_fail(&b, str_of(text));
	buf_printf(&result, "failed: %s", text);
	keep_result(r, buf_view(&result));
	tell_part(r, buf_view(&b));
	end_run(r, ACCT_OWN_DONE);
}

/* --- what the tool says ---------------------------------------------------------------------- */

static void put_result(struct buf *b, struct str line)
{
	struct ctl_answer a;
	const char *why;
	if (str_starts(line, STR("{\"ok\":true"))) {
		buf_lit(b, "done");
		return;
	}
	buf_lit(b, "failed");
	if (ctl_parse_answer(line, &a, &why) < 0)
		return;
	buf_lit(b, ": ");
	buf_str(b, a.error);
	ctl_answer_done(&a);
}

/* Is the line that r->head has the begin of its answer? */
static bool is_answer(const struct run *r)
{
	return str_starts(buf_view(&r->head), STR("{\"ok\":"));
}

static void keep_head(struct run *r, struct str piece)
{
	buf_str(&r->head, str_sub(piece, 0, HEAD_MAX - MIN(r->head.len, (size_t)HEAD_MAX)));
}

/* It is over when the answer's line is. */
static ssize_t on_data(void *arg, struct str in)
{
	struct run *r = arg;
	struct str rest = in, piece;
	bool answered = false;
	while (rest.len > 0 && !answered) {
		bool whole = str_cut(rest, '\n', &piece, &rest);
		keep_head(r, piece);
		answered = whole && is_answer(r);
		if (whole && !answered)
			r->head.len = 0;
	}
	tell_part(r, str_sub(in, 0, in.len - rest.len));
	if (answered) {
		auto_(buf_free) struct buf result = buf_of(HEAD_MAX);
		put_result(&result, buf_view(&r->head));
		keep_result(r, buf_view(&result));
		stream_pause(r->tool, true);
		r->state = RUN_OVER;
		loop_defer(r->owner->env->loop, &r->defer);
	}
	return (ssize_t)in.len;
}

static void on_over(void *arg)
{
	end_run(arg, ACCT_OWN_DONE);
}

static void on_closed(void *arg, int err UNUSED, const char *why UNUSED)
{
	struct run *r = arg;
	stream_free(&r->tool);
	if (r->state != RUN_OVER)
		fail_run(r,
		         "The command ended without an answer; the log of the server says more.");
}

static void on_opened(void *arg UNUSED)
{
}

static void on_timeout(void *arg)
{
	struct run *r = arg;
	if (r->state == RUN_OVER)
		return;
	fail_run(r, r->command->streams ? "That was long enough. Begin again to see more."
	                                : "The command took too long, and was given up.");
}

/* --- begin ----------------------------------------------------------------------------------- */

static const struct stream_ops tool_ops = { .opened = on_opened,
	                                    .data = on_data,
	                                    .closed = on_closed };
static const struct stream_limits tool_limits = { .read_max = CTL_LINE_MAX,
	                                          .write_max = 2 * ACCT_COMMAND_MAX,
	                                          .open_max = USEC_PER_SEC };

static int start_tool(struct run *r)
{
	struct role_env *env = r->owner->env;
	int ends[2];
	if (!env->run_tool)
		return -ENOSYS;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
		return -errno;
	(void)fcntl(ends[0], F_SETFL, O_NONBLOCK); /* the tool's end waits */
	int err = env->run_tool(env->run_tool_arg, ends[1]);
	(void)close(ends[1]);
	if (err < 0) {
		(void)close(ends[0]);
		return err;
	}
	r->tool = stream_accept(env->loop, ends[0], NULL, &tool_limits, &tool_ops, r);
	return 0;
}

static void start(struct run *r)
{
	uint32_t seconds = r->command->streams ? ADMIN_STREAM_S : ADMIN_COMMAND_S;
	int err = start_tool(r);
	if (err < 0) {
		log_error(NULL, "command-not-started", "reason=%s",
		          log_text(str_of(strerror(-err))));
		fail_run(r, "The command could not be started; the log of the server says more.");
		return;
	}
	r->state = RUN_RUNS;
	if (r->command->streams && r->fn) /* it has begun, and may have nothing to say for long */
		r->fn(r->arg, &(struct acct_msg){ .type = ACCT_PART, .id = r->id });
	stream_write(r->tool, buf_view(&r->line));
	wipe(r->line.p, r->line.len);
	timer_set(&r->timer, loop_now(r->owner->env->loop) + seconds * USEC_PER_SEC);
}

/* What is not on the disk is not done. */
static void on_audited(void *arg, int err, uint64_t number UNUSED)
{
	struct run *r = arg;
	if (!r->owner)
		free_run(r);
	else if (err < 0)
		fail_run(r, "Nothing was done: the user store, which would keep who did it, could "
		            "not be written. Look at the disk.");
	else
		start(r);
}

static void on_deferred(void *arg)
{
	struct run *r = arg;
	if (r->state == RUN_OVER)
		on_over(r);
	else
		start(r);
}

/* A page asks the same again and again. */
static bool was_seen(struct runs *rs, uint64_t login, const struct run *r, usec_t now)
{
	uint64_t hash = hash_bytes(&rs->key, r->args, strlen(r->args)) ^
	                hash_bytes(&rs->key, r->command->name, strlen(r->command->name));
	struct seen *s = &rs->seen[(hash ^ login) % RUNS_READS_KEPT];
	if (s->login == login && s->hash == hash && now < s->at + RUNS_READ_S * USEC_PER_SEC)
		return true;
	*s = (struct seen){ login, hash, now };
	return false;
}

static void audit(struct run *r, const struct acct_command *c, uint64_t login, usec_t now)
{
	struct runs *rs = r->owner;
	char space[64];
	struct buf peer = BUF_ON(space);
	if (c->peer.sa.sa_family != AF_UNSPEC)
		addr_put_bare(&peer, &c->peer);
	struct audit_row row = { .user = str_of(r->user),
		                 .peer = buf_view(&peer),
		                 .command = str_of(r->command->name),
		                 .args = str_of(r->args),
		                 .changes = r->command->changes };
	if (r->command->changes) {
		r->audit = audit_begin(rs->db, &row, on_audited, r);
		return;
	}
	if (!was_seen(rs, login, r, now))
		r->audit = audit_begin(rs->db, &row, NULL, NULL);
	loop_defer(rs->env->loop, &r->defer);
}

static size_t count_of(const struct runs *rs, uint64_t account)
{
	size_t n = 0;
	list_for(it, &rs->all) n += list_entry(it, struct run, node)->account == account;
	return n;
}

static struct run *run_new(struct runs *rs, uint32_t id, const struct admin_command *command,
                           const cJSON *args)
{
	auto_(buf_free) struct buf shown = buf_of(ADMIN_ARGS_MAX);
	struct run *r = xnew(struct run);
	r->owner = rs;
	r->id = id;
	r->command = command;
	admin_put_args(&shown, args);
	r->args = str_dup(buf_view(&shown));
	r->line = buf_of(2 * ACCT_COMMAND_MAX);
	r->head = buf_of(HEAD_MAX);
	ctl_put_request(&r->line, str_of(command->name), args);
	timer_init(&r->timer, rs->env->loop, on_timeout, r);
	defer_init(&r->defer, on_deferred, r);
	list_add(&rs->all, &r->node);
	rs->n++;
	rs->count++;
	return r;
}

/* The command that is asked for, if the pages have it. */
static const struct admin_command *find_command(struct str name, const cJSON *args)
{
	const struct admin_command *c = admin_command_find(name);
	for (const cJSON *v = args->child; c && v; v = v->next)
		if (!admin_command_takes(c, v->string))
			return NULL;
	return c;
}

static enum acct_own_status check(struct runs *rs, const struct signin_admin *who,
                                  const struct admin_command *c, uint32_t *ret_retry_s)
{
	*ret_retry_s = SIGNIN_BUSY_S;
	if (!c)
		return ACCT_OWN_NONE;
	if (c->changes && !who->proved)
		return ACCT_OWN_UNPROVED;
	return rs->n >= RUNS_MAX || count_of(rs, who->account) >= RUNS_USER_MAX ? ACCT_OWN_SLOW
	                                                                        : ACCT_OWN_DONE;
}

static struct acct_msg refusal(uint32_t id, enum acct_own_status status, uint32_t retry_s)
{
	return (struct acct_msg){ .type = ACCT_COMMANDED,
		                  .id = id,
		                  .commanded = { status, status == ACCT_OWN_SLOW ? retry_s : 0 } };
}

struct run *run_begin(struct runs *rs, const struct acct_msg *req, usec_t now, struct acct_msg *ret,
                      run_fn *fn, void *arg)
{
	const struct acct_command *c = &req->command;
	struct signin_admin who = { .account = 0 };
	const struct admin_command *command = NULL;
	const cJSON *args = NULL;
	cJSON *json = NULL;
	struct str name = STR("");
	const char *why;
	uint32_t retry_s = 0;
	struct run *r = NULL;
	enum acct_own_status status = signin_admin(rs->signin, c, now, &who, &retry_s);
	if (status == ACCT_OWN_DONE) {
		if (ctl_parse_request(c->line, &json, &name, &args, &why) == 0)
			command = find_command(name, args);
		status = check(rs, &who, command, &retry_s);
	}
	if (status == ACCT_OWN_DONE) {
		r = run_new(rs, req->id, command, args);
		r->account = who.account;
		r->login = who.login;
		r->user = str_dup(who.uri);
		r->fn = fn;
		r->arg = arg;
		audit(r, c, who.login, now);
	} else {
		*ret = refusal(req->id, status, retry_s);
	}
	cJSON_Delete(json);
	return r;
}

/* --- life ------------------------------------------------------------------------------------ */

void run_free(struct run **rp)
{
	struct run *r = take(rp);
	if (!r)
		return;
	r->fn = NULL;
	if (r->command->changes || r->state == RUN_OVER)
		return; /* it goes on to its end */
	if (r->owner)
		keep_result(r, STR("given up"));
	free_run(r);
}

/* May who began it go on?  A password that was changed ends all, as it ends log-ins. */
static bool goes_on(struct runs *rs, const struct run *r, const struct userdb_change *c)
{
	struct account acc;
	if (c->event == ACCOUNTS_LOGIN_ENDED)
		return c->credential != 0 && c->credential != r->login;
	return c->event == ACCOUNTS_CHANGED && userdb_by_id(rs->db, c->account, &acc) == 0 &&
	       acc.admin && !acc.disabled;
}

void runs_changed(struct runs *rs, const struct userdb_change *c)
{
	list_for(it, &rs->all)
	{
		struct run *r = list_entry(it, struct run, node);
		if (r->account != c->account || r->command->changes || r->state == RUN_OVER ||
		    goes_on(rs, r, c))
			continue;
		keep_result(r, STR("given up"));
		end_run(r, ACCT_OWN_SIGNED_OUT);
	}
}

uint64_t runs_count(const struct runs *rs)
{
	return rs->count;
}

struct runs *runs_new(struct role_env *env, struct userdb *db, struct signin *signin)
{
	struct runs *rs = xnew(struct runs);
	rs->env = env;
	rs->db = db;
	rs->signin = signin;
	rand_bytes(&rs->key, sizeof(rs->key));
	list_init(&rs->all);
	return rs;
}

/* The store calls back those that wait for their row. */
void runs_free(struct runs **rp)
{
	struct runs *rs = take(rp);
	if (!rs)
		return;
	list_for(it, &rs->all)
	{
		struct run *r = list_entry(it, struct run, node);
		r->fn = NULL;
		if (r->state != RUN_AUDITS || !r->command->changes) {
			free_run(r);
			continue;
		}
		list_del(&r->node);
		list_init(&r->node);
		r->owner = NULL;
	}
	free(rs);
}
