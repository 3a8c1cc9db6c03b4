/* wire.h: what both ends of the gateway benchmark need of sockets and of HTTP/1.1.
 *
 * Just enough for messages of their own making that went through a gateway, and cheap: what the
 * ends burn is not there for the gateway. They share no code with what they measure. */
#ifndef SLUICE_BENCH_WIRE_H
#define SLUICE_BENCH_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes that came or that wait to leave. Zero-initialise; free with wire_free. */
struct wire {
    char *p;
    size_t n, cap;
};
void wire_add(struct wire *w, const char *p, size_t n);
void wire_drop(struct wire *w, size_t n); /* the first n */
void wire_free(struct wire *w);

struct wire_head {
    size_t bytes;   /* of the head with its empty line; 0: it is not whole yet */
    int status;     /* of an answer */
    int64_t length; /* Content-Length; -1: none */
    bool chunked;
    bool close; /* the connection ends after this answer */
};
struct wire_head wire_head(const char *p, size_t n);

/* The whole number after `word` in the n bytes; `otherwise` without that word. */
int64_t wire_number(const char *p, size_t n, const char *word, int64_t otherwise);

/* A listening socket at 127.0.0.1; port 0: any. Ends the program if there is none. */
int wire_listen(int port);
int wire_port(int fd);

int64_t wire_now_us(void);
/* Ends the program with what went wrong and why the system says so. */
_Noreturn void wire_die(const char *what);

#endif
