/* What the commands of users and devices share. */
#pragma once

#include "svc/user/commands.h"

/* A change on its way, to be answered when it is on disk. */
struct change {
	struct ctl_call *call;
	char *what;   /* "alice@example.test" */
	char *result; /* JSON of the answer */
};

/* what: the user's address, for the sentences of a failure. */
struct change *command_change(struct ctl_call *call, struct str what);
/* The userdb_done_fn of a change: answers the call, frees the change. */
void command_changed(void *arg, int err, uint64_t id);
/* A sentence as the result; @ stands for arg. */
void command_text(struct change *ch, const char *form, const char *arg);
/* The user a command names; answers the call itself if there is none. */
bool command_user(struct user_admin *admin, struct ctl_call *call, struct account *ret);

/* A name that no user and no group has yet, in canonical form; false with a sentence. */
bool command_new_name(struct user_admin *admin, struct str name, struct buf *ret_uri,
                      struct buf *why);

/* Members of a JSON object: text, JSON, number. */
void command_put(struct buf *b, const char *name, struct str value);
void command_put_raw(struct buf *b, const char *name, const char *value);
void command_put_number(struct buf *b, const char *name, int64_t value);
/* Answers with the JSON text in b. */
void command_answer(struct ctl_call *call, struct buf *b);

/* The functions of `dialtone directory ...`. */
void command_directory_search(void *role_state, struct ctl_call *call);
/* The functions of `dialtone group ...`. */
void command_group_add(void *role_state, struct ctl_call *call);
void command_group_list(void *role_state, struct ctl_call *call);
void command_group_show(void *role_state, struct ctl_call *call);
void command_group_set(void *role_state, struct ctl_call *call);
void command_group_remove(void *role_state, struct ctl_call *call);
void command_group_member(void *role_state, struct ctl_call *call);
/* The function of `dialtone audit list`. */
void command_audit_list(void *role_state, struct ctl_call *call);
/* The functions of `dialtone login ...`. */
void command_login_list(void *role_state, struct ctl_call *call);
void command_login_end(void *role_state, struct ctl_call *call);
/* The functions of `dialtone device ...`. */
void command_device_add(void *role_state, struct ctl_call *call);
void command_device_list(void *role_state, struct ctl_call *call);
void command_device_remove(void *role_state, struct ctl_call *call);
/* The functions of `dialtone token ...`. */
void command_token_create(void *role_state, struct ctl_call *call);
void command_token_list(void *role_state, struct ctl_call *call);
void command_token_remove(void *role_state, struct ctl_call *call);
