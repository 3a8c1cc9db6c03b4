/* waves.c: see waves.h. */
#include "waves.h"

#include "packing.h"

#include <stdlib.h>

/* What may wait: tokens of each model, requests of all; -1 not known. */
struct room {
    int64_t *tokens; /* by model */
    int64_t requests;
};

static struct room room_of(const struct waves_at *at, const struct models *models)
{
    struct room r = {mem_alloc((models->n + 1) * sizeof *r.tokens), -1};
    for (size_t i = 0; i < models->n; i++)
        r.tokens[i] = at->tier.n ? catalogue_batch_enqueued(at->catalogue, at->provider,
                                                            at->tier, models->list[i].name)
                                 : -1;
    if (at->tier.n)
        r.requests = catalogue_batch_queue(at->catalogue, at->provider, at->tier);
    return r;
}

static void pack(struct packing *p, const struct room *room, const struct rows *rows,
                 struct waves *w)
{
    size_t parcel;
    for (size_t i = 0; i < rows->n; i++) {
        const struct row *row = &rows->list[i];
        if (row->state != ROW_PENDING)
            continue;
        struct load load = {
            .requests = 1, .bytes = (int64_t)row->length + 1, .tokens = row->input_tokens};
        struct packing_kind kind = {.model = row->model,
                                    .tokens_max = room->tokens[row->model]};
        bool fits = packing_add(p, &kind, &load, &parcel);
        w->requests += fits;
        w->too_large += !fits;
    }
    w->batches = (int64_t)p->n;
}

/* So much after what waits already; a turn is over where that is more than may. */
static int64_t turn_after(int64_t *waiting, int64_t more, int64_t most)
{
    *waiting += more;
    if (*waiting <= most)
        return 0;
    *waiting = more;
    return 1;
}

/* -1 where nothing says how much may wait. */
static int64_t count_turns(const struct packing *p, const struct room *room, size_t models)
{
    int64_t *waiting = mem_zero((models + 1) * sizeof *waiting);
    int64_t *turns = mem_zero((models + 1) * sizeof *turns);
    int64_t requests = 0, all_turns = 0, most = 0;
    bool known = true;
    for (size_t i = 0; i < p->n; i++) {
        size_t m = p->list[i].kind.model;
        int64_t tokens = room->tokens[m];
        known &= tokens >= 0 || room->requests >= 0;
        if (tokens >= 0)
            turns[m] += turn_after(&waiting[m], p->list[i].load.tokens, tokens);
        if (room->requests >= 0)
            all_turns += turn_after(&requests, p->list[i].load.requests, room->requests);
        most = turns[m] > most ? turns[m] : most;
    }
    free(waiting);
    free(turns);
    return known ? 1 + (all_turns > most ? all_turns : most) : -1;
}

struct waves waves_of(const struct waves_at *at, const struct rows *rows,
                      const struct models *models)
{
    const struct batch_rules *rules = catalogue_batch_rules(at->catalogue, at->provider);
    struct waves w = {.known = rules != NULL, .turns = -1, .within_s = -1};
    struct packing p;
    if (!rules)
        return w;
    struct room room = room_of(at, models);
    w.date = rules->date;
    packing_init(&p, rules, 0, 0);
    pack(&p, &room, rows, &w);
    w.turns = count_turns(&p, &room, models->n);
    if (w.turns > 0 && rules->window_s >= 0)
        w.within_s = w.turns * rules->window_s;
    packing_free(&p);
    free(room.tokens);
    return w;
}
