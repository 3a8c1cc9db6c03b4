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

/* What the gateway's own words mean, beside the names of kinds. */
static const struct {
    const char *verdict;
    enum verdict_kind kind;
    bool own;
} own_words[] = {{"wait", VERDICT_RATE_LIMIT, true},      {"spend", VERDICT_QUOTA, true},
                 {"full", VERDICT_OVERLOADED, true},      {"unknown_key", VERDICT_AUTH, true},
                 {"forbidden", VERDICT_AUTH, true},       {"invalid", VERDICT_OTHER, true},
                 {"upgrade", VERDICT_OTHER, true},        {"unreached", VERDICT_OTHER, false},
                 {"timeout", VERDICT_OTHER, false},       {"cut", VERDICT_OTHER, false},
                 {"provider_error", VERDICT_OTHER, false}};

static enum verdict_kind kind_of_own(struct str verdict, bool *own)
{
    for (int k = VERDICT_RATE_LIMIT; k <= VERDICT_OTHER; k++) {
        if (str_eq(verdict, str_of(verdict_name((enum verdict_kind)k))))
            return (enum verdict_kind)k;
    }
    for (size_t i = 0; i < sizeof own_words / sizeof *own_words; i++) {
        if (!str_eq(verdict, str_of(own_words[i].verdict)))
            continue;
        *own = own_words[i].own;
        return own_words[i].kind;
    }
    return VERDICT_OK;
}

/* sluice's own request log says what it found: "verdict": "rate_limit", "waited_for": "tpm".
 * One that ended well may have been refused before. */
static void take_own_words(const struct evidence *e, struct finding *f)
{
    struct verdict *v = &f->verdict;
    v->kind = kind_of_own(e->logged.verdict, &f->own);
    if (f->own)
        f->origin.title = "The gateway";
    if (v->kind == VERDICT_OK && e->logged.refused > 0)
        v->kind = VERDICT_RATE_LIMIT;
    if (e->logged.refused > 0)
        f->times = e->logged.refused;
    v->status = e->logged.status;
    v->retryable = v->kind == VERDICT_RATE_LIMIT || v->kind == VERDICT_OVERLOADED ||
                   (v->kind == VERDICT_OTHER && !f->own);
    if (v->kind == VERDICT_RATE_LIMIT)
        v->dim = dimension_of(e->logged.dimension);
}

struct finding finding_of(const struct evidence *e, const struct origin *told, int64_t now_us,
                          struct arena *arena)
{
    struct finding f = {.evidence = e, .model = e->logged.model, .times = 1};
    f.origin = told->name ? *told : origin_detect(e);
    f.verdict = verdict_good(0);
    bool prose = false;
    if (logged_is_own(&e->logged)) {
        take_own_words(e, &f);
        return f;
    }
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
    struct str model = diagnosis_model(f.verdict.message);
    if (model.n)
        f.model = model;
    return f;
}
