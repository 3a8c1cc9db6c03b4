/* service_errand.c: requests to the APIs that are no model's: who serves them, and what fate
 * does to them. */
#include "files.h"
#include "service_state.h"

static bool changes_something(const struct target *to)
{
    return to->verb == TARGET_CREATE || to->verb == TARGET_CHANGE ||
           to->verb == TARGET_DELETE || to->verb == TARGET_CANCEL;
}

static bool struck(struct service *s, enum snag snag)
{
    bool happens = rate_happens(s->config.snags.ppm[snag], &s->luck);
    s->totals.snags[snag] += happens;
    return happens;
}

static struct denial denial_of(const struct plan *p, const struct errand *e)
{
    return (struct denial){.kind = DENIAL_OTHER,
                           .dialect = p->dialect,
                           .api = p->query.api,
                           .status = e->status,
                           .field = e->param,
                           .text = e->message,
                           .code = e->code,
                           .id = p->id.text};
}

static void serve(struct service *s, struct errand *e)
{
    if (e->to->api == API_FILES)
        files_serve(&s->store, &s->registry, e);
    else if (e->to->api == API_BATCHES)
        batches_serve(&s->jobs, e);
    else if (e->to->api == API_MESSAGE_BATCHES)
        message_batches_serve(&s->jobs, e);
    else
        threads_serve(&s->threads, e);
}

/* Fate before anything was done. */
static bool hindered(struct service *s, struct errand *e, struct plan *p)
{
    if (changes_something(e->to) && struck(s, SNAG_BUSY)) {
        struct denial busy = denial_of(p, e);
        busy.kind = DENIAL_OVERLOADED;
        service_refuse(p, &busy);
        return true;
    }
    if (e->to->verb != TARGET_READ || !struck(s, SNAG_ABSENT))
        return false;
    errand_refuse(e, 404, NULL, NULL, "Not found: %.*s", STR_ARG(str_cut(e->to->ids[0], 100)));
    struct denial absent = denial_of(p, e);
    service_refuse(p, &absent);
    return true;
}

void service_errand(struct service *s, int64_t now_us, const struct service_request *r,
                    const struct target *to, struct plan *p)
{
    struct arena *arena = p->arena;
    struct str host = r->host.n ? r->host : STR("localhost");
    struct errand e = {
        .to = to,
        .body = r->body,
        .form = r->form,
        .base_url = arena_printf(arena, "http://%.*s%.*s", STR_ARG(host), STR_ARG(to->base)),
        .now_us = now_us,
        .arena = arena,
        .out = &p->body,
    };
    if (hindered(s, &e, p))
        return;
    serve(s, &e);
    p->status = e.status;
    p->content = e.content;
    p->dropped = changes_something(to) && e.status < 400 && struck(s, SNAG_DROP);
    if (e.status < 400)
        return;
    s->totals.bad++;
    struct denial no = denial_of(p, &e);
    service_refuse(p, &no);
}
