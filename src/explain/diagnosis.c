/* diagnosis.c: see diagnosis.h. Advice stands in a table by kind and limit; where the rules of
 * providers differ, the provider's charge rule chooses. */
#include "diagnosis.h"

#include "duration.h"
#include "support.h"

struct advice {
    const char *why, *act, *not ;
};

static bool has(struct str text, const char *phrase)
{
    return str_find_nocase(text, str_of(phrase), 0) >= 0;
}

/* ---- what a refusal names ------------------------------------------------------------ */

static bool ends_name(char c)
{
    return c == ' ' || c == '`' || c == '\'' || c == '"' || c == ',' || c == '\n' || c == ')';
}

/* Words that stand where a name could. */
static bool is_no_model(struct str name)
{
    static const char *const words[] = {"tokens", "requests", "the", "this", "your", "model"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (str_eq_nocase(name, str_of(words[i])))
            return true;
    }
    return false;
}

struct str diagnosis_model(struct str message)
{
    static const char *const before[] = {
        "reached for model `", "large for model `",  "reached for ",
        "too large for ",      "limit reached for ", "requests to gpt",
        "your requests to ",   "the model `",        "access to model `",
        ", model: ",           "output tokens for ", "rate limit for model ",
        "the model '",         "limit for model "};
    for (size_t i = 0; i < sizeof before / sizeof *before; i++) {
        struct str phrase = str_of(before[i]);
        ptrdiff_t at = str_find_nocase(message, phrase, 0);
        if (at < 0)
            continue;
        struct str rest = str_from(message, (size_t)at + phrase.n);
        if (str_ends(phrase, STR("gpt")))
            rest = (struct str){rest.p - 3, rest.n + 3};
        size_t n = 0;
        while (n < rest.n && !ends_name(rest.p[n]))
            n++;
        struct str name = str_cut(rest, n);
        while (name.n && name.p[name.n - 1] == '.')
            name.n--;
        if (name.n && !is_no_model(name))
            return name;
    }
    return (struct str){0};
}

/* ---- advice -------------------------------------------------------------------------- */

static const char pace_it[] =
    "let sluice pace the work to the limit: sluice run requests.jsonl -o results.jsonl";

static struct advice token_advice(const struct origin *o)
{
    struct advice a = {
        .why = "a request is charged the larger of its max_tokens and its input, whatever it "
               "uses in the end",
        .act = "lower max_tokens if it is the larger, or let sluice pace the work: sluice run "
               "requests.jsonl -o results.jsonl",
        .not = "a billing problem, not a fault of the provider"};
    if (o->provider->id == PROVIDER_AZURE) {
        a.why =
            "on arrival a request is charged its prompt and its max_tokens together, against "
            "a counter that starts anew each minute";
        a.act = "lower max_tokens, or give the deployment a larger share of the quota";
    } else if (o->provider->id == PROVIDER_GEMINI) {
        a.why = "input tokens alone count, over all keys of the project";
        a.act = pace_it;
    } else if (o->provider->id == PROVIDER_ANTHROPIC) {
        a.why = "input counts when a request starts, output as it is produced";
        a.act = pace_it;
    }
    return a;
}

