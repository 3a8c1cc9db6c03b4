/* setting.c: see setting.h. What a setting may be, as tables; setting_check.c judges the whole.
 */
#include "setting.h"

#include "file.h"
#include "keys.h"
#include "money.h"
#include "queue.h"
#include "setting_check.h"
#include "state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    SECOND = 1000000,
    /* The official SDKs give a request 600 s; an answer takes time too. */
    MAX_WAIT_S = 590,
    QUEUE_REQUESTS = 10000,
    QUEUE_BYTES = 256 << 20,
    GRACE_S = 600,
    FILE_BYTES_MAX = 4 << 20,
};

struct setting *setting_new(void)
{
    struct setting *s = mem_zero(sizeof *s);
    s->holders = 1;
    s->max_wait_us = MAX_WAIT_S * (int64_t)SECOND;
    s->grace_us = GRACE_S * (int64_t)SECOND;
    s->poll_pace_us = SECOND;
    s->alerts = alert_setting_defaults();
    s->queue_requests = QUEUE_REQUESTS;
    s->queue_bytes = QUEUE_BYTES;
    return s;
}

struct setting *setting_hold(struct setting *s)
{
    s->holders++;
    return s;
}

void setting_drop(struct setting **ps)
{
    struct setting *s = *ps;
    *ps = NULL;
    if (!s || --s->holders > 0)
        return;
    for (size_t i = 0; i < s->account_count; i++)
        account_options_free(&s->accounts[i].options);
    free(s->tenants);
    arena_free(&s->arena);
    free(s);
}

size_t setting_rows(struct setting *s, struct option *out)
{
    const struct option list[] = {
        {"max-wait", 0, OPTION_DURATION, "TIME",
         "The longest a request may wait in the queue; longer is refused at once.",
         &s->max_wait_us},
        {"queue", 0, OPTION_COUNT, "N", "Most requests held at once.", &s->queue_requests},
        {"queue-bytes", 0, OPTION_SIZE, "BYTES", "Most bytes of their bodies together.",
         &s->queue_bytes},
        {"resend", 0, OPTION_FLAG, NULL,
         "Send a request again whose answer got lost, though it may have been carried out.",
         &s->resend},
        {"poll-pace", 0, OPTION_DURATION, "TIME",
         "For so long one answer to a poll serves all who ask the same; 0s: each asks itself.",
         &s->poll_pace_us},
        {"grace", 0, OPTION_DURATION, "TIME", "How long requests may go on after SIGTERM.",
         &s->grace_us},
        {"state", 0, OPTION_TEXT, "DIR",
         "Where tenants' keys, what is used of day budgets, and learned limits are kept.",
         &s->state},
        {"log", 0, OPTION_TEXT, "FILE", "A line for every request, - for standard output.",
         &s->log},
        {"log-format", 0, OPTION_TEXT, "FORM", "text or json.", &s->log_format},
    };
    memcpy(out, list, sizeof list);
    return sizeof list / sizeof *list;
}

/* ---- accounts ---------------------------------------------------------------------------- */

struct limits_reader {
    struct setting *setting;
    struct option_list *out;
};

/* "gpt-4o: {rpm: 500, tpm: 30k}" is what --limits writes as "gpt-4o:rpm=500,tpm=30k". */
static void read_model_limits(struct reader *r, const struct yaml *node, void *out)
{
    struct limits_reader *l = out;
    struct buf text = {0};
    buf_printf(&text, "%.*s:", STR_ARG(node->key));
    for (const struct yaml *limit = node->kind == YAML_MAP ? node->first : NULL; limit;
         limit = limit->next)
        buf_printf(&text, "%s%.*s=%.*s", limit == node->first ? "" : ",", STR_ARG(limit->key),
                   STR_ARG(limit->text));
    if (node->kind != YAML_MAP || !node->first)
        complain_about(r->complaints, node, r->path,
                       "limits are wanted here, as in "
                       "{rpm: 500, tpm: 30k}");
    else if (l->out->n == sizeof l->out->items / sizeof *l->out->items)
        complain_about(r->complaints, node, r->path, "more than %zu models", l->out->n);
    else
        l->out->items[l->out->n++] = arena_copy(&l->setting->arena, buf_str(&text)).p;
    buf_free(&text);
}

static void read_account_limits(struct reader *r, const struct yaml *node, void *out)
{
    fields_each(r, node, read_model_limits, out);
}

