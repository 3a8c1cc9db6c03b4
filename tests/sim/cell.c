/* cell.c: cells as words, so that every failing one can be run again by pasting a line. */
#include "cell.h"
#include "random.h"

#include <stdlib.h>
#include <string.h>

#define X(name, text) text,
static const char *const modes[] = {SIM_MODES(X)};
static const char *const windows[] = {SIM_WINDOWS(X)};
static const char *const bounds[] = {SIM_BOUNDS(X)};
static const char *const charges[] = {SIM_CHARGES(X)};
static const char *const clients[] = {SIM_CLIENTS(X)};
static const char *const works[] = {SIM_WORKS(X)};
static const char *const roundings[] = {SIM_ROUNDINGS(X)};
static const char *const sabotages[] = {SIM_SABOTAGES(X)};
static const char *const switches[] = {"0", "1"};
static const char *const moments[] = {"decision", "answer"};
#undef X

#define COUNT(list) (sizeof(list) / sizeof(list)[0])

const char *sim_mode_name(enum sim_mode m)
{
    return modes[m];
}

const char *sim_window_name(enum sim_window w)
{
    return windows[w];
}

const char *sim_bound_name(enum sim_bound b)
{
    return bounds[b];
}

const char *sim_client_name(enum sim_client c)
{
    return clients[c];
}

enum sim_rounding cell_rounding(enum sim_window w, enum sim_charge c)
{
    if (w == SIM_SLICES)
        return SIM_ROUND_SECONDS;
    return c == SIM_CHARGE_ACTUAL ? SIM_ROUND_INSTANT : SIM_ROUND_MS;
}

struct cell cell_default(void)
{
    return (struct cell){.jitter_us = 60 * 1000,
                         .service_us = 3 * 1000 * 1000,
                         .seed = 1,
                         .phase_us = -1,
                         .drain = true};
}

/* The index of `value` in a list of names, or -1. */
static int named(const char *const *list, size_t n, struct str value)
{
    for (size_t i = 0; i < n; i++)
        if (str_eq(value, str_of(list[i])))
            return (int)i;
    return -1;
}

/* A decimal number times `scale`: "0.2" with 1e6 is 200,000. */
static enum sl_err scaled(struct str s, int64_t scale, int64_t *out)
{
    int64_t whole = 0;
    struct str rest = s;
    struct str head = str_split(&rest, '.');
    enum sl_err err = str_int(head, false, &whole);
    if (err)
        return err;
    int64_t value = whole * scale;
    for (size_t i = 0; i < rest.n; i++) {
        if (rest.p[i] < '0' || rest.p[i] > '9')
            return SL_SYNTAX;
        scale /= 10;
        value += (rest.p[i] - '0') * scale;
    }
    *out = value;
    return SL_OK;
}

struct choice {
    const char *key;
    const char *const *names;
    size_t n;
};

static const struct choice choices[] = {
    {"mode", modes, COUNT(modes)},          {"window", windows, COUNT(windows)},
    {"bound", bounds, COUNT(bounds)},       {"charge", charges, COUNT(charges)},
    {"client", clients, COUNT(clients)},    {"work", works, COUNT(works)},
    {"round", roundings, COUNT(roundings)}, {"sabotage", sabotages, COUNT(sabotages)},
    {"drain", switches, COUNT(switches)},   {"headers", moments, COUNT(moments)},
};

static void set_choice(struct cell *c, size_t which, int value)
{
    switch (which) {
    case 0:
        c->mode = (enum sim_mode)value;
        break;
    case 1:
        c->window = (enum sim_window)value;
        break;
    case 2:
        c->bound = (enum sim_bound)value;
        break;
    case 3:
        c->charge = (enum sim_charge)value;
        break;
    case 4:
        c->client = (enum sim_client)value;
        break;
    case 5:
        c->work = (enum sim_work)value;
        break;
    case 6:
        c->rounding = (enum sim_rounding)value;
        break;
    case 7:
        c->sabotage = (enum sim_sabotage)value;
        break;
    case 8:
        c->drain = value;
        break;
    default:
        c->late = value;
        break;
    }
}

