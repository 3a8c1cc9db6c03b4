/* alert_setting.c: see alert_setting.h. */
#include "alert_setting.h"

#include <string.h>

struct alert_setting alert_setting_defaults(void)
{
    return (struct alert_setting){.rules = alert_rules_defaults()};
}

/* ---- thresholds -------------------------------------------------------------------------- */

/* What is counted over a span is counted in the history, which is ten minutes long. */
static void check_span(struct reader *r, const struct yaml *node, int64_t over_us)
{
    if (over_us < ALERT_OVER_US_MIN || over_us > ALERT_OVER_US_MAX)
        complain_about(r->complaints, node, r->path, "over: from 10 s to 590 s");
}

static void read_refusals(struct reader *r, const struct yaml *node, void *out)
{
    struct alert_rules *rules = out;
    const struct option rows[] = {
        {"above", 0, OPTION_PERCENT, "PERCENT", NULL, &rules->refusals_percent},
        {"over", 0, OPTION_DURATION, "TIME", NULL, &rules->refusals_over_us},
        {"least", 0, OPTION_COUNT, "N", NULL, &rules->refusals_least}};
    fields_read(r, node, rows, 3, NULL, 0);
    check_span(r, node, rules->refusals_over_us);
    if (rules->refusals_least < 1)
        complain_about(r->complaints, node, r->path, "least: from 1");
}

static void read_saturation(struct reader *r, const struct yaml *node, void *out)
{
    struct alert_rules *rules = out;
    const struct option rows[] = {
        {"above", 0, OPTION_PERCENT, "PERCENT", NULL, &rules->saturation_percent},
        {"for", 0, OPTION_DURATION, "TIME", NULL, &rules->saturation_for_us}};
    fields_read(r, node, rows, 2, NULL, 0);
}

static void read_over(struct reader *r, const struct yaml *node, void *out)
{
    const struct option row = {"over", 0, OPTION_DURATION, "TIME", NULL, out};
    fields_read(r, node, &row, 1, NULL, 0);
    check_span(r, node, *(const int64_t *)out);
}

static void read_for(struct reader *r, const struct yaml *node, void *out)
{
    const struct option row = {"for", 0, OPTION_DURATION, "TIME", NULL, out};
    fields_read(r, node, &row, 1, NULL, 0);
}

static void read_off(struct reader *r, const struct yaml *node, void *out)
{
    struct alert_rules *rules = out;
    const char *words[ALERT_KIND_COUNT], *names[ALERT_KIND_COUNT + 1] = {NULL};
    size_t n = fields_texts(r, node, words, ALERT_KIND_COUNT);
    for (int k = 0; k < ALERT_KIND_COUNT; k++)
        names[k] = alert_kind_name((enum alert_kind)k);
    for (size_t i = 0; i < n; i++) {
        int kind = 0;
        while (kind < ALERT_KIND_COUNT && strcmp(words[i], names[kind]) != 0)
            kind++;
        if (kind < ALERT_KIND_COUNT) {
            rules->off[kind] = true;
            continue;
        }
        const char *near = name_nearest(str_of(words[i]), names);
        complain_about(r->complaints, node, r->path, "there is no alert \"%s\"%s%s", words[i],
                       near ? "; was it " : "", near ? near : "");
    }
}

/* ---- channels ---------------------------------------------------------------------------- */

static void check_place(struct reader *r, const struct yaml *node, const struct secret_place *p,
                        const char *what)
{
    if (p->env && p->file)
        complain_about(r->complaints, node, r->path, "%s_env or %s_file, not both", what, what);
}

static void read_slack(struct reader *r, const struct yaml *node, void *out)
{
    struct secret_place *p = out;
    const struct option rows[] = {{"url-env", 0, OPTION_TEXT, "NAME", NULL, &p->env},
                                  {"url-file", 0, OPTION_TEXT, "FILE", NULL, &p->file}};
    fields_read(r, node, rows, 2, NULL, 0);
    check_place(r, node, p, "url");
    if (!p->env && !p->file)
        complain_about(r->complaints, node, r->path, "needs url_env or url_file");
}

static void read_webhook(struct reader *r, const struct yaml *node, void *out)
{
    struct alert_setting *s = out;
    const struct option rows[] = {
        {"url-env", 0, OPTION_TEXT, "NAME", NULL, &s->webhook.env},
        {"url-file", 0, OPTION_TEXT, "FILE", NULL, &s->webhook.file},
        {"secret-env", 0, OPTION_TEXT, "NAME", NULL, &s->signing.env},
        {"secret-file", 0, OPTION_TEXT, "FILE", NULL, &s->signing.file}};
    fields_read(r, node, rows, 4, NULL, 0);
    check_place(r, node, &s->webhook, "url");
    check_place(r, node, &s->signing, "secret");
    if (!s->webhook.env && !s->webhook.file)
        complain_about(r->complaints, node, r->path, "needs url_env or url_file");
}

/* A list: no shell takes it apart. */
static void read_command(struct reader *r, const struct yaml *node, void *out)
{
    const char *words[ALERT_WORDS];
    char **command = out;
    size_t n = fields_texts(r, node, words, ALERT_WORDS);
    for (size_t i = 0; i < n; i++)
        command[i] = (char *)(uintptr_t)words[i];
    command[n] = NULL;
}

void alert_setting_read(struct reader *r, const struct yaml *node, void *out)
{
    struct alert_setting *s = out;
    const struct option rows[] = {{"calm", 0, OPTION_DURATION, "TIME", NULL, &s->rules.calm_us},
                                  {"ca-file", 0, OPTION_TEXT, "FILE", NULL, &s->ca_file}};
    const struct field fields[] = {{"refusals", read_refusals, &s->rules},
                                   {"saturation", read_saturation, &s->rules},
                                   {"headroom", read_over, &s->rules.headroom_over_us},
                                   {"queue", read_over, &s->rules.queue_over_us},
                                   {"outage", read_for, &s->rules.outage_for_us},
                                   {"off", read_off, &s->rules},
                                   {"slack", read_slack, &s->slack},
                                   {"webhook", read_webhook, s},
                                   {"command", read_command, s->command}};
    s->given = true;
    fields_read(r, node, rows, 2, fields, sizeof fields / sizeof *fields);
}
