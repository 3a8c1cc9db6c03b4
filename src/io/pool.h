/* pool.h: the inside of an upstream, shared by pool.c and upstream.c only: calls, and the links
 * (connections) that carry them. */
#ifndef SLUICE_POOL_H
#define SLUICE_POOL_H

#include "channel.h"
#include "upstream.h"

struct link;

struct call {
    struct upstream *upstream;
    struct call *prev, *next; /* in the queue, or among the broken */
    struct link *link;        /* that carries it, or is being opened for it alone */
    struct call_handler handler;
    struct buf head;
    struct str body;
    bool queued;
    bool streams;     /* the body comes from handler.more, */
    bool chunked;     /* in chunks, */
    bool taken;       /* and some of it has been taken */
    bool any_length;  /* its answer */
    struct buf frame; /* around a chunk */
    bool bodiless;    /* the answer to HEAD */
    bool safe;        /* it changes nothing: may be sent twice (RFC 9110, section 9.2.1) */
    bool paused;
    const char *broken; /* why it can never be sent, to be reported by the loop */
};

struct call_list {
    struct call *first, *last;
    size_t n;
};

struct link {
    struct upstream *upstream;
    struct link **home, *prev, *next; /* the list it stands in: idle or busy */
    struct channel *channel;
    struct parser *parser;
    struct call *call;
    struct buf held; /* read, but its call is paused */
    size_t answer_bytes;
    bool ready;
    bool dedicated; /* opened for one call, not for the queue */
    bool reused;    /* it idled, or carried a call: the peer may be closing it */
    bool keep;      /* the last answer allows another */
    bool given;     /* all of the request was handed to the channel, */
    bool writing;   /* which says when it has left, */
    bool sent;      /* and it has */
    bool answered;  /* the first byte of the answer came */
    bool complete;  /* the answer has ended */
    bool too_large;
    bool feeding; /* the parser is at work */
    bool wake;    /* its call was resumed */
    bool dead;    /* dropped while feeding */
    bool ended;   /* the channel has ended, while its call was paused: so and because of */
    enum sl_err end_err;
    char end_why[512];
};

struct upstream {
    struct origin origin;
    struct upstream_config config;
    uv_timer_t kick;          /* reports what was met within a caller's call */
    struct link *idle, *busy; /* idle: the most recently used first */
    size_t link_count;
    size_t opening; /* for the queue */
    struct call_list queue, broken;
};

void call_list_append(struct call_list *l, struct call *k);
void call_list_remove(struct call_list *l, struct call *k);

/* Finds a link for a call whose head is written, or queues it. */
void pool_place(struct upstream *u, struct call *k);
/* Takes a call off its link or list, closing the link. It can then only be ended. */
void pool_detach(struct call *k);
/* Opens a link, for one call or (NULL) for whoever comes. */
struct link *pool_open(struct upstream *u, struct call *k);
/* Closes a link that carries no call. */
void pool_drop(struct link *l);
/* Sends what a streamed body has more of, as far as the system takes it. Reports as the last
 * thing it does. */
void pool_pump(struct link *l);
/* Frees a detached call. */
void pool_forget(struct call *k);
/* Frees a detached call, and then reports. */
void pool_finish(struct call *k, enum sl_err err, const char *why);
void pool_hold_back(struct link *l);
/* Reports what was held while the link's call was paused. */
void pool_wake(struct link *l);

#endif
