/* caller.h: one connection of the load generator: sends requests, one after another, and reads
 * the answers to the end, checking that nothing is missing. */
#ifndef SLUICE_BENCH_CALLER_H
#define SLUICE_BENCH_CALLER_H

#include "wire.h"
#include <openssl/ssl.h>

struct caller;

/* What is called, by whom, and what is made of it. */
struct target {
    int port;     /* of 127.0.0.1 */
    int sources;  /* connections come from 127.0.0.1 to 127.0.0.N */
    SSL_CTX *tls; /* NULL: plain text */
    int epoll;
    int64_t chunks; /* events that a whole stream has; 0: answers are not streamed */
    void (*sent)(struct target *t, struct caller *c);
    void (*event)(struct target *t, struct caller *c); /* one of a stream has come */
    /* The answer is whole, or will never be. */
    void (*done)(struct target *t, struct caller *c, bool good);
};

enum stage { STAGE_IDLE, STAGE_HEAD, STAGE_LENGTH, STAGE_SIZE, STAGE_CHUNK, STAGE_TRAILER };

struct caller {
    struct caller *next; /* the owner's */
    struct target *target;
    int fd; /* -1: not connected */
    SSL *ssl;
    bool connected;   /* TLS included */
    bool wants_write; /* as epoll was told */
    const char *request;
    size_t request_bytes, sent_bytes;
    int64_t asked_us; /* the owner's */
    enum stage stage;
    struct wire in, line; /* of a head or a chunk's size; of a stream's line */
    struct wire_head head;
    int64_t left; /* bytes of the body or of the chunk */
    /* of the answer so far */
    int64_t body_bytes, events;
    bool ended; /* the stream said [DONE] */
    bool torn;  /* an event is missing or out of its turn */
};

void caller_init(struct caller *c, struct target *t);
/* Sends a request, connecting if need be; the bytes are lent until `done`. */
void caller_ask(struct caller *c, const char *request, size_t bytes);
/* To be called for every event that epoll has for it. */
void caller_on(struct caller *c, uint32_t events);
void caller_close(struct caller *c);

#endif
