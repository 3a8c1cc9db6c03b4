/* Any override is taken or refused with a place; what is taken can be looked up. */
#include "catalogue.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void see(void *ctx, struct str model, const struct tier_limit *limits, size_t n)
{
    sl_assert(model.n && n > 0 && n <= DIM_COUNT);
    for (size_t i = 0; i < n; i++)
        sl_assert(limits[i].limit >= 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct diag diag = {0};
    struct str text = {(const char *)data, size};
    struct catalogue *c = catalogue_open(text, "override.json", &diag);
    if (!c) {
        sl_assert(str_starts(str_of(diag.where), STR("override.json")) && diag.what[0]);
        return 0;
    }
    catalogue_model(c, text);
    const struct tier *tiers[16];
    size_t n = catalogue_tier_list(c, STR("openai"), tiers, 16);
    for (size_t i = 0; i < n; i++)
        sl_assert(tiers[i]->name.n && tiers[i]->paid_usd >= -1 && tiers[i]->wait_days >= -1);
    catalogue_each_limit(c, STR("openai"), STR("1"), see, NULL);
    catalogue_each_limit(c, STR("x"), STR("y"), see, NULL);
    catalogue_close(&c);
    return 0;
}
