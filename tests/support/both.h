/* both.h: tests of a server that run twice, in the clear and by TLS: BOTH(name) stands for two
 * tests, and both_setup makes what they share. */
#ifndef SLUICE_BOTH_H
#define SLUICE_BOTH_H

#include "client.h"
#include "identity.h"
#include "world.h"

static struct {
    bool tls;
    struct identity identity;
    SSL_CTX *clients;
} both;

static inline int both_setup(void **state)
{
    identity_make(&both.identity);
    both.clients = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_verify(both.clients, SSL_VERIFY_PEER, NULL);
    return SSL_CTX_load_verify_locations(both.clients, both.identity.authority, NULL) - 1;
}

static inline int both_teardown(void **state)
{
    identity_remove(&both.identity);
    SSL_CTX_free(both.clients);
    return 0;
}

static inline int both_plain(void **state)
{
    both.tls = false;
    return 0;
}

static inline int both_tls(void **state)
{
    both.tls = true;
    return 0;
}

/* clang-format off */
#define PLAIN(f) {#f, f, both_plain, NULL, NULL}
#define TLS(f)   {#f, f, both_tls, NULL, NULL}
#define BOTH(f)  PLAIN(f), {#f "_by_tls", f, both_tls, NULL, NULL}
/* clang-format on */

/* A server with one place. */
static inline struct server_config both_config(void)
{
    struct server_config config = server_defaults();
    if (!both.tls)
        return config;
    config.listen = NULL;
    config.places[0] = (struct server_place){.address = "127.0.0.1:0", .tls = true};
    config.place_count = 1;
    config.tls = (struct tls_files){both.identity.chain, both.identity.key};
    return config;
}

/* Connects to it, until text can be sent. */
static inline void both_open(struct client *c, struct world *w)
{
    client_open(c, &w->loop, server_port(w->server), both.tls ? both.clients : NULL);
}

#endif
