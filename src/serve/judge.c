/* judge.c: `sluice check`: judges a gateway's configuration, and says what it comes to. */
#include "judge.h"

#include "exits.h"
#include "help.h"
#include "queue.h"
#include "setting.h"

#include <stdio.h>

static const struct verb face = {
    .name = "check",
    .summary = "judge a gateway's configuration before it is used",
    .usage = "sluice check -c FILE",
    .about = "Reads the file as `sluice serve` would, keys included, and says all that is "
             "wrong with it, by line, and what is doubtful. Asks nobody and starts nothing.",
    .examples = "$ sluice check -c sluice.yaml\n",
    .exits = "0 it can be used\n2 usage, or it cannot\n",
};

static void say_tenant(const struct tenant_setting *t)
{
    const struct allowance_limits *l = &t->limits;
    const struct {
        const char *name;
        int64_t limit;
    } limits[] = {{"rpm", l->rpm},
                  {"tpm", l->tpm},
                  {"rpd", l->rpd},
                  {"tpd", l->tpd},
                  {"concurrency", l->concurrency}};
    bool any = false;
    printf("tenant   %-16s  share %lld", t->name, (long long)(t->weight / QUEUE_WEIGHT));
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        struct buf n = {0};
        buf_thousands(&n, limits[i].limit);
        if (limits[i].limit > 0)
            printf("%s%s %s", any ? ", " : "  ", limits[i].name, buf_cstr(&n));
        any |= limits[i].limit > 0;
        buf_free(&n);
    }
    if (l->spend_day > 0)
        printf("  %.2f USD a day", (double)l->spend_day / 1e6);
    if (l->spend_month > 0)
        printf("  %.2f USD a month", (double)l->spend_month / 1e6);
    printf("\n");
}

static void say(const struct setting *s)
{
    for (size_t i = 0; i < s->listen_count; i++)
        printf("listen   %s%s\n", s->listen[i], setting_has_tls(s, i) ? " (TLS)" : "");
    if (s->admin_listen)
        printf("admin    %s\n", s->admin_listen);
    for (size_t i = 0; i < s->account_count; i++) {
        const struct account_setting *a = &s->accounts[i];
        printf("account  %-16s  %s  %zu key%s\n", a->name, a->options.name.p, a->options.keys.n,
               a->options.keys.n == 1 ? "" : "s");
    }
    for (size_t i = 0; i < s->route_count; i++) {
        const struct route_setting *r = &s->routes[i];
        printf("route    %s%s ->", r->models[0], r->model_count > 1 ? ", ..." : "");
        for (size_t k = 0; k < r->account_count; k++)
            printf(" %s", r->accounts[k]);
        for (size_t k = 0; k < r->over.fallback_count; k++)
            printf("%s %s", k ? "," : "  else", r->over.fallbacks[k].model);
        printf("\n");
    }
    for (size_t i = 0; i < s->tenant_count; i++)
        say_tenant(&s->tenants[i]);
}

static int check(const char *path)
{
    struct complaints complaints = {.file = path};
    struct buf warnings = {0};
    struct setting *s = setting_new();
    enum sl_err err = setting_read(s, path, &complaints, &warnings);
    fputs(buf_cstr(&complaints.text), stderr);
    fputs(buf_cstr(&warnings), stderr);
    if (err == SL_OK)
        say(s);
    else
        fprintf(stderr, "%zu thing%s wrong with %s\n", complaints.n,
                complaints.n == 1 ? " is" : "s are", path);
    setting_drop(&s);
    buf_free(&complaints.text);
    buf_free(&warnings);
    return err == SL_OK ? EXIT_ALL_DONE : EXIT_USAGE;
}

int verb_check(int argc, char **argv)
{
    const char *path = NULL;
    struct diag diag = {{0}, {0}};
    const struct option options[] = {
        {"config", 'c', OPTION_TEXT, "FILE", "The configuration (YAML).", &path}};
    int positional = 0;
    bool help = false;
    enum sl_err err = options_parse(options, 1, argc, argv, &positional, &help, &diag);
    if (help)
        return help_print(&face, options, 1);
    if (err == SL_OK && !path && positional == 1)
        path = argv[0];
    if (err == SL_OK && path)
        return check(path);
    if (err == SL_OK)
        diag_set(&diag, SL_MISSING, "--config", "which file?");
    fprintf(stderr, "sluice check: %s: %s\n", diag.where, diag.what);
    return EXIT_USAGE;
}
