/* verdict.c: what an answer means: is it worth sending again, when, and whose fault is it.
 *
 * Three steps: refusal.c finds the error's fields, the rules below give it a kind, and
 * wording.c, Gemini's details and the headers fill in figures. Rules go by codes and by
 * phrases, never by whole sentences, in an order that matters: what can never succeed is looked
 * for before what passes by itself, because providers dress both as 429. Source:
 * facts/providers.md section 5. */
#include "provider.h"
#include "refusal.h"
#include "wording.h"

#include "duration.h"

/* A refusal's words fit into MESSAGE_MAX many times over; what is longer is no refusal's. */
enum { MS_US = 1000, MESSAGE_MAX = 16 << 10 };
static const int64_t minute_or_day_us = 2277 * (int64_t)1000000; /* sqrt(60 s * 86,400 s) */

const char *verdict_name(enum verdict_kind k)
{
    static const char *const names[] = {
#define X(id, text) text,
        VERDICT_KINDS(X)
#undef X
    };
    return names[k];
}

/* ---- the kind ------------------------------------------------------------------------ */

struct sight {
    const struct provider *provider;
    struct refusal r;
    struct wording w;
    int status; /* of the answer, or the one its body names */
    bool http;  /* an HTTP refusal, not an error inside a 200 */
};

static bool coded(const struct sight *s, const char *const *codes)
{
    return wording_has(s->r.code, codes) || wording_has(s->r.type, codes) ||
           wording_has(s->r.state, codes);
}

static bool worded(const struct sight *s, const char *const *phrases)
{
    return wording_has(s->r.message, phrases);
}

static bool is_gemini(const struct sight *s)
{
    static const char *const states[] = {"RESOURCE_EXHAUSTED", NULL};
    static const char *const phrases[] = {"generativelanguage", "ai.google.dev", NULL};
    return s->provider->id == PROVIDER_GEMINI || coded(s, states) || worded(s, phrases);
}

static bool is_context(const struct sight *s)
{
    static const char *const codes[] = {"context_length_exceeded", "context_window_exceeded",
                                        "string_above_max_length", NULL};
    static const char *const phrases[] = {"maximum context",
                                          "context length",
                                          "context window",
                                          "context limit",
                                          "context size",
                                          "prompt is too long",
                                          "input is too long",
                                          "maximum number of tokens allowed",
                                          "maximum number of input tokens",
                                          "reduce the length of the",
                                          NULL};
    return coded(s, codes) || (s->status != 429 && worded(s, phrases));
}

static bool is_output_too_long(const struct sight *s)
{
    static const char *const phrases[] = {"max_tokens is too large", "max_tokens' is too large",
                                          "max_completion_tokens is too large",
                                          "maximum allowed number of output tokens", NULL};
    return worded(s, phrases);
}

static bool is_too_large(const struct sight *s)
{
    static const char *const codes[] = {"request_too_large", NULL};
    static const char *const phrases[] = {"request too large", "entity too large",
                                          "payload too large", "exceeds the maximum size",
                                          NULL};
    const struct wording *w = &s->w;
    bool over =
        (s->status == 429 || s->status < 400) && w->limit >= 0 && w->requested > w->limit;
    bool none = w->limit == 0 && w->dim != DIM_UNKNOWN && !is_gemini(s);
    return s->status == 413 || coded(s, codes) || worded(s, phrases) || over || none;
}

static bool is_overloaded(const struct sight *s)
{
    static const char *const codes[] = {"overloaded", "service_unavailable", "unavailable",
                                        "capacity_exceeded", NULL};
    static const char *const phrases[] = {"overloaded",
                                          "high demand",
                                          "capacity exceeded",
                                          "at capacity",
                                          "no capacity",
                                          "insufficient capacity",
                                          "too busy",
                                          "servers are busy",
                                          "resource unavailable",
                                          "temporarily unavailable",
                                          NULL};
    static const int statuses[] = {498, 503, 529};
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
        if (s->status == statuses[i])
            return true;
    }
    bool passing = s->status < 400 || s->status == 429 || s->status >= 500;
    return passing && (coded(s, codes) || worded(s, phrases));
}