static struct advice rate_advice(const struct origin *o, const struct verdict *v)
{
    static const char ours[] = "a billing problem, not a fault of the provider";
    switch (v->dim) {
    case DIM_TPM:
    case DIM_TPD:
        return token_advice(o);
    case DIM_ITPM:
        return (struct advice){
            "input tokens and what is written to the prompt cache count; what "
            "is read from the cache does not",
            "cache what prompts have in common, or let sluice pace the work", ours};
    case DIM_OTPM:
        return (struct advice){
            "output counts as it is produced; max_tokens plays no part in it",
            "ask for shorter answers, or let sluice pace the work", ours};
    case DIM_RPM:
    case DIM_RPD:
        return (struct advice){"requests are counted however small they are, refused ones as a "
                               "rule too",
                               "put more work into each request, or let sluice pace the work",
                               ours};
    case DIM_IPM:
        return (struct advice){"images are counted apart from tokens and requests", pace_it,
                               ours};
    case DIM_CONCURRENCY:
        return (struct advice){
            "too many requests are in flight at once; how many a minute plays "
            "no part",
            "send fewer at a time: sluice run --concurrency N", ours};
    case DIM_BATCH_ENQUEUED:
        return (struct advice){"the input tokens of all queued batch jobs of a model count "
                               "together until a job ends",
                               "submit smaller batches, the next when one has completed", ours};
    case DIM_SPEND:
    case DIM_UNKNOWN:
        break;
    }
    return (struct advice){"the provider does not say which limit", pace_it, ours};
}

/* The Assistants API's wording, which names no limit: its requests are counted by type. */
static bool counts_types(const struct finding *f)
{
    const struct verdict *v = &f->verdict;
    bool said = has(v->message, "please slow down") && !has(v->code, "slow_down");
    return v->kind == VERDICT_RATE_LIMIT && (said || (f->bare && f->type));
}

/* Refusals of a rate that tell more than their kind. */
enum special { SPECIAL_NONE, SPECIAL_GATEWAY, SPECIAL_RISE, SPECIAL_EDGE, SPECIAL_TYPES };

static enum special special_of(const struct finding *f)
{
    const struct verdict *v = &f->verdict;
    if (v->kind != VERDICT_RATE_LIMIT)
        return SPECIAL_NONE;
    if (f->own || message_header(&f->evidence->head, "x-sluice-refused").n)
        return SPECIAL_GATEWAY;
    if (has(v->message, "usage increase rate") || has(v->code, "slow_down"))
        return SPECIAL_RISE;
    if (has(v->message, "error code: 1015") || has(v->message, "denied"))
        return SPECIAL_EDGE;
    return counts_types(f) ? SPECIAL_TYPES : SPECIAL_NONE;
}

static const struct {
    const char *title;
    struct advice advice;
} specials[] = {
    [SPECIAL_GATEWAY] =
        {"THE WAIT WOULD BE TOO LONG",
         {"the gateway refused this itself: it would have waited longer than was "
          "allowed",
          "retry in the time it says, allow a longer wait (--max-wait), or send "
          "less",
          "a refusal of the provider's: it was not asked"}},
    [SPECIAL_RISE] = {"A RISE TOO FAST",
                      {"traffic rose too fast: there is a limit on the rise itself, below the "
                       "limits by the minute",
                       "raise the rate slowly, by no more than half in a quarter of an hour",
                       "a billing problem; the limits by the minute may have room"}},
    [SPECIAL_EDGE] = {"AN EDGE NETWORK",
                      {"an edge network in front of the provider refused this address, before "
                       "the provider saw the request",
                       "wait, and send more slowly from this address",
                       "one of the account's limits"}},
    [SPECIAL_TYPES] = {"REQUESTS OF ONE TYPE",
                       {"the Assistants API counts requests by type, whatever the tier:",
                        "poll less often, or stream the run; a whole log shows which type: "
                        "sluice explain app.log",
                        "a matter of tokens, nor of the tier"}},
};

/* "GET 1,000, POST 300 ... a minute", as the catalogue has them. */
static void write_types(struct buf *out, const struct origin *o, const struct standing *s)
{
    enum { TYPES = 16 };
    const struct route_class *types[TYPES];
    size_t n = kinds_list(s->catalogue, str_of(o->name ? o->name : "openai"), types, TYPES);
    for (size_t i = 0; i < n; i++) {
        bool fresh = i % 3 == 0;                             /* a line holds three */
        if (!str_starts(types[i]->name, STR("assistants-"))) /* they stand together */
            continue;
        buf_printf(out, "%s%s%.*s ", i ? "," : "", fresh ? "\n        " : " ",
                   STR_ARG(types[i]->name));
        buf_thousands(out, kind_rpm(types[i]));
    }
    buf_puts(out, " a minute");
}

