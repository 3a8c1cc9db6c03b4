/* admin.h: the listener for those who run the thing: metrics, status, events, the dashboard.
 *
 *   GET /healthz  /readyz      no token
 *   GET /                      the dashboard's page: no token, since it holds nothing
 *   GET /metrics               Prometheus text
 *   GET /status                JSON (status_json.h)
 *   GET /events                server-sent events: "steps", the last ten minutes (history.h),
 *                              then each step as it ends; "status", the JSON once a second, of
 *                              the busiest models and tenants where there are very many;
 *                              "end" before the process ends
 *
 * All else is 404. Whoever asks shows the token as "Authorization: Bearer TOKEN"; it is
 * compared in constant time and stands in no answer. */
#ifndef SLUICE_ADMIN_H
#define SLUICE_ADMIN_H

#include "lookout.h"
#include "server.h"

struct admin;

struct admin_config {
    const char *listen;       /* "127.0.0.1:4291" */
    struct str token;         /* empty: none is asked for, which only a test should want */
    struct lookout *lookout;  /* lent; outlives it */
    bool (*ready)(void *ctx); /* NULL: always */
    void *ctx;
};

/* SL_SYNTAX, SL_IO with *diag, as server_new. Texts are copied. */
enum sl_err admin_open(uv_loop_t *loop, const struct admin_config *c, struct admin **out,
                       struct diag *diag) SL_CHECK;
int admin_port(const struct admin *a);
/* Drops connections; memory is freed as the loop runs on. */
void admin_close(struct admin **a);

#endif
