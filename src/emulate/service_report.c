/* service_report.c: what the emulated provider tells of itself: see docs/emulate.md. */
#include "service_state.h"

void service_report(const struct service *s, struct buf *out)
{
    int64_t admitted = 0, refused = 0, too_large = 0, ramp = 0;
    buf_puts(out, "{\"models\":[");
    for (size_t i = 0; i < s->roster.pool_count; i++) {
        const struct logbook *b = &s->roster.pools[i]->book;
        buf_puts(out, i ? "," : "");
        logbook_write(b, &s->roster.pools[i]->config, s->roster.pools[i]->name, out);
        admitted += b->admitted;
        too_large += b->too_large;
        ramp += b->ramp;
        for (size_t d = 0; d < DIM_COUNT; d++)
            refused += b->refused[d];
    }
    buf_printf(out,
               "],\"totals\":{\"arrivals\":%lld,\"admitted\":%lld,\"answered\":%lld,"
               "\"refused\":%lld,\"too_large\":%lld,\"slow_down\":%lld,\"wallet\":%lld,"
               "\"unauthorised\":%lld,\"bad_requests\":%lld},\"faults\":{",
               (long long)s->totals.arrivals, (long long)admitted,
               (long long)s->totals.answered, (long long)refused, (long long)too_large,
               (long long)ramp, (long long)s->totals.wallet, (long long)s->totals.unauthorised,
               (long long)s->totals.bad);
    for (enum mishap m = MISHAP_500; m <= MISHAP_WALLET; m++)
        buf_printf(out, "%s\"%s\":%lld", m == MISHAP_500 ? "" : ",", mishap_name(m),
                   (long long)s->totals.mishaps[m]);
    buf_printf(out,
               "},\"requests\":{\"distinct\":%zu,\"admitted_again\":%lld,"
               "\"answered_again\":%lld},\"routes\":",
               s->seen.count, (long long)s->seen.admitted_again,
               (long long)s->seen.answered_again);
    route_limits_report(&s->routes, out);
    buf_printf(out, ",\"files\":{\"uploads\":%lld,\"bytes\":%lld},\"batches\":",
               (long long)s->store.uploads, (long long)s->store.bytes);
    jobs_report(&s->jobs, out);
    buf_puts(out, ",\"threads\":");
    threads_report(&s->threads, out);
    buf_puts(out, ",\"snags\":{");
    for (enum snag n = SNAG_BUSY; n <= SNAG_EXPIRE; n++) {
        int64_t struck = s->totals.snags[n] + s->jobs.world.snags[n];
        struck += n == SNAG_FAIL ? s->threads.fails : 0;
        buf_printf(out, "%s\"%s\":%lld", n == SNAG_BUSY ? "" : ",", snag_name(n),
                   (long long)struck);
    }
    buf_puts(out, "}}");
}
