/* connection.h: one client's connection and its server, shared by server.c, connection.c,
 * patience.c, landing.c and secure.c only. */
#ifndef SLUICE_CONNECTION_H
#define SLUICE_CONNECTION_H

#include "landing.h"
#include "listener.h"
#include "tls.h"

enum {
    /* Bytes read at once; one buffer serves all connections, since none keeps it. */
    READ_BYTES = 64 << 10,
    /* Requests sent ahead of their turn wait here; more are left to the system. */
    PIPELINE_BYTES = 64 << 10,
};

struct connection;
struct secure;

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
    struct server_counts counts;
    struct tls_context *tls; /* NULL without a place that needs it */
    struct landing landing;
    struct buf cipher; /* empty but while secure.c writes */
    struct buf spare;  /* an empty one, for whoever has something to send next */
    struct buf date;   /* the header's value for date_s */
    int64_t date_s;
    char read[READ_BYTES];
};

struct exchange {
    struct connection *connection;
    void *user;
    bool open;     /* start was reported, gone was not */
    bool received; /* the whole request is in */
    bool begun;    /* the answer's head is queued */
    bool finished; /* the answer's last byte is queued */
    bool chunked;
    bool bodiless; /* answers HEAD, or its status forbids a body */
    bool keep_alive;
    bool minor_zero; /* HTTP/1.0 */
    bool streams;    /* its body may be as long as it likes */
    bool held;       /* nothing of it is read for now */
    uint64_t held_ms;
    size_t body_bytes;
    uint64_t start_ms;
};

#define WAITS(X) X(NOTHING) X(HANDSHAKE) X(REQUEST) X(HEAD) X(BODY) X(CLIENT) X(LINGER)
enum wait {
#define X(name) WAIT_##name,
    WAITS(X)
#undef X
};

struct connection {
    struct connection *prev, *next;
    struct connection *next_landed, **landed_at; /* landed_at: NULL: in no such list */
    struct server *server;
    uv_tcp_t tcp;          /* or the socket of a file: any stream socket, says libuv */
    struct secure *secure; /* NULL: in the clear */
    uv_timer_t timer;
    uv_write_t write;
    uv_shutdown_t shutdown;
    int handles; /* of tcp and timer, still open */
    struct parser *parser;
    struct exchange exchange;
    struct buf pending; /* read, but of requests whose turn has not come */
    struct buf out;
    struct buf flying;
    enum wait wait;
    uint64_t wait_ms;   /* until then; the timer may fire before, and is then set anew */
    size_t flying_left; /* when the wait for the client began */
    bool head_begun;
    bool reading;
    bool writing;
    bool landed; /* all that flew has left, and nobody was told yet */
    bool ending; /* no request is read any more; closes once `out` has left */
    bool closing;
};

/* Takes over an accepted socket, or closes it. */
void connection_start(struct server *s, int fd, bool tls);
/* Ends it now and reports `gone` for an exchange still open. It stays in the server's list
 * until its handles are closed. May be called again. */
void connection_close(struct connection *c);
/* The server drains: an idle connection ends now. */
void connection_drain(struct connection *c);
struct connection *connection_next(struct connection *c);
/* For landing.c: all that flew has left. */
void connection_landed(struct connection *c);

/* For secure.c and patience.c: text that came; */
void connection_take(struct connection *c, struct str bytes);
/* the end, as by connection_close but for `gone`, which is reported later: it may be within a
 * call of the driver's; */
void connection_drop(struct connection *c);
/* bytes that the system is to send, lent until it has; */
void connection_fly(struct connection *c, struct str bytes);
/* the server's own answer to what it does not take: the connection ends with it. */
void connection_refuse(struct connection *c, int status, const char *why);

/* An empty buffer for bytes to send goes from one connection to the next, so that only one that
 * the system is slow to serve keeps its own. */
struct buf server_take_spare(struct server *s);
void server_give_spare(struct server *s, struct buf *b);
/* One handle less; frees a freed server with its last. */
void server_release(struct server *s);
/* Why a request is not taken whatever the driver thinks of it; status 0 if it is. */
struct objection server_objection(const struct server *s, const struct message *m,
                                  bool streams);
/* The body of an answer of the server's own; returns its content-type. */
struct header server_refusal(struct server *s, int status, const char *why, struct buf *body);
/* The current date as HTTP writes it. */
struct str server_date(struct server *s);

#endif
