/* emulate.h: a faithful provider with its limiter, on loopback: the door of this room.
 *
 * Serves OpenAI's, Azure's and Anthropic's HTTP APIs under a provider's limits, with that
 * provider's headers, refusals and streams. Answers depend on the seed and the request alone.
 */
#ifndef SLUICE_EMULATE_H
#define SLUICE_EMULATE_H

#include "catalogue.h"
#include "gauge.h"
#include "mishap.h"
#include "snag.h"
#include "spread.h"
#include <uv.h>

/* Whose words the errors are in. */
enum emulate_dialect {
    EMULATE_OPENAI,
    EMULATE_AZURE,
    EMULATE_ANTHROPIC,
    EMULATE_GROQ,
    EMULATE_GEMINI,
};

/* Whose rate-limit headers stand on answers. */
enum emulate_headers {
    EMULATE_HEADERS_OPENAI,
    EMULATE_HEADERS_AZURE,
    EMULATE_HEADERS_ANTHROPIC,
    EMULATE_HEADERS_GROQ,
    EMULATE_HEADERS_NONE,
};

/* The limits of one model, or of all models of a pool: each name has its own gauge. */
struct emulate_model {
    struct str name; /* "*": every model not named otherwise, a gauge each. Lent until start */
    struct str pool; /* models of one pool draw on one gauge; empty: the model's own */
    struct gauge_limit limits[GAUGE_LIMITS];
    size_t limit_count;
};

/* Another name of a model. */
struct emulate_alias {
    struct str alias, model; /* model: as it stands in the list */
};

/* A limit by request type: requests that any of its patterns means (http's pattern.h), on
 * paths as the provider writes them ("/v1/threads"), whatever base the request's has. */
enum { EMULATE_PATTERNS = 8 };
struct emulate_route {
    struct str name;
    struct str patterns[EMULATE_PATTERNS];
    size_t pattern_count;
    int64_t limit;
    int64_t period_s; /* 60 or 3600 */
    bool hidden;      /* never told, neither in headers nor in a refusal's words */
};

/* How many input tokens batches of a model may hold in the queue at once. */
struct emulate_queue {
    struct str model; /* "*": every model not named otherwise, each for itself */
    int64_t tokens;
};

enum { EMULATE_MODELS = 128, EMULATE_ALIASES = 256, EMULATE_ROUTES = 32 };

struct emulate_config {
    const char *listen; /* "127.0.0.1:4291"; port 0: any */
    enum emulate_dialect dialect;
    enum emulate_headers headers;
    bool headers_at_answer; /* figures of when the answer goes out, not of the decision */

    struct emulate_model models[EMULATE_MODELS];
    size_t model_count; /* 0: no limits at all */
    struct emulate_alias aliases[EMULATE_ALIASES];
    size_t alias_count;
    struct emulate_route routes[EMULATE_ROUTES];
    size_t route_count;
    struct emulate_queue queues[EMULATE_MODELS];
    size_t queue_count;
    int64_t batch_requests; /* that Anthropic's batches may have waiting; 0: any */
    enum gauge_window window;
    enum gauge_charge charge;
    int64_t slice_us;  /* of a whole minute; shrinks with it */
    int64_t minute_us; /* 60 s or shortened */
    int64_t phase_us;  /* -1: drawn from the seed */
    int fill_percent;
    bool refusals_drain, soft;
    int64_t concurrency; /* per model; 0: no limit */
    int64_t
        ramp_tpm; /* slow_down above this many tokens a minute unless grown slowly; 0: off */

    struct spread latency_us; /* decision to last byte */
    struct spread output_tokens;
    uint64_t seed;
    struct mishap_rates mishaps;
    int64_t wallet_after;           /* requests until the account is empty; -1: never */
    struct spread batch_latency_us; /* from a batch's creation to its end */
    struct spread batch_cancel_us;  /* from its cancellation to its end */
    int64_t batch_window_us;        /* of whole hours; shrinks as the minute does */
    struct spread run_latency_us;   /* from a run's creation to its end */
    struct snag_rates snags;
    int64_t epoch_us; /* the wall clock when the service's was 0 */
    const char *keys; /* the only API keys accepted, comma-separated; NULL: any */
};

/* A bucket without limits, OpenAI's manner, answers after 50-400 ms. */
struct emulate_config emulate_defaults(void);
/* "openai/tier-1", "anthropic/tier-2", "azure", "groq/free": dialect, headers, window, charge
 * rule and, where a tier is named, every model's limits. Names are lent from the catalogue,
 * which must live until the emulator has started. SL_UNKNOWN with what is known. */
enum sl_err emulate_profile(struct emulate_config *c, const struct catalogue *catalogue,
                            struct str profile, struct diag *diag) SL_CHECK;
/* Adds a limit by request type: "POST /v1/things=300" per minute, or
 * "...=2000/h". The text is lent until start. */
enum sl_err emulate_add_route(struct emulate_config *c, struct str text, bool hidden,
                              struct diag *diag) SL_CHECK;
/* Adds or replaces one model's queue: "gpt-4o=90000". The text is lent until start. */
enum sl_err emulate_add_queue(struct emulate_config *c, struct str text,
                              struct diag *diag) SL_CHECK;
/* Adds or replaces one model's limits: "gpt-4o:rpm=500,tpm=30000". The text is lent until
 * start. */
enum sl_err emulate_limits(struct emulate_config *c, struct str text,
                           struct diag *diag) SL_CHECK;

/* `sluice emulate`, given the arguments after its name. */
int verb_emulate(int argc, char **argv);

struct emulator;

/* Listens and serves within the caller's loop. NULL with *diag on error. */
struct emulator *emulator_start(uv_loop_t *loop, const struct emulate_config *c,
                                struct diag *diag);
int emulator_port(const struct emulator *e);
/* The report as JSON: see docs/emulate.md. */
void emulator_report(const struct emulator *e, struct buf *out);
/* Drops connections, closes its handles; the loop must run once more to free them. */
void emulator_stop(struct emulator **e);

#endif
