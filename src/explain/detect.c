/* detect.c: see detect.h. Clues stand in one table, the weightiest first; the first that is
 * found decides. Wording outweighs the name of an SDK, for OpenAI's is used with many
 * providers. */
#include "detect.h"

static const struct {
    const char *name, *title;
    enum provider_id speaks;
} origins[] = {
    {"openai", "OpenAI", PROVIDER_OPENAI},
    {"anthropic", "Anthropic", PROVIDER_ANTHROPIC},
    {"azure", "Azure OpenAI", PROVIDER_AZURE},
    {"gemini", "Gemini", PROVIDER_GEMINI},
    {"groq", "Groq", PROVIDER_GROQ},
    {"mistral", "Mistral", PROVIDER_COMPATIBLE},
    {"deepseek", "DeepSeek", PROVIDER_COMPATIBLE},
    {"moonshot", "Moonshot", PROVIDER_COMPATIBLE},
    {"openrouter", "OpenRouter", PROVIDER_COMPATIBLE},
    {"together", "Together", PROVIDER_COMPATIBLE},
};
enum { ORIGINS = sizeof origins / sizeof *origins };

struct clue {
    const char *text, *origin;
};

static const struct clue header_clues[] = {
    {"anthropic-", "anthropic"},
    {"apim-request-id", "azure"},
    {"x-ms-", "azure"},
    {"azureml-", "azure"},
    {"policy-id", "azure"},
    {"x-groq-", "groq"},
    {"x-ratelimit-renewal", "azure"},
    {"openai-", "openai"},
    {"x-goog-", "gemini"},
    {"server-timing: gfet", "gemini"},
};

static const struct clue word_clues[] = {
    {"openrouter.ai", "openrouter"},
    {"provider_name", "openrouter"},
    {"but can only afford", "openrouter"},
    {"console.groq.com", "groq"},
    {"in organization `org_", "groq"},
    {"service tier `", "groq"},
    {"azure openai", "azure"},
    {"aka.ms/", "azure"},
    {"aiservices", "azure"},
    {"pricing tier", "azure"},
    {"provisioned throughput", "azure"},
    {"rate limit is exceeded. try again in", "azure"},
    {"deploymentnotfound", "azure"},
    {"openai.azure.com", "azure"},
    {"generativelanguage", "gemini"},
    {"ai.google.dev", "gemini"},
    {"resource_exhausted", "gemini"},
    {"\"unavailable\"", "gemini"},
    {"google.rpc", "gemini"},
    {"anthropic.com", "anthropic"},
    {"claude.com", "anthropic"},
    {"anthropic.", "anthropic"},
    {"\"overloaded_error\"", "anthropic"},
    {"\"authentication_error\"", "anthropic"},
    {"\"permission_error\"", "anthropic"},
    {"\"billing_error\"", "anthropic"},
    {"number of request tokens has exceeded", "anthropic"},
    {"number of requests has exceeded", "anthropic"},
    {"number of concurrent connections", "anthropic"},
    {"would exceed your organization", "anthropic"},
    {"would exceed the rate limit for your organization", "anthropic"},
    {"would exceed your account's rate limit", "anthropic"},
    {"extra usage is required", "anthropic"},
    {"prompt is too long:", "anthropic"},
    {"exceed context limit:", "anthropic"},
    {"together.ai", "together"},
    {"mistral.ai", "mistral"},
    {"\"rate_limited\"", "mistral"},
    {"service tier capacity exceeded for this model", "mistral"},
    {"requests rate limit exceeded", "mistral"},
    {"moonshot", "moonshot"},
    {"organization max ", "moonshot"},
    {"max organization ", "moonshot"},
    {"deepseek", "deepseek"},
    {"insufficient balance", "deepseek"},
    {"platform.openai.com", "openai"},
    {"help.openai.com", "openai"},
    {"support@openai.com", "openai"},
    {"in organization org-", "openai"},
    {" per min (", "openai"},
    {" / min. ", "openai"},
    {"incorrect api key provided", "openai"},
    {"billing hard limit", "openai"},
    {"\"insufficient_quota\"", "openai"},
    {"enqueued token limit", "openai"},
    {"you've exceeded the rate limit, please slow down", "openai"},
    {"the model is overloaded. please try again later", "gemini"},
    {"resource has been exhausted (e.g. check quota)", "gemini"},
    {"our servers are currently overloaded", "openai"},
    {"you exceeded your current quota, please check your plan", "openai"},
    {"this model's maximum context length is", "openai"},
    {"groq.", "groq"},
    {"openai.", "openai"},
};

