/* serve.c: `sluice serve`: the gateway as a process: options or a file in, signals heeded. */
#include "serve.h"

#include "exits.h"
#include "gateway.h"
#include "help.h"
#include "notify.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

static const struct verb face = {
    .name = "serve",
    .summary = "a gateway that holds requests back until the account takes them",
    .usage = "sluice serve -c FILE\n"
             "sluice serve [--listen 127.0.0.1:4290]\n"
             "sluice serve --provider NAME --tier TIER [options]\n"
             "sluice serve --base-url URL --limits MODEL:rpm=..,tpm=.. [options]\n"
             "sluice serve --emulate PROFILE [options]",
    .about =
        "Takes the requests of unmodified clients of OpenAI's, Azure's and Anthropic's APIs "
        "and passes each on at the first moment at which the account's limits have room for "
        "it. Clients change their base URL and nothing else; whatever key they send is "
        "replaced by the account's. Bodies and answers, streams included, pass byte for "
        "byte.\n\n"
        "Without -c, --provider, --base-url or --emulate there is an account for "
        "OPENAI_API_KEY and one for ANTHROPIC_API_KEY, whichever are set; limits are learned "
        "from answers. A file (-c, see docs/gateway.md; `sluice check` judges it) knows "
        "several accounts, routes between them, tenants with keys and limits of their own, "
        "TLS and an admin listener.\n\n"
        "A request that would wait longer than --max-wait (or than its own header "
        "x-sluice-max-wait, in seconds) is refused at once, in its provider's words and with "
        "the true time to wait. Answers say x-sluice-wait-ms, and x-sluice-limit where they "
        "waited for one.\n\n"
        "GET /healthz and /readyz answer for themselves. SIGHUP reads the file again without "
        "dropping a request. SIGTERM ends the listening and lets what is queued and in flight "
        "finish; a second one, or --grace, ends that too.",
    .examples = "$ sluice serve --emulate openai/tier-1\n"
                "$ sluice serve --provider openai --tier 1\n"
                "$ OPENAI_BASE_URL=http://127.0.0.1:4290/v1 ./your-program\n",
    .exits = "0 ended by a signal\n"
             "2 usage, or the configuration is not valid\n"
             "4 the address cannot be listened on\n",
};

enum { OPTIONS_MAX = ACCOUNT_OPTIONS + SETTING_ROWS + 4, KEYS_LOOKED_AT_MS = 1000 };

struct process {
    struct gateway gateway;
    struct setting *setting; /* as it is put together */
    uv_loop_t loop;
    uv_signal_t terminate, interrupt, hangup;
    uv_timer_t grace, watchdog;
    uv_fs_poll_t key_file;
    const char *file, *listen;
    struct account_options options;
};

static size_t table(struct process *p, struct option *out)
{
    const struct option list[] = {
        {"config", 'c', OPTION_TEXT, "FILE", "Read the configuration from this file (YAML).",
         &p->file},
        {"listen", 0, OPTION_TEXT, "ADDRESS:PORT", "Where to listen; port 0 takes any.",
         &p->listen},
        {"ui", 0, OPTION_MAYBE, "ADDRESS:PORT",
         "Show on a page what goes on (127.0.0.1 and any port by default); the address, with "
         "its "
         "token, is printed once. In a file: `admin`.",
         &p->setting->ui},
    };
    size_t n = sizeof list / sizeof *list;
    memcpy(out, list, sizeof list);
    n += setting_rows(p->setting, out + n);
    sl_assert(n + ACCOUNT_OPTIONS <= OPTIONS_MAX);
    return n + account_options_rows(&p->options, out + n);
}

static int complain(const struct diag *diag, int code)
{
    fprintf(stderr, "sluice serve: %s%s%s\n", diag->where, diag->where[0] ? ": " : "",
            diag->what);
    return code;
}

/* ---- the setting --------------------------------------------------------------------- */

