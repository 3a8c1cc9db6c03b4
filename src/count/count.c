/* count.c: the face of `sluice count`. */
#include "count.h"

#include "exits.h"
#include "help.h"
#include "option.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const struct verb verb = {
    .name = "count",
    .summary = "count the tokens of texts, or of the requests of a batch",
    .usage = "sluice count --model MODEL FILE...\n"
             "sluice count --requests FILE...",
    .about = "Counts as the model's own tokenizer does: the same totals and ids as OpenAI's "
             "reference, for r50k, p50k, cl100k, o200k and o200k_harmony. FILE - is standard "
             "input.",
    .examples = "$ sluice count --model gpt-4o README.md\n"
                "$ sluice count --requests requests.jsonl\n"
                "$ printf 'hello world' | sluice count --encoding cl100k_base --ids --json -\n",
    .exits = "0 all counted\n2 usage or invalid input\n4 a file cannot be read\n",
};

bool count_write(const struct buf *out)
{
    if (out->n == 0 || (fwrite(out->p, 1, out->n, stdout) == out->n && fflush(stdout) == 0))
        return true;
    fprintf(stderr, "sluice count: standard output: %s\n", strerror(errno));
    return false;
}

int verb_count(int argc, char **argv)
{
    struct count_options given = {0};
    const struct option options[] = {
        {"model", 'm', OPTION_TEXT, "MODEL", "Count with this model's encoding.", &given.model},
        {"encoding", 'e', OPTION_TEXT, "NAME",
         "Count with this encoding: r50k_base, p50k_base, cl100k_base, o200k_base or "
         "o200k_harmony.",
         &given.encoding},
        {"requests", 'r', OPTION_FLAG, NULL,
         "The files are batch files, of OpenAI's or Anthropic's form: print requests, input "
         "tokens, reserved tokens (the larger of input and max_tokens) and the largest request "
         "of each model. With --model, as if all were for that model.",
         &given.requests},
        {"ids", 0, OPTION_FLAG, NULL, "Print the tokens' ids, a line for each file.",
         &given.ids},
        {"json", 'j', OPTION_FLAG, NULL, "Print JSON.", &given.json},
    };
    enum { OPTIONS = sizeof options / sizeof *options };
    int files;
    bool help = false;
    struct diag diag;
    if (options_parse(options, OPTIONS, argc, argv, &files, &help, &diag) != SL_OK) {
        fprintf(stderr, "sluice count: %s: %s\n", diag.where, diag.what);
        return EXIT_USAGE;
    }
    if (help)
        return help_print(&verb, options, OPTIONS);
    if (files == 0) {
        fputs("sluice count: no file given; - reads standard input\n", stderr);
        return EXIT_USAGE;
    }
    if (given.requests && (given.encoding || given.ids)) {
        fprintf(stderr, "sluice count: --%s does not go with --requests\n",
                given.ids ? "ids" : "encoding");
        return EXIT_USAGE;
    }
    return given.requests ? count_requests(&given, argv, files)
                          : count_texts(&given, argv, files);
}
