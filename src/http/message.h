/* message.h: an HTTP/1.1 message head and its body, parsed incrementally. No sockets.
 *
 * llhttp (strict) does the parsing; on top of it we refuse what it would let pass: any
 * Transfer-Encoding but exactly "chunked", both framings at once, a repeated Content-Length,
 * none or two Host headers in a request, obs-fold, bare CR or LF, control bytes, versions other
 * than 1.0 and 1.1, 101. Trailers are read, bounded and dropped. Source: RFC 9110, RFC 9112. */
#ifndef SLUICE_MESSAGE_H
#define SLUICE_MESSAGE_H

#include "bounds.h"
#include "str.h"

struct header {
    struct str name;  /* as received */
    struct str value; /* trimmed */
};

struct message {
    int minor;         /* HTTP/1.minor */
    int status;        /* responses; 0 for requests */
    struct str method; /* requests */
    struct str target; /* requests: path and query */
    struct header headers[BOUND_HEADERS];
    size_t header_count;
    int64_t content_length; /* -1 if absent */
    bool chunked;
    bool keep_alive; /* the connection may carry another message after this one */
    bool upgrade;    /* the peer would like another protocol; the message is plain HTTP all the
                        same */
};

/* First header of that name (any case), or an empty str with p == NULL. */
struct str message_find(const struct message *m, struct str name);
static inline struct str message_header(const struct message *m, const char *name)
{
    return message_find(m, str_of(name));
}

/* What is wrong with a head, for the peer: a status (400, 501) and a text that outlives all. */
struct objection {
    int status;
    const char *why;
};

enum message_side { MESSAGE_REQUEST, MESSAGE_RESPONSE };

/* Fills content_length and chunked from the headers; SL_SYNTAX with the objection if the
 * framing or the Host header is not beyond doubt. Used by the parser. */
enum sl_err message_frame(struct message *m, enum message_side side,
                          struct objection *out) SL_CHECK;

/* What the parser reports. The head stays valid until the first byte of the next message is
 * fed; body bytes are lent for the call only. Informational responses (1xx) are reported as
 * messages without a body. */
enum parse_event { PARSE_HEAD, PARSE_BODY, PARSE_END };
struct parser_handler {
    /* Return 0 to go on, anything else to pause after this event. Must not free the parser. */
    int (*on)(void *ctx, enum parse_event ev, const struct message *head, struct str body);
    void *ctx;
};

struct parser; /* owns copies of the head's bytes */
struct parser *parser_new(enum message_side side, struct parser_handler h);
void parser_free(struct parser **p); /* wipes the head: it may hold a key */
/* The next final response has no body (it answers HEAD or CONNECT); tell before feeding. */
void parser_expect_no_body(struct parser *p);
/* Feeds bytes; *used says how many were consumed (less than n only on pause or error). After a
 * pause feed what was left, even if that is nothing: an event may be due.
 * SL_SYNTAX, SL_TOO_LARGE (head over BOUND_HEADER_BYTES or BOUND_HEADERS) with parser_why();
 * both are final. */
enum sl_err parser_feed(struct parser *p, struct str bytes, size_t *used) SL_CHECK;
/* The peer closed: ends a body that runs to the end of the connection, else SL_CLOSED if a
 * message was cut short, SL_OK between messages. */
enum sl_err parser_eof(struct parser *p) SL_CHECK;
/* The answer a server should give to a request it refused: 400, 414, 431, 501, 505; and why. */
int parser_status(const struct parser *p);
const char *parser_why(const struct parser *p);

#endif
