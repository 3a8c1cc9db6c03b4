/* threads.h: threads, their messages and runs, in the shape of OpenAI's Assistants API. Its
 * first provider retires it; others serve the same shape.
 *
 *   QUEUED --> IN_PROGRESS --> COMPLETED | INCOMPLETE (max_completion_tokens ended it)
 *                  \--> FAILED (a limit of its model refuses its tokens; a fault)
 *   QUEUED, IN_PROGRESS --thread_cancel_run--> CANCELLING --> CANCELLED
 *
 * A run draws on its model's budgets when it is begun, as a request does on arrival; a refusal
 * shows in last_error, of an answer 200. Pure: the clock is an argument. */
#ifndef SLUICE_THREADS_H
#define SLUICE_THREADS_H

#include "emulate.h"
#include "errand.h"
#include "roster.h"

#define RUN_STATES(X)                                                                          \
    X(QUEUED, "queued")                                                                        \
    X(IN_PROGRESS, "in_progress")                                                              \
    X(COMPLETED, "completed")                                                                  \
    X(INCOMPLETE, "incomplete")                                                                \
    X(FAILED, "failed")                                                                        \
    X(CANCELLING, "cancelling")                                                                \
    X(CANCELLED, "cancelled")

enum run_state {
#define X(name, text) RUN_##name,
    RUN_STATES(X)
#undef X
};
enum { RUN_STATE_COUNT = RUN_CANCELLED + 1 };
const char *run_state_name(enum run_state s);

struct thread_message {
    struct str id, content, metadata; /* JSON texts */
    const char *role;
    struct str run_id, assistant_id; /* empty: a client's */
    int64_t characters;
    int64_t created_us;
    bool gone;
};

struct thread_run {
    struct thread *thread;
    struct str id, assistant_id, model, instructions, metadata;
    enum run_state state;
    int64_t at_us[RUN_STATE_COUNT]; /* when it came into each state; -1: never */
    int64_t begins_us, ends_us, cancelled_us;
    int64_t characters; /* of the instructions */
    int64_t max_tokens; /* 0: not given */
    int64_t input_tokens, output_tokens;
    struct str last_error; /* JSON, or empty */
    /* of the budgets it draws on, while it is in progress */
    struct roster_pool *pool;
    unsigned generation;
};

struct thread {
    struct arena arena; /* all its texts */
    struct str id, metadata;
    int64_t created_us;
    struct thread_message **messages;
    size_t message_count;
    struct thread_run **runs;
    size_t run_count;
    struct thread_run *active; /* locks the thread */
    bool gone;
};

struct threads {
    const struct emulate_config *config; /* these are lent */
    struct registry *registry;
    struct roster *roster;
    struct random *luck;
    struct thread **items; /* oldest first */
    size_t count, room;
    int64_t fails; /* SNAG_FAIL that struck */
};
enum { THREADS_MAX = 100000, THREAD_ITEMS_MAX = 100000 };

void threads_free(struct threads *s); /* forgets all */
struct thread *threads_find(const struct threads *s, struct str id);
struct thread_message *thread_find_message(const struct thread *t, struct str id);
struct thread_run *thread_find_run(const struct thread *t, struct str id);
/* NULL when there are too many. */
struct thread *threads_add(struct threads *s, int64_t now_us);
struct thread_message *thread_add_message(struct threads *s, struct thread *t, int64_t now_us);
/* Queues a run, which locks the thread; the caller fills in what it is about. */
struct thread_run *thread_add_run(struct threads *s, struct thread *t, int64_t now_us);
void thread_cancel_run(struct thread_run *r, int64_t now_us);
void thread_delete(struct thread *t);
/* What is due. When to call again: later, or INT64_MAX for never. */
int64_t threads_work(struct threads *s, int64_t now_us);
void threads_report(const struct threads *s, struct buf *out);

/* thread_api.c: /v1/threads and what is below it. */
void threads_serve(struct threads *s, struct errand *e);

#endif
