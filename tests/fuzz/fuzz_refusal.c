/* Whatever an answer's body holds, its verdict keeps its own rules, and the usage read from it
 * too. The first byte chooses the provider and the status. */
#include "provider.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const int statuses[] = {0, 200, 400, 401, 402, 403, 404, 413, 429, 500, 503, 529};
    if (size == 0)
        return 0;
    const struct provider *p = provider_get((enum provider_id)(data[0] % PROVIDER_COUNT));
    int status = statuses[data[0] / PROVIDER_COUNT % (sizeof statuses / sizeof *statuses)];
    struct arena arena = {0};
    struct str body = {(const char *)data + 1, size - 1};
    struct verdict v = verdict_of(p, status, NULL, body, 0, &arena);
    sl_assert(v.kind <= VERDICT_OTHER && v.dim <= DIM_UNKNOWN);
    sl_assert(v.limit >= -1 && v.used >= -1 && v.requested >= -1 && v.retry_us >= -1);
    sl_assert(v.kind != VERDICT_OK || !v.retryable);
    sl_assert(v.kind != VERDICT_OK || status < 400);
    sl_assert(v.kind != VERDICT_AUTH || !v.retryable);
    struct usage u = usage_of(json_parse(&arena, body, NULL));
    sl_assert(u.input_tokens >= -1 && u.output_tokens >= -1 && u.cached_tokens >= -1);
    arena_free(&arena);
    return 0;
}
