/* secure.h: TLS of a server's connection, between its socket and its parser; shared by
 * connection.c and secure.c only. */
#ifndef SLUICE_SECURE_H
#define SLUICE_SECURE_H

#include "connection.h"

struct secure;
struct secure *secure_new(struct tls_context *context);
void secure_free(struct secure **s);
bool secure_is_open(const struct secure *s); /* the handshake is over */

/* Bytes that came from the socket: what they say goes to connection_take. */
void secure_read(struct connection *c, struct str bytes);
/* Begins to send text, which is lent until secure_write_on has nothing left. */
void secure_write(struct connection *c, struct str text);
/* To be called when what flew has left: sends the next piece, if there is one. */
bool secure_write_on(struct connection *c);
size_t secure_unsent(const struct secure *s); /* text not encrypted yet */
/* No more text comes: whether the notice of that is on its way. */
bool secure_end(struct connection *c);
/* The connection closes: sends that notice if it can go at once, and nothing is cut short. */
void secure_leave(struct connection *c);

#endif