static bool is_quota(const struct sight *s)
{
    static const char *const codes[] = {"insufficient_quota",
                                        "credit_balance",
                                        "spend_limit",
                                        "usage_limit",
                                        "billing",
                                        "current_quota",
                                        "insufficient_balance",
                                        "insufficient_credit",
                                        "payment_required",
                                        NULL};
    static const char *const phrases[] = {"insufficient balance",
                                          "insufficient credit",
                                          "insufficient funds",
                                          "credit balance",
                                          "more credits",
                                          "out of credits",
                                          "credits are depleted",
                                          "spend limit",
                                          "spending limit",
                                          "spend cap",
                                          "usage limit",
                                          "usage threshold",
                                          "billing hard limit",
                                          "extra usage is required",
                                          "account is not active",
                                          "please recharge",
                                          NULL};
    /* Gemini says these of any limit, OpenAI only of money. */
    static const char *const plan[] = {"current quota", "plan and billing", NULL};
    if (s->status == 402 || coded(s, codes) || worded(s, phrases))
        return true;
    return is_gemini(s) ? s->w.limit == 0 : worded(s, plan);
}

static bool is_missing_model(const struct sight *s)
{
    static const char *const codes[] = {"model_not_found", "not_found", "DeploymentNotFound",
                                        NULL};
    static const char *const phrases[] = {"access to model", "model does not exist",
                                          "does not exist or you do not have access", NULL};
    return s->status == 404 || coded(s, codes) || worded(s, phrases);
}

static bool is_auth(const struct sight *s)
{
    static const char *const codes[] = {
        "api_key",         "authentication",      "permission",
        "unauthenticated", "unauthorized",        "account_deactivated",
        "access_denied",   "unsupported_country", NULL};
    static const char *const phrases[] = {
        "incorrect api key", "invalid api key",   "api key not valid",
        "invalid x-api-key", "api key expired",   "invalid authentication",
        "invalid bearer",    "permission denied", "not have permission",
        "subscription key",  "been deactivated",  NULL};
    if (s->r.page)
        return s->status == 401;
    return s->status == 401 || s->status == 403 || coded(s, codes) || worded(s, phrases);
}

static bool is_rate_limit(const struct sight *s)
{
    static const char *const codes[] = {
        "rate_limit", "ratelimit", "too_many_requests",  "toomanyrequests",
        "throttl",    "slow_down", "resource_exhausted", "token_limit_exceeded",
        NULL};
    static const char *const phrases[] = {
        "rate limit",          "rate limited",      "ratelimit",
        "too many requests",   "slow down",         "throttl",
        "enqueued token",      "concurrency limit", "quota exceeded",
        "usage increase rate", "error code: 1015",  NULL};
    bool open = s->status < 400 || s->status == 403;
    bool figured = s->w.dim != DIM_UNKNOWN && (s->w.limit >= 0 || s->w.retry_us >= 0);
    return s->status == 429 || coded(s, codes) || (open && (figured || worded(s, phrases)));
}

/* Faults that pass, told by words where no status is known. */
static bool is_fault(const struct sight *s)
{
    static const char *const codes[] = {"server_error", "api_error", "internal", "timeout",
                                        NULL};
    static const char *const phrases[] = {"internal server error",
                                          "internal error",
                                          "server experienced an error",
                                          "server had an error",
                                          "timed out",
                                          "bad gateway",
                                          NULL};
    return coded(s, codes) || (s->status < 400 && worded(s, phrases));
}

static bool is_known_failure(const struct sight *s)
{
    static const char *const codes[] = {"error", "invalid", "failed", NULL};
    return s->http || s->r.found || s->status >= 400 || coded(s, codes) || is_fault(s);
}

static enum verdict_kind kind_of(const struct sight *s)
{
    if (s->w.dim == DIM_BATCH_ENQUEUED)
        return VERDICT_RATE_LIMIT;
    if (is_output_too_long(s))
        return VERDICT_TOO_LARGE;
    if (is_context(s))
        return VERDICT_CONTEXT_LENGTH;
    if (is_quota(s))
        return VERDICT_QUOTA;
    if (is_too_large(s))
        return VERDICT_TOO_LARGE;
    if (is_overloaded(s))
        return VERDICT_OVERLOADED;
    if (s->status != 429 && is_missing_model(s))
        return VERDICT_OTHER;
    if (is_rate_limit(s))
        return VERDICT_RATE_LIMIT;
    if (is_auth(s))
        return VERDICT_AUTH;
    return is_known_failure(s) ? VERDICT_OTHER : VERDICT_OK;
}

/* ---- figures ------------------------------------------------------------------------- */

/* Gemini names each limit passed by a quotaId ("GenerateRequestsPerDayPerProject...") and tells
 * the wait apart. Of several limits the one that takes longest to clear is the verdict's. */