static void read_deployment(struct reader *r, const struct yaml *node, void *out)
{
    struct option_list *pairs = out;
    if (pairs->n + 2 > sizeof pairs->items / sizeof *pairs->items)
        complain_about(r->complaints, node, r->path, "too many deployments");
    else if (node->kind != YAML_TEXT || !node->text.n)
        complain_about(r->complaints, node, r->path, "the deployment's name is wanted here");
    else {
        pairs->items[pairs->n++] = node->key.p;
        pairs->items[pairs->n++] = node->text.p;
    }
}

static void read_deployments(struct reader *r, const struct yaml *node, void *out)
{
    fields_each(r, node, read_deployment, out);
}

/* "--base-url" of a command line is "base_url" in a file. */
static void as_keys(char *text)
{
    char *out = text;
    for (char *at = text; *at; at++) {
        bool opens = at[0] == '-' && at[1] == '-' && at[2] >= 'a' && at[2] <= 'z';
        for (at += opens ? 2 : 0; opens && (*at == '-' || (*at >= 'a' && *at <= 'z')); at++)
            *out++ = *at == '-' ? '_' : *at;
        if (!*at)
            break;
        *out++ = *at;
    }
    *out = '\0';
}

/* What account_options_make says of options, said of the file's keys. */
static void complain_of_options(struct reader *r, const struct yaml *node, struct diag *diag)
{
    bool option = strncmp(diag->where, "--", 2) == 0;
    as_keys(diag->where);
    as_keys(diag->what);
    const struct yaml *key = option ? yaml_get(node, diag->where) : NULL;
    complain_about(r->complaints, key ? key : node, r->path, "%s%s%s", diag->where,
                   diag->where[0] ? ": " : "", diag->what);
}

static void read_account(struct reader *r, const struct yaml *node, void *out)
{
    struct setting *s = out;
    struct option rows[ACCOUNT_OPTIONS + 2];
    struct diag diag = {{0}, {0}};
    if (s->account_count == SETTING_ACCOUNTS) {
        complain_about(r->complaints, node, r->path, "more than %d", SETTING_ACCOUNTS);
        return;
    }
    struct account_setting *a = &s->accounts[s->account_count++];
    *a = (struct account_setting){
        .name = node->key.p, .options = account_options_defaults(), .line = node->line};
    size_t before = r->complaints->n, n = account_options_rows(&a->options, rows);
    rows[n++] = (struct option){"organization", 0, OPTION_TEXT, "NAME", NULL, &a->organization};
    rows[n++] = (struct option){"api-version", 0, OPTION_TEXT, "DATE", NULL, &a->api_version};
    struct limits_reader limits = {s, &a->options.limit_args};
    const struct field fields[] = {{"limits", read_account_limits, &limits},
                                   {"deployments", read_deployments, &a->deployments}};
    fields_read(r, node, rows, n, fields, 2);
    if (r->complaints->n == before &&
        account_options_make(&a->options, ORDER_QUEUE, &diag) != SL_OK)
        complain_of_options(r, node, &diag);
}

static void read_accounts(struct reader *r, const struct yaml *node, void *out)
{
    fields_each(r, node, read_account, out);
}

/* ---- routes ------------------------------------------------------------------------------ */

struct texts {
    const char **list;
    size_t *n;
};

static void read_texts(struct reader *r, const struct yaml *node, void *out)
{
    struct texts *t = out;
    *t->n = fields_texts(r, node, t->list, SETTING_NAMES);
}

static void read_routes(struct reader *r, const struct yaml *node, void *out)
{
    struct setting *s = out;
    if (node->kind != YAML_LIST) {
        complain_about(r->complaints, node, r->path, "a list is wanted here (- models: ...)");
        return;
    }
    for (const struct yaml *item = node->first; item; item = item->next) {
        if (s->route_count == SETTING_ROUTES) {
            complain_about(r->complaints, item, r->path, "more than %d", SETTING_ROUTES);
            return;
        }
        struct route_setting *route = &s->routes[s->route_count++];
        struct texts models = {route->models, &route->model_count};
        struct texts accounts = {route->accounts, &route->account_count};
        const struct option rows[] = {
            {"after", 0, OPTION_DURATION, "TIME", NULL, &route->over.after_us}};
        const struct field fields[] = {{"models", read_texts, &models},
                                       {"accounts", read_texts, &accounts},
                                       {"over_limit", over_limit_read_kind, &route->over.kind},
                                       {"fallback", over_limit_read_fallbacks, &route->over}};
        fields_read(r, item, rows, 1, fields, 4);
        over_limit_settle(&route->over, r, item);
        setting_check_route(s, route, r, item);
    }
}

/* ---- tenants ----------------------------------------------------------------------------- */

