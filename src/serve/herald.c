/* herald.c: see herald.h. */
#include "herald.h"

#include "keyring.h"

enum { SECRETS = 3 };

/* One after another, in the order of the places; what is not given is empty. */
static enum sl_err read_secrets(const struct secret_place *const places[SECRETS],
                                struct keyring *ring, struct str out[SECRETS],
                                struct diag *diag)
{
    for (size_t i = 0; i < SECRETS; i++) {
        const struct secret_place *p = places[i];
        enum sl_err err = SL_OK;
        out[i] = (struct str){NULL, 0};
        if (!p->env && !p->file)
            continue;
        err = p->env ? keyring_add_env(ring, p->env, diag)
                     : keyring_add_file(ring, p->file, diag);
        if (err == SL_MISSING || err == SL_SYNTAX)
            diag_set(diag, err, p->env ? p->env : p->file, "%s",
                     "not set, empty, or not one line of printable characters");
        if (err != SL_OK)
            return err;
        out[i] = ring->lent[ring->n - 1];
    }
    return SL_OK;
}

enum sl_err herald_open(uv_loop_t *loop, const struct alert_setting *s,
                        const struct herald_manner *m, struct courier **out, struct diag *diag)
{
    const struct secret_place *const places[SECRETS] = {&s->slack, &s->webhook, &s->signing};
    struct str secrets[SECRETS];
    struct keyring ring = {.n = 0};
    *out = NULL;
    enum sl_err err = read_secrets(places, &ring, secrets, diag);
    if (err == SL_OK && (secrets[0].n || secrets[1].n || s->command[0])) {
        const struct courier_config c = {.slack_url = secrets[0],
                                         .webhook_url = secrets[1],
                                         .webhook_secret = secrets[2],
                                         .command = s->command,
                                         .ca_file = s->ca_file,
                                         .once = m->once,
                                         .tried = m->tried,
                                         .ctx = m->ctx};
        err = courier_open(loop, &c, out, diag);
    }
    keyring_wipe(&ring);
    return err;
}
