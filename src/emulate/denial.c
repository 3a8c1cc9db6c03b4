/* denial.c: see denial.h. One function per dialect writes the message, one the envelope. */
#include "denial.h"
#include "duration.h"

static const char organization[] = "org-emulated";
static const char server_error[] =
    "The server experienced an error while processing your request. Sorry about that! You can "
    "retry your request, or contact us through our help center at help.openai.com if the error "
    "persists.";
static const char overloaded[] =
    "Our servers are currently overloaded. Please try again later.";
static const char no_quota[] =
    "You exceeded your current quota, please check your plan and billing details.";

/* At least one: nobody says "retry after 0 seconds" to a full window. */
static int64_t whole_seconds(int64_t us)
{
    return us <= 0 ? 1 : (us + 999999) / 1000000;
}

int denial_status(const struct denial *r)
{
    bool anthropic = r->dialect == EMULATE_ANTHROPIC, gemini = r->dialect == EMULATE_GEMINI;
    switch (r->kind) {
    case DENIAL_RATE:
    case DENIAL_RAMP:
    case DENIAL_CLASS:
    case DENIAL_WALLET:
        return 429;
    case DENIAL_TOO_LARGE:
        return r->dialect == EMULATE_GROQ ? 413 : 429;
    case DENIAL_BAD_REQUEST:
    case DENIAL_BAD_JSON:
        return 400;
    case DENIAL_OTHER:
        return r->status;
    case DENIAL_NO_MODEL:
    case DENIAL_NO_ROUTE:
        return 404;
    case DENIAL_BAD_METHOD:
        return 405;
    case DENIAL_BAD_KEY:
        return gemini ? 400 : 401;
    case DENIAL_SERVER_ERROR:
        return 500;
    case DENIAL_OVERLOADED:
        return anthropic ? 529 : 503;
    }
    return 500;
}

/* What kind of thing a client got wrong; the same for all dialects but for the envelope. */
static bool common_message(const struct denial *r, struct buf *m)
{
    switch (r->kind) {
    case DENIAL_BAD_JSON:
        buf_printf(m,
                   "We could not parse the JSON body of your request (%s). The API expects a "
                   "JSON payload.",
                   r->text);
        return true;
    case DENIAL_BAD_REQUEST:
        buf_printf(m, "%s: %s", r->field, r->text);
        return true;
    case DENIAL_OTHER:
        buf_puts(m, r->text);
        return true;
    case DENIAL_NO_ROUTE:
        buf_printf(m, "Invalid URL (%s)", r->text);
        return true;
    case DENIAL_BAD_METHOD:
        buf_printf(m, "Not allowed here (%s)", r->text);
        return true;
    case DENIAL_RATE:
    case DENIAL_TOO_LARGE:
    case DENIAL_RAMP:
    case DENIAL_CLASS:
    case DENIAL_WALLET:
    case DENIAL_NO_MODEL:
    case DENIAL_BAD_KEY:
    case DENIAL_SERVER_ERROR:
    case DENIAL_OVERLOADED:
        break;
    }
    return false;
}

/* ---- OpenAI and Groq ---- */

/* "tokens per min (TPM)"; Groq writes "minute" in full. */
static void dimension_words(const struct denial *r, struct buf *m)
{
    static const struct {
        enum dimension dim;
        const char *words, *letters;
        bool day;
    } rows[] = {
        {DIM_RPM, "requests", "RPM", false},       {DIM_TPM, "tokens", "TPM", false},
        {DIM_ITPM, "input tokens", "ITPM", false}, {DIM_OTPM, "output tokens", "OTPM", false},
        {DIM_RPD, "requests", "RPD", true},        {DIM_TPD, "tokens", "TPD", true}};
    if (r->why.dim == DIM_IPM)
        buf_puts(m, "input-images per min");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (rows[i].dim == r->why.dim)
            buf_printf(m, "%s per %s (%s)", rows[i].words,
                       rows[i].day                  ? "day"
                       : r->dialect == EMULATE_GROQ ? "minute"
                                                    : "min",
                       rows[i].letters);
    }
}

static void subject_words(const struct denial *r, struct buf *m)
{
    if (r->dialect == EMULATE_GROQ) {
        buf_printf(m, "model `%.*s` in organization `%s` service tier `on_demand` on ",
                   STR_ARG(r->model), organization);
    } else {
        buf_printf(m, "%.*s ", STR_ARG(r->model));
        if (r->pool.n && !str_eq(r->pool, r->model))
            buf_printf(m, "(for limit %.*s) ", STR_ARG(r->pool));
        buf_printf(m, "in organization %s on ", organization);
    }
    dimension_words(r, m);
}

