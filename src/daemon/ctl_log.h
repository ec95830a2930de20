/* The command `log` of every control socket: the lines that the process wrote last. */
#pragma once

#include "wire/ctl/ctl.h"

/* As in a table of commands. */
#define CTL_LOG_ROW                                                                          \
	{                                                                                    \
		.noun = "log", .fn = ctl_log, .help = "The last lines of the process's log", \
		.args = {                                                                    \
			{ "since", CTL_TEXT, false, false, "2026-11-27T12:00:00.000Z" },     \
			{ "level", CTL_TEXT, false, false, "these and worse" },              \
			{ "text", CTL_TEXT, false, false, "those with this text" },          \
			{ "max", CTL_NUMBER, false, false, "the last ones" }                 \
		}                                                                            \
	}
void ctl_log(void *state, struct ctl_call *call);