/* What money is missing: the wallet's, or the room below a limit on spending. */
static struct advice quota_advice(const struct verdict *v)
{
    static const char not_rate[] = "a rate limit: waiting or retrying does not help";
    if (v->limit == 0)
        return (struct advice){
            "the limit is 0: the model is not offered on this account's tier",
            "choose another model, or link billing", "a matter of waiting"};
    if (has(v->code, "enforced_spend_limit") || has(v->message, "usage threshold"))
        return (struct advice){"the month's spending has reached the cap of the account's tier",
                               "wait for the month to end, or move to a tier with a higher cap",
                               "a rate limit, nor a limit you set"};
    if (has(v->code, "spend_limit") || has(v->message, "spend limit") ||
        has(v->message, "specified api usage limits"))
        return (struct advice){
            "a spending limit that was set for the organisation or project is reached",
            "raise that limit in the provider's console, or wait for its period to end",
            not_rate};
    return (struct advice){
        "this is money, not rate: credit is used up, or a spending limit is reached",
        "add credit or raise the spending limit, then run the same again", not_rate};
}

static struct advice advice_on(const struct finding *f)
{
    const struct origin *o = &f->origin;
    const struct verdict *v = &f->verdict;
    enum special special = special_of(f);
    switch (v->kind) {
    case VERDICT_RATE_LIMIT:
        return special ? specials[special].advice : rate_advice(o, v);
    case VERDICT_QUOTA:
        return quota_advice(v);
    case VERDICT_CONTEXT_LENGTH:
        return (struct advice){
            "input and requested output together must fit the model's window",
            "shorten the input or lower max_tokens, or choose a model with a "
            "larger window",
            "a rate limit: the same request never succeeds"};
    case VERDICT_TOO_LARGE:
        return (struct advice){
            "this one request is larger than the whole limit",
            "split it, shorten it or lower max_tokens; or move to a tier with "
            "a larger limit",
            "a matter of waiting: the same request never succeeds"};
    case VERDICT_OVERLOADED:
        return (struct advice){
            "the provider has more traffic than it can serve",
            "retry with growing pauses; another model or region may have room",
            "one of your limits, nor a fault of yours"};
    case VERDICT_AUTH:
        return (struct advice){"the key is wrong, revoked, or not allowed to do this",
                               "check which key is sent, and its project and permissions",
                               "a rate limit: retrying does not help"};
    case VERDICT_OTHER:
        if (v->retryable)
            return (struct advice){"a fault on the provider's side or on the way to it",
                                   "retry with growing pauses", "one of your limits"};
        if (v->status == 404 || has(v->code, "not_found") ||
            has(v->message, "does not exist or you do not have access"))
            return (struct advice){
                "there is no such model or path here, or the account may not use it",
                "check the name, and the project's access to the model",
                "a rate limit: the same request never succeeds"};
        return (struct advice){"the request itself is not accepted", "correct the request",
                               "a rate limit: the same request never succeeds"};
    case VERDICT_OK:
        break;
    }
    return (struct advice){0};
}

/* ---- lines --------------------------------------------------------------------------- */

static void write_upper(struct buf *out, const char *text)
{
    for (; *text; text++)
        buf_char(out, (char)(*text >= 'a' && *text <= 'z' ? *text - 'a' + 'A' : *text));
}

/* "TOKENS PER MINUTE (TPM)" */
static void write_dimension(struct buf *out, enum dimension dim)
{
    write_upper(out, dimension_unit(dim));
    if (dimension_period_s(dim)) {
        buf_puts(out, " (");
        write_upper(out, dimension_name(dim));
        buf_char(out, ')');
    }
}

void diagnosis_dimension(struct buf *out, enum dimension dim)
{
    if (dim != DIM_UNKNOWN)
        write_upper(out, dimension_name(dim));
}