static void read_violations(const struct json *violations, struct verdict *v)
{
    for (const struct json *q = violations ? violations->first : NULL; q; q = q->next) {
        enum dimension dim = wording_dimension(json_str(json_get(q, "quotaId")));
        if (dim == DIM_UNKNOWN)
            dim = wording_dimension(json_str(json_get(q, "quotaMetric")));
        if (dim == DIM_ITPM)
            dim = DIM_TPM; /* Gemini's TPM is of input alone, and so its catalogue names it */
        if (v->dim != DIM_UNKNOWN && dimension_period_s(dim) <= dimension_period_s(v->dim))
            continue;
        int64_t limit;
        v->dim = dim;
        v->limit = -1;
        const struct json *value = json_get(q, "quotaValue");
        if (value && str_int(value->text, false, &limit) == SL_OK)
            v->limit = limit;
    }
}

static void read_details(const struct sight *s, struct verdict *v)
{
    const struct json *list = s->r.details;
    for (const struct json *d = list ? list->first : NULL; d; d = d->next) {
        int64_t delay;
        struct str text = json_str(json_get(d, "retryDelay"));
        read_violations(json_get(d, "violations"), v);
        if (text.n && duration_parse(text, &delay) == SL_OK && delay > v->retry_us)
            v->retry_us = delay / MS_US * MS_US;
    }
}

/* "metric: .../generate_content_free_tier_input_token_count, limit: 250000" without a period:
 * tokens are by the minute, requests may be by the minute or the day. */
static enum dimension gemini_metric(struct str message)
{
    static const char *const tokens[] = {"token_count", NULL};
    return wording_has(message, tokens) ? DIM_TPM : DIM_UNKNOWN;
}

/* One real refusal names no dimension at all ("on : Limit 500000"). The figures still tell: a
 * bucket's wait is (used + requested - limit) / limit of its period. Where a period is named
 * that we keep no budget for ("audio seconds per hour"), they tell of that. */
static enum dimension by_formula(const struct sight *s)
{
    static const char *const named[] = {" per ", NULL};
    const struct wording *w = &s->w;
    int64_t over = w->used + w->requested - w->limit;
    if (worded(s, named) || w->limit <= 0 || w->used < 0 || w->requested <= 1 ||
        w->retry_us <= 0 || over <= 0)
        return DIM_UNKNOWN;
    return (__int128)w->retry_us * w->limit / over > minute_or_day_us ? DIM_TPD : DIM_TPM;
}

static enum dimension by_type(struct str type)
{
    static const struct {
        const char *type;
        enum dimension dim;
    } types[] = {{"tokens", DIM_TPM},
                 {"requests", DIM_RPM},
                 {"tokens_usage_based", DIM_TPM},
                 {"input-images", DIM_IPM}};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        if (str_eq(type, str_of(types[i].type)))
            return types[i].dim;
    }
    return DIM_UNKNOWN;
}

static enum dimension dimension_of_limit(const struct sight *s)
{
    /* Assistants' wording: an HTTP refusal that counts requests by type. Inside a stream the
     * same words come after the request was let in, and tell nothing. */
    static const char *const assistants[] = {"please slow down", NULL};
    enum dimension dim = s->w.dim;
    if (dim == DIM_UNKNOWN)
        dim = by_formula(s);
    if (dim == DIM_UNKNOWN)
        dim = by_type(s->r.type);
    if (dim == DIM_UNKNOWN && is_gemini(s))
        dim = gemini_metric(s->r.message);
    bool on_arrival = !s->r.event && (s->status == 429 || s->status == 0);
    if (dim == DIM_UNKNOWN && on_arrival && worded(s, assistants))
        dim = DIM_RPM;
    return dim;
}

/* The one budget that the headers show empty, if it is one. */
static const struct reading *empty_one(const struct reading *list, size_t n)
{
    const struct reading *found = NULL;
    for (size_t i = 0; i < n; i++) {
        if (!list[i].has_remaining || list[i].remaining > 0)
            continue;
        if (found)
            return NULL;
        found = &list[i];
    }
    return found;
}

/* What the body leaves out the headers may say. */
static void fill_from_headers(const struct sight *s, const struct message *m,
                              int64_t now_unix_us, struct verdict *v)
{
    struct reading list[BOUND_BUDGETS];
    size_t n = headers_read(s->provider, m, now_unix_us, list, BOUND_BUDGETS);
    const struct reading *r = NULL;
    for (size_t i = 0; i < n; i++) {
        if (list[i].dim == v->dim)
            r = &list[i];
    }
    if (v->dim == DIM_UNKNOWN && (r = empty_one(list, n)) != NULL)
        v->dim = r->dim;
    if (!r)
        return;
    if (v->limit < 0)
        v->limit = r->limit;
    if (v->used < 0 && r->has_remaining && r->limit >= 0)
        v->used = r->limit - r->remaining;
    /* a reset is the time to full: longer than need be where the wait itself is named */
    bool named = v->retry_us >= 0 || headers_retry_us(m, now_unix_us) >= 0;
    if (!named && r->has_remaining && r->remaining <= 0)
        v->retry_us = r->reset_us;
}