static enum sl_err add_account(struct setting *s, const char *name,
                               const struct account_options *options, struct diag *diag)
{
    struct account_setting *a = &s->accounts[s->account_count++];
    *a = (struct account_setting){.name = name, .options = *options};
    return account_options_make(&a->options, ORDER_QUEUE, diag);
}

/* An account for each key that the environment holds. */
static enum sl_err accounts_of_environment(struct process *p, struct diag *diag)
{
    static const enum provider_id ids[] = {PROVIDER_OPENAI, PROVIDER_ANTHROPIC};
    enum sl_err err = SL_OK;
    for (size_t i = 0; i < sizeof ids / sizeof *ids && err == SL_OK; i++) {
        const struct provider *provider = provider_get(ids[i]);
        struct account_options o = p->options;
        o.provider_name = provider->name;
        if (getenv(provider->key_env))
            err = add_account(p->setting, provider->name, &o, diag);
    }
    if (err != SL_OK || p->setting->account_count)
        return err;
    return diag_set(
        diag, SL_MISSING, "",
        "which account? set OPENAI_API_KEY or ANTHROPIC_API_KEY, or give --provider "
        "NAME --tier TIER, a file (-c), or --emulate openai/tier-1 to try it out");
}

static enum sl_err setting_of_options(struct process *p, struct diag *diag)
{
    struct setting *s = p->setting;
    const struct account_options *o = &p->options;
    bool told = o->provider_name || o->base_url || o->emulate;
    s->listen[s->listen_count++] = p->listen ? p->listen : "127.0.0.1:4290";
    enum sl_err err =
        told ? add_account(s, "account", o, diag) : accounts_of_environment(p, diag);
    return err ? err : setting_check(s, diag);
}

/* Says all that is wrong with it, and what is doubtful. */
static struct setting *setting_of_file(const char *path)
{
    struct complaints complaints = {.file = path};
    struct buf warnings = {0};
    struct setting *s = setting_new();
    if (setting_read(s, path, &complaints, &warnings) != SL_OK)
        setting_drop(&s);
    fputs(buf_cstr(&complaints.text), stderr);
    fputs(buf_cstr(&warnings), stderr);
    buf_free(&complaints.text);
    buf_free(&warnings);
    return s;
}

/* ---- the service manager ------------------------------------------------------------- */

static void tell(enum notify what, const char *status)
{
    struct diag diag = {{0}, {0}};
    if (notify_send(what, status, &diag) != SL_OK)
        complain(&diag, 0);
}

static void on_watchdog(uv_timer_t *timer)
{
    (void)timer; /* that the loop has come here is what it asks for */
    tell(NOTIFY_WATCHDOG, NULL);
}

static void start_watchdog(struct process *p)
{
    uint64_t every_ms = (uint64_t)(notify_watchdog_us() / 1000);
    if (every_ms > 0)
        uv_timer_start(&p->watchdog, on_watchdog, every_ms, every_ms);
}

/* ---- signals ------------------------------------------------------------------------- */

static void on_idle(void *ctx)
{
    struct process *p = ctx;
    uv_stop(&p->loop);
}

static void on_grace(uv_timer_t *timer)
{
    on_idle(timer->data);
}

static void on_end(uv_signal_t *signal, int number)
{
    struct process *p = signal->data;
    if (p->gateway.ending) {
        on_idle(p);
        return;
    }
    tell(NOTIFY_STOPPING, "letting requests finish");
    int64_t grace_us = p->gateway.setting->grace_us;
    uv_timer_start(&p->grace, on_grace, (uint64_t)(grace_us / 1000), 0);
    gateway_drain(&p->gateway);
}