static void rate_message(const struct denial *r, struct buf *m)
{
    const char *visit = r->dialect == EMULATE_GROQ
                            ? " Need more tokens? Upgrade to Dev Tier today at "
                              "https://console.groq.com/settings/billing"
                            : " Visit https://platform.openai.com/account/rate-limits to learn "
                              "more.";
    long long limit = r->why.limit, used = r->why.used, requested = r->why.requested;
    if (r->why.dim == DIM_CONCURRENCY) {
        buf_printf(m,
                   "Too many requests. Your current concurrency is %lld, which exceeds your "
                   "concurrency limit of %lld.",
                   used, limit);
        return;
    }
    buf_puts(m, r->kind == DENIAL_RATE ? "Rate limit reached for " : "Request too large for ");
    subject_words(r, m);
    if (r->kind == DENIAL_RATE) {
        buf_printf(m, ": Limit %lld, Used %lld, Requested %lld. Please try again in ", limit,
                   used, requested);
        duration_go(m, r->retry_us);
        buf_char(m, '.');
    } else if (r->dialect == EMULATE_GROQ) {
        buf_printf(m,
                   ": Limit %lld, Requested %lld, please reduce your message size and try "
                   "again.",
                   limit, requested);
    } else {
        buf_printf(
            m,
            ": Limit %lld, Requested %lld. The input or output tokens must be reduced in "
            "order to run successfully.",
            limit, requested);
    }
    buf_puts(m, visit);
}

static const char *rate_type(const struct denial *r)
{
    if (r->why.dim == DIM_CONCURRENCY)
        return "rate_limit_error";
    if (r->why.dim == DIM_RPM || r->why.dim == DIM_RPD)
        return "requests";
    return r->why.dim == DIM_IPM ? "input-images" : "tokens";
}

/* As the Assistants API words its limits by request type. */
static void class_message(const struct denial *r, struct buf *m)
{
    buf_puts(m, "You've exceeded the rate limit, please slow down and try again ");
    int64_t ms = (r->retry_us + 999) / 1000;
    if (r->retry_us < 0)
        buf_puts(m, "later.");
    else
        buf_printf(m, "after %lld.%03lld seconds.", (long long)(ms / 1000),
                   (long long)(ms % 1000));
}

/* Message, type and code of OpenAI's error object; also Groq's. */
static void openai_error(const struct denial *r, struct buf *m, const char **type,
                         const char **code)
{
    *type = "invalid_request_error";
    *code = NULL;
    if (common_message(r, m)) {
        *code = r->kind == DENIAL_NO_ROUTE ? "unknown_url" : r->code;
        *type = r->kind == DENIAL_OTHER && r->status >= 500 ? "server_error" : *type;
    } else if (r->kind == DENIAL_RATE || r->kind == DENIAL_TOO_LARGE) {
        rate_message(r, m);
        *type = rate_type(r);
        *code = "rate_limit_exceeded";
    } else if (r->kind == DENIAL_CLASS) {
        class_message(r, m);
        *code = "rate_limit_exceeded";
    } else if (r->kind == DENIAL_RAMP) {
        buf_puts(m, "Your traffic has grown too quickly. Please slow down: reduce your request "
                    "rate, then increase it gradually.");
        *type = "rate_limit_error";
        *code = "slow_down";
    } else if (r->kind == DENIAL_WALLET) {
        buf_puts(m, no_quota);
        *type = *code = "insufficient_quota";
    } else if (r->kind == DENIAL_NO_MODEL) {
        buf_printf(m, "The model `%.*s` does not exist or you do not have access to it.",
                   STR_ARG(r->model));
        *code = "model_not_found";
    } else if (r->kind == DENIAL_BAD_KEY) {
        buf_puts(m, r->dialect == EMULATE_GROQ
                        ? "Invalid API Key"
                        : "Incorrect API key provided: ****. You can find your API key at "
                          "https://platform.openai.com/account/api-keys.");
        *code = "invalid_api_key";
    } else if (r->kind == DENIAL_OVERLOADED) {
        buf_puts(m, overloaded);
        *type = "service_unavailable_error";
        *code = "server_is_overloaded";
    } else {
        buf_puts(m, server_error);
        *type = "server_error";
    }
}

static void string_or_null(struct buf *out, const char *s)
{
    if (s)
        buf_json(out, str_of(s));
    else
        buf_puts(out, "null");
}

