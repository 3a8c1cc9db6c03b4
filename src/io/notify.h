/* notify.h: tells the service manager how the process fares: systemd's sd_notify protocol, by
 * hand. Where $NOTIFY_SOCKET is not set there is nobody to tell, and that is fine.
 * Source: sd_notify(3), systemd.service(5) (Type=notify, notify-reload, WatchdogSec=). */
#ifndef SLUICE_NOTIFY_H
#define SLUICE_NOTIFY_H

#include "err.h"
#include <stdint.h>

enum notify {
    NOTIFY_STATUS,    /* nothing but the status line */
    NOTIFY_READY,     /* up, or up again after reloading */
    NOTIFY_RELOADING, /* until ready again */
    NOTIFY_STOPPING,
    NOTIFY_WATCHDOG, /* still alive */
};

/* `status` is one line for people, or NULL; a line end in it becomes a space. Does not wait.
 * SL_SYNTAX for a $NOTIFY_SOCKET that is neither a path nor an abstract "@name", SL_IO with the
 * system's reason: the manager has not heard it. */
enum sl_err notify_send(enum notify what, const char *status, struct diag *diag) SL_CHECK;

/* How often at least NOTIFY_WATCHDOG is to be sent ($WATCHDOG_USEC, halved as sd_notify(3)
 * advises), or 0: not at all, or by another process ($WATCHDOG_PID). */
int64_t notify_watchdog_us(void);

#endif
