/* listener.h: one place where a server listens, for server.c. */
#ifndef SLUICE_LISTENER_H
#define SLUICE_LISTENER_H

#include "server.h"
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

struct listener {
    struct server *server;
    uv_poll_t poll;
    int fd;   /* -1: closed */
    int port; /* 0 of a Unix socket */
    bool tls;
    struct sockaddr_un file; /* of a Unix socket; else without a path */
    dev_t file_device;       /* the file made by us, to be told from a successor's */
    ino_t file_inode;
};

/* An address as people write it. SL_SYNTAX if it is none; SL_TOO_LARGE for a path that the
 * system does not take. */
enum sl_err listener_parse(struct str text, struct sockaddr_storage *out, socklen_t *n,
                           struct diag *diag) SL_CHECK;
/* Listens, without blocking. SL_IO with the system's reason; the listener is then closed. */
enum sl_err listener_open(struct listener *l, const struct server_place *place,
                          struct diag *diag) SL_CHECK;
/* Closes it and removes its socket file, if that is still ours. The poll handle is left to the
 * owner, who must have stopped it. */
void listener_close(struct listener *l);

#endif
