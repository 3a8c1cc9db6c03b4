/* Any JSON body is counted or refused with a field's name; what is counted is never negative.
 * The first byte chooses the provider and the route. */
#include "provider.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void ask(const struct provider *p, enum route route, const struct json *body)
{
    static struct catalogue *c;
    struct diag diag = {0};
    struct ask a;
    if (!c)
        c = catalogue_open((struct str){0}, NULL, &diag);
    if (ask_parse(p, c, route, body, &a, &diag)) {
        sl_assert(str_starts(str_of(diag.where), STR("body")) && diag.what[0]);
        return;
    }
    sl_assert(a.demand.input_tokens >= 0 && a.demand.char_tokens >= 0);
    sl_assert(a.demand.max_output_tokens >= 0 && a.demand.images >= 0);
    sl_assert(a.choices >= 1 && a.window_tokens <= a.demand.input_tokens);
    for (int dim = 0; dim < DIM_COUNT; dim++)
        sl_assert(demand_charge(&a.demand, p->charge, (enum dimension)dim) >= 0);
    if (ask_check(&a, &diag))
        sl_assert(diag.what[0]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    const struct provider *p = provider_get((enum provider_id)(data[0] % PROVIDER_COUNT));
    enum route route = (enum route)(data[0] / PROVIDER_COUNT % (ROUTE_OTHER + 1));
    struct arena arena = {0};
    const struct json *body =
        json_parse(&arena, (struct str){(const char *)data + 1, size - 1}, NULL);
    if (body)
        ask(p, route, body);
    arena_free(&arena);
    return 0;
}