/* The body's figure is the finer one; the header's holds where it asks for more than the body's
 * rounded up. */
static int64_t later(int64_t body_us, int64_t header_us)
{
    static const int64_t second_us = 1000000;
    if (body_us >= 0 && header_us <= (body_us + second_us - 1) / second_us * second_us)
        return body_us;
    return header_us;
}

static void fill_rate_limit(const struct sight *s, const struct message *m, int64_t now_unix_us,
                            struct verdict *v)
{
    v->dim = dimension_of_limit(s);
    v->limit = s->w.limit;
    v->used = s->w.used;
    v->requested = s->w.requested;
    v->bucket = s->w.bucket;
    if (is_gemini(s))
        read_details(s, v);
    if (v->kind == VERDICT_RATE_LIMIT && m)
        fill_from_headers(s, m, now_unix_us, v);
}

/* "You requested up to 4096 tokens, but can only afford 4000." */
static void fill_quota(const struct sight *s, struct verdict *v)
{
    struct str message = s->r.message, afford = STR("afford ");
    ptrdiff_t at = str_find_nocase(message, afford, 0);
    size_t used;
    v->limit = s->w.limit;
    v->requested = s->w.requested;
    if (at >= 0)
        (void)wording_number(str_from(message, (size_t)at + afford.n), &v->limit, &used);
}

/* ---- is it worth trying again -------------------------------------------------------- */

static bool passes(const struct sight *s)
{
    if (s->status < 400)
        return is_fault(s);
    return s->status == 408 || s->status == 409 || s->status >= 500;
}

static bool is_retryable(const struct sight *s, const struct message *m,
                         const struct verdict *v)
{
    struct str hint = m ? message_header(m, "x-should-retry") : (struct str){0};
    bool yes = str_eq_nocase(hint, STR("true")), no = str_eq_nocase(hint, STR("false"));
    switch (v->kind) {
    case VERDICT_RATE_LIMIT:
        /* A limit that is named or that names its wait does pass, whatever the hint. */
        return !no || v->dim != DIM_UNKNOWN || v->retry_us >= 0;
    case VERDICT_OVERLOADED:
        return !no;
    case VERDICT_OTHER:
        return yes || (!no && passes(s));
    case VERDICT_QUOTA:
        /* Azure says insufficient_quota of limits that recover, and then says when. */
        return s->provider->id == PROVIDER_AZURE && v->retry_us >= 0;
    case VERDICT_OK:
    case VERDICT_CONTEXT_LENGTH:
    case VERDICT_TOO_LARGE:
    case VERDICT_AUTH:
        break;
    }
    return false;
}

static struct str own_code(const struct refusal *r)
{
    int64_t number;
    if (r->code.n && str_int(r->code, false, &number) != SL_OK)
        return r->code;
    return r->type.n ? r->type : r->state.n ? r->state : r->code;
}

struct verdict verdict_good(int status)
{
    return (struct verdict){.kind = VERDICT_OK,
                            .dim = DIM_UNKNOWN,
                            .limit = -1,
                            .used = -1,
                            .requested = -1,
                            .retry_us = -1,
                            .status = status};
}

struct verdict verdict_of(const struct provider *p, int status, const struct message *m,
                          struct str body, int64_t now_unix_us, struct arena *arena)
{
    struct verdict v = verdict_good(status);
    struct sight s = {.provider = p, .status = status, .http = status >= 400};
    s.r = refusal_read(body, s.http, arena);
    s.r.message = str_cut(s.r.message, MESSAGE_MAX);
    if (status >= 100 && !s.r.found)
        return v;
    if (!s.http && s.r.status)
        s.status = (int)s.r.status;
    s.w = wording_read(s.r.message);
    v.kind = kind_of(&s);
    if (v.kind == VERDICT_OK)
        return v;
    v.code = own_code(&s.r);
    v.message = s.r.message;
    if (v.kind != VERDICT_CONTEXT_LENGTH && v.kind != VERDICT_TOO_LARGE)
        v.retry_us = s.w.retry_us;
    if (v.kind == VERDICT_CONTEXT_LENGTH || is_output_too_long(&s))
        wording_context(s.r.message, &v.limit, &v.requested);
    else if (v.kind == VERDICT_RATE_LIMIT || v.kind == VERDICT_TOO_LARGE)
        fill_rate_limit(&s, m, now_unix_us, &v);
    else if (v.kind == VERDICT_QUOTA)
        fill_quota(&s, &v);
    if (m)
        v.retry_us = later(v.retry_us, headers_retry_us(m, now_unix_us));
    v.retryable = is_retryable(&s, m, &v);
    return v;
}
