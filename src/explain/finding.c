/* finding.c: see finding.h. A log's line may speak of limits without being a refusal: what is
 * prose, not alone and without a status has to read like one. */
#include "finding.h"

#include "diagnosis.h"

static bool reads_as_refusal(struct str text)
{
    static const char *const words[] = {
        "exceed",       "reached",   "too many",  "too large", "too long", "overload",
        "insufficient", "refused",   "denied",    "maximum",   "error",    "incorrect",
        "invalid",      "not valid", "try again", "throttl",   "retry in", "high demand",
        "retry after",  "limit:",    "429",       "rejected",  "quota",    "billing"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (str_find_nocase(text, str_of(words[i]), 0) >= 0)
            return true;
    }
    return false;
}

static struct verdict judge_claim(const struct evidence *e, const struct claim *c,
                                  const struct origin *o, int64_t now_us, struct arena *arena)
{
    struct verdict v = verdict_of(o->provider, c->status, &e->head, c->body, now_us, arena);
    bool doubtful = !e->alone && c->status == 0;
    if (doubtful && (v.kind == VERDICT_OTHER || (c->prose && !reads_as_refusal(c->body))))
        v.kind = VERDICT_OK;
    return v;
}

/* How much a verdict tells. Kinds first: figures without a kind are of no use. */
static int weight(const struct verdict *v)
{
    if (v->kind == VERDICT_OK)
        return 0;
    int w = v->kind == VERDICT_OTHER ? 1 : 10;
    w += v->kind != VERDICT_OTHER && v->kind != VERDICT_RATE_LIMIT ? 4 : 0;
    w += v->dim != DIM_UNKNOWN ? 8 : 0;
    return w +
           2 * ((v->limit >= 0) + (v->used >= 0) + (v->requested >= 0) + (v->retry_us >= 0));
}

static bool says_more(const struct verdict *v)
{
    return v->kind != VERDICT_RATE_LIMIT || v->dim != DIM_UNKNOWN || v->limit >= 0 ||
           v->retry_us >= 0;
}

/* Statuses that a request to any server may be answered with are no provider's refusal where
 * nothing else is said. */
static bool is_common_failure(int status)
{
    return status == 400 || status == 404 || status == 405 || status == 409 || status == 422;
}

/* sluice's own request log says what it found: "verdict": "rate_limit", "dimension": "tpm". */
static void take_own_words(const struct evidence *e, struct finding *f)
{
    for (int k = VERDICT_RATE_LIMIT; k <= VERDICT_OTHER; k++) {
        if (!str_eq(e->logged.verdict, str_of(verdict_name((enum verdict_kind)k))))
            continue;
        f->verdict.kind = (enum verdict_kind)k;
        f->verdict.retryable = k == VERDICT_RATE_LIMIT || k == VERDICT_OVERLOADED;
        if (f->verdict.dim == DIM_UNKNOWN)
            f->verdict.dim = dimension_of(e->logged.dimension);
        f->bare = false;
    }
}

struct finding finding_of(const struct evidence *e, const struct origin *told, int64_t now_us,
                          struct arena *arena)
{
    struct finding f = {.evidence = e, .model = e->logged.model};
    f.origin = told->name ? *told : origin_detect(e);
    f.verdict = (struct verdict){.kind = VERDICT_OK,
                                 .dim = DIM_UNKNOWN,
                                 .limit = -1,
                                 .used = -1,
                                 .requested = -1,
                                 .retry_us = -1};
    bool prose = false;
    for (size_t i = 0; i < e->claim_count; i++) {
        const struct claim *c = &e->claims[i];
        struct verdict v = judge_claim(e, c, &f.origin, now_us, arena);
        if (weight(&v) <= weight(&f.verdict))
            continue;
        f.verdict = v;
        prose = c->prose;
        bool mere = c->body.n == 0 && c->prose;
        if (mere && is_common_failure(c->status))
            f.verdict.kind = VERDICT_OK;
        if (mere)
            f.bare = true;
    }
    f.bare |= prose && !says_more(&f.verdict);
    take_own_words(e, &f);
    struct str model = diagnosis_model(f.verdict.message);
    if (model.n)
        f.model = model;
    return f;
}
