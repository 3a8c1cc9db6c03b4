/* serve.c: `sluice serve`: the gateway as a process. */
#include "serve.h"

#include "exits.h"
#include "gateway.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct verb face = {
    .name = "serve",
    .summary = "a gateway that holds requests back until the account takes them",
    .usage = "sluice serve [--listen 127.0.0.1:4290]\n"
             "sluice serve --provider NAME --tier TIER [options]\n"
             "sluice serve --base-url URL --limits MODEL:rpm=..,tpm=.. [options]\n"
             "sluice serve --emulate PROFILE [options]",
    .about =
        "Takes the requests of unmodified clients of OpenAI's, Azure's and Anthropic's APIs "
        "and "
        "passes each on at the first moment at which the account's limits have room for it. "
        "Clients change their base URL and nothing else; whatever key they send is replaced by "
        "the account's. Bodies and answers, streams included, pass byte for byte.\n\n"
        "Without --provider, --base-url or --emulate there is an account for OPENAI_API_KEY "
        "and "
        "one for ANTHROPIC_API_KEY, whichever are set; limits are learned from answers.\n\n"
        "A request that would wait longer than --max-wait (or than its own header "
        "x-sluice-max-wait, in seconds) is refused at once, in its provider's words and with "
        "the "
        "true time to wait. Answers say x-sluice-wait-ms, and x-sluice-limit where they "
        "waited for one.\n\n"
        "GET /healthz and /readyz answer for themselves. SIGTERM ends the listening and lets "
        "what is queued and in flight finish; a second one, or --grace, ends that too.",
    .examples = "$ sluice serve --emulate openai/tier-1\n"
                "$ sluice serve --provider openai --tier 1\n"
                "$ OPENAI_BASE_URL=http://127.0.0.1:4290/v1 ./your-program\n",
    .exits = "0 ended by a signal\n"
             "2 usage, or the configuration is not valid\n"
             "4 the address cannot be listened on\n",
};

enum {
    OPTIONS_MAX = ACCOUNT_OPTIONS + 16,
    SECOND = 1000000,
    /* The official SDKs give a request 600 s; an answer takes time too. */
    MAX_WAIT_S = 590,
    QUEUE_MAX = 10000,
    QUEUE_BYTES = 256 << 20,
    GRACE_S = 600,
};

struct process {
    struct gateway gateway;
    uv_loop_t loop;
    uv_signal_t terminate, interrupt;
    uv_timer_t grace;
    int64_t grace_us, queue_max, queue_bytes;
    struct account_options options;
};

static size_t table(struct process *p, struct option *out)
{
    const struct option list[] = {
        {"listen", 0, OPTION_TEXT, "ADDRESS:PORT", "Where to listen; port 0 takes any.",
         &p->gateway.config.listen},
        {"max-wait", 0, OPTION_DURATION, "TIME",
         "The longest a request may wait in the queue; longer is refused at once.",
         &p->gateway.config.max_wait_us},
        {"queue", 0, OPTION_COUNT, "N", "Most requests held at once.", &p->queue_max},
        {"queue-bytes", 0, OPTION_COUNT, "BYTES", "Most bytes of their bodies together.",
         &p->queue_bytes},
        {"resend", 0, OPTION_FLAG, NULL,
         "Send a request again whose answer got lost, though it may have been carried out.",
         &p->gateway.config.resend},
        {"grace", 0, OPTION_DURATION, "TIME", "How long requests may go on after SIGTERM.",
         &p->grace_us},
    };
    size_t n = sizeof list / sizeof *list;
    sl_assert(n + ACCOUNT_OPTIONS <= OPTIONS_MAX);
    memcpy(out, list, sizeof list);
    return n + account_options_rows(&p->options, out + n);
}

static int complain(const struct diag *diag, int code)
{
    fprintf(stderr, "sluice serve: %s%s%s\n", diag->where, diag->where[0] ? ": " : "",
            diag->what);
    return code;
}

/* Without tenants everybody who can connect spends the account. */
static enum sl_err only_loopback(const char *listen, struct diag *diag)
{
    struct str address = str_of(listen);
    if (str_starts(address, STR("127.")) || str_starts(address, STR("[::1]:")))
        return SL_OK;
    return diag_set(diag, SL_RANGE, "--listen",
                    "%s can be reached from elsewhere, and whoever reaches it spends the "
                    "account: without tenants only loopback is served, as in 127.0.0.1:4290",
                    listen);
}

/* An account for each key that the environment holds. */
static enum sl_err outlets_of_environment(struct process *p, struct diag *diag)
{
    static const enum provider_id ids[] = {PROVIDER_OPENAI, PROVIDER_ANTHROPIC};
    struct gateway *g = &p->gateway;
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
        const struct provider *provider = provider_get(ids[i]);
        if (!getenv(provider->key_env))
            continue;
        struct account_options *o = &g->outlets[g->outlet_count++].options;
        *o = p->options;
        o->provider_name = provider->name;
        enum sl_err err = account_options_make(o, ORDER_QUEUE, diag);
        if (err != SL_OK)
            return err;
    }
    if (g->outlet_count)
        return SL_OK;
    return diag_set(
        diag, SL_MISSING, "",
        "which account? set OPENAI_API_KEY or ANTHROPIC_API_KEY, or give --provider "
        "NAME --tier TIER, or --emulate openai/tier-1 to try it out");
}

