/* The service manager's notification protocol (sd_notify(3)): datagrams to $NOTIFY_SOCKET. */
#pragma once

#include "base/base.h"

struct notify; /* opaque */

/* From the environment, which is cleaned so that no role inherits it; without a service manager
 * everything below does nothing.  */
struct notify *notify_new(void);
void notify_free(struct notify **np);
/* Lines such as "READY=1\nSTATUS=..."; losing one is no error. */
void notify_send(const struct notify *n, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* How often "WATCHDOG=1" is to be sent (half of what the manager allows); 0: not at all. */
usec_t notify_watchdog_interval(const struct notify *n);