static void openai_body(const struct denial *r, struct buf *out)
{
    struct buf m = {0};
    const char *type, *code;
    openai_error(r, &m, &type, &code);
    buf_puts(out, "{\"error\":{\"message\":");
    buf_json(out, buf_str(&m));
    buf_puts(out, ",\"type\":");
    string_or_null(out, type);
    if (r->dialect != EMULATE_GROQ || r->field) {
        buf_puts(out, ",\"param\":");
        string_or_null(out, r->field);
    }
    buf_puts(out, ",\"code\":");
    string_or_null(out, code);
    buf_puts(out, "}}");
    buf_free(&m);
}

/* ---- Azure ---- */

static const char *azure_operation(enum target_api api)
{
    if (api == API_EMBEDDINGS)
        return "Embeddings_Create";
    if (api == API_RESPONSES)
        return "Responses_Create";
    return api == API_COMPLETIONS ? "Completions_Create" : "ChatCompletions_Create";
}

static void azure_rate(const struct denial *r, struct buf *m)
{
    bool calls =
        r->why.dim == DIM_RPM || r->why.dim == DIM_RPD || r->why.dim == DIM_CONCURRENCY;
    struct str version = r->api_version.n ? r->api_version : STR("2024-10-21");
    /* Azure names a day where waiting for the window would not help. */
    int64_t wait_s = r->kind == DENIAL_TOO_LARGE ? 86400 : whole_seconds(r->retry_us);
    buf_printf(
        m,
        "Requests to the %s Operation under Azure OpenAI API version %.*s have exceeded "
        "%s rate limit of your current OpenAI S0 pricing tier. Please retry after %lld "
        "second%s. Please go here: https://aka.ms/oai/quotaincrease if you would like to "
        "further increase the default rate limit.",
        azure_operation(r->api), STR_ARG(version), calls ? "call" : "token", (long long)wait_s,
        wait_s == 1 ? "" : "s");
}

static void azure_body(const struct denial *r, struct buf *out)
{
    struct buf m = {0};
    const char *code = "BadRequest";
    if (common_message(r, &m)) {
        code = r->kind == DENIAL_NO_ROUTE ? "404" : code;
    } else if (r->kind == DENIAL_RATE || r->kind == DENIAL_TOO_LARGE) {
        azure_rate(r, &m);
        code = "429";
    } else if (r->kind == DENIAL_CLASS) {
        buf_puts(&m, "Rate limit is exceeded. Try again ");
        if (r->retry_us < 0)
            buf_puts(&m, "later.");
        else
            buf_printf(&m, "in %lld seconds.", (long long)whole_seconds(r->retry_us));
        code = "429";
    } else if (r->kind == DENIAL_WALLET) {
        buf_puts(&m, no_quota);
        code = "insufficient_quota";
    } else if (r->kind == DENIAL_NO_MODEL) {
        buf_puts(&m,
                 "The API deployment for this resource does not exist. If you created the "
                 "deployment within the last 5 minutes, please wait a moment and try again.");
        code = "DeploymentNotFound";
    } else if (r->kind == DENIAL_BAD_KEY) {
        buf_puts(&m,
                 "Access denied due to invalid subscription key or wrong API endpoint. Make "
                 "sure to provide a valid key for an active subscription and use a correct "
                 "regional API endpoint for your resource.");
        code = "401";
    } else if (r->kind == DENIAL_SERVER_ERROR) {
        buf_puts(&m, server_error);
        code = "InternalServerError";
    } else {
        buf_puts(&m, overloaded);
        code = r->kind == DENIAL_RAMP ? "429" : "ServiceUnavailable";
    }
    buf_puts(out, "{\"error\":{\"code\":");
    buf_json(out, str_of(code));
    buf_puts(out, ",\"message\":");
    buf_json(out, buf_str(&m));
    buf_puts(out, "}}");
    buf_free(&m);
}

/* ---- Anthropic ---- */

static void anthropic_rate(const struct denial *r, struct buf *m)
{
    const char *tail =
        "You may also contact sales at https://www.anthropic.com/contact-sales to "
        "discuss your options for a rate limit increase.";
    if (r->why.dim == DIM_CONCURRENCY) {
        buf_puts(m,
                 "Number of concurrent connections has exceeded your rate limit. Please try "
                 "again later or contact sales at https://www.anthropic.com/contact-sales to "
                 "discuss your options for a rate limit increase.");
        return;
    }
    if (r->why.dim == DIM_RPD || r->why.dim == DIM_TPD) {
        buf_printf(m,
                   "Number of %s has exceeded your daily rate limit "
                   "(https://docs.anthropic.com/en/api/rate-limits); see the response headers "
                   "for current usage. Please reduce the prompt length or the maximum tokens "
                   "requested, or try again later. %s",
                   r->why.dim == DIM_TPD ? "request tokens" : "requests", tail);
        return;
    }
    buf_printf(m, "This request would exceed the rate limit for your organization (%s) of ",
               organization);
    buf_thousands(m, r->why.limit);
    buf_printf(
        m,
        " %s. For details, refer to: https://docs.anthropic.com/en/api/rate-limits. You "
        "can see the response headers for current usage. Please reduce the prompt length "
        "or the maximum tokens requested, or try again later. %s",
        dimension_unit(r->why.dim), tail);
}

