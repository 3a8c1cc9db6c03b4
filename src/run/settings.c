/* settings.c: see settings.h. */
#include "settings.h"

#include <string.h>

static const struct verb face = {
    .name = "run",
    .summary = "take a batch file through an account's limits",
    .usage = "sluice run REQUESTS -o RESULTS --provider NAME --tier TIER\n"
             "sluice run REQUESTS -o RESULTS --base-url URL --limits MODEL:LIMITS\n"
             "sluice run REQUESTS -o RESULTS --emulate PROFILE",
    .about =
        "Sends every request of the file as early as the account's rate limits allow, and none "
        "earlier: no refusals, no waiting that is not needed. The file holds OpenAI Batch "
        "lines, "
        "Anthropic batch lines (custom_id, params), or with --prompts a prompt a line. - is "
        "standard input.\n\n"
        "Answers are appended to the output as they come, in OpenAI Batch output form; "
        "failures go "
        "to RESULTS.errors.jsonl. The output is also the journal: run the same command again, "
        "after "
        "whatever stopped it, and it continues. Rows that failed for passing reasons are asked "
        "again.\n\n"
        "All lines are checked before the first request is sent.",
    .examples =
        "$ sluice run requests.jsonl -o results.jsonl --provider openai --tier 1\n"
        "$ sluice run requests.jsonl -o results.jsonl --emulate openai/tier-1\n"
        "$ sluice run --prompts prompts.txt --model gpt-4o -o out.jsonl --provider openai\n",
    .exits = "0 all done\n"
             "1 some rows failed\n"
             "2 usage or invalid input; nothing was sent\n"
             "3 the account cannot continue: wallet, key\n"
             "4 disk or network cannot continue\n"
             "130 interrupted\n",
};

enum { OPTIONS_MAX = 48 };

static size_t table(struct settings *s, struct option *out)
{
    const struct option list[] = {
        {"output", 'o', OPTION_TEXT, "FILE",
         "Where answers are appended; - is standard output.", &s->output},
        {"errors", 0, OPTION_TEXT, "FILE",
         "Where failures are appended; by default beside the output as NAME.errors.jsonl.",
         &s->errors},
        {"report", 0, OPTION_TEXT, "FILE", "Write the figures of the end as JSON.", &s->report},
        {"prompts", 0, OPTION_TEXT, "FILE", "A plain text file with a prompt a line.",
         &s->prompts},
        {"model", 0, OPTION_TEXT, "NAME", "The model that --prompts go to.", &s->model},
        {"max-tokens", 0, OPTION_COUNT, "N", "The longest answer to each of --prompts.",
         &s->max_tokens},
        {"skip-invalid", 0, OPTION_FLAG, NULL,
         "Put invalid lines into the error file and run the rest.", &s->skip_invalid},
        {"patience", 0, OPTION_DURATION, "TIME",
         "How long an outage may last before it ends the run.", &s->patience_us},
        {"ui", 0, OPTION_MAYBE, "ADDRESS:PORT",
         "Show the run on a page while it goes on (127.0.0.1 and any port by default); the "
         "address, with its token, is printed once.",
         &s->ui},
        {"quiet", 'q', OPTION_FLAG, NULL, "No progress and no table.", &s->quiet},
        {"color", 0, OPTION_FLAG, NULL, "Colours even where they would not be used.",
         &s->color},
    };
    size_t n = sizeof list / sizeof *list;
    sl_assert(n + ACCOUNT_OPTIONS <= OPTIONS_MAX);
    memcpy(out, list, sizeof list);
    return n + account_options_rows(&s->account, out + n);
}

void settings_help(struct buf *out)
{
    struct settings none = {0};
    struct option options[OPTIONS_MAX];
    size_t n = table(&none, options);
    options_help(out, &face, options, n);
}

/* ---- checks --------------------------------------------------------------------------------
 */

static enum sl_err take_files(struct settings *s, int files, char **argv, struct diag *diag)
{
    if (files > 1)
        return diag_set(diag, SL_RANGE, argv[1],
                        "one file at a time; or pipe them: cat ... | sluice run -");
    if (files == 1)
        s->input = argv[0];
    if (s->prompts && s->input)
        return diag_set(diag, SL_RANGE, "--prompts", "takes the place of the request file %s",
                        s->input);
    if (s->prompts && !s->model)
        return diag_set(diag, SL_MISSING, "--model", "needed with --prompts");
    if (s->model && !s->prompts)
        return diag_set(diag, SL_RANGE, "--model",
                        "goes with --prompts; batch lines name theirs");
    if (s->prompts)
        s->input = s->prompts;
    if (!s->input)
        return diag_set(
            diag, SL_MISSING, "",
            "which file? sluice run REQUESTS.jsonl -o RESULTS.jsonl; --help tells the rest");
    if (!s->output)
        return diag_set(diag, SL_MISSING, "-o", "needed: where answers are appended");
    return SL_OK;
}

enum sl_err settings_read(struct settings *s, int argc, char **argv, bool *help,
                          struct diag *diag)
{
    struct option options[OPTIONS_MAX];
    int files = 0;
    *s = (struct settings){.account = account_options_defaults(),
                           .patience_us = 3600 * INT64_C(1000000)};
    size_t n = table(s, options);
    enum sl_err err = options_parse(options, n, argc, argv, &files, help, diag);
    if (err != SL_OK || *help)
        return err;
    err = take_files(s, files, argv, diag);
    if (err == SL_OK)
        err = account_options_make(&s->account, ORDER_BALANCE, diag);
    s->form =
        (struct line_form){s->prompts != NULL, s->model, s->max_tokens, s->account.provider};
    return err;
}

void settings_free(struct settings *s)
{
    account_options_free(&s->account);
}
