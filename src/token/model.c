/* model.c: tiktoken's map of models to encodings (tiktoken 0.14.0, model.py; facts/providers.md
 * 7.4): an exact name, else the first prefix in this order. */
#include "token.h"

static const struct {
    const char *model;
    const char *encoding;
} exact[] =
    {
        {"o1", "o200k_base"},
        {"o3", "o200k_base"},
        {"o4-mini", "o200k_base"},
        {"gpt-5", "o200k_base"},
        {"gpt-4.1", "o200k_base"},
        {"gpt-4o", "o200k_base"},
        {"gpt-4", "cl100k_base"},
        {"gpt-3.5-turbo", "cl100k_base"},
        {"gpt-3.5", "cl100k_base"},
        {"gpt-35-turbo", "cl100k_base"},
        {"davinci-002", "cl100k_base"},
        {"babbage-002", "cl100k_base"},
        {"text-embedding-ada-002", "cl100k_base"},
        {"text-embedding-3-small", "cl100k_base"},
        {"text-embedding-3-large", "cl100k_base"},
        {"text-davinci-003", "p50k_base"},
        {"text-davinci-002", "p50k_base"},
        {"text-davinci-001", "r50k_base"},
        {"text-curie-001", "r50k_base"},
        {"text-babbage-001", "r50k_base"},
        {"text-ada-001", "r50k_base"},
        {"davinci", "r50k_base"},
        {"curie", "r50k_base"},
        {"babbage", "r50k_base"},
        {"ada", "r50k_base"},
        {"code-davinci-002", "p50k_base"},
        {"code-davinci-001", "p50k_base"},
        {"code-cushman-002", "p50k_base"},
        {"code-cushman-001", "p50k_base"},
        {"davinci-codex", "p50k_base"},
        {"cushman-codex", "p50k_base"},
        {"text-davinci-edit-001", "p50k_edit"},
        {"code-davinci-edit-001", "p50k_edit"},
        {"text-similarity-davinci-001", "r50k_base"},
        {"text-similarity-curie-001", "r50k_base"},
        {"text-similarity-babbage-001", "r50k_base"},
        {"text-similarity-ada-001", "r50k_base"},
        {"text-search-davinci-doc-001", "r50k_base"},
        {"text-search-curie-doc-001", "r50k_base"},
        {"text-search-babbage-doc-001", "r50k_base"},
        {"text-search-ada-doc-001", "r50k_base"},
        {"code-search-babbage-code-001", "r50k_base"},
        {"code-search-ada-code-001", "r50k_base"},
        {"gpt2", "gpt2"},
        {"gpt-2", "gpt2"},
},
  prefixes[] = {
      {"o1-", "o200k_base"},
      {"o3-", "o200k_base"},
      {"o4-mini-", "o200k_base"},
      {"gpt-5", "o200k_base"},
      {"gpt-4.5-", "o200k_base"},
      {"gpt-4.1-", "o200k_base"},
      {"chatgpt-4o-", "o200k_base"},
      {"gpt-4o-", "o200k_base"},
      {"gpt-4-", "cl100k_base"},
      {"gpt-3.5-turbo-", "cl100k_base"},
      {"gpt-35-turbo-", "cl100k_base"},
      {"gpt-oss-", "o200k_harmony"},
      {"ft:gpt-4o", "o200k_base"},
      {"ft:gpt-4", "cl100k_base"},
      {"ft:gpt-3.5-turbo", "cl100k_base"},
      {"ft:davinci-002", "cl100k_base"},
      {"ft:babbage-002", "cl100k_base"},
};

static const char *name_of(struct str model)
{
    for (size_t i = 0; i < sizeof exact / sizeof *exact; i++) {
        if (str_eq(model, str_of(exact[i].model)))
            return exact[i].encoding;
    }
    for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++) {
        if (str_starts(model, str_of(prefixes[i].model)))
            return prefixes[i].encoding;
    }
    return NULL;
}

const struct encoding *encoding_of_model(struct str model, bool *known)
{
    const char *name = name_of(model);
    *known = name != NULL;
    return encoding_named(name ? str_of(name) : STR("o200k_base"));
}