static enum sl_err set_word(struct cell *c, struct str key, struct str value)
{
    for (size_t i = 0; i < COUNT(choices); i++) {
        if (!str_eq(key, str_of(choices[i].key)))
            continue;
        int found = named(choices[i].names, choices[i].n, value);
        if (found < 0)
            return SL_UNKNOWN;
        set_choice(c, i, found);
        return SL_OK;
    }
    if (str_eq(key, STR("jitter")))
        return scaled(value, 1000, &c->jitter_us);
    if (str_eq(key, STR("phase")))
        return scaled(value, 1000, &c->phase_us);
    if (str_eq(key, STR("service")))
        return scaled(value, 1000 * 1000, &c->service_us);
    if (str_eq(key, STR("rpm")))
        return str_int(value, false, &c->rpm);
    if (str_eq(key, STR("seed")))
        return str_int(value, false, (int64_t *)&c->seed);
    return SL_UNKNOWN;
}

enum sl_err cell_parse(struct str text, struct cell *out, struct diag *diag)
{
    bool rounded = false;
    for (struct str rest = str_trim(text); rest.p;) {
        struct str word = str_split(&rest, ' '), value = word;
        if (word.n == 0)
            continue;
        struct str key = str_split(&value, '=');
        enum sl_err err = set_word(out, key, value);
        if (err)
            return diag_set(diag, err, "--cell", "\"%.*s\" is not a word of a cell",
                            STR_ARG(word));
        rounded = rounded || str_eq(key, STR("round"));
    }
    if (!rounded)
        out->rounding = cell_rounding(out->window, out->charge);
    return SL_OK;
}

/* us / scale with the decimals it needs: 200,000 by 1e6 is "0.2". */
static void write_scaled(struct buf *out, int64_t us, int64_t scale)
{
    buf_printf(out, "%lld", (long long)(us / scale));
    int64_t rest = us % scale;
    if (rest)
        buf_char(out, '.');
    while (rest) {
        scale /= 10;
        buf_char(out, (char)('0' + rest / scale));
        rest %= scale;
    }
}

void cell_write(struct buf *out, const struct cell *c)
{
    struct cell plain = cell_default();
    buf_printf(out, "mode=%s window=%s bound=%s charge=%s jitter=", modes[c->mode],
               windows[c->window], bounds[c->bound], charges[c->charge]);
    write_scaled(out, c->jitter_us, 1000);
    buf_puts(out, " service=");
    write_scaled(out, c->service_us, 1000 * 1000);
    buf_printf(out, " seed=%llu", (unsigned long long)c->seed);
    if (c->client != plain.client)
        buf_printf(out, " client=%s", clients[c->client]);
    if (c->work != plain.work)
        buf_printf(out, " work=%s", works[c->work]);
    if (c->rpm > 0)
        buf_printf(out, " rpm=%lld", (long long)c->rpm);
    if (c->phase_us >= 0) {
        buf_puts(out, " phase=");
        write_scaled(out, c->phase_us, 1000);
    }
    if (c->late)
        buf_puts(out, " headers=answer");
    if (!c->drain)
        buf_puts(out, " drain=0");
    if (c->rounding != cell_rounding(c->window, c->charge))
        buf_printf(out, " round=%s", roundings[c->rounding]);
    if (c->sabotage != plain.sabotage)
        buf_printf(out, " sabotage=%s", sabotages[c->sabotage]);
}

uint64_t cell_stream(const struct cell *c, const char *purpose)
{
    const uint64_t parts[] = {c->seed,
                              (uint64_t)c->window,
                              (uint64_t)c->bound,
                              (uint64_t)c->charge,
                              (uint64_t)c->jitter_us,
                              (uint64_t)c->service_us,
                              (uint64_t)c->work};
    struct random r = {0};
    for (size_t i = 0; i < COUNT(parts); i++)
        r.state = random_next(&r) ^ parts[i];
    for (; *purpose; purpose++)
        r.state = random_next(&r) ^ (uint64_t)(unsigned char)*purpose;
    return random_next(&r);
}

int64_t cell_phase_us(const struct cell *c)
{
    if (c->phase_us >= 0)
        return c->phase_us;
    struct random r = {cell_stream(c, "phase")};
    int64_t least_us = c->mode == SIM_IDENTIFY ? SIM_IDENTIFY_PHASE_US : 0;
    return least_us + (int64_t)random_below(&r, (uint64_t)(SIM_MINUTE_US - least_us));
}
