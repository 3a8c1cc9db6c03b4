/* main.c: the verbs. Each verb's folder has its own `int verb_NAME(int argc, char **argv)`,
 * given the arguments after its name. */
#include "alert.h"
#include "count.h"
#include "emulate.h"
#include "exits.h"
#include "explain.h"
#include "judge.h"
#include "key.h"
#include "run.h"
#include "serve.h"
#include "str.h"
#include "verb_limits.h"
#include "verb_plan.h"
#include "verb_status.h"

#include <stdio.h>
#include <sys/resource.h>

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *summary;
} verbs[] = {
    {"alert", verb_alert, "try out where a gateway's alerts go"},
    {"check", verb_check, "judge a gateway's configuration before it is used"},
    {"count", verb_count, "count the tokens of texts, or of the requests of a batch"},
    {"emulate", verb_emulate, "play a provider with its rate limits, on loopback"},
    {"explain", verb_explain, "say which limit a refusal means, why, and what to do"},
    {"key", verb_key, "make, list and revoke the keys of a gateway's tenants"},
    {"limits", verb_limits, "the account's limits as they are now, and which tier they are"},
    {"plan", verb_plan, "what a batch file will take, on every tier, before it is run"},
    {"run", verb_run, "take a batch file through an account's limits"},
    {"serve", verb_serve, "a gateway that holds requests back until the account takes them"},
    {"status", verb_status, "how close a running gateway or batch is to its limits"},
    {NULL, NULL, NULL},
};

static void usage(FILE *out)
{
    fputs("usage: sluice VERB [options]\n\n", out);
    for (size_t i = 0; verbs[i].name; i++)
        fprintf(out, "  %-9s %s\n", verbs[i].name, verbs[i].summary);
    fputs("\n`sluice VERB --help` tells the rest.\n", out);
}

/* Keys are in memory while they are used: a crash must not write them to a disk. */
static void forbid_core_dumps(void)
{
    const struct rlimit none = {0, 0};
    (void)setrlimit(RLIMIT_CORE, &none); /* lowering is always allowed */
}

int main(int argc, char **argv)
{
    forbid_core_dumps();
    struct str verb = str_of(argc > 1 ? argv[1] : NULL);
    if (str_eq(verb, STR("--version"))) {
        puts("sluice " SLUICE_VERSION);
        return EXIT_ALL_DONE;
    }
    if (str_eq(verb, STR("--help")) || str_eq(verb, STR("help"))) {
        usage(stdout);
        return EXIT_ALL_DONE;
    }
    for (size_t i = 0; verbs[i].name; i++) {
        if (str_eq(verb, str_of(verbs[i].name)))
            return verbs[i].run(argc - 2, argv + 2);
    }
    if (verb.n)
        fprintf(stderr, "sluice: %.*s: no such verb\n", STR_ARG(verb));
    usage(stderr);
    return EXIT_USAGE;
}
