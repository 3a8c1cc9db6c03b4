/* courier.h: takes alerts that start and end to where somebody sees them: Slack, a webhook, a
 * command.
 *
 * Each channel goes by itself: one letter on its way at most, then a pause, and what has
 * changed meanwhile is in the next one. A letter that is not taken (no answer, 429, 5xx, a
 * command that fails) is tried again after 1, 2, 4, ... seconds, COURIER_ATTEMPTS times in all;
 * one that is refused (another 4xx, a redirection) is given up at once. COURIER_PENDING changes
 * wait at most; more are counted. Nothing here waits for anything: traffic goes on.
 *
 * Addresses are secrets: they stand in no message. A webhook's body is signed where a secret is
 * given: "x-sluice-signature: sha256=" and the HMAC-SHA-256 of the body in hex. */
#ifndef SLUICE_COURIER_H
#define SLUICE_COURIER_H

#include "letter.h"
#include <uv.h>

enum { COURIER_ATTEMPTS = 10, COURIER_PENDING = 64 };

struct courier;

struct courier_config {
    struct str slack_url, webhook_url, webhook_secret; /* empty: none; copied */
    char *const *command; /* NULL ends it; lent; NULL or empty: none */
    const char *ca_file;  /* NULL: the system's */
    bool once;            /* a letter is tried once, and what a command says is shown */
    /* Every attempt; may be NULL. */
    void (*tried)(void *ctx, const char *channel, bool delivered, const char *why);
    void *ctx;
};

/* SL_SYNTAX, SL_TLS with *diag, whose `where` is the channel; the address is not in it. */
enum sl_err courier_open(uv_loop_t *loop, const struct courier_config *c, struct courier **out,
                         struct diag *diag) SL_CHECK;
/* Drops what is on its way; memory is freed as the loop runs on. */
void courier_close(struct courier **c);

/* From within the loop. */
void courier_take(struct courier *c, const struct alert_change *change, int64_t unix_us);
/* The channels there are into the scene; `trouble` is lent until the loop runs on. */
void courier_draw(const struct courier *c, struct scene *s);

#endif