/* "20", "20.50", "20 usd", "$20", in millionths. */
static void read_dollars(struct reader *r, const struct yaml *node, void *out)
{
    if (node->kind != YAML_TEXT || money_parse(node->text, out) != SL_OK)
        complain_about(r->complaints, node, r->path, "dollars are wanted here, as 20 or 12.50");
}

/* As a limit or a list, nothing would be taken for "no limit", which is its opposite. */
static void complain_of_nothing(struct reader *r, const struct yaml *map, const char *key,
                                int64_t value)
{
    const struct yaml *node = yaml_get(map, key);
    if (node && value == 0 && node->kind != YAML_MAP)
        complain_about(r->complaints, node, r->path,
                       "%s: would let nothing through; leave it out where there is no limit",
                       key);
}

static void read_tenant_limits(struct reader *r, const struct yaml *node, void *out)
{
    struct allowance_limits *l = out;
    const struct option rows[] = {
        {"rpm", 0, OPTION_COUNT, "N", NULL, &l->rpm},
        {"tpm", 0, OPTION_COUNT, "N", NULL, &l->tpm},
        {"rpd", 0, OPTION_COUNT, "N", NULL, &l->rpd},
        {"tpd", 0, OPTION_COUNT, "N", NULL, &l->tpd},
        {"concurrency", 0, OPTION_COUNT, "N", NULL, &l->concurrency},
    };
    const struct field fields[] = {{"spend_day", read_dollars, &l->spend_day},
                                   {"spend_month", read_dollars, &l->spend_month}};
    size_t before = r->complaints->n;
    fields_read(r, node, rows, sizeof rows / sizeof *rows, fields, 2);
    for (size_t i = 0; r->complaints->n == before && i < sizeof rows / sizeof *rows; i++)
        complain_of_nothing(r, node, rows[i].name, *(const int64_t *)rows[i].out);
    if (r->complaints->n == before) {
        complain_of_nothing(r, node, "spend_day", l->spend_day);
        complain_of_nothing(r, node, "spend_month", l->spend_month);
    }
}

static void read_priority(struct reader *r, const struct yaml *node, void *out)
{
    if (!setting_priority(node->text, out))
        complain_about(r->complaints, node, r->path, "interactive, normal or batch");
}

static void read_tenant(struct reader *r, const struct yaml *node, void *out)
{
    struct setting *s = out;
    int64_t weight = 1;
    if (s->tenant_count == TENANTS_MAX) {
        complain_about(r->complaints, node, r->path, "more than %d", TENANTS_MAX);
        return;
    }
    s->tenants = mem_grow(s->tenants, (s->tenant_count + 1) * sizeof *s->tenants);
    struct tenant_setting *t = &s->tenants[s->tenant_count++];
    *t = (struct tenant_setting){
        .name = node->key.p, .priority = PRIORITY_NORMAL, .max_wait_us = -1};
    const struct option rows[] = {
        {"weight", 0, OPTION_COUNT, "N", NULL, &weight},
        {"max-wait", 0, OPTION_DURATION, "TIME", NULL, &t->max_wait_us},
        {"queue", 0, OPTION_COUNT, "N", NULL, &t->held_requests},
        {"queue-bytes", 0, OPTION_SIZE, "BYTES", NULL, &t->held_bytes},
        {"models", 0, OPTION_LIST, "NAMES", NULL, &t->models},
    };
    const struct field fields[] = {{"limits", read_tenant_limits, &t->limits},
                                   {"priority", read_priority, &t->priority}};
    size_t before = r->complaints->n;
    if (node->kind != YAML_TEXT || node->text.n) /* "shop:" alone has all that is usual */
        fields_read(r, node, rows, sizeof rows / sizeof *rows, fields, 2);
    if (weight < 1 || weight > 1000)
        complain_about(r->complaints, node, r->path, "a weight is from 1 to 1000");
    if (!key_tenant_fits(node->key))
        complain_about(r->complaints, node, r->path,
                       "a name has 1 to %d bytes and no control characters", KEY_TENANT_BYTES);
    t->weight = weight * QUEUE_WEIGHT;
    if (r->complaints->n > before)
        return;
    complain_of_nothing(r, node, "queue", t->held_requests);
    complain_of_nothing(r, node, "queue_bytes", t->held_bytes);
    complain_of_nothing(r, node, "models", (int64_t)t->models.n);
}

static void read_tenants(struct reader *r, const struct yaml *node, void *out)
{
    fields_each(r, node, read_tenant, out);
}

