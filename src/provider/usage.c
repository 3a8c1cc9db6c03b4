/* usage.c: what an answer used, by the names each API gives it. Source: facts/providers.md
 * sections 1.2 and 9. */
#include "provider.h"

static int64_t count_at(const struct json *usage, const char *path)
{
    int64_t n;
    bool told = json_int(json_path(usage, path), &n) == SL_OK;
    return told && n >= 0 && n <= BOUND_USAGE_TOKENS ? n : -1;
}

static int64_t first_count(const struct json *usage, const char *const *paths)
{
    for (; *paths; paths++) {
        int64_t n = count_at(usage, *paths);
        if (n >= 0)
            return n;
    }
    return -1;
}

struct usage usage_of(const struct json *answer)
{
    static const char *const inputs[] = {"prompt_tokens", "input_tokens", NULL};
    static const char *const outputs[] = {"completion_tokens", "output_tokens", NULL};
    static const char *const cached[] = {"prompt_tokens_details.cached_tokens",
                                         "input_tokens_details.cached_tokens",
                                         "cache_read_input_tokens", NULL};
    const struct json *usage = json_get(answer, "usage");
    if (!usage)
        usage = json_path(answer, "response.usage"); /* the last event of a Responses stream */
    if (!usage)
        usage = json_path(answer, "message.usage"); /* the first of a Messages stream */
    struct usage u = {.input_tokens = first_count(usage, inputs),
                      .output_tokens = first_count(usage, outputs),
                      .cached_tokens = first_count(usage, cached)};
    /* Anthropic counts what it writes to its cache apart; it is charged as input. */
    int64_t created = count_at(usage, "cache_creation_input_tokens");
    if (u.input_tokens >= 0 && created > 0)
        u.input_tokens += created;
    /* Embeddings name no output: there is none. */
    int64_t total = count_at(usage, "total_tokens");
    if (u.output_tokens < 0 && u.input_tokens >= 0 && total == u.input_tokens)
        u.output_tokens = 0;
    return u;
}