static const char *anthropic_type(int status)
{
    switch (status) {
    case 404:
        return "not_found_error";
    case 409:
        return "conflict_error";
    case 413:
        return "request_too_large";
    case 429:
        return "rate_limit_error";
    default:
        return status >= 500 ? "api_error" : "invalid_request_error";
    }
}

static const char *anthropic_message(const struct denial *r, struct buf *m)
{
    if (common_message(r, m))
        return r->kind == DENIAL_OTHER      ? anthropic_type(r->status)
               : r->kind == DENIAL_NO_ROUTE ? "not_found_error"
                                            : "invalid_request_error";
    switch (r->kind) {
    case DENIAL_RATE:
    case DENIAL_TOO_LARGE: /* told no apart from a full budget */
        anthropic_rate(r, m);
        return "rate_limit_error";
    case DENIAL_CLASS:
        if (r->hidden)
            buf_puts(m, "This request would exceed your account's rate limit. Please try again "
                        "later.");
        else
            anthropic_rate(r, m);
        return "rate_limit_error";
    case DENIAL_RAMP:
        buf_puts(m,
                 "This request would exceed your organization's acceleration limit: usage has "
                 "risen too sharply. Please increase it gradually.");
        return "rate_limit_error";
    case DENIAL_WALLET:
        buf_puts(m, "You have reached your API usage limits: your organization has crossed its "
                    "monthly API usage threshold, set based on your organization's API tier.");
        return "rate_limit_error";
    case DENIAL_NO_MODEL:
        buf_printf(m, "model: %.*s", STR_ARG(r->model));
        return "not_found_error";
    case DENIAL_BAD_KEY:
        buf_puts(m, "invalid x-api-key");
        return "authentication_error";
    case DENIAL_OVERLOADED:
        buf_puts(m, "Overloaded");
        return "overloaded_error";
    case DENIAL_SERVER_ERROR:
    case DENIAL_BAD_REQUEST:
    case DENIAL_BAD_JSON:
    case DENIAL_OTHER:
    case DENIAL_NO_ROUTE:
    case DENIAL_BAD_METHOD:
        break;
    }
    buf_puts(m, "Internal server error");
    return "api_error";
}

static void anthropic_body(const struct denial *r, struct buf *out)
{
    struct buf m = {0};
    const char *type = anthropic_message(r, &m);
    buf_printf(out, "{\"type\":\"error\",\"error\":{\"type\":\"%s\",\"message\":", type);
    buf_json(out, buf_str(&m));
    if (r->kind == DENIAL_WALLET)
        buf_puts(out, ",\"details\":{\"error_code\":\"enforced_spend_limit_reached\"}");
    buf_puts(out, "}");
    if (r->id)
        buf_printf(out, ",\"request_id\":\"%s\"", r->id);
    buf_puts(out, "}");
    buf_free(&m);
}

/* ---- Gemini ---- */

static void gemini_seconds(struct buf *b, int64_t us)
{
    buf_printf(b, "%lld.%06llds", (long long)(us / 1000000), (long long)(us % 1000000));
}

/* Quota failures name a metric and an id, and the wait twice: in words and in details. */
static void gemini_quota(const struct denial *r, struct buf *m, struct buf *details)
{
    bool requests = r->why.dim == DIM_RPM || r->why.dim == DIM_RPD || r->kind == DENIAL_WALLET;
    bool day = r->why.dim == DIM_RPD || r->why.dim == DIM_TPD;
    const char *metric = requests ? "requests" : "input_token_count";
    long long limit = r->kind == DENIAL_WALLET ? 0 : r->why.limit;
    buf_printf(
        m,
        "%s For more information on this error, head to: "
        "https://ai.google.dev/gemini-api/docs/rate-limits. \n* Quota exceeded for metric: "
        "generativelanguage.googleapis.com/generate_content_free_tier_%s, limit: %lld, "
        "model: %.*s",
        no_quota, metric, limit, STR_ARG(r->model));
    buf_printf(details,
               ",\"details\":[{\"@type\":\"type.googleapis.com/google.rpc.QuotaFailure\","
               "\"violations\":[{\"quotaMetric\":\"generativelanguage.googleapis.com/"
               "generate_content_free_tier_%s\",\"quotaId\":\"Generate%sPer%s%s-FreeTier\","
               "\"quotaValue\":\"%lld\"}]}",
               metric, requests ? "Requests" : "ContentInputTokensPerModel",
               day ? "Day" : "Minute", requests ? "PerProjectPerModel" : "", limit);
    if (r->kind == DENIAL_RATE && r->retry_us >= 0) {
        buf_puts(m, "\nPlease retry in ");
        gemini_seconds(m, r->retry_us);
        buf_char(m, '.');
        buf_puts(details,
                 ",{\"@type\":\"type.googleapis.com/google.rpc.RetryInfo\",\"retryDelay\":\"");
        gemini_seconds(details, r->retry_us);
        buf_puts(details, "\"}");
    }
    buf_char(details, ']');
}

