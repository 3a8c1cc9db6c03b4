/* packing.c: see packing.h. A kind has one parcel open; what does not fit into it opens the
 * next, and the one before is never looked at again. */
#include "packing.h"

#include <stdlib.h>

static int64_t limit(int64_t figure)
{
    return figure < 0 ? INT64_MAX : figure;
}

void packing_init(struct packing *p, const struct batch_rules *rules, int64_t frame_bytes,
                  int64_t gap_bytes)
{
    *p = (struct packing){.most = {.requests = limit(rules->requests),
                                   .bytes = limit(rules->bytes),
                                   .tokens = INT64_MAX,
                                   .inputs = limit(rules->embedding_inputs)},
                          .frame_bytes = frame_bytes,
                          .gap_bytes = gap_bytes};
}

void packing_free(struct packing *p)
{
    free(p->list);
    free(p->open);
    *p = (struct packing){.n = 0};
}

static struct load together(const struct packing *p, const struct load *a, const struct load *b)
{
    return (struct load){.requests = a->requests + b->requests,
                         .bytes = a->bytes + b->bytes + (a->requests ? p->gap_bytes : 0),
                         .tokens = a->tokens + b->tokens,
                         .inputs = a->inputs + b->inputs};
}

static bool is_allowed(const struct packing *p, const struct packing_kind *kind,
                       const struct load *l)
{
    return l->requests <= p->most.requests && l->bytes <= p->most.bytes - p->frame_bytes &&
           l->tokens <= limit(kind->tokens_max) && l->inputs <= p->most.inputs;
}

/* The place in `open` of a kind, which may be the one behind its last. */
static size_t place_of(const struct packing *p, const struct packing_kind *kind)
{
    size_t i = 0;
    while (i < p->open_count && (p->list[p->open[i]].kind.model != kind->model ||
                                 p->list[p->open[i]].kind.endpoint != kind->endpoint))
        i++;
    return i;
}

static size_t open_parcel(struct packing *p, const struct packing_kind *kind, size_t place)
{
    if (p->n == p->cap) {
        p->cap = p->cap ? p->cap * 2 : 16;
        p->list = mem_grow(p->list, p->cap * sizeof *p->list);
    }
    if (place == p->open_cap) {
        p->open_cap = p->open_cap ? p->open_cap * 2 : 16;
        p->open = mem_grow(p->open, p->open_cap * sizeof *p->open);
    }
    p->list[p->n] = (struct packed){.kind = *kind};
    p->open[place] = p->n;
    p->open_count += place == p->open_count;
    return p->n++;
}

bool packing_add(struct packing *p, const struct packing_kind *kind, const struct load *request,
                 size_t *parcel)
{
    size_t place = place_of(p, kind);
    bool is_new = place == p->open_count;
    if (!is_allowed(p, kind, request))
        return false;
    struct load sum = *request;
    if (!is_new)
        sum = together(p, &p->list[p->open[place]].load, request);
    if (is_new || !is_allowed(p, kind, &sum)) {
        open_parcel(p, kind, place);
        sum = *request;
    }
    *parcel = p->open[place];
    p->list[*parcel].load = sum;
    return true;
}
