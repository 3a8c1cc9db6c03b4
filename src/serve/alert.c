/* alert.c: `sluice alert test`: sends a message to everywhere that alerts go, once, and says
 * what came of it. */
#include "alert.h"

#include "exits.h"
#include "file.h"
#include "help.h"
#include "herald.h"

#include <stdio.h>
#include <time.h>

static const struct verb face = {
    .name = "alert",
    .summary = "try out where a gateway's alerts go",
    .usage = "sluice alert test -c FILE",
    .about =
        "Sends one message, marked as a test, to every channel of the part `alerts` of the "
        "configuration: Slack, a webhook, a command. Each is tried once. What a command prints "
        "to its standard error is shown. Thresholds and what alerts there are: "
        "docs/observe.md.",
    .examples = "$ sluice alert test -c sluice.yaml\n",
    .exits = "0 every channel took it\n"
             "2 usage, or the configuration is not valid\n"
             "4 a channel did not take it\n",
};

enum { CONFIG_BYTES_MAX = 4 << 20 };

struct test {
    uv_loop_t loop;
    struct courier *courier;
    size_t left, failed;
};

static int complain(const struct diag *diag)
{
    fprintf(stderr, "sluice alert: %s%s%s\n", diag->where, diag->where[0] ? ": " : "",
            diag->what);
    return EXIT_USAGE;
}

static void on_tried(void *ctx, const char *channel, bool delivered, const char *why)
{
    struct test *t = ctx;
    printf("%-8s %s%s%s\n", channel, delivered ? "delivered" : "NOT delivered",
           delivered ? "" : ": ", why);
    t->failed += !delivered;
    t->left--;
    if (t->left == 0)
        courier_close(&t->courier);
}

static int64_t unix_now(void)
{
    return (int64_t)time(NULL) * 1000000;
}

static void send_one(struct test *t)
{
    const struct scene_alert alert = {.kind = "test",
                                      .severity = "warning",
                                      .account = STR(""),
                                      .model = STR(""),
                                      .dim = DIM_UNKNOWN,
                                      .since_unix_us = unix_now(),
                                      .text = STR("this is a test by `sluice alert test`"),
                                      .advice = STR("Nothing need be done: alerts arrive.")};
    const struct alert_change change = {&alert, true};
    struct scene scene = {.channel_count = 0};
    courier_draw(t->courier, &scene);
    t->left = scene.channel_count;
    courier_take(t->courier, &change, unix_now());
}

static int test_channels(const struct alert_setting *s)
{
    struct test t = {.left = 0};
    struct diag diag = {{0}, {0}};
    const struct herald_manner manner = {.once = true, .tried = on_tried, .ctx = &t};
    uv_loop_init(&t.loop);
    enum sl_err err = herald_open(&t.loop, s, &manner, &t.courier, &diag);
    if (err == SL_OK && t.courier)
        send_one(&t);
    uv_run(&t.loop, UV_RUN_DEFAULT);
    uv_loop_close(&t.loop);
    if (err != SL_OK)
        return complain(&diag);
    return t.failed ? EXIT_IO : EXIT_ALL_DONE;
}

/* The part `alerts` alone: whether the rest is right is `sluice check`'s to say. */
static int test_file(const char *path)
{
    struct arena arena = {0};
    struct buf text = {0};
    struct diag diag = {{0}, {0}};
    struct complaints complaints = {.file = path};
    struct reader reader = {.complaints = &complaints, .path = "alerts"};
    struct alert_setting s = alert_setting_defaults();
    int code = EXIT_USAGE;
    enum sl_err err = file_read(path, CONFIG_BYTES_MAX, &text, &diag);
    struct str kept = arena_copy(&arena, buf_str(&text));
    const struct yaml *root = err == SL_OK ? yaml_parse(&arena, kept, &diag) : NULL;
    const struct yaml *node = yaml_get(root, "alerts");
    if (node)
        alert_setting_read(&reader, node, &s);
    if (root && !node)
        diag_set(&diag, SL_MISSING, path, "has no part `alerts`");
    else if (root && !s.slack.env && !s.slack.file && !s.webhook.env && !s.webhook.file &&
             !s.command[0] && !complaints.n)
        diag_set(&diag, SL_MISSING, path,
                 "alerts: names no channel: slack, webhook or command");
    fputs(buf_cstr(&complaints.text), stderr);
    if (diag.what[0])
        complain(&diag);
    else if (!complaints.n)
        code = test_channels(&s);
    buf_free(&complaints.text);
    buf_free(&text);
    arena_free(&arena);
    return code;
}

int verb_alert(int argc, char **argv)
{
    const char *path = NULL;
    struct diag diag = {{0}, {0}};
    const struct option options[] = {
        {"config", 'c', OPTION_TEXT, "FILE", "The gateway's configuration (YAML).", &path}};
    int positional = 0;
    bool help = false;
    enum sl_err err = options_parse(options, 1, argc, argv, &positional, &help, &diag);
    if (help)
        return help_print(&face, options, 1);
    bool test = positional == 1 && str_eq(str_of(argv[0]), STR("test"));
    if (err == SL_OK && !test)
        err = diag_set(&diag, SL_UNKNOWN, positional ? argv[0] : "",
                       "what of alerts? sluice alert test -c FILE");
    if (err == SL_OK && !path)
        err = diag_set(&diag, SL_MISSING, "--config", "which file?");
    return err == SL_OK ? test_file(path) : complain(&diag);
}