bool setting_priority(struct str word, uint8_t *out)
{
    static const char *const words[] = {[PRIORITY_BATCH] = "batch",
                                        [PRIORITY_NORMAL] = "normal",
                                        [PRIORITY_INTERACTIVE] = "interactive"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (!str_eq(word, str_of(words[i])))
            continue;
        *out = (uint8_t)i;
        return true;
    }
    return false;
}

/* ---- the whole --------------------------------------------------------------------------- */

static void read_listen(struct reader *r, const struct yaml *node, void *out)
{
    struct setting *s = out;
    s->listen_count = fields_texts(r, node, s->listen, SETTING_PLACES);
}

static void read_tls(struct reader *r, const struct yaml *node, void *out)
{
    struct setting *s = out;
    const struct option rows[] = {
        {"certificate", 0, OPTION_TEXT, "FILE", NULL, &s->certificate},
        {"key", 0, OPTION_TEXT, "FILE", NULL, &s->certificate_key}};
    fields_read(r, node, rows, 2, NULL, 0);
    if (!s->certificate || !s->certificate_key)
        complain_about(r->complaints, node, r->path, "needs both certificate and key");
}

static void read_admin(struct reader *r, const struct yaml *node, void *out)
{
    struct setting *s = out;
    const struct option rows[] = {
        {"listen", 0, OPTION_TEXT, "ADDRESS:PORT", NULL, &s->admin_listen},
        {"token-env", 0, OPTION_TEXT, "NAME", NULL, &s->admin_token_env},
        {"token-file", 0, OPTION_TEXT, "FILE", NULL, &s->admin_token_file}};
    fields_read(r, node, rows, 3, NULL, 0);
    if (!s->admin_listen || (!s->admin_token_env && !s->admin_token_file))
        complain_about(r->complaints, node, r->path,
                       "needs listen, and token_env or token_file");
}

static void read_client_keys(struct reader *r, const struct yaml *node, void *out)
{
    bool pass = str_eq(node->text, STR("pass"));
    if (!pass && !str_eq(node->text, STR("replace")))
        complain_about(r->complaints, node, r->path,
                       "replace (by the account's) or pass (as they come)");
    *(bool *)out = pass;
}

static void read_top(struct setting *s, const struct yaml *root, struct complaints *complaints)
{
    struct reader r = {.complaints = complaints};
    struct option rows[SETTING_ROWS];
    size_t n = setting_rows(s, rows);
    rows[n++] = (struct option){"several-organizations",  0, OPTION_FLAG, NULL, NULL,
                                &s->several_organizations};
    const struct field fields[] = {{"listen", read_listen, s},
                                   {"tls", read_tls, s},
                                   {"admin", read_admin, s},
                                   {"client_keys", read_client_keys, &s->pass_keys},
                                   {"alerts", alert_setting_read, &s->alerts},
                                   {"accounts", read_accounts, s},
                                   {"routes", read_routes, s},
                                   {"tenants", read_tenants, s}};
    fields_read(&r, root, rows, n, fields, sizeof fields / sizeof *fields);
    complain_of_nothing(&r, root, "queue", s->queue_requests);
    complain_of_nothing(&r, root, "queue_bytes", s->queue_bytes);
    setting_check_file(s, root, &r);
}

enum sl_err setting_parse(struct setting *s, struct str text, const char *name,
                          struct complaints *complaints, struct buf *warnings)
{
    struct diag diag = {{0}, {0}};
    const struct yaml *root = yaml_parse(&s->arena, arena_copy(&s->arena, text), &diag);
    if (root) {
        read_top(s, root, complaints);
    } else {
        buf_printf(&complaints->text, "%s:%s: %s\n", name, diag.where, diag.what);
        complaints->n++;
    }
    if (!s->state)
        s->state = state_directory(&s->arena);
    if (!s->listen_count)
        s->listen[s->listen_count++] = "127.0.0.1:4290";
    if (!complaints->n)
        setting_warn(s, name, warnings);
    return complaints->n ? SL_SYNTAX : SL_OK;
}

enum sl_err setting_read(struct setting *s, const char *path, struct complaints *complaints,
                         struct buf *warnings)
{
    struct diag diag = {{0}, {0}};
    struct buf text = {0};
    enum sl_err err = file_read(path, FILE_BYTES_MAX, &text, &diag);
    if (err != SL_OK) {
        buf_printf(&complaints->text, "%s: %s\n", path, diag.what);
        complaints->n++;
    } else {
        err = setting_parse(s, buf_str(&text), path, complaints, warnings);
    }
    buf_free(&text);
    return err;
}
