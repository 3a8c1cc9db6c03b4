/* reckon.c: see reckon.h. */
#include "reckon.h"

enum { READINGS = 16, CODE_BYTES = 48 };

/* Whether that limit is one that could have refused this, and had no room for it. */
static bool is_full(const struct reading *r, const struct flow *f, const struct verdict *v)
{
    int64_t units = (int)r->dim < DIM_RATES ? f->bill.units[r->dim] : 0;
    bool said = r->dim == v->dim && r->remaining < v->requested;
    return r->limit <= 0 || !r->has_remaining || r->remaining < units || said ||
           r->remaining < r->limit / 5;
}

/* Whether the provider's own headers showed room for this request when it refused: in the limit
 * that it says refused, if it says which; a header for requests may be of another than that. */
static bool had_headroom(const struct provider *p, const struct flow *f,
                         const struct ending *end, int64_t unix_us)
{
    struct reading readings[READINGS];
    const struct verdict *v = &end->verdict;
    size_t meant = 0;
    if (!end->head)
        return false;
    size_t n = headers_read(p, end->head, unix_us, readings, READINGS);
    for (size_t i = 0; i < n; i++) {
        bool of_another = v->dim != DIM_UNKNOWN && readings[i].dim != v->dim;
        if (of_another || (v->limit >= 0 && readings[i].limit != v->limit))
            continue;
        if (is_full(&readings[i], f, v))
            return false;
        meant++;
    }
    return meant > 0;
}

static enum tally_retry retry_of(const struct ending *end)
{
    if (!end->answered)
        return end->err == SL_TIMEOUT ? TALLY_RETRY_TIMEOUT : TALLY_RETRY_CONNECTION;
    if (end->verdict.kind == VERDICT_RATE_LIMIT)
        return TALLY_RETRY_RATE_LIMIT;
    return end->verdict.kind == VERDICT_OVERLOADED ? TALLY_RETRY_OVERLOADED : TALLY_RETRY_ERROR;
}

void reckon_setback(struct setbacks *s, const struct ending *end)
{
    s->n[retry_of(end)]++;
}

void reckon_refusal(struct tally *t, const struct provider *p, const struct flow *f,
                    const struct ending *end, int64_t unix_us)
{
    if (!end->answered)
        return;
    if (end->verdict.kind == VERDICT_RATE_LIMIT) {
        bool room = had_headroom(p, f, end, unix_us);
        t->refusals[room ? TALLY_CAUSE_HEADROOM : TALLY_CAUSE_PROVIDER][end->verdict.dim]++;
    }
    t->wallet_empty += end->verdict.kind == VERDICT_QUOTA;
    t->key_refused += end->verdict.kind == VERDICT_AUTH;
}

void reckon_retries(struct tally *t, const struct setbacks *s, const struct ending *end)
{
    bool failed = end->outcome == OUTCOME_FAILED;
    for (int i = 0; i < TALLY_RETRY_COUNT; i++)
        t->retries[i] += s->n[i];
    if (failed && s->n[retry_of(end)] > 0)
        t->retries[retry_of(end)]--;
}

int64_t reckon_reserved(const struct flow *f)
{
    int64_t tokens = f->bill.units[DIM_TPM];
    return tokens > 0 ? tokens : f->bill.units[DIM_ITPM] + f->bill.units[DIM_OTPM];
}

void reckon_used(struct tally *t, const struct flow *f, const struct ending *end)
{
    const struct usage *u = &end->usage;
    int64_t input = u->input_tokens > 0 ? u->input_tokens : 0;
    int64_t output = u->output_tokens > 0 ? u->output_tokens : 0;
    t->input_tokens += input;
    t->output_tokens += output;
    t->cached_tokens += u->cached_tokens > 0 ? u->cached_tokens : 0;
    t->reserved_tokens += reckon_reserved(f);
    t->used_tokens += input + output;
    if (f->head_us >= 0)
        histogram_add(&t->first_byte, f->head_us - f->sent_us);
    if (end->answered)
        histogram_add(&t->latency, end->service_us);
}

static bool is_code(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (c != '_' && c != '.' && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z'))
            return false;
    }
    return s.n > 0 && s.n <= CODE_BYTES;
}

static void write_figure(struct buf *out, const char *name, int64_t n)
{
    if (n < 0)
        return;
    buf_printf(out, ", %s ", name);
    buf_thousands(out, n);
}

void reckon_diagnosis(const struct ending *end, struct buf *out)
{
    static const char *const words[] = {
        [VERDICT_OK] = "an answer",
        [VERDICT_RATE_LIMIT] = "rate limit",
        [VERDICT_QUOTA] = "the wallet is empty: waiting does not help",
        [VERDICT_CONTEXT_LENGTH] = "longer than the model's context window",
        [VERDICT_TOO_LARGE] = "larger than a whole limit",
        [VERDICT_OVERLOADED] = "the provider is overloaded or broken",
        [VERDICT_AUTH] = "the provider refuses the key",
        [VERDICT_OTHER] = "the provider will not have this request",
    };
    const struct verdict *v = &end->verdict;
    buf_puts(out, words[v->kind]);
    if (v->dim != DIM_UNKNOWN &&
        (v->kind == VERDICT_RATE_LIMIT || v->kind == VERDICT_TOO_LARGE))
        buf_printf(out, ": %s (%s)", dimension_unit(v->dim), dimension_name(v->dim));
    write_figure(out, "limit", v->limit);
    write_figure(out, "used", v->used);
    write_figure(out, "requested", v->requested);
    buf_printf(out, " (status %d%s%.*s)", end->status, is_code(v->code) ? ", " : "",
               is_code(v->code) ? (int)v->code.n : 0, v->code.p ? v->code.p : "");
}
