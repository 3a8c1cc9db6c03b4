/* stage.h: a scene with one account and two models that a test changes second by second, seen
 * by a history and by alerts in virtual time. */
#ifndef SLUICE_STAGE_H
#define SLUICE_STAGE_H

#include "alerts.h"
#include "check.h"

enum { SECOND = 1000000, MINUTE = 60 * SECOND };

struct stage {
    struct scene scene;
    struct scene_account account;
    struct scene_pool pools[2];
    struct tally tallies[2];
    struct history *history;
    struct alerts *alerts;
    int64_t now_us;
    int started, ended;
    struct str last; /* kind of the last change */
};

static inline void stage_open(struct stage *s, const struct alert_rules *rules)
{
    *s = (struct stage){.now_us = 7 * SECOND};
    s->account = (struct scene_account){
        .name = STR("main"), .provider = STR("openai"), .tier = STR("1"), .keys = 2};
    s->pools[0] = (struct scene_pool){
        .account = STR("main"), .model = STR("gpt-4o"), .tally = &s->tallies[0]};
    s->pools[0].budgets[0] = (struct scene_budget){.dim = DIM_TPM,
                                                   .window = "bucket",
                                                   .limit = 30000,
                                                   .level = 30000,
                                                   .period_us = MINUTE};
    s->pools[0].budget_count = 1;
    s->pools[1] = (struct scene_pool){
        .account = STR("main"), .model = STR("gpt-4o-mini"), .tally = &s->tallies[1]};
    s->scene = (struct scene){.accounts = &s->account,
                              .account_count = 1,
                              .pools = s->pools,
                              .pool_count = 2,
                              .unix_us = INT64_C(1796079600) * SECOND};
    s->history = history_new();
    s->alerts = alerts_new(rules);
}

static inline void stage_close(struct stage *s)
{
    history_free(&s->history);
    alerts_free(&s->alerts);
}

/* A second passes. */
static inline void stage_tick(struct stage *s)
{
    s->now_us += SECOND;
    s->scene.unix_us += SECOND;
    history_see(s->history, &s->scene, s->now_us);
    alerts_see(s->alerts, &s->scene, s->history, s->now_us);
    for (size_t i = 0; alerts_change(s->alerts, i); i++) {
        const struct alert_change *c = alerts_change(s->alerts, i);
        s->started += c->starts;
        s->ended += !c->starts;
        s->last = str_of(c->alert->kind);
    }
}

static inline void stage_pass(struct stage *s, int seconds)
{
    for (int i = 0; i < seconds; i++)
        stage_tick(s);
}

/* Seconds in each of which so many requests are answered, of so many tokens. */
static inline void stage_work(struct stage *s, int seconds, int requests, int tokens)
{
    for (int i = 0; i < seconds; i++) {
        s->tallies[0].outcomes[TALLY_OK] += requests;
        s->tallies[0].input_tokens += tokens;
        s->pools[0].budgets[0].charged += tokens;
        stage_tick(s);
    }
}

#endif
