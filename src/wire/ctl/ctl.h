/* The control protocol: one JSON object a line, over the role's Unix socket; authorised by peer
 * credentials.  Request {"cmd":"endpoint list","args":{...}}; answer {"ok":true,"result":...} or
 * {"ok":false,"error":"what happened and what to do"}; a streaming command (trace) sends
 * {"event":...} lines until the tool closes. */
#pragma once

#include <cjson/cJSON.h>

#include "base/buf.h"

/* Of one line: its bytes, how deep its JSON may nest, how many values it may hold. */
enum { CTL_LINE_MAX = 1024 * 1024, CTL_DEPTH_MAX = 16, CTL_VALUES_MAX = 100000 };

/* One request under way.  Answer exactly once with ctl_ok or ctl_fail (at once or later), or stream
 * with ctl_event until `ctl_on_close`'s function says that the tool has gone.  The functions are
 * the role process's side, made by whoever serves the socket (a vtable, so that wire/ stays pure).
 */
struct ctl_call {
	const cJSON *args; /* an object; valid until answered */
	uint32_t uid;      /* of the peer */
	void (*ok)(struct ctl_call *c, struct str result_json);
	void (*fail)(struct ctl_call *c, const char *fmt, ...) PRINTF_LIKE(2, 3);
	void (*event)(struct ctl_call *c, struct str json);
	void (*on_close)(struct ctl_call *c, void (*fn)(void *arg), void *arg);
};

enum ctl_arg_type { CTL_TEXT, CTL_NUMBER, CTL_FLAG };
struct ctl_arg {
	const char *name; /* "user"; "--phone" becomes "phone" */
	enum ctl_arg_type type;
	bool positional, required;
	const char *help;
};
enum { CTL_ARGS_MAX = 24 };

/* A row of a role's command table: grammar, help and dispatch in one place. */
struct ctl_command {
	const char *noun, *verb;           /* "endpoint", "list"; verb NULL: the noun alone */
	struct ctl_arg args[CTL_ARGS_MAX]; /* ends with a row without name */
	const char *help;
	bool streams;
	void (*fn)(void *role_state, struct ctl_call *c);
};

/* Reads one line.  *ret_cmd borrows from *ret_json, which the caller frees with cJSON_Delete.
 * -EBADMSG, with a static text in *why. */
int ctl_parse_request(struct str line, cJSON **ret_json, struct str *ret_cmd,
                      const cJSON **ret_args, const char **why) MUST_CHECK;
/* Checks args against the row: unknown, missing, wrong type.  -EINVAL with text for people. */
int ctl_check_args(const struct ctl_command *cmd, const cJSON *args, struct buf *why) MUST_CHECK;
/* Values of args; empty / 0 / false if absent. */
struct str ctl_text(const cJSON *args, const char *name);
double ctl_number(const cJSON *args, const char *name, double def);
bool ctl_flag(const cJSON *args, const char *name);
void ctl_put_request(struct buf *b, struct str cmd, const cJSON *args);

/* The row for "endpoint list", or NULL. */
const struct ctl_command *ctl_find(const struct ctl_command *table, struct str cmd);
/* Appends the grammar of a table as a JSON array (what the built-in command `commands` answers). */
void ctl_put_commands(struct buf *b, const struct ctl_command *table);

/* The server's lines, each with its newline.  result and event are JSON texts without newline. */
void ctl_put_ok(struct buf *b, struct str result_json);
void ctl_put_fail(struct buf *b, struct str error);
void ctl_put_event(struct buf *b, struct str json);

/* The tool's side of an answer line. */
enum ctl_answer_kind { CTL_OK, CTL_FAIL, CTL_EVENT };
struct ctl_answer {
	enum ctl_answer_kind kind;
	const cJSON *value; /* of OK and EVENT; borrows from json */
	struct str error;   /* of FAIL; borrows from json */
	cJSON *json;        /* owned: ctl_answer_done */
};
/* -EBADMSG, with a static text in *why. */
int ctl_parse_answer(struct str line, struct ctl_answer *ret, const char **why) MUST_CHECK;
void ctl_answer_done(struct ctl_answer *a);
/* Any JSON text within the limits above, UTF-8 alone; NULL with a static text in *why. */
cJSON *ctl_parse_json(struct str text, const char **why) MUST_CHECK;
/* Appends a value as JSON text on one line. */
void ctl_put_json(struct buf *b, const cJSON *v);
