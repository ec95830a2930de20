/* A messenger without a screen: libpurple with one account, driven by JSON lines.
 *
 * On standard input stand commands, {"do": NAME, "n": NUMBER, ...}; on standard output events,
 * {"event": NAME, ...}.  Every command is answered by one event "reply" with its number, "ok", and
 * "why" when it is not ok.  What libpurple or the plug-in shows its user is an event too.
 *
 * main.c starts libpurple, commands.c knows the commands, and each other file one part of the user
 * interface.  libpurple gives most of its callbacks no argument, so driver_of() finds the way back.
 */
#pragma once
#include <cjson/cJSON.h>
#include <glib.h>
#include <purple.h>

/* The name under which libpurple keeps what belongs to this user interface. */
#define DRIVER_UI "dialtone-driver"

struct driver {
	PurpleAccount *account; /* NULL until the first sign-in; libpurple owns it */
	GMainLoop *loop;
	GList *asked; /* of struct asked (asked.c): what the user was asked and has not answered */
	unsigned n_asked;
	int tone_hz;     /* what is said in calls */
	unsigned colour; /* what is shown in them, 0xRRGGBB */
};

/* A command: gets its object, may add to its reply; NULL, or why it was not done. */
typedef const char *command_fn(struct driver *d, const cJSON *args, cJSON *reply);

struct command {
	const char *name;
	command_fn *run;
};

/* The driver, before and after there is an account. */
struct driver *driver_of(void);

/* Each part of the interface: called once, before an account is made.  The tables of commands end
 * with a NULL name. */
void ui_init(void);
void blist_init(void);
void asked_init(void);
void call_init(void);
void chat_init(void);
void files_init(void);

extern const struct command account_commands[], talk_commands[], chat_commands[], blist_commands[],
        menu_commands[], asked_commands[], call_commands[], file_commands[];

/* What chat.c shows of a conversation. */
void chat_ops(PurpleConversationUiOps *ops);

/* Handles one line of standard input. */
void commands_line(struct driver *d, const char *line);

/* The number, text or truth of a field; the fallback if it is missing or something else. */
const char *arg_text(const cJSON *args, const char *name, const char *fallback);
int arg_number(const cJSON *args, const char *name, int fallback);
gboolean arg_true(const cJSON *args, const char *name);

/* Whether there is a connection that is signed on. */
gboolean driver_is_online(const struct driver *d);