static void gemini_body(const struct denial *r, struct buf *out)
{
    struct buf m = {0}, details = {0};
    const char *status = "INVALID_ARGUMENT";
    if (common_message(r, &m)) {
        status = r->kind == DENIAL_NO_ROUTE ? "NOT_FOUND" : status;
    } else if (r->kind == DENIAL_NO_MODEL) {
        buf_printf(&m, "models/%.*s is not found for API version v1main", STR_ARG(r->model));
        status = "NOT_FOUND";
    } else if (r->kind == DENIAL_BAD_KEY) {
        buf_puts(&m, "API key not valid. Please pass a valid API key.");
    } else if (r->kind == DENIAL_OVERLOADED) {
        buf_puts(&m, "The model is overloaded. Please try again later.");
        status = "UNAVAILABLE";
    } else if (r->kind == DENIAL_SERVER_ERROR) {
        buf_puts(&m, "An internal error has occurred. Please retry.");
        status = "INTERNAL";
    } else if (r->kind == DENIAL_RAMP || r->kind == DENIAL_CLASS ||
               r->why.dim == DIM_CONCURRENCY) {
        buf_puts(&m, "Resource has been exhausted (e.g. check quota).");
        status = "RESOURCE_EXHAUSTED";
    } else {
        gemini_quota(r, &m, &details);
        status = "RESOURCE_EXHAUSTED";
    }
    /* the OpenAI-compatible endpoint, the only one played here, wraps its errors in an array */
    buf_printf(out, "[{\"error\":{\"code\":%d,\"message\":", denial_status(r));
    buf_json(out, buf_str(&m));
    buf_printf(out, ",\"status\":\"%s\"", status);
    buf_add(out, buf_str(&details));
    buf_puts(out, "}}]");
    buf_free(&m);
    buf_free(&details);
}

void denial_message(const struct denial *r, struct buf *out)
{
    const char *type, *code;
    bool azure = r->dialect == EMULATE_AZURE && r->kind != DENIAL_SERVER_ERROR;
    if (!azure)
        openai_error(r, out, &type, &code);
    else if (r->retry_us < 0)
        buf_puts(out, "Rate limit is exceeded.");
    else
        buf_printf(out, "Rate limit is exceeded. Try again in %lld seconds.",
                   (long long)whole_seconds(r->retry_us));
}

void denial_body(const struct denial *r, struct buf *out)
{
    switch (r->dialect) {
    case EMULATE_OPENAI:
    case EMULATE_GROQ:
        openai_body(r, out);
        return;
    case EMULATE_AZURE:
        azure_body(r, out);
        return;
    case EMULATE_ANTHROPIC:
        anthropic_body(r, out);
        return;
    case EMULATE_GEMINI:
        gemini_body(r, out);
        return;
    }
}

void denial_event(const struct denial *r, struct buf *out)
{
    if (r->api == API_MESSAGES) {
        struct denial plain = *r;
        plain.dialect = EMULATE_ANTHROPIC;
        plain.id = NULL;
        buf_puts(out, "event: error\ndata: ");
        denial_body(&plain, out);
    } else if (r->api == API_RESPONSES) {
        struct buf m = {0};
        const char *type, *code;
        openai_error(r, &m, &type, &code);
        buf_puts(out, "event: error\ndata: {\"type\":\"error\",\"code\":");
        string_or_null(out, code ? code : type);
        buf_puts(out, ",\"message\":");
        buf_json(out, buf_str(&m));
        buf_printf(out, ",\"param\":null,\"sequence_number\":%zu}", r->sequence);
        buf_free(&m);
    } else {
        buf_puts(out, "data: ");
        denial_body(r, out);
    }
    buf_puts(out, "\n\n");
}
