/* learner.c: see learner.h. */
#include "learner.h"
#include "err.h"

enum {
    EAR_MOST_US = 500000, /* there and back: twice round the earth takes no longer */
    EAR_MOST_PARTS = 120, /* ... of a shortened minute */
    EAR_LEAST_PARTS = 3000,
    CONTACT_PERIODS = 8, /* what is longer ago is of another story */
    SHORT_PARTS = 60,    /* silences that slices of a second, or of ten, do not outlast */
    LONG_PARTS = 6,
    QUICK_PARTS = 30, /* a limit met within two seconds may be a second's */
    STEP_PARTS = 32,
    STEP_DOUBLINGS = 4,
    TRY_PERIODS = 60, /* an hour */
    TRY_NEXT_PERIODS = 5,
    TRY_MOST_PERIODS = 1440,
};

static int64_t min64(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t max64(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static int64_t ear_most_us(const struct learner *l)
{
    return min64(EAR_MOST_US, l->period_us / EAR_MOST_PARTS);
}

void learner_init(struct learner *l, int64_t period_us, int64_t slack_us)
{
    sl_assert(period_us > 0 && slack_us >= 0);
    *l = (struct learner){.period_us = period_us,
                          .slack_us = slack_us,
                          .burst.heard_us = INT64_MIN,
                          .began_us = -1,
                          .met_us = -1,
                          .resume_us = INT64_MIN / 2,
                          .held_us = INT64_MIN / 2,
                          .try_every_us = TRY_PERIODS * period_us};
    l->ear_us = l->way_us = ear_most_us(l);
    trail_init(&l->trail, period_us);
}

void learner_free(struct learner *l)
{
    trail_free(&l->trail);
}

static bool holds(const struct learner *l)
{
    return l->lesson.window != WINDOW_AUTO;
}

static void silence(struct learner *l, int64_t until_us)
{
    l->resume_us = max64(l->resume_us, until_us);
}

/* ---- HOLD ---------------------------------------------------------------------------- */

/* How much of each period is kept free because an edge may lie there, if that can be afforded.
 * What goes after it then tells the limit exactly, wherever in there the edge is. */
static int64_t zone_us(const struct learner *l)
{
    int64_t us = l->lesson.zone_us + 2 * l->slack_us;
    return l->lesson.zone_us > 0 && us < l->period_us / 2 ? us : 0;
}

static int64_t zone_left_us(const struct learner *l, int64_t now_us)
{
    int64_t in_us = (now_us + l->slack_us - l->lesson.edge_us) % l->period_us;
    return max64(0, zone_us(l) - in_us);
}

/* Evenly; but not as it went when it was refused, since a second contact of the same kind would
 * tell nothing new: then twice as fast, by turns. */
static int64_t first_gap_us(const struct learner *l)
{
    int64_t even_us = l->period_us / max64(1, lesson_keep(&l->lesson, l->period_us));
    int64_t free_us = l->period_us - zone_us(l), at_us = l->contacts[0].at_us;
    if (free_us < l->period_us)
        return max64(even_us * free_us / l->period_us * 9 / 10,
                     min64(even_us, l->way_us * 3 / 4));
    int64_t went = trail_count(&l->trail, at_us - l->period_us / LONG_PARTS, at_us);
    bool alike = went * LONG_PARTS < l->lesson.limit + l->lesson.limit / 2;
    return l->contact_count > 0 && alike ? even_us / 2 : even_us;
}

static void hold(struct learner *l, int64_t now_us, struct lesson lesson)
{
    bool same = lesson.window == l->lesson.window;
    int64_t before = l->lesson.limit;
    if (same) /* it was kept to, and refused */
        lesson.limit = min64(lesson.limit, before - before / STEP_PARTS - 1);
    lesson.limit = max64(1, lesson.limit);
    l->lesson = lesson;
    l->lessons++;
    l->proven = 0;
    l->gap_us = first_gap_us(l);
    if (lesson.window == WINDOW_BUCKET)
        silence(l, now_us + 2 * l->period_us / lesson.limit);
    else if (lesson.window == WINDOW_SLICES) /* not in step with them */
        silence(l, now_us + lesson.slice_us * 11 / 8 + l->slack_us);
    else /* wherever the edge of a fixed window may be, it is empty then */
        silence(l, l->trail.last_us + l->period_us + l->slack_us);
}

/* Not refused for so long that every window was used once. */
static bool is_sure(const struct learner *l, int64_t now_us)
{
    return now_us - max64(l->held_us, l->resume_us) > l->period_us + l->period_us / 2;
}

static void try_more(struct learner *l, int64_t now_us)
{
    int64_t limit = l->lesson.limit;
    if (!holds(l) || now_us < l->try_us || trail_lately(&l->trail, now_us) < limit - limit / 8)
        return;
    int64_t parts = STEP_PARTS >> (l->tries < STEP_DOUBLINGS ? l->tries : STEP_DOUBLINGS);
    l->tries += l->proven > 0;
    l->proven = limit;
    l->lesson.limit += limit / parts + 1;
    l->lesson.zone_us = 0;
    l->lessons++;
    l->try_us = now_us + TRY_NEXT_PERIODS * l->period_us;
}

/* Refused after a long time without, or as nothing explains. */
static void step_back(struct learner *l, int64_t now_us)
{
    struct lesson less = l->lesson;
    if (l->proven > 0) {
        l->try_every_us = min64(2 * l->try_every_us, TRY_MOST_PERIODS * l->period_us);
        l->try_us = now_us + l->try_every_us;
    }
    int64_t went = l->contacts[l->contact_count - 1].sliding;
    if (lesson_is_log(&less)) /* that much was taken */
        less.limit = min64(less.limit, max64(went, l->proven));
    else if (l->proven > 0)
        less.limit = l->proven;
    l->tries = 0;
    hold(l, now_us, less);
}

/* ---- what refusals come to ----------------------------------------------------------- */

static void note_contact(struct learner *l)
{
    struct contact *list = l->contacts;
    size_t kept = 0;
    for (size_t i = 0; i < l->contact_count; i++) {
        bool same_story = list[i].at_us > l->burst.first_us - CONTACT_PERIODS * l->period_us;
        if (same_story)
            list[kept++] = list[i];
    }
    for (size_t i = 1; kept == LEARNER_CONTACTS && i < kept; i++)
        list[i - 1] = list[i];
    kept -= kept == LEARNER_CONTACTS;
    const struct contact *before = kept ? &list[kept - 1] : NULL;
    bool dry = l->met_us >= 0 && trail_count(&l->trail, l->met_us + 1, l->burst.first_us) == 0;
    l->dry = dry ? l->dry + 1 : 0;
    l->met_us = l->burst.last_us;
    list[kept] = contact_make(&l->trail, l->burst.first_us, l->burst.last_us, before);
    l->contact_count = kept + 1;
}

/* Once more; nothing known explains it yet. */
static void feel(struct learner *l, int64_t now_us, bool in_haste)
{
    int64_t pause_us = l->period_us / (in_haste ? SHORT_PARTS : LONG_PARTS);
    l->in_haste = in_haste;
    silence(l, now_us + pause_us + pause_us / 20 + 2 * l->slack_us);
}

/* Several are at it, or it follows no rule we know: nine tenths of what went. */
static struct lesson guess(const struct learner *l)
{
    int64_t went = l->contacts[l->contact_count - 1].sliding;
    return (struct lesson){.window = WINDOW_SLIDING, .limit = went - went / 10};
}

/* Nothing goes, however long it was waited: not a minute's limit. */
static void wait_out(struct learner *l, int64_t now_us)
{
    enum { DOUBLINGS = 4 };
    int doublings = l->dry - 1 < DOUBLINGS ? l->dry - 1 : DOUBLINGS;
    silence(l, now_us + (l->period_us << doublings));
}

static void explain(struct learner *l, int64_t now_us)
{
    struct lesson found = contact_explain(&l->trail, l->contacts, l->contact_count, l->slack_us,
                                          l->lesson.window == WINDOW_SLIDING);
    if (found.window != WINDOW_AUTO)
        hold(l, now_us, found);
    else if (holds(l) && l->dry)
        wait_out(l, now_us);
    else if (holds(l))
        step_back(l, now_us);
    else if (l->contact_count < LEARNER_CONTACTS)
        feel(l, now_us, false);
    else
        hold(l, now_us, guess(l));
}

/* All refusals of a burst have been heard. */
static void judge(struct learner *l, int64_t now_us)
{
    int64_t began_us = l->burst.first_us;
    if (l->trail.tail < l->trail.head)
        began_us = trail_at(&l->trail, l->trail.tail)->at_us;
    bool quick = l->burst.first_us - began_us < l->period_us / QUICK_PARTS;
    l->burst.open = false;
    note_contact(l);
    l->held_us = now_us;
    l->try_us = now_us + l->try_every_us;
    bool first = l->contact_count == 1;
    if (l->dry >= (holds(l) ? 2 : 3)) /* a short silence and a long one may be for nothing */
        wait_out(l, now_us);
    else if (first && holds(l))
        step_back(l, now_us);
    else if (first || (l->dry && l->in_haste))
        feel(l, now_us, first && quick);
    else
        explain(l, now_us);
}

static void open_burst(struct learner *l, int64_t now_us, int64_t sent_us)
{
    l->ear_us =
        max64(l->period_us / EAR_LEAST_PARTS, min64(ear_most_us(l), 2 * (now_us - sent_us)));
    l->burst = (struct burst){.open = true,
                              .first_us = sent_us,
                              .last_us = sent_us,
                              .heard_us = now_us,
                              .judge_us = now_us + l->ear_us};
    silence(l, l->burst.judge_us);
}

void learner_refused(struct learner *l, int64_t now_us, int64_t sent_us, int64_t asked_us)
{
    struct burst *b = &l->burst;
    bool late = !b->open && sent_us <= b->heard_us; /* of one that was judged already */
    trail_drop(&l->trail, sent_us);
    l->good = 0;
    l->way_us = min64(l->way_us, max64(1, now_us - sent_us));
    if (asked_us > 0)
        silence(l, now_us + min64(asked_us, l->period_us));
    if (late)
        return;
    if (!b->open)
        open_burst(l, now_us, sent_us);
    b->first_us = min64(b->first_us, sent_us);
    b->last_us = max64(b->last_us, sent_us);
}

/* ---- what may go --------------------------------------------------------------------- */

void learner_sent(struct learner *l, int64_t now_us)
{
    bool idle = now_us - l->trail.last_us > l->period_us / 2;
    if (l->began_us < 0 || idle)
        l->began_us = now_us;
    trail_add(&l->trail, now_us);
}

void learner_good(struct learner *l, int64_t sent_us)
{
    l->good += sent_us >= l->resume_us;
}

/* One for half a minute, two until two minutes have gone well, then one more a minute; from the
 * sixth on twice as many. */
static int64_t grown(const struct learner *l, int64_t well_us)
{
    enum { EVENLY = 4, DOUBLINGS_MOST = 20 };
    int64_t minutes = well_us / l->period_us, halves = 2 * well_us / l->period_us;
    int64_t even = 1 + min64(1, halves) + min64(EVENLY, max64(0, minutes - 1));
    return even << min64(DOUBLINGS_MOST, max64(0, minutes - 1 - EVENLY));
}

/* How many may be unheard of. */
static int64_t unheard_most(struct learner *l, int64_t now_us)
{
    enum { LATELY_PARTS = 16 };
    int64_t well_us = l->began_us < 0 ? 0 : now_us - max64(l->began_us, l->resume_us);
    if (holds(l) && is_sure(l, now_us))
        return 2 + 2 * l->lesson.limit * l->ear_us / l->period_us;
    if (holds(l))
        return max64(1, (l->way_us + l->gap_us / 2) / max64(1, l->gap_us));
    if (l->contact_count == 0) /* a burst after a quiet hour is no growth */
        return min64(grown(l, well_us), 1 + trail_lately(&l->trail, now_us) / LATELY_PARTS);
    if (l->good == 0)
        return 1;
    /* Quicker than flows into a bucket of what it may be. */
    int64_t flows = l->contacts[0].bucket * l->way_us / l->period_us;
    return 1 + well_us / l->period_us + flows + flows / 2;
}

int64_t learner_wait_us(struct learner *l, int64_t now_us, struct unheard u)
{
    if (l->burst.open && now_us >= l->burst.judge_us)
        judge(l, now_us);
    if (now_us < l->resume_us)
        return l->resume_us - now_us;
    try_more(l, now_us);
    if (u.n >= unheard_most(l, now_us))
        return max64(1, u.oldest_us + l->ear_us - now_us);
    if (!holds(l) || is_sure(l, now_us) || l->trail.last_us < 0)
        return 0;
    return max64(zone_left_us(l, now_us), l->trail.last_us + l->gap_us - now_us);
}

void learner_recall(struct learner *l, int64_t now_us, const struct lesson *lesson,
                    int64_t at_us, int64_t lately)
{
    if (at_us > now_us - l->period_us)
        trail_recall(&l->trail, at_us, lately);
    l->lesson = *lesson;
    l->lessons++;
    l->gap_us = first_gap_us(l);
    l->held_us = now_us;
    l->try_us = now_us + l->try_every_us;
}
