/* Any header section gives readings that hold together. The first byte chooses the provider;
 * the rest are lines "name: value". */
#include "provider.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    const struct provider *p = provider_get((enum provider_id)(data[0] % PROVIDER_COUNT));
    struct str rest = {(const char *)data + 1, size - 1};
    static struct message m;
    m = (struct message){.status = 429};
    while (rest.n && m.header_count < BOUND_HEADERS) {
        struct str value = str_split(&rest, '\n');
        struct str name = str_split(&value, ':');
        m.headers[m.header_count++] = (struct header){name, str_trim(value)};
    }
    struct reading out[4];
    size_t n = headers_read(p, &m, 1700000000000000, out, 4);
    sl_assert(n <= 4);
    for (size_t i = 0; i < n; i++) {
        sl_assert(out[i].dim < DIM_UNKNOWN);
        sl_assert(out[i].limit >= -1 && out[i].reset_us >= -1);
        sl_assert(out[i].has_remaining || out[i].remaining == -1);
        sl_assert(out[i].limit >= 0 || out[i].has_remaining);
        for (size_t other = 0; other < i; other++)
            sl_assert(out[other].dim != out[i].dim);
    }
    sl_assert(headers_retry_us(&m, 1700000000000000) >= -1);
    return 0;
}
