/* In every encoding: the count is the number of ids, and counting till a limit agrees with it.
 */
#include "token.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void see_id(void *ctx, uint32_t id)
{
    size_t *seen = ctx;
    sl_assert(id < 1u << 18);
    ++*seen;
}

static void check(const struct encoding *e, struct str text)
{
    size_t seen = 0, count = token_count(e, text);
    sl_assert(token_ids(e, text, see_id, &seen) == count && seen == count);
    sl_assert(token_count_till(e, text, count) == count);
    sl_assert(count == 0 || token_count_till(e, text, count - 1) == count);
    sl_assert(count / 2 == count || token_count_till(e, text, count / 2) > count / 2);
    sl_assert(count <= 3 * text.n && count >= text.n / 128);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const names[] = {"r50k_base", "p50k_base", "cl100k_base", "o200k_base",
                                        "o200k_harmony"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        check(encoding_named(str_of(names[i])), (struct str){(const char *)data, size});
    return 0;
}