static bool same(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

/* What a new setting says and a running process does not do. */
static void say_what_stays(const struct process *p, const struct setting *before,
                           const struct setting *now)
{
    bool places = before->listen_count == now->listen_count || p->listen;
    for (size_t i = 0; places && !p->listen && i < now->listen_count; i++)
        places = same(before->listen[i], now->listen[i]);
    bool stays[] = {!places, !before->certificate != !now->certificate,
                    !same(before->admin_listen, now->admin_listen),
                    !same(before->state, now->state)};
    static const char *const names[] = {"listen", "tls", "admin", "state"};
    for (size_t i = 0; i < sizeof stays / sizeof *stays; i++) {
        if (stays[i])
            fprintf(stderr, "warning: %s: %s: stays as it was until a restart\n", p->file,
                    names[i]);
    }
}

/* Another setting, or a complaint and the one there was. */
static void on_hangup(uv_signal_t *signal, int number)
{
    struct process *p = signal->data;
    struct diag diag = {{0}, {0}};
    if (!p->file) {
        fprintf(stderr, "sluice serve: SIGHUP: there is no file to read again (-c)\n");
        return;
    }
    tell(NOTIFY_RELOADING, NULL);
    struct setting *s = setting_of_file(p->file);
    if (!s || gateway_renew(&p->gateway, s, &diag) != SL_OK) {
        fprintf(stderr, "sluice serve: %s: not taken; it goes on as before%s%s%s%s\n", p->file,
                diag.what[0] ? ": " : "", diag.where, diag.where[0] ? ": " : "", diag.what);
    } else {
        say_what_stays(p, p->setting, s);
        fprintf(stderr, "sluice serve: %s: read again\n", p->file);
    }
    setting_drop(&s);
    tell(NOTIFY_READY, NULL);
}

static void on_key_file(uv_fs_poll_t *poll, int status, const uv_stat_t *before,
                        const uv_stat_t *now)
{
    struct process *p = poll->data;
    struct diag diag = {{0}, {0}};
    if (gateway_read_keys(&p->gateway, &diag) != SL_OK)
        complain(&diag, 0);
}

static void watch_key_file(struct process *p)
{
    char path[1024];
    if (!p->gateway.setting->tenant_count)
        return;
    snprintf(path, sizeof path, "%s/keys.jsonl", p->gateway.setting->state);
    uv_fs_poll_start(&p->key_file, on_key_file, path, KEYS_LOOKED_AT_MS);
}

/* ---- running ------------------------------------------------------------------------- */

static void say_place(const struct gateway *g, size_t i)
{
    const char *listen = g->setting->listen[i], *colon = strrchr(listen, ':');
    if (strncmp(listen, "unix:", 5) == 0)
        printf("listening on %s\n", listen);
    else
        printf("listening on http%s://%.*s:%d\n", g->setting->certificate ? "s" : "",
               (int)(colon - listen), listen, server_port_of(g->server, i));
}

static void say_hello(const struct process *p)
{
    const struct gateway *g = &p->gateway;
    for (size_t i = 0; i < g->setting->listen_count; i++)
        say_place(g, i);
    for (size_t i = 0; i < g->outlets.n; i++)
        printf("account %s\n", g->outlets.list[i]->account->options.name.p);
    if (g->admin && !g->setting->ui)
        printf("admin on port %d\n", admin_port(g->admin));
    fflush(stdout);
    if (g->setting->certificate && *server_tls_warning(g->server))
        fprintf(stderr, "warning: %s\n", server_tls_warning(g->server));
}

static void open_signal(struct process *p, uv_signal_t *s, uv_signal_cb then, int number)
{
    uv_signal_init(&p->loop, s);
    s->data = p;
    uv_signal_start(s, then, number);
}

/* A request that is held has two sockets; a process is usually given 1,024 descriptors, and may
 * have far more by asking. */
static void raise_descriptors(void)
{
    struct rlimit most;
    if (getrlimit(RLIMIT_NOFILE, &most) != 0)
        return;
    most.rlim_cur = most.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &most); /* else connections are turned away as they come */
}

/* Keys and prompts must not outlive the process in a file: of a core dump, wherever it is sent,
 * memory is left out (core(5)). */
static void dump_no_memory(void)
{
    FILE *filter = fopen("/proc/self/coredump_filter", "w");
    if (!filter)
        return; /* no such system: then the service's own limit holds */
    fputs("0", filter);
    fclose(filter);
}

