/* learning.c: see learning.h. What the learner holds becomes a budget of the ledger, so that
 * promises, views and headers know it as any other. */
#include "learning.h"
#include "arena.h"

#include <stdlib.h>

void learning_begin(struct pool *p)
{
    const struct budget_rules *rules = &p->account->rules;
    p->learner = mem_zero(sizeof *p->learner);
    learner_init(p->learner, rules->minute_us, rules->slack_us);
}

void learning_end(struct pool *p)
{
    if (!p->learner)
        return;
    learner_free(p->learner);
    free(p->learner);
    p->learner = NULL;
}

/* Let through within the learner's ear, and no answer has begun. */
static struct unheard unheard_of(const struct pool *p, int64_t now_us)
{
    struct unheard u = {.oldest_us = now_us};
    int64_t from_us = now_us - p->learner->ear_us;
    for (const struct flow *f = p->flying.tail; f; f = f->prev) {
        if (f->let_us <= from_us)
            break;
        if (f->state != FLOW_SENDING)
            continue;
        u.n++;
        u.oldest_us = f->let_us;
    }
    return u;
}

static struct budget_rules rules_of(const struct pool *p, const struct lesson *l)
{
    struct budget_rules rules = p->account->rules;
    rules.window = l->window;
    rules.slice_us = l->slice_us;
    rules.idle = true; /* no header will tell what is left */
    rules.later = false;
    return rules;
}

/* What went is charged to the budget that is made now. */
static void replay(struct pool *p, struct budget *b, int64_t now_us)
{
    const struct learner *l = p->learner;
    const struct trail *t = &l->trail;
    for (uint64_t i = t->tail; i < t->head; i++) {
        const struct trail_cell *c = trail_at(t, i);
        if (c->n > 0)
            counter_debit(&b->spent, c->at_us, c->n);
    }
    if (l->contact_count > 0 && l->lesson.window == WINDOW_BUCKET) /* it was empty just now */
        counter_clamp(&b->spent, now_us, INT64_MIN / 4, 0);
}

bool pool_lesson(const struct pool *p, int64_t now_us, struct lesson *out, int64_t *lately)
{
    if (!p->learner || p->learner->lesson.window == WINDOW_AUTO)
        return false;
    *out = p->learner->lesson;
    *lately = trail_lately(&p->learner->trail, now_us);
    return true;
}

static void apply(struct pool *p, int64_t now_us)
{
    const struct lesson *l = &p->learner->lesson;
    struct budget *b = ledger_find(&p->ledger, DIM_RPM);
    int64_t period_us = p->learner->period_us;
    struct limit_spec spec = {DIM_RPM, lesson_keep(l, period_us), period_us};
    struct budget_rules rules = rules_of(p, l);
    p->lessons = p->learner->lessons;
    p->inflight.allowed = p->inflight.most;
    if (!b) {
        b = ledger_add(&p->ledger, &spec, &rules);
        replay(p, b, now_us);
        return;
    }
    if (b->spent.kind != l->window)
        budget_become(b, now_us, l->window, l->slice_us);
    budget_relimit(b, now_us, spec.limit);
}

void pool_recall(struct pool *p, int64_t now_us, const struct lesson *lesson, int64_t at_us,
                 int64_t lately)
{
    if (!p->learner || p->learner->trail.last_us >= 0)
        return;
    int64_t period_us = p->learner->period_us;
    if (lesson->slice_us > period_us || lesson_keep(lesson, period_us) <= 0)
        return;
    learner_recall(p->learner, now_us, lesson, at_us, lately);
    apply(p, now_us);
}

int64_t learning_wait_us(struct pool *p, int64_t now_us)
{
    if (!p->learner)
        return 0;
    int64_t wait_us = learner_wait_us(p->learner, now_us, unheard_of(p, now_us));
    if (p->learner->lessons != p->lessons)
        apply(p, now_us);
    if (p->learner->resume_us > p->frozen_us)
        p->frozen_us = p->learner->resume_us;
    return wait_us;
}

void learning_sent(struct pool *p, int64_t now_us)
{
    if (p->learner)
        learner_sent(p->learner, now_us);
}

void learning_good(struct pool *p, int64_t sent_us)
{
    if (p->learner)
        learner_good(p->learner, sent_us);
}

void learning_told(struct pool *p, const struct event *head)
{
    bool told = false;
    for (size_t i = 0; i < head->reading_count; i++)
        told |= head->readings[i].limit > 0 && head->readings[i].has_remaining;
    if (!p->learner || !told)
        return;
    learning_end(p);
    struct budget *b = ledger_find(&p->ledger, DIM_RPM);
    if (!b)
        return;
    budget_become(b, head->now_us, p->account->rules.window, p->account->rules.slice_us);
    b->told = p->account->rules.window != WINDOW_AUTO;
}

bool learning_refused(struct pool *p, const struct flow *f, const struct event *in,
                      int64_t asked_us)
{
    enum dimension dim = in->verdict.dim;
    if (!p->learner || (dim != DIM_UNKNOWN && dim != DIM_RPM))
        return false;
    learner_refused(p->learner, in->now_us, f->sent_us, asked_us);
    if (p->learner->resume_us > p->frozen_us)
        p->frozen_us = p->learner->resume_us;
    return true;
}