static struct origin origin_at(size_t i)
{
    return (struct origin){origins[i].name, origins[i].title, provider_get(origins[i].speaks)};
}

struct origin origin_named(struct str name)
{
    for (size_t i = 0; i < ORIGINS; i++) {
        if (str_eq_nocase(name, str_of(origins[i].name)))
            return origin_at(i);
    }
    return (struct origin){NULL, "The provider", provider_get(PROVIDER_COMPATIBLE)};
}

void origin_list(struct buf *out)
{
    for (size_t i = 0; i < ORIGINS; i++)
        buf_printf(out, "%s%s", i ? ", " : "", origins[i].name);
}

static bool header_says(const struct evidence *e, const char *prefix)
{
    struct str p = str_of(prefix);
    for (size_t i = 0; i < e->head.header_count; i++) {
        if (str_eq_nocase(str_cut(e->head.headers[i].name, p.n), p))
            return true;
    }
    return false;
}

/* OpenAI's error object has these four members, null or not; compatible providers have them
 * too, but then their words have told already. */
static bool openai_shape(const struct json *v)
{
    const struct json *error = json_get(v, "error");
    if (json_get(v, "sequence_number"))
        return true;
    return json_str(json_get(error, "message")).p && json_get(error, "type") &&
           json_get(error, "param") && json_get(error, "code");
}

/* Anthropic's: {"type": "error", "error": {"type", "message"}} without a code. */
static bool anthropic_shape(const struct json *v)
{
    const struct json *error = json_get(v, "error");
    return json_is(json_get(v, "type"), "error") && json_str(json_get(error, "type")).n &&
           !json_get(error, "code") && !json_get(v, "sequence_number");
}

static bool gemini_shape(const struct json *v)
{
    const struct json *error = json_get(v, "error");
    const struct json *code = json_get(error, "code");
    return code && code->type == JSON_NUMBER && json_str(json_get(error, "status")).n;
}

static const char *by_shape(const struct evidence *e)
{
    struct arena arena = {0};
    const char *name = NULL;
    for (size_t i = 0; !name && i < e->claim_count; i++) {
        if (e->claims[i].prose)
            continue;
        const struct json *v = json_parse(&arena, e->claims[i].body, NULL);
        if (v && v->type == JSON_ARRAY)
            v = v->first;
        if (anthropic_shape(v))
            name = "anthropic";
        else if (gemini_shape(v))
            name = "gemini";
        else if (openai_shape(v))
            name = "openai";
    }
    arena_free(&arena);
    return name;
}

static bool says(const struct evidence *e, const char *clue)
{
    struct str word = str_of(clue);
    if (str_find_nocase(e->text, word, 0) >= 0)
        return true;
    for (size_t i = 0; i < e->claim_count; i++) {
        bool apart = e->claims[i].body.p != e->text.p;
        if (apart && str_find_nocase(e->claims[i].body, word, 0) >= 0)
            return true;
    }
    return false;
}

/* A request's own line: whose host is it, whose path? */
static const char *by_path(struct str path)
{
    static const struct clue paths[] = {{"api.openai.com", "openai"},
                                        {"api.anthropic.com", "anthropic"},
                                        {"api.groq.com", "groq"},
                                        {"openai.azure.com", "azure"},
                                        {"generativelanguage", "gemini"},
                                        {"api.mistral.ai", "mistral"},
                                        {"openrouter.ai", "openrouter"},
                                        {"api.deepseek.com", "deepseek"},
                                        {"api.together.", "together"},
                                        {"api.moonshot.", "moonshot"},
                                        {"/openai/deployments/", "azure"},
                                        {"/threads", "openai"},
                                        {"/assistants", "openai"},
                                        {"/v1/messages", "anthropic"},
                                        {"/v1beta/", "gemini"}};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        if (str_find(path, str_of(paths[i].text), 0) >= 0)
            return paths[i].origin;
    }
    return NULL;
}

struct origin origin_detect(const struct evidence *e)
{
    if (e->provider.n)
        return origin_named(e->provider);
    for (size_t i = 0; i < sizeof header_clues / sizeof *header_clues; i++) {
        if (header_says(e, header_clues[i].text))
            return origin_named(str_of(header_clues[i].origin));
    }
    bool mere = e->claim_count == 1 && e->claims[0].body.n == 0;
    for (size_t i = 0; !mere && i < sizeof word_clues / sizeof *word_clues; i++) {
        if (says(e, word_clues[i].text))
            return origin_named(str_of(word_clues[i].origin));
    }
    const char *name = mere ? NULL : by_shape(e);
    return origin_named(str_of(name ? name : by_path(e->logged.path)));
}