static void write_headline(struct buf *out, const struct finding *f)
{
    const char *title = specials[special_of(f)].title;
    const struct origin *o = &f->origin;
    const struct verdict *v = &f->verdict;
    struct str model = f->model;
    const char *rest = "";
    buf_puts(out, o->title);
    switch (v->kind) {
    case VERDICT_RATE_LIMIT:
        rest = title || v->dim != DIM_UNKNOWN ? " refused this request: "
                                              : " refused this request: A RATE LIMIT";
        break;
    case VERDICT_QUOTA:
        rest = " refused this request: NO CREDIT, or a spending limit";
        break;
    case VERDICT_CONTEXT_LENGTH:
        rest = " refused this request: LONGER THAN THE MODEL'S WINDOW";
        break;
    case VERDICT_TOO_LARGE:
        rest = v->dim == DIM_UNKNOWN ? " refused this request: TOO LARGE"
                                     : " refused this request: LARGER THAN ITS LIMIT OF ";
        break;
    case VERDICT_OVERLOADED:
        rest = " is OVERLOADED";
        break;
    case VERDICT_AUTH:
        rest = " did not accept the API KEY";
        break;
    case VERDICT_OTHER:
        rest = v->retryable ? " FAILED" : " did not accept this REQUEST";
        break;
    case VERDICT_OK:
        rest = " answered";
        break;
    }
    buf_puts(out, rest);
    if (title)
        buf_printf(out, "%s%s", title, v->dim == DIM_UNKNOWN ? "" : ", ");
    if (v->dim != DIM_UNKNOWN)
        write_dimension(out, v->dim);
    if (model.n) {
        buf_puts(out, " of ");
        diagnosis_visible(out, model);
    }
    if (v->bucket.n && !str_eq(v->bucket, model)) {
        buf_puts(out, " (shared limit ");
        diagnosis_visible(out, v->bucket);
        buf_char(out, ')');
    }
    buf_char(out, '\n');
}

static void write_figure(struct buf *out, const char *name, int64_t n, bool *any)
{
    if (n < 0)
        return;
    buf_printf(out, "%s%s ", *any ? "   " : "  ", name);
    buf_thousands(out, n);
    *any = true;
}

static void write_figures(struct buf *out, const struct verdict *v)
{
    bool any = false;
    int64_t all = v->requested < 0 ? -1 : v->requested + (v->used > 0 ? v->used : 0);
    write_figure(out, "limit", v->limit, &any);
    write_figure(out, "used", v->used, &any);
    write_figure(out, "this request", v->requested, &any);
    if (v->limit >= 0 && all > v->limit)
        write_figure(out, "over by", all - v->limit, &any);
    if (any)
        buf_char(out, '\n');
}

/* "the bucket refills 500 tokens per second" */
static void write_refill(struct buf *out, const struct origin *o, const struct verdict *v)
{
    int64_t period = dimension_period_s(v->dim);
    if (o->provider->window != WINDOW_BUCKET || period == 0 || v->limit <= 0)
        return;
    const char *unit = v->dim == DIM_RPM || v->dim == DIM_RPD ? "request"
                       : v->dim == DIM_IPM                    ? "image"
                                                              : "token";
    buf_puts(out, " (the bucket refills ");
    if (v->limit >= period) {
        buf_thousands(out, v->limit / period);
        buf_printf(out, " %s%s per second)", unit, v->limit / period == 1 ? "" : "s");
    } else {
        buf_printf(out, "one %s in ", unit);
        duration_human(out, period * 1000000 / v->limit);
        buf_char(out, ')');
    }
}