static enum sl_err make_outlets(struct process *p, struct diag *diag)
{
    struct gateway *g = &p->gateway;
    if (!p->options.provider_name && !p->options.base_url && !p->options.emulate)
        return outlets_of_environment(p, diag);
    g->outlet_count = 1;
    g->outlets[0].options = p->options;
    return account_options_make(&g->outlets[0].options, ORDER_QUEUE, diag);
}

static void on_idle(void *ctx)
{
    struct process *p = ctx;
    uv_stop(&p->loop);
}

static void on_grace(uv_timer_t *timer)
{
    on_idle(timer->data);
}

static void on_signal(uv_signal_t *signal, int number)
{
    struct process *p = signal->data;
    if (p->gateway.ending) {
        on_idle(p);
        return;
    }
    uv_timer_start(&p->grace, on_grace, (uint64_t)(p->grace_us / 1000), 0);
    gateway_drain(&p->gateway);
}

static void say_hello(const struct process *p)
{
    const struct gateway *g = &p->gateway;
    const char *colon = strrchr(g->config.listen, ':');
    printf("listening on http://%.*s:%d\n", (int)(colon - g->config.listen), g->config.listen,
           server_port(g->server));
    for (size_t i = 0; i < g->outlet_count; i++)
        printf("account %s\n", g->outlets[i].options.name.p);
    fflush(stdout);
}

static int serve(struct process *p, struct diag *diag)
{
    int rc = uv_loop_init(&p->loop);
    sl_assert(rc == 0);
    uv_signal_init(&p->loop, &p->terminate);
    uv_signal_init(&p->loop, &p->interrupt);
    uv_timer_init(&p->loop, &p->grace);
    p->terminate.data = p->interrupt.data = p->grace.data = p;
    uv_signal_start(&p->terminate, on_signal, SIGTERM);
    uv_signal_start(&p->interrupt, on_signal, SIGINT);
    p->gateway.idle = on_idle;
    p->gateway.ctx = p;
    enum sl_err err = gateway_open(&p->gateway, &p->loop, diag);
    if (err == SL_OK) {
        say_hello(p);
        uv_run(&p->loop, UV_RUN_DEFAULT);
    }
    gateway_close(&p->gateway);
    uv_close((uv_handle_t *)&p->terminate, NULL);
    uv_close((uv_handle_t *)&p->interrupt, NULL);
    uv_close((uv_handle_t *)&p->grace, NULL);
    uv_run(&p->loop, UV_RUN_DEFAULT);
    rc = uv_loop_close(&p->loop);
    sl_assert(rc == 0); /* every handle was closed */
    if (err == SL_OK)
        return EXIT_ALL_DONE;
    return complain(diag, err == SL_IO ? EXIT_IO : EXIT_USAGE);
}

static void defaults(struct process *p)
{
    p->options = account_options_defaults();
    p->queue_max = QUEUE_MAX;
    p->queue_bytes = QUEUE_BYTES;
    p->grace_us = GRACE_S * (int64_t)SECOND;
    p->gateway.config = (struct gateway_config){.listen = "127.0.0.1:4290",
                                                .max_wait_us = MAX_WAIT_S * (int64_t)SECOND};
}

/* The process's face: options in, or what is wrong with them. */
static enum sl_err configure(struct process *p, int argc, char **argv, bool *help,
                             struct diag *diag)
{
    struct option options[OPTIONS_MAX];
    int positional = 0;
    size_t n = table(p, options);
    enum sl_err err = options_parse(options, n, argc, argv, &positional, help, diag);
    if (err != SL_OK || *help)
        return err;
    if (positional)
        return diag_set(diag, SL_UNKNOWN, argv[0], "serve takes options only; see --help");
    p->gateway.config.queue_max = (size_t)p->queue_max;
    p->gateway.config.queue_bytes = (size_t)p->queue_bytes;
    err = only_loopback(p->gateway.config.listen, diag);
    return err ? err : make_outlets(p, diag);
}

int verb_serve(int argc, char **argv)
{
    static struct process p; /* one in a process, and too large for a stack */
    struct diag diag = {{0}, {0}};
    bool help = false;
    int code = EXIT_ALL_DONE;
    defaults(&p);
    if (configure(&p, argc, argv, &help, &diag) != SL_OK) {
        code = complain(&diag, EXIT_USAGE);
    } else if (help) {
        struct option options[OPTIONS_MAX];
        struct buf text = {0};
        options_help(&text, &face, options, table(&p, options));
        fputs(buf_cstr(&text), stdout);
        buf_free(&text);
    } else {
        code = serve(&p, &diag);
    }
    gateway_free(&p.gateway);
    return code;
}
