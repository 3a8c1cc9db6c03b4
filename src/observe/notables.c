/* notables.c: see notables.h. */
#include "notables.h"

#include <string.h>

enum { TEN_MINUTES_US = 600000000 };

static void keep_text(char *out, size_t size, struct str text, struct str *kept)
{
    *kept = (struct str){out, str_cut(text, size).n};
    if (text.p)
        memcpy(out, text.p, kept->n);
}

static void keep(struct notable *n, const struct scene_request *r)
{
    n->request = *r;
    keep_text(n->tenant, sizeof n->tenant, r->tenant, &n->request.tenant);
    keep_text(n->model, sizeof n->model, r->model, &n->request.model);
    keep_text(n->account, sizeof n->account, r->account, &n->request.account);
    keep_text(n->what, sizeof n->what, r->what, &n->request.what);
}

void notables_refused(struct notables *k, const struct scene_request *r)
{
    struct notable *n = &k->refused[k->refused_count++ % NOTABLES_REFUSED];
    keep(n, r);
    n->request.refused = true;
}

static int64_t took_us(const struct scene_request *r)
{
    return r->wait_us + r->latency_us;
}

void notables_ended(struct notables *k, const struct scene_request *r)
{
    struct notable *quickest = &k->slowest[0];
    for (size_t i = 0; i < NOTABLES_SLOWEST; i++) {
        struct notable *n = &k->slowest[i];
        if (r->unix_us - n->request.unix_us > TEN_MINUTES_US)
            n->request.wait_us = n->request.latency_us = 0; /* long ago */
        if (took_us(&n->request) < took_us(&quickest->request))
            quickest = n;
    }
    if (took_us(r) > took_us(&quickest->request))
        keep(quickest, r);
}

size_t notables_list(const struct notables *k, int64_t unix_us,
                     struct scene_request out[NOTABLES_MAX])
{
    size_t n = 0;
    for (size_t i = 0; i < NOTABLES_REFUSED && i < k->refused_count; i++)
        out[n++] = k->refused[(k->refused_count - 1 - i) % NOTABLES_REFUSED].request;
    for (size_t i = 0; i < NOTABLES_SLOWEST; i++) {
        const struct scene_request *r = &k->slowest[i].request;
        if (took_us(r) > 0 && unix_us - r->unix_us <= TEN_MINUTES_US)
            out[n++] = *r;
    }
    return n;
}
