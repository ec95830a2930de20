/* dialtone relay test: goes through the relay by each way that clients have, and says what stands
 * in the way. */
#pragma once

#include "ctl/tool.h"

/* The `run` of the verb: to (HOST or HOST:PORT; else the faces of this host's relay), udp-port,
 * tcp-port; user, or username and password-stdin, with which no relay is needed here; ca. */
int relay_test(struct tool *t, cJSON *args);
