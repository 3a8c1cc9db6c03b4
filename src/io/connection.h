/* connection.h: one client's connection, shared by server.c and connection.c only. */
#ifndef SLUICE_CONNECTION_H
#define SLUICE_CONNECTION_H

#include "listener.h"

enum {
    /* Bytes read at once; one buffer serves all connections, since none keeps it. */
    READ_BYTES = 64 << 10,
    /* Requests sent ahead of their turn wait here; more are left to the system. */
    PIPELINE_BYTES = 64 << 10,
};

struct connection;

struct server {
    uv_loop_t *loop;
    struct server_config config;
    struct server_handler handler;
    struct listener listeners[1 + SERVER_PLACES];
    size_t listener_count;
    bool accepting;
    int reserve; /* a descriptor to give up when there is no other */
    bool draining;
    bool freed;     /* by its owner; lives on until its handles are closed */
    size_t handles; /* connections and poll handles still open */
    struct connection *connections;
    size_t connection_count;
    struct buf date; /* the header's value for date_s */
    int64_t date_s;
    char read[READ_BYTES];
};

/* Takes over an accepted socket, or closes it. */
void connection_start(struct server *s, int fd);
/* Ends it now and reports `gone` for an exchange still open. It stays in the server's list
 * until its handles are closed. May be called again. */
void connection_close(struct connection *c);
/* The server drains: an idle connection ends now. */
void connection_drain(struct connection *c);
struct connection *connection_next(struct connection *c);
/* One handle less; frees a freed server with its last. */
void server_release(struct server *s);
/* The current date as HTTP writes it. */
struct str server_date(struct server *s);

#endif