static void write_retry(struct buf *out, const struct origin *o, const struct verdict *v)
{
    if (!v->retryable) {
        buf_puts(out, "  retrying does not help\n");
        return;
    }
    if (v->retry_us < 0) {
        buf_puts(out, "  retry after a pause that grows; the refusal does not say how long\n");
        return;
    }
    buf_puts(out, "  retry in ");
    duration_human(out, v->retry_us);
    if (v->kind == VERDICT_RATE_LIMIT)
        write_refill(out, o, v);
    if (v->kind == VERDICT_RATE_LIMIT && o->provider->refusals_drain)
        buf_puts(out, "; retrying sooner counts against you");
    buf_char(out, '\n');
}

void diagnosis_visible(struct buf *out, struct str text)
{
    for (size_t i = 0; i < text.n; i++) {
        unsigned char c = (unsigned char)text.p[i];
        buf_char(out, c < ' ' || c == 0x7F ? '?' : (char)c);
    }
}

void diagnosis_quote(struct buf *out, struct str message)
{
    enum { SHOWN = 200 };
    struct str rest = message, key = STR("sk-");
    struct str line = str_cut(str_split(&rest, '\n'), SHOWN);
    for (size_t i = 0; i < line.n; i++) {
        diagnosis_visible(out, (struct str){line.p + i, 1});
        if (i + 1 < key.n || !str_eq((struct str){line.p + i + 1 - key.n, key.n}, key))
            continue;
        while (i + 1 < line.n && !ends_name(line.p[i + 1]))
            i++;
        buf_puts(out, "...");
    }
    buf_puts(out, line.n == SHOWN ? "..." : "");
}

/* The provider's own words where ours are general. */
static void write_words(struct buf *out, const struct verdict *v)
{
    if (!v->message.n)
        return;
    buf_puts(out, "  says  ");
    diagnosis_quote(out, v->message);
    buf_char(out, '\n');
}

void diagnosis_write(struct buf *out, const struct finding *f, const struct standing *s,
                     int64_t now_us)
{
    const struct origin *o = &f->origin;
    const struct verdict *v = &f->verdict;
    struct advice a = advice_on(f);
    write_headline(out, f);
    write_figures(out, v);
    write_retry(out, o, v);
    if (v->kind != VERDICT_RATE_LIMIT || v->dim == DIM_UNKNOWN)
        write_words(out, v);
    buf_printf(out, "  why   %s", a.why);
    if (counts_types(f))
        write_types(out, o, s);
    buf_printf(out, "\n  do    %s\n  not   %s\n", a.act, a.not );
    if (!f->own)
        support_write(out, s, f, now_us);
}

static void write_number(struct buf *out, const char *name, int64_t n)
{
    if (n < 0)
        buf_printf(out, ", \"%s\": null", name);
    else
        buf_printf(out, ", \"%s\": %lld", name, (long long)n);
}

/* What only a log's line has. */
static void write_place(struct buf *out, const struct finding *f)
{
    const struct evidence *e = f->evidence;
    buf_puts(out, ", \"model\": ");
    if (f->model.n)
        buf_json(out, f->model);
    else
        buf_puts(out, "null");
    buf_printf(out, ", \"line\": %zu, \"time\": ", e->line);
    if (e->logged.at_us < 0) {
        buf_puts(out, "null");
        return;
    }
    buf_char(out, '"');
    instant_write_rfc3339(out, e->logged.at_us);
    buf_char(out, '"');
}

void diagnosis_json(struct buf *out, const struct finding *f)
{
    const struct verdict *v = &f->verdict;
    buf_printf(out, "{\"provider\": \"%s\", \"kind\": \"%s\", \"dimension\": \"%s\"",
               f->origin.name ? f->origin.name : "unknown", verdict_name(v->kind),
               dimension_name(v->dim));
    write_number(out, "limit", v->limit);
    write_number(out, "used", v->used);
    write_number(out, "requested", v->requested);
    write_number(out, "retry_after_ms", v->retry_us < 0 ? -1 : v->retry_us / 1000);
    buf_printf(out, ", \"retryable\": %s", v->retryable ? "true" : "false");
    if (!f->evidence->alone)
        write_place(out, f);
    buf_puts(out, "}\n");
}
