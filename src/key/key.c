/* key.c: `sluice key`: keys of the gateway's tenants, made, listed, revoked. */
#include "key.h"

#include "exits.h"
#include "file.h"
#include "help.h"
#include "keys.h"
#include "option.h"
#include "state.h"
#include "yaml.h"

#include <stdio.h>
#include <string.h>

static const struct verb face = {
    .name = "key",
    .summary = "make, list and revoke the keys of a gateway's tenants",
    .usage = "sluice key create --tenant NAME [--note TEXT]\n"
             "sluice key list\n"
             "sluice key revoke ID",
    .about = "A tenant's client shows its key where it would show the provider's. A key is "
             "printed once, when it is made; what is stored (as HMAC-SHA-256 under a secret of "
             "this installation) cannot be used as one. A running gateway knows a new key, and "
             "refuses a revoked one, within a second or two.\n\n"
             "Keys stand in the state directory: --state, or what the configuration (-c) says, "
             "else $STATE_DIRECTORY, $XDG_STATE_HOME/sluice or ~/.local/state/sluice.",
    .examples = "$ sluice key create -c sluice.yaml --tenant web --note \"the shop\"\n"
                "$ sluice key list -c sluice.yaml\n"
                "$ sluice key revoke -c sluice.yaml k3m9x2ab\n",
    .exits = "0 done\n2 usage, or no such key\n4 a file cannot be read or written\n",
};

enum { CONFIG_BYTES_MAX = 4 << 20 };

struct words {
    const char *state, *config, *tenant, *note;
    bool json;
    struct arena arena;
};

static int fail(const struct diag *diag, enum sl_err err)
{
    fprintf(stderr, "sluice key: %s%s%s\n", diag->where, diag->where[0] ? ": " : "",
            diag->what);
    return err == SL_IO || err == SL_FULL ? EXIT_IO : EXIT_USAGE;
}

/* The configuration's, if it says so; also whether it knows the tenant. */
static enum sl_err read_config(struct words *w, struct diag *diag)
{
    struct buf text = {0};
    enum sl_err err = file_read(w->config, CONFIG_BYTES_MAX, &text, diag);
    struct str kept = arena_copy(&w->arena, buf_str(&text));
    const struct yaml *root = err == SL_OK ? yaml_parse(&w->arena, kept, diag) : NULL;
    buf_free(&text);
    if (!root)
        return err == SL_OK ? SL_SYNTAX : err;
    const struct yaml *state = yaml_get(root, "state");
    if (!w->state && state && state->text.n)
        w->state = state->text.p;
    if (w->tenant && !yaml_get(yaml_get(root, "tenants"), w->tenant))
        return diag_set(diag, SL_UNKNOWN, "--tenant", "%s has no tenant \"%s\"", w->config,
                        w->tenant);
    return SL_OK;
}

static int create(const struct words *w)
{
    struct diag diag = {{0}, {0}};
    struct buf key = {0};
    if (!w->tenant) {
        diag_set(&diag, SL_MISSING, "--tenant", "whose key?");
        return fail(&diag, SL_MISSING);
    }
    enum sl_err err = keys_create(w->state, str_of(w->tenant), str_of(w->note), &key, &diag);
    if (err == SL_OK && w->json) {
        struct buf name = {0};
        buf_json(&name, str_of(w->tenant));
        printf("{\"tenant\":%s,\"key\":\"%s\"}\n", buf_cstr(&name), buf_cstr(&key));
        buf_free(&name);
    } else if (err == SL_OK)
        printf("%s\n", buf_cstr(&key));
    if (key.p)
        explicit_bzero(key.p, key.cap);
    buf_free(&key);
    if (err == SL_OK && !w->json)
        fprintf(stderr, "The key of %s, shown this once: give it to its client.\n", w->tenant);
    return err == SL_OK ? EXIT_ALL_DONE : fail(&diag, err);
}

static void list_json(const struct key_entry *e)
{
    struct buf b = {0};
    buf_printf(&b, "{\"id\":\"%s\",\"tenant\":", e->id);
    buf_json(&b, e->tenant);
    buf_puts(&b, ",\"note\":");
    buf_json(&b, e->note);
    buf_puts(&b, ",\"created\":");
    buf_json(&b, e->created);
    buf_puts(&b, ",\"revoked\":");
    if (e->revoked.n)
        buf_json(&b, e->revoked);
    else
        buf_puts(&b, "null");
    printf("%s}\n", buf_cstr(&b));
    buf_free(&b);
}

static int list(const struct words *w)
{
    struct diag diag = {{0}, {0}};
    struct keys *keys;
    enum sl_err err = keys_open(w->state, &keys, &diag);
    if (err != SL_OK)
        return fail(&diag, err);
    if (!w->json && keys_at(keys, 0))
        printf("%-8s  %-16s  %-20s  %s\n", "id", "tenant", "made", "note");
    for (size_t i = 0; keys_at(keys, i); i++) {
        const struct key_entry *e = keys_at(keys, i);
        if (w->json)
            list_json(e);
        else
            printf("%-8s  %-16.*s  %-20.*s  %.*s%s\n", e->id, STR_ARG(e->tenant),
                   STR_ARG(e->created), STR_ARG(e->note), e->revoked.n ? " (revoked)" : "");
    }
    keys_close(&keys);
    return EXIT_ALL_DONE;
}

static int revoke(const struct words *w, const char *id)
{
    struct diag diag = {{0}, {0}};
    if (!id) {
        diag_set(&diag, SL_MISSING, "revoke", "which key? `sluice key list` shows their ids");
        return fail(&diag, SL_MISSING);
    }
    enum sl_err err = keys_revoke(w->state, str_of(id), &diag);
    return err == SL_OK ? EXIT_ALL_DONE : fail(&diag, err);
}

static int act(const struct words *w, int argc, char **argv)
{
    struct diag diag = {{0}, {0}};
    struct str verb = str_of(argc > 0 ? argv[0] : NULL);
    if (str_eq(verb, STR("create")) && argc == 1)
        return create(w);
    if (str_eq(verb, STR("list")) && argc == 1)
        return list(w);
    if (str_eq(verb, STR("revoke")) && argc <= 2)
        return revoke(w, argc > 1 ? argv[1] : NULL);
    diag_set(&diag, SL_UNKNOWN, argc > 0 ? argv[0] : "", "create, list or revoke; see --help");
    return fail(&diag, SL_UNKNOWN);
}

int verb_key(int argc, char **argv)
{
    struct words w = {.note = ""};
    struct diag diag = {{0}, {0}};
    const struct option options[] = {
        {"tenant", 't', OPTION_TEXT, "NAME", "create: whose key it is.", &w.tenant},
        {"note", 0, OPTION_TEXT, "TEXT", "create: what it is for.", &w.note},
        {"config", 'c', OPTION_TEXT, "FILE", "The gateway's configuration.", &w.config},
        {"state", 0, OPTION_TEXT, "DIR", "The state directory.", &w.state},
        {"json", 'j', OPTION_FLAG, NULL, "Print JSON, a line each.", &w.json},
    };
    enum { OPTIONS = sizeof options / sizeof *options };
    int positional = 0, code;
    bool help = false;
    enum sl_err err = options_parse(options, OPTIONS, argc, argv, &positional, &help, &diag);
    if (err == SL_OK && !help && w.config)
        err = read_config(&w, &diag);
    if (!w.state)
        w.state = state_directory(&w.arena);
    if (help)
        code = help_print(&face, options, OPTIONS);
    else
        code = err != SL_OK ? fail(&diag, err) : act(&w, positional, argv);
    arena_free(&w.arena);
    return code;
}