static int serve(struct process *p, struct diag *diag)
{
    dump_no_memory();
    raise_descriptors();
    int rc = uv_loop_init(&p->loop);
    sl_assert(rc == 0);
    uv_timer_init(&p->loop, &p->grace);
    uv_timer_init(&p->loop, &p->watchdog);
    uv_fs_poll_init(&p->loop, &p->key_file);
    p->grace.data = p->key_file.data = p;
    p->gateway.idle = on_idle;
    p->gateway.ctx = p;
    enum sl_err err = gateway_open(&p->gateway, &p->loop, p->setting, diag);
    open_signal(p, &p->terminate, on_end, SIGTERM);
    open_signal(p, &p->interrupt, on_end, SIGINT);
    open_signal(p, &p->hangup, on_hangup, SIGHUP);
    if (err == SL_OK) {
        watch_key_file(p);
        start_watchdog(p);
        say_hello(p);
        tell(NOTIFY_READY, "serving");
        uv_run(&p->loop, UV_RUN_DEFAULT);
    }
    gateway_close(&p->gateway);
    uv_close((uv_handle_t *)&p->terminate, NULL);
    uv_close((uv_handle_t *)&p->interrupt, NULL);
    uv_close((uv_handle_t *)&p->hangup, NULL);
    uv_close((uv_handle_t *)&p->grace, NULL);
    uv_close((uv_handle_t *)&p->watchdog, NULL);
    uv_close((uv_handle_t *)&p->key_file, NULL);
    uv_run(&p->loop, UV_RUN_DEFAULT);
    rc = uv_loop_close(&p->loop);
    sl_assert(rc == 0); /* every handle was closed */
    gateway_free(&p->gateway);
    if (err == SL_OK)
        return EXIT_ALL_DONE;
    return complain(diag, err == SL_IO ? EXIT_IO : EXIT_USAGE);
}

/* A file says all there is to say but where to listen: what else was given would be dropped
 * without a word. */
static enum sl_err beside_a_file(int argc, char **argv, struct diag *diag)
{
    for (int i = 0; i < argc; i++) {
        struct str rest = str_of(argv[i]), name = str_split(&rest, '=');
        if (str_starts(name, STR("--")) && !str_eq(name, STR("--config")) &&
            !str_eq(name, STR("--listen"))) {
            char option[40];
            snprintf(option, sizeof option, "%.*s", STR_ARG(name));
            return diag_set(diag, SL_RANGE, option,
                            "stands in the configuration where there is one (-c): beside it "
                            "only --listen is taken");
        }
    }
    return SL_OK;
}

/* The process's face: options in, or what is wrong with them. false: said already. */
static bool configure(struct process *p, int argc, char **argv, bool *help, struct diag *diag)
{
    struct option options[OPTIONS_MAX];
    int positional = 0;
    size_t n = table(p, options);
    enum sl_err err = options_parse(options, n, argc, argv, &positional, help, diag);
    if (err == SL_OK && positional)
        err = diag_set(diag, SL_UNKNOWN, argv[0], "serve takes options only; see --help");
    if (*help)
        return true;
    if (err == SL_OK && p->file)
        err = beside_a_file(argc, argv, diag);
    if (err == SL_OK && p->file) {
        setting_drop(&p->setting);
        p->setting = setting_of_file(p->file);
        if (p->setting && p->listen) {
            p->setting->listen[0] = p->listen;
            p->setting->listen_count = 1;
        }
        return p->setting != NULL;
    }
    if (err == SL_OK)
        err = setting_of_options(p, diag);
    if (err != SL_OK)
        complain(diag, 0);
    return err == SL_OK;
}

int verb_serve(int argc, char **argv)
{
    static struct process p; /* one in a process, and too large for a stack */
    struct diag diag = {{0}, {0}};
    bool help = false;
    int code = EXIT_USAGE;
    p.options = account_options_defaults();
    p.setting = setting_new();
    if (configure(&p, argc, argv, &help, &diag) && !help)
        code = serve(&p, &diag);
    if (help) {
        struct option options[OPTIONS_MAX];
        code = help_print(&face, options, table(&p, options));
    }
    setting_drop(&p.setting);
    return code;
}
