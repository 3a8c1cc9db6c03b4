/* provider.c: the table of what is known of each provider.
 * Source: facts/providers.md sections 1 and 4; what is not documented there is AUTO. */
#include "provider.h"

enum { SECOND_US = 1000000 };

static const struct provider table[PROVIDER_COUNT] = {
    [PROVIDER_COMPATIBLE] = {.id = PROVIDER_COMPATIBLE,
                             .name = "compatible",
                             .key_env = "OPENAI_API_KEY",
                             .key_header = "authorization",
                             .key_prefix = "Bearer ",
                             .window = WINDOW_AUTO,
                             .slice_us = SECOND_US,
                             .charge = CHARGE_MAX,
                             .refusals_drain = true,
                             .headers = HEADERS_DURATIONS},
    [PROVIDER_OPENAI] = {.id = PROVIDER_OPENAI,
                         .name = "openai",
                         .base_url = "https://api.openai.com/v1",
                         .key_env = "OPENAI_API_KEY",
                         .key_header = "authorization",
                         .key_prefix = "Bearer ",
                         .window = WINDOW_BUCKET,
                         .slice_us = SECOND_US,
                         .charge = CHARGE_MAX,
                         .refusals_drain = true,
                         .headers = HEADERS_DURATIONS},
    [PROVIDER_ANTHROPIC] = {.id = PROVIDER_ANTHROPIC,
                            .name = "anthropic",
                            .base_url = "https://api.anthropic.com/v1",
                            .key_env = "ANTHROPIC_API_KEY",
                            .key_header = "x-api-key",
                            .version_header = "anthropic-version",
                            .version = "2023-06-01",
                            .key_prefix = "",
                            .window = WINDOW_BUCKET,
                            .slice_us = SECOND_US,
                            .charge = CHARGE_ACTUAL,
                            .refusals_drain = false,
                            .headers = HEADERS_INSTANTS},
    [PROVIDER_AZURE] = {.id = PROVIDER_AZURE,
                        .name = "azure",
                        .key_env = "AZURE_OPENAI_API_KEY",
                        .key_header = "api-key",
                        .key_prefix = "",
                        .window = WINDOW_SLICES,
                        .slice_us = SECOND_US,
                        .charge = CHARGE_SUM,
                        .refusals_drain = false,
                        .headers = HEADERS_SECONDS},
    [PROVIDER_GEMINI] = {.id = PROVIDER_GEMINI,
                         .name = "gemini",
                         .base_url = "https://generativelanguage.googleapis.com/v1beta/openai",
                         .key_env = "GEMINI_API_KEY",
                         .key_header = "authorization",
                         .key_prefix = "Bearer ",
                         .window = WINDOW_AUTO,
                         .slice_us = SECOND_US,
                         .charge = CHARGE_MAX,
                         .refusals_drain = true,
                         .headers = HEADERS_NONE},
    [PROVIDER_GROQ] = {.id = PROVIDER_GROQ,
                       .name = "groq",
                       .base_url = "https://api.groq.com/openai/v1",
                       .key_env = "GROQ_API_KEY",
                       .key_header = "authorization",
                       .key_prefix = "Bearer ",
                       .window = WINDOW_BUCKET,
                       .slice_us = SECOND_US,
                       .charge = CHARGE_MAX,
                       .refusals_drain = true,
                       .headers = HEADERS_DURATIONS},
};

const struct provider *provider_get(enum provider_id id)
{
    sl_assert(id < PROVIDER_COUNT);
    return &table[id];
}

const struct provider *provider_named(struct str name)
{
    for (int id = 0; id < PROVIDER_COUNT; id++) {
        if (str_eq_nocase(name, str_of(table[id].name)))
            return &table[id];
    }
    return NULL;
}
